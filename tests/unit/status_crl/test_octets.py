"""What we join is what pyca's builder makes, octet for octet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from pki.status.crl import REMOVE_FROM_CRL, Body, Point, assemble, delta_body, encode_entry, finish
from tests.unit.status_crl.builders import DAY, KEY_ID, NOW, REASONS, built, ca_key, issuer, rows, serial
from trust.algorithms import ALGORITHMS
from trust.errors import Malformed, Missing

IDENTIFIER = (x509.AuthorityKeyIdentifier(KEY_ID, None, None), False)
SHARD = "http://127.0.0.1:8401/crl/personnes/3.crl"
DELTA = "http://127.0.0.1:8401/crl/personnes-delta.crl"
UNTIL_2105 = 2**32

Entry = tuple[bytes, int, int | None, int | None]


def _name(url: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(url)]


def _issuing(url: str | None, *, users: bool = False, cas: bool = False) -> tuple[x509.ExtensionType, bool]:
    name = _name(url) if url else None
    return x509.IssuingDistributionPoint(name, None, users, cas, None, False, False), True


def _body(entries: Sequence[Entry], *, delta: bool = False) -> Body:
    body = Body(delta=delta)
    for entry in entries:
        body.append(*entry)
    return body


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_full_list_is_the_builders_under_every_algorithm(name: str) -> None:
    """Every reason, and the CA's algorithm inside the signed part."""
    revoked = rows(30)
    ours = assemble(issuer(name), 41, NOW, NOW + DAY, Body(revoked))
    theirs = built([(*row[:3], None) for row in revoked], [IDENTIFIER, (x509.CRLNumber(41), False)], name=name)
    assert ours == theirs


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_finished_list_verifies(name: str) -> None:
    """The outer algorithm is the inner one, and the signature is the CA's."""
    tbs = assemble(issuer(name), 1, NOW, NOW + DAY, Body(rows(3)))
    crl = x509.load_der_x509_crl(finish(tbs, ALGORITHMS[name].sign(ca_key(name), tbs)))
    assert crl.is_signature_valid(ca_key(name).public_key())
    assert len(crl) == 3


def test_a_shard_is_the_builders() -> None:
    """The issuing distribution point is critical, and carries the URL of the certificates' CDP."""
    revoked = rows(5)
    ours = assemble(issuer(), 2, NOW, NOW + DAY, Body(revoked), point=Point(SHARD, only_users=True))
    theirs = built([(*row[:3], None) for row in revoked], [IDENTIFIER, (x509.CRLNumber(2), False), _issuing(SHARD, users=True)])
    assert ours == theirs


@pytest.mark.parametrize(
    ("point", "theirs"),
    [
        (Point(SHARD), _issuing(SHARD)),
        (Point(None, only_users=True), _issuing(None, users=True)),
        (Point(None, only_cas=True), _issuing(None, cas=True)),
        (Point(SHARD, only_cas=True), _issuing(SHARD, cas=True)),
    ],
)
def test_every_issuing_distribution_point_is_the_builders(point: Point, theirs: tuple[x509.ExtensionType, bool]) -> None:
    """With or without URL, for users or for CAs."""
    ours = assemble(issuer(), 2, NOW, NOW + DAY, Body(), point=point)
    assert ours == built([], [IDENTIFIER, (x509.CRLNumber(2), False), theirs])


def test_a_full_list_says_where_its_delta_is() -> None:
    """FreshestCRL, not critical (RFC 5280 §5.2.6)."""
    ours = assemble(issuer(), 2, NOW, NOW + DAY, Body(rows(2)), freshest_url=DELTA)
    freshest = x509.FreshestCRL([x509.DistributionPoint(_name(DELTA), None, None, None)])
    theirs = built([(*row[:3], None) for row in rows(2)], [IDENTIFIER, (x509.CRLNumber(2), False), (freshest, False)])
    assert ours == theirs


def test_a_delta_is_the_builders() -> None:
    """The indicator is critical and names the base; a released hold is told by removeFromCRL."""
    changed, at = rows(4), int(NOW.timestamp()) - 60
    body = delta_body(changed, [(serial(100), at, 0), (changed[1][0], at, 0)])
    entries: list[Entry] = [(row[0], row[1], row[2], None) for row in changed]
    entries.append((serial(100), at, REMOVE_FROM_CRL, None))
    theirs = built(entries, [IDENTIFIER, (x509.CRLNumber(9), False), (x509.DeltaCRLIndicator(7), True)])
    assert assemble(issuer(), 9, NOW, NOW + DAY, body, delta_base=7) == theirs


def test_a_certificate_held_again_after_its_release_is_on_the_delta_as_held() -> None:
    """One entry per certificate: what stands now."""
    row = (serial(1), int(NOW.timestamp()), 6, int(NOW.timestamp()), 0)
    assert len(delta_body([row], [(serial(1), int(NOW.timestamp()) - 9, 0)])) == 1


def test_nobody_revoked_leaves_the_field_out() -> None:
    """revokedCertificates is absent, not an empty sequence (failure case L05)."""
    tbs = assemble(issuer(), 1, NOW, NOW + DAY, Body())
    assert tbs == built([], [IDENTIFIER, (x509.CRLNumber(1), False)])


def test_dates_turn_to_generalized_time_in_2050() -> None:
    """UTCTime until 2049, in the head and in the entries (RFC 5280 §5.1.2.4 to §5.1.2.6)."""
    last = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
    entries: list[Entry] = [(serial(n), int(last.timestamp()) + n, reason, None) for n, reason in ((0, 1), (1, 1), (2, None))]
    ours = assemble(issuer(), 1, last, last + DAY, _body(entries))
    assert ours == built(entries, [IDENTIFIER, (x509.CRLNumber(1), False)], this_update=last, next_update=last + DAY)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**6).map(serial),
            st.integers(0, UNTIL_2105),
            st.sampled_from(REASONS),
            st.one_of(st.none(), st.integers(0, UNTIL_2105)),
        ),
        max_size=8,
    ),
    st.integers(1, 2**159 - 1),
)
def test_any_list_is_the_builders(entries: list[Entry], number: int) -> None:
    """Any serial, date, reason, invalidity date and number."""
    ours = assemble(issuer(), number, NOW, NOW + DAY, _body(entries))
    assert ours == built(entries, [IDENTIFIER, (x509.CRLNumber(number), False)])


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 1400, 1500])
def test_lengths_of_every_form_are_the_builders(count: int) -> None:
    """Short form, one, two and three octets of length."""
    revoked = rows(count)
    ours = assemble(issuer(), 1, NOW, NOW + DAY, Body(revoked))
    assert ours == built([(*row[:3], None) for row in revoked], [IDENTIFIER, (x509.CRLNumber(1), False)])


def test_the_body_appended_and_the_body_rebuilt_are_the_same() -> None:
    """A producer that restarts publishes the same octets."""
    revoked = rows(200)
    appended = Body()
    for row in revoked:
        appended.append(*row[:3])
    assert appended.octets == Body(revoked).octets
    assert len(appended) == 200


def test_a_released_certificate_is_taken_off_and_nothing_else_moves() -> None:
    """First, last or between; with or without reason; twice is an error."""
    revoked = rows(50)
    for gone in (0, 1, 25, 49):
        body = Body(revoked)
        body.remove(revoked[gone][0])
        assert body.octets == Body(revoked[:gone] + revoked[gone + 1 :]).octets
        assert len(body) == 49
        with pytest.raises(Missing):
            body.remove(revoked[gone][0])


def test_an_entry_with_an_invalidity_date_is_taken_off_whole() -> None:
    """Its length is its own."""
    body = Body(rows(2))
    body.append(serial(7), 10**9, 1, 10**9 - 5)
    body.append(serial(8), UNTIL_2105 - 1, 1, UNTIL_2105 - 2)
    body.append(serial(9), 10**9, 1)
    body.remove(serial(7))
    body.remove(serial(8))
    expected = Body(rows(2))
    expected.append(serial(9), 10**9, 1)
    assert body.octets == expected.octets


@pytest.mark.parametrize("bad", [b"", bytes(16), b"\x80" + bytes(15), b"\x41" * 15, b"\x41" * 17])
def test_a_serial_that_is_not_ours_is_malformed(bad: bytes) -> None:
    """Sixteen octets, positive, no leading zero."""
    with pytest.raises(Malformed):
        encode_entry(bad, 0, None)


@pytest.mark.parametrize("reason", [7, 11, -1, 255])
def test_a_reason_that_does_not_exist_is_malformed(reason: int) -> None:
    """Seven is not used (failure case R04)."""
    with pytest.raises(Malformed):
        encode_entry(serial(1), 0, reason)


def test_remove_from_crl_belongs_to_deltas() -> None:
    """Appended or rebuilt; a body that refused is as it was."""
    body = Body(rows(3))
    with pytest.raises(Malformed):
        body.append(serial(9), 0, REMOVE_FROM_CRL)
    with pytest.raises(Malformed):
        body.rebuild([(serial(9), 0, REMOVE_FROM_CRL, 0, 0)])
    assert body.octets == Body(rows(3)).octets


_FULL, _DELTA = Body(), Body(delta=True)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((0, NOW, NOW + DAY, _FULL), {}),
        ((2**159, NOW, NOW + DAY, _FULL), {}),
        ((1, NOW, NOW, _FULL), {}),
        ((1, NOW.replace(tzinfo=None), NOW + DAY, _FULL), {}),
        ((1, NOW, (NOW + DAY).replace(microsecond=1), _FULL), {}),
        ((1, NOW, NOW + DAY, _DELTA), {}),
        ((2, NOW, NOW + DAY, _FULL), {"delta_base": 1}),
        ((1, NOW, NOW + DAY, _DELTA), {"delta_base": 2}),
        ((2, NOW, NOW + DAY, _DELTA), {"delta_base": 1, "freshest_url": DELTA}),
        ((1, NOW, NOW + DAY, _FULL), {"point": Point(None)}),
        ((1, NOW, NOW + DAY, _FULL), {"point": Point(SHARD, only_users=True, only_cas=True)}),
        ((1, NOW, NOW + DAY, _FULL), {"point": Point("http://é.test/")}),
        ((1, NOW, NOW + DAY, _FULL), {"freshest_url": "http://a b"}),
    ],
)
def test_what_rfc_5280_does_not_allow_is_malformed(arguments: tuple[object, ...], options: dict[str, object]) -> None:
    """Numbers, dates, deltas without base, freshest lists of deltas, points that say nothing."""
    with pytest.raises(Malformed):
        assemble(issuer(), *arguments, **options)  # type: ignore[arg-type]


def test_dates_of_another_zone_are_malformed() -> None:
    """The same instant, but its digits are not UTC's."""
    paris = NOW.astimezone(datetime.fromisoformat("2026-01-01T00:00+01:00").tzinfo)
    with pytest.raises(Malformed):
        assemble(issuer(), 1, paris, paris + timedelta(days=1), Body())


def test_the_shards_of_a_ca_joined_make_its_full_list() -> None:
    """The same entries in the order of the shards; each shard stays as it was."""
    revoked = rows(30)
    shards = [Body(revoked[:10]), Body(), Body(revoked[10:])]
    whole = Body.joined(shards)
    assert whole.octets == Body(revoked).octets
    assert [len(shard) for shard in shards] == [10, 0, 20]
    assert len(whole) == 30
