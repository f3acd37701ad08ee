"""Work that takes its time, followed in an open page: certificates being made, letters being written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.builders.pages import Pages, served
from tests.journeys.test_board_pages import enter, submitted
from tests.world import World, doctor


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """The pages of an authority whose register has three doctors."""
    world = World(tmp_path / "home")
    world.apply_register([doctor(1, "DUPONT"), doctor(2), doctor(3)])
    with served(world) as pages:
        yield pages
    world.close()


def test_an_approved_batch_is_followed_until_each_certificate_is_made(browser: Browser, pages: Pages) -> None:
    """The count moves in the open page, which shows the certificates when all are made; without script it loads itself again."""
    world = pages.world
    batch = submitted(world, 1, 2, 3)
    world.decisions.approve(world.act("cnom-2", world.decisions.approval_statement(batch, "cnom-2")))
    visitor = enter(browser, pages, "cnom-1")
    visitor.page.route("**/suite", lambda route: route.fulfill(status=204))  # no place is left: the page shows itself again
    visitor.page.goto(f"{pages.url}/ordre/lots/{batch}")
    with visitor.page.expect_navigation():
        pass
    visitor.page.unroute("**/suite")
    visitor.page.goto(f"{pages.url}/ordre/lots/{batch}")
    expect(visitor.page.get_by_text("0 sur 3", exact=True)).to_be_visible()
    visitor.page.evaluate("window.sameLoad = true")
    with world.store.write() as tx:
        tx.orders.set_failed([(tx.requests.of_batch(batch)[0].id, "the register has changed [CP 3.2.3]")])
    expect(visitor.page.get_by_text("0 sur 3, 1 refusé")).to_be_visible()
    assert visitor.page.evaluate("window.sameLoad")
    assert '<noscript><meta http-equiv="refresh"' in visitor.page.content()
    world.issuer.turn_until_idle()
    expect(visitor.page.get_by_text("certificat émis")).to_have_count(2)
    expect(visitor.page.get_by_text("refusé par l'émetteur")).to_have_count(1)
    assert not visitor.page.evaluate("window.sameLoad") and "refresh" not in visitor.page.content()
    assert not visitor.complaints
