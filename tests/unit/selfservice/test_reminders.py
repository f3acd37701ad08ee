"""People are told before their certificates end: in time, once a step, and without a word about who they are (CP 4.7.1)."""

from __future__ import annotations

import email
import socket
import threading
from dataclasses import replace
from email.message import Message
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from pki.adapters import mail
from pki.bootstrap.office import Office
from pki.inventory.model import State
from pki.registration.reminders import Reminders
from pki.settings import MailSettings
from tests.builders.authenticator import Authenticator
from tests.unit.selfservice.test_selfservice import ANNE, AUTHENTICATION, SIGNATURE, Somebody, world
from tests.world import World
from trust.errors import Malformed, Unavailable
from web.kit.safety import token_of_session
from web.portal.application import make

__all__ = ["world"]
ADDRESS = "anne@exemple.example"


def messages(world: World) -> list[Any]:
    """Return what was written to people."""
    paths = sorted((world.directory / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [email.message_from_bytes(path.read_bytes(), policy=default) for path in paths]


def remind(world: World) -> int:
    """Send what is due."""
    reminders = Office(world.home, "https://sceau.example").reminders
    assert reminders is not None
    return reminders.send_due()


@pytest.fixture
def anne(world: World) -> Somebody:
    """Anne has a certificate and gave an address."""
    anne = Somebody(world, ANNE.idnat)
    anne.obtain(AUTHENTICATION)
    reminders = anne.office.reminders
    assert reminders is not None
    reminders.set_address(anne.account, ADDRESS)
    return anne


def days_before_the_end(world: World, anne: Somebody, days: float) -> None:
    """Go to a moment in the life of Anne's certificate."""
    (certificate,) = anne.office.selfservice.credentials(ANNE.idnat)
    left = certificate.not_after - world.clock.now()
    world.clock.advance(seconds=int(left.total_seconds() - days * 86_400))


def test_five_steps_and_each_once(world: World, anne: Somebody) -> None:
    """61 days before: nothing; then five mails, whatever the number of looks; after the end: nothing."""
    told = []
    for days in (61, 60, 59, 31, 30, 29, 14, 13, 7, 3, 1, 0.5, -1):
        days_before_the_end(world, anne, days)
        told.append(remind(world) + remind(world))
    assert told == [0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0]
    assert len(messages(world)) == 5


def test_a_reminder_says_what_to_do_and_not_who_one_is(world: World, anne: Somebody) -> None:
    """A date for the calendar; a link to the door; neither name nor number."""
    days_before_the_end(world, anne, 20)
    assert remind(world) == 1
    (message,) = messages(world)
    assert message["To"] == ADDRESS
    body, calendar = (part.get_content() for part in message.iter_parts())
    text = body + str(calendar) + str(message["Subject"])
    assert "https://sceau.example/moi/" in body and "dans moins de 30 jours" in body
    assert "BEGIN:VEVENT" in str(calendar) and "TRIGGER:-P7D" in str(calendar)
    assert not any(secret in text for secret in ("MARTIN", "Camille", ANNE.rpps))


def test_nobody_is_reminded_of_what_was_renewed_revoked_or_forgotten(world: World, anne: Somebody) -> None:
    """The newest certificate speaks for its kind; an address that was taken back is not written to."""
    days_before_the_end(world, anne, 50)
    world.reopen()
    world.apply_register([ANNE])
    anne.obtain(AUTHENTICATION)
    assert remind(world) == 0
    anne.obtain(SIGNATURE)
    for certificate in anne.office.selfservice.credentials(ANNE.idnat):
        if certificate.state is State.ISSUED:
            world.revoke(certificate)
    world.clock.advance(days=1000)
    assert remind(world) == 0
    reminders = anne.office.reminders
    assert reminders is not None
    reminders.set_address(anne.account, "")
    assert reminders.address(anne.account) is None


@pytest.mark.parametrize(
    "address", ["x", "@x.y", "a@b", "a b@c.d", "a@b.c\nBcc: d@e.f", "é@x.example", "a@" + "b" * 300 + ".c", "<a@b.c>", "a@b..c"]
)
def test_what_is_no_address_is_refused(world: World, anne: Somebody, address: str) -> None:
    """A header hidden in an address above all."""
    reminders = anne.office.reminders
    assert reminders is not None
    with pytest.raises(Malformed):
        reminders.set_address(anne.account, address)


class _Kept:
    """What a mail server was given."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        """Keep a message (the library's name for it)."""
        self.messages.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 kept"


def test_a_mail_server_takes_reminders_and_what_it_does_not_take_waits(world: World, anne: Somebody) -> None:
    """By SMTP, to a server that we did not write; when it is away, the reminder is sent at the next time."""
    kept = _Kept()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    days_before_the_end(world, anne, 6)
    settings = MailSettings(sender="sceau@exemple.example", smtp="127.0.0.1:9", starttls=False)

    def reminders(settings: MailSettings) -> Reminders:
        hand_over = mail.sender(settings, world.directory)
        return Reminders(world.store, {}, settings.sender, "https://sceau.example", world.clock, hand_over)

    with pytest.raises(Unavailable):
        reminders(settings).send_due()
    controller.start()
    try:
        there = replace(settings, smtp=f"127.0.0.1:{port}")
        assert reminders(there).send_due() == 1
        assert reminders(there).send_due() == 0
    finally:
        controller.stop()
    (message,) = kept.messages
    assert message["To"] == ADDRESS


def test_the_page_keeps_what_was_typed_and_says_what_is_wrong(world: World, anne: Somebody) -> None:
    """A mistyped address comes back with its error; a right one is kept; an empty one ends it."""
    token = anne.office.sessions.open(anne.passkey)
    browser = make(anne.office).test_client()
    browser.set_cookie("sceau-person", token, path="/")

    def save(address: str) -> Any:
        form = {"adresse": address, "csrf": token_of_session(token)}
        return browser.post("/rappels", data=form, headers={"Origin": anne.office.url})

    wrong = save("anne@")
    assert wrong.status_code == 400 and 'value="anne@"' in wrong.text and "pas une adresse" in wrong.text
    assert save("anne.martin@exemple.example").status_code == 302
    assert "anne.martin@exemple.example" in browser.get("/").text
    assert save("").status_code == 302
    reminders = anne.office.reminders
    assert reminders is not None and reminders.address(anne.account) is None


def test_the_old_address_is_told_of_a_new_passkey_and_of_a_loss(world: World, anne: Somebody) -> None:
    """Whoever comes back, or ends everything, in somebody's name: that person hears of it (Y15)."""
    token = anne.office.sessions.open(anne.passkey)
    browser = make(anne.office).test_client()
    browser.set_cookie("sceau-person", token, path="/")
    headers = {"Origin": anne.office.url, "X-Sceau-Token": token_of_session(token)}
    options = browser.post("/cles/options", json={}, headers=headers).json
    assert options is not None
    made = Authenticator(credential_id=b"credential-2").make(options)
    assert browser.post("/cles", json={"response": made, "name": "Tablette"}, headers=headers).status_code == 200
    code = anne.office.losses.new_sheet(anne.account)[0]
    form = {"numero": ANNE.rpps, "code": code, "csrf": token_of_session(token)}
    assert browser.post("/perte", data=form, headers=headers).status_code == 200
    for thread in threading.enumerate():
        if thread.name == "notice":
            thread.join()
    assert {str(message["Subject"]) for message in messages(world)} == {
        "Une clé d'accès a été ajoutée",
        "Une perte a été signalée",
    }
    assert all(message["To"] == ADDRESS for message in messages(world))
