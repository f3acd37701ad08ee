"""An ordre at its command line: from an empty machine to certificates that other people's software accepts, then refuses.

The commands as an operator and officers type them, the real processes of `sceau serve`, and `openssl` as the judge.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pki.cli.main import main
from tests.law.tree import ROOT

SAMPLE = ROOT / "ca_config" / "dev" / "register" / "PS_LibreAcces_Personne_activite_202611200600.txt"
OFFICERS = ("cnom-1", "cnom-2", "cnom-3")
PATIENCE = 30.0
MEMBERS = 12
"""Enough for a batch that two officers must approve."""


class Desk:
    """A machine with an authority on it, and the people who sit at it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.home = folder, folder / "home"
        self._capsys = capsys
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        os.environ["SCEAU_BASE_PORT"] = str(self.port - 1)
        self.passphrase = folder / "officers.pass"
        self.passphrase.write_text("une phrase que personne ne devine\n", encoding="utf-8")
        self.passphrase.chmod(0o600)

    def types(self, *words: object) -> Any:
        """Type a command with ``--json``; it must succeed. Return what it answers."""
        code, out, err = self.tries(*words)
        assert code == 0, (words, err)
        return json.loads(out)

    def tries(self, *words: object) -> tuple[int, str, str]:
        """Type a command with ``--json``."""
        self._capsys.readouterr()
        code = main([*map(str, words), "--home", str(self.home), "--json"])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def as_officer(self, officer: str) -> tuple[object, ...]:
        """Return the options of an officer who signs."""
        return "--officer", officer, "--key", self.folder / f"{officer}.pem", "--passphrase-file", self.passphrase

    def now(self) -> str:
        """Return the moment, as the register's date is typed: the clock of the authority, not of the test."""
        return str(self.types("audit", "show", "--limit", 1)[0]["at"])

    def openssl(self, *words: object) -> str:
        """Ask the judge."""
        done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False, cwd=self.folder)
        return done.stdout + done.stderr

    def requests(self, name: str) -> None:
        """Have `openssl` make a key and a certification request."""
        kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x")
        self.openssl("req", "-new", *kind, "-keyout", f"{name}.key", "-out", f"{name}.csr")

    def fetch(self, path: str) -> bytes:
        """Fetch something from publication, as anybody does."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            content: bytes = answer.read()
        return content

    def ask_ocsp(self, serial: str) -> str:
        """Ask the status of a certificate, by `openssl ocsp`; its certificate and chain are in the folder."""
        return self.openssl(
            *("ocsp", "-issuer", "personnes.pem", "-cert", f"{serial}.pem", "-url", f"http://127.0.0.1:{self.port}/ocsp"),
            *("-CAfile", "chain.pem", "-no_nonce"),
        )


def until(condition: Callable[[], bool], what: str) -> float:
    """Wait for something to become true; return how long it took, in seconds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE, f"never happened: {what}"
        time.sleep(0.1)
    return time.monotonic() - began


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An empty machine."""
    monkeypatch.setenv("SCEAU_BASE_PORT", "8400")  # restored afterwards, whatever the desk chooses
    return Desk(tmp_path, capsys)


@pytest.fixture
def served(desk: Desk) -> Iterator[Desk]:
    """The same machine with an authority of doctors: officers with keys, the sample register in force, everything served."""
    desk.types("init", "--bare")
    for officer in (*OFFICERS, "oni-1"):
        desk.types(
            "board", "officer-key", officer, "--key-out", desk.folder / f"{officer}.pem", "--passphrase-file", desk.passphrase
        )
    desk.types("register", "import", SAMPLE, "--date", desk.now())
    desk.types("register", "apply", *desk.as_officer("cnom-1"))
    with (desk.folder / "serve.log").open("wb") as log:
        command = [sys.executable, "-P", "-m", "pki.cli.main", "serve", "--home", str(desk.home)]
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
    try:
        until(lambda: "Everything runs" in said(desk) or process.poll() is not None, "the start of the services")
        assert process.poll() is None, said(desk)
        yield desk
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


def said(desk: Desk) -> str:
    """Return what the services printed so far."""
    return (desk.folder / "serve.log").read_text("utf-8")


def members() -> list[tuple[str, str, str]]:
    """Return doctors of the register who may practise: (RPPS, family name, given name)."""
    found = {}
    for line in SAMPLE.read_text("utf-8").splitlines()[1:]:
        cells = line.split("|")
        if cells[9] == "10" and cells[11] in ("C", "F", "M"):
            found[cells[1]] = (cells[1], cells[7], cells[8])
    return list(found.values())[:MEMBERS]


def table(desk: Desk, people: list[tuple[str, str, str]]) -> Path:
    """Have `openssl` make a key and a request for each, and write the table that the ordre's agent would."""
    rows = ["rpps;nom;prenom;csr"]
    for rpps, family_name, given_name in people:
        desk.requests(rpps)
        rows.append(f"{rpps};{family_name};{given_name};{rpps}.csr")
    path = desk.folder / "medecins.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_an_ordre_enrols_its_members_and_others_accept_and_refuse_them(served: Desk) -> None:
    """Dry run, request, two approvals, certificates; a revocation, a disappearance from the register; the evidence of it all."""
    desk = served
    people = members()
    path = table(desk, people)

    # One asks, two others approve: a batch of twelve is bulk.
    assert desk.types("ra", "enrol", "--csv", path, "--dry-run", "--officer", "cnom-1")["acceptable"] == MEMBERS
    batch = desk.types("ra", "enrol", "--csv", path, *desk.as_officer("cnom-1"))["batch"]
    assert desk.types("ra", "approve", batch, *desk.as_officer("cnom-2"))["orders"] == 0
    assert desk.types("ra", "approve", batch, *desk.as_officer("cnom-3"))["orders"] == MEMBERS
    until(lambda: all(each["serial"] for each in desk.types("ra", "show", batch)["requests"]), "the issuance")
    certificates = {each["holder"]: each["serial"] for each in desk.types("cert", "list", "--profile", "ps-authentification")}
    assert set(certificates) == {f"8{rpps}" for rpps, _, _ in people}

    # Somebody else's software builds the path and reads the lists.
    for serial in certificates.values():
        desk.types("ocsp", "show", serial)
        (desk.folder / f"{serial}.pem").write_text(desk.types("cert", "show", serial)["pem"], encoding="ascii")
    (desk.folder / "chain.pem").write_bytes(desk.fetch("/chain/personnes.pem"))
    (desk.folder / "personnes.pem").write_text(desk.types("ca", "show", "personnes")["pem"], encoding="ascii")
    first, second, third, *_ = certificates.values()
    assert f"{first}.pem: OK" in verify(desk, first)
    assert "good" in desk.ask_ocsp(first)

    # An officer revokes: OCSP says so within five seconds, the list a little later.
    desk.types("ra", "revoke", first, "--reason", "cessationOfOperation", *desk.as_officer("cnom-2"))
    assert until(lambda: "revoked" in desk.ask_ocsp(first), "the revocation in OCSP") < 5
    until(lambda: "certificate revoked" in verify(desk, first), "the revocation in the list")
    assert f"{second}.pem: OK" in verify(desk, second)

    # The holder of a key proves its compromise; nobody else is asked.
    holder = next(rpps for rpps, _, _ in people if certificates[f"8{rpps}"] == third)
    desk.types("cert", "revoke-with-key", third, "--key", desk.folder / f"{holder}.key", "--reason", "keyCompromise")
    until(lambda: "keyCompromise" in desk.ask_ocsp(third), "the compromise in OCSP")

    # The next extraction lacks one of them: applied, the certificate is on hold within a minute.
    gone = next(rpps for rpps, _, _ in people if certificates[f"8{rpps}"] == second)
    later = desk.folder / "later.txt"
    kept = [line for line in SAMPLE.read_text("utf-8").splitlines() if line.split("|")[1] != gone]
    later.write_text("\n".join(kept) + "\n", encoding="utf-8")
    desk.types("register", "import", later, "--date", desk.now())
    assert [person["idnat"] for person in desk.types("register", "plan")["people"]] == [f"8{gone}"]
    assert desk.types("register", "apply", *desk.as_officer("oni-1"))["held"] == 1
    assert until(lambda: "certificateHold" in desk.ask_ocsp(second), "the hold in OCSP") < 60

    # What happened is all there, and each certificate shows its approvals to whoever asks.
    until(lambda: desk.types("audit", "verify")["holds"], "a journal that agrees")
    assert [each["type"] for each in desk.types("audit", "show", "--about", second)][-1] == "certificate.held"
    (desk.folder / "evidence.json").write_text(json.dumps(desk.types("ra", "prove", second)), encoding="utf-8")
    assert desk.types("ra", "prove", "--check", desk.folder / "evidence.json")["holds"]


def verify(desk: Desk, serial: str) -> str:
    """Have `openssl verify` judge a certificate with the lists as they are published now."""
    shard = desk.types("cert", "show", serial)["shard"]
    lists = []
    for name in (f"/crl/personnes/{shard}.crl", "/crl/racine.crl"):
        (desk.folder / "list.crl").write_bytes(desk.fetch(name))
        lists.append(desk.openssl("crl", "-inform", "DER", "-in", "list.crl", "-outform", "PEM"))
    (desk.folder / "lists.pem").write_text("".join(lists), encoding="ascii")
    checks = ("-crl_check_all", "-extended_crl", "-CRLfile", "lists.pem", "-CAfile", "chain.pem")
    return desk.openssl("verify", *checks, "-untrusted", "personnes.pem", f"{serial}.pem")


def test_an_ordre_answers_for_a_hospital_and_its_server(served: Desk) -> None:
    """Declared by one officer, approved by another; the server's certificate ends when the structure is withdrawn."""
    desk = served
    number, host = "990000010", "www.hopital-fictif.example"
    options = ("--name", "HÔPITAL FICTIF", "--department", "Essai (99)", "--domain", "hopital-fictif.example")
    desk.types("ra", "organisation", "declare", number, *options, *desk.as_officer("cnom-1"))
    desk.types("ra", "organisation", "approve", number, *desk.as_officer("cnom-2"))
    desk.requests("www")
    asked = ("--structure", number, "--profile", "serveur-tls-ec", "--dns-name", host, "--csr", desk.folder / "www.csr")
    batch = desk.types("ra", "enrol", *asked, *desk.as_officer("cnom-1"))["batch"]
    desk.types("ra", "approve", batch, *desk.as_officer("cnom-2"))
    until(lambda: bool(desk.types("ra", "show", batch)["requests"][0]["serial"]), "the issuance")
    serial = desk.types("ra", "show", batch)["requests"][0]["serial"]

    (desk.folder / "www.pem").write_text(desk.types("cert", "show", serial)["pem"], encoding="ascii")
    (desk.folder / "chain.pem").write_bytes(desk.fetch("/chain/organisations.pem"))
    (desk.folder / "organisations.pem").write_text(desk.types("ca", "show", "organisations")["pem"], encoding="ascii")
    judged = ("-purpose", "sslserver", "-verify_hostname", host)
    chain = ("-CAfile", "chain.pem", "-untrusted", "organisations.pem")
    assert "www.pem: OK" in desk.openssl("verify", *judged, *chain, "www.pem")

    done = desk.types("ra", "organisation", "withdraw", number, "--reason", "Fermeture", *desk.as_officer("cnom-3"))
    assert done["revoked"] == 1
    until(lambda: desk.tries("ocsp", "show", serial)[0] == 0, "the end of the server's certificate in OCSP")
    assert desk.types("ocsp", "show", serial)["reason"] == "cessationOfOperation"
