"""`sceau ra`: enrol people and structures, decide on requests, revoke

The registration authority's work: an officer asks and signs what is asked, another approves, the issuer checks and issues
(CP 4.1, CP 4.2, CP 4.9). Every step is a signed act, and each is shown in words before it is signed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli import _officer, _revocation
from pki.cli._frame import Parser, Subparsers, command, verbs_of
from pki.cli._options import add_limit, whole
from pki.cli._text import paragraph

_AS = "--officer cnom-1 --key cnom-1.pem --passphrase-file cnom-1.pass"
_OTHER = "--officer cnom-2 --key cnom-2.pem --passphrase-file cnom-2.pass"


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "ra",
        "enrol people and structures, decide on requests, revoke",
        examples=[],
        description="The registration authority: requests, approvals, revocations, structures.",
    )
    verbs = verbs_of(parser)
    _declare_enrol(verbs)
    _declare_batches(verbs)
    _declare_decisions(verbs)
    _revocation.declare_revoke(verbs, "sceau ra revoke")
    _revocation.declare_hold(verbs, "sceau ra hold", "sceau ra release")
    _declare_organisations(verbs)
    _declare_prove(verbs)


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    if args.verb == "enrol":
        from pki.cli.work import enrol

        return enrol.run(args)
    if args.verb == "organisation":
        from pki.cli.work import organisations

        return organisations.VERBS[args.organisation_verb](args)
    if args.verb == "prove":
        from pki.cli.work import prove

        return prove.run(args)
    if args.verb in ("revoke", "hold", "release"):
        from pki.cli.work import revoke

        return revoke.VERBS[args.verb](args)
    from pki.cli.work import batches

    return batches.VERBS[args.verb](args)


def _declare_enrol(verbs: Subparsers) -> None:
    parser = command(
        verbs,
        "enrol",
        "ask for certificates: one, or thousands from a table",
        examples=[
            f"sceau ra enrol --rpps 99700000013 --family-name Essai --given-name Anne --csr anne.csr {_AS}",
            f"sceau ra enrol --structure 990000010 --profile serveur-tls-ec --dns-name www.hopital.example --csr www.csr {_AS}",
            "sceau ra enrol --csv people.csv --officer cnom-1 --dry-run",
            f"sceau ra enrol --csv people.csv --report report.csv {_AS}",
        ],
        description=paragraph(
            "Ask for certificates, as an officer with the role register. Each line is judged against the register, the board and "
            "the rules on keys; --dry-run says what each would give and keeps nothing. What is asked waits for another officer's "
            "approval. The table is a CSV with a header: rpps, nom, prenom, csr (base64, or a file beside the table), and by "
            "need profil, courriel, structure, domaines, application. Exit code 1 when a line is refused; the others are taken."
        ),
    )
    parser.add_argument("--csv", metavar="FILE", type=Path, help="a table of applications")
    parser.add_argument("--report", metavar="FILE", type=Path, help="write the outcome of every line to this CSV")
    parser.add_argument("--dry-run", action="store_true", help="judge and report, keep nothing; needs no key")
    parser.add_argument("--profile", metavar="ID", default="ps-authentification", help="profile (ps-authentification)")
    one = parser.add_argument_group("one application")
    number = one.add_mutually_exclusive_group()
    number.add_argument("--rpps", metavar="NUMBER", help="RPPS number of the person")
    number.add_argument("--structure", metavar="NUMBER", help="FINESS or SIRET of the structure")
    one.add_argument("--family-name", metavar="NAME", default="", help="family name, to be compared with the register")
    one.add_argument("--given-name", metavar="NAME", default="", help="given name, to be compared with the register")
    one.add_argument("--email", metavar="ADDRESS", help="secure mail address, for profiles that carry one")
    one.add_argument("--dns-name", metavar="NAME", action="append", default=[], help="name of the server (may be repeated)")
    one.add_argument("--common-name", metavar="NAME", default="", help="name of the application or of the seal")
    one.add_argument("--csr", metavar="FILE", type=Path, help="the certification request (PKCS#10, PEM or DER)")
    _officer.add_options(parser, role="asks")


def _declare_batches(verbs: Subparsers) -> None:
    parser = command(
        verbs,
        "list",
        "list the batches of requests",
        examples=["sceau ra list --state submitted", "sceau ra list --board CNOM --json"],
    )
    parser.add_argument("--board", metavar="CODE", help="of this board only")
    parser.add_argument("--state", choices=("submitted", "approved", "refused"), help="in this state only")
    add_limit(parser, 200)
    shown = command(
        verbs,
        "show",
        "show a batch: its requests, who signed, what became of each",
        examples=["sceau ra show 5f0c", "sceau ra show 5f0c --json"],
    )
    _add_batch(shown)


def _declare_decisions(verbs: Subparsers) -> None:
    approved = command(
        verbs,
        "approve",
        "approve a batch of requests, as another officer than the one who asked",
        examples=[f"sceau ra approve 5f0c {_OTHER}", f"sceau ra approve 5f0c --except 3 17 {_OTHER}"],
        description=paragraph(
            "Approve a batch. The signature covers every request of it, but for the positions set aside with --except. The last "
            "approval that the board demands sends the orders to the issuer."
        ),
    )
    _add_batch(approved)
    approved.add_argument("--except", dest="excluded", metavar="N", type=whole(0), nargs="+", default=[], help="set aside")
    _officer.add_options(approved, role="approves")
    refused = command(
        verbs,
        "refuse",
        "refuse a batch of requests",
        examples=[f'sceau ra refuse 5f0c --reason "Pièces manquantes" {_OTHER}'],
        description="Refuse a batch: it is over, and a correction is a new one.",
    )
    _add_batch(refused)
    refused.add_argument("--reason", metavar="TEXT", required=True, help="why, in one line; it is part of what is signed")
    _officer.add_options(refused, role="refuses")


def _declare_organisations(verbs: Subparsers) -> None:
    parser = command(
        verbs,
        "organisation",
        "declare, approve, list and withdraw structures",
        examples=[],
        description="The structures that a board answers for, with the domains of their servers (CP 3.2.2).",
    )
    below = verbs_of(parser, "organisation_verb")
    declared = command(
        below,
        "declare",
        "declare a structure",
        examples=[
            'sceau ra organisation declare 990000010 --name "HÔPITAL FICTIF" --department "Essai (99)" '
            f"--domain hopital.example {_AS}"
        ],
        description="Declare a structure; another officer of the board approves it.",
    )
    _add_structure(declared)
    declared.add_argument("--name", metavar="NAME", required=True, help="its name, as certificates will have it")
    declared.add_argument("--department", metavar="TEXT", required=True, help='name and number: "Paris (75)"')
    declared.add_argument(
        "--domain", metavar="NAME", action="append", default=[], help="a domain of its servers (may be repeated)"
    )
    _officer.add_options(declared, role="declares")
    approved = command(
        below,
        "approve",
        "approve a declared structure",
        examples=[f"sceau ra organisation approve 990000010 {_OTHER}"],
        description="Approve a structure as it is declared: from then on its certificates may be asked for.",
    )
    _add_structure(approved)
    _officer.add_options(approved, role="approves")
    listed = command(below, "list", "list the structures", examples=["sceau ra organisation list --board CNOM"])
    listed.add_argument("--board", metavar="CODE", help="of this board only")
    withdrawn = command(
        below,
        "withdraw",
        "withdraw a structure, and end its certificates",
        examples=[f'sceau ra organisation withdraw 990000010 --reason "Fermeture" {_OTHER}'],
        description=paragraph(
            "Withdraw a structure: nothing more is issued to it, and its certificates are revoked (cessationOfOperation)."
        ),
    )
    _add_structure(withdrawn)
    withdrawn.add_argument("--reason", metavar="TEXT", required=True, help="why, in one line; it is part of what is signed")
    _officer.add_options(withdrawn, role="withdraws")


def _declare_prove(verbs: Subparsers) -> None:
    parser = command(
        verbs,
        "prove",
        "show the evidence behind a certificate, and check it",
        examples=[
            "sceau ra prove 5d0c…31",
            "sceau ra prove 5d0c…31 --json > evidence.json",
            "sceau ra prove --check evidence.json",
        ],
        description=paragraph(
            "Show how a certificate came to be: the request as approved, its place under the officers' signatures, the officers' "
            "keys and mandates. The evidence (--json) is checked without this authority: --check needs the file alone, and "
            "--root the authority's root certificate that the checker trusts."
        ),
    )
    parser.add_argument("serial", metavar="SERIAL", nargs="?", help="serial number of the certificate (hexadecimal)")
    parser.add_argument("--check", metavar="FILE", type=Path, help="check this evidence instead; no home is needed")
    parser.add_argument("--root", metavar="FILE", type=Path, help="the root certificate that the evidence must lead to")


def _add_batch(parser: Parser) -> None:
    parser.add_argument("batch", metavar="BATCH", help="the batch, or the beginning of its name (`sceau ra list`)")


def _add_structure(parser: Parser) -> None:
    parser.add_argument("number", metavar="NUMBER", help="FINESS, SIRET or Struct_IdNat")
