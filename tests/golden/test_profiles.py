from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki.lint.finding import Severity
from pki.profiles import render
from tests.builders.profiles import IDS, profiles
from tests.golden.regenerate import FOLDER, ISSUER_KEY, SUFFIX, golden_certificate, golden_text

COUNT = 12


def golden(profile_id: str) -> Path:
    """Return the golden file of a profile."""
    return FOLDER / f"{profile_id}{SUFFIX}"


def test_there_is_one_golden_file_for_each_profile_and_nothing_else() -> None:
    """A misnamed file would never be compared: it is an error, and the count is written down."""
    names = sorted(path.name for path in FOLDER.iterdir() if path.name != "README.md")

    assert names == [f"{profile_id}{SUFFIX}" for profile_id in IDS]
    assert len(names) == COUNT


@pytest.mark.parametrize("profile_id", IDS)
def test_a_profile_writes_its_golden_certificate(profile_id: str) -> None:
    """Byte for byte, findings included; `make golden` writes the files anew, and a person reads the difference."""
    assert golden_text(profiles()[profile_id]) == golden(profile_id).read_text(encoding="utf-8")


@pytest.mark.parametrize("profile_id", IDS)
def test_a_golden_certificate_verifies_and_is_what_the_builder_makes(profile_id: str) -> None:
    """The file, not the generator, is read here."""
    certificate = x509.load_pem_x509_certificate(golden(profile_id).read_bytes())
    compiled, particulars, encoded = golden_certificate(profiles()[profile_id])

    ISSUER_KEY.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    built = render.build(compiled.profile, compiled.issuer, *particulars)
    assert certificate.tbs_certificate_bytes == built.tbs_certificate_bytes
    assert certificate == x509.load_der_x509_certificate(encoded)


@pytest.mark.parametrize("profile_id", IDS)
def test_a_golden_file_holds_no_error_and_no_warning(profile_id: str) -> None:
    """Notices, and warnings that the profile accepts with a reason."""
    findings = golden(profile_id).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----")[2].strip().splitlines()

    assert {line.partition(":")[0] for line in findings} <= {Severity.NOTICE.value, Severity.ACCEPTED.value}


@pytest.mark.parametrize("profile_id", IDS)
def test_openssl_reads_a_golden_certificate(profile_id: str) -> None:
    """A second opinion on the encoding, by a program that shares no code with ours."""
    command = ["openssl", "x509", "-in", str(golden(profile_id)), "-noout", "-text", "-certopt", "ext_parse"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
    assert "Version: 3" in result.stdout
    assert "<Not Supported>" not in result.stdout
    assert "error" not in result.stderr.lower()
