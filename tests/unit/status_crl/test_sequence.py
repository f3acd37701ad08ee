"""Lists come in order, on time, and name whom they must."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.status.crl import Body, Row
from pki.status.crl_sequence import (
    CLOCK_TOLERANCE,
    SHARD_MAX_ENTRIES,
    SHARD_MAX_OCTETS,
    CrlState,
    Freshness,
    Schedule,
    following,
    freshness,
    is_due,
    is_overfull,
    latest,
    listed_since,
    refuse_regress,
)
from tests.unit.status_crl.builders import DAY, NOW, rows, serial
from trust.errors import Alarm, Conflict, Refused

DAILY = Schedule(period=DAY, validity=6 * DAY)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def _seconds(after: timedelta) -> int:
    return int((NOW + after).timestamp())


def test_the_first_list_bears_number_one() -> None:
    """And is due at once."""
    assert is_due(None, DAILY, NOW, changed=False)
    assert following(None, DAILY, NOW) == CrlState(1, NOW, NOW + 6 * DAY)


def test_a_list_is_due_when_something_changed_or_its_period_is_over() -> None:
    """Daily, even when nobody was revoked (CP 4.9.7)."""
    last = following(None, DAILY, NOW)
    assert not is_due(last, DAILY, NOW + DAY - SECOND, changed=False)
    assert is_due(last, DAILY, NOW + DAY, changed=False)
    assert is_due(last, DAILY, NOW + SECOND, changed=True)


@pytest.mark.parametrize(("period", "validity"), [(DAY, DAY), (DAY, 2 * DAY - SECOND), (timedelta(0), DAY), (-DAY, DAY)])
def test_a_schedule_renews_at_half_of_the_validity_at_the_latest(period: timedelta, validity: timedelta) -> None:
    """Otherwise every list would raise the alarm before the next one (CP 4.9.7)."""
    with pytest.raises(Refused) as refusal:
        Schedule(period, validity)
    assert refusal.value.citation == "CP 4.9.7"


def test_numbers_and_dates_grow() -> None:
    """The next list is dated now, valid from now."""
    last = following(None, DAILY, NOW)
    assert following(last, DAILY, NOW + HOUR) == CrlState(2, NOW + HOUR, NOW + HOUR + 6 * DAY)


def test_a_clock_that_went_back_a_little_does_not_date_a_list_earlier() -> None:
    """The number grows, the date stays (failure case L08)."""
    last = CrlState(7, NOW, NOW + 6 * DAY)
    assert following(last, DAILY, NOW - CLOCK_TOLERANCE) == CrlState(8, NOW, NOW + 6 * DAY)


def test_a_clock_that_went_back_an_hour_stops_the_lists() -> None:
    """Somebody must look at it (failure case L08)."""
    with pytest.raises(Alarm):
        following(CrlState(7, NOW, NOW + 6 * DAY), DAILY, NOW - HOUR)


def test_full_lists_and_deltas_share_one_sequence() -> None:
    """A delta takes the next number, and the next full list one above it (RFC 5280 §5.2.3)."""
    full = CrlState(7, NOW, NOW + 6 * DAY)
    delta = following(latest(full, None), DAILY, NOW + HOUR)
    assert delta.number == 8
    assert following(latest(full, delta), DAILY, NOW + DAY).number == 9
    assert latest(None, None) is None


def test_the_slower_of_two_publishers_discards_its_list() -> None:
    """It was paused between reading and publishing (failure case L01)."""
    published = CrlState(8, NOW + HOUR, NOW + 7 * DAY)
    refuse_regress(None, published)
    refuse_regress(published, CrlState(9, NOW + HOUR, NOW + 7 * DAY))
    for slower in (CrlState(8, NOW + HOUR, NOW + 7 * DAY), CrlState(7, NOW, NOW + 6 * DAY), CrlState(9, NOW, NOW + 6 * DAY)):
        with pytest.raises(Conflict):
            refuse_regress(published, slower)


@given(st.lists(st.tuples(st.integers(-400, 90_000), st.booleans()), max_size=30))
def test_whatever_the_clock_and_the_races_the_published_sequence_grows(steps: list[tuple[int, bool]]) -> None:
    """Numbers strictly, dates never backwards (invariant I10); a publisher may decide on a state that is no longer the last."""
    published, stale, now = None, None, NOW
    for step, is_stale in steps:
        now += timedelta(seconds=step)
        try:
            candidate = following(stale if is_stale else published, DAILY, now)
            refuse_regress(published, candidate)
        except (Alarm, Conflict):
            continue
        if published is not None:
            assert candidate.number > published.number
            assert candidate.this_update >= published.this_update
        assert candidate.next_update == candidate.this_update + DAILY.validity
        stale, published = published, candidate


def test_a_list_raises_the_alarm_at_half_of_its_validity() -> None:
    """It is served until its next update, then no longer, and never re-dated (failure case L02)."""
    state = CrlState(1, NOW, NOW + 6 * DAY)
    assert freshness(state, NOW + 3 * DAY) is Freshness.FRESH
    assert freshness(state, NOW + 3 * DAY + SECOND) is Freshness.LATE
    assert freshness(state, NOW + 6 * DAY) is Freshness.LATE
    assert freshness(state, NOW + 6 * DAY + SECOND) is Freshness.EXPIRED


def _row(number: int, revoked: timedelta, not_after: timedelta) -> Row:
    return serial(number), _seconds(revoked), 1, _seconds(not_after), 0


def _named(row: Row, previous: CrlState | None) -> bool:
    return max(row[1], row[3]) >= listed_since(previous)


def test_an_expired_certificate_stays_on_one_list_made_after_its_expiry() -> None:
    """Expired a minute ago and revoked: still on the next list, gone from the one after (failure case L06)."""
    row = _row(1, -30 * DAY, timedelta(minutes=-1))
    before_expiry, after_expiry = CrlState(1, NOW - DAY, NOW + DAY), CrlState(2, NOW, NOW + DAY)
    assert _named(row, before_expiry)
    assert not _named(row, after_expiry)


def test_a_certificate_that_expired_before_the_first_list_is_named_once() -> None:
    """There was no list to name it."""
    row = _row(1, -30 * DAY, -DAY)
    assert _named(row, None)


def test_a_certificate_revoked_after_its_expiry_is_named_once() -> None:
    """It was on no list yet, even if it expired long ago."""
    row = _row(1, -SECOND, -30 * DAY)
    assert _named(row, CrlState(1, NOW - HOUR, NOW + DAY))
    assert not _named(row, CrlState(2, NOW, NOW + DAY))


def test_an_unexpired_certificate_never_leaves() -> None:
    """Whatever its reason, its date, the number of lists."""
    row = _row(1, -30 * DAY, SECOND)
    for hours in range(0, 48, 6):
        assert _named(row, CrlState(1, NOW - hours * HOUR, NOW + DAY))


@given(
    st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), max_size=20),
    st.lists(st.integers(1, 20), min_size=1, max_size=10),
)
def test_every_revoked_certificate_is_on_a_list_made_after_its_expiry(facts: list[tuple[int, int]], gaps: list[int]) -> None:
    """Played over a sequence of lists: each that was revoked in time is named from the list that follows its
    revocation to the first past its expiry."""
    all_rows = [_row(n, revoked * HOUR, expires * HOUR) for n, (revoked, expires) in enumerate(facts)]
    previous, now, seen = None, NOW - 60 * HOUR, set[bytes]()
    for gap in gaps:
        now += gap * HOUR
        moment = int(now.timestamp())
        named = {row[0] for row in all_rows if row[1] <= moment and _named(row, previous)}
        for row in all_rows:
            if row[1] <= moment <= row[3]:
                assert row[0] in named
            if row[0] in seen and row[0] not in named:
                assert previous is not None
                assert row[3] < previous.this_update.timestamp()
        seen |= named
        previous = following(previous, DAILY, now)


def test_a_shard_says_when_it_outgrows_the_policy() -> None:
    """20,000 entries with a reason weigh 980,000 octets: both limits of CP 7.2 are reached together."""
    body = Body((serial(n), 10**9, 1, 0, 0) for n in range(SHARD_MAX_ENTRIES))
    assert body.size <= SHARD_MAX_OCTETS
    assert not is_overfull(body)
    body.append(serial(SHARD_MAX_ENTRIES), 10**9, 1)
    assert is_overfull(body)
    assert not is_overfull(Body(rows(10)))
