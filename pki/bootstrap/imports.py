"""What a CA made elsewhere comes here by file: its certificates, and its list (RFC 5280 §4, §5; CP 6.1.1, CP 4.9.7).

An offline root signs on another machine; a file is carried. Whoever carries it is not believed: a certificate is held against
the configuration, its profile, its issuer and the key in custody, and linted as if it had been made here; a list is believed
by its signature, and only goes forward. A root that nobody vouches for is taken by its hash, read on the transcript of its
ceremony. What is taken in is in the journal, and the list is kept as it came: ``HOME/imported`` may not be lost, for the
publication is written from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.x509.oid import NameOID

from hsm.api import Custodian, KeyRef
from pki.adapters.publication_files import PublicationFiles
from pki.audit.events import event
from pki.bootstrap.certification import subject_of
from pki.bootstrap.custody import issuer_view
from pki.bootstrap.home import Home
from pki.bootstrap.sealing import root as published
from pki.inventory.model import REASONS_BY_NAME, Certificate, Reason, State
from pki.lint.external import lint_certificate, lint_crl
from pki.lint.finding import refuse
from pki.lint.rules import check as lint
from pki.profiles.compiled import CompiledProfile
from pki.profiles.model import Particulars
from pki.revocation.changes import end
from pki.settings import CaSettings
from pki.status.crl_lists import CrlRecord
from pki.status.crl_scope import FULL, file_name
from pki.status.crl_sequence import CLOCK_TOLERANCE
from trust import clock as times
from trust import oids
from trust.algorithms import spki
from trust.errors import Conflict, Missing, Refused
from trust.validation.certificate import Certificate as Read
from trust.validation.certificate import read_all
from trust.validation.crl import RevocationList

BY = "import"
"""Who acts here, in the journal's words."""
CROSS = "ca-croisee"
"""The profile of a certificate by which one root vouches for another (CP 5.6)."""
FOLDER = "imported"
"""Below the home: the lists as they came, one file a CA."""


@dataclass(frozen=True)
class Imported:
    """One thing that was taken in."""

    kind: str
    """``root``, ``authority``, ``cross`` or ``list``."""
    ca: str
    """The CA that it is about; of a list, whose list it is."""
    sha256: str
    until: datetime
    """End of validity; of a list, its next update."""
    number: int | None = None
    """Of a list."""
    already: bool = False
    """It was here before, to the octet."""


def import_certificates(
    home: Home, octets: bytes, custodian: Callable[[], Custodian], *, sha256: str | None = None, by: str = BY
) -> list[Imported]:
    """Take in the certificates of a file, DER or PEM, each judged before the next: roots first.

    Args:
        home: where.
        octets: the file.
        custodian: opens the custody, to compare keys.
        sha256: of the root's certificate, hex, as its ceremony's transcript has it.
        by: which of our processes acts.

    Raises:
        Malformed: not certificates.
        Refused: not what the configuration, the profile or the policy want; by an unknown issuer; of another key.
        Conflict: another certificate stands in its place.
    """
    found = sorted(read_all(octets), key=lambda each: each.subject != each.issuer)
    return [_import(home, each, custodian, sha256, by) for each in found]


def import_list(home: Home, octets: bytes, *, most_hours: int, by: str = BY) -> Imported:
    """Take in the list of an offline CA, and publish it as it is.

    Args:
        home: where.
        octets: the list, DER.
        most_hours: of validity that the policy allows.
        by: which of our processes acts.

    Raises:
        Malformed: not a list.
        Refused: by nobody known, not for everything, over, not yet in force, too long, or it forgets a revocation.
        Conflict: its number is not above the one held.
    """
    crl = RevocationList(octets)
    ca = _issuer_of_list(home, crl)
    refuse(lint_crl(octets))
    now, digest = home.clock.now(), hashlib.sha256(octets).digest()
    record = _judged_list(home, ca, crl, most_hours, now, digest)
    with home.store.read() as tx:
        held = tx.crls.last(ca.id, FULL)
    already = held is not None and held.sha256 == digest
    if not already:
        if held is not None and (record.number <= held.number or record.this_update < held.this_update):
            raise Conflict(f"list number {record.number} of {ca.id} does not follow number {held.number}, which is held")
        _refuse_forgetting(home, ca, crl, now)
    _keep(home, ca.id, octets)
    if not already:
        _record_list(home, ca, crl, held, record, by)
    publish_lists(home, PublicationFiles(published(home)))
    return Imported("list", ca.id, digest.hex(), record.next_update, record.number, already)


def publish_lists(home: Home, files: PublicationFiles) -> None:
    """Publish the lists that came by file, as they are: those that are the last on record, and no other."""
    for ca in home.settings.cas:
        if not ca.offline:
            continue
        with home.store.read() as tx:
            record = tx.crls.last(ca.id, FULL)
        octets = _kept(home, ca.id)
        if record is not None and octets is not None and hashlib.sha256(octets).digest() == record.sha256:
            files.replace(file_name(ca.id, FULL), octets, lambda: True)


# --- certificates
# ----------------------------------------------------------------------------------------------------------------


def _import(home: Home, read: Read, custodian: Callable[[], Custodian], sha256: str | None, by: str) -> Imported:
    if read.subject == read.issuer:
        kind, ca, issuer, profile = "root", *_root(home, read, sha256)
    else:
        issuer = _issuer(home, read)
        kind, ca, profile = _certified(home, read, issuer, custodian)
    holder = f"cross:{ca.id}" if kind == "cross" else f"ca:{ca.id}"
    compiled = CompiledProfile(home.profiles[profile], issuer_view(home.settings, issuer[0], issuer[1]))
    record = _record(read, issuer[0].id, compiled, holder, home)
    _judge(home, record, compiled, ca)
    digest = hashlib.sha256(read.der).hexdigest()
    return Imported(kind, ca.id, digest, record.not_after, already=not _store(home, record, by))


def _root(home: Home, read: Read, sha256: str | None) -> tuple[CaSettings, tuple[CaSettings, Certificate], str]:
    known = home.ca_certificates()
    for ca in home.settings.cas:
        if ca.issuer is None and ca.offline and subject_of(home, ca.common_name).name_der() == read.subject:
            break
    else:
        raise Refused("no offline root of this configuration has that name", citation="CP 6.1.4")
    if (held := known.get(ca.id)) is not None and held.der != read.der:
        raise Conflict(f"another certificate of {ca.id} is here: a new root is a new entry of the configuration (CP 5.6)")
    digest = hashlib.sha256(read.der).hexdigest()
    if sha256 != digest:
        said = "its SHA-256 is to be given" if sha256 is None else "its SHA-256 is not the one given"
        raise Refused(f"nobody vouches for a root: {said}, as the transcript of its ceremony has it", citation="CP 6.1.4")
    if read.is_signed_by(read) is not True:
        raise Refused(f"the certificate of {ca.id} is not signed by its own key", citation="CP 6.1.4")
    return ca, (ca, _bare(read, ca.id)), ca.profile


def _issuer(home: Home, read: Read) -> tuple[CaSettings, Certificate]:
    """Return the CA that signed a certificate: among those of its name, the one whose key verifies (RFC 5280 §4.2.1.1)."""
    for ca_id, certificate in home.ca_certificates().items():
        issuer = Read(certificate.der)
        if issuer.subject == read.issuer and read.is_signed_by(issuer) is True:
            ca = home.settings.ca(ca_id)
            if not ca.offline:
                raise Refused(f"{ca_id} signs here: what it certifies is not brought in by file", citation="CP 4.3.1")
            if certificate.state is not State.ISSUED:
                raise Refused(f"its issuer {ca_id} is revoked", citation="CP 5.7.3")
            return ca, certificate
    raise Refused("it is signed by no authority whose certificate is here: bring its root first", citation="CP 6.1.4")


def _certified(
    home: Home, read: Read, issuer: tuple[CaSettings, Certificate], custodian: Callable[[], Custodian]
) -> tuple[str, CaSettings, str]:
    """Return which CA of the configuration a certificate is for: one with that key in custody, or a root that is here too."""
    known, named = home.ca_certificates(), []
    for ca in home.settings.cas:
        if subject_of(home, ca.common_name).name_der() != read.subject:
            continue
        named.append(ca.id)
        if ca.issuer is None and ca.id != issuer[0].id and ca.id in known:
            if Read(known[ca.id].der).key_info == read.key_info:
                return "cross", ca, CROSS
        elif ca.issuer == issuer[0].id and not ca.offline:
            try:
                held = spki(custodian().public_key(KeyRef(ca.key)))
            except Missing:
                continue
            if held == read.key_info:
                return "authority", ca, ca.profile
    if named:
        raise Refused(f"its key is not the one of {' or '.join(named)} that is in custody here", citation="CP 6.1.3")
    raise Refused(f"no authority under {issuer[0].id} in this configuration has that name", citation="CP 3.1.1")


def _bare(read: Read, ca_id: str) -> Certificate:
    """Return a root's certificate as its own issuer: enough for `issuer_view`."""
    return _inventoried(read, ca_id, "", b"", f"ca:{ca_id}", "", read.not_before)


def _record(read: Read, issuer: str, compiled: CompiledProfile, holder: str, home: Home) -> Certificate:
    text = subject_of(home, _common_name(read)).text()
    return _inventoried(read, issuer, compiled.profile.id, bytes.fromhex(compiled.digest), holder, text, home.clock.now())


def _inventoried(read: Read, issuer: str, profile: str, digest: bytes, holder: str, subject: str, at: datetime) -> Certificate:
    if read.serial.bit_length() != 127:
        raise Refused("its serial number is not one of ours: 16 octets, the first 40 to 7F", citation="CP 7.1.1")
    return Certificate(
        ca=issuer,
        serial=read.serial.to_bytes(16, "big"),
        profile=profile,
        profile_digest=digest,
        board="",
        holder=holder,
        subject=subject,
        spki_hash=hashlib.sha256(read.key_info).digest(),
        tbs=read.tbs,
        signature=read.parsed.signature,
        not_before=read.not_before,
        not_after=read.not_after,
        shard=0,
        order_id=f"own:{issuer}:{holder}",
        state=State.ISSUED,
        prepared_at=at,
    )


def _common_name(read: Read) -> str:
    return str(read.parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _judge(home: Home, record: Certificate, compiled: CompiledProfile, ca: CaSettings) -> None:
    """Hold a certificate against everything that it would have been held against if it had been made here."""
    now, subject = home.clock.now(), subject_of(home, ca.common_name)
    key = Read(record.der).key_info
    wanted = Particulars(subject, key, record.serial, record.not_before, record.not_after, 0)
    refuse(lint(record.tbs, compiled, record.not_before, wanted))
    refuse(lint_certificate(record.der, compiled.profile.lint, compiled.profile.accepted))
    if record.not_before > now + CLOCK_TOLERANCE or record.not_after <= now:
        raise Refused(f"it is valid from {record.not_before} to {record.not_after}, and it is {now}", citation="CP 6.3.2")


def _store(home: Home, record: Certificate, by: str) -> bool:
    """Put a certificate into the inventory, with its entry of the journal; return False when it is there already."""
    now = home.clock.now()
    with home.store.write() as tx:
        known = tx.certificates.of_serials([record.serial])
        if known:
            if known[0].signature is None or known[0].der != record.der:
                raise Conflict(f"another certificate has the serial number {record.serial.hex()}")
            return False
        tx.certificates.add_prepared([record], by)
        assert record.signature is not None
        tx.certificates.set_issued([(record.serial, record.signature)], now)
        facts = {"serial": record.serial.hex(), "ca": record.ca, "profile": record.profile, "subject": record.holder, "by": by}
        digests = {"key": record.spki_hash.hex(), "sha256": hashlib.sha256(record.der).hexdigest()}
        tx.journal.append(event("certificate.imported", not_after=times.text(record.not_after), **facts, **digests), at=now)
    return True


# --- lists
# -----------------------------------------------------------------------------------------------------------------------


def _issuer_of_list(home: Home, crl: RevocationList) -> CaSettings:
    reasons = []
    for ca_id, certificate in home.ca_certificates().items():
        issuer = Read(certificate.der)
        if crl.issuer != issuer.subject:
            continue
        disbelief, ca = crl.disbelief(issuer), home.settings.ca(ca_id)
        if disbelief is None and ca.offline:
            return ca
        reasons.append(f"{ca_id}: {disbelief or 'its lists are made here'}")
    raise Refused(
        "the list is by none of the offline authorities here" + "".join(f"; {each}" for each in reasons), citation="CP 4.9.7"
    )


def _judged_list(home: Home, ca: CaSettings, crl: RevocationList, most_hours: int, now: datetime, digest: bytes) -> CrlRecord:
    if crl.base_number is not None or crl.extension(oids.ISSUING_DISTRIBUTION_POINT) is not None:
        raise Refused("the list is not for everything that its authority certified", citation="CP 7.2")
    if crl.number is None or crl.next_update is None:
        raise Refused("the list has no number, or no next update", citation="CP 7.2")
    if crl.this_update > now + CLOCK_TOLERANCE:
        raise Refused(f"the list is of {crl.this_update}, and it is {now}", citation="CP 4.9.7")
    if crl.next_update <= now:
        raise Refused(f"the list is over since {crl.next_update}", citation="CP 4.9.7")
    if crl.next_update - crl.this_update > timedelta(hours=most_hours):
        raise Refused(f"the list lasts longer than {most_hours} hours", citation="CP 4.9.7")
    if crl.number >= 1 << 63:
        raise Refused("the number of the list is larger than any of ours", citation="CP 7.2")
    return CrlRecord(ca.id, FULL, crl.number, crl.this_update, crl.next_update, None, len(crl.serials), digest)


def _refuse_forgetting(home: Home, ca: CaSettings, crl: RevocationList, now: datetime) -> None:
    with home.store.read() as tx:
        revoked = [bytes(row[0]) for row in tx.certificates.revocations(ca.id, None, live_at=int(now.timestamp()))]
    if gone := [serial for serial in revoked if int.from_bytes(serial, "big") not in crl.serials]:
        raise Refused(f"the list forgets {gone[0].hex()}, which is revoked and not over", citation="CP 4.9.3")


def _record_list(home: Home, ca: CaSettings, crl: RevocationList, held: CrlRecord | None, record: CrlRecord, by: str) -> None:
    """Record a list, and the revocations that it brings, together."""
    now = home.clock.now()
    facts = {"ca": ca.id, "shard": None, "number": record.number, "entries": record.entries, "sha256": record.sha256.hex()}
    dates = {"this_update": times.text(record.this_update), "next_update": times.text(record.next_update)}
    with home.store.write() as tx:
        tx.journal.append(event("crl.imported", **facts, **dates, by=by), at=now)
        if not tx.crls.replace(held, record):
            raise Conflict(f"another list of {ca.id} came in meanwhile")
        listed = [serial.to_bytes(16, "big") for serial in crl.serials if serial.bit_length() == 127]
        for certificate in tx.certificates.of_serials(listed):
            if certificate.ca == ca.id:
                end(tx, [certificate], _reason(crl, certificate), now, by)


def _reason(crl: RevocationList, certificate: Certificate) -> Reason:
    entry = crl.entry(int.from_bytes(certificate.serial, "big"))
    for extension in entry.extensions if entry is not None else ():
        if extension.oid.dotted_string == oids.REASON_CODE:
            return REASONS_BY_NAME.get(extension.value.reason.value, Reason.UNSPECIFIED)
    return Reason.UNSPECIFIED


def _keep(home: Home, ca_id: str, octets: bytes) -> None:
    PublicationFiles(home.settings.home / FOLDER).write(f"{ca_id}.crl", octets)


def _kept(home: Home, ca_id: str) -> bytes | None:
    folder = home.settings.home / FOLDER
    return PublicationFiles(folder).read(f"{ca_id}.crl") if folder.is_dir() else None
