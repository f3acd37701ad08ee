"""The dates of a CRL from its first octets (RFC 5280 §5.1.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.publication.crls import crl, large_crl
from tests.unit.status import toy
from trust import der
from trust.errors import Malformed
from web.publication.crl_dates import HEAD_OCTETS, dates

moments = st.datetimes(datetime(1950, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(microsecond=0, tzinfo=UTC))


@given(this_update=moments, life=st.timedeltas(timedelta(seconds=1), timedelta(days=400)))
def test_both_dates_are_read_as_cryptography_reads_them(this_update: datetime, life: timedelta) -> None:
    """UTCTime until 2049, GeneralizedTime from 2050."""
    encoded = crl(this_update, this_update + timedelta(seconds=int(life.total_seconds())), 1, 2, 3)
    expected = x509.load_der_x509_crl(encoded)

    assert dates(encoded[:HEAD_OCTETS], len(encoded)) == (expected.last_update_utc, expected.next_update_utc)


def test_a_large_crl_is_dated_by_its_head() -> None:
    """No octet past the head is looked at."""
    encoded = large_crl(toy.NOON, 2_000)

    assert dates(encoded[:400], len(encoded)) == (toy.NOON, toy.NOON + toy.DAY)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda octets: b"",
        lambda octets: octets[:40],
        lambda octets: b"\x30\x80" + octets[4:],
        lambda octets: octets + b"\x00",
        lambda octets: b"-----BEGIN X509 CRL-----\n" + octets,
        lambda octets: octets.replace(b"\x17\r260302", b"\x17\r269902"),
        lambda octets: octets.replace(b"\x17\r260302", b"\x17\r+60302"),
        lambda octets: octets.replace(b"\x17\r260303", b"\x18\r260303"),
        lambda octets: toy.ca_certificate("personnes"),
    ],
)
def test_what_is_not_a_crl_is_malformed(spoil: object) -> None:
    """Cut, extended, indefinite, armoured, with an impossible date, or a certificate."""
    spoiled = spoil(crl(toy.NOON, toy.NOON + toy.DAY))  # type: ignore[operator]

    with pytest.raises(Malformed):
        dates(spoiled, len(spoiled))


def test_a_crl_without_next_update_is_malformed() -> None:
    """RFC 5280 §5.1.2.5: conforming issuers include it; without it nobody could tell a fresh list from an old one."""
    parts = list(der.children(der.whole(crl(toy.NOON, toy.NOON + toy.DAY), der.SEQUENCE)))
    fields = [whole for _, _, whole in der.children(parts[0][1])]
    without = der.sequence(der.sequence(*fields[:4], *fields[5:]), parts[1][2], parts[2][2])

    with pytest.raises(Malformed):
        dates(without, len(without))


@given(octets=st.binary(max_size=200))
def test_no_octets_make_the_walk_fail_otherwise(octets: bytes) -> None:
    """Octets of all kinds: dates, or Malformed."""
    try:
        dates(octets, len(octets))
    except Malformed:
        pass
