"""What the page of the state says was measured, is of one ordre, and leads to its remedy (CP 3.2.3, 4.9.7, 4.9.9)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import Client

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from tests.builders.authenticator import Authenticator
from tests.world import World, doctor, nurse
from web.board.application import make

URL = "http://localhost:8400"


class Desk:
    """An officer of the CNOM in front of the page."""

    def __init__(self, world: World) -> None:
        """Enter by a link."""
        self.world, self.office = world, Office(world.home, URL)
        self.device = Authenticator(origin=URL)
        account = Account(Kind.OFFICER, "cnom-1")
        made = self.office.entries.invite(account, timedelta(hours=1), by="test")
        answer = self.device.make(self.office.passkeys.registration_options(account, "x"))
        self.passkey = self.office.passkeys.register_by_entry(made.token, None, answer, "x")
        self.app = make(self.office)

    def see(self, path: str = "/etat", status: int = 200) -> str:
        """Open a page, signed in now."""
        client = Client(self.app)
        client.set_cookie("sceau-officer", self.office.sessions.open(self.passkey), domain="localhost")
        answer = client.get(path, base_url=URL)
        assert answer.status_code == status
        return html.unescape(answer.get_data(as_text=True))

    def tile(self, title: str) -> str | None:
        """Return the words of a tile: its look, its figure, what is said; None when there is no such tile."""
        found = re.search(rf"<h2>{title} (.*?)</li>", self.see(), re.DOTALL)
        return None if found is None else " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An authority with an empty register."""
    world = World(tmp_path / "home")
    yield world
    world.close()


def test_what_is_not_measured_does_not_appear(world: World) -> None:
    """Before the issuer ever ran: no list, no answer, no register; and no figure for them."""
    desk = Desk(world)
    assert desk.tile("Listes de révocation") is None and desk.tile("Réponses OCSP") is None
    assert "aucun registre" in (desk.tile("Registre national") or "")
    assert "Aucun certificat de l'ordre ne finit" in desk.see()


def test_figures_are_those_of_the_ordre_and_follow_the_clock(world: World) -> None:
    """A doctor's certificate and a nurse's; weeks before their end, and on the last days."""
    world.apply_register([doctor(1, "DUPONT"), nurse(2, "PETIT")])
    certificate = world.enrol(doctor(1, "DUPONT"))
    world.enrol(nurse(2, "PETIT"))
    draft = world.enrolment.draft("cnom-1", [world.application(doctor(1, "DUPONT"), "ps-signature")])
    world.enrolment.submit(draft, world.act("cnom-1", draft.statement(world.clock.now())))
    desk = Desk(world)
    assert "1 demande attend une décision de l'ordre" in (desk.tile("File d'attente") or "")
    assert (desk.tile("Échéances") or "").startswith("en ordre 0 certificat finit d'ici 7 jours ; 0 d'ici 30 jours, 0")
    assert (desk.tile("Listes de révocation") or "").startswith("en ordre 0 min")
    assert (desk.tile("Réponses OCSP") or "").startswith("en ordre 0 min")
    assert (desk.tile("Registre national") or "").startswith("en ordre 0 jour d'âge")
    for days, said in (
        (80, "0 certificat finit d'ici 7 jours ; 0 d'ici 30 jours, 1"),
        (3, "1 certificat finit d'ici 7 jours"),
    ):
        world.clock.advance(seconds=(certificate.not_after - world.clock.now()).total_seconds() - days * 86400)
        assert said in (desk.tile("Échéances") or ""), days
        assert desk.see().count("<rect ") == 13
    listed = desk.see("/etat/echeances?semaine=0")
    assert "Camille DUPONT" in listed and "PETIT" not in listed
    assert f"/ordre/certificats/{certificate.serial.hex()}" in listed
    assert "DUPONT" not in desk.see("/etat/echeances?semaine=1")
    for tile, look in (
        ("Listes de révocation", "à corriger"),
        ("Réponses OCSP", "à corriger"),
        ("Registre national", "à corriger"),
    ):
        assert (desk.tile(tile) or "").startswith(look), desk.tile(tile)


@pytest.mark.parametrize("week", ["-1", "13", "999999999999"])
def test_there_are_thirteen_weeks(world: World, week: str) -> None:
    """No other."""
    Desk(world).see(f"/etat/echeances?semaine={week}", 404)


def test_the_chart_has_no_style_of_its_own(world: World) -> None:
    """The content security policy would stop it: shapes have attributes only."""
    world.apply_register([doctor(1, "DUPONT")])
    certificate = world.enrol(doctor(1, "DUPONT"))
    world.clock.advance(seconds=(certificate.not_after - world.clock.now()).total_seconds() - 86400)
    shown = Desk(world).see()
    assert "<svg " in shown and 'role="img"' in shown and "style=" not in shown
