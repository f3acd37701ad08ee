"""What publication remembers of those who ask (P34)."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

from tests.unit.publication.client import get, post
from tests.unit.publication.conftest import Town
from tests.unit.publication.crls import crl
from tests.unit.status import toy
from web.publication.access_log import AccessLog
from web.publication.counters import OUTCOMES
from web.publication.tally import Tally

LINE = re.compile(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ ({'|'.join(OUTCOMES)}) \d\d\d \d+")


def test_the_log_cannot_say_who_asked_about_whom(town: Town, tmp_path: Path) -> None:
    """A second, what was answered, a status, a size: no address, no serial, nothing that a client wrote."""
    serials = toy.serials(3)
    town.shop.publish(*(toy.good(serial) for serial in serials[:2]), toy.revoked(serials[2]))
    town.publishes("crl/personnes.crl", crl(toy.NOON, toy.NOON + toy.DAY))
    town.opens(log_one_in=1)
    for serial in serials * 3:
        asked = toy.request(serial)
        town.ask(post(asked))
        town.ask(get(b"/ocsp/" + quote(b64encode(asked).decode(), safe="").encode()))
    for target in (b"/crl/personnes.crl", b"/a-name-that-a-client-made-up", b"/ocsp/AAAA"):
        town.ask(get(target))
    log = town.settings.log
    assert town.wait(lambda: log.exists() and len(log.read_text().splitlines()) == 21)

    text = log.read_text()
    assert all(LINE.fullmatch(line) for line in text.splitlines())
    assert "127.0.0.1" not in text and "client" not in text
    assert not any(serial.hex() in text or b64encode(serial).decode() in text for serial in serials)


def test_successes_are_sampled_and_refusals_kept_as_far_as_the_buffer_holds(tmp_path: Path) -> None:
    """One success in a hundred; a flood of refusals fills the buffer and is then counted as lost."""
    log = AccessLog(tmp_path / "log" / "publication.log")
    tally = Tally(log, 100)
    for _ in range(1_000):
        tally.good(800)
        tally.note("crl", 200, 800)
    assert len(log.take()) == 20

    for _ in range(5_000):
        tally.note("not-found", 404, 30)
    lines = log.take()
    assert len(lines) == 2_000
    assert tally.sums()["log-lines-lost"] == 3_000
    log.write(lines)
    log.write(["again\n"])
    assert len((tmp_path / "log" / "publication.log").read_text().splitlines()) == 2_001


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """The lines are counted as lost."""
    (tmp_path / "log").write_text("a file where the folder should be")
    log = AccessLog(tmp_path / "log" / "publication.log")
    log.write(["one\n", "two\n"])

    assert log.lost == 2
