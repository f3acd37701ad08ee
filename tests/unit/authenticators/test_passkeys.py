"""Passkeys: what is accepted, what is refused, what is spent (reliability Y01 to Y04, Y15; CP 5.2.3)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pki.authenticators.model import Account, Kind, Passkey
from pki.bootstrap.office import Office
from pki.bootstrap.registrar import officer_keys
from tests.builders.authenticator import PRESENT, VERIFIED, Authenticator
from tests.world import World
from trust.assertion import signs
from trust.errors import Conflict, Malformed, Missing, Refused

HUGO = Account(Kind.OFFICER, "cnom-2")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An authority."""
    world = World(tmp_path / "home")
    yield world
    world.close()


@pytest.fixture
def office(world: World) -> Office:
    """Its pages' services."""
    return Office(world.home, "http://localhost:8400")


def enter(office: Office, device: Authenticator, account: Account = HUGO, *, name: str = "Téléphone") -> Passkey:
    """Register a passkey by a one-time link."""
    made = office.entries.invite(account, timedelta(hours=1), by="test")
    answer = device.make(office.passkeys.registration_options(account, "x"))
    return office.passkeys.register_by_entry(made.token, None, answer, name)


def sign_in(office: Office, device: Authenticator) -> Passkey:
    """Show it."""
    return office.passkeys.sign_in(device.show(office.passkeys.sign_in_options()), Kind.OFFICER)


def test_a_passkey_opens_for_its_account(office: Office) -> None:
    """From a link to a session."""
    device = Authenticator()
    enter(office, device)
    token = office.sessions.open(sign_in(office, device))
    session = office.sessions.find(token)
    assert session is not None and session.account == HUGO


LIES: dict[str, Callable[[Authenticator], object]] = {
    "another origin": lambda device: setattr(device, "origin", "https://localhost.example"),
    "another scheme": lambda device: setattr(device, "origin", "ftp://localhost:8400"),
    "a sub-domain": lambda device: setattr(device, "origin", "http://evil.localhost:8400"),
    "another relying party": lambda device: setattr(device, "rp_id", "example.com"),
    "inside another site": lambda device: setattr(device, "cross_origin", True),
    "nobody verified": lambda device: setattr(device, "flags", PRESENT),
    "nobody present": lambda device: setattr(device, "flags", VERIFIED),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_registration_that_is_not_for_us_is_refused_and_its_challenge_is_spent(office: Office, lie: str) -> None:
    """And the link still serves, with another challenge."""
    device = Authenticator()
    made = office.entries.invite(HUGO, timedelta(hours=1), by="test")
    LIES[lie](device)
    answer = device.make(office.passkeys.registration_options(HUGO, "x"))
    with pytest.raises(Refused):
        office.passkeys.register_by_entry(made.token, None, answer, "x")
    with pytest.raises(Refused, match="answered before"):
        office.passkeys.register_by_entry(made.token, None, answer, "x")
    honest = Authenticator()
    options = office.passkeys.registration_options(HUGO, "x")
    assert office.passkeys.register_by_entry(made.token, None, honest.make(options), "x").account == HUGO


@pytest.mark.parametrize("lie", LIES)
def test_a_sign_in_that_is_not_for_us_is_refused(office: Office, lie: str) -> None:
    """By the same rules, each time."""
    device = Authenticator()
    enter(office, device)
    LIES[lie](device)
    with pytest.raises(Refused):
        sign_in(office, device)


@pytest.mark.parametrize("lie", LIES)
def test_an_assertion_that_is_not_for_us_signs_no_act(office: Office, lie: str) -> None:
    """The issuer's own check refuses what the ceremonies refuse (`trust.assertion`)."""
    device = Authenticator()
    passkey = enter(office, device)
    assert signs(device.sign("statement"), b"statement", passkey.spki, "localhost")
    assert not signs(device.sign("statement"), b"Statement", passkey.spki, "localhost")
    LIES[lie](device)
    assert not signs(device.sign("statement"), b"statement", passkey.spki, "localhost")


def test_an_answer_serves_once(office: Office) -> None:
    """Y01: replayed, expired, of another purpose."""
    device = Authenticator()
    enter(office, device)
    answer = device.show(office.passkeys.sign_in_options())
    office.passkeys.sign_in(answer, Kind.OFFICER)
    with pytest.raises(Refused, match="answered before"):
        office.passkeys.sign_in(answer, Kind.OFFICER)
    old = device.show(office.passkeys.sign_in_options())
    office.home.clock.advance(minutes=6)  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="too old"):
        office.passkeys.sign_in(old, Kind.OFFICER)
    for_registration = device.show(office.passkeys.registration_options(HUGO, "x"))
    with pytest.raises(Refused):
        office.passkeys.sign_in(for_registration, Kind.OFFICER)


def test_a_passkey_is_one_account_s(office: Office) -> None:
    """Y04: the same credential is not registered for somebody else, nor again."""
    device = Authenticator()
    enter(office, device)
    for account in (HUGO, Account(Kind.OFFICER, "cnom-3")):
        with pytest.raises(Conflict):
            enter(office, device, account)


def test_a_link_serves_once_and_not_for_ever(office: Office) -> None:
    """Spent, too old, replaced by a newer one, unknown: the same words."""
    made = [office.entries.invite(HUGO, timedelta(hours=1), by="test") for _ in range(2)]
    said = set()
    for token in (made[0].token, "unknown", "é" * 20, "x" * 5000):
        with pytest.raises(Refused) as refusal:
            office.entries.look(token)
        said.add(str(refusal.value))
    enter(office, Authenticator())
    third = office.entries.invite(HUGO, timedelta(hours=1), by="test")
    office.home.clock.advance(minutes=61)  # type: ignore[attr-defined]
    with pytest.raises(Refused) as refusal:
        office.entries.look(third.token)
    assert said == {str(refusal.value)}


def test_three_wrong_codes_end_a_link(office: Office) -> None:
    """Forty bits are not tried one after the other; small letters and spaces do not count."""
    made = office.entries.invite(HUGO, timedelta(hours=1), by="test", with_code=True)
    assert made.code is not None
    typed = f" {made.code[:4].lower()}-{made.code[4:]} "
    assert office.entries.check_code(made.token, typed).account == HUGO
    for _ in range(3):
        with pytest.raises(Refused, match="code"):
            office.entries.check_code(made.token, "AAAAAAAA")
    with pytest.raises(Refused, match="link"):
        office.entries.check_code(made.token, made.code)


def test_a_link_with_a_code_registers_nothing_without_it(office: Office) -> None:
    """Who only has the letter gets nowhere."""
    made = office.entries.invite(HUGO, timedelta(hours=1), by="test", with_code=True)
    answer = Authenticator().make(office.passkeys.registration_options(HUGO, "x"))
    with pytest.raises(Refused, match="code"):
        office.passkeys.register_by_entry(made.token, None, answer, "x")


def test_a_copied_passkey_is_noticed(office: Office) -> None:
    """A counter that goes back: two devices answer for one credential (§6.1.1)."""
    device = Authenticator(counter=5)
    enter(office, device)
    device.counter = 6
    sign_in(office, device)
    device.counter = 6
    with pytest.raises(Refused, match="copied"):
        sign_in(office, device)


def test_a_withdrawn_passkey_opens_and_signs_nothing_and_its_sessions_end(world: World, office: Office) -> None:
    """Y15, for one key of two; the last one stays."""
    first, second = Authenticator(), Authenticator(credential_id=b"credential-2")
    passkey = enter(office, first)
    token = office.sessions.open(sign_in(office, first))
    with pytest.raises(Conflict, match="last"):
        office.passkeys.withdraw(HUGO, passkey.id)
    answer = second.make(office.passkeys.registration_options(HUGO, "x"))
    office.passkeys.register_another(HUGO, answer, "Clé")
    office.passkeys.withdraw(HUGO, passkey.id)
    assert office.sessions.find(token) is None
    with pytest.raises(Refused, match="not accepted"):  # as for a passkey of nobody: `tests/isolation/test_sameness.py`
        sign_in(office, first)
    with world.store.read() as tx:
        keys = {key.spki: key.withdrawn_at for key in tx.acts.keys("cnom-2")}
    assert keys[passkey.spki] is not None
    with pytest.raises(Missing):
        office.passkeys.rename(Account(Kind.OFFICER, "cnom-3"), passkey.id, "x")


def test_an_officer_whose_keys_are_withdrawn_is_out_at_once(world: World, office: Office) -> None:
    """`sceau board officer-withdraw` takes sessions, passkeys and open links along (W06)."""
    device = Authenticator()
    enter(office, device)
    token = office.sessions.open(sign_in(office, device))
    made = office.entries.invite(HUGO, timedelta(hours=1), by="test")
    officer_keys(world.home).withdraw("cnom-2", "left", by="test")
    assert office.sessions.find(token) is None
    with pytest.raises(Refused):
        sign_in(office, device)
    with pytest.raises(Refused):
        office.entries.look(made.token)


def test_sessions_end(world: World, office: Office) -> None:
    """After half an hour of silence, after twelve hours, on request, everywhere at once."""
    device = Authenticator()
    passkey = enter(office, device)
    clock = world.clock
    silent = office.sessions.open(passkey)
    clock.advance(minutes=31)
    assert office.sessions.find(silent) is None
    busy = office.sessions.open(passkey)
    for _ in range(24):
        clock.advance(minutes=29)
        assert office.sessions.find(busy) is not None
    clock.advance(minutes=25)
    assert office.sessions.find(busy) is None
    several = [office.sessions.open(passkey) for _ in range(3)]
    assert office.sessions.end_all(HUGO) >= 3
    assert [office.sessions.find(token) for token in several] == [None] * 3
    for token in ("", "unknown", "é", "x" * 10_000):
        assert office.sessions.find(token) is None


def broken(answer: dict[str, Any]) -> Iterator[Any]:
    """Yield answers that an authenticator never gives."""
    yield from (None, 5, "x", [], {}, {"response": None}, {"response": {}}, {"response": {"clientDataJSON": 5}})
    for part in ("clientDataJSON", "authenticatorData", "signature"):
        values: tuple[Any, ...] = ("", "é", "!!!", "AAAA", "A" * 100_000, None, 5, [])
        for value in values:
            other = copy.deepcopy(answer)
            other["response"][part] = value
            yield other
    names: tuple[Any, ...] = (None, 5, "", "A" * 10_000)
    for name in names:
        yield answer | {"rawId": name, "id": name}


def test_what_no_authenticator_gives_is_refused_in_words(office: Office) -> None:
    """Bad input: never a traceback, nobody is let in."""
    device = Authenticator()
    enter(office, device)
    for answer in broken(device.show(office.passkeys.sign_in_options())):
        with pytest.raises((Malformed, Refused)):
            office.passkeys.sign_in(answer, Kind.OFFICER)
