"""Looking at every key of a home: what names it, what the custodian says of it, what it stands behind (CP 6.2, CP 6.3.2).

Makes the list that `sceau doctor --keys` and the administrators' page show. The keys of a custodian that does not answer are
listed all the same, with what configuration and database say of them. Changes nothing, signs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hsm.api import Custodian, KeyRef, KeyUse
from hsm.uses import LABEL
from pki.adapters.store.publication import ResponderRecord
from pki.adapters.store.store import Transaction
from pki.bootstrap import keyfigures, keyjudge
from pki.bootstrap.custody import open_custodian
from pki.bootstrap.home import Home
from pki.bootstrap.keyfigures import Counted
from pki.bootstrap.keylist import Behind, Judgement, Key, Keys, Place, Role, Signed
from pki.bootstrap.sealing import JOURNAL_KEY, KEY, published
from pki.inventory.model import Certificate, State
from pki.settings import CaSettings, Settings
from trust.algorithms import spki
from trust.errors import Alarm, Malformed, Missing, SceauError, Unavailable
from trust.transparency.note import VerifierKey

_USES = {
    Role.CA: (KeyUse.CERTIFICATE.value, KeyUse.CRL.value),
    Role.RESPONDER: (KeyUse.OCSP.value,),
    Role.JOURNAL: (KeyUse.CHECKPOINT.value,),
    Role.NONE: (),
}
_HERE = {"software": Place.SOFTWARE, "pkcs11": Place.TOKEN, "process": Place.PROCESS}


@dataclass(frozen=True)
class Named:
    """A key that something names: it must be there."""

    label: str
    role: Role
    ca: str
    algorithm: str
    """As the configuration says it."""
    spki_hash: bytes | None
    """SHA-256 of the public half that its certificate knows."""
    offline: bool = False
    last: datetime | None = None
    """A signature that the database tells of."""
    renewal: timedelta | None = None
    """How long before its end it should have been replaced (`keyjudge`)."""


def named(home: Home) -> list[Named]:
    """Return the keys of a home that something names: of each CA, of each responder that has not ended, of the journal."""
    known, now = home.ca_certificates(), home.clock.now()
    found = []
    with home.store.read() as tx:
        lists: dict[str, list[datetime]] = {}
        for each in tx.crls.all():
            lists.setdefault(each.ca, []).append(each.this_update)
        for ca in home.settings.cas:
            certificate = known.get(ca.id)
            last = None if ca.offline else max(lists.get(ca.id, ()), default=None)
            spki_hash = None if certificate is None else certificate.spki_hash
            found.append(Named(ca.key, Role.CA, ca.id, ca.algorithm, spki_hash, ca.offline, last))
            revoked = certificate is not None and certificate.state is State.REVOKED
            found += [_responder(tx, ca, each, awaited) for each, awaited in _standing(tx, ca.id, now, renews=not revoked)]
    return [*found, Named(JOURNAL_KEY, Role.JOURNAL, "", "Ed25519", None)]


def survey(home: Home, custodian: Custodian | None, *, by: str, fault: str = "") -> Keys:
    """Look at every key.

    Args:
        home: whose keys.
        custodian: holds them; None when it cannot be opened.
        by: who looks.
        fault: why it cannot be opened.

    Raises:
        Unavailable: the database does not answer.
    """
    place = _HERE[home.settings.custody.kind]
    there: list[str] = []
    said = _said(home.settings)
    if custodian is not None:
        try:
            there, said = custodian.labels(), custodian.describe()
        except SceauError as error:
            custodian, fault = None, str(error)
    counted = keyfigures.counted(home.settings.home)
    wanted = named(home)
    over = _over(home, there, wanted)
    with home.store.read() as tx:
        looking = _Looking(home, tx, custodian, frozenset(there), fault, counted, place)
        keys = [looking.at(each) for each in wanted]
        names = {each.label for each in wanted if not each.offline}.union(over)
        keys += [looking.at_stranger(label) for label in there if label not in names]
    return Keys(
        at=home.clock.now(),
        by=by,
        custody=said,
        fault=fault,
        remedy=keyjudge.remedy_of_custody(place) if fault else "",
        keys=tuple(keys),
        over=tuple(over),
        since=counted.since,
        damaged=counted.damaged,
    )


def examine(home: Home, *, by: str) -> Keys:
    """Open what holds the keys of a home, and look at every one; that it cannot be opened is part of the list.

    Raises:
        Unavailable: the database does not answer.
    """
    try:
        return survey(home, open_custodian(home), by=by)
    except SceauError as error:
        return survey(home, None, by=by, fault=str(error))


def longest(home: Home, ca: CaSettings) -> tuple[str, int]:
    """Return what a CA issues for longest: the profile, and the days; no profile when it issues nothing."""
    issued = [(home.profiles[name].validity_days, name) for name in ca.issues]
    below = [(other.years * 365, other.profile) for other in home.settings.cas if other.issuer == ca.id]
    days, profile = max(issued + below, default=(0, ""))
    return profile, days


@dataclass
class _Looking:
    """What a look at one key needs. A custodian that stops answering is not asked again: each question may take its time."""

    home: Home
    tx: Transaction
    custodian: Custodian | None
    there: frozenset[str]
    fault: str
    counted: Counted
    place: Place

    def at(self, wanted: Named) -> Key:
        key, found = self._asked(wanted)
        if wanted.spki_hash is not None:
            key = self._standing_behind(key, wanted.spki_hash)
        if key.role is Role.CA:
            key = self._with_full_length(key)
        key = self._with_figures(key, wanted.last)
        since = max(self.counted.since.values(), default=None)
        # What was not looked at is not judged by its signatures, too.
        found = found + keyjudge.by_calendar(
            key, now=self.home.clock.now(), renewal=wanted.renewal, counting=None if found else since
        )
        return replace(key, judgements=tuple(found))

    def at_stranger(self, label: str) -> Key:
        key, readable = Key(label, Role.NONE, "", self.place, _said(self.home.settings), "", (), ""), False
        if self.custodian is not None and LABEL.fullmatch(label):
            try:
                key, readable = self._described(key), True
            except Missing:
                pass
            except SceauError as error:
                self._hears(error)
                return replace(key, judgements=(keyjudge.of_error(error, label, self.place),))
        if key.sha256:
            key = self._standing_behind(key, bytes.fromhex(key.sha256))
        key = self._with_figures(key, None)
        return replace(key, judgements=(keyjudge.of_stranger(key, readable=readable),))

    def _asked(self, wanted: Named) -> tuple[Key, list[Judgement]]:
        """Ask the custodian, and hold its answer against what is expected."""
        expected = "" if wanted.spki_hash is None else wanted.spki_hash.hex()
        place, where = (Place.OFFLINE, "offline") if wanted.offline else (self.place, _said(self.home.settings))
        key = Key(wanted.label, wanted.role, wanted.ca, place, where, wanted.algorithm, _USES[wanted.role], expected)
        if wanted.offline or (wanted.role is Role.CA and not expected and wanted.label not in self.there):
            return key, []  # Elsewhere; or not made yet, as a ceremony is awaited.
        if self.custodian is None:
            return key, [keyjudge.unreachable("it could not be looked at", place)]
        try:
            if wanted.label not in self.there:
                raise Missing(wanted.label)
            seen = self._described(key)
            known = self._published() if wanted.role is Role.JOURNAL else expected or None
        except SceauError as error:
            self._hears(error)
            return key, [keyjudge.of_error(error, wanted.label, place)]
        return seen, keyjudge.against_certificate(seen, known) + keyjudge.against_uses(seen, _USES[wanted.role])

    def _hears(self, error: SceauError) -> None:
        if isinstance(error, Unavailable):
            self.custodian = None

    def _described(self, key: Key) -> Key:
        assert self.custodian is not None
        told = self.custodian.description(KeyRef(key.label))
        return replace(key, where=told.where, algorithm=told.algorithm, uses=told.uses, sha256=told.spki_sha256)

    def _published(self) -> str | None:
        """Return the SHA-256 of the journal's key that auditors read; None when none can be read there."""
        with suppress(Alarm, Malformed):
            said = published(self.home, KEY)
            if said is not None:
                public = Ed25519PublicKey.from_public_bytes(VerifierKey.parse(said).public_key)
                return sha256(spki(public)).hexdigest()
        return None

    def _standing_behind(self, key: Key, spki_hash: bytes) -> Key:
        now = self.home.clock.now()
        certificates = [each for each in self.tx.certificates.of_key(spki_hash) if each.signature is not None]
        behind = sorted((_behind(each, now) for each in certificates), key=lambda each: (each.not_before, each.serial))
        standing = [each.not_after for each in behind if each.status != "revoked"] or [each.not_after for each in behind]
        return replace(key, certificates=tuple(behind), retires=max(standing, default=None))

    def _with_full_length(self, key: Key) -> Key:
        profile, days = longest(self.home, self.home.settings.ca(key.ca))
        if key.retires is None or not profile:
            return key
        # The last second of a certificate belongs to it (RFC 5280 §4.1.2.5).
        full_until = key.retires + timedelta(seconds=1) - timedelta(days=days)
        return replace(key, full_until=full_until, full_profile=profile, full_days=days)

    def _with_figures(self, key: Key, last: datetime | None) -> Key:
        signed = tuple(Signed(use, figure.count, figure.last) for use, figure in self.counted.of(key.label).items())
        moments = [each.last for each in signed] + ([last] if last else [])
        return replace(key, signed=signed, last=max(moments, default=None))


def _standing(tx: Transaction, ca_id: str, now: datetime, *, renews: bool) -> Iterable[tuple[ResponderRecord, bool]]:
    """Yield the responders of a CA that have not ended, and whether each should have been replaced before it does.

    The newest is there even when it is over, unless nobody renews it any more (its CA is revoked).
    """
    records = tx.responders.of_ca(ca_id)
    for record in records:
        awaited = renews and record is records[-1]
        if record.not_after > now or awaited:
            yield record, awaited


def _responder(tx: Transaction, ca: CaSettings, record: ResponderRecord, awaited: bool) -> Named:
    certificate = tx.certificates.get(record.serial)
    renewal = timedelta(days=ca.responder_days) / 3 if awaited else None
    return Named(record.key, Role.RESPONDER, ca.id, ca.responder_algorithm, certificate.spki_hash, renewal=renewal)


def _over(home: Home, there: Sequence[str], wanted: Sequence[Named]) -> list[str]:
    """Return the labels that only responders bear which ended."""
    with home.store.read() as tx:
        responders = {record.key for ca in home.settings.cas for record in tx.responders.of_ca(ca.id)}
    return [label for label in there if label in responders - {each.label for each in wanted}]


def _behind(certificate: Certificate, now: datetime) -> Behind:
    name = json.loads(certificate.subject).get("common_name", "")
    dates = certificate.not_before, certificate.not_after
    status = certificate.status_at(now)
    return Behind(certificate.serial.hex(), str(name), certificate.ca, certificate.profile, *dates, status)


def _said(settings: Settings) -> str:
    """Say where keys live, when the custodian does not."""
    custody = settings.custody
    return {"pkcs11": f"PKCS#11 token, {custody.token}", "process": f"custody process at {custody.socket}"}.get(
        custody.kind, "software keystore"
    )
