"""What is thought of a key: each thing that may be the matter with it, from the day on which it is (CP 6.2.1, CP 6.3.2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pki.bootstrap.keyjudge import GRACE, SOON, against_certificate, against_uses, by_calendar, of_error, of_stranger
from pki.bootstrap.keylist import GRAVE, Behind, Concern, Key, Place, Role
from trust.errors import Alarm, Conflict, Malformed, Missing, Refused, SceauError, Unavailable
from trust.testing import FixedClock

NOW = FixedClock().now()
DAY = timedelta(days=1)


def certificate(begins: datetime, ends: datetime, status: str = "issued") -> Behind:
    """Return a certificate that a key stands behind."""
    return Behind("40" + "0" * 30, "ESSAI", "racine", "ca-emettrice", begins, ends, status)


def ca(ends: datetime, full_until: datetime, *, status: str = "issued") -> Key:
    """Return the key of a CA that has signed this very moment."""
    key = Key("personnes", Role.CA, "personnes", Place.SOFTWARE, "here", "P-256", ("certificate", "crl"), "ab" * 32)
    behind = (certificate(NOW - 100 * DAY, ends, status),)
    return replace(
        key, certificates=behind, retires=ends, full_until=full_until, full_profile="ps-signature", full_days=1095, last=NOW
    )


def concerns(key: Key, *, renewal: timedelta | None = None, counting: datetime | None = None) -> list[Concern]:
    """Return what the calendar has against a key."""
    return [each.concern for each in by_calendar(key, now=NOW, renewal=renewal, counting=counting)]


@pytest.mark.parametrize(
    ("ends", "full", "expected"),
    [
        (SOON + DAY, SOON + DAY, []),
        (SOON, SOON, [Concern.RETIRES, Concern.SHORT]),
        (1000 * DAY, SOON + DAY, []),
        (1000 * DAY, SOON, [Concern.SHORT]),
        (1000 * DAY, -DAY, [Concern.SHORT]),
        (-DAY, -1000 * DAY, [Concern.ENDED]),
    ],
)
def test_a_ca_is_told_of_before_it_is_too_late(ends: timedelta, full: timedelta, expected: list[Concern]) -> None:
    """Ninety days before its end; and before what it issues for longest would outlive it, which is refused."""
    assert concerns(ca(NOW + ends, NOW + full)) == expected


def test_a_revoked_ca_is_told_of_once() -> None:
    """Not of its calendar: it issues nothing more."""
    assert concerns(ca(NOW + DAY, NOW - DAY, status="revoked")) == [Concern.REVOKED]


def test_a_ca_without_certificate_waits() -> None:
    """For its root, which may be offline; it has signed nothing, which is no fault."""
    key = replace(ca(NOW, NOW), certificates=(), retires=None, full_until=None, last=None)
    assert concerns(key, counting=NOW - 10 * GRACE) == [Concern.WAITING]


def test_a_responder_lives_two_weeks_and_is_told_of_when_nobody_renews_it() -> None:
    """Its whole life is shorter than ninety days; the one that was replaced ends in peace."""
    responder = replace(ca(NOW + 4 * DAY, NOW), role=Role.RESPONDER, full_until=None)
    assert concerns(responder, renewal=timedelta(days=14) / 3) == [Concern.LATE]
    assert concerns(responder, renewal=3 * DAY) == []
    assert concerns(responder) == []


def test_a_key_that_never_signed_is_told_of_after_a_day_of_counting() -> None:
    """Not before: neither a new key nor new counts say anything; nor a key that is elsewhere."""
    key = replace(ca(NOW + 1000 * DAY, NOW + 900 * DAY), last=None)
    assert concerns(key, counting=NOW - GRACE) == [Concern.NEVER]
    assert concerns(key, counting=NOW - GRACE + timedelta(seconds=1)) == []
    assert concerns(key) == []
    assert concerns(replace(key, last=NOW - 50 * DAY), counting=NOW - GRACE) == []
    assert concerns(replace(key, place=Place.OFFLINE), counting=NOW - GRACE) == []
    young = replace(key, certificates=(certificate(NOW, NOW + 1000 * DAY),))
    assert concerns(young, counting=NOW - GRACE) == []


def test_another_key_than_the_certificate_s_is_grave() -> None:
    """And one that is not known is compared with nothing."""
    key = ca(NOW, NOW)
    assert against_certificate(key, "ab" * 32) == against_certificate(key, None) == []
    (found,) = against_certificate(key, "cd" * 32)
    assert found.concern is Concern.MISMATCH and found.is_grave and "nothing may be signed" in found.remedy


def test_a_key_that_was_not_made_for_its_use_is_grave() -> None:
    """CP 6.1.7."""
    assert against_uses(ca(NOW, NOW), ("certificate", "crl")) == []
    assert [each.concern for each in against_uses(ca(NOW, NOW), ("ocsp",))] == [Concern.USES]


@pytest.mark.parametrize(
    ("error", "concern"),
    [
        (Missing("no key"), Concern.MISSING),
        (Conflict("two keys"), Concern.TWICE),
        (Alarm("it can leave the token"), Concern.UNSAFE),
        (Malformed("half a key"), Concern.UNSAFE),
        (Unavailable("away"), Concern.UNREACHABLE),
        (Refused("the PIN", citation="CP 6.2.8"), Concern.UNREACHABLE),
    ],
)
@pytest.mark.parametrize("place", list(Place))
def test_an_error_of_the_custodian_is_a_judgement_with_its_remedy(error: SceauError, concern: Concern, place: Place) -> None:
    """Wherever the key lives."""
    found = of_error(error, "personnes", place)
    assert found.concern is concern and found.concern in GRAVE and found.text and found.remedy


def test_a_key_that_nothing_names_is_worth_knowing() -> None:
    """More so when it stands behind a certificate all the same."""
    alone = replace(ca(NOW, NOW), role=Role.NONE, certificates=())
    found = of_stranger(alone, readable=True)
    assert (found.concern, found.is_grave) == (Concern.UNNAMED, False)
    assert "40000" in of_stranger(ca(NOW, NOW), readable=True).text
    assert of_stranger(alone, readable=False).concern is Concern.FOREIGN
