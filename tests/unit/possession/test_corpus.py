"""The corpus of certification requests: every file is known, counted, and told what it must be told."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki.registration.possession import prove_possession
from tests.corpus.csr.generate import EXPECTED, FOLDER, GOOD, MALFORMED, everything
from trust.errors import Malformed, Refused

VERDICTS: dict[str, str] = json.loads((FOLDER / EXPECTED).read_text())


def test_every_file_of_the_corpus_is_expected_and_counted() -> None:
    """A file that nobody judges would pass for a test."""
    files = {path.name for path in FOLDER.iterdir() if path.is_file()} - {"README.md", "generate.py", "__init__.py", EXPECTED}
    assert files == set(VERDICTS)
    assert len(files) == 96


def test_the_corpus_is_what_its_script_writes() -> None:
    """Octet for octet: nothing in the folder was touched by hand."""
    written = everything()
    assert {name: verdict for name, (_, verdict) in written.items()} == VERDICTS
    for name, (octets, _) in written.items():
        assert (FOLDER / name).read_bytes() == octets, name


@pytest.mark.parametrize("name", VERDICTS)
def test_a_request_is_told_what_it_must_be_told(name: str) -> None:
    """Accepted, malformed, or refused with the citation of the rule."""
    octets, verdict = (FOLDER / name).read_bytes(), VERDICTS[name]
    if verdict == GOOD:
        assert prove_possession(octets).algorithm
    elif verdict == MALFORMED:
        with pytest.raises(Malformed):
            prove_possession(octets)
    else:
        with pytest.raises(Refused) as refusal:
            prove_possession(octets)
        assert refusal.value.citation == verdict


@pytest.mark.parametrize("name", [name for name, verdict in VERDICTS.items() if verdict == GOOD])
def test_openssl_accepts_the_good_requests(name: str, tmp_path: Path) -> None:
    """A second opinion on the proof of possession."""
    (tmp_path / "request.der").write_bytes(prove_possession((FOLDER / name).read_bytes()).csr_der)
    command = ["openssl", "req", "-inform", "DER", "-in", str(tmp_path / "request.der"), "-verify", "-noout"]
    told = subprocess.run(command, capture_output=True, check=True, text=True)
    assert "verify OK" in told.stderr


@pytest.mark.parametrize("name", ["refused-signature-of-another-key.csr", "refused-signature-changed.csr"])
def test_openssl_does_not_verify_the_unproven_ones(name: str) -> None:
    """Its exit status says nothing before version 3.2: its words do."""
    command = ["openssl", "req", "-inform", "DER", "-in", str(FOLDER / name), "-verify", "-noout"]
    told = subprocess.run(command, capture_output=True, check=False, text=True)
    assert "verify OK" not in told.stderr


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(VERDICTS)), st.data())
def test_a_damaged_request_gets_an_answer_of_ours(name: str, data: st.DataObject) -> None:
    """A few octets changed, inserted or cut in any file of the corpus: malformed, refused, or still a proof; nothing else."""
    octets = bytearray((FOLDER / name).read_bytes() or b"0")
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(octets) - 1))
        change = data.draw(st.sampled_from(["set", "insert", "cut"]))
        if change == "set":
            octets[position] = data.draw(st.integers(0, 255))
        elif change == "insert":
            octets[position:position] = data.draw(st.binary(min_size=1, max_size=4))
        elif len(octets) > 8:
            del octets[position : position + 4]
    with suppress(Malformed, Refused):
        prove_possession(bytes(octets))


@given(st.binary(max_size=300))
def test_random_octets_are_malformed(octets: bytes) -> None:
    """They prove nothing and never show a traceback."""
    with pytest.raises(Malformed):
        prove_possession(octets)
