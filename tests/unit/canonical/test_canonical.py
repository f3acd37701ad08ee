from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.canonical import NotCanonical, canonical, read_canonical

TEXT = st.text(st.characters(codec="utf-8"))
RECORDS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda values: st.lists(values) | st.lists(values).map(tuple) | st.dictionaries(TEXT, values),
)


@given(RECORDS)
def test_a_record_has_the_text_that_json_gives_it_with_sorted_keys_and_no_spaces(record: Any) -> None:
    """The standard library's writer is the oracle."""
    oracle = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    assert canonical(record) == oracle.encode()


@pytest.mark.parametrize(
    "record",
    [1.0, {"a": float("nan")}, [0.5], {1: "a"}, {"a": {None: "b"}}, {1: "a", "b": "c"}, b"octets", {"a": {"b"}}, "\ud800"],
)
def test_what_has_no_single_text_is_refused(record: Any) -> None:
    """Fractions, keys that are no strings, octets, sets, half of a surrogate pair."""
    with pytest.raises(ValueError):
        canonical(record)


@given(RECORDS)
def test_what_was_written_in_canonical_form_is_read_back(record: Any) -> None:
    """Tuples come back as lists: JSON knows one kind."""
    text = canonical(record).decode()

    assert canonical(read_canonical(text)).decode() == text


@pytest.mark.parametrize("text", ['{"b":1,"a":2}', '{"a":1,"a":1}', '{"a": 1}', " 1", '"\\u0061"', '"\\ud800"', "-0"])
def test_a_second_way_to_write_a_record_is_refused(text: str) -> None:
    """Order, repetition, spaces, escapes, a zero with a sign."""
    with pytest.raises(NotCanonical):
        read_canonical(text)


@pytest.mark.parametrize("text", ["", "{", "1.0", "NaN", "-Infinity", "1e3", '"\ud800"', "\ufeff1"])
def test_what_is_no_record_is_refused(text: str) -> None:
    """Not JSON, not whole numbers, half of a surrogate pair, a byte-order mark."""
    with pytest.raises(ValueError):
        read_canonical(text)
