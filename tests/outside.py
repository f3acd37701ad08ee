"""What the world outside sees of an authority: certificates, lists and answers, read by software that did not write them.

pyca reads what we wrote; `Sight` is everything published at one moment. `check_published` compares it with the database once the
issuer says that nothing waits (I8 to I10); `check_good_is_earned` holds at any moment (I9); `check_content` re-reads what was
issued (I5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from pki.inventory.model import Certificate, State
from pki.lint.rules import check as lint
from pki.protocols.ocsp import read_request
from pki.status.answer import Answerer, Policy
from pki.status.model import Authority
from tests.invariants import inventory
from tests.world import World
from trust.algorithms import PublicKey, algorithm_of

Entry = tuple[datetime, str]
"""Since when, and why."""

REASONS = {flag: flag.value for flag in x509.ReasonFlags}
NO_REASON = "unspecified"


@dataclass(frozen=True)
class Listed:
    """One CRL, as a relying party reads it."""

    number: int
    base: int | None
    this_update: datetime
    next_update: datetime
    entries: Mapping[bytes, Entry]


@dataclass
class Lists:
    """The CRLs of one CA, with the full ones that were seen before: a delta may complete an older one."""

    full: Listed
    shards: dict[int, Listed]
    deltas: dict[str, Listed]
    """By the name of the list that each completes: ``full``, or the number of a shard."""
    seen: dict[tuple[str, int], Listed] = field(default_factory=dict)

    @property
    def complete(self) -> dict[str, Listed]:
        """The lists that say everything about their part, by name."""
        return {"full": self.full} | {str(shard): listed for shard, listed in self.shards.items()}


def issuer_key(world: World, ca: str) -> PublicKey:
    """Return the public key of a CA."""
    return x509.load_der_x509_certificate(world.home.ca_certificates()[ca].der).public_key()


def read_list(octets: bytes, key: PublicKey) -> Listed:
    """Read a CRL and verify it under its issuer's key."""
    crl = x509.load_der_x509_crl(octets)
    algorithm = algorithm_of(key)
    assert algorithm is not None
    assert algorithm.verifies(key, crl.signature, crl.tbs_certlist_bytes), "a list that its issuer did not sign"
    entries: dict[bytes, Entry] = {}
    for revoked in crl:
        try:
            reason = REASONS[revoked.extensions.get_extension_for_class(x509.CRLReason).value.reason]
        except x509.ExtensionNotFound:
            reason = NO_REASON
        serial = revoked.serial_number.to_bytes(16, "big")
        assert serial not in entries, f"{serial.hex()} is listed twice"
        entries[serial] = (revoked.revocation_date_utc, reason)
    try:
        base = crl.extensions.get_extension_for_class(x509.DeltaCRLIndicator).value.crl_number
    except x509.ExtensionNotFound:
        base = None
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert crl.next_update_utc is not None
    return Listed(number, base, crl.last_update_utc, crl.next_update_utc, entries)


def read_lists(world: World, ca: str, before: Lists | None = None) -> Lists:
    """Read the CRLs that are published for a CA; `before` is what was read last time."""
    key, folder = issuer_key(world, ca), world.directory / "publication" / "www" / "crl"
    named = {path.stem: read_list(path.read_bytes(), key) for path in folder.glob(f"{ca}/*.crl")}
    whole = {end: read_list(path.read_bytes(), key) for end in ("", "-delta") if (path := folder / f"{ca}{end}.crl").exists()}
    deltas = {name.removesuffix("-delta"): listed for name, listed in named.items() if name.endswith("-delta")}
    lists = Lists(
        whole[""],
        {int(name): listed for name, listed in named.items() if name.isdigit()},
        deltas | ({"full": whole["-delta"]} if "-delta" in whole else {}),
        dict(before.seen) if before else {},
    )
    lists.seen |= {(name, listed.number): listed for name, listed in lists.complete.items()}
    return lists


def check_sequence(before: Lists, after: Lists) -> None:
    """I10: no list ever gives way to an older one, nor the same number to another content; a list and its delta share numbers."""
    pairs = [(old, after.complete[name]) for name, old in before.complete.items()]
    pairs += [(old, after.deltas[name]) for name, old in before.deltas.items()]
    for old, new in pairs:
        assert new == old or (new.number > old.number and new.this_update >= old.this_update), f"{old.number} became {new.number}"
    for name, delta in after.deltas.items():
        complete = after.complete[name]
        assert delta.number >= complete.number and delta.base is not None and delta.base <= complete.number
        assert delta.number > complete.number or not delta.entries, "one number, one state of things (RFC 5280 §5.2.3)"


def check_lists(now: datetime, known: Iterable[Certificate], lists: Lists) -> None:
    """I8, I10: the full list is the union of the shards and says what the database says, and so does the delta over its base."""
    known = list(known)
    due = {c.serial: (_since(c), _why(c)) for c in known if c.state >= State.HELD}
    living = {c.serial for c in known if c.not_after >= now}
    _check_entries("full list", lists.full.entries, due, living)
    if lists.shards:
        union: dict[bytes, Entry] = {}
        for shard, listed in lists.shards.items():
            assert not union.keys() & listed.entries.keys(), "a serial stands on two shards"
            union |= listed.entries
            mine = {c.serial for c in known if c.shard == shard}
            assert listed.entries.keys() <= mine, f"shard {shard} lists certificates that name another"
        _check_entries("shards", union, due, living)
    for name, delta in lists.deltas.items():
        base = lists.seen.get((name, delta.base or 0))
        if base is not None:
            part = {c.serial: due[c.serial] for c in known if c.serial in due and name in ("full", str(c.shard))}
            _check_entries(f"delta over {name}", _combined(base, delta), part, living)


def _combined(base: Listed, delta: Listed) -> dict[bytes, Entry]:
    total = dict(base.entries)
    for serial, entry in delta.entries.items():
        if entry[1] == "removeFromCRL":
            total.pop(serial, None)
        else:
            total[serial] = entry
    return total


def _check_entries(what: str, listed: Mapping[bytes, Entry], due: Mapping[bytes, Entry], living: set[bytes]) -> None:
    missing = {serial.hex() for serial in due.keys() & living - listed.keys()}
    assert not missing, f"{what}: {sorted(missing)} are revoked or held and not listed"
    for serial, entry in listed.items():
        assert serial in due, f"{what}: {serial.hex()} is listed and neither revoked nor held"
        assert entry == due[serial], f"{what}: {serial.hex()} is listed as {entry}, and is {due[serial]}"


def _since(certificate: Certificate) -> datetime:
    assert certificate.revoked_at is not None
    return certificate.revoked_at


def _why(certificate: Certificate) -> str:
    assert certificate.reason is not None
    return certificate.reason.standard_name


# --- answers --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """An OCSP answer: ``good``, ``revoked`` or, when there is none, the name of the response status."""

    status: str
    produced: datetime | None = None
    revoked: Entry | None = None


@cache
def _responder_key(responder: bytes, issuer: bytes) -> PublicKey:
    """Return the key of a responder once its certificate was verified: the same few answer thousands of times."""
    certificate = x509.load_der_x509_certificate(responder)
    certificate.verify_directly_issued_by(x509.load_der_x509_certificate(issuer))
    key: PublicKey = certificate.public_key()
    return key


class Sight:
    """Asks the status store of a world as publication does: no key, no database, no signer."""

    def __init__(self, world: World) -> None:
        """Open it as it stands now."""
        self._world = world
        self.cas = world.home.ca_certificates()
        self._hashes = {ca: Authority.of(ca, certificate.der) for ca, certificate in self.cas.items()}
        self._answerer = Answerer(world.home.settings.publication / "status", None, Policy(), read_request)
        self._answerer.look()

    def close(self) -> None:
        """Let go of the store."""
        self._answerer.close()

    def ask(self, ca: str, serial: bytes) -> Said:
        """Ask about one serial, and verify the answer under the CA that it claims to speak for."""
        hashes = self._hashes[ca]
        return self.ask_by_hashes(hashes.name_sha1, hashes.key_sha1, serial, ca)

    def ask_by_hashes(self, name_hash: bytes, key_hash: bytes, serial: bytes, ca: str) -> Said:
        """Ask about one serial of whichever issuer has these hashes; an answer is verified under `ca`."""
        builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(name_hash, key_hash, int.from_bytes(serial, "big"), SHA1())
        body = self._answerer.answer(builder.build().public_bytes(Encoding.DER), self._world.clock.now()).body
        read = ocsp.load_der_ocsp_response(body)
        if read.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return Said(read.response_status.name.lower())
        assert read.serial_number.to_bytes(16, "big") == serial
        assert read.next_update_utc is not None
        assert read.this_update_utc <= self._world.clock.now() < read.next_update_utc
        self._verify(read, ca)
        if read.certificate_status is ocsp.OCSPCertStatus.GOOD:
            return Said("good", read.produced_at_utc)
        assert read.certificate_status is ocsp.OCSPCertStatus.REVOKED and read.revocation_time_utc is not None
        reason = NO_REASON if read.revocation_reason is None else REASONS[read.revocation_reason]
        return Said("revoked", read.produced_at_utc, (read.revocation_time_utc, reason))

    def _verify(self, read: ocsp.OCSPResponse, ca: str) -> None:
        key = _responder_key(read.certificates[0].public_bytes(Encoding.DER), self.cas[ca].der)
        algorithm = algorithm_of(key)
        assert algorithm is not None
        assert algorithm.verifies(key, read.signature, read.tbs_response_bytes), "an answer that its responder did not sign"


def check_good_is_earned(world: World, strangers: Iterable[bytes] = (), known: Mapping[bytes, Certificate] | None = None) -> None:
    """I9, at any moment: *good* is said only of what was issued and was not revoked when it was said.

    `known` is the inventory as it stands now, when it was read already.
    """
    sight, known = Sight(world), inventory(world) if known is None else known
    try:
        for certificate in known.values():
            said = sight.ask(certificate.ca, certificate.serial)
            if said.status == "good":
                assert certificate.signature is not None, f"{certificate.serial.hex()} was never issued, and is said to be good"
                if certificate.state is not State.ISSUED:
                    assert said.produced is not None and said.produced <= _since(certificate), f"{certificate.serial.hex()}"
            elif said.revoked is not None:
                assert certificate.state is not State.PREPARED
            else:
                assert said.status in ("unauthorized", "try_later"), said
        foreign = sight.ask_by_hashes(bytes(20), b"\x01" * 20, certificate.serial, certificate.ca)
        assert foreign == Said("unauthorized"), "an issuer that is not ours was spoken for"
        for stranger in strangers:
            for ca in sight.cas:
                if stranger not in known:
                    assert sight.ask(ca, stranger) == Said("unauthorized"), f"{stranger.hex()} was never prepared"
    finally:
        sight.close()


def check_answers(world: World, known: Iterable[Certificate] | None = None) -> None:
    """I8, once nothing waits: each answer is what the database says, and of an intent nothing is said."""
    sight = Sight(world)
    try:
        for certificate in inventory(world).values() if known is None else known:
            said = sight.ask(certificate.ca, certificate.serial)
            if certificate.state is State.PREPARED:
                assert said.status == "unauthorized"
            elif certificate.state is State.ISSUED:
                assert said.status == "good", f"{certificate.serial.hex()} is issued; the answer is {said}"
            else:
                expected = (_since(certificate), _why(certificate))
                assert said.revoked == expected, f"{certificate.serial.hex()} is {expected}; the answer is {said}"
    finally:
        sight.close()


def check_published(world: World, before: Mapping[str, Lists] | None = None) -> dict[str, Lists]:
    """I8 to I10, once the issuer says that nothing waits: lists and answers say what the database says. Return the lists."""
    known = inventory(world).values()
    with world.store.read() as tx:
        records = tx.crls.all()
    check_answers(world, known)
    after = {}
    for ca in world.home.ca_certificates():
        after[ca] = read_lists(world, ca, before[ca] if before else None)
        if before:
            check_sequence(before[ca], after[ca])
        check_lists(world.clock.now(), [certificate for certificate in known if certificate.ca == ca], after[ca])
        _check_records({record.scope: record.number for record in records if record.ca == ca}, after[ca])
    return after


def _check_records(records: Mapping[str, int], lists: Lists) -> None:
    served = {name: listed.number for name, listed in lists.complete.items()}
    served |= {"delta" if name == "full" else f"{name}-delta": listed.number for name, listed in lists.deltas.items()}
    assert served == records, "the lists that are served are not the last ones on record"


# --- certificates ---------------------------------------------------------------------------------------------------------------


def check_content(world: World, certificates: Iterable[Certificate]) -> None:
    """I5: the signature verifies, the lint finds nothing, the validity is within the issuer's and begins when it was prepared."""
    authority, cas = world.issuer.authority, world.home.ca_certificates()
    for certificate in certificates:
        issuer = cas[certificate.ca]
        parsed = x509.load_der_x509_certificate(certificate.der)
        parsed.verify_directly_issued_by(x509.load_der_x509_certificate(issuer.der))
        assert parsed.tbs_certificate_bytes == certificate.tbs
        compiled = authority.compiled(certificate.ca, certificate.profile)
        assert compiled.digest == certificate.profile_digest.hex()
        assert lint(certificate.tbs, compiled, certificate.prepared_at) == []
        assert issuer.not_before <= parsed.not_valid_before_utc <= parsed.not_valid_after_utc <= issuer.not_after
        assert timedelta(0) <= certificate.prepared_at - parsed.not_valid_before_utc <= timedelta(minutes=5)


def usable(certificates: Iterable[Certificate]) -> list[Certificate]:
    """Return those that are issued now."""
    return [certificate for certificate in certificates if certificate.state is State.ISSUED]
