"""Reading a certificate: everything that is not one is Malformed, and nothing else comes out."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus.certificates import generate
from tests.unit.validation.hierarchy import LEAF, NOW, PEOPLE, ROOT, Draft, make
from trust.errors import Malformed
from trust.validation.certificate import LARGEST_CERTIFICATE, Certificate, read_all
from trust.validation.chain import Validator
from trust.validation.findings import Outcome
from trust.validation.purpose import PURPOSES, Wanted

FILES = sorted(path for path in generate.FOLDER.iterdir() if path.suffix == ".der")
OTHERS = {"README.md", "__init__.py", "generate.py", "__pycache__"}


def read_everything(octets: bytes) -> Certificate:
    """Ask a certificate for all that it can say."""
    certificate = Certificate.read(octets)
    assert certificate.extensions is not None
    for said in (certificate.name, certificate.issuer_name, certificate.is_ca, certificate.not_before, certificate.not_after):
        assert said is not None
    return certificate


def test_the_corpus_is_what_the_script_makes() -> None:
    """No file more, none less, none changed; and they are counted."""
    assert {path.name for path in generate.FOLDER.iterdir()} <= {*generate.corpus(), *OTHERS}
    assert {path.name: path.read_bytes() for path in FILES} == generate.corpus()
    assert len(FILES) == 74


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_broken_certificate_is_refused_or_never_valid(path: Path) -> None:
    """By its name: Malformed when read, or read and judged without ever being valid; under strict warnings too."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if path.name.endswith(".malformed.der"):
            with pytest.raises(Malformed):
                read_everything(path.read_bytes())
            return
        assert path.name.endswith(".odd.der")
        certificate = read_everything(path.read_bytes())
        for purpose in (None, *PURPOSES):
            verdict = Validator([ROOT.read], [PEOPLE.read]).validate(certificate, NOW, Wanted.of(purpose))
            assert verdict.outcome is not Outcome.VALID


@given(st.integers(0, len(LEAF.der) - 1), st.integers(1, 255))
def test_no_octet_of_a_good_certificate_can_be_changed(place: int, change: int) -> None:
    """Whatever is changed, the result is malformed or not valid."""
    octets = bytearray(LEAF.der)
    octets[place] ^= change
    try:
        verdict = Validator([ROOT.read], [PEOPLE.read]).validate(bytes(octets), NOW)
    except Malformed:
        return
    assert verdict.outcome is not Outcome.VALID


@given(st.binary(max_size=300))
def test_any_octets_are_a_certificate_or_malformed(octets: bytes) -> None:
    """Alone, and behind the beginning of a real one."""
    for candidate in (octets, LEAF.der[:100] + octets):
        with pytest.raises(Malformed):
            read_everything(candidate)


def test_a_certificate_is_read_from_der_and_from_pem() -> None:
    """The octets are the same."""
    pem = LEAF.parsed.public_bytes(Encoding.PEM)

    assert Certificate.read(LEAF.der) == Certificate.read(pem) == Certificate.read(b"\n  " + pem)
    assert len({Certificate.read(LEAF.der), Certificate.read(pem)}) == 1


def test_a_file_may_hold_several_certificates_where_several_are_wanted() -> None:
    """In PEM; where one is wanted, two are malformed."""
    both = LEAF.parsed.public_bytes(Encoding.PEM) + PEOPLE.parsed.public_bytes(Encoding.PEM)

    assert read_all(both) == [LEAF.read, PEOPLE.read]
    with pytest.raises(Malformed, match="found 2"):
        Certificate.read(both)


def test_a_certificate_larger_than_any_is_not_parsed() -> None:
    """Refused by its size alone."""
    with pytest.raises(Malformed, match="larger"):
        Certificate(bytes(LARGEST_CERTIFICATE + 1))


def test_raw_names_are_those_that_were_written() -> None:
    """What is compared when names chain is the DER itself."""
    leaf = LEAF.read

    assert leaf.subject == LEAF.parsed.subject.public_bytes()
    assert leaf.issuer == PEOPLE.read.subject
    assert leaf.tbs == LEAF.parsed.tbs_certificate_bytes
    assert leaf.serial == LEAF.parsed.serial_number


def test_a_name_is_shown_without_what_could_command_a_terminal() -> None:
    """Control characters in a stranger's subject are written as codes."""
    odd = Certificate((generate.FOLDER / "subject-with-controls.odd.der").read_bytes())

    assert "\x1b" not in odd.name
    assert "\n" not in odd.name


def test_a_certificate_without_subject_is_called_by_its_serial() -> None:
    """Every certificate has something to be called by."""
    odd = Certificate((generate.FOLDER / "no-subject.odd.der").read_bytes())

    assert odd.name == f"serial {odd.serial:x}"


def test_a_subject_that_cannot_be_read_is_malformed_when_asked_for() -> None:
    """Who needs the attributes is told; who only shows the certificate is not stopped."""
    odd = Certificate((generate.FOLDER / "name-not-utf8.odd.der").read_bytes())

    assert odd.name == f"serial {odd.serial:x}"
    with pytest.raises(Malformed):
        assert odd.subject_name


def test_key_identifiers_and_path_length_are_read() -> None:
    """What chaining looks at."""
    bare = make(Draft(key_identifier=False, authority_identifier=False, ca=None), PEOPLE).read

    assert (bare.key_identifier, bare.issuer_key_identifier, bare.path_length, bare.is_ca) == (None, None, None, False)
    assert LEAF.read.issuer_key_identifier == PEOPLE.read.key_identifier
    assert ROOT.read.is_self_issued
