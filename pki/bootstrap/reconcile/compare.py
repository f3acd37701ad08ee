"""Holding the inventory against the witness and the published lists. Nothing is changed here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from hsm.api import KeyUse
from hsm.witness import REQUEST, Witnessed, read
from pki.adapters.store.store import Transaction
from pki.bootstrap.home import Home
from pki.bootstrap.reconcile.lists import Listed, Published
from pki.inventory.model import Reason, State
from trust.errors import Refused

RECOVERED = "recovered:"
"""Begins the order of a row that stands for a certificate of which only the hash is known: the hash follows."""
_AT_ONCE = 5_000
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Lost:
    """A certificate that exists, or may exist, and that the inventory does not know."""

    ca: str
    serial: bytes
    key: str | None
    """Label of the key that was asked for it; None when only a list knows it."""
    at: datetime | None
    """When the key was asked."""
    tbs: bytes | None
    """SHA-256 of what was signed."""
    revoked_at: datetime | None = None
    reason: Reason | None = None
    """As the lists said it already."""


@dataclass
class Findings:
    """What inventory, witness and lists do not agree on."""

    witnessed: int = 0
    """Signatures of certificates that the witness knows."""
    known: int = 0
    """Of these, how many the inventory knows."""
    lost: dict[bytes, Lost] = field(default_factory=dict)
    """By serial: signed, and not in the inventory."""
    differing: list[Lost] = field(default_factory=list)
    """In the inventory with other octets: two contents were signed under one serial."""
    strange: list[Witnessed] = field(default_factory=list)
    """Signatures by a key that no CA of the configuration has, or over what is no certificate."""
    forgotten: dict[bytes, Listed] = field(default_factory=dict)
    """By serial: revoked or held by a list, and not, or less, by the inventory."""
    floors: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """By CA and scope of a list: (number in the database, highest number that was ever signed), where the second is higher."""
    elsewhere: list[tuple[str, int]] = field(default_factory=list)
    """CAs that sign in another place, with the number of a list that is newer than the one held: to be imported again."""

    @property
    def agree(self) -> bool:
        """Whether there is nothing to enter."""
        return not (self.lost or self.differing or self.strange or self.forgotten or self.floors or self.elsewhere)


def compare(home: Home, witness: Path | None, published: Iterable[Published]) -> Findings:
    """Compare. `witness` is None when it was lost: then the lists alone speak.

    Raises:
        Refused: the witness is not of this authority, or ends before what the inventory holds (CP 5.7.4).
        Missing, Malformed, Unavailable: as the witness's file says.
    """
    found, lists = Findings(), list(published)
    highest: dict[str, int] = {}
    with home.store.read() as tx:
        if witness is not None:
            _witnessed(home, tx, witness, found, highest)
        _forgotten(tx, lists, found)
        _numbers(home, tx, lists, highest, found)
    return found


def _witnessed(home: Home, tx: Transaction, witness: Path, found: Findings, highest: dict[str, int]) -> None:
    of_key = {ca.key: ca.id for ca in home.settings.cas}
    # Of the CAs whose keys are here: what an offline one signed is in the witness of its own place.
    newest = tx.certificates.newest_signed([ca.id for ca in home.settings.cas if not ca.offline])
    seen = newest is None
    certificates = _certificates(read(witness), of_key, found, highest)
    while some := list(islice(certificates, _AT_ONCE)):
        rows = tx.certificates.contents([serial for _, serial, _ in some])
        known = {serial: (_digest(tbs, order), State(state)) for serial, tbs, order, state in rows}
        for ca, serial, line in some:
            found.witnessed += 1
            if serial not in known:
                found.lost.setdefault(serial, Lost(ca, serial, line.key, line.at, line.sha256))
            elif known[serial][0] == line.sha256:
                found.known += 1
                seen = seen or serial == newest
            elif known[serial][1] is not State.REVOKED:
                found.differing.append(Lost(ca, serial, line.key, line.at, line.sha256))
    if not seen:
        raise Refused(
            f"the witness {witness} does not know the newest certificate of the inventory: it is another authority's, or ends "
            "before the backup was made",
            citation="CP 5.7.4",
        )


def _certificates(
    lines: Iterable[Witnessed], of_key: dict[str, str], found: Findings, highest: dict[str, int]
) -> Iterator[tuple[str, bytes, Witnessed]]:
    """Yield the signatures of certificates; take note of the numbers of lists, and of what cannot be told, on the way."""
    for line in lines:
        ca = of_key.get(line.key)
        if line.use == KeyUse.CRL and ca is not None and line.subject.isdigit():
            highest[ca] = max(highest.get(ca, 0), int(line.subject))
        elif line.use == KeyUse.CERTIFICATE and line.subject != REQUEST:
            serial = _serial(line.subject)
            if ca is None or serial is None:
                found.strange.append(line)
            else:
                yield ca, serial, line


def _serial(subject: str) -> bytes | None:
    try:
        return bytes.fromhex(subject)
    except ValueError:
        return None


def _digest(tbs: bytes, order: str) -> bytes | None:
    if order.startswith(RECOVERED):
        return _serial(order.removeprefix(RECOVERED))
    return hashlib.sha256(tbs).digest()


def _forgotten(tx: Transaction, lists: Iterable[Published], found: Findings) -> None:
    for each in lists:
        entries = each.entries()
        while some := list(islice(entries, _AT_ONCE)):
            states = {row[0]: row for row in tx.certificates.statuses([entry.serial for entry in some], ca=each.ca)}
            for entry in some:
                row = states.get(entry.serial)
                if row is None:
                    _lose(entry, found)
                elif _lacks(State(row[1]), None if row[3] is None else Reason(row[3]), entry.reason):
                    held = found.forgotten.get(entry.serial)
                    if held is None or held.reason is Reason.CERTIFICATE_HOLD:
                        found.forgotten[entry.serial] = entry


def _lose(entry: Listed, found: Findings) -> None:
    """Take note of an entry whose certificate is not in the inventory: when and why it was revoked is known from the list."""
    lost = found.lost.get(entry.serial) or Lost(entry.ca, entry.serial, None, None, None)
    final = Reason.UNSPECIFIED if entry.reason is Reason.CERTIFICATE_HOLD else entry.reason
    found.lost[entry.serial] = Lost(lost.ca, lost.serial, lost.key, lost.at, lost.tbs, entry.revoked_at, final)


def _lacks(state: State, reason: Reason | None, listed: Reason) -> bool:
    """Tell whether the inventory says less than a list said."""
    if state is State.REVOKED:
        return listed is Reason.KEY_COMPROMISE and reason is not Reason.KEY_COMPROMISE
    return not (state is State.HELD and listed is Reason.CERTIFICATE_HOLD)


def _numbers(home: Home, tx: Transaction, lists: Iterable[Published], highest: dict[str, int], found: Findings) -> None:
    held = {(record.ca, record.scope): record.number for record in tx.crls.all()}
    top: dict[str, int] = {}
    for (ca, _), number in held.items():
        top[ca] = max(top.get(ca, 0), number)
    wanted: dict[tuple[str, str], int] = {}
    for each in lists:
        wanted[each.ca, each.scope] = max(wanted.get((each.ca, each.scope), 0), each.number)
    for ca, number in highest.items():
        # The witness knows a number and a key, not which list it was: when one is above all of a CA's, all go above it.
        if number > top.get(ca, 0):
            for scope in {scope for each, scope in (*held, *wanted) if each == ca}:
                wanted[ca, scope] = max(wanted.get((ca, scope), 0), number)
    for (ca, scope), number in sorted(wanted.items()):
        if number > held.get((ca, scope), 0):
            if home.settings.ca(ca).offline:
                found.elsewhere.append((ca, number))
            else:
                found.floors[ca, scope] = (held.get((ca, scope), 0), number)
