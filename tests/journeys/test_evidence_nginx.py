"""nginx, as our relying parties run it: it serves with a certificate of ours and staples its status, and lets practitioners in by
theirs until they are revoked."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.builders.judges import Said, addresses, ask, download, fetched_chain, joined, openssl, read, to_pem
from tests.builders.nginx import Nginx, nginx
from tests.builders.served import Served, report, serving, until

pytestmark = pytest.mark.xdist_group("nginx")

HOSPITAL = "990000010"
"""The structure of the demonstration; it may name its servers ``localhost``."""

STAPLING, BY_LISTS, BY_FULL_LIST, BY_OCSP = 2, 3, 4, 5
"""Ports, after the authority's base port."""

SERVERS = """
  ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache off; ssl_session_tickets off;
  ssl_client_certificate {folder}/clients.pem; ssl_verify_depth 2;
  server {{
    listen 127.0.0.1:{stapling} ssl; server_name localhost;
    ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate {folder}/servers.pem;
    location / {{ return 200 "stapled"; }}
  }}
  server {{
    listen 127.0.0.1:{by_lists} ssl; server_name localhost;
    ssl_verify_client on; ssl_crl {folder}/shards.pem;
    location / {{ return 200 "$ssl_client_s_dn"; }}
  }}
  server {{
    listen 127.0.0.1:{by_full_list} ssl; server_name localhost;
    ssl_verify_client on; ssl_crl {folder}/full.pem;
    location / {{ return 200 "$ssl_client_s_dn"; }}
  }}
  server {{
    listen 127.0.0.1:{by_ocsp} ssl; server_name localhost;
    ssl_verify_client on; ssl_ocsp leaf; ssl_ocsp_cache off;
    location / {{ return 200 "$ssl_client_s_dn"; }}
  }}
"""


@dataclass
class Practitioner:
    """Somebody of the demonstration, with certificate and key in files."""

    serial: str
    holder: str
    officer: str
    files: tuple[object, ...]
    """How curl is told of them."""


@dataclass
class Site:
    """A server of the hospital."""

    served: Served
    running: Nginx
    folder: Path
    serial: str
    people: list[Practitioner]

    def port(self, which: int) -> int:
        """The port of one of its servers."""
        return self.served.base_port + which

    def visit(self, which: int, *options: object) -> Said:
        """Open a page with curl; the body, then the HTTP status on a line of its own."""
        trust = ("--cacert", self.folder / "root.pem", "--resolve", f"localhost:{self.port(which)}:127.0.0.1")
        told = ("--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}")
        return ask("curl", *told, *trust, *options, f"https://localhost:{self.port(which)}/")

    def enters(self, which: int, who: Practitioner) -> bool:
        """Try to come in with a practitioner's certificate: let in, by name, or refused with 400."""
        said = self.visit(which, *who.files)
        if said.words.endswith("\n200"):
            assert who.holder in said.words
            return True
        assert said.words.endswith("\n400"), said.words
        assert "The SSL certificate error" in said.words
        return False

    def has_lists_with(self, serial: str) -> bool:
        """Fetch the lists, as a relying party's timer does; do the files that nginx will read name the serial, both of them?

        Each worker of the publication looks at its files twice a second: one may still give the list before while another
        gives the new one.
        """
        fetch_lists(self.served, self.folder / "lists")
        people = self.folder / "lists" / "personnes"
        return any(listed(shard, serial) for shard in people.glob("*.der")) and listed(people.with_suffix(".der"), serial)


def fetch_lists(served: Served, folder: Path) -> None:
    """Fetch the lists of the practitioners' CA, and the root's: as shards, and as one full list."""
    names = ["racine", "personnes", *(f"personnes/{shard}" for shard in range(4))]
    folder.mkdir(exist_ok=True)
    (folder / "personnes").mkdir(exist_ok=True)
    pems = {name: to_pem(download(f"{served.publication}/crl/{name}.crl", folder / f"{name}.der"), "crl") for name in names}
    joined(folder / "shards.pem", [pems["racine"], *(pems[name] for name in names[2:])])
    joined(folder / "full.pem", [pems["racine"], pems["personnes"]])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The hospital's server: key and request by OpenSSL, asked for and approved on the command line, served by nginx."""
    folder = tmp_path_factory.mktemp("nginx")
    with serving(folder) as served:
        serial = server_certificate(served, folder)
        people = fetched_chain(served.publication, "personnes", folder / "people")
        servers = fetched_chain(served.publication, "organisations", folder / "servers")
        joined(folder / "root.pem", [servers.root])
        joined(folder / "servers.pem", [servers.issuing, servers.root])
        joined(folder / "clients.pem", [people.issuing, people.root])
        joined(folder / "server.pem", [folder / "leaf.pem", servers.issuing])
        fetch_lists(served, folder / "lists")
        for name in ("shards.pem", "full.pem"):
            (folder / name).symlink_to(folder / "lists" / name)
        ports = {
            name: served.base_port + which
            for name, which in zip(
                ("stapling", "by_lists", "by_full_list", "by_ocsp"), (STAPLING, BY_LISTS, BY_FULL_LIST, BY_OCSP), strict=True
            )
        }
        with nginx(folder / "run", SERVERS.format(folder=folder, **ports), ports["stapling"]) as running:
            yield Site(served, running, folder, serial, practitioners(served))


def server_certificate(served: Served, folder: Path) -> str:
    """Get a certificate for ``localhost``; return its serial."""
    assert openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", folder / "server.key").code == 0
    assert openssl("req", "-new", "-key", folder / "server.key", "-subj", "/", "-out", folder / "server.csr").code == 0
    asked = ("--structure", HOSPITAL, "--profile", "serveur-tls-ec", "--dns-name", "localhost", "--csr", folder / "server.csr")
    batch = served.does("ra", "enrol", *asked, "--officer", "cnom-1")["batch"]
    served.does("ra", "approve", batch, "--officer", "cnom-2")
    found: list[str] = []

    def issued() -> bool:
        found[:] = filter(None, [each["serial"] for each in json.loads(served.says("ra", "show", batch, "--json"))["requests"]])
        return bool(found)

    until(issued, "the server's certificate")
    served.certificate(found[0], folder / "leaf.pem")
    return found[0]


def practitioners(served: Served) -> list[Practitioner]:
    """Those of the demonstration whose certificate is good and whose key nobody else proved to have."""
    listed = json.loads(served.says("cert", "list", "--profile", "ps-authentification", "--state", "issued", "--json"))
    found = []
    for each in listed:
        name = f"{each['holder']}-ps-authentification.pem"
        certificate, key = served.home / "demo" / "certificates" / name, served.home / "demo" / "keys" / name
        files = ("--cert", certificate, "--key", key)
        found.append(Practitioner(each["serial"], each["holder"], f"{each['board'].lower()}-2", files))
    return found


def test_nginx_staples_a_status_that_it_verified_and_openssl_believes(site: Site) -> None:
    """nginx fetches the answer at the address in its own certificate and verifies it; OpenSSL, which asks for it in the
    handshake, finds it good and the path trusted."""
    connection = ("-connect", f"127.0.0.1:{site.port(STAPLING)}", "-servername", "localhost", "-verify_hostname", "localhost")
    trusting = ("-CAfile", site.folder / "root.pem", "-verify_return_error", "-status")
    said = Said(0, "")

    def stapled() -> bool:
        nonlocal said  # the first handshake is what makes nginx fetch the answer: it has none to staple yet
        said = openssl("s_client", *connection, *trusting)
        return "OCSP Response Status: successful" in said.words

    until(stapled, f"a stapled answer: {site.running.said()}", pause=0.2)
    assert "Cert Status: good" in said.words
    assert f"Serial Number: {site.serial.upper()}" in said.words
    assert "Verify return code: 0 (ok)" in said.words
    assert "[error]" not in site.running.said()


def test_curl_demands_the_stapled_status_and_gets_it(site: Site) -> None:
    """``--cert-status`` refuses a server that staples nothing, as the neighbour that does not staple shows."""
    test_nginx_staples_a_status_that_it_verified_and_openssl_believes(site)
    assert site.visit(STAPLING, "--cert-status").words == "stapled\n200"
    refused = site.visit(BY_LISTS, "--cert-status", *site.people[0].files)
    assert refused.code == 91
    assert "No OCSP response received" in refused.words


def test_gnutls_trusts_the_server(site: Site) -> None:
    """Path, name and stapled status, by the other library."""
    test_nginx_staples_a_status_that_it_verified_and_openssl_believes(site)
    trusted = ("--x509cafile", site.folder / "root.pem", "--port", site.port(STAPLING), "--ocsp")
    said = ask("gnutls-cli", *trusted, "localhost")
    assert said.code == 0, said.words
    assert "- Status: The certificate is trusted." in said.words
    assert re.search(r"Options:.*OCSP status request", said.words)


@pytest.mark.parametrize("which", [BY_LISTS, BY_FULL_LIST, BY_OCSP], ids=["shards", "full list", "OCSP"])
def test_a_practitioner_comes_in_and_a_stranger_does_not(site: Site, which: int) -> None:
    """By the certificate's name; without certificate, or with one that somebody made for the same name, nobody enters."""
    who, key, forged = site.people[0], site.folder / "forged.key", site.folder / "forged.pem"
    assert site.enters(which, who)
    assert site.visit(which).words.endswith("\n400")
    made = ("-newkey", "rsa:2048", "-nodes", "-subj", f"/C=FR/CN={who.holder}", "-keyout", key, "-out", forged)
    assert openssl("req", "-x509", *made).code == 0
    assert site.visit(which, "--cert", forged, "--key", key).words.endswith("\n400")


@pytest.mark.parametrize("state", ["held", "revoked"])
def test_who_was_revoked_before_does_not_come_in(site: Site, state: str) -> None:
    """Neither a suspended nor a revoked practitioner of the demonstration, by lists and by OCSP."""
    listed = json.loads(site.served.says("cert", "list", "--profile", "ps-authentification", "--state", state, "--json"))
    assert listed
    for each in listed:
        name = f"{each['holder']}-ps-authentification.pem"
        files = ("--cert", site.served.home / "demo" / "certificates" / name, "--key", site.served.home / "demo" / "keys" / name)
        for which in (BY_LISTS, BY_FULL_LIST, BY_OCSP):
            assert not site.enters(which, Practitioner(each["serial"], each["holder"], "", files)), (name, which)


def test_a_revoked_practitioner_is_refused_once_nginx_has_the_new_lists(site: Site, request: pytest.FixtureRequest) -> None:
    """With lists, after they are fetched again and nginx reloads; by OCSP, without anybody doing anything."""
    who, other = site.people[1], site.people[2]
    assert [site.enters(which, who) for which in (BY_LISTS, BY_FULL_LIST, BY_OCSP)] == [True] * 3
    (named,) = addresses(read(site.served.certificate(who.serial, site.folder / "who.pem"))).lists
    began = time.monotonic()
    site.served.does("ra", "revoke", who.serial, "--reason", "superseded", "--officer", who.officer)

    until(lambda: not site.enters(BY_OCSP, who), "nginx refuses by OCSP", patience=60, pause=0.1)
    by_ocsp = time.monotonic() - began
    until(lambda: listed(download(named, site.folder / "shard.der"), who.serial), "the shard lists it", patience=900, pause=0.2)
    by_list = time.monotonic() - began
    until(lambda: site.has_lists_with(who.serial), "the hospital's timer fetches both", patience=900, pause=0.2)
    site.running.reload()

    assert [site.enters(which, who) for which in (BY_LISTS, BY_FULL_LIST, BY_OCSP)] == [False] * 3
    assert [site.enters(which, other) for which in (BY_LISTS, BY_FULL_LIST, BY_OCSP)] == [True] * 3
    words = f"from the officer's command: nginx refuses by OCSP after {by_ocsp:.1f} s, the list says so after {by_list:.1f} s"
    report(request, f"a practitioner revoked, {words}")


def test_a_hold_closes_the_door_and_its_release_opens_it_again(site: Site) -> None:
    """nginx asks by OCSP at each visit."""
    who = site.people[3]
    assert site.enters(BY_OCSP, who)
    site.served.does("ra", "hold", who.serial, "--officer", who.officer)
    until(lambda: not site.enters(BY_OCSP, who), "refused while on hold", patience=60, pause=0.1)
    site.served.does("ra", "release", who.serial, "--officer", who.officer)
    until(lambda: site.enters(BY_OCSP, who), "let in again", patience=60, pause=0.1)


def test_nginx_staples_nothing_good_for_a_server_that_was_revoked(site: Site) -> None:
    """Once reloaded, it asks again, is told *revoked*, says so in its log, and has nothing good to staple."""
    site.served.does("ra", "revoke", site.serial, "--reason", "superseded", "--officer", "cnom-2")
    until(lambda: revoked_by_ocsp(site), "OCSP says revoked", patience=60, pause=0.2)
    site.running.reload()
    until(lambda: handshake(site) and 'certificate status "revoked"' in site.running.said(), "nginx is told", pause=0.2)
    assert site.visit(STAPLING, "--cert-status").code == 91


def listed(crl: Path, serial: str) -> bool:
    """Does the list in this file name the serial, as OpenSSL reads it?"""
    shown = openssl("crl", "-inform", "DER", "-in", crl, "-noout", "-text")
    return f"Serial Number: {serial.upper()}" in shown.words


def revoked_by_ocsp(site: Site) -> bool:
    """Is the server's certificate revoked, as OpenSSL is told?"""
    about = ("-issuer", site.folder / "servers" / "organisations.pem", "-cert", site.folder / "leaf.pem")
    said = openssl("ocsp", *about, "-CAfile", site.folder / "root.pem", "-url", f"{site.served.publication}/ocsp")
    assert "Response verify OK" in said.words
    return "leaf.pem: revoked" in said.words


def handshake(site: Site) -> bool:
    """Shake hands once, asking for the status."""
    return openssl("s_client", "-connect", f"127.0.0.1:{site.port(STAPLING)}", "-status").code == 0
