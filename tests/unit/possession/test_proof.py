"""What a proven request gives back, and to whom it is refused."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from pki.registration.possession import LARGEST, prove_possession
from tests.corpus.csr import generate as corpus
from tests.unit.keys import moduli
from trust.algorithms import ALGORITHMS, spki
from trust.errors import Malformed, Refused
from trust.known_weak import KnownWeakModuli, compile_list, digest

EMPTY = x509.Name([])


def _built(name: str, **options: Any) -> tuple[bytes, bytes]:
    """A request made by pyca's builder, and the key in it."""
    key = ALGORITHMS[name].generate()
    hashed: Any = options.pop("digest", ALGORITHMS[name].digest)
    csr = x509.CertificateSigningRequestBuilder().subject_name(EMPTY).sign(key, hashed, **options)
    return csr.public_bytes(Encoding.DER), spki(key.public_key())


@pytest.mark.parametrize("name", ALGORITHMS)
def test_possession_is_proven_for_every_algorithm(name: str) -> None:
    """The key comes back as it stands in the request, with its hash and its name."""
    request, key = _built(name)
    proven = prove_possession(request)
    assert (proven.spki, proven.algorithm, proven.csr_der) == (key, name, request)
    assert proven.spki_sha256 == hashlib.sha256(key).digest()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_request_fits_the_size_limit_in_pem(name: str) -> None:
    """The largest is ML-DSA-87's, some 10,000 octets."""
    request, _ = _built(name)
    block = corpus.pem(request)
    assert len(block) < LARGEST
    assert prove_possession(block).csr_der == request


def test_a_key_that_the_profile_does_not_accept_is_refused() -> None:
    """The citation is about key sizes, not about the proof."""
    request, _ = _built("P-256")
    with pytest.raises(Refused) as refusal:
        prove_possession(request, {"P-384", "RSA-3072"})
    assert refusal.value.citation == "CP 6.1.5"


def test_a_key_on_the_operators_list_is_refused() -> None:
    """The list travels with the call."""
    listed = KnownWeakModuli(compile_list([digest(moduli.sound(2048)).hex()]))
    with pytest.raises(Refused, match="public knowledge"):
        prove_possession((corpus.FOLDER / "good-key-rsa2048.csr").read_bytes(), known_weak=listed)


def test_a_pss_signature_proves_with_a_sound_hash_only() -> None:
    """RSASSA-PSS with SHA-256 is accepted; with SHA-1 inside, refused."""
    sound, _ = _built("RSA-2048", rsa_padding=padding.PSS(padding.MGF1(hashes.SHA256()), 32))
    assert prove_possession(sound).algorithm == "RSA-2048"

    # The parameters carry the hash: each of the two SHA-256 identifiers of the request is renamed to SHA-224.
    renamed = sound.replace(bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040204"))
    with pytest.raises(Refused) as refusal:
        prove_possession(renamed)
    assert refusal.value.citation == "CP 3.2.1"


def test_the_names_asked_for_are_told_and_not_copied() -> None:
    """For a server, the DNS names; for a person, the subject that others compare with the authenticated one."""
    names = prove_possession((corpus.FOLDER / "good-dns-names.csr").read_bytes())
    assert names.asked_dns_names == ("dossier.exemple.test", "www.exemple.test")
    subject = prove_possession((corpus.FOLDER / "good-subject.csr").read_bytes())
    assert subject.asked_subject == (("2.5.4.5", "99700000001"), ("2.5.4.3", "Zoé Exemple"))


def test_a_pem_and_a_der_request_prove_the_same() -> None:
    """The evidence kept is the DER."""
    der, pem, new = ((corpus.FOLDER / f"good-{name}.csr").read_bytes() for name in ("key-p256", "pem", "pem-new"))
    assert prove_possession(der) == prove_possession(pem) == prove_possession(new)


def test_the_limit_is_on_the_octets_received() -> None:
    """One octet more than 16 KiB is not read."""
    with pytest.raises(Malformed, match="16384"):
        prove_possession(b"0" * (LARGEST + 1))


def test_a_wish_for_powers_is_refused_after_the_proof() -> None:
    """An unproven request is told that first: the audit of a CA wish names a key that its sender holds."""
    wish = corpus.asking(corpus.extension("2.5.29.19", corpus.CA_TRUE))
    stranger = corpus.rsa_key(moduli.sound_primes(2048))
    with pytest.raises(Refused) as refusal:
        prove_possession(corpus.request(attributes=wish, sign=stranger))
    assert refusal.value.citation == "CP 3.2.1"
