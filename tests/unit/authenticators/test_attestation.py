"""Which models of authenticators are accepted, where the operator says (Web Authentication §6.5; CP 6.2.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from werkzeug.test import Client, TestResponse

from pki.authenticators.model import Account, Kind, Passkey
from pki.authenticators.passkeys import Passkeys
from pki.authenticators.webauthn import Ceremonies
from pki.bootstrap.office import Office
from pki.settings import PasskeySettings
from tests.builders.authenticator import Authenticator, Maker
from tests.world import World
from trust.errors import Refused
from web.admin.application import make as make_admin

HUGO = Account(Kind.OFFICER, "cnom-2")
LISTED, OTHER = UUID("f8a011f3-8c0a-4d15-8006-17111f9edc7d"), UUID("11111111-2222-3333-4444-555555555555")
URL = "http://localhost:8400"
PAST = datetime(2021, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An authority."""
    world = World(tmp_path_factory.mktemp("models") / "home")
    yield world
    world.close()


@pytest.fixture
def maker() -> Maker:
    """Who makes the listed model."""
    return Maker()


def registered(world: World, settings: PasskeySettings, device: Authenticator, number: int = 1) -> Passkey:
    """Have an officer register a device where these settings hold."""
    home = world.home
    ceremonies = Ceremonies("localhost", "x", settings)
    passkeys = Passkeys(home.store, home.settings, ceremonies, home.clock, home.entropy)
    made = Office(home, "http://localhost:8400").entries.invite(HUGO, timedelta(hours=1), by="test")
    device.credential_id = device.key.public_key().public_numbers().x.to_bytes(32, "big")
    return passkeys.register_by_entry(made.token, None, device.make(passkeys.registration_options(HUGO, "x")), "Clé")


def only(maker: Maker, model: UUID = LISTED) -> PasskeySettings:
    """Accept one model, for which this maker vouches."""
    return PasskeySettings("direct", frozenset({str(model)}), {str(model): (maker.root().public_bytes(Encoding.DER),)})


def test_without_a_list_nobody_is_asked_what_they_hold(world: World, maker: Maker) -> None:
    """The options do not speak of attestation, and what a device would say is not listened to."""
    assert "attestation" not in Ceremonies("localhost", "x").creation_options(bytes(32), b"h", "x", [])["publicKey"]
    passkey = registered(world, PasskeySettings(), Authenticator(model=OTHER.bytes, maker=maker))
    assert (passkey.aaguid, passkey.vouched) == (str(OTHER), None)


def test_a_listed_model_that_its_maker_vouches_for_is_accepted_and_who_vouches_is_kept(world: World, maker: Maker) -> None:
    """Through one issuing authority, too."""
    for between in ("", "authority"):
        maker.issues_through = between
        passkey = registered(world, only(maker), Authenticator(model=LISTED.bytes, maker=maker))
        with world.store.read() as tx:
            kept = tx.authenticators.passkey(passkey.id)
        assert kept is not None and (kept.aaguid, kept.vouched) == (str(LISTED), "FABRIQUE D'ESSAI (basic)")


FALSE: dict[str, Callable[[Authenticator, Maker], object]] = {
    "another model": lambda device, maker: setattr(device, "model", OTHER.bytes),
    "a model that does not say": lambda device, maker: setattr(device, "model", bytes(16)),
    "nobody vouches": lambda device, maker: setattr(device, "maker", None),
    "it vouches for itself": lambda device, maker: vars(device).update(maker=None, signs_for_itself=True),
    "another maker of the same name": lambda device, maker: setattr(device, "maker", Maker()),
    "another maker of another name": lambda device, maker: setattr(device, "maker", Maker("AUTRE")),
    "certified for another model": lambda device, maker: setattr(maker, "certified_model", OTHER.bytes),
    "another key signed": lambda device, maker: setattr(device, "maker", with_another_key(maker)),
    "the certificate has ended": lambda device, maker: setattr(device, "maker", replace(maker, ends=PAST)),
    "issued by a device": lambda device, maker: setattr(maker, "issues_through", "device"),
}


def with_another_key(maker: Maker) -> Maker:
    """Return a maker whose devices sign with a key that is not the certified one."""
    path = maker.path(LISTED.bytes)
    liar = replace(maker, device_key=Maker().device_key)
    liar.path = lambda model: path  # type: ignore[method-assign]
    return liar


@pytest.mark.parametrize("lie", FALSE)
def test_what_is_not_shown_to_be_of_the_list_is_refused(world: World, maker: Maker, lie: str) -> None:
    """The policy is cited, and nothing is registered."""
    device, settings = Authenticator(model=LISTED.bytes, maker=maker), only(maker)
    FALSE[lie](device, maker)
    with pytest.raises(Refused) as refusal:
        registered(world, settings, device)
    assert refusal.value.citation == "CP 6.2.1"
    with world.store.read() as tx:
        assert tx.authenticators.passkey(device.credential_id) is None


def test_a_maker_vouches_for_its_own_models_only(world: World, maker: Maker) -> None:
    """Where certificates name no model, another maker's would do: roots are kept by model."""
    other = Maker("AUTRE", says_model=False)
    roots = {str(LISTED): (maker.root().public_bytes(Encoding.DER),), str(OTHER): (other.root().public_bytes(Encoding.DER),)}
    settings = PasskeySettings("direct", frozenset(roots), roots)
    assert registered(world, settings, Authenticator(model=OTHER.bytes, maker=other)).vouched == "AUTRE (basic)"
    with pytest.raises(Refused):
        registered(world, settings, Authenticator(model=LISTED.bytes, maker=other))


def test_without_a_list_models_may_be_learnt_and_none_is_refused(world: World, maker: Maker) -> None:
    """``attestation = "direct"`` alone: what verifies is kept, what does not is accepted all the same."""
    settings = PasskeySettings("direct", frozenset(), only(maker).makers)
    assert registered(world, settings, Authenticator(model=LISTED.bytes, maker=maker)).vouched == "FABRIQUE D'ESSAI (basic)"
    assert registered(world, settings, Authenticator(model=OTHER.bytes, signs_for_itself=True)).vouched is None
    assert registered(world, settings, Authenticator()).vouched is None


def test_a_refused_model_is_told_in_french_with_what_to_do(world: World, maker: Maker) -> None:
    """On the page where the passkey was to be made; and who vouches for an accepted one stands on the page of one's passkeys."""
    settings = replace(world.home.settings, passkeys=only(maker))
    office = Office(replace(world.home, settings=settings), URL)
    client = Client(make_admin(office))
    headers = {"Origin": URL, "X-Sceau-Token": "anonymous", "Accept": "application/json"}

    def enter(device: Authenticator) -> TestResponse:
        made = office.entries.invite(Account(Kind.ADMINISTRATOR, "exploitation-1"), timedelta(hours=1), by="test")
        options = client.post(f"/entree/{made.token}/options", base_url=URL, headers=headers, json={}).get_json()
        assert options["publicKey"]["attestation"] == "direct"
        body = {"name": "Ma clé", "response": device.make(options)}
        return client.post(f"/entree/{made.token}", base_url=URL, headers=headers, json=body)

    refused = enter(Authenticator(origin=URL, credential_id=b"refused", model=OTHER.bytes, maker=maker))
    assert refused.status_code == 403 and refused.get_json()["error"].startswith("Ce modèle de clé d'accès n'est pas accepté ici")
    assert enter(Authenticator(origin=URL, credential_id=b"accepted", model=LISTED.bytes, maker=maker)).status_code == 200
    kept = client.get_cookie("sceau-administrator", path="/admin")
    assert kept is not None
    client.set_cookie("sceau-administrator", kept.value)
    shown = client.get("/cles", base_url=URL).get_data(as_text=True)
    assert "Son modèle est garanti par FABRIQUE" in shown
