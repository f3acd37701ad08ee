"""`sceau register`: load the national register, see what would change, apply it

An extraction becomes a snapshot; the difference with the register in force is a plan; officers sign the plan; then it is applied
(CP 4.9.1, CP 4.9.3). Nothing changes before `apply`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli import _officer
from pki.cli._frame import Parser, Subparsers, command, verbs_of
from pki.cli._text import paragraph

FILE = "PS_LibreAcces_Personne_activite_202611200600.txt"


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "register",
        "load the national register, see what would change, apply it",
        examples=[],
        description=paragraph("The national register (RPPS): import an extraction, see the plan, have it signed, apply it."),
    )
    verbs = verbs_of(parser)
    _declare_import(verbs)
    command(verbs, "snapshots", "list the extractions that were imported", examples=["sceau register snapshots"])
    _declare_plan(verbs)
    _declare_apply(verbs)
    shown = command(
        verbs,
        "show",
        "show a person as the register in force knows them",
        examples=["sceau register show 99700000013"],
        description=paragraph(
            "Show a person of the register in force: standing before each board, decisions of ordres, certificates."
        ),
    )
    shown.add_argument("number", metavar="RPPS", help="RPPS number (11 digits) or national identifier (12)")
    _declare_sanctions(verbs)
    command(
        verbs,
        "reconcile",
        "compare every live certificate with the register and mend what differs",
        examples=["sceau register reconcile", "sceau register reconcile --json"],
        description=paragraph(
            "Hold, release or revoke certificates so that they agree with the register and the ordres' decisions."
        ),
    )


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import register

    return register.VERBS[args.verb](args)


def _declare_import(verbs: Subparsers) -> None:
    parser = command(
        verbs,
        "import",
        "read an extraction and keep it as a snapshot",
        examples=[f"sceau register import {FILE}", "sceau register import extraction.zip --date 2026-11-20"],
        description=paragraph(
            "Read an extraction of the national register (text or zip) and keep it as a snapshot. Lines that cannot be read are "
            "listed with their number; nothing in force changes."
        ),
    )
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="the extraction: PS_LibreAcces_Personne_activite_….txt, or its zip"
    )
    parser.add_argument(
        "--date", metavar="DATE", help="date of the register (2026-11-20, 2026-11-20T06:00), if the name lacks it"
    )


def _declare_plan(verbs: Subparsers) -> None:
    plan = command(
        verbs,
        "plan",
        "show what applying a snapshot would change",
        examples=["sceau register plan", "sceau register plan 3fa9c1 --full", "sceau register plan --json"],
        description=paragraph("Show who is new, changed, gone or back, who would lose the right to practise, and who must sign."),
    )
    _add_snapshot(plan)
    plan.add_argument("--full", action="store_true", help="name everybody, and not only the first of those who lose the right")
    signed = command(
        verbs,
        "sign",
        "sign the plan of a snapshot, as an officer",
        examples=[f"sceau register sign {_officer.EXAMPLE}"],
        description=paragraph("Sign the plan of a snapshot. A plan that takes the right of many needs two officers (CP 4.9.3)."),
    )
    _add_snapshot(signed)
    _officer.add_options(signed, role="signs the plan")


def _declare_apply(verbs: Subparsers) -> None:
    parser = command(
        verbs,
        "apply",
        "apply the plan of a snapshot that enough officers signed",
        examples=["sceau register apply", f"sceau register apply {_officer.EXAMPLE}", "sceau register apply --plan 5be0…"],
        description=paragraph(
            "Apply a plan: the register in force changes and, in the same transaction, certificates of people who are gone go on "
            "hold and those of people who are back are released. With --officer, sign it first."
        ),
    )
    _add_snapshot(parser)
    parser.add_argument("--plan", metavar="HASH", help="apply only if the plan is this one (its hash, or the beginning of it)")
    _officer.add_options(parser, required=False, role="signs the plan first")


def _declare_sanctions(verbs: Subparsers) -> None:
    parser = command(
        verbs,
        "sanctions",
        "record decisions of an ordre: radiation, suspension, opposition, levée",
        examples=[
            f"sceau register sanctions decisions.csv {_officer.EXAMPLE}",
            "sceau register sanctions decisions.csv --dry-run",
        ],
        description=paragraph(
            "Record an ordre's decisions, all or none, and let them take effect: a radiation or an opposition revokes, a "
            "suspension holds, a levée lifts. The file is a CSV with the columns rpps (or idnat), decision, date, reference."
        ),
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the decisions")
    parser.add_argument("--dry-run", action="store_true", help="read and report, record nothing")
    _officer.add_options(parser, required=False, role="answers for the decisions (role revoke)")


def _add_snapshot(parser: Parser) -> None:
    parser.add_argument(
        "snapshot",
        metavar="SNAPSHOT",
        nargs="?",
        help="hash of the snapshot or the beginning of it (else the latest that is not in force)",
    )
