from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.canonical import canonical

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
