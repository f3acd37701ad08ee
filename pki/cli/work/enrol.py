"""What `sceau ra enrol` does: applications from options or from a table, judged, signed, submitted (CP 4.1.2)."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pki.bootstrap.home import Home, open_home
from pki.bootstrap.registrar import enrolment
from pki.cli import _officer
from pki.cli._files import read, write
from pki.cli._output import emit
from pki.cli._text import count, short_name, table
from pki.issuance.order import read_request
from pki.registration.applications import MAX_OCTETS, Application, LineError, read_csv
from pki.registration.enrol import Draft
from pki.registration.model import Batch, RequestRecord
from trust.errors import Malformed, SceauError

LARGEST_REQUEST = 65536
"""Octets of a certification request (CP 4.1.2)."""


@dataclass(frozen=True)
class Outcome:
    """What became of one line."""

    line: int
    number: str
    outcome: str
    """``submitted`` (or ``acceptable``, in a dry run), ``known`` or ``refused``."""
    reason: str = ""
    request: str | None = None
    profile: str = ""
    name: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "line": self.line or None,
            "number": self.number,
            "outcome": self.outcome,
            "reason": self.reason or None,
            "request": self.request,
            "profile": self.profile or None,
            "name": self.name or None,
        }


def run(args: argparse.Namespace) -> int:
    """Judge, and unless this is a dry run, sign and submit."""
    applications = _applications(args)
    home = open_home(args.home)
    signer = None if args.dry_run else _officer.open_signer(args, home)
    service = enrolment(home)
    draft = service.draft(args.officer, applications)
    outcomes = _outcomes(applications, draft, "acceptable" if args.dry_run else "submitted")
    batch = None
    if signer is not None and draft.records:
        act = _officer.sign(args, signer, draft.statement(home.clock.now()), _words(draft, outcomes))
        batch = service.submit(draft, act)
    _tell(args, home, draft, batch, outcomes)
    if args.report is not None:
        write(args.report, _report(outcomes))
    return 1 if draft.refused else 0


def _applications(args: argparse.Namespace) -> list[Application | LineError]:
    if args.csv is not None:
        if args.rpps or args.structure or args.csr:
            raise Malformed("either a table (--csv) or one application (--rpps or --structure, and --csr), not both")
        return list(read_csv(read(args.csv, MAX_OCTETS), args.profile, _beside(args.csv.parent)))
    if not (args.rpps or args.structure) or args.csr is None:
        raise Malformed("one application needs --rpps or --structure, and --csr; many come in a table, with --csv")
    return [
        Application(
            number=args.rpps or args.structure,
            profile=args.profile,
            csr=read(args.csr, LARGEST_REQUEST),
            family_name=args.family_name,
            given_name=args.given_name,
            email=args.email,
            dns_names=tuple(args.dns_name),
            common_name=args.common_name,
        )
    ]


def _beside(folder: Path) -> Callable[[str], bytes]:
    """Return how to open a request that a table names: a file in the table's folder or below, and no other of the machine."""
    root = folder.resolve()

    def open_csr(name: str) -> bytes:
        try:
            path = (root / name).resolve()
        except (ValueError, OSError, RuntimeError):  # a NUL, a name too long, links in a circle
            raise Malformed("the name of the certification request is no name of a file") from None
        if not path.is_relative_to(root):
            raise Malformed(f"{name}: a certification request is a file beside the table")
        try:
            return read(path, LARGEST_REQUEST)
        except SceauError as error:
            raise Malformed(str(error)) from None

    return open_csr


def _outcomes(applications: Sequence[Application | LineError], draft: Draft, taken: str) -> list[Outcome]:
    refused = {each.line: each for each in draft.refused}
    known = dict(draft.known)
    # The requests of a draft are in the order of the lines that were neither refused nor known.
    records = iter(draft.records)
    outcomes = []
    for application in applications:
        line = application.line
        if line in refused:
            outcomes.append(Outcome(line, refused[line].number, "refused", refused[line].reason))
        elif line in known:
            outcomes.append(_taken(line, known[line], "known"))
        else:
            outcomes.append(_taken(line, next(records), taken))
    return outcomes


def _taken(line: int, record: RequestRecord, outcome: str) -> Outcome:
    subject = read_request(record.statement).subject
    reason = "submitted before: same person, profile and key" if outcome == "known" else ""
    return Outcome(line, record.holder, outcome, reason, record.id, record.profile, short_name(subject))


def _words(draft: Draft, outcomes: Sequence[Outcome]) -> str:
    asked = [outcome for outcome in outcomes if outcome.outcome == "submitted"]
    profiles = {profile: sum(each.profile == profile for each in asked) for profile in sorted({each.profile for each in asked})}
    what = ", ".join(f"{number} {profile}" for profile, number in profiles.items())
    names = "; ".join(each.name for each in asked[:3]) + ("; …" if len(asked) > 3 else "")
    return f"ask for {count(len(asked), 'certificate')} ({what}) for {draft.board}: {names}"


def _tell(args: argparse.Namespace, home: Home, draft: Draft, batch: Batch | None, outcomes: Sequence[Outcome]) -> None:
    needed = home.settings.board(draft.board).approvals_for(len(draft.records))
    data = {
        "board": draft.board,
        "batch": batch.id if batch else None,
        "submitted": len(draft.records) if batch else 0,
        "acceptable": len(draft.records),
        "known": len(draft.known),
        "refused": len(draft.refused),
        "approvals_needed": needed if draft.records else 0,
        "dry_run": args.dry_run,
        "lines": [outcome.as_data() for outcome in outcomes],
    }
    emit(args, data, "\n".join(_lines(args, draft, batch, outcomes, needed)))


def _lines(args: argparse.Namespace, draft: Draft, batch: Batch | None, outcomes: Sequence[Outcome], needed: int) -> list[str]:
    lines = []
    told = [outcome for outcome in outcomes if args.dry_run or outcome.outcome != "submitted"]
    if told:
        rows = [(each.line or "", each.number, each.outcome, each.reason or f"{each.name}: {each.profile}") for each in told]
        lines.append(table(("LINE", "NUMBER", "OUTCOME", ""), rows, numbers=(0,)))
    verb = "can be" if args.dry_run else "are" if len(draft.records) > 1 else "is"
    parts = [
        f"{count(len(draft.records), 'request')} {verb} submitted" if draft.records else "nothing new to submit",
        f"{len(draft.known)} submitted before" if draft.known else "",
        f"{count(len(draft.refused), 'line')} refused" if draft.refused else "",
    ]
    lines.append(f"{'; '.join(part for part in parts if part)}.".capitalize())
    if args.dry_run:
        lines.append("This was a dry run: nothing was kept.")
    elif batch is not None:
        who = f"{count(needed, 'officer')} of {draft.board}, other than {draft.requester}"
        lines.append(f"Batch {batch.id}\nNext: `sceau ra approve {batch.id} --officer ID`, by {who}.")
    return lines


def _report(outcomes: Sequence[Outcome]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(("line", "number", "outcome", "reason", "request", "profile", "name"))
    for each in outcomes:
        cells = (each.line or "", each.number, each.outcome, each.reason, each.request or "", each.profile, each.name)
        writer.writerow([_harmless(str(cell)) for cell in cells])
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a stranger's text for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
