"""`sceau cert`, `sceau ocsp`, `sceau crl`, `sceau ca`: what was issued, where it stands, what is published (CP 4.9, CP 4.10)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from tests.unit.commands.conftest import Sceau

Find = Callable[..., str]
CONTRACT = {"serial", "status", "profile", "subject", "not_after"}


def test_the_list_keeps_the_public_contract(looking: Sceau) -> None:
    """Objects with serial, status, profile, subject, not_after; the demonstration has some of every live state."""
    data = looking("cert", "list", "--json").data
    assert all(each.keys() >= CONTRACT for each in data)
    assert {each["status"] for each in data} == {"issued", "held", "revoked"}
    assert all(int(each["serial"], 16) >> 120 in range(0x40, 0x80) for each in data)


def test_the_list_is_narrowed_by_each_of_its_options(looking: Sceau) -> None:
    """And by several together."""
    assert len(looking("cert", "list", "--state", "held", "--json").data) == 3
    assert looking("cert", "list", "--state", "expired", "--json").data == []
    assert {each["board"] for each in looking("cert", "list", "--board", "ONI", "--json").data} == {"ONI"}
    servers = looking("cert", "list", "--profile", "serveur-tls-ec", "--state", "issued", "--json").data
    assert len(servers) == 2
    assert len(looking("cert", "list", "--holder", servers[0]["holder"], "--json").data) == 4
    soon = looking("cert", "list", "--expires-within", "30", "--json").data
    assert {each["profile"] for each in soon} == {"ocsp-responder"}
    assert looking("cert", "list", "--expires-within", "30", "--state", "revoked").code == 1


def test_a_list_cut_short_says_so_on_the_other_stream(looking: Sceau) -> None:
    """Standard output stays what was asked for."""
    said = looking("cert", "list", "--limit", "2", "--json")
    assert len(said.data) == 2
    assert "the 2 newest" in said.err
    for wrong in ("0", "-1", "x", "1e3", "99999999999999999999"):
        assert looking("cert", "list", "--limit", wrong).code == 2


def test_a_certificate_is_printed_as_pem_and_nothing_else(looking: Sceau, serial_of: Find) -> None:
    """Ready for any other program."""
    serial = serial_of(state="issued")
    parsed = x509.load_pem_x509_certificate(looking("cert", "show", serial, "--pem").out.encode())
    assert parsed.serial_number == int(serial, 16)
    data = looking("cert", "show", serial, "--json").data
    assert data["pem"] == looking("cert", "show", serial, "--pem").out
    assert data.keys() >= CONTRACT


def test_a_certificate_is_shown_with_its_life_and_decoded(looking: Sceau, serial_of: Find) -> None:
    """Serial as people paste it: colons, capitals, spaces."""
    serial = serial_of(state="held", held_by="cnom")
    pasted = ":".join(serial[at : at + 2] for at in range(0, 32, 2)).upper()
    assert "certificateHold" in looking("cert", "show", pasted).out
    text = looking("cert", "show", serial, "--text").out
    assert "clientAuth" in text
    assert "/ocsp" in text


@pytest.mark.parametrize(("serial", "family"), [("xyz", "malformed"), ("00" * 16, "malformed"), ("41" * 16, "missing")])
def test_a_serial_that_is_none_of_ours_is_named(looking: Sceau, serial: str, family: str) -> None:
    """In the words of the error families."""
    said = looking("cert", "show", serial, "--json")
    assert (said.code, said.error["error"]) == (1, family)


def test_an_officer_revokes_for_ever(sceau: Sceau, serial_of: Find) -> None:
    """A second time changes nothing and says so; its reason upgrades only to a compromise."""
    serial = serial_of(state="issued", board="CNOP")
    said = sceau("cert", "revoke", serial, "--reason", "superseded", "--officer", "cnop-1", "--json")
    assert (said.code, said.data["status"], said.data["reason"], said.data["already"]) == (0, "revoked", "superseded", False)
    again = sceau("ra", "revoke", serial, "--reason", "cessationOfOperation", "--officer", "cnop-2", "--json").data
    assert (again["already"], again["reason"], again["revoked_at"]) == (True, "superseded", said.data["revoked_at"])
    worse = sceau("ra", "revoke", serial, "--reason", "keyCompromise", "--officer", "cnop-2", "--json").data
    assert (worse["reason"], worse["revoked_at"]) == ("keyCompromise", said.data["revoked_at"])


def test_a_hold_is_placed_and_released_by_officers(sceau: Sceau, serial_of: Find) -> None:
    """A hold of the register is not theirs to release; a release needs a hold."""
    serial = serial_of(state="issued", board="CNOM")
    assert sceau("ra", "release", serial, "--officer", "cnom-1", "--json").error["citation"] == "CP 4.9.16"
    assert "put on hold the certificate of" in sceau("ra", "hold", serial, "--officer", "cnom-1").err
    assert sceau("ra", "release", serial, "--officer", "cnom-3", "--json").data["status"] == "issued"
    decided = serial_of(state="held", board="ONI", held_by="sanction")
    assert sceau("ra", "release", decided, "--officer", "oni-1", "--json").error["citation"] == "CP 4.9.16"


def test_an_old_release_does_not_lift_a_new_hold(sceau: Sceau, serial_of: Find) -> None:
    """Each hold needs its own release."""
    serial = serial_of(state="held", held_by="cnom")
    assert sceau("ra", "release", serial, "--officer", "cnom-1").code == 0
    assert sceau("ra", "hold", serial, "--officer", "cnom-1").code == 0
    assert sceau("cert", "show", serial, "--json").data["status"] == "held"


def test_a_reason_outside_the_profile_is_refused(sceau: Sceau, serial_of: Find) -> None:
    """Structures are not held."""
    serial = serial_of(profile="org-cachet", state="issued")
    assert sceau("ra", "hold", serial, "--officer", "cnom-1", "--json").error["citation"] == "CP 4.9.1"


def test_the_holders_key_proves_its_own_compromise(sceau: Sceau, home: Path) -> None:
    """No officer is asked; every certificate of the key goes, and the key is blocked."""
    key = next((home / "demo" / "keys").glob("8*-ps-chiffrement.pem"))
    (certificate,) = sceau("cert", "list", "--profile", "ps-chiffrement", "--json").data
    serial = certificate["serial"]
    wrong = next((home / "demo" / "keys").glob("8*-ps-signature.pem"))
    said = sceau("cert", "revoke-with-key", serial, "--key", wrong, "--reason", "keyCompromise", "--json")
    assert (said.code, said.error["citation"]) == (1, "CP 4.9.2")
    said = sceau("cert", "revoke-with-key", serial, "--key", key, "--reason", "keyCompromise", "--json")
    assert (said.code, said.data["status"]) == (0, "revoked")
    (entry,) = [
        each
        for each in sceau("audit", "show", "--type", "key.blocked", "--json").data
        if each["facts"]["key"] == certificate["key_sha256"]
    ]
    assert entry["facts"]["reason"] == "compromise-proven"


def test_the_published_status_is_shown_beside_the_recorded_one(sceau: Sceau, serial_of: Find, tmp_path: Path) -> None:
    """They agree once the issuer has published; until then exit code 1 says that they do not."""
    serial = serial_of(state="issued", board="CNOM")
    said = sceau("ocsp", "show", serial, "--out", tmp_path / "answer.der", "--json")
    assert (said.code, said.data["status"], said.data["agree"]) == (0, "good", True)
    response = ocsp.load_der_ocsp_response((tmp_path / "answer.der").read_bytes())
    assert response.serial_number == int(serial, 16)
    assert sceau("ra", "hold", serial, "--officer", "cnom-1").code == 0
    late = sceau("ocsp", "show", serial, "--json")
    assert (late.code, late.data["status"], late.data["recorded"]) == (1, "good", "revoked")


@pytest.mark.parametrize("state", ["held", "revoked"])
def test_what_ended_is_published_as_revoked(looking: Sceau, serial_of: Find, state: str) -> None:
    """With its date and reason."""
    data = looking("ocsp", "show", serial_of(state=state), "--json").data
    assert (data["status"], data["agree"]) == ("revoked", True)
    assert data["revoked_at"] is not None


def test_every_list_is_listed_fresh(looking: Sceau) -> None:
    """Each authority's full list, its shards, their deltas."""
    said = looking("crl", "list", "--json")
    assert said.code == 0
    assert {each["state"] for each in said.data} == {"fresh"}
    scopes = {each["scope"] for each in said.data if each["ca"] == "personnes"}
    assert scopes == {"0", "1", "2", "3", "full", "0-delta", "1-delta", "2-delta", "3-delta", "delta"}


def test_lists_are_published_by_hand_under_greater_numbers(sceau: Sceau, serial_of: Find, home: Path) -> None:
    """Where no issuer runs, the command takes its place; a revocation is then on the list."""
    before = {(each["ca"], each["scope"]): each["number"] for each in sceau("crl", "list", "--json").data}
    serial = serial_of(state="issued", board="ONI")
    assert sceau("ra", "revoke", serial, "--reason", "superseded", "--officer", "oni-1").code == 0
    published = sceau("crl", "publish", "--ca", "personnes", "--json").data
    assert all(each["number"] > before[each["ca"], each["scope"]] for each in published)
    crl = x509.load_der_x509_crl((home / "publication" / "www" / "crl" / "personnes.crl").read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(int(serial, 16)) is not None
    assert sceau("crl", "publish", "--ca", "nobody").code == 1


def test_a_list_that_is_not_the_signed_one_is_noticed(sceau: Sceau, home: Path) -> None:
    """Replaced, or gone."""
    crls = home / "publication" / "www" / "crl"
    (crls / "racine.crl").write_bytes(b"0\x00")
    (crls / "organisations.crl").unlink()
    said = sceau("crl", "list", "--json")
    states = {(each["ca"], each["scope"]): each["state"] for each in said.data}
    assert (said.code, states["racine", "full"], states["organisations", "full"]) == (1, "another file", "file missing")


def test_the_authorities_are_listed_and_shown(looking: Sceau) -> None:
    """With the hash by which relying parties recognise them."""
    data = {each["id"]: each for each in looking("ca", "list", "--json").data}
    assert set(data) == {"racine", "personnes", "organisations"}
    assert data["personnes"]["issuer"] == "racine"
    root = x509.load_pem_x509_certificate(looking("ca", "show", "racine", "--pem").out.encode())
    assert root.serial_number == int(data["racine"]["serial"], 16)
    assert looking("ca", "show", "personnes", "--chain").out.count("BEGIN CERTIFICATE") == 2
    assert "SHA-256" in looking("ca", "show", "personnes").out
    assert "CA: True" in looking("ca", "show", "personnes", "--text").out
    assert looking("ca", "show", "nobody", "--json").error["error"] == "missing"


def test_everything_is_json_for_those_who_ask(looking: Sceau) -> None:
    """Every command that only looks, without a word beside it."""
    for line in (
        "board list",
        "ca list",
        "cert list",
        "crl list",
        "ra list",
        "ra organisation list",
        "register snapshots",
        "audit key",
    ):
        said = looking(*line.split(), "--json")
        json.loads(said.out)
        assert (said.code, said.err) == (0, ""), line


@pytest.mark.parametrize(
    "line",
    [
        "cert list --profile \udcff",
        "cert list --board \udcff",
        "cert list --holder \udcff",
        "cert list --holder a:\udcff",
        "cert list --holder 1",
        "cert show \udcff",
        "ra show \udcff",
        "ra list --board \udcff",
        "register show \udcff",
        "register plan \udcff",
        "register import \udcff",
        "audit show --about \udcff",
        "ocsp show \udcff",
        "crl list --ca \udcff",
        "ca show \udcff",
        "ra organisation approve \udcff --officer cnom-1",
        "ra organisation declare 990000010 --name \udcff --department \udcff --officer cnom-1",
        "ra organisation withdraw 990000010 --reason \udcff --officer cnom-1",
        "ra refuse \udcff --reason \udcff --officer cnom-1",
        "board officer-withdraw \udcff",
        "board officer-register \udcff --public-key \udcff",
        "ra hold \udcff --officer \udcff",
        "ra prove --check \udcff",
        "audit verify --checkpoint \udcff",
    ],
)
def test_octets_that_are_no_text_never_make_a_traceback(looking: Sceau, line: str) -> None:
    """What a shell may pass: refused in a line, or found nowhere."""
    said = looking(*line.split(" "))
    assert said.code in (0, 1)
    assert "unexpected" not in said.err


def test_a_list_is_read_without_anything_that_signs_or_serves(demonstration: Path) -> None:
    """Commands that look must answer at once: what is heavy is not even loaded."""
    program = (
        "import sys; from pki.cli.main import main; main(sys.argv[1:]); "
        "print([n for n in ('pkilint', 'pyasn1', 'uvloop', 'lmdb', 'alembic', 'pki.bootstrap.issuer') if n in sys.modules])"
    )
    for line in ("cert list", "crl list", "ra list", "register snapshots", "audit show", "board list", "ca list"):
        command = [sys.executable, "-P", "-c", program, *line.split(), "--home", str(demonstration), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]", line
