"""The witness knows of every signature before it exists, reads what is signed by itself, and survives those who write it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm.api import KeyRef, KeyUse
from hsm.testing import MemoryCustodian
from hsm.witness import Witness, WitnessedCustodian, read, subject_of
from tests.world import World, certification_request, nurse
from trust.algorithms import ALGORITHMS
from trust.errors import Malformed, Missing, SceauError, Unavailable
from trust.testing import FixedClock

KEY = KeyRef("journal")
NOTE = b"sceau.example/journal\n42\nq6t6sg==\n"


class BrokenCustodian(MemoryCustodian):
    """A module that is away."""

    def sign(self, ref: KeyRef, use: KeyUse, data: bytes) -> bytes:
        raise Unavailable("away")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the witness writes; nothing is there yet."""
    return tmp_path / "witness" / "signatures"


def watched(path: Path, behind: MemoryCustodian | None = None) -> WitnessedCustodian:
    """Return a custodian with one key for checkpoints and one for OCSP, watched."""
    custodian = behind or MemoryCustodian()
    custodian.generate(KEY, ALGORITHMS["Ed25519"], frozenset({KeyUse.CHECKPOINT}))
    custodian.generate(KeyRef("ocsp"), ALGORITHMS["P-256"], frozenset({KeyUse.OCSP}))
    return WitnessedCustodian(custodian, Witness(path, FixedClock()))


def test_a_signature_is_written_down_with_its_subject_and_hash(path: Path) -> None:
    """When, for what use, by which key, of what, over which octets."""
    watched(path).sign(KEY, KeyUse.CHECKPOINT, NOTE)
    (line,) = read(path)
    assert (line.at, line.use, line.key, line.subject) == (FixedClock().now(), "checkpoint", "journal", "42")
    assert line.sha256 == hashlib.sha256(NOTE).digest()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_asked_is_written_down_even_if_nothing_came_back(path: Path) -> None:
    """A token that fails may have signed: it counts as signed (failure case K02)."""
    with pytest.raises(Unavailable):
        watched(path, BrokenCustodian()).sign(KEY, KeyUse.CHECKPOINT, NOTE)
    assert [line.subject for line in read(path)] == ["42"]


def test_many_are_one_line_each_in_order(path: Path) -> None:
    """And all of them before the first signature."""
    notes = [NOTE.replace(b"42", str(size).encode()) for size in (1, 2, 3)]
    watched(path).sign_many(KEY, KeyUse.CHECKPOINT, notes)
    assert [line.subject for line in read(path)] == ["1", "2", "3"]


def test_nothing_is_signed_that_cannot_be_written_down() -> None:
    """A full disk is /dev/full."""
    custodian = watched(Path("/dev/full"))
    with pytest.raises(Unavailable, match="so nothing is signed"):
        custodian.sign(KEY, KeyUse.CHECKPOINT, NOTE)
    assert custodian.counts() == {}


def test_answers_about_status_are_not_written_down(path: Path) -> None:
    """Two million in a row, by keys that can sign nothing else; that key asked for another use is refused."""
    custodian = watched(path)
    custodian.sign(KeyRef("ocsp"), KeyUse.OCSP, b"reponse")
    assert list(read(path)) == []


def test_a_torn_line_is_left_out_and_spoils_no_other(path: Path) -> None:
    """Whoever wrote it died before the key was asked; the next process begins a new line."""
    watched(path).sign(KEY, KeyUse.CHECKPOINT, NOTE)
    with open(path, "ab") as file:
        file.write(b"2026-03-02T08:00:00Z certificate personnes 4a")
    watched(path).sign(KEY, KeyUse.CHECKPOINT, NOTE.replace(b"42", b"43"))
    assert [line.subject for line in read(path)] == ["42", "43"]
    os.truncate(path, path.stat().st_size - 3)
    assert [line.subject for line in read(path)] == ["42"]


def test_another_kind_of_file_is_no_witness(path: Path) -> None:
    """Neither is no file."""
    with pytest.raises(Missing):
        list(read(path))
    path.parent.mkdir()
    path.write_bytes(b"x" * 100_000)
    with pytest.raises(Malformed):
        list(read(path))
    path.write_bytes(b"des mots\n" * 200)
    with pytest.raises(Malformed):
        list(read(path))


@given(st.binary(max_size=200))
def test_what_is_no_certificate_has_no_serial(data: bytes) -> None:
    """Whatever is to be signed, the witness has a word for it, without blanks."""
    for use in KeyUse:
        subject = subject_of(use, data)
        assert subject
        assert not set(subject) & set(" \n\r\t")


def test_the_serials_and_numbers_are_read_from_what_is_signed(tmp_path: Path) -> None:
    """Of an authority at work: each certificate and each list that it published is there under its own serial or number."""
    world = World(tmp_path / "home")
    world.apply_register([nurse(1)])
    issued = world.enrol(nurse(1))
    lines = list(read(world.home.settings.witness_file))
    assert (issued.serial.hex(), hashlib.sha256(issued.tbs).digest()) in {(line.subject, line.sha256) for line in lines}
    numbers = [int(line.subject) for line in lines if line.use == "crl"]
    assert numbers
    assert min(numbers) >= 1
    assert not [line for line in lines if line.subject == "-"]


def test_a_request_for_an_authority_is_not_taken_for_a_certificate() -> None:
    """It bears the name of a request; nothing of that digest will ever be in the inventory."""
    from cryptography import x509

    request = x509.load_der_x509_csr(certification_request(ALGORITHMS["P-256"].generate()))
    assert subject_of(KeyUse.CERTIFICATE, request.tbs_certrequest_bytes) == "request"


def test_a_witness_that_cannot_be_opened_stops_whoever_would_sign(tmp_path: Path) -> None:
    """Its place is a file."""
    (tmp_path / "signatures").mkdir()
    with pytest.raises(SceauError, match="cannot be opened"):
        Witness(tmp_path / "signatures", FixedClock())
