"""Others read our lists: openssl, pkilint, pyca; each kind of list passes each of them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pkilint import loader, pkix
from pkilint.pkix import crl as lint
from pkilint.pkix import extension, name

from pki.status.crl import Body, Point, assemble, delta_body, finish
from tests.unit.status_crl.builders import DAY, NAME, NOW, ca_key, issuer, rows, serial
from trust import der
from trust.algorithms import ALGORITHMS

SHARD = "http://127.0.0.1:8401/crl/personnes/3.crl"
DELTA = "http://127.0.0.1:8401/crl/personnes-delta.crl"

KINDS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: assemble(issuer(), 1, NOW, NOW + DAY, Body()),
    "full": lambda: assemble(issuer(), 2, NOW, NOW + DAY, Body(rows(20)), freshest_url=DELTA),
    "shard": lambda: assemble(issuer(), 3, NOW, NOW + DAY, Body(rows(20)), point=Point(SHARD, only_users=True)),
    "delta": lambda: assemble(issuer(), 4, NOW, NOW + DAY, delta_body(rows(3), [(serial(77), 10**9, 0)]), delta_base=2),
}


def _crl(kind: str) -> bytes:
    tbs = KINDS[kind]()
    return finish(tbs, ALGORITHMS["P-256"].sign(ca_key("P-256"), tbs))


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_reads_and_prints_the_list(kind: str, tmp_path: Path) -> None:
    """Number, dates, entries and extensions as we meant them."""
    (tmp_path / "list").write_bytes(_crl(kind))
    command = ["openssl", "crl", "-inform", "DER", "-in", str(tmp_path / "list"), "-noout", "-text"]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert "Version 2 (0x1)" in text
    assert "Last Update: Mar  2 08:00:00 2026 GMT" in text
    assert text.count("Serial Number:") == {"empty": 0, "full": 20, "shard": 20, "delta": 4}[kind]
    assert ("No Revoked Certificates." in text) is (kind == "empty")
    assert ("Remove From CRL" in text) is (kind == "delta")
    assert ("X509v3 Delta CRL Indicator: critical" in text) is (kind == "delta")
    assert ("X509v3 Issuing Distribution Point: critical" in text) is (kind == "shard")
    assert ("Only User Certificates" in text) is (kind == "shard")


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_verifies_the_signature(kind: str, tmp_path: Path) -> None:
    """Against a CA certificate of the same name and key."""
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(ca_key("P-256").public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + DAY)
    ca = builder.add_extension(x509.BasicConstraints(True, None), True).sign(ca_key("P-256"), ALGORITHMS["P-256"].digest)  # type: ignore[arg-type]
    (tmp_path / "ca.pem").write_bytes(ca.public_bytes(Encoding.PEM))
    (tmp_path / "list").write_bytes(_crl(kind))
    command = ["openssl", "crl", "-inform", "DER", "-in", str(tmp_path / "list"), "-noout", "-CAfile", str(tmp_path / "ca.pem")]
    told = subprocess.run(command, capture_output=True, check=True, text=True)
    assert "verify OK" in told.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_pkilint_finds_nothing_to_say(kind: str) -> None:
    """RFC 5280's rules over a whole short list; a long one is its head and a sample of entries like these."""
    assert _findings(_crl(kind)) == []


def test_pkilint_would_find_something_to_say() -> None:
    """The linter bites: the list of nobody with an empty revokedCertificates, instead of none (failure case L05)."""
    parts = [whole for _, _, whole in der.children(der.whole(KINDS["empty"](), der.SEQUENCE))]
    spoilt = der.sequence(*parts[:-1], der.sequence(), parts[-1])
    assert _findings(finish(spoilt, b"signature")) == ["pkix.crl_revoked_certificates_empty"]


def _findings(crl: bytes) -> list[str]:
    decoders = [
        pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
        pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
    ]
    parts = [
        lint.create_issuer_validator_container([]),
        lint.create_validity_validator_container([]),
        lint.create_extensions_validator_container([]),
    ]
    results = lint.create_pkix_crl_validator_container(decoders, parts).validate(loader.load_crl(crl, "crl").root)
    return [found.finding.code for result in results for found in result.finding_descriptions]
