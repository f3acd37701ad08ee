"""Authorities of other algorithms: one of ML-DSA-65 whole, at work; those of P-384, RSA-3072 and Ed25519 in short.

OpenSSL of Debian 12 judges the classical ones. It knows no ML-DSA: there pyca is the judge, which implements X.509 and ML-DSA
without us; what it verifies is fetched over HTTP from the running authority.
"""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store

from pki.inventory.model import Certificate, Reason
from pki.protocols.ocsp import read_request
from pki.status.answer import Answerer, Policy
from tests.builders.judges import Chain, addresses, download, openssl, read, to_pem
from tests.builders.served import Served, serving, until
from tests.world import World, certification_request, nurse
from trust.clock import SystemClock
from trust.testing import FixedClock

pytestmark = pytest.mark.xdist_group("algorithms")

ML_DSA = "2.16.840.1.101.3.4.3.18"


@dataclass
class Quantum:
    """The authority of ML-DSA-65, and what a relying party fetched from it."""

    served: Served
    folder: Path
    root: x509.Certificate
    cas: dict[str, x509.Certificate]

    def fetch(self, url: str) -> bytes:
        """Fetch with curl."""
        return download(url, self.folder / "fetched").read_bytes()

    def people(self, state: str) -> list[tuple[str, x509.Certificate]]:
        """The practitioners' certificates in a state: serial and certificate."""
        found = json.loads(self.served.says("cert", "list", "--profile", "ps-authentification", "--state", state, "--json"))
        return [(each["serial"], self.certificate(each["serial"])) for each in found]

    def certificate(self, serial: str) -> x509.Certificate:
        """The certificate of a serial."""
        return read(self.served.certificate(serial, self.folder / f"{serial}.pem"))

    def status(self, leaf: x509.Certificate, *, nonce: bytes | None = None, by_get: bool = False) -> ocsp.OCSPResponse:
        """Ask for a status, and verify the answer: by a responder of the same CA, for that purpose, within its dates."""
        issuer = self.cas["personnes"]
        builder = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, SHA1() if by_get else SHA256())
        if nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        asked = builder.build().public_bytes(Encoding.DER)
        if by_get:
            answer = self.fetch(f"{self.served.publication}/ocsp/{quote(base64.b64encode(asked), safe='')}")
        else:
            answer = post(self.served, asked)
        read_answer = ocsp.load_der_ocsp_response(answer)
        (responder,) = read_answer.certificates
        responder.verify_directly_issued_by(issuer)
        usages = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(usages) == [ExtendedKeyUsageOID.OCSP_SIGNING]
        verify(responder.public_key(), read_answer.signature, read_answer.tbs_response_bytes)
        assert read_answer.signature_algorithm_oid.dotted_string == ML_DSA
        assert read_answer.serial_number == leaf.serial_number
        now = SystemClock().now()
        assert read_answer.next_update_utc is not None
        assert read_answer.this_update_utc <= now < read_answer.next_update_utc
        return read_answer


def verify(key: object, signature: bytes, octets: bytes) -> None:
    """Verify an ML-DSA-65 signature: raises when it is not one."""
    assert isinstance(key, mldsa.MLDSA65PublicKey)
    key.verify(signature, octets)


def post(served: Served, asked: bytes) -> bytes:
    """Ask by POST."""
    connection = http.client.HTTPConnection("127.0.0.1", served.base_port + 1, timeout=10)
    connection.request("POST", "/ocsp", asked, {"Content-Type": "application/ocsp-request"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert (answer.status, answer.getheader("Content-Type")) == (200, "application/ocsp-response")
    return body


@pytest.fixture(scope="module")
def quantum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quantum]:
    """`sceau init --algorithm ML-DSA-65`, served."""
    folder = tmp_path_factory.mktemp("quantum")
    with serving(folder, "--algorithm", "ML-DSA-65") as served:
        fetched = {
            ca: x509.load_der_x509_certificate(download(f"{served.publication}/aia/{ca}.cer", folder / f"{ca}.der").read_bytes())
            for ca in ("racine", "personnes", "organisations")
        }
        yield Quantum(served, folder, fetched.pop("racine"), fetched)


def test_every_authority_of_it_signs_with_ml_dsa_65(quantum: Quantum) -> None:
    """Root, issuing CAs and their keys; each under the root."""
    for each in (quantum.root, *quantum.cas.values()):
        assert each.signature_algorithm_oid.dotted_string == ML_DSA
        assert isinstance(each.public_key(), mldsa.MLDSA65PublicKey)
        each.verify_directly_issued_by(quantum.root)


def test_pyca_validates_the_path_of_a_server_and_of_a_practitioner(quantum: Quantum) -> None:
    """Its path validation accepts ML-DSA: a P-256 server by its name, practitioners as clients."""
    builder = PolicyBuilder().store(Store([quantum.root])).time(SystemClock().now())
    server = read(quantum.served.home / "demo" / "certificates" / "1990000010-localhost.pem")
    path = builder.build_server_verifier(x509.DNSName("localhost")).verify(server, [quantum.cas["organisations"]])
    assert path == [server, quantum.cas["organisations"], quantum.root]

    # A practitioner's name is in an otherName, where the web's rules want a DNS name: those on the leaf's names are set aside.
    leaf = ExtensionPolicy.permit_all().require_present(x509.ExtendedKeyUsage, Criticality.NON_CRITICAL, None)
    clients = builder.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=leaf).build_client_verifier()
    for _, certificate in quantum.people("issued")[:3]:
        verified = clients.verify(certificate, [quantum.cas["personnes"]])
        assert verified.chain == [certificate, quantum.cas["personnes"], quantum.root]


def test_a_damaged_signature_does_not_verify(quantum: Quantum) -> None:
    """The checks above can fail."""
    (_, certificate), *_ = quantum.people("issued")
    octets = bytearray(certificate.public_bytes(Encoding.DER))
    octets[-1] ^= 1
    with pytest.raises(InvalidSignature):
        x509.load_der_x509_certificate(bytes(octets)).verify_directly_issued_by(quantum.cas["personnes"])


def test_a_key_of_ml_dsa_is_certified_too(quantum: Quantum) -> None:
    """A doctor asks with an ML-DSA-65 key; another officer approves; the certificate holds that key and is said to be good."""
    waiting = json.loads(quantum.served.says("ra", "list", "--board", "CNOM", "--state", "submitted", "--json"))
    (record, *_) = json.loads(quantum.served.says("ra", "show", waiting[0]["batch"], "--json"))["requests"]
    person = json.loads(quantum.served.says("register", "show", record["holder"], "--json"))
    key = mldsa.MLDSA65PrivateKey.generate()
    request = quantum.folder / "ml-dsa.csr"
    request.write_bytes(certification_request(key))
    named = ("--rpps", person["rpps"], "--family-name", person["family_name"], "--given-name", person["given_name"])
    asked = ("--profile", "ps-signature", "--csr", request, "--officer", "cnom-1")
    batch = quantum.served.does("ra", "enrol", *named, *asked)["batch"]
    quantum.served.does("ra", "approve", batch, "--officer", "cnom-2")
    serials: list[str] = []

    def issued() -> bool:
        requests = json.loads(quantum.served.says("ra", "show", batch, "--json"))["requests"]
        serials[:] = [each["serial"] for each in requests if each["serial"]]
        return bool(serials)

    until(issued, "the certificate")
    certificate = quantum.certificate(serials[0])
    certificate.verify_directly_issued_by(quantum.cas["personnes"])
    assert certificate.public_key() == key.public_key()
    until(lambda: status_of(quantum, certificate) == "good", "its status")


def status_of(quantum: Quantum, certificate: x509.Certificate) -> str:
    """The status in a word; before it is published there is none."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, quantum.cas["personnes"], SHA1())
    answer = ocsp.load_der_ocsp_response(post(quantum.served, builder.build().public_bytes(Encoding.DER)))
    successful = answer.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
    return quantum.status(certificate).certificate_status.name.lower() if successful else answer.response_status.name


def test_a_revocation_is_seen_by_ocsp_and_on_the_list_that_the_certificate_names(quantum: Quantum) -> None:
    """Good by POST and GET, with the nonce that was sent; then revoked by an officer, with the reason, everywhere; every
    signature is ML-DSA-65 and verifies."""
    (serial, certificate), *_ = quantum.people("issued")
    nonce = bytes(range(32))
    for answer in (quantum.status(certificate), quantum.status(certificate, by_get=True)):
        assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD
    live = quantum.status(certificate, nonce=nonce)
    assert live.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert live.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce

    board = json.loads(quantum.served.says("cert", "show", serial, "--json"))["board"].lower()
    quantum.served.does("ra", "revoke", serial, "--reason", "superseded", "--officer", f"{board}-2")
    until(lambda: status_of(quantum, certificate) == "revoked", "revoked by OCSP", patience=60)
    # Each worker of publication sees it in its own moment: the next question may reach another one.
    until(
        lambda: quantum.status(certificate, by_get=True).revocation_reason is x509.ReasonFlags.superseded,
        "its reason by GET",
        patience=60,
    )
    assert quantum.status(certificate, nonce=nonce).certificate_status is ocsp.OCSPCertStatus.REVOKED

    (named,) = addresses(certificate).lists
    until(lambda: on_list(quantum, named, certificate), "on its list")
    until(lambda: on_list(quantum, f"{quantum.served.publication}/crl/personnes.crl", certificate), "on the full list")
    assert not on_list(quantum, named, quantum.people("issued")[0][1])


def on_list(quantum: Quantum, url: str, certificate: x509.Certificate) -> bool:
    """Is the certificate on a list, which its issuer signed with ML-DSA-65?"""
    crl = x509.load_der_x509_crl(quantum.fetch(url))
    assert crl.signature_algorithm_oid.dotted_string == ML_DSA
    verify(quantum.cas["personnes"].public_key(), crl.signature, crl.tbs_certlist_bytes)
    return crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None


def test_the_roots_own_list_is_signed_by_the_root(quantum: Quantum) -> None:
    """Nothing of it is revoked."""
    (named,) = addresses(quantum.cas["personnes"]).lists
    crl = x509.load_der_x509_crl(quantum.fetch(named))
    verify(quantum.root.public_key(), crl.signature, crl.tbs_certlist_bytes)
    assert len(crl) == 0


# --- the classical ones, by OpenSSL ---------------------------------------------------------------------------------------------

NAMES = {
    "P-384": ("ecdsa-with-SHA384", "NIST CURVE: P-384"),
    "RSA-3072": ("sha256WithRSAEncryption", "Public-Key: (3072 bit)"),
    "Ed25519": ("ED25519", "ED25519 Public-Key"),
}
"""How OpenSSL calls the signatures and the keys."""


@dataclass
class Classical:
    """A world of one algorithm at today's date, because OpenSSL judges by today's date; two nurses, one of them revoked."""

    algorithm: str
    world: World
    folder: Path
    chain: Chain
    good: Certificate
    revoked: Certificate

    def file(self, certificate: Certificate) -> Path:
        """Write a certificate in PEM."""
        path = self.folder / f"{certificate.serial.hex()}.der"
        path.write_bytes(certificate.der)
        return to_pem(path)

    def published(self, name: str) -> Path:
        """A published list, in PEM."""
        path = self.folder / f"crl-{name.replace('/', '-')}.der"
        path.write_bytes((self.world.directory / "publication" / "www" / "crl" / f"{name}.crl").read_bytes())
        return to_pem(path, "crl")

    def answer(self, request: Path) -> Path:
        """Answer a request that OpenSSL wrote, as publication does."""
        answerer = Answerer(self.world.home.settings.publication / "status", None, Policy(), read_request)
        path = self.folder / "answer"
        path.write_bytes(answerer.answer(request.read_bytes(), self.world.clock.now()).body)
        answerer.close()
        return path


@pytest.fixture(scope="module", params=sorted(NAMES))
def classical(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classical]:
    """An authority of that algorithm, in one process."""
    folder = tmp_path_factory.mktemp(request.param)
    world = World(folder / "home", algorithm=request.param, clock=FixedClock(SystemClock().now()))
    world.apply_register([nurse(1), nurse(2)])
    good, revoked = world.enrol(nurse(1)), world.enrol(nurse(2))
    world.revoke(revoked, Reason.SUPERSEDED)
    world.issuer.turn_until_idle()
    pems = []
    for ca in ("racine", "personnes"):
        (folder / f"{ca}.der").write_bytes((world.directory / "publication" / "www" / "aia" / f"{ca}.cer").read_bytes())
        pems.append(to_pem(folder / f"{ca}.der"))
    yield Classical(request.param, world, folder, Chain(*pems), good, revoked)
    world.close()


def test_openssl_accepts_the_good_one_and_refuses_the_revoked_one(classical: Classical) -> None:
    """By the shard and by the full list, down from the root; signatures and keys are of the algorithm."""
    signature, key = NAMES[classical.algorithm]
    for ca in (classical.chain.root, classical.chain.issuing):
        shown = openssl("x509", "-in", ca, "-noout", "-text").words
        assert f"Signature Algorithm: {signature}" in shown
        assert key in shown
    for certificate, accepted in ((classical.good, True), (classical.revoked, False)):
        for lists in ((f"personnes/{certificate.shard}", "racine"), ("personnes", "racine")):
            files = [part for name in lists for part in ("-CRLfile", classical.published(name))]
            said = openssl("verify", *classical.chain.openssl, "-crl_check_all", *files, classical.file(certificate))
            assert (said.code == 0) == accepted, said.words
            assert accepted or "certificate revoked" in said.words


def test_openssl_believes_the_answers(classical: Classical) -> None:
    """Good and revoked, signed ahead by a responder of the algorithm."""
    request = classical.folder / "request"
    for certificate, status in ((classical.good, "good"), (classical.revoked, "revoked")):
        about = ("-issuer", classical.chain.issuing, "-cert", classical.file(certificate), "-no_nonce")
        assert openssl("ocsp", *about, "-reqout", request).code == 0
        answer = classical.answer(request)
        said = openssl("ocsp", *about, "-respin", answer, "-CAfile", classical.chain.root).words
        assert "Response verify OK" in said
        assert f".pem: {status}" in said
        shown = openssl("ocsp", "-respin", answer, "-noverify", "-resp_text").words
        assert f"Signature Algorithm: {NAMES[classical.algorithm][0]}" in shown
