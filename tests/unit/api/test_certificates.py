"""Certificates over the API: listed, shown, proven; ended by signed acts and by nothing else (CP 4.9)."""

from __future__ import annotations

import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki.authenticators.tokens import Scope
from pki.inventory.model import Certificate, State
from pki.registration.evidence import check
from tests.builders.programs import Programs, b64
from tests.unit.api.conftest import DOCTOR, NURSE
from tests.world import Person


def certificate_of(programs: Programs, person: Person) -> Certificate:
    """Return the latest certificate of somebody."""
    with programs.world.store.read() as tx:
        return [each for each in tx.certificates.of_holder(person.idnat) if each.state is not State.PREPARED][-1]


def new(programs: Programs, person: Person = DOCTOR) -> str:
    """Have one more certificate made; return its serial number."""
    return programs.world.enrol(person, "ps-signature").serial.hex()


def test_a_certificate_is_shown_whole(programs: Programs) -> None:
    """With its state, its subject, and the octets themselves."""
    found = certificate_of(programs, DOCTOR)
    said = programs.get("showCertificate", "cnom-1", serial=found.serial.hex())
    assert (said["status"], said["profile"], said["holder"]) == ("issued", "ps-authentification", DOCTOR.idnat)
    assert x509.load_pem_x509_certificate(said["pem"].encode()).serial_number == int(said["serial"], 16)
    assert said["subject"]["family_name"] == "DUPONT"


def test_a_chain_is_what_servers_send(programs: Programs) -> None:
    """The certificate, then its issuer; not the root."""
    answer = programs.call("showChain", "cnom-1", serial=certificate_of(programs, DOCTOR).serial.hex())
    chain = x509.load_pem_x509_certificates(answer.get_data())
    assert len(chain) == 2 and chain[0].issuer == chain[1].subject


def test_the_proof_convinces_who_only_has_the_root(programs: Programs) -> None:
    """It is what `sceau ra prove` writes."""
    found = certificate_of(programs, DOCTOR)
    evidence = programs.get("showProof", "cnom-1", serial=found.serial.hex())
    root = programs.world.home.ca_certificates()["racine"]
    assert check(evidence, root.der).serial == found.serial.hex()


def test_pages_follow_each_other_without_a_gap_or_a_repetition(programs: Programs) -> None:
    """Whatever is issued between two pages; the last page has no next."""
    before = [each["serial"] for each in programs.get("listCertificates", "cnom-1", query={"limit": 200})["certificates"]]
    for _ in range(3):
        before.insert(0, new(programs))
    seen: list[str] = []
    cursor = None
    while True:
        page = programs.get("listCertificates", "cnom-1", query={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        seen += [each["serial"] for each in page["certificates"]]
        cursor = page["next"]
        if cursor is None:
            break
        new(programs, NURSE)
    assert sorted(seen) == sorted(before) and len(set(seen)) == len(seen)


@pytest.mark.parametrize("status", ["issued", "held", "revoked", "expired"])
def test_a_filter_gives_those_and_no_others(programs: Programs, status: str) -> None:
    """By state as it is now, by holder, by profile."""
    held, gone = new(programs), new(programs)
    assert programs.act("prepareHold", "hold", "cnom-1", serial=held).status_code == 200
    assert programs.act("prepareRevocation", "revoke", "cnom-1", {"reason": "superseded"}, serial=gone).status_code == 200
    found = programs.get("listCertificates", "cnom-1", query={"status": status, "limit": 200})["certificates"]
    assert {each["status"] for each in found} <= {status}
    everything = programs.get("listCertificates", "cnom-1", query={"limit": 200})["certificates"]
    assert len(found) == sum(each["status"] == status for each in everything)
    query = {"status": status, "holder": DOCTOR.idnat, "profile": "ps-signature"}
    assert all(
        each["profile"] == "ps-signature" for each in programs.get("listCertificates", "cnom-1", query=query)["certificates"]
    )


def test_an_officer_s_signature_revokes_and_sending_it_again_is_harmless(programs: Programs) -> None:
    """The second answer says that it was so already; the date stands."""
    serial = new(programs)
    statement = programs.get("prepareRevocation", "cnom-1", {"reason": "superseded"}, serial=serial)["statement"]
    sent = programs.signed("cnom-1", statement)
    first = programs.get("revoke", "cnom-1", sent, serial=serial)
    again = programs.get("revoke", "cnom-1", sent, serial=serial)
    assert (first["already"], again["already"]) == (False, True)
    assert first["certificate"] == again["certificate"]
    assert first["certificate"]["reason"] == "superseded"


def test_a_hold_is_released_by_another_signature(programs: Programs) -> None:
    """And an act of an earlier hold releases no later one."""
    serial = new(programs)
    assert programs.act("prepareHold", "hold", "cnom-1", serial=serial).get_json()["certificate"]["status"] == "held"
    statement = programs.get("prepareRelease", "cnom-2", serial=serial)["statement"]
    sent = programs.signed("cnom-2", statement)
    assert programs.get("release", "cnom-2", sent, serial=serial)["certificate"]["status"] == "issued"
    programs.world.clock.advance(seconds=1)
    assert programs.act("prepareHold", "hold", "cnom-1", serial=serial).status_code == 200
    assert programs.get("release", "cnom-2", sent, serial=serial)["certificate"]["status"] == "held"


def test_what_is_not_signed_so_changes_nothing(programs: Programs) -> None:
    """Another's key, another officer's act, another object, another address, an edited statement, no statement."""
    serial, other = new(programs), new(programs)
    statement = programs.get("prepareRevocation", "cnom-1", {"reason": "superseded"}, serial=serial)["statement"]
    right = programs.signed("cnom-1", statement)
    by_another = {
        "statement": statement,
        "signature": programs.signed("cnom-2", statement.replace("cnom-1", "cnom-2"))["signature"],
    }
    edited = right | {"statement": statement.replace("superseded", "keyCompromise")}
    held = programs.signed("cnom-1", programs.get("prepareHold", "cnom-1", serial=serial)["statement"])
    assert programs.call("revoke", "cnom-1", by_another, serial=serial).status_code == 403
    assert programs.call("revoke", "cnom-2", right, serial=serial).status_code == 400
    assert programs.call("revoke", "cnom-1", right, serial=other).status_code == 400
    assert programs.call("revoke", "cnom-1", edited, serial=serial).status_code == 403
    assert programs.call("revoke", "cnom-1", held, serial=serial).status_code == 400
    assert programs.call("hold", "cnom-1", right, serial=serial).status_code == 400
    for nonsense in ("{}", "[" * 5000, "null", '"\\ud800"', statement + " "):
        assert programs.call("revoke", "cnom-1", right | {"statement": nonsense}, serial=serial).status_code == 400
    assert programs.get("showCertificate", "cnom-1", serial=serial)["status"] == "issued"


def test_a_refusal_cites_the_policy(programs: Programs) -> None:
    """As problem details: a reason that the profile does not allow."""
    serial = new(programs)
    statement = programs.get("prepareRevocation", "cnom-1", {"reason": "cACompromise"}, serial=serial)["statement"]
    answer = programs.call("revoke", "cnom-1", programs.signed("cnom-1", statement), serial=serial)
    problem = answer.get_json()
    assert (answer.status_code, problem["status"], problem["citation"]) == (403, 403, "CP 4.9.1")
    assert programs.get("explainProblem", kind=problem["type"].rpartition("/")[2])["status"] == 403


def test_a_token_opens_only_its_scopes(programs: Programs) -> None:
    """What decides is not opened by what reads; the challenge names the scope that lacks (RFC 6750)."""
    serial = new(programs)
    headers = {"Authorization": f"Bearer {programs.token('cnom-1', [Scope.READ])}"}
    assert programs.call("showCertificate", serial=serial, headers=headers).status_code == 200
    for name in ("prepareRevocation", "revoke"):
        answer = programs.call(name, body={"reason": "superseded"}, serial=serial, headers=headers)
        assert answer.status_code == 403
        assert 'scope="decide"' in answer.headers["WWW-Authenticate"]


def test_a_holder_revokes_without_an_account(programs: Programs) -> None:
    """By a signature with the certified key, and by no other."""
    serial = new(programs)
    with programs.world.store.read() as tx:
        key = programs.world.key_of(tx.certificates.get(bytes.fromhex(serial)))
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    statement = programs.get("prepareHolderRevocation", body={"serial": serial, "reason": "keyCompromise"})["statement"]
    assert json.loads(statement)["serial"] == serial
    wrong = ec.generate_private_key(ec.SECP256R1()).sign(statement.encode(), ec.ECDSA(hashes.SHA256()))
    assert programs.call("revokeAsHolder", body={"statement": statement, "signature": b64(wrong)}).status_code == 403
    signature = key.sign(statement.encode(), ec.ECDSA(hashes.SHA256()))
    done = programs.get("revokeAsHolder", body={"statement": statement, "signature": b64(signature)})
    assert (done["status"], done["already"]) == ("revoked", False)


def test_anybody_checks_a_certificate_and_learns_no_name_from_a_number(programs: Programs) -> None:
    """A file is judged whole; a number says its state only."""
    serial = new(programs)
    pem = programs.get("showCertificate", "cnom-1", serial=serial)["pem"]
    assert programs.get("checkCertificate", body={"certificate": pem})["outcome"] == "valid"
    said = json.dumps(programs.get("checkNumber", serial=serial))
    assert "DUPONT" not in said and DOCTOR.rpps not in said
    assert programs.act("prepareHold", "hold", "cnom-1", serial=serial).status_code == 200
    judged = programs.get("checkCertificate", body={"certificate": pem})
    assert (judged["outcome"], judged["reasons"][0]["finding"], judged["standing"]["status"]) == ("invalid", "held", "held")
    assert programs.call("checkCertificate", body={"certificate": "x"}).status_code == 400
    assert programs.call("checkNumber", serial="40" + "a" * 30).status_code == 404
