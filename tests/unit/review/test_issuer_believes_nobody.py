"""Orders that nobody may place: the issuer checks everything again, whoever wrote the tables (CP 4.3.1, invariant I4)."""

from __future__ import annotations

from typing import Any

from pki.issuance.approvals import APPROVAL, SUBMISSION
from pki.issuance.order import OrderState
from tests.unit.review.conftest import ANNE
from tests.unit.review.forger import TWO, Forger
from tests.world import nurse
from trust.naming import AuthoritySubject, ServiceSubject


def test_a_forged_batch_that_is_truthful_in_everything_is_issued(forger: Forger) -> None:
    """The other tests mean something: what they change is all that is wrong."""
    state, failure = forger.outcome(forger.order(*forger.statement(ANNE), TWO))
    assert (state, failure) == (OrderState.DONE, None)


def test_one_officer_alone_obtains_nothing(forger: Forger) -> None:
    """The requester that a request names has signed it: a name in a table is not a second person (CP 4.2.2)."""
    forger.all_fail(
        forger.order(*forger.statement(ANNE), acts)
        for acts in (
            (("oni-2", APPROVAL),),
            (("oni-2", SUBMISSION), ("oni-2", APPROVAL)),
            (("oni-2", SUBMISSION), ("oni-1", APPROVAL)),
            (("cnom-1", SUBMISSION), ("oni-2", APPROVAL)),
            (("oni-1", SUBMISSION), ("oni-2", SUBMISSION), ("oni-2", APPROVAL)),
            (("oni-1", SUBMISSION), ("oni-1", APPROVAL)),
            (("oni-1", SUBMISSION), ("cnom-2", APPROVAL)),
            (("oni-1", SUBMISSION),),
            (),
        )
    )


def test_officers_cannot_order_a_responder_or_an_authority(forger: Forger) -> None:
    """Whoever can write an order and approve it obtains no certificate of the authority's own kinds (CP 1.4.1)."""
    name = {"common_name": "Faux", "organisation": "Faux"}
    orders = []
    for subject, profile, ca in (
        (ServiceSubject(**name), "ocsp-responder", "personnes"),
        (ServiceSubject(**name), "ocsp-responder", "racine"),
        (AuthoritySubject(**name), "ca-emettrice", "racine"),
    ):
        statement, key = forger.statement(ANNE, subject=subject.record(), profile=profile, ca=ca)
        orders.append(forger.order(statement, key, TWO, ca=ca))
    assert all("to subscribers" in failure for failure in forger.all_fail(orders))


def test_the_subject_is_who_the_register_says(forger: Forger) -> None:
    """Two officers who agree on another name, another profession or another person's number obtain nothing (CP 3.2.3)."""
    true: dict[str, Any] = {
        "kind": "person",
        "idnat": ANNE.idnat,
        "family_name": "EXEMPLE",
        "given_name": "Camille",
        "profession": "60",
    }
    true |= {"title": "Infirmier", "email": None}
    forger.all_fail(
        forger.order(*forger.statement(ANNE, subject=true | change), TWO)
        for change in (
            {"family_name": "AUTRE"},
            {"given_name": "Dominique"},
            {"family_name": "EXEMPLE|Camille", "given_name": ""},
            {"profession": "10", "title": "Médecin"},
            {"idnat": nurse(2).idnat},
            {"kind": "server"},
            {"kind": "organisation"},
        )
    )


SHAPES: tuple[dict[str, Any], ...] = (
    {"holder": 5},
    {"holder": ["8"]},
    {"holder": None},
    {"holder": "\x00"},
    {"holder": "x" * 5000},
    {"board": ["ONI"]},
    {"profile": {}},
    {"subject": "person"},
    {"subject": None},
    {"subject": {"kind": "person", "idnat": 5, "family_name": [], "given_name": {}, "profession": 1, "title": 2, "email": 3}},
    {"subject": {"kind": "server", "struct_idnat": ANNE.idnat, "name": "x", "department": "y", "dns_names": None}},
    {"register": []},
    {"register": None},
    {"requester": ["oni-1"]},
    {"key": "é"},
    {"key": 5},
    {"id": 7},
)
TEXTS = ("", "null", "[]", "5", '"x"', "{", "[" * 100_000, '{"a":' * 5000 + "1" + "}" * 5000, '{"type":"certificate-request/1"}')


def test_an_order_of_another_shape_is_refused_and_stops_nobody(forger: Forger) -> None:
    """What cannot be read as a request fails alone: the order that waits behind it is issued."""
    bad = [forger.order(*forger.statement(ANNE, **changes), TWO) for changes in SHAPES]
    for text in TEXTS:
        forger.statement(ANNE)
        bad.append(forger.order(text, b"", TWO))
    statement, key = forger.statement(ANNE)
    bad.append(forger.order(statement.replace(ANNE.idnat, "\\ud800"), key, TWO))
    good = forger.order(*forger.statement(nurse(2)), TWO)
    forger.all_fail(bad)
    assert forger.outcome(good) == (OrderState.DONE, None)


def test_a_statement_has_one_reading(forger: Forger) -> None:
    """A request that says a thing twice, or in another than its canonical form, is not the one that was shown (CP 4.2.2)."""
    orders = []
    for before, after in (("{", '{"holder":"899700000021",'), ("{", "{ "), ('"60"', '"\\u0036\\u0030"')):
        statement, key = forger.statement(ANNE)
        orders.append(forger.order(statement.replace(before, after, 1), key, TWO))
    forger.all_fail(orders)


FACTS: tuple[dict[str, Any], ...] = (
    {"excluded": None},
    {"excluded": 0},
    {"excluded": "0"},
    {"excluded": ["0"]},
    {"excluded": [[0]]},
    {"excluded": [False]},
    {"excluded": {"0": 1}},
    {"excluded": [-1]},
    {"excluded": [0]},
    {"size": "1"},
    {"size": True},
    {"size": None},
    {"size": 2},
    {"root": None},
    {"root": 5},
    {"root": "zz"},
    {"board": None},
    {"board": ["ONI"]},
    {"board": "CNOM"},
    {"at": 5},
    {"at": "0001-01-01T00:00:00+23:59"},
    {"at": "9999-12-31T23:59:59-23:59"},
)


def test_an_approval_of_another_shape_counts_for_nothing_and_stops_nobody(forger: Forger) -> None:
    """An officer who signs nonsense has approved nothing, and does not end the issuer."""
    bad = [forger.order(*forger.statement(ANNE), TWO, **facts) for facts in FACTS]
    good = forger.order(*forger.statement(nurse(2)), TWO)
    forger.all_fail(bad)
    assert forger.outcome(good) == (OrderState.DONE, None)
