"""A practitioner in front of the pages: what officers granted, a phone, and an issuer at work beside the pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect

from pki.authenticators.model import Account, Kind
from pki.inventory.model import Certificate
from pki.registration.grants import GrantApplication
from tests.builders.browser import PHONE, Visitor
from tests.builders.pages import Pages
from tests.world import World, doctor

DUPONT, ESSAI = doctor(1, "DUPONT"), doctor(2)
THREE = ("ps-authentification", "ps-chiffrement", "ps-signature")
TWO = ("ps-authentification", "ps-signature")
ACCOUNT = Account(Kind.PERSON, DUPONT.idnat)


@contextmanager
def issuing(world: World) -> Iterator[None]:
    """Have the issuer work beside the pages, as its process does."""
    issuer, over = world.issuer, threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            issuer.turn_until_idle()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def grant(pages: Pages, profiles: tuple[str, ...] = TWO) -> None:
    """Have two officers grant Dr Dupont certificates."""
    world = pages.world
    draft = pages.office.grants.draft("cnom-1", [GrantApplication(DUPONT.rpps, profiles, "DUPONT", "Camille")])
    assert not draft.refused
    batch = pages.office.grants.submit(draft, world.act("cnom-1", draft.statement(world.clock.now())))
    world.decisions.approve(world.act("cnom-2", world.decisions.approval_statement(batch.id, "cnom-2")))


def arrive(browser: Browser) -> tuple[Visitor, list[bytes]]:
    """Give somebody a phone; return also what it sends, as it grows."""
    visitor, sent = Visitor.arrive(browser, PHONE), list[bytes]()
    visitor.page.on("request", lambda request: sent.append(request.url.encode() + b"\n" + (request.post_data_buffer or b"")))
    return visitor, sent


def activate(visitor: Visitor, pages: Pages) -> None:
    """Follow the link of a letter to the end: the code, then one tap."""
    link, code = pages.invite(ACCOUNT, with_code=True)
    assert code is not None
    visitor.page.goto(link)
    visitor.page.get_by_label("Code reçu").fill(code.lower())
    visitor.page.get_by_role("button", name="Continuer").click()
    visitor.page.get_by_role("button", name="C'est bien moi").click()
    expect(visitor.page.get_by_role("heading", name="C'est fait")).to_be_visible()
    expect(visitor.page.locator("#codes li")).to_have_count(3)


def later(pages: Pages, days: float) -> None:
    """Let time pass. The issuer starts anew, for it looks after responders by another clock; the register is imported again."""
    pages.world.close()
    pages.world.clock.advance(days=days)
    pages.world.apply_register([DUPONT, ESSAI])


def sign_in(visitor: Visitor, pages: Pages) -> None:
    """Sign in anew and see one's certificates."""
    visitor.page.goto(f"{pages.url}/moi/")
    visitor.page.get_by_role("button", name="Se connecter").click()
    expect(visitor.page.get_by_role("heading", name="Camille DUPONT")).to_be_visible()


def mine(pages: Pages) -> list[Certificate]:
    """Return what Dr Dupont has, newest first."""
    return pages.office.selfservice.credentials(DUPONT.idnat)
