"""Practitioners enrolled from a browser: one by a form, many from a file, approved by another officer, their letters in a PDF."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook
from playwright.sync_api import Browser, expect

from pki.authenticators.model import Account, Kind
from pki.registration.model import BatchState
from tests.builders.browser import PHONE, Visitor
from tests.builders.pages import Pages, served
from tests.journeys.test_board_pages import enter
from tests.unit.selfservice.test_reminders import messages
from tests.world import Person, World, doctor, nurse
from trust.errors import Refused

SIGN = re.compile("avec ma clé d'accès")
TRIO = (doctor(1, "DUPONT"), doctor(2), doctor(3))


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """The pages of an authority whose register has twelve doctors and a nurse."""
    world = World(tmp_path / "home")
    world.apply_register([doctor(1, "DUPONT"), *[doctor(rank) for rank in range(2, 13)], nurse(20)])
    with served(world) as pages:
        yield pages
    world.close()


def book(people: Sequence[Person], *others: Sequence[object]) -> bytes:
    """Write a spreadsheet of these people, then other lines."""
    made = Workbook()
    for row in (("RPPS", "Nom", "Prénom"), *[(int(p.rpps), p.family_name, p.given_name) for p in people], *others):
        made.active.append(row)
    octets = io.BytesIO()
    made.save(octets)
    return octets.getvalue()


def drop(pages: Pages, visitor: Visitor, name: str, content: bytes) -> None:
    """Have an officer send a list."""
    visitor.page.goto(f"{pages.url}/ordre/inscriptions")
    visitor.page.locator("#fichier").set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})
    visitor.page.get_by_role("button", name="Lire ce fichier").click()


def approve(pages: Pages, visitor: Visitor) -> None:
    """Have an officer approve what waits."""
    visitor.page.goto(f"{pages.url}/ordre/")
    visitor.page.get_by_role("row").nth(1).get_by_role("link").click()
    visitor.page.get_by_role("button", name="Approuver avec ma clé d'accès").click()
    expect(visitor.page.get_by_text(re.compile("Approuvé le|Vous avez approuvé"))).to_be_visible()


def test_one_practitioner_is_enrolled_by_number_and_receives_a_letter(browser: Browser, pages: Pages) -> None:
    """The page says who it is; another officer approves; the letter's link and code let the practitioner register a passkey."""
    asking, deciding = enter(browser, pages, "cnom-1"), enter(browser, pages, "cnom-2")
    asked_by = Account(Kind.OFFICER, "cnom-1")
    asking.page.goto(f"{pages.url}/ordre/inscriptions")
    asking.page.get_by_label("Numéro RPPS").fill(f" {doctor(1).rpps[:5]} {doctor(1).rpps[5:]}")
    asking.page.get_by_role("button", name="Voir qui c'est").click()
    expect(asking.page.get_by_role("heading", name="Inscrire Camille DUPONT")).to_be_visible()
    expect(asking.page.get_by_text("Médecin", exact=True)).to_be_visible()
    asking.page.get_by_role("button", name=SIGN).click()
    expect(asking.page.get_by_text("une autre personne de l'ordre doit l'approuver")).to_be_visible()
    approve(pages, deciding)

    pages.world.clock.advance(minutes=20)
    asking.page.reload()
    shown = pages.office.passkeys.of(asked_by)[0].used_at
    asking.page.get_by_role("button", name="Faire les lettres").click()
    expect(asking.page.get_by_role("heading", name="1 lettre prête")).to_be_visible()
    assert pages.office.passkeys.of(asked_by)[0].used_at > shown  # a letter opens an account: the passkey was shown again
    with asking.page.expect_download() as download:
        asking.page.get_by_role("link", name="Télécharger le document").click()
    octets = Path(download.value.path()).read_bytes()
    text = text_of(octets)
    (token,) = re.findall(r"/moi/entree/([\w-]+)", text)
    (code,) = re.findall(r"\b([A-Z2-9]{4} [A-Z2-9]{4})\b", text)
    entry = pages.office.entries.check_code(token, code)
    assert entry.account == Account(Kind.PERSON, doctor(1).idnat)
    assert octets.count(b"/Type /Page\n") == 3  # the link, an empty side, the code
    assert all("401" in text for text in asking.complaints)
    assert not deciding.complaints


def test_a_list_is_read_corrected_confirmed_and_approved_by_two(browser: Browser, pages: Pages) -> None:
    """A spreadsheet with every kind of line; one is corrected in the page, the rest is left aside; ten need two approvals."""
    visitor = enter(browser, pages, "cnom-1")
    wrong = (int(doctor(10).rpps), "AUTRE", "Camille")
    lines = (
        wrong,
        (int(nurse(20).rpps), "EXEMPLE", "Camille"),
        ("=1+1", "A", "B"),
        (12345, "A", "B"),
        (int(doctor(99).rpps), "A", "B"),
    )
    drop(pages, visitor, "liste.xlsx", book([doctor(1, "DUPONT"), *[doctor(rank) for rank in range(2, 10)]], *lines))
    expect(visitor.page.get_by_role("heading", name="14 lignes lues")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="9 à inscrire")).to_be_visible()
    for why in (
        "Le nom n'est pas celui",
        "pas dans une profession de votre ordre",
        "formule",
        "onze chiffres",
        "N'est pas dans le registre",
    ):
        expect(visitor.page.get_by_text(why)).to_be_visible()

    visitor.page.get_by_role("row").filter(has_text=doctor(10).rpps).get_by_role("link", name="Corriger").click()
    expect(visitor.page.get_by_text("Camille ESSAI")).to_be_visible()
    visitor.page.get_by_label("Nom d'exercice", exact=True).fill("Essai")
    visitor.page.get_by_role("button", name="Vérifier de nouveau").click()
    expect(visitor.page.get_by_role("link", name="10 à inscrire")).to_be_visible()

    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Télécharger le rapport").click()
    report = Path(download.value.path()).read_bytes().decode("utf-8-sig").splitlines()
    assert report[0] == "Ligne;RPPS;Nom;Certificats;Résultat;Motif" and len(report) == 15
    assert sum(";à inscrire;" in line for line in report) == 10

    visitor.page.get_by_role("button", name=SIGN).click()
    expect(visitor.page.get_by_role("heading", name="10 inscriptions")).to_be_visible()
    for officer in ("cnom-2", "cnom-3"):
        approve(pages, enter(browser, pages, officer))
    with pages.world.store.read() as tx:
        (batch,) = tx.requests.batches(board="CNOM")
        assert batch.state is BatchState.APPROVED
    assert len(pages.office.grants.of_board("CNOM", limit=100, waiting_only=True)) == 10

    drop(
        pages,
        visitor,
        "liste.csv",
        "rpps;nom;prénom\n{0.rpps};{0.family_name};Camille\n".format(doctor(1, "DUPONT")).encode("cp1252"),
    )
    expect(visitor.page.get_by_role("link", name="1 déjà inscrits")).to_be_visible()
    assert not visitor.complaints


def test_links_go_by_mail_and_their_codes_on_paper_until_the_right_is_withdrawn(browser: Browser, pages: Pages) -> None:
    """No channel has both: the mail names nobody and has no code; the document has the link of who has no address only."""
    world = pages.world
    lines = [
        f"{each.rpps};{each.family_name};Camille;{mail}"
        for each, mail in zip(TRIO, ("a.dupont@Exemple.example", "", "non"), strict=True)
    ]
    asking, deciding = enter(browser, pages, "cnom-1"), enter(browser, pages, "cnom-2", PHONE)
    drop(pages, asking, "liste.csv", "\n".join(["rpps;nom;prénom;courriel", *lines]).encode())
    expect(asking.page.get_by_text("L'adresse électronique n'a pas la forme attendue")).to_be_visible()
    asking.page.get_by_role("link", name="Corriger").click()
    asking.page.get_by_label("Adresse électronique").fill("c@exemple.example")
    asking.page.get_by_role("button", name="Vérifier de nouveau").click()
    asking.page.get_by_role("button", name=SIGN).click()
    expect(asking.page.get_by_role("heading", name="3 inscriptions")).to_be_visible()
    approve(pages, deciding)
    expect(deciding.page.get_by_text("a.dupont@exemple.example")).to_be_visible()  # what is approved has the address

    asking.page.reload()
    expect(asking.page.get_by_text("2 ont une adresse connue")).to_be_visible()
    asking.page.get_by_role("button", name="Envoyer les liens par courriel").click()
    expect(asking.page.get_by_role("heading", name="3 lettres prêtes")).to_be_visible()
    expect(asking.page.get_by_text("lien envoyé par courriel à a…@exemple.example")).to_be_visible()
    expect(asking.page.get_by_role("row").filter(has_text="aucune adresse connue").get_by_role("link")).to_have_text(
        "Camille ESSAI"
    )
    with asking.page.expect_download() as download:
        asking.page.get_by_role("link", name="Télécharger le document").click()
    text = text_of(Path(download.value.path()).read_bytes())
    codes = re.findall(r"\b([A-Z2-9]{4} [A-Z2-9]{4})\b", text)
    mails = {mail["To"]: mail.get_content() for mail in messages(world)}
    assert set(mails) == {"a.dupont@exemple.example", "c@exemple.example"} and len(codes) == 3
    (printed,) = re.findall(r"/moi/entree/([\w-]+)", text)
    sent = {to: re.findall(r"/moi/entree/([\w-]+)", words)[0] for to, words in mails.items()}
    for words in mails.values():
        assert not any(secret in words for secret in (*codes, *(code.replace(" ", "") for code in codes), "DUPONT", "997"))
        assert printed not in words
    entry = pages.office.entries.check_code(sent["a.dupont@exemple.example"], codes[0])
    assert entry.account == Account(Kind.PERSON, TRIO[0].idnat)
    with pytest.raises(Refused):
        pages.office.entries.check_code(sent["c@exemple.example"], codes[0])
    asking.page.get_by_role("link", name="Camille DUPONT").click()
    expect(asking.page.get_by_text("Son adresse : a…@exemple.example")).to_be_visible()

    asking.page.get_by_text("Retirer ce droit", exact=True).click()
    asking.page.get_by_label("Motif, en une ligne").fill("Parti à la retraite.")
    asking.page.get_by_role("button", name="Retirer ce droit").click()
    expect(asking.page.get_by_text("Parti à la retraite.")).to_be_visible()
    with pytest.raises(Refused):  # the link leads to nothing any more
        pages.office.entries.look(sent["a.dupont@exemple.example"])
    assert len(pages.office.grants.of_board("CNOM", limit=10)) == 2
    assert not asking.complaints and not deciding.complaints


def test_five_hundred_are_enrolled_from_a_file_by_three_officers_less_two_set_aside(browser: Browser, pages: Pages) -> None:
    """What is ticked on one page of the batch stays aside on the nine others; the signature covers all the rest, at once."""
    people = [doctor(rank, "NOUVEAU") for rank in range(100, 600)]
    pages.world.clock.advance(days=1)
    pages.world.apply_register(people)
    asking = enter(browser, pages, "cnom-1")
    deciding = enter(browser, pages, "cnom-2", PHONE | {"viewport": {"width": 320, "height": 700}})
    drop(pages, asking, "liste.xlsx", book(people))
    expect(asking.page.get_by_role("link", name="500 à inscrire")).to_be_visible()
    asking.page.get_by_role("button", name=SIGN).click()
    expect(asking.page.get_by_role("heading", name="500 inscriptions")).to_be_visible()
    deciding.page.goto(asking.page.url)
    deciding.page.get_by_label("Mettre de côté").nth(3).check()
    deciding.page.get_by_role("link", name="Page suivante").click()
    deciding.page.get_by_label("Mettre de côté").nth(4).check()
    expect(deciding.page.get_by_text("toutes pages comprises : 2")).to_be_visible()
    deciding.page.get_by_role("button", name="Approuver avec ma clé d'accès").click()
    expect(deciding.page.get_by_text("Vous avez approuvé")).to_be_visible()
    expect(deciding.page.get_by_text("mise de côté", exact=True)).to_have_count(1)
    assert not deciding.scrolls_sideways()
    approve(pages, enter(browser, pages, "cnom-3"))
    granted = pages.office.grants.of_board("CNOM", limit=1000)
    assert {each.holder for each in granted} == {each.idnat for each in people} - {people[3].idnat, people[54].idnat}

    made = [pages.office.entries.invite(Account(Kind.PERSON, each.holder), timedelta(days=1), by="test") for each in granted[:2]]
    asking.page.goto(f"{pages.url}/ordre/inscriptions")
    asking.page.get_by_role("row").filter(has_text=granted[0].holder).get_by_role("button", name="Faire sa lettre").click()
    expect(asking.page.get_by_role("heading", name="1 lettre prête")).to_be_visible()
    with pytest.raises(Refused):
        pages.office.entries.look(made[0].token)
    assert pages.office.entries.look(made[1].token).account == made[1].entry.account
    asking.page.goto(f"{pages.url}/ordre/inscriptions")
    expect(asking.page.get_by_role("link", name="Lettres du")).to_be_visible()


def test_a_file_that_is_no_list_is_refused_in_words(browser: Browser, pages: Pages) -> None:
    """And the page says what to do."""
    visitor = enter(browser, pages, "cnom-1")
    drop(pages, visitor, "liste.xlsx", b"PK\x03\x04rien")
    expect(visitor.page.get_by_role("alert")).to_contain_text("enregistrez-le de nouveau")
    drop(pages, visitor, "liste.csv", b"Nom;Ville\nA;B\n")
    expect(visitor.page.get_by_role("alert")).to_contain_text("Il manque une colonne : RPPS, Prénom")
    visitor.page.goto(f"{pages.url}/ordre/inscriptions")
    for box in visitor.page.get_by_role("checkbox").all():
        box.uncheck()
    visitor.page.get_by_label("Numéro RPPS").fill(doctor(1).rpps)
    visitor.page.get_by_role("button", name="Voir qui c'est").click()
    expect(visitor.page.get_by_text("Choisissez au moins un certificat")).to_be_visible()
    assert visitor.page.get_by_label("Numéro RPPS").input_value() == doctor(1).rpps
    visitor.page.get_by_role("checkbox").first.check()
    visitor.page.get_by_label("Numéro RPPS").fill(doctor(90).rpps)
    visitor.page.get_by_role("button", name="Voir qui c'est").click()
    expect(visitor.page.get_by_text("N'est pas dans le registre national")).to_be_visible()
    expect(visitor.page.get_by_role("button", name=SIGN)).to_have_count(0)


def test_a_list_is_its_officers_alone_and_fits_a_phone(browser: Browser, pages: Pages) -> None:
    """At 320 px nothing scrolls sideways; a colleague finds nothing at its address."""
    visitor = enter(browser, pages, "cnom-1", PHONE | {"viewport": {"width": 320, "height": 700}})
    drop(pages, visitor, "liste.xlsx", book([doctor(1, "DUPONT"), doctor(2)], (12345, "A", "B")))
    expect(visitor.page.get_by_role("link", name="2 à inscrire")).to_be_visible()
    address = visitor.page.url
    for path in ("", "?voir=nouveaux", "/lignes/4"):
        visitor.page.goto(address + path)
        assert not visitor.scrolls_sideways(), path
    visitor.page.goto(f"{pages.url}/ordre/inscriptions")
    assert not visitor.scrolls_sideways()
    colleague = enter(browser, pages, "cnom-2")
    for path in ("", "/rapport.csv", "/lignes/4"):
        assert colleague.page.request.get(address + path).status == 404
    assert not visitor.complaints


def text_of(document: bytes) -> str:
    """Return the text of a PDF of ours, whose pages are compressed and whose fonts are the ordinary ones."""
    streams = [
        zlib.decompress(each) for each in re.findall(rb"stream\n(.*?)\nendstream", document, re.DOTALL) if each[:1] == b"x"
    ]
    return "\n".join(each.decode("latin-1") for stream in streams for each in re.findall(rb"\((.*?)\) Tj", stream))
