"""What is answered, and what it costs, is the same for people who are known here and for others (reliability W11; ASVS 6.3.8).

Every question that anybody may ask, without a session, about somebody. Costs are counted, not timed (`tests.builders.costs`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from werkzeug.test import TestResponse

from pki.authenticators.model import Account, Kind
from tests.builders.authenticator import Authenticator
from tests.builders.costs import Cost, counted
from tests.isolation.people import DOCTOR, NURSE, URL, Crowd
from tests.world import doctor

UNKNOWN = doctor(77, "INCONNU")
"""In no register."""


@dataclass(frozen=True)
class Told:
    """An answer, as far as somebody who asks sees it."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    @classmethod
    def of(cls, answer: TestResponse, *names: str) -> Told:
        """Take an answer, without what was typed."""
        body = answer.get_data(as_text=True)
        for name in names:
            body = body.replace(name, "…")
        headers = sorted((key, value) for key, value in answer.headers if key != "Content-Length")
        return cls(answer.status_code, headers, body)


def report(found: Crowd, number: str, code: str = "AAAA-BBBB-CCCC-DDDD") -> tuple[Told, Cost]:
    """Report a loss for a number, with a code that is nobody's."""
    with counted(found.world.store.engine) as cost:
        answer = found.call("portal", found.people["nobody"], "POST", "/perte", data={"numero": number, "code": code})
    return Told.of(answer, number), cost


def sign_in(found: Crowd, audience: str, device: Authenticator) -> tuple[Told, Cost]:
    """Show a passkey."""
    nobody = found.people["nobody"]
    options = found.call(audience, nobody, "POST", "/connexion/options", json={}).get_json()
    body = {"response": device.show(options)}
    with counted(found.world.store.engine) as cost:
        answer = found.call(audience, nobody, "POST", "/connexion", json=body, headers={"Accept": "application/json"})
    return Told.of(answer), cost


def test_who_reports_a_loss_learns_nothing_of_a_number(everybody: Crowd) -> None:
    """Somebody with a sheet of codes, somebody without, nobody: six wrong codes each, alike to the octet and to the statement."""
    account = Account(Kind.PERSON, DOCTOR.idnat)
    everybody.office.losses.new_sheet(account)
    with everybody.world.store.read() as tx:
        assert tx.recovery.made_at(account) is not None
    for rank in range(6):
        answers = [report(everybody, number) for number in (DOCTOR.rpps, NURSE.rpps, UNKNOWN.rpps)]
        assert answers[0] == answers[1] == answers[2], rank
        assert answers[0][0].status == (403 if rank < 5 else 429)
        assert answers[0][1].statements and answers[0][1].calls["hmac_digest"] >= 1


def test_who_shows_a_passkey_learns_nothing_of_which_are_known(everybody: Crowd) -> None:
    """One of this audience with a wrong signature, one of another audience, one that was withdrawn, one of nobody."""
    people = everybody.people
    spare = Authenticator(origin=URL, credential_id=b"a passkey that was withdrawn")
    account = people["officer"].account
    assert account is not None
    answer = spare.make(everybody.office.passkeys.registration_options(account, "x"))
    everybody.office.passkeys.register_another(account, answer, "x")
    everybody.office.passkeys.withdraw(account, spare.credential_id)
    forged = Authenticator(origin=URL, credential_id=people["officer"].device.credential_id)
    unknown = Authenticator(origin=URL, credential_id=b"a passkey that nobody has")
    answers = [sign_in(everybody, "board", device) for device in (forged, people["owner"].device, spare, unknown)]
    assert [each[0] for each in answers] == [answers[0][0]] * 4
    assert [each[1] for each in answers] == [answers[0][1]] * 4
    assert answers[0][0].status == 403 and answers[0][1].calls["verify"] == 1


@pytest.mark.parametrize("audience", ["board", "portal", "structure", "admin"])
def test_the_question_that_begins_a_sign_in_names_nobody(everybody: Crowd, audience: str) -> None:
    """It is the same for everybody but for its challenge: no list of passkeys, no account."""
    nobody = everybody.people["nobody"]
    said = [
        everybody.call(audience, nobody, "POST", "/connexion/options", json=body).get_json() for body in ({}, {"again": True})
    ]
    assert {key for each in said for key in each["publicKey"]} == {"challenge", "rpId", "userVerification"}


def test_a_link_that_is_spent_too_old_or_nobody_s_says_the_same_at_the_same_cost(everybody: Crowd) -> None:
    """By every question that a link answers, whoever it was for."""
    from datetime import timedelta

    office, nobody = everybody.office, everybody.people["nobody"]
    replaced = office.entries.invite(Account(Kind.PERSON, NURSE.idnat), timedelta(hours=1), by="test", with_code=True).token
    office.entries.invite(Account(Kind.PERSON, NURSE.idnat), timedelta(hours=1), by="test")
    foreign = office.entries.invite(Account(Kind.OFFICER, "cnom-2"), timedelta(hours=1), by="test").token
    for method, path in (("GET", ""), ("POST", "/options"), ("POST", "/identite"), ("POST", "")):
        answers = []
        for token in (replaced, foreign, "x" * 22):
            with counted(everybody.world.store.engine) as cost:
                answer = everybody.call("portal", nobody, method, f"/entree/{token}{path}", json={"code": "AAAAAAAA"})
            answers.append((Told.of(answer, token), cost))
        assert answers[0] == answers[1] == answers[2], path
        assert answers[0][0].status == 403


def test_the_words_of_these_refusals_hold_no_number_and_no_name(everybody: Crowd) -> None:
    """Nothing of the register comes back but what was typed."""
    told, _ = report(everybody, DOCTOR.rpps)
    assert not re.search(r"DUPONT|997\d{8}", told.body)
