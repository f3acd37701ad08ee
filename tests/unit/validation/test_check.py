"""The whole question: path and status together, and what is asked of whom."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.unit.validation.chains import flipped
from tests.unit.validation.hierarchy import (
    LEAF,
    NOW,
    PEOPLE,
    POLICY,
    ROOT,
    Draft,
    Made,
    authority,
    make,
    responder,
    revocation_list,
)
from trust.errors import Malformed, Refused
from trust.validation.certificate import Certificate
from trust.validation.chain import Validator
from trust.validation.check import Checker, FirstKnown, check_certificate
from trust.validation.crl import RevocationList
from trust.validation.crl_client import OfflineLists
from trust.validation.findings import Finding, Outcome
from trust.validation.purpose import Wanted
from trust.validation.status import StatusAnswer, StatusSource
from trust.validation.verdict import Verdict

ROOT_LIST = revocation_list(ROOT)


class Counted:
    """A status source that notes whom it was asked about."""

    def __init__(self, source: StatusSource) -> None:
        self.source = source
        self.asked: list[Certificate] = []

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> StatusAnswer:
        """Ask on."""
        self.asked.append(certificate)
        return self.source.status(certificate, issuer, at)


def lists(*octets: bytes) -> OfflineLists:
    """Lists in hand, that of the root among them."""
    return OfflineLists(RevocationList(one) for one in (ROOT_LIST, *octets))


def checked(leaf: Made, source: StatusSource | None, *, wanted: Wanted | None = None, hours: float = 0) -> Verdict:
    """The verdict on a certificate of the usual hierarchy."""
    return check_certificate(
        leaf.der,
        anchors=[ROOT.read],
        intermediates=[PEOPLE.read],
        at=NOW + timedelta(hours=hours),
        status=source,
        wanted=wanted or Wanted(),
    )


def findings(verdict: Verdict) -> list[Finding]:
    """What stands in the way, the most telling first."""
    return [reason.finding for reason in verdict.reasons]


def test_a_good_certificate_is_valid_with_the_status_of_its_whole_path() -> None:
    """The leaf's and the authority's; the anchor has none."""
    verdict = checked(LEAF, lists(revocation_list(PEOPLE)), wanted=Wanted.of("tls-client", POLICY))

    assert (verdict.outcome, [answer.source for answer in verdict.statuses]) == (Outcome.VALID, ["CRL 12", "CRL 12"])
    assert verdict.demand()[0] == LEAF.read


def test_a_revoked_certificate_is_invalid() -> None:
    """Whatever else is right."""
    verdict = checked(LEAF, lists(revocation_list(PEOPLE, [(LEAF.read.serial, x509.ReasonFlags.key_compromise)])))

    assert (verdict.outcome, findings(verdict)) == (Outcome.INVALID, [Finding.REVOKED])
    with pytest.raises(Refused, match="keyCompromise"):
        verdict.demand()


def test_a_revoked_authority_makes_all_below_it_invalid() -> None:
    """The verdict names the authority."""
    source = OfflineLists(
        [RevocationList(revocation_list(ROOT, [(PEOPLE.read.serial, None)])), RevocationList(revocation_list(PEOPLE))]
    )
    verdict = checked(LEAF, source)

    assert findings(verdict) == [Finding.REVOKED]
    assert verdict.reasons[0].subject == PEOPLE.read.name


def test_a_status_that_is_not_known_is_never_taken_for_good() -> None:
    """No source, no list, a stale list: indeterminate, and the reason says which."""
    stale = revocation_list(PEOPLE, hours=(-48, -24))

    assert findings(checked(LEAF, None)) == [Finding.STATUS_UNAVAILABLE, Finding.STATUS_UNAVAILABLE]
    assert findings(checked(LEAF, lists())) == [Finding.STATUS_UNAVAILABLE]
    assert findings(checked(LEAF, lists(stale))) == [Finding.STATUS_STALE]
    assert checked(LEAF, lists(stale)).outcome is Outcome.INDETERMINATE


def test_a_revocation_tells_more_than_an_expiry() -> None:
    """Both are held against the certificate; the graver comes first."""
    expired = make(Draft(days=(-400, -1)), PEOPLE)
    verdict = checked(expired, lists(revocation_list(PEOPLE, [(expired.read.serial, None)])))

    assert findings(verdict) == [Finding.REVOKED, Finding.EXPIRED]


@pytest.mark.parametrize("leaf", [flipped(LEAF), make(Draft()), make(Draft(), authority("Inconnue"))])
def test_nobody_is_asked_about_a_strangers_certificate(leaf: Made) -> None:
    """What it says about where to ask could be anything."""
    source = Counted(lists(revocation_list(PEOPLE)))
    verdict = checked(leaf, source)

    assert verdict.outcome is not Outcome.VALID
    assert source.asked == []


def test_everybody_below_the_anchor_is_asked_about_once() -> None:
    """The leaf, then its authority."""
    source = Counted(lists(revocation_list(PEOPLE)))
    checked(LEAF, source)

    assert source.asked == [LEAF.read, PEOPLE.read]


def test_a_responder_that_its_issuer_exempts_has_no_status() -> None:
    """id-pkix-ocsp-nocheck: it lives for days, and asking about it would never end."""
    source = Counted(lists())
    verdict = checked(responder(), source, wanted=Wanted.of("ocsp"))

    assert verdict.outcome is Outcome.VALID
    assert source.asked == [PEOPLE.read]


def test_the_first_source_that_knows_decides() -> None:
    """And when none knows, the reasons of all are told."""
    knows, knows_not = lists(revocation_list(PEOPLE)), lists()

    assert checked(LEAF, FirstKnown(knows_not, knows)).outcome is Outcome.VALID
    assert findings(checked(LEAF, FirstKnown(knows_not, lists(revocation_list(PEOPLE, hours=(-48, -24)))))) == [
        Finding.STATUS_STALE,
        Finding.STATUS_UNAVAILABLE,
    ]


def test_a_checker_answers_again_and_again() -> None:
    """One object for all the accesses of a service, at each of their moments."""
    checker = Checker(Validator([ROOT.read], [PEOPLE.read]), lists(revocation_list(PEOPLE)))
    outcomes = [checker.check(LEAF.der, NOW + timedelta(hours=hours)).outcome for hours in (0, 24, 1, 24 * 366)]

    assert outcomes == [Outcome.VALID, Outcome.INDETERMINATE, Outcome.VALID, Outcome.INVALID]


def test_a_verdict_is_told_in_json_without_losing_anything() -> None:
    """Path, statuses and reasons with their codes and citations."""
    record = checked(LEAF, lists(revocation_list(PEOPLE, [(LEAF.read.serial, None)]))).to_record()

    assert record["outcome"] == "invalid"
    assert [one["subject"] for one in record["path"]] == [LEAF.read.name, PEOPLE.read.name, ROOT.read.name]
    assert record["reasons"][0]["code"] == "revoked"
    assert record["reasons"][0]["citation"] == "RFC 5280 §6.3"
    assert [one["status"] for one in record["statuses"]] == ["revoked", "good"]


def test_pem_is_as_good_as_der() -> None:
    """And what is neither is malformed."""
    pem, source = LEAF.parsed.public_bytes(Encoding.PEM), lists(revocation_list(PEOPLE))

    assert (
        check_certificate(pem, anchors=[ROOT.read], intermediates=[PEOPLE.read], at=NOW, status=source).outcome is Outcome.VALID
    )
    with pytest.raises(Malformed):
        check_certificate(b"neither", anchors=[ROOT.read], at=NOW)
