"""What `sceau register` does: snapshots, plans, decisions of ordres, people (CP 3.2.3, CP 4.9.1, CP 4.9.3)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pki.bootstrap.home import Home, open_home
from pki.bootstrap.registrar import lifecycle, organisations
from pki.cli import _officer
from pki.cli._files import read
from pki.cli._output import emit
from pki.cli._text import at, count, day, fields, minute, person_name, profession, table
from pki.cli.work import plan_text
from pki.cli.work.board import OPERATOR
from pki.cli.work.certificates import as_data as certificate_data
from pki.register.entry import RegisterEntry, standing
from pki.register.sanctions import SIZE_LIMIT, Decision, DecisionFile, read_decisions
from pki.register.snapshot import BadLine, Progress
from pki.registration.checks import holder_of_person
from pki.registration.lifecycle import Applied, Plan
from pki.registration.model import SnapshotRecord
from trust import clock
from trust.errors import Conflict, Malformed, Missing, Refused

SHOWN = 20


def _import(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    date = None if args.date is None else _date(args.date)
    talk = not args.json and sys.stderr.isatty()
    result = lifecycle(home).receive(args.file, by=OPERATOR, register_date=date, progress=_progress if talk else None)
    if talk:
        print(file=sys.stderr)
    snapshot = result.snapshot
    data = {
        "snapshot": snapshot.sha256,
        "content": snapshot.content_sha256,
        "register_date": at(snapshot.register_date),
        "lines": snapshot.lines,
        "people": snapshot.people,
        "doubtful": snapshot.doubtful,
        "refused_lines": result.refused_total,
        "refused": [{"line": bad.number, "reason": bad.reason} for bad in result.refused],
        "contradictions": result.contradictions_total,
        "columns_absent": list(result.absent),
        "columns_unknown": list(result.unknown),
    }
    people, of = count(snapshot.people, "person", "people"), minute(snapshot.register_date)
    lines = [
        f"{people} in {count(snapshot.lines, 'line')}, register of {of}.",
        f"Snapshot {snapshot.sha256}",
    ]
    if result.refused_total:
        lines += [
            f"{count(result.refused_total, 'line')} could not be read ({snapshot.doubtful} people are in doubt, and left alone):"
        ]
        lines += _bad_lines(result.refused, result.refused_total)
    if result.contradictions_total:
        lines.append(f"{count(result.contradictions_total, 'person', 'people')} whose lines give different names.")
    emit(args, data, "\n".join([*lines, "Next: `sceau register plan` shows what applying it would change."]))
    return 0


def _snapshots(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    with home.store.read() as tx:
        snapshots, applied = tx.register.all_snapshots(), tx.register.applied()
    in_force = applied.sha256 if applied else None
    data = [
        {
            "snapshot": each.sha256,
            "register_date": at(each.register_date),
            "lines": each.lines,
            "people": each.people,
            "refused_lines": each.refused_lines,
            "imported_at": at(each.imported_at),
            "applied_at": at(each.applied_at),
            "in_force": each.sha256 == in_force,
        }
        for each in snapshots
    ]
    rows = [
        (
            each.sha256[:16],
            minute(each.register_date),
            each.people,
            each.lines,
            each.refused_lines,
            minute(each.imported_at),
            "in force" if each.sha256 == in_force else f"applied {day(each.applied_at)}" if each.applied_at else "waits",
        )
        for each in snapshots
    ]
    head = ("SNAPSHOT", "REGISTER OF", "PEOPLE", "LINES", "REFUSED", "IMPORTED", "STATE")
    emit(args, data, table(head, rows, numbers=(2, 3, 4)) if rows else "Nothing was imported yet: `sceau register import FILE`.")
    return 0


def _plan(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    plan = lifecycle(home).plan(_chosen(home, args.snapshot).sha256)
    people = plan_text.people_of(home, plan, everybody=args.full)
    data = plan_text.as_data(plan) | {"people": [person.as_data() for person in people]}
    emit(args, data, plan_text.text(home, plan, people, limit=None if args.full else SHOWN))
    return 0


def _sign(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    plan = lifecycle(home).plan(_chosen(home, args.snapshot).sha256)
    signed = _signed(args, home, plan)
    lacking = plan.needed - len(signed)
    then = "`sceau register apply` applies it" if lacking <= 0 else f"{count(lacking, 'more officer')} must sign it"
    emit(args, plan_text.as_data(plan) | {"signed": list(signed)}, f"Signed by {', '.join(signed)}. Next: {then}.")
    return 0


def _apply(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    service = lifecycle(home)
    plan = service.plan(_chosen(home, args.snapshot).sha256)
    if args.plan is not None and not plan.hash.startswith(args.plan.rstrip("….")):
        raise Conflict(f"the plan is now {plan.hash}, not {args.plan}: look at it again with `sceau register plan`")
    signed = plan.signed if args.officer is None else _signed(args, home, plan)
    if len(signed) < plan.needed:
        reason = (
            f"{len(signed)} of {plan.needed} officers have signed this plan: `sceau register sign --officer ID` adds a signature"
        )
        raise Refused(reason, citation="CP 4.9.3")
    done = service.apply(plan)
    text = f"The register of {minute(plan.snapshot.register_date)} is in force: {plan_text.counts(plan)}.\n{_effect(done)}"
    emit(args, plan_text.as_data(plan) | {"signed": list(signed), **_applied(done)}, text)
    return 0


def _signed(args: argparse.Namespace, home: Home, plan: Plan) -> tuple[str, ...]:
    service = lifecycle(home)
    signer = _officer.open_signer(args, home)
    words = f"apply the register of {minute(plan.snapshot.register_date)}: {plan_text.counts(plan)} (plan {plan.hash[:16]})"
    return service.sign(plan, _officer.sign(args, signer, service.plan_statement(plan, signer.officer.id), words))


def _show(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    holder = holder_of_person(args.number, home.settings.mode)
    now = home.clock.now()
    with home.store.read() as tx:
        line, gone = tx.register.get(holder)
        sanctions = tx.register.sanctions_of(holder)
        applied = tx.register.applied()
        certificates = tx.certificates.of_holder(holder)
    entry = RegisterEntry.parse(line)
    present = None if gone else entry
    boards = {
        board.code: standing(present, board.professions)
        for board in home.settings.boards.values()
        if entry.professions & board.professions
    }
    data = {
        "idnat": entry.idnat,
        "rpps": str(entry.rpps),
        "family_name": entry.family_name,
        "given_name": entry.given_name,
        "gone_since": at(gone),
        "register_date": at(applied.register_date) if applied else None,
        "exercices": [
            {
                "profession": each.profession,
                "label": profession(each.profession, each.category),
                "category": each.category,
                "authority": each.authority,
                "know_how": list(each.know_how),
                "places": len(each.activities),
            }
            for each in entry.exercices
        ],
        "boards": {code: {"right": found.right_to_practise, "reasons": list(found.reasons)} for code, found in boards.items()},
        "decisions": [
            {
                "board": each.board,
                "decision": each.decision.value,
                "effective": at(each.effective_at),
                "reference": each.reference,
                "lifted_at": at(each.lifted_at),
            }
            for each in sanctions
        ],
        "certificates": [certificate_data(each, now) for each in certificates],
    }
    emit(args, data, _person_text(data, applied, gone))
    return 0


def _person_text(data: dict[str, Any], applied: SnapshotRecord | None, gone: datetime | None) -> str:
    pairs: list[tuple[str, object]] = [
        ("person", person_name(data["given_name"], data["family_name"])),
        ("RPPS", data["rpps"]),
        ("register", "gone since " + day(gone) if gone else f"present on {minute(applied.register_date)}" if applied else None),
    ]
    pairs += [
        ("exercice", f"{each['label']} ({each['profession']}/{each['category']}) {each['authority']}")
        for each in data["exercices"]
    ]
    for code, found in data["boards"].items():
        pairs.append(
            (code, "has the right to practise" if found["right"] else f"no right to practise ({', '.join(found['reasons'])})")
        )
    for each in data["decisions"]:
        lifted = f", lifted {each['lifted_at'][:10]}" if each["lifted_at"] else ""
        pairs.append(
            ("decision", f"{each['decision']} by {each['board']} from {each['effective'][:10]} ({each['reference']}){lifted}")
        )
    for each in data["certificates"]:
        pairs.append(("certificate", f"{each['serial']} {each['profile']} {each['status']} until {each['not_after'][:10]}"))
    return fields(pairs)


def _sanctions(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    file = read_decisions(read(args.file, SIZE_LIMIT), test_mode=home.settings.mode != "production")
    if args.dry_run:
        return _report_decisions(args, file)
    decisions = file.whole()
    if args.officer is None:
        raise Missing("an officer answers for these decisions: name one with --officer, or try with --dry-run")
    service, signer = lifecycle(home), _officer.open_signer(args, home)
    words = f"{signer.officer.board} decided: " + "; ".join(_decision_words(decisions))
    act = _officer.sign(args, signer, service.sanctions_statement(decisions, signer.officer.id), words)
    done = service.record_sanctions(decisions, act)
    emit(args, {"decisions": len(decisions), **_applied(done)}, f"{count(len(decisions), 'decision')} recorded.\n{_effect(done)}")
    return 0


def _report_decisions(args: argparse.Namespace, file: DecisionFile) -> int:
    data = {
        "decisions": [
            {
                "line": each.number,
                "idnat": each.idnat,
                "decision": each.kind.value,
                "effective": each.effective.isoformat(),
                "reference": each.reference,
            }
            for each in file.decisions
        ],
        "refused": [{"line": bad.number, "reason": bad.reason} for bad in file.refused],
    }
    lines = [
        f"{count(len(file.decisions), 'decision')} can be read:",
        *(f"  {words}" for words in _decision_words(file.decisions)),
    ]
    if file.refused:
        lines += [f"{count(len(file.refused), 'line')} cannot be read, so that none would be recorded:"]
        lines += _bad_lines(file.refused, len(file.refused))
    emit(args, data, "\n".join(lines))
    return 1 if file.refused else 0


def _decision_words(decisions: Sequence[Decision]) -> list[str]:
    words = [f"{each.kind.value} of {each.idnat} from {each.effective} ({each.reference})" for each in decisions[:SHOWN]]
    return words if len(decisions) <= SHOWN else [*words, f"and {len(decisions) - SHOWN} more"]


def _reconcile(args: argparse.Namespace) -> int:
    home = open_home(args.home)
    done = lifecycle(home).reconcile()
    ended = organisations(home).reconcile()
    emit(args, _applied(done) | {"structures_ended": ended}, _effect(Applied(done.held, done.released, done.revoked + ended)))
    return 0


def _chosen(home: Home, prefix: str | None) -> SnapshotRecord:
    """Return the snapshot that was named, or the latest that is not in force."""
    with home.store.read() as tx:
        snapshots, applied = tx.register.all_snapshots(), tx.register.applied()
    if prefix is None:
        dates = [each for each in snapshots if applied is None or each.register_date >= applied.register_date]
        waiting = [each for each in dates if each.applied_at is None]
        if not waiting:
            raise Missing("no snapshot waits to be applied: `sceau register import FILE` reads an extraction")
        return waiting[0]
    found = [each for each in snapshots if each.sha256.startswith(prefix.rstrip("….").lower())]
    if len({each.sha256 for each in found}) != 1:
        raise Missing(
            f"{'no snapshot begins' if not found else 'several snapshots begin'} with {prefix!r}: `sceau register snapshots`"
        )
    return found[0]


def _date(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"a date is written 2026-11-20 or 2026-11-20T06:00, not {text!r}") from None
    return clock.parse((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat())


def _bad_lines(lines: Sequence[BadLine], total: int) -> list[str]:
    shown = [f"  line {bad.number}: {bad.reason}" for bad in lines[:SHOWN]]
    return shown if total <= SHOWN else [*shown, f"  and {total - SHOWN} more (--json lists a thousand)"]


def _applied(done: Applied) -> dict[str, int]:
    return {"held": done.held, "released": done.released, "revoked": done.revoked}


def _effect(done: Applied) -> str:
    if not (done.held or done.released or done.revoked):
        return "No certificate changed."
    return f"Certificates: {done.held} put on hold, {done.released} released, {done.revoked} revoked."


def _progress(progress: Progress) -> None:
    share = f" {100 * progress.octets // progress.total} %" if progress.total and progress.stage == "reading" else ""
    what = f"{progress.lines:,} lines" if progress.stage == "reading" else f"{progress.people:,} people"
    print(f"\r{progress.stage}{share}: {what}".ljust(50).replace(",", " "), end="", file=sys.stderr, flush=True)


VERBS = {
    "import": _import,
    "snapshots": _snapshots,
    "plan": _plan,
    "sign": _sign,
    "apply": _apply,
    "show": _show,
    "sanctions": _sanctions,
    "reconcile": _reconcile,
}
