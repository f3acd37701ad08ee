"""What the OCSP measurements are about: a CA, its delegated responder (P-256), a population, its status store, and questions.

The store is made by the product's own code; the peers get the octets of the same answers. Two in a hundred are revoked. The
certificates themselves are never made: no responder looks at them.
"""

from __future__ import annotations

import base64
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bench.table import note
from pki.protocols.ocsp import read_request
from pki.status.answer import Answerer, Policy
from pki.status.model import SHA1, Authority, Responder, Status, StatusFact, window
from pki.status.presign import ResponseSigner
from pki.status.response import cert_id
from pki.status.store import StatusWriter
from trust import der, oids
from trust.algorithms import ALGORITHMS
from trust.clock import SystemClock

P256 = ALGORITHMS["P-256"]
CA_ID = "personnes"


@dataclass
class Fixture:
    """One population and its questions."""

    folder: Path
    """Home of the publication under measure; the store is in ``publication/status``."""
    count: int
    sample: list[bytes]
    """Serials that are asked about, shuffled; all of them, or as many as a load generator holds."""
    authority: Authority
    responder: Responder
    signer: ResponseSigner
    ca_pem: Path
    responder_pem: Path
    responder_key: Path

    def fact(self, serial: bytes) -> StatusFact:
        """What is true of a serial."""
        if serial[-1] % 50 == 0:
            return StatusFact(serial, Status.REVOKED, datetime(2026, 1, 15, tzinfo=UTC), 1)
        return StatusFact(serial, Status.GOOD)

    def question(self, serial: bytes, nonce: bytes = b"") -> bytes:
        """Write an OCSPRequest about one of ours."""
        return question(self.authority, serial, nonce)

    def answers(self) -> Iterator[tuple[bytes, bytes]]:
        """Go through (serial, OCSPResponse) of the sample, from the store."""
        answerer = Answerer(self.folder / "publication" / "status", None, Policy(), read_request)
        now = SystemClock().now()
        for serial in self.sample:
            yield serial, answerer.answer(self.question(serial), now).body
        answerer.close()

    def write_requests(
        self, path: Path, *, method: str = "POST", serials: list[bytes] | None = None, nonces: bool = False
    ) -> Path:
        """Write the load for `ocsp.lua`."""
        source = random.Random(7)
        with path.open("w") as file:
            for serial in serials or self.sample:
                body = self.question(serial, source.randbytes(16) if nonces else b"")
                if method == "POST":
                    file.write(f"POST /ocsp {body.hex()}\n")
                else:
                    file.write(f"GET /ocsp/{quote(base64.b64encode(body).decode(), safe='')}\n")
        return path


def question(authority: Authority, serial: bytes, nonce: bytes = b"") -> bytes:
    """Write an OCSPRequest as nearly every client does: SHA-1 CertID, no extension unless a nonce."""
    extensions = b""
    if nonce:
        value = der.octet_string(der.octet_string(nonce))
        extensions = der.explicit(2, der.sequence(der.sequence(der.oid(oids.OCSP_NONCE), value)))
    single = der.sequence(cert_id(authority, SHA1, serial))
    return der.sequence(der.sequence(der.sequence(single), extensions))


def serials(count: int, seed: int) -> list[bytes]:
    """Draw serials of the product's form, sorted."""
    source = random.Random(seed)
    return sorted(bytes((0x40 | source.getrandbits(6),)) + source.randbytes(15) for _ in range(count))


def make(folder: Path, count: int, sample: int = 100_000) -> Fixture:
    """Make the CA, the responder, and sign the whole population into a store."""
    now = SystemClock().now() - timedelta(minutes=2)
    ca_key, key = P256.generate(), P256.generate()
    ca = _certificate("AC de mesure", ca_key, None, now)
    certificate = _certificate("OCSP de mesure", key, (ca, ca_key), now)
    files = {"ca.pem": ca.public_bytes(Encoding.PEM), "responder.pem": certificate.public_bytes(Encoding.PEM)}
    files["responder.key"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    authority = Authority.of(CA_ID, ca.public_bytes(Encoding.DER))
    responder = Responder(CA_ID, 1, certificate.public_bytes(Encoding.DER), "ocsp", certificate.not_valid_after_utc)
    signer = ResponseSigner(authority, responder, lambda data: P256.sign(key, data))
    population = serials(count, 1)
    asked = random.Random(2).sample(population, min(count, sample))
    made = Fixture(
        folder, count, asked, authority, responder, signer, folder / "ca.pem", folder / "responder.pem", folder / "responder.key"
    )
    _publish(made, population, now)
    return made


def _publish(made: Fixture, population: list[bytes], now: datetime) -> None:
    note(f"signing {len(population)} answers")
    with StatusWriter(made.folder / "publication" / "status") as writer:
        writer.add_authority(made.authority)
        writer.begin_rebuild()
        batch = writer.new_batch(made.responder, *window(now, timedelta(days=3), made.responder))
        for start in range(0, len(population), 50_000):
            facts = (made.fact(serial) for serial in population[start : start + 50_000])
            writer.append(CA_ID, made.signer.presign(facts, batch), batch)
        writer.commit_rebuild(expected=len(population))


def _certificate(name: str, key: object, issuer: tuple[x509.Certificate, object] | None, now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .serial_number(2 if issuer else 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=400))
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
    )
    if issuer:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    return builder.sign(issuer[1] if issuer else key, SHA256())  # type: ignore[arg-type]


def python() -> list[str]:
    """Return the command that runs our interpreter on our tree."""
    return [sys.executable, "-P"]
