"""Requests and decisions over the API: judged, signed, handed in, decided (CP 4.1, 4.2)."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_csr

from pki.register.invented import finess_of
from tests.builders.programs import Programs
from tests.unit.api.conftest import DOCTOR, NEWCOMER, NURSE, OTHER, STRUCTURE
from tests.world import Person, certification_request
from trust.algorithms import ALGORITHMS


def csr(algorithm: str = "P-256") -> str:
    """Make a certification request for a new key, PEM."""
    return load_der_x509_csr(certification_request(ALGORITHMS[algorithm].generate())).public_bytes(Encoding.PEM).decode()


def application(person: Person, profile: str = "ps-authentification") -> dict[str, Any]:
    """Ask truthfully for somebody."""
    names = {"family_name": person.family_name, "given_name": person.given_name}
    return {"number": person.rpps, "profile": profile, "csr": csr(), **names}


def handed_in(programs: Programs, *applications: dict[str, Any], officer: str = "cnom-1") -> str:
    """Hand requests in; return the batch."""
    draft = programs.get("prepareRequests", officer, {"applications": list(applications)})
    return str(programs.get("handIn", officer, programs.signed(officer, draft["statement"]))["id"])


def test_a_request_becomes_a_certificate_by_two_signatures(programs: Programs) -> None:
    """One officer asks, another approves, the issuer issues; each step is seen."""
    draft = programs.get("prepareRequests", "cnom-1", {"applications": [application(NEWCOMER)]})
    assert [each["outcome"] for each in draft["applications"]] == ["new"]
    answer = programs.call("handIn", "cnom-1", programs.signed("cnom-1", draft["statement"]))
    batch = answer.get_json()["id"]
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/v1/batches/{batch}")
    assert programs.get("showRequest", "cnom-1", request=draft["applications"][0]["request"])["status"] == "submitted"
    decided = programs.act("prepareApproval", "approve", "cnom-2", batch=batch).get_json()
    assert (decided["status"], [each["officer"] for each in decided["approvals"]]) == ("approved", ["cnom-2"])
    programs.world.issuer.turn_until_idle()
    (request,) = programs.get("listRequestsOfBatch", "cnom-1", batch=batch)["requests"]
    assert request["status"] == "issued"
    assert programs.get("showCertificate", "cnom-1", serial=request["serial"])["holder"] == NEWCOMER.idnat


def test_what_is_judged_is_said_line_by_line_and_nothing_is_kept(programs: Programs) -> None:
    """New, known, refused with its reason; nothing to sign when nothing is new."""
    first = application(DOCTOR, "ps-signature")
    handed_in(programs, first)
    stranger = application(NURSE)
    false = application(DOCTOR) | {"family_name": "AUTRE"}
    draft = programs.get("prepareRequests", "cnom-1", {"applications": [first, stranger, application(DOCTOR), false]})
    assert [each["outcome"] for each in draft["applications"]] == ["known", "refused", "new", "refused"]
    assert all((each["why"] is None) == (each["outcome"] != "refused") for each in draft["applications"])
    none = programs.get("prepareRequests", "cnom-1", {"applications": [first]})
    assert none["statement"] is None


def test_handing_in_again_gives_the_same_batch(programs: Programs) -> None:
    """A call whose answer was lost is made again, without a second batch."""
    draft = programs.get("prepareRequests", "cnom-1", {"applications": [application(DOCTOR)]})
    sent = programs.signed("cnom-1", draft["statement"])
    assert programs.get("handIn", "cnom-1", sent) == programs.get("handIn", "cnom-1", sent)


def test_what_waits_for_a_signature_is_of_who_asked_and_is_forgotten(programs: Programs) -> None:
    """Another officer cannot hand it in, nor anybody after an hour."""
    draft = programs.get("prepareRequests", "cnom-1", {"applications": [application(DOCTOR)]})
    sent = programs.signed("cnom-1", draft["statement"])
    by_another = programs.signed("cnom-2", draft["statement"].replace("cnom-1", "cnom-2"))
    assert programs.call("handIn", "cnom-2", by_another).status_code == 404
    programs.world.clock.advance(hours=1)
    assert programs.call("handIn", "cnom-1", sent).status_code == 404


def test_who_asks_does_not_approve_and_an_ordre_sees_its_own(programs: Programs) -> None:
    """By rule, and in the same words as for what does not exist."""
    batch = handed_in(programs, application(DOCTOR))
    answer = programs.act("prepareApproval", "approve", "cnom-1", batch=batch)
    assert (answer.status_code, answer.get_json()["citation"]) == (403, "CP 5.2.2")
    for name in ("showBatch", "listRequestsOfBatch", "prepareApproval", "prepareRefusal"):
        body = {"reason": "x"} if name == "prepareRefusal" else None
        assert programs.call(name, "oni-1", body, batch=batch).status_code == 404
    assert batch not in str(programs.get("listBatches", "oni-1"))


def test_an_officer_refuses_with_a_reason(programs: Programs) -> None:
    """It is shown; and what is decided is not decided again."""
    batch = handed_in(programs, application(DOCTOR))
    said = programs.act("prepareRefusal", "refuse", "cnom-2", {"reason": "Pièce illisible"}, batch=batch).get_json()
    assert (said["status"], said["refusal"]) == ("refused", "Pièce illisible")
    assert programs.act("prepareApproval", "approve", "cnom-2", batch=batch).status_code == 409
    assert programs.get("listRequestsOfBatch", "cnom-1", batch=batch)["requests"][0]["status"] == "refused"


def test_an_approval_sets_some_aside(programs: Programs) -> None:
    """What is set aside is not issued, and says so."""
    batch = handed_in(programs, application(DOCTOR), application(NEWCOMER))
    programs.act("prepareApproval", "approve", "cnom-2", {"excluded": [1]}, batch=batch)
    statuses = [each["status"] for each in programs.get("listRequestsOfBatch", "cnom-1", batch=batch)["requests"]]
    assert statuses == ["ordered", "set_aside"]
    pages = [programs.get("listRequestsOfBatch", "cnom-1", batch=batch, query={"limit": 1})]
    pages.append(programs.get("listRequestsOfBatch", "cnom-1", batch=batch, query={"limit": 1, "cursor": pages[0]["next"]}))
    assert [each["position"] for page in pages for each in page["requests"]] == [0, 1]
    assert pages[1]["next"] is None


def test_an_enrolment_is_granted_to_a_person(programs: Programs) -> None:
    """It is then in the list of what waits for the person."""
    names = {"family_name": NEWCOMER.family_name, "given_name": NEWCOMER.given_name}
    asked = {"number": NEWCOMER.rpps, "profiles": ["ps-authentification", "ps-signature"], **names}
    draft = programs.get("prepareEnrolments", "cnom-1", {"applications": [asked]})
    batch = programs.get("handIn", "cnom-1", programs.signed("cnom-1", draft["statement"]))["id"]
    programs.act("prepareApproval", "approve", "cnom-2", batch=batch)
    assert programs.get("listRequestsOfBatch", "cnom-1", batch=batch)["requests"][0]["status"] == "granted"
    granted = programs.get("listGrants", "cnom-1", query={"waiting": "true"})["grants"]
    assert NEWCOMER.idnat in {each["holder"] for each in granted}


def test_batches_and_requests_are_found(programs: Programs) -> None:
    """By state, page after page; by holder and by name."""
    ids = [handed_in(programs, application(DOCTOR)) for _ in range(3)]
    seen: list[str] = []
    query: dict[str, object] = {"limit": 2, "status": "submitted"}
    while True:
        page = programs.get("listBatches", "cnom-1", query=query)
        seen += [each["id"] for each in page["batches"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert set(ids) <= set(seen) and len(set(seen)) == len(seen)
    for wanted in ({"holder": DOCTOR.idnat}, {"name": "dupont"}):
        found = programs.get("findRequests", "cnom-1", query=wanted)["requests"]
        assert found and {each["holder"] for each in found} == {DOCTOR.idnat}
    assert programs.get("findRequests", "oni-1", query={"name": "dupont"})["requests"] == []


def test_a_structure_asks_and_renews_with_an_officer_s_signature(programs: Programs) -> None:
    """Its administrator carries what an officer signs, sees its own certificates, and renews them with a new key."""
    body = {"csr": csr(), "names": ["www.cabinet.example"], "officer": "cnom-1"}
    draft = programs.get("prepareServerRequest", STRUCTURE, body, number=STRUCTURE)
    batch = programs.get("handIn", STRUCTURE, programs.signed("cnom-1", draft["statement"]))["id"]
    assert programs.get("showBatch", STRUCTURE, batch=batch)["size"] == 1
    programs.act("prepareApproval", "approve", "cnom-2", batch=batch)
    programs.world.issuer.turn_until_idle()
    (issued,) = programs.get("listRequestsOfBatch", STRUCTURE, batch=batch)["requests"]
    listed = programs.get("listCertificates", STRUCTURE)["certificates"]
    (mine,) = (each for each in listed if each["serial"] == issued["serial"])
    assert mine["subject"]["dns_names"] == ["www.cabinet.example"]
    again = programs.get(
        "prepareServerRequest", STRUCTURE, {"csr": csr(), "renews": mine["serial"], "officer": "cnom-1"}, number=STRUCTURE
    )
    renewal = programs.get("handIn", STRUCTURE, programs.signed("cnom-1", again["statement"]))["id"]
    (request,) = programs.get("listRequestsOfBatch", STRUCTURE, batch=renewal)["requests"]
    assert (request["profile"], request["subject"]["dns_names"]) == ("serveur-tls-ec", ["www.cabinet.example"])
    assert programs.get("listCertificates", STRUCTURE, query={"holder": DOCTOR.idnat})["certificates"] == []


def test_a_structure_asks_for_itself_only_and_names_an_officer_of_its_ordre(programs: Programs) -> None:
    """Nobody, somebody of another ordre, another structure, and what is for officers."""
    asked = {"csr": csr(), "names": ["www.cabinet.example"]}
    assert programs.call("prepareServerRequest", STRUCTURE, asked, number=STRUCTURE).status_code == 400
    assert programs.call("prepareServerRequest", STRUCTURE, asked | {"officer": "oni-1"}, number=STRUCTURE).status_code == 404
    assert programs.call("prepareServerRequest", STRUCTURE, asked | {"officer": "cnom-1"}, number=OTHER).status_code == 404
    assert programs.call("showStructure", STRUCTURE, number=OTHER).status_code == 404
    assert programs.call("listStructures", STRUCTURE).status_code == 403
    assert programs.call("prepareServerRequest", "cnom-1", asked | {"officer": "cnom-2"}, number=STRUCTURE).status_code == 400
    draft = programs.get("prepareRequests", "cnom-1", {"applications": [application(DOCTOR)]})
    sent = programs.signed("cnom-1", draft["statement"])
    assert programs.call("handIn", STRUCTURE, sent).status_code == 404
    batch = programs.get("handIn", "cnom-1", sent)["id"]
    assert programs.call("handIn", STRUCTURE, sent).status_code == 404
    assert programs.call("showBatch", STRUCTURE, batch=batch).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"names": ["www.ailleurs.example"]},
        {"names": []},
        {"csr": "x"},
        {"renews": "40" + "a" * 30, "names": []},
        {"kind": "ps-signature"},
    ],
)
def test_a_request_for_what_is_not_the_structure_s_is_refused(programs: Programs, change: dict[str, Any]) -> None:
    """Names outside its domains, no name, no request, nobody's certificate, another's profile."""
    answer = programs.call(
        "prepareServerRequest", "cnom-1", {"csr": csr(), "names": ["cabinet.example"]} | change, number=STRUCTURE
    )
    refused = answer.status_code == 200 and answer.get_json()["applications"][0]["outcome"] == "refused"
    assert refused or answer.status_code in (400, 404)


def test_a_structure_is_withdrawn_with_its_certificates(programs: Programs) -> None:
    """And declared again by whoever answers for it."""
    number = "1" + finess_of(7)
    asked = {"number": number, "name": "CABINET", "department": "Essai (99)", "domains": ["sept.example"]}
    statement = programs.get("prepareDeclaration", "cnom-1", asked)["statement"]
    first = programs.get("declare", "cnom-1", programs.signed("cnom-1", statement))
    assert first == programs.get("declare", "cnom-1", programs.signed("cnom-1", statement))
    answer = programs.act("prepareStructureApproval", "approveStructure", "cnom-1", number=number)
    assert (answer.status_code, answer.get_json()["citation"]) == (403, "CP 5.2.2")
    assert (
        programs.act("prepareStructureApproval", "approveStructure", "cnom-2", number=number).get_json()["status"] == "approved"
    )
    gone = programs.act("prepareWithdrawal", "withdraw", "cnom-1", {"reason": "Fermé."}, number=number).get_json()
    assert (gone["structure"]["status"], gone["certificates"]) == ("withdrawn", 0)
    assert number in {each["number"] for each in programs.get("listStructures", "cnom-1")["structures"]}


def test_other_domains_are_proposed_and_decided_by_two_officers(programs: Programs) -> None:
    """Who proposes does not decide; a proposal that was decided waits no more."""
    number = "1" + finess_of(8)
    asked = {"number": number, "name": "CABINET", "department": "Essai (99)", "domains": ["huit.example"]}
    programs.act("prepareDeclaration", "declare", "cnom-1", asked)
    programs.act("prepareStructureApproval", "approveStructure", "cnom-2", number=number)
    for wanted, prepare, decide in ((["neuf.example"], "prepareDomainsRefusal", "refuseDomains"),
                                    (["huit.example", "neuf.example"], "prepareDomainsApproval", "approveDomains")):  # fmt: skip
        programs.world.clock.advance(seconds=1)
        programs.act("prepareDomains", "proposeDomains", "cnom-1", {"domains": wanted}, number=number)
        assert programs.get("showDomains", "cnom-2", number=number)["proposed"]["domains"] == wanted
        reason = {"reason": "Non."} if decide == "refuseDomains" else None
        assert programs.act(prepare, decide, "cnom-1", reason, number=number).status_code == 403
        said = programs.act(prepare, decide, "cnom-2", reason, number=number).get_json()
        assert (said["certificates"], said["domains"]["proposed"]) == (0, None)
    assert programs.get("showDomains", "cnom-1", number=number)["domains"] == ["huit.example", "neuf.example"]


def test_an_administrator_is_chosen_by_two_officers_and_a_grant_is_withdrawn_by_one(programs: Programs) -> None:
    """It is a grant like another: shown, and ended with a reason."""
    draft = programs.get("prepareAdministrator", "cnom-1", number=STRUCTURE)
    batch = programs.get("handIn", "cnom-1", programs.signed("cnom-1", draft["statement"]))["id"]
    programs.act("prepareApproval", "approve", "cnom-2", batch=batch)
    grant = draft["applications"][0]["request"]
    assert programs.get("showGrant", "cnom-1", request=grant)["holder"] == STRUCTURE
    statement = programs.get("prepareGrantWithdrawal", "cnom-1", {"reason": "Départ."}, request=grant)["statement"]
    sent = programs.signed("cnom-1", statement)
    first = programs.get("withdrawGrant", "cnom-1", sent, request=grant)
    assert first["withdrawn_at"] is not None
    assert programs.get("withdrawGrant", "cnom-1", sent, request=grant) == first
