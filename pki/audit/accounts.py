"""Do the tables say what the journal says? (invariant I11: each change of state has its entry, and each entry its change)

The journal proves itself; this compares it with the state that it tells of. The books take every entry as it goes by, in memory
that does not grow with the certificates: of these, sums of hashes are kept, and the two sides are added up. Only when the sums
differ are the certificates themselves put side by side, to name those that disagree.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_MODULUS = 1 << 128
NAMED = 10
"""How many certificates are named when they disagree."""

COUNTED: Mapping[str, str] = {
    "certificate.prepared": "certificates prepared",
    "certificate.issued": "certificates issued",
    "certificate.abandoned": "intents abandoned",
    "certificate.revoked": "certificates revoked",
    "key.blocked": "keys blocked",
    "officer.registered": "officers' keys entered",
    "order.failed": "orders that failed",
    "order.written": "orders written",
    "plan.approved": "signatures of plans",
    "request.approved": "approvals",
    "request.refused": "batches refused",
    "request.submitted": "requests submitted",
    "responder.renewed": "OCSP responders",
    "sanction.recorded": "decisions of ordres",
    "snapshot.imported": "register extractions",
    "token.made": "access tokens",
}
"""Types of which each entry stands for one row, with the words for those rows."""


class CertificateRow(NamedTuple):
    """A certificate as the inventory has it, in the journal's words; `reason` and `revoked_at` are None when it is neither held
    nor revoked."""

    serial: str
    state: str
    signed: bool
    reason: str | None
    revoked_at: str | None


@dataclass
class Tables:
    """What the tables say, in the journal's words."""

    rows: dict[str, int]
    """By type of event, how many rows its entries should stand for; certificates are given apart."""
    decisions_in_force: int
    structures: dict[str, str]
    """Structure → ``declared``, ``approved`` or ``withdrawn``."""
    officers: set[str]
    """Those with a key in force."""
    lists: dict[tuple[str, str | None], int]
    """(CA, part) → number of the last CRL."""
    register: str | None
    """SHA-256 of the extraction in force."""


class Disagreement(NamedTuple):
    """One thing on which journal and tables differ."""

    what: str
    journal: str
    tables: str

    def __str__(self) -> str:
        return f"{self.what}: {self.journal} by the journal, {self.tables} by the tables"


@dataclass
class _Sums:
    """Certificates added up: equal sums, equal sets. Of 128-bit hashes; serials are drawn: nobody chooses what adds up."""

    counts: Counter[str] = field(default_factory=Counter)
    states: int = 0
    reasons: int = 0
    dates: int = 0

    def add_state(self, state: str, serial: str, sign: int = 1) -> None:
        self.counts[state] += sign
        self.states = (self.states + sign * _hash(state, serial)) % _MODULUS

    def add_reason(self, serial: str, reason: str, sign: int = 1) -> None:
        self.reasons = (self.reasons + sign * _hash(serial, reason)) % _MODULUS

    def add_date(self, serial: str, date: str, sign: int = 1) -> None:
        self.dates = (self.dates + sign * _hash(serial, date)) % _MODULUS


def _hash(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("|".join(parts).encode()).digest()[:16], "big")


class Books:
    """What the journal says should be in the tables. Give it every entry, in order."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._sums = _Sums()
        self._held: dict[str, str] = {}
        self._decisions: Counter[tuple[str, str]] = Counter()
        self._structures: dict[str, str] = {}
        self._officers: set[str] = set()
        self._lists: dict[tuple[str, str | None], int] = {}
        self._register: str | None = None

    def take(self, line: str) -> None:
        """Take an entry. One that cannot be read is left to the journal's own verification."""
        try:
            entry = json.loads(line)
            kind, facts = entry["type"], entry["facts"]
            self._counts[kind] += 1
            if kind.startswith("certificate."):
                self._certificate(kind, facts)
            else:
                self._other(kind, facts)
        except (ValueError, KeyError, TypeError, RecursionError):
            self._counts["unreadable"] += 1

    def compare(self, tables: Tables, certificates: Iterable[CertificateRow]) -> list[Disagreement]:
        """Compare with the tables; an empty list means that they agree."""
        found = [
            Disagreement(words, str(self._counts[kind]), str(tables.rows[kind]))
            for kind, words in COUNTED.items()
            if kind in tables.rows and tables.rows[kind] != self._counts[kind]
        ]
        pairs: tuple[tuple[str, object, object], ...] = (
            ("decisions of ordres in force", sum(self._decisions.values()), tables.decisions_in_force),
            ("structures", self._structures, tables.structures),
            ("officers with a key", self._officers, tables.officers),
            ("numbers of revocation lists", self._lists, tables.lists),
            ("register in force", self._register, tables.register),
        )
        found += [Disagreement(what, *_difference(ours, theirs)) for what, ours, theirs in pairs if ours != theirs]
        return found + self._compare_certificates(certificates)

    def _certificate(self, kind: str, facts: Mapping[str, Any]) -> None:
        serial, sums = facts["serial"], self._sums
        match kind:
            case "certificate.prepared":
                sums.add_state("prepared", serial)
            case "certificate.issued":
                sums.add_state("issued", serial)
            case "certificate.imported":
                sums.add_state("prepared", serial)
                sums.add_state("issued", serial)
            case "certificate.abandoned":
                sums.add_state("revoked", serial)
                sums.add_reason(serial, "unspecified")
            case "certificate.recovered":
                sums.add_state("prepared", serial)
                sums.add_state("revoked", serial)
                sums.add_reason(serial, facts["reason"])
            case "certificate.held":
                if serial not in self._held:  # a hold may pass from the register to an officer: it is one hold
                    self._held[serial] = facts["revoked_at"]
                    self._hold(serial, 1)
            case "certificate.released":
                self._hold(serial, -1)
                del self._held[serial]
            case "certificate.revoked":
                if serial in self._held:
                    self._hold(serial, -1)
                    del self._held[serial]
                sums.add_state("revoked", serial)
                sums.add_reason(serial, facts["reason"])
                sums.add_date(serial, facts["revoked_at"])
            case "certificate.reason_upgraded":
                sums.add_reason(serial, facts["was"], -1)
                sums.add_reason(serial, facts["reason"])

    def _hold(self, serial: str, sign: int) -> None:
        self._sums.add_state("held", serial, sign)
        self._sums.add_reason(serial, "certificateHold", sign)
        self._sums.add_date(serial, self._held[serial], sign)

    def _other(self, kind: str, facts: Mapping[str, Any]) -> None:
        match kind:
            case "sanction.recorded":
                self._decisions[facts["subject"], facts["ordre"]] += 1
            case "sanction.lifted":
                del self._decisions[facts["subject"], facts["ordre"]]  # whatever was in force ended
            case "organisation.declared" | "organisation.approved" | "organisation.withdrawn":
                self._structures[facts["organisation"]] = kind.partition(".")[2]
            case "officer.registered":
                self._officers.add(facts["officer"])
            case "officer.withdrawn":
                self._officers.discard(facts["officer"])
            case "crl.published" | "crl.imported" | "crl.raised":
                self._lists[facts["ca"], facts["shard"]] = facts["number"]
            case "plan.applied":
                self._register = facts["snapshot"]

    def _compare_certificates(self, certificates: Iterable[CertificateRow]) -> list[Disagreement]:
        theirs = _Sums()
        for row in certificates:
            theirs.add_state("prepared", row.serial)
            if row.signed:
                theirs.add_state("issued", row.serial)
            if row.state in ("held", "revoked"):
                theirs.add_state(row.state, row.serial)
                theirs.add_reason(row.serial, row.reason or "")
                if row.signed:
                    theirs.add_date(row.serial, row.revoked_at or "")
        ours = self._sums
        found = [
            Disagreement(f"certificates {state}", str(ours.counts[state]), str(theirs.counts[state]))
            for state in ("prepared", "issued", "held", "revoked")
            if ours.counts[state] != theirs.counts[state]
        ]
        if not found and (ours.states, ours.reasons, ours.dates) != (theirs.states, theirs.reasons, theirs.dates):
            which = "states" if ours.states != theirs.states else "reasons" if ours.reasons != theirs.reasons else "dates"
            found.append(Disagreement(f"{which} of certificates", "one thing", "another, of as many"))
        return found


def _difference(ours: object, theirs: object) -> tuple[str, str]:
    """Say in what two sides differ, briefly."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted((key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)), key=str)
        return _brief({key: ours.get(key) for key in keys}), _brief({key: theirs.get(key) for key in keys})
    if isinstance(ours, set) and isinstance(theirs, set):
        return _brief(dict.fromkeys(sorted(ours - theirs))), _brief(dict.fromkeys(sorted(theirs - ours)))
    return str(ours), str(theirs)


def _brief(some: Mapping[Any, Any]) -> str:
    shown = [_pair(key, value) for key, value in list(some.items())[:NAMED]]
    return ", ".join(shown) + (", …" if len(some) > NAMED else "") if shown else "nothing more"


def _pair(key: Any, value: Any) -> str:
    name = "/".join(str(part) for part in key if part is not None) if isinstance(key, tuple) else str(key)
    return name if value is None else f"{name} {value}"


class Names:
    """The certificates one by one, to name those that disagree: for the second reading, when the sums differed."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, str | None, str | None]] = {}

    def take(self, line: str) -> None:
        """Take an entry."""
        try:
            entry = json.loads(line)
            kind, facts = entry["type"], entry["facts"]
            if not kind.startswith("certificate."):
                return
            serial = facts["serial"]
            match kind.partition(".")[2]:
                case "prepared" | "issued" as state:
                    self._told[serial] = (state, None, None)
                case "released" | "imported":
                    self._told[serial] = ("issued", None, None)
                case "held" | "revoked" as state:
                    self._told[serial] = (state, facts["reason"], facts["revoked_at"])
                case "abandoned":
                    self._told[serial] = ("revoked", "unspecified", None)
                case "recovered":
                    self._told[serial] = ("revoked", facts["reason"], None)
                case "reason_upgraded":
                    state, _, date = self._told[serial]
                    self._told[serial] = (state, facts["reason"], date)
        except (ValueError, KeyError, TypeError, RecursionError):
            return

    def compare(self, certificates: Iterable[CertificateRow]) -> list[Disagreement]:
        """Name the first certificates on which the two sides differ."""
        found: list[Disagreement] = []
        for row in certificates:
            theirs = (row.state, row.reason, row.revoked_at if row.signed else None)
            ours = self._told.pop(row.serial, None)
            if ours != theirs and len(found) < NAMED:
                found.append(Disagreement(f"certificate {row.serial}", _words(ours), _words(theirs)))
        found += [Disagreement(f"certificate {serial}", _words(told), "not there") for serial, told in self._told.items()]
        return found[:NAMED]


def _words(told: tuple[str, str | None, str | None] | None) -> str:
    return "never prepared" if told is None else " ".join(part for part in told if part)
