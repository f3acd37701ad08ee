"""A toy authority for the tests of status: a CA, its responders, a population, a store, and requests as clients write them.

Everything is made from seeds and named dates: the same octets at each run, but for the keys and what they sign.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pki.protocols.ocsp import read_request
from pki.status.answer import Answerer, Policy, Signer
from pki.status.model import SHA1, Authority, Batch, HashForm, Responder, Status, StatusFact, window
from pki.status.presign import ResponseSigner
from pki.status.store import StatusWriter
from trust import der, oids
from trust.algorithms import ALGORITHMS, PrivateKey

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)


def serials(count: int, seed: int = 1) -> list[bytes]:
    """Draw serials like the authority's: 16 octets, the first 0x40 to 0x7F; sorted."""
    source = random.Random(seed)
    return sorted(bytes((0x40 | source.getrandbits(6),)) + source.randbytes(15) for _ in range(count))


@cache
def key(algorithm: str, which: int) -> PrivateKey:
    """Make the key of a responder, once per session."""
    return ALGORITHMS[algorithm].generate()


@cache
def ca_key_of(ca_id: str) -> PrivateKey:
    """Make the key of a CA, once per session."""
    return ALGORITHMS["P-256"].generate()


@cache
def ca_certificate(ca_id: str) -> bytes:
    """Make the self-signed certificate of a CA, once per session."""
    name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"), x509.NameAttribute(NameOID.COMMON_NAME, f"AC {ca_id}")])
    ca_key = ca_key_of(ca_id)
    builder = _certificate(name, name, ca_key.public_key(), 1)
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    return _signed(builder, ca_key)


def responder(ca_id: str, index: int = 1, algorithm: str = "P-256", not_after: datetime = END) -> Responder:
    """Make a responder of a CA, once per session."""
    return _responder(ca_id, index, algorithm, not_after)


@cache
def _responder(ca_id: str, index: int, algorithm: str, not_after: datetime) -> Responder:
    ca = x509.load_der_x509_certificate(ca_certificate(ca_id))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"OCSP {ca_id} {index}")])
    builder = _certificate(name, ca.subject, key(algorithm, index).public_key(), 100 + index, not_after)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
    builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    certificate = _signed(builder, ca_key_of(ca_id))
    return Responder(ca_id, index, certificate, f"ocsp-{ca_id}-{index}", not_after)


def _certificate(
    subject: x509.Name, issuer: x509.Name, public_key: object, serial: int, not_after: datetime = END
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).serial_number(serial)
    return builder.not_valid_before(START).not_valid_after(not_after).public_key(public_key)  # type: ignore[arg-type]


def _signed(builder: x509.CertificateBuilder, private: PrivateKey) -> bytes:
    return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.DER)


def signing(who: Responder, algorithm: str = "P-256") -> Callable[[bytes], bytes]:
    """Return the signature of a responder's key."""
    private = key(algorithm, who.index)
    return lambda data: ALGORITHMS[algorithm].sign(private, data)


def authority(ca_id: str = "personnes") -> Authority:
    """Return a CA as requests name it."""
    return Authority.of(ca_id, ca_certificate(ca_id))


def good(serial: bytes) -> StatusFact:
    """Say that a certificate is good."""
    return StatusFact(serial, Status.GOOD)


def revoked(serial: bytes, reason: int | None = 1, at: datetime = NOON) -> StatusFact:
    """Say that a certificate is revoked."""
    return StatusFact(serial, Status.REVOKED, at, reason)


@dataclass
class Shop:
    """An issuer's side of one store, with one CA or several."""

    path: Path
    now: datetime = NOON
    validity: timedelta = DAY
    lease: float = 10.0
    map_size: int = 64 << 20
    ca_ids: tuple[str, ...] = ("personnes",)
    writer: StatusWriter = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Start (again)."""
        self.writer = StatusWriter(self.path, map_size=self.map_size, lease=self.lease, grace=0.0)
        for ca_id in self.ca_ids:
            self.writer.add_authority(authority(ca_id))

    def batch(self, ca_id: str = "personnes", index: int = 1) -> tuple[ResponseSigner, Batch]:
        """Begin a batch as of now."""
        who = responder(ca_id, index)
        return ResponseSigner(authority(ca_id), who, signing(who)), self.writer.new_batch(
            who, *window(self.now, self.validity, who)
        )

    def publish(self, *facts: StatusFact, ca_id: str = "personnes", index: int = 1) -> None:
        """Sign and store facts."""
        signer, batch = self.batch(ca_id, index)
        self.writer.put(ca_id, signer.presign(facts, batch), batch)

    def rebuild(self, facts: Iterable[StatusFact], ca_id: str = "personnes", index: int = 1) -> None:
        """Sign the whole population of one CA anew."""
        self.writer.begin_rebuild()
        signer, batch = self.batch(ca_id, index)
        self.writer.append(ca_id, signer.presign(facts, batch), batch)
        self.writer.commit_rebuild()

    def answerer(self, signer: Signer | None = None, policy: Policy | None = None) -> Answerer:
        """Open the publication side, in this same process."""
        return Answerer(self.path, signer, policy or Policy(), read_request)


NONCE = der.oid(oids.OCSP_NONCE)


def extension(identifier: bytes, value: bytes, *, critical: bool = False) -> bytes:
    """Write an extension."""
    return der.sequence(identifier, der.boolean(True) if critical else b"", der.octet_string(value))


def nonce_extension(nonce: bytes) -> bytes:
    """Write a nonce extension (RFC 9654)."""
    return extension(NONCE, der.octet_string(nonce))


def request(
    serial: bytes,
    ca: Authority | None = None,
    *,
    form: HashForm = SHA1,
    extensions: tuple[bytes, ...] = (),
    single_extensions: tuple[bytes, ...] = (),
    name_hash: bytes | None = None,
    key_hash: bytes | None = None,
    requestor: bytes = b"",
    signature: bytes = b"",
) -> bytes:
    """Write an OCSPRequest, ordinary or odd."""
    names = (ca or authority()).hashes(form.name)
    identifier = der.sequence(
        form.identifier,
        der.octet_string(names[0] if name_hash is None else name_hash),
        der.octet_string(names[1] if key_hash is None else key_hash),
        der.tlv(der.INTEGER, serial),
    )
    single = der.explicit(0, der.sequence(*single_extensions)) if single_extensions else b""
    asked = der.explicit(2, der.sequence(*extensions)) if extensions else b""
    tbs = der.sequence(requestor, der.sequence(der.sequence(identifier, single)), asked)
    return der.sequence(tbs, signature)
