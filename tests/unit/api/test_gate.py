"""Who calls: tokens, and certificates that a proxy saw (RFC 6750, RFC 9440); and what is refused before anything is read."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from werkzeug.test import Client, TestResponse

from pki.bootstrap.home import Home
from pki.bootstrap.office import Office
from pki.inventory.model import Certificate, Reason
from pki.registration.applications import Application
from pki.settings import ApiSettings
from tests.builders.programs import URL, Programs
from tests.unit.api.conftest import DOCTOR, NURSE, STRUCTURE
from tests.world import World, certification_request
from trust.algorithms import ALGORITHMS
from trust.errors import Malformed, Missing, Refused
from web.api.application import BY_ACCOUNT, BY_ADDRESS, make
from web.api.who import Gate
from web.kit.limits import Limits

PROXY, SECRET = "127.0.0.1", "a" * 64


def behind_a_proxy(world: World, officer: str = "cnom-3", holder: str = DOCTOR.idnat) -> Home:
    """Return the home where a proxy is believed, and one officer is that person."""
    path = world.home.settings.home / "secrets" / "proxy"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    boards = {
        code: replace(
            board, officers=tuple(replace(each, idnat=holder) if each.id == officer else each for each in board.officers)
        )
        for code, board in world.home.settings.boards.items()
    }
    settings = replace(world.home.settings, boards=boards, api=ApiSettings([PROXY], "proxy"))
    return replace(world.home, settings=settings)


@pytest.fixture(scope="module")
def proxied(programs: Programs) -> Client:
    """The application of a home that believes a proxy."""
    return Client(make(Office(behind_a_proxy(programs.world), URL)))


def certificate(programs: Programs, profile: str = "ps-authentification", who: Any = DOCTOR) -> Certificate:
    """Have a certificate made for somebody, or for the structure."""
    if who is not STRUCTURE:
        return programs.world.enrol(who, profile)
    csr = certification_request(ALGORITHMS["P-256"].generate())
    names = {"dns_names": ("cabinet.example",)} if profile.startswith("serveur") else {"common_name": "Dossier"}
    batch = programs.world.order([Application(STRUCTURE, profile, csr, **names)], board="cnom")
    programs.world.issuer.turn_until_idle()
    return programs.world.certificates_of_batch(batch)[0]


def structured(found: Certificate) -> str:
    """Write a certificate as RFC 9440 has it."""
    return f":{b64encode(found.der).decode()}:"


def escaped(found: Certificate) -> str:
    """Write it as nginx does."""
    return quote(x509.load_der_x509_certificate(found.der).public_bytes(Encoding.PEM).decode())


def come(client: Client, said: str, *, peer: str = PROXY, secret: str | None = SECRET, **headers: str) -> TestResponse:
    """Come through the proxy."""
    sent = {"Client-Cert": said} | ({} if secret is None else {"Sceau-Proxy": secret}) | headers
    return client.get("/v1/me", headers=sent, base_url=URL, environ_overrides={"REMOTE_ADDR": peer})


def test_an_officer_comes_with_a_certificate_in_either_form(programs: Programs, proxied: Client) -> None:
    """The one whose national identifier the mandate has."""
    mine = certificate(programs)
    for said in (structured(mine), escaped(mine)):
        answer = come(proxied, said)
        assert (answer.status_code, answer.get_json()["account"]) == (200, "officer:cnom-3")


def test_a_structure_comes_with_the_certificate_of_an_application(programs: Programs, proxied: Client) -> None:
    """Not with that of a server, nor with a seal."""
    answer = come(proxied, structured(certificate(programs, "org-authentification", STRUCTURE)))
    assert answer.get_json()["account"] == f"structure:{STRUCTURE}"
    for profile in ("org-cachet", "serveur-tls-ec"):
        assert come(proxied, structured(certificate(programs, profile, STRUCTURE))).status_code == 401


def test_what_is_not_the_proxy_s_is_not_read(programs: Programs, proxied: Client) -> None:
    """From another address, without the secret, with another; and where no proxy is configured, never."""
    said = structured(certificate(programs))
    assert come(proxied, said, peer="203.0.113.9").status_code == 401
    assert come(proxied, said, secret=None).status_code == 401
    assert come(proxied, said, secret="b" * 64).status_code == 401
    assert come(proxied, said, peer="203.0.113.9", **{"X-Forwarded-For": PROXY, "X-Real-IP": PROXY}).status_code == 401
    assert come(programs.client, said).status_code == 401
    assert come(programs.client, said, secret="").status_code == 401


def test_a_certificate_that_is_not_good_now_lets_nobody_in(programs: Programs, proxied: Client) -> None:
    """Held, revoked, expired, of nobody's mandate, of another use, another's altogether, or none."""
    held, revoked = certificate(programs), certificate(programs)
    programs.world.revoke(held, Reason.CERTIFICATE_HOLD)
    programs.world.revoke(revoked)
    signing, nurse = certificate(programs, "ps-signature"), certificate(programs, who=NURSE)
    for bad in (held, revoked, signing, nurse):
        assert come(proxied, structured(bad)).status_code == 401
    altered = bytearray(certificate(programs).der)
    altered[-1] ^= 1
    ca = programs.world.home.ca_certificates()["personnes"]
    for said in (
        f":{b64encode(altered).decode()}:",
        structured(ca),
        "::",
        ":x:",
        "x",
        "%",
        "é",
        ":" * 40_000,
        ":" + "A" * 40_000,
    ):
        assert come(proxied, said.encode().decode("latin-1")).status_code == 401, said[:20]


def test_a_person_of_two_mandates_comes_with_a_token(programs: Programs) -> None:
    """A certificate does not say for which ordre."""
    home = behind_a_proxy(programs.world)
    boards = home.settings.boards
    oni = boards["ONI"]
    first = replace(oni.officers[0], idnat=DOCTOR.idnat)
    two = {**boards, "ONI": replace(oni, officers=(first, *oni.officers[1:]))}
    client = Client(make(Office(replace(home, settings=replace(home.settings, boards=two)), URL)))
    assert come(client, structured(certificate(programs))).status_code == 401


def test_a_token_speaks_before_a_certificate(programs: Programs, proxied: Client) -> None:
    """And a bad one is not made up for."""
    said = structured(certificate(programs))
    good = come(proxied, said, Authorization=f"bearer {programs.token('cnom-1')}")
    assert good.get_json()["account"] == "officer:cnom-1"
    for bad in ("Bearer x", "Bearer", "", "Basic eDp5", f"Bearer {programs.token('cnom-1')}x"):
        assert come(proxied, said, Authorization=bad).status_code == 401


def test_who_is_not_known_is_asked_for_a_token(programs: Programs) -> None:
    """With the challenge of RFC 6750; cookies are not read."""
    answer = programs.call("showMe")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="sceau"')
    answer = programs.call("showMe", headers={"Authorization": "Bearer sceau_x"})
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    token = programs.token("cnom-1")
    assert programs.call("showMe", headers={"Cookie": f"sceau-officer={token}"}).status_code == 401


@pytest.mark.parametrize("content", ["", "short", "é" * 40, "x" * 2000])
def test_a_proxy_s_secret_is_a_secret_or_stops_the_start(programs: Programs, content: str) -> None:
    """Too short, too long; not there; open to others."""
    home = behind_a_proxy(programs.world)
    path = home.settings.proxy_secret_file
    assert path is not None
    path.write_text(content)
    with pytest.raises(Malformed):
        Gate(Office(home, URL))
    path.chmod(0o644)
    with pytest.raises(Refused):
        Gate(Office(home, URL))
    path.unlink()
    with pytest.raises(Missing):
        Gate(Office(home, URL))


def test_a_page_of_another_site_gets_nothing(programs: Programs) -> None:
    """A browser that comes with a certificate by itself is told apart by what it says of the page."""
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert programs.call("showMe", "cnom-1", headers=headers).status_code == 403
    assert programs.call("showMe", "cnom-1", headers={"Origin": URL, "Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": b"reason=superseded", "content_type": "application/x-www-form-urlencoded"}, 415),
        ({"data": b'{"reason":"superseded"}', "content_type": "text/plain"}, 415),
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b"\xff", "content_type": "application/json"}, 400),
        ({"data": b"[" * 30_000, "content_type": "application/json"}, 400),
        ({"json": {"reason": "superseded", "force": True}}, 400),
        ({"json": {"reason": "certificateHold"}}, 400),
        ({"json": {}}, 400),
        ({"data": b" " * 300_000, "content_type": "application/json"}, 413),
        ({"json": {"reason": "superseded"}, "query_string": {"x": "1"}}, 400),
    ],
)
def test_what_cannot_be_read_is_refused(programs: Programs, sent: dict[str, Any], status: int) -> None:
    """Other media, no JSON, unknown fields, too much, what is not asked for."""
    serial = certificate(programs).serial.hex()
    headers = {"Authorization": f"Bearer {programs.token('cnom-1')}"}
    answer = programs.client.post(f"/v1/certificates/{serial}/revocation/statement", base_url=URL, headers=headers, **sent)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "x"}, {"limit": "201"}, {"x": "1"}, {"limit": ["1", "2"]}, {"cursor": "AAAA"}, {"status": "good"},
     {"holder": "1\0" * 5}, {"ends_before": "2026-01-01T00:00:00"}],
)  # fmt: skip
def test_parameters_are_as_strict_as_bodies(programs: Programs, query: dict[str, Any]) -> None:
    """Unknown, repeated, out of bounds, of another form."""
    assert programs.call("listCertificates", "cnom-1", query=query).status_code == 400


@pytest.mark.parametrize("serial", ["x", "A" * 32, "40" * 17, "é", "..", "%00"])
def test_what_has_no_such_name_does_not_exist(programs: Programs, serial: str) -> None:
    """404, whatever it is."""
    assert programs.call("showCertificate", "cnom-1", serial=serial).status_code == 404


def test_other_methods_are_named(programs: Programs) -> None:
    """405 with Allow, as a problem."""
    answer = programs.client.delete("/v1/me", base_url=URL)
    assert (answer.status_code, answer.headers["Allow"], answer.mimetype) == (405, "GET, HEAD", "application/problem+json")


def test_who_calls_too_often_waits_and_nobody_else(programs: Programs) -> None:
    """Counted by account; and by address for whom nobody knows."""
    limits = Limits(lambda: 0.0)
    client = Client(make(programs.office, limits))
    for name, key, rate in (("account", "officer:cnom-1", BY_ACCOUNT), ("unknown", PROXY, BY_ADDRESS)):
        while not limits.take(name, key, rate):
            pass
    first, other = ({"Authorization": f"Bearer {programs.token(each)}"} for each in ("cnom-1", "oni-1"))
    environ = {"REMOTE_ADDR": PROXY}
    waits = client.get("/v1/me", base_url=URL, headers=first)
    assert (waits.status_code, int(waits.headers["Retry-After"]) > 0) == (429, True)
    assert client.get("/v1/me", base_url=URL, environ_overrides=environ).status_code == 429
    assert client.get("/v1/me", base_url=URL, headers=other).status_code == 200
