"""`sceau ra prove`: evidence that convinces whoever has nothing else, and nothing that was touched (CP 4.2.2)."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pki.registration.evidence import check
from tests.unit.commands.conftest import Sceau
from trust.errors import Alarm, Malformed, Refused, SceauError

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="session")
def evidence(demonstration: Path) -> dict[str, Any]:
    """Evidence of a certificate that two officers approved."""
    from pki.bootstrap.home import open_home
    from pki.bootstrap.proof import evidence_of

    home = open_home(demonstration)
    with home.store.read() as tx:
        certificate = tx.certificates.search(board="CNOM", profile="ps-signature", limit=1)[0]
    return evidence_of(home, certificate.serial)


def edited(evidence: dict[str, Any], change: Change) -> dict[str, Any]:
    """Return a copy with one change."""
    other = copy.deepcopy(evidence)
    change(other)
    return other


def act(record: dict[str, Any], number: int, **changes: object) -> None:
    """Change what an act says, and leave its signature."""
    said = json.loads(record["acts"][number]["statement"]) | changes
    record["acts"][number]["statement"] = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def request(record: dict[str, Any], **changes: object) -> None:
    """Change the request as approved."""
    said = json.loads(record["request"]) | changes
    record["request"] = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def test_the_evidence_holds_step_by_step(evidence: dict[str, Any]) -> None:
    """From the certificate to the mandates."""
    steps = check(evidence).steps
    assert len(steps) == 8
    assert "2 officers other than the requester approved; CNOM asks 2" in steps


FORGERIES: dict[str, tuple[type[SceauError], Change]] = {
    "another approval's time": (Alarm, lambda e: act(e, 1, at="2020-01-01T00:00:00Z")),
    "an approval of another root": (Refused, lambda e: act(e, 1, root="00" * 32)),
    "an approval of another board": (Refused, lambda e: act(e, 1, board="ONI")),
    "a position set aside": (Alarm, lambda e: act(e, 1, excluded=list(range(20)))),
    "an approval too few": (Refused, lambda e: e["acts"].pop()),
    "no approval": (Refused, lambda e: e.update(acts=e["acts"][:1])),
    "an officer without mandate": (Refused, lambda e: e["officers"].pop()),
    "an officer without the role": (Refused, lambda e: e["officers"][1].update(roles=["register"])),
    "an officer who is the holder": (
        Refused,
        lambda e: [officer.update(idnat=json.loads(e["request"])["holder"]) for officer in e["officers"]],
    ),
    "a key registered later": (Alarm, lambda e: e["officers"][1]["keys"][0].update(registered_at="2999-01-01T00:00:00Z")),
    "a key withdrawn before": (Alarm, lambda e: e["officers"][1]["keys"][0].update(withdrawn_at="2020-01-01T00:00:00Z")),
    "a stranger's signature": (Alarm, lambda e: e["acts"][1].update(signature=e["acts"][2]["signature"])),
    "another request": (Refused, lambda e: request(e, holder="899700000013", key="00" * 32)),
    "another requester": (Alarm, lambda e: request(e, requester="cnom-9")),
    "another root": (Alarm, lambda e: e.update(root="00" * 32)),
    "another place": (Alarm, lambda e: e["proof"].update(index=e["proof"]["index"] ^ 1)),
    "a longer path": (Malformed, lambda e: e["proof"]["path"].append("00" * 32)),
    "a board that asks less": (Refused, lambda e: e["board"].update(professions=["60"])),
    "a chain without its middle": (Refused, lambda e: e["certificates"].pop(1)),
    "another kind of record": (Malformed, lambda e: e.update(type="something/1")),
    "no proof": (Malformed, lambda e: e.pop("proof")),
    "no certificate": (Malformed, lambda e: e.update(certificates=[])),
    "text for a certificate": (Malformed, lambda e: e["certificates"].insert(0, "!")),
    "a number for an act": (Malformed, lambda e: e.update(acts=[7])),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_evidence_that_was_touched_convinces_nobody(evidence: dict[str, Any], name: str) -> None:
    """Every link of the chain, one at a time."""
    family, change = FORGERIES[name]
    with pytest.raises(family):
        check(edited(evidence, change))


def test_a_certificate_with_an_octet_changed_is_not_its_issuers(evidence: dict[str, Any]) -> None:
    """The signature of the CA is part of the evidence."""
    octets = bytearray(base64.b64decode(evidence["certificates"][0]))
    octets[-1] ^= 1
    with pytest.raises(SceauError):
        check(edited(evidence, lambda e: e["certificates"].__setitem__(0, base64.b64encode(octets).decode())))


def test_the_root_is_the_one_that_the_checker_trusts(evidence: dict[str, Any]) -> None:
    """Given one, the chain must lead there."""
    chain = [base64.b64decode(each) for each in evidence["certificates"]]
    assert "the one that is trusted" in check(evidence, chain[-1]).steps[1]
    with pytest.raises(Refused):
        check(evidence, chain[1])


@pytest.mark.parametrize("record", [None, [], 7, "text", {}, {"type": "sceau-issuance-evidence/1"}])
def test_what_is_no_evidence_is_malformed(record: object) -> None:
    """Never a traceback."""
    with pytest.raises(Malformed):
        check(record)


def test_the_evidence_is_checked_on_a_machine_without_the_authority(looking: Sceau, tmp_path: Path) -> None:
    """The file and the root are enough; no home is opened."""
    serial = looking("cert", "list", "--profile", "serveur-tls-ec", "--json").data[0]["serial"]
    (tmp_path / "evidence.json").write_text(looking("ra", "prove", serial, "--json").out, encoding="utf-8")
    (tmp_path / "root.pem").write_text(looking("ca", "show", "racine", "--pem").out, encoding="ascii")
    command = [sys.executable, "-P", "-m", "pki.cli.main", "ra", "prove", "--check", "evidence.json", "--root", "root.pem"]
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"The evidence of certificate {serial} holds:" in done.stdout
    assert "the one that is trusted" in done.stdout


def test_what_the_authority_issued_for_itself_has_no_such_evidence(looking: Sceau) -> None:
    """No officer asks for a responder."""
    serial = looking("cert", "list", "--profile", "ocsp-responder", "--json").data[0]["serial"]
    said = looking("ra", "prove", serial, "--json")
    assert (said.code, said.error["error"]) == (1, "missing")


@pytest.mark.parametrize("arguments", [(), ("41" * 16, "--check", "x"), ("--check", "/nowhere"), ("--check", __file__)])
def test_a_wrong_wish_is_refused_in_words(looking: Sceau, arguments: tuple[str, ...]) -> None:
    """Neither serial nor file, both, no such file, no JSON."""
    said = looking("ra", "prove", *arguments)
    assert said.code == 1
    assert said.err.startswith("sceau: m")
