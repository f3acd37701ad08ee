"""Programs at work with the real processes: curl with a token, and through nginx with a client certificate.

What an officer decides is signed by OpenSSL with the officer's own key. nginx runs the file of `docs/operate`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.builders.judges import ask, fetched_chain, joined, openssl
from tests.builders.nginx import nginx
from tests.builders.served import Served, serving

pytestmark = pytest.mark.xdist_group("api")

EXAMPLE = Path(__file__).parents[2] / "docs" / "operate" / "nginx-api.conf"
SECRET = "5e" * 32
HOSPITAL = "1990000010"
PORT = 6
"""Of nginx, after the authority's base port."""


@dataclass
class Program:
    """What calls: curl, with what it was given to authenticate."""

    url: str
    folder: Path
    options: tuple[object, ...] = ()

    def call(self, path: str, body: Any = None, *more: object) -> tuple[int, Any]:
        """Call; return the status and what was said."""
        sent: tuple[object, ...] = ()
        if body is not None:
            file = self.folder / "body.json"
            file.write_text(json.dumps(body))
            sent = ("--header", "Content-Type: application/json", "--data-binary", f"@{file}")
        told = ("--silent", "--show-error", "--max-time", "30", "--write-out", "\n%{http_code}")
        said = ask("curl", *told, *self.options, *more, *sent, f"{self.url}/api/v1{path}").words
        words, _, status = said.rpartition("\n")
        return int(status), json.loads(words) if words.startswith(("{", "[")) else words

    def get(self, path: str, body: Any = None) -> Any:
        """Call what must answer well."""
        status, said = self.call(path, body)
        assert status in (200, 201), said
        return said


@dataclass
class Site:
    """An authority behind nginx."""

    served: Served
    folder: Path
    officer: str
    """Practitioner of the demonstration whose mandate is that of ``cnom-2``."""

    def direct(self, *options: object) -> Program:
        """A program on this machine."""
        return Program(f"http://localhost:{self.served.base_port}", self.folder, options)

    def through_nginx(self, *options: object) -> Program:
        """A program elsewhere."""
        port = self.served.base_port + PORT
        return Program(f"https://localhost:{port}", self.folder, ("--cacert", self.folder / "root.pem", *options))

    def with_certificate(self, name: str) -> Program:
        """One that shows a certificate of the demonstration."""
        folder = self.served.home / "demo"
        return self.through_nginx("--cert", folder / "certificates" / name, "--key", folder / "keys" / name)

    def signed(self, officer: str, statement: str) -> dict[str, str]:
        """Have OpenSSL sign a statement with an officer's key."""
        keys, text, signature = self.served.home / "secrets" / "officers", self.folder / "statement", self.folder / "signature"
        text.write_text(statement)
        key = ("-sign", keys / f"{officer}.pem", "-passin", f"file:{keys / 'passphrase'}")
        said = openssl("dgst", "-sha256", *key, "-out", signature, text)
        assert said.code == 0, said.words
        return {"statement": statement, "signature": openssl("base64", "-A", "-in", signature).words}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demonstration, with an officer who practises and a proxy that is believed."""
    folder = tmp_path_factory.mktemp("api")
    officers: list[str] = []

    def prepare(home: Path) -> None:
        listed = sorted((home / "demo" / "certificates").glob("8*-ps-authentification.pem"))
        board = home / "config" / "boards" / "cnom.toml"
        officers.append(next(each.name for each in listed if _is_doctor(home, each.name)).partition("-")[0])
        board.write_text(board.read_text().replace('id = "cnom-2"', f'id = "cnom-2"\nidnat = "{officers[0]}"'))
        authority = home / "config" / "authority.toml"
        authority.write_text(f'[api]\nproxies = ["127.0.0.1"]\nproxy_secret = "proxy"\n\n{authority.read_text()}')
        (home / "secrets" / "proxy").write_text(SECRET + "\n")
        (home / "secrets" / "proxy").chmod(0o600)

    with serving(folder, prepare=prepare) as served:
        people = fetched_chain(served.publication, "personnes", folder / "people")
        servers = fetched_chain(served.publication, "organisations", folder / "servers")
        joined(folder / "root.pem", [servers.root])
        joined(folder / "clients.pem", [people.issuing, servers.issuing, servers.root])
        (folder / "secret.conf").write_text(f'proxy_set_header Sceau-Proxy "{SECRET}";\n')
        with nginx(folder / "run", configuration(served, folder), served.base_port + PORT):
            yield Site(served, folder, officers[0])


def _is_doctor(home: Path, name: str) -> bool:
    said = openssl("x509", "-noout", "-subject", "-in", home / "demo" / "certificates" / name).words
    return "M\\C3\\A9decin" in said or "Médecin" in said


def configuration(served: Served, folder: Path) -> str:
    """Return the documented example, with places and ports of this machine."""
    demo = served.home / "demo"
    changes = {
        "443 ssl": f"127.0.0.1:{served.base_port + PORT} ssl",
        "api.sceau.ordre.example": "localhost",
        "127.0.0.1:8400": f"127.0.0.1:{served.base_port}",
        "/etc/sceau/api.pem": str(demo / "certificates" / f"{HOSPITAL}-localhost.pem"),
        "/etc/sceau/api.key": str(demo / "keys" / f"{HOSPITAL}-localhost.pem"),
        "/etc/sceau/clients.pem": str(folder / "clients.pem"),
        "/etc/sceau/api-secret.conf": str(folder / "secret.conf"),
    }
    text = EXAMPLE.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def test_curl_with_a_token_reads_and_hands_in_a_signed_revocation(site: Site) -> None:
    """The token is made by the command, and read from a file: it stands in no argument."""
    token = site.folder / "token"
    scopes = ("--scope", "read", "--scope", "decide")
    made = site.served.does("board", "token", "cnom-1", "--name", "journey", *scopes, "--out", token)
    header = site.folder / "header"
    header.write_text(f"Authorization: Bearer {token.read_text()}")
    program = site.direct("--header", f"@{header}")
    assert program.get("/me")["account"] == "officer:cnom-1"
    found = program.get("/certificates?status=issued&profile=ps-signature&limit=1")["certificates"][0]
    path = f"/certificates/{found['serial']}"
    assert program.get(path)["pem"].startswith("-----BEGIN CERTIFICATE-----")
    statement = program.get(f"{path}/revocation/statement", {"reason": "superseded"})["statement"]
    done = program.get(f"{path}/revocation", site.signed("cnom-1", statement))
    assert (done["certificate"]["status"], done["already"]) == ("revoked", False)
    assert site.direct().get(f"/check/{found['serial']}")["status"] == "revoked"
    assert site.served.run("board", "token-withdraw", made["id"]).returncode == 0
    assert program.call("/me")[0] == 401


def test_an_officer_comes_through_nginx_with_a_certificate_until_it_is_revoked(site: Site) -> None:
    """Reads, and revokes by the officer's signature; the last that is revoked is the certificate that came."""
    name = f"{site.officer}-ps-authentification.pem"
    program = site.with_certificate(name)
    me = program.get("/me")
    assert (me["account"], me["scopes"]) == ("officer:cnom-2", ["decide", "read", "request"])
    mine = program.get(f"/certificates?holder={site.officer}&profile=ps-authentification&status=issued")["certificates"][0]
    path = f"/certificates/{mine['serial']}"
    statement = program.get(f"{path}/revocation/statement", {"reason": "keyCompromise"})["statement"]
    assert program.call(f"{path}/revocation", site.signed("cnom-1", statement))[0] == 403
    assert program.get(f"{path}/revocation", site.signed("cnom-2", statement))["certificate"]["status"] == "revoked"
    status, said = program.call("/me")
    assert (status, said["title"]) == (401, "Who calls?")


def test_a_structure_comes_with_the_certificate_of_its_application(site: Site) -> None:
    """And sees its own certificates."""
    program = site.with_certificate(f"{HOSPITAL}-dossier.pem")
    assert program.get("/me")["account"] == f"structure:{HOSPITAL}"
    assert {each["holder"] for each in program.get("/certificates")["certificates"]} == {HOSPITAL}
    assert program.call("/batches")[0] == 403


def test_nobody_says_for_the_proxy_what_the_proxy_did_not_see(site: Site) -> None:
    """Neither through it nor beside it, with the certificate of somebody else: certificates are public."""
    pem = (site.served.home / "demo" / "certificates" / f"{HOSPITAL}-dossier.pem").read_text().splitlines()
    leaf = "".join(pem[1 : pem.index("-----END CERTIFICATE-----")])
    lie = ("--header", f"Client-Cert: :{leaf}:")
    assert site.through_nginx(*lie).call("/me")[0] == 401
    assert site.direct(*lie).call("/me")[0] == 401
    assert site.direct(*lie, "--header", f"Sceau-Proxy: {'0' * 64}").call("/me")[0] == 401
    assert site.direct(*lie, "--header", f"Sceau-Proxy: {SECRET}").call("/me")[0] == 200  # who knows the secret is the proxy
