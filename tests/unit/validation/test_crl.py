"""Revocation lists: whose, about what, until when; and only then who is on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.validation.hierarchy import (
    LEAF,
    NOW,
    PEOPLE,
    ROOT,
    SHARD,
    Draft,
    authority,
    key,
    make,
    name,
    revocation_list,
    uri,
)
from trust import der
from trust.errors import Malformed
from trust.validation.crl import LARGEST_CRL, RevocationList, evaluate_crl
from trust.validation.findings import Finding
from trust.validation.status import SKEW, CertificateStatus, StatusAnswer

Reason = x509.ReasonFlags
UNKNOWN_EXTENSION = x509.UnrecognizedExtension(ObjectIdentifier("2.25.99"), b"\x05\x00")
ON_IT = ((LEAF.read.serial, Reason.key_compromise),)
MINE, OTHER = {"full_name": [uri(SHARD)]}, {"full_name": [uri("http://status.test/crl/personnes/004.crl")]}

SOME: dict[str, Any] = MINE | {"only_some_reasons": frozenset([Reason.key_compromise])}


def status(octets: bytes, *, delta: bytes | None = None, of: Any = LEAF, issuer: Any = PEOPLE, hours: float = 0) -> StatusAnswer:
    """What a list, with or without a delta, says of a certificate."""
    completed = RevocationList(delta) if delta else None
    return evaluate_crl(RevocationList(octets), of.read, issuer.read, NOW + timedelta(hours=hours), completed)


def test_who_is_not_on_the_list_is_good_for_as_long_as_it_speaks() -> None:
    """With the list's number and its dates."""
    answer = status(revocation_list(PEOPLE, [(5, None)]))

    assert (answer.status, answer.source, answer.reasons) == (CertificateStatus.GOOD, "CRL 12", ())
    assert (answer.this_update, answer.next_update) == (NOW - timedelta(hours=1), NOW + timedelta(hours=23))


def test_who_is_on_the_list_is_revoked_with_date_and_reason() -> None:
    """As facts, and in words."""
    answer = status(revocation_list(PEOPLE, [(5, None), *ON_IT]))

    assert (answer.status, answer.revocation_reason) == (CertificateStatus.REVOKED, "keyCompromise")
    assert answer.revoked_at == NOW - timedelta(days=1)
    assert answer.reasons[0].finding is Finding.REVOKED
    assert "2026-03-01T08:00:00Z" in str(answer.reasons[0])


def test_a_hold_is_told_from_a_revocation() -> None:
    """Both are no."""
    answer = status(revocation_list(PEOPLE, [(LEAF.read.serial, Reason.certificate_hold)]))

    assert (answer.status, answer.reasons[0].finding) == (CertificateStatus.REVOKED, Finding.HELD)


def test_a_revocation_without_reason_is_a_revocation() -> None:
    """The reason is optional."""
    answer = status(revocation_list(PEOPLE, [(LEAF.read.serial, None)]))

    assert (answer.status, answer.revocation_reason) == (CertificateStatus.REVOKED, None)


@pytest.mark.parametrize(
    ("octets", "finding"),
    [
        (revocation_list(PEOPLE, ON_IT, hours=(-48, -0.001)), Finding.STATUS_STALE),
        (revocation_list(PEOPLE, ON_IT, hours=(1, 23)), Finding.STATUS_STALE),
        (revocation_list(PEOPLE, ON_IT, signer=key("P-256", 999), authority_identifier=False), Finding.STATUS_UNAUTHENTIC),
        (revocation_list(PEOPLE, ON_IT, signer=key("P-256", 999)), Finding.STATUS_UNAUTHENTIC),
        (revocation_list(PEOPLE, ON_IT, issuer_name=name("Autre")), Finding.STATUS_UNAUTHENTIC),
        (revocation_list(PEOPLE, ON_IT, hash=hashes.SHA384()), Finding.STATUS_UNAUTHENTIC),
        (revocation_list(PEOPLE, ON_IT, others=((UNKNOWN_EXTENSION, True),)), Finding.STATUS_UNAUTHENTIC),
        (revocation_list(PEOPLE, ON_IT, entry_others=((UNKNOWN_EXTENSION, True),)), Finding.STATUS_UNAUTHENTIC),
        (revocation_list(PEOPLE, ON_IT, point=OTHER), Finding.STATUS_NOT_COVERED),
        (revocation_list(PEOPLE, ON_IT, point={"only_contains_ca_certs": True}), Finding.STATUS_NOT_COVERED),
        (revocation_list(PEOPLE, ON_IT, point={"only_contains_attribute_certs": True}), Finding.STATUS_NOT_COVERED),
        (revocation_list(PEOPLE, ON_IT, point=MINE | {"indirect_crl": True}), Finding.STATUS_NOT_COVERED),
        (revocation_list(PEOPLE, ON_IT, point=SOME), Finding.STATUS_NOT_COVERED),
        (revocation_list(PEOPLE, ON_IT, point={"relative_name": name("x").rdns[0]}), Finding.STATUS_NOT_COVERED),
        (revocation_list(PEOPLE, ON_IT, base=11), Finding.STATUS_NOT_COVERED),
        (revocation_list(PEOPLE, [(LEAF.read.serial, Reason.remove_from_crl)]), Finding.STATUS_UNAUTHENTIC),
    ],
)
def test_a_list_that_does_not_count_says_nothing(octets: bytes, finding: Finding) -> None:
    """Stale, from tomorrow, forged, foreign, not understood, about others, or a delta alone: unknown, with the reason why."""
    answer = status(octets)

    assert (answer.status, [reason.finding for reason in answer.reasons]) == (CertificateStatus.UNKNOWN, [finding])


def test_a_list_changed_on_the_way_is_not_believed() -> None:
    """The serial of somebody else put in the place of ours."""
    octets = revocation_list(PEOPLE, ON_IT).replace(der.integer(LEAF.read.serial), der.integer(LEAF.read.serial + 1))

    assert status(octets).reasons[0].finding is Finding.STATUS_UNAUTHENTIC


def test_an_authority_that_may_not_sign_lists_is_not_believed() -> None:
    """Its key usage says so."""
    silent = authority("Sans liste", issuer=ROOT, usages=("key_cert_sign",))
    leaf = make(Draft(), silent)

    assert status(revocation_list(silent), of=leaf, issuer=silent).reasons[0].finding is Finding.STATUS_UNAUTHENTIC


def test_a_shard_speaks_for_those_who_name_it() -> None:
    """And for nobody else, on whichever side of the list."""
    shard = revocation_list(PEOPLE, [(5, None)], point=MINE)
    elsewhere = make(Draft(points=("http://status.test/crl/personnes/004.crl",)), PEOPLE)
    nowhere = make(Draft(points=()), PEOPLE)

    assert status(shard).status is CertificateStatus.GOOD
    for leaf in (elsewhere, nowhere):
        assert status(shard, of=leaf).reasons[0].finding is Finding.STATUS_NOT_COVERED


def test_a_list_of_users_does_not_speak_for_authorities() -> None:
    """Nor one of authorities for users: see above."""
    users = revocation_list(ROOT, point={"only_contains_user_certs": True})
    authorities = revocation_list(ROOT, point={"only_contains_ca_certs": True})

    assert status(users, of=PEOPLE, issuer=ROOT).reasons[0].finding is Finding.STATUS_NOT_COVERED
    assert status(authorities, of=PEOPLE, issuer=ROOT).status is CertificateStatus.GOOD


@pytest.mark.parametrize(
    ("hours", "counts"), [(0, True), (23, True), (23.0003, False), (-1, True), (-1.03, True), (-1.05, False)]
)
def test_a_list_speaks_from_its_first_to_its_last_second(hours: float, counts: bool) -> None:
    """Less the two minutes by which its signer's clock may be ahead of ours."""
    assert timedelta(minutes=2) == SKEW
    assert (status(revocation_list(PEOPLE), hours=hours).status is CertificateStatus.GOOD) is counts


def test_a_delta_revokes_before_the_next_list() -> None:
    """And speaks for its own time."""
    answer = status(revocation_list(PEOPLE), delta=revocation_list(PEOPLE, ON_IT, number=13, base=12))

    assert (answer.status, answer.source) == (CertificateStatus.REVOKED, "delta CRL 13")


def test_a_delta_releases_a_hold() -> None:
    """removeFromCRL, which only a delta can say."""
    held = revocation_list(PEOPLE, [(LEAF.read.serial, Reason.certificate_hold)])
    released = revocation_list(PEOPLE, [(LEAF.read.serial, Reason.remove_from_crl)], number=13, base=12)

    assert status(held).status is CertificateStatus.REVOKED
    assert status(held, delta=released).status is CertificateStatus.GOOD


def test_who_is_on_neither_list_is_good_by_both() -> None:
    """For as long as the delta speaks."""
    answer = status(revocation_list(PEOPLE), delta=revocation_list(PEOPLE, number=13, base=12, hours=(-0.5, 6)))

    assert (answer.source, answer.next_update) == ("CRL 12 with delta CRL 13", NOW + timedelta(hours=6))


@pytest.mark.parametrize(
    "delta",
    [
        revocation_list(PEOPLE, ON_IT, number=13, base=13),
        revocation_list(PEOPLE, ON_IT, number=12, base=12),
        revocation_list(PEOPLE, ON_IT, number=None, base=12),
        revocation_list(PEOPLE, ON_IT, number=13, base=12, hours=(-5, -1)),
        revocation_list(PEOPLE, ON_IT, number=13, base=12, signer=key("P-256", 999)),
        revocation_list(PEOPLE, ON_IT, number=13, base=12, point=MINE),
        revocation_list(PEOPLE, ON_IT, number=13),
    ],
)
def test_a_delta_that_does_not_fit_is_left_out(delta: bytes) -> None:
    """Of another base, older, stale, forged, of another part, or none at all: the list speaks alone."""
    answer = status(revocation_list(PEOPLE), delta=delta)

    assert (answer.status, answer.source) == (CertificateStatus.GOOD, "CRL 12")


@pytest.mark.parametrize("algorithm", ["RSA-2048", "P-384", "Ed25519", "ML-DSA-65"])
def test_lists_are_verified_with_every_kind_of_key(algorithm: str) -> None:
    """All those of trust.algorithms."""
    issuer = authority(f"AC {algorithm}", issuer=ROOT, algorithm=algorithm)
    leaf = make(Draft(), issuer)

    assert status(revocation_list(issuer), of=leaf, issuer=issuer).status is CertificateStatus.GOOD


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"0",
        b"not a list",
        LEAF.der,
        revocation_list(PEOPLE)[:-1],
        revocation_list(PEOPLE) + b"\x00",
        b"\x30\x80" + revocation_list(PEOPLE)[4:] + b"\x00\x00",
        revocation_list(PEOPLE, others=((x509.UnrecognizedExtension(x509.CRLNumber.oid, b"\x04\x00"), False),), number=None),
        revocation_list(PEOPLE).replace(der.oid("1.2.840.10045.4.3.2"), der.oid("1.2.840.10045.4.3.3"), 1),
    ],
)
def test_octets_that_are_not_a_list_are_malformed(octets: bytes) -> None:
    """Cut, extended, BER, an extension that is none, two algorithms."""
    with pytest.raises(Malformed):
        RevocationList(octets)


def test_a_list_larger_than_any_is_not_parsed() -> None:
    """Refused by its size alone."""
    with pytest.raises(Malformed, match="larger"):
        RevocationList(bytes(LARGEST_CRL + 1))


def test_an_entry_that_cannot_be_read_leaves_the_status_unknown() -> None:
    """A reason that is no number: somebody is on the list, and we do not know how."""
    garbage = x509.UnrecognizedExtension(x509.CRLReason.oid, b"\x04\x01\x00")
    answer = status(revocation_list(PEOPLE, [(LEAF.read.serial, None)], entry_others=((garbage, False),)))

    assert answer.reasons[0].finding is Finding.STATUS_UNAVAILABLE


@given(st.data())
def test_no_octet_of_a_list_can_be_changed_to_hide_a_revocation(data: st.DataObject) -> None:
    """Whatever is changed, the result is malformed, unknown or still revoked."""
    octets = bytearray(_FIXED)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        answer = status(bytes(octets))
    except Malformed:
        return
    assert answer.status is not CertificateStatus.GOOD


_FIXED = revocation_list(PEOPLE, ON_IT, point=MINE)
