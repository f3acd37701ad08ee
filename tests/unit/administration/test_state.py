"""The page of who runs the machine: every figure is measured, none is anybody's, each tile leads to its remedy (CPS 6.7)."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import Client

from pki.authenticators.model import Account, Kind
from pki.bootstrap.checks import Finding, State
from pki.bootstrap.examined import keep, kept
from pki.bootstrap.office import Office
from pki.status.traffic import Recorder, path_in
from tests.builders.authenticator import Authenticator
from tests.world import World, doctor, nurse
from trust.errors import Malformed, Missing, Refused
from web.admin.application import make
from web.admin.measures import STAMP

URL = "http://localhost:8400"


class Desk:
    """An administrator in front of the page."""

    def __init__(self, world: World) -> None:
        """Enter by a link."""
        self.world, self.office = world, Office(world.home, URL)
        self.home = world.home.settings.home
        device = Authenticator(origin=URL)
        account = Account(Kind.ADMINISTRATOR, "exploitation-1")
        made = self.office.entries.invite(account, timedelta(hours=1), by="test")
        answer = device.make(self.office.passkeys.registration_options(account, "x"))
        self.passkey = self.office.passkeys.register_by_entry(made.token, None, answer, "x")
        self.client = Client(make(self.office))

    def see(self) -> str:
        """Open the page, signed in now."""
        self.client.set_cookie("sceau-administrator", self.office.sessions.open(self.passkey), domain="localhost")
        answer = self.client.get("/", base_url=URL)
        assert answer.status_code == 200
        return html.unescape(answer.get_data(as_text=True))

    def tile(self, title: str) -> str | None:
        """Return the words of a tile: its look, its figure, what is said; None when there is no such tile."""
        found = re.search(rf"<h2>{title} (.*?)</li>", self.see(), re.DOTALL)
        return None if found is None else " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Two ordres at work: a certificate each, and a request that waits."""
    world = World(tmp_path_factory.mktemp("administration") / "home")
    world.apply_register([doctor(1, "DUPONT"), nurse(2, "PETIT")])
    world.enrol(doctor(1, "DUPONT"))
    world.enrol(nurse(2, "PETIT"))
    draft = world.enrolment.draft("cnom-1", [world.application(doctor(1, "DUPONT"), "ps-signature")])
    world.enrolment.submit(draft, world.act("cnom-1", draft.statement(world.clock.now())))
    yield Desk(world)
    world.close()


def test_what_was_never_left_in_the_home_has_no_tile(desk: Desk) -> None:
    """Neither publication, nor the backup, nor the examination: no figure is made up for them."""
    assert [desk.tile(title) for title in ("Réponses OCSP", "Sauvegarde", "Examen de la machine")] == [None, None, None]
    shown = desk.see()
    assert "Aucune publication ne laisse ses comptes" in shown and "sceau doctor --keep" in shown


def test_figures_are_of_all_ordres_and_nobody_s(desk: Desk) -> None:
    """Two certificates of two ordres, one request; neither a name, nor a number of a person, nor a serial number."""
    assert (desk.tile("Listes de révocation") or "").startswith("en ordre 0 min")
    assert (desk.tile("Registre national") or "").startswith("en ordre 0 jour d'âge")
    assert (desk.tile("Files d'attente") or "").startswith("en ordre 1 demande attend une décision des ordres. À fabriquer : 0.")
    with desk.world.store.read() as tx:
        ends = [each.not_after for person in (doctor(1), nurse(2)) for each in tx.certificates.of_holder(person.idnat)]
        names = [each.serial.hex() for person in (doctor(1), nurse(2)) for each in tx.certificates.of_holder(person.idnat)]
        now = desk.world.clock.now()
        assert tx.totals.ending(now, [max(ends), max(ends) + timedelta(seconds=1)])["ps-authentification"][1] == 2
        assert tx.totals.waiting() == {"CNOM": (1, now)}
    shown = desk.see()
    people = [doctor(1).rpps, nurse(2).rpps, "997"]
    assert [word for word in ("DUPONT", "PETIT", "Camille", *people, *names) if word in shown] == []


def test_publication_is_read_from_what_it_left_and_silence_is_told(desk: Desk) -> None:
    """Answers a second of the last minute; a minute later, without a word, it has stopped."""
    recorder, now = Recorder(path_in(desk.home)), desk.world.clock.now()
    for rank in range(8):
        recorder.add({"ocsp-good": 500 * rank, "crl": rank}, now - timedelta(seconds=10 * (7 - rank)))
    assert (desk.tile("Réponses OCSP") or "").startswith("en ordre 50 réponses par seconde")
    shown = desk.see()
    assert shown.count("<rect ") >= 7 and 'aria-labelledby="reponses-seconde-titre reponses-seconde-texte"' in shown
    desk.world.clock.advance(seconds=61)
    assert (desk.tile("Réponses OCSP") or "").startswith("à corriger aucune")


def test_refusals_at_the_door_are_counted_by_the_hour_and_named_by_nobody(desk: Desk) -> None:
    """A passkey that is not known, a wrong code of a link, a wrong recovery code: each once, in this hour."""
    office, stranger = desk.office, Authenticator(origin=URL, credential_id=b"unknown")
    with pytest.raises(Refused):
        office.passkeys.sign_in(stranger.show(office.passkeys.sign_in_options()), Kind.OFFICER)
    made = office.entries.invite(Account(Kind.PERSON, doctor(1).idnat), timedelta(hours=1), by="test", with_code=True)
    with pytest.raises(Refused):
        office.entries.check_code(made.token, "AAAAAAAA")
    with pytest.raises(Refused):
        office.losses.report(doctor(1).rpps, "AAAA")
    with desk.world.store.read() as tx:
        found = tx.authenticators.refusals(desk.world.clock.now() - timedelta(hours=1))
    assert [(what, count) for _, what, count in found] == [("code", 1), ("recovery", 1), ("sign-in", 1)]
    assert (desk.tile("Connexions refusées") or "").startswith("en ordre 3 refus à la porte en 24 heures")
    desk.world.clock.advance(hours=25)
    assert (desk.tile("Connexions refusées") or "").startswith("en ordre 0 refus")


def test_hours_that_nobody_looks_at_are_forgotten(desk: Desk) -> None:
    """The table does not grow: a week of hours, three words each."""
    with desk.world.store.write() as tx:
        start = desk.world.clock.now()
        for hour in range(24 * 9):
            tx.authenticators.note_refusal("sign-in", start + timedelta(hours=hour))
        kept_hours = tx.authenticators.refusals(start - timedelta(days=30))
        assert len(kept_hours) <= 24 * 7 + 1
        raise_after = kept_hours[-1][0]
    assert raise_after > start


def test_the_backup_s_stamp_and_the_examination_have_tiles_once_they_are_there(desk: Desk) -> None:
    """The stamp's age; what `sceau doctor --keep` found, with the command that mends it, the worst first."""
    now = desk.world.clock.now()
    stamp = desk.home / STAMP
    stamp.touch()
    for hours, look in ((2, "en ordre 2 h"), (40, "à surveiller 40 h"), (100, "à corriger 4 j")):
        os.utime(stamp, (now.timestamp() - 3600 * hours,) * 2)
        assert (desk.tile("Sauvegarde") or "").startswith(look)
    found = [
        Finding(State.OK, "fine", "", "home"),
        Finding(State.WARNING, "<old>", "", "register"),
        Finding(State.FAILED, "no list", "sceau crl publish", "lists"),
    ]
    keep(desk.home, found, now)
    assert (desk.tile("Examen de la machine") or "").startswith("à corriger 1 chose à corriger d'après sceau doctor")
    shown = desk.see()
    assert shown.index("no list") < shown.index("<old>") and "sceau crl publish</code>" in shown and "<h3>home</h3>" not in shown


def test_what_was_kept_is_read_back_or_refused(tmp_path: Path) -> None:
    """Nothing, or not ours: never a page that fails."""
    with pytest.raises(Missing):
        kept(tmp_path)
    (tmp_path / "run").mkdir()
    for content in (b"", b"{}", b'{"kind": "findings/1", "at": "?", "findings": []}', b"\xff" * 10):
        (tmp_path / "run" / "findings.json").write_bytes(content)
        with pytest.raises(Malformed):
            kept(tmp_path)


def test_each_tile_leads_to_a_place_that_is_there(desk: Desk) -> None:
    """Its link is to a section of the page, which holds the command."""
    shown = desk.see()
    links = re.findall(r'href="/admin/#([a-z]+)"', shown)
    assert len(links) >= 6 and all(f'id="{name}"' in shown for name in links)


def test_who_is_no_longer_named_has_no_place_at_the_next_click(desk: Desk) -> None:
    """The configuration is the mandate; an officer's session opens nothing here, nor the reverse."""
    from dataclasses import replace

    assert desk.office.welcomes(Account(Kind.ADMINISTRATOR, "exploitation-1"))
    gone = Office(replace(desk.world.home, settings=replace(desk.world.home.settings, administrators=())), URL)
    client = Client(make(gone))
    client.set_cookie("sceau-administrator", desk.office.sessions.open(desk.passkey), domain="localhost")
    assert client.get("/", base_url=URL).status_code == 302
