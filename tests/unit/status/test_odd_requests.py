"""The corpus of odd requests: each is answered as its file name says, by the answerer that serves everybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pki.status.answer import Answerer, Kind
from pki.status.model import window
from pki.status.presign import ResponseSigner
from pki.status.store import StatusWriter
from tests.corpus.ocsp import generate
from tests.unit.status import toy

FILES = sorted(generate.FOLDER.glob("*.der"))
STATUS = {"malformed": 1, "foreign": 6, "missing": 6, "critical": 6}


class NoSigner:
    """A signer that is there and never asked: the corpus stops at the question."""

    async def ask(self, payload: bytes) -> bytes:
        """Answer nothing."""
        raise AssertionError("nobody asks")


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Answerer:
    """Publish one good and one revoked certificate of the corpus's CA."""
    shop = toy.Shop(tmp_path_factory.mktemp("status"), ca_ids=())
    shop.writer.add_authority(generate.CA)
    who = replace(toy.responder("personnes"), ca_id="corpus")
    batch = shop.writer.new_batch(who, *window(toy.NOON, toy.DAY, who))
    signer = ResponseSigner(generate.CA, who, toy.signing(who))
    facts = [toy.good(generate.GOOD), toy.revoked(generate.REVOKED)]
    shop.writer.put("corpus", signer.presign(facts, batch), batch)
    assert isinstance(shop.writer, StatusWriter)
    return shop.answerer(NoSigner())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_is_answered_as_its_name_says(file: Path, answerer: Answerer) -> None:
    """malformed → malformedRequest; foreign, missing, critical → unauthorized; good and revoked at once; signer → to be
    signed."""
    expected = file.stem.split("-")[0]

    answer = answerer.answer(file.read_bytes(), toy.NOON)

    assert answer.kind == (Kind.PENDING if expected == "signer" else expected)
    if expected in STATUS:
        assert answer.body == bytes((0x30, 3, 0x0A, 1, STATUS[expected]))
        assert not answer.cacheable
        assert answer.needs_signer is None
    assert (answer.needs_signer is not None) == (expected == "signer")


def test_the_corpus_is_what_its_script_writes() -> None:
    """The same octets, none lost, no stranger in the folder."""
    written = generate.corpus()

    assert {file.name: file.read_bytes() for file in FILES} == written
    assert len(written) == generate.COUNT
    strangers = {path.name for path in generate.FOLDER.iterdir()} - set(written) - {"__init__.py", "__pycache__", "generate.py"}
    assert strangers == set()
