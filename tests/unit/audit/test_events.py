"""The list of events is closed, and an event carries exactly its facts."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.audit import events
from pki.audit.events import EVENTS, LONGEST_LIST, LONGEST_TEXT, VOCABULARY, Fact, event
from trust.canonical import canonical
from trust.errors import Malformed

BLOCKED = EVENTS["key.blocked"]
FACTS: dict[str, Fact] = {"key": "00" * 32, "reason": "claimed", "certificates": 2, "by": "officer-1"}

facts = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63) + 1, (1 << 63) - 1),
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=10), max_size=5),
)


def test_an_event_carries_its_facts() -> None:
    """By calling its type, or by name."""
    assert BLOCKED(**FACTS) == event("key.blocked", **FACTS)
    assert json.loads(BLOCKED(**FACTS).encoded) == FACTS


@given(st.dictionaries(st.sampled_from(sorted(FACTS)), facts, min_size=len(FACTS), max_size=len(FACTS)))
def test_the_facts_are_encoded_as_canonical_records_are(drawn: dict[str, Fact]) -> None:
    """The fast path of the journal writes the octets of `trust.canonical`."""
    assert canonical(drawn) == BLOCKED(**drawn).encoded.encode()


def test_an_unknown_event_cannot_be_written() -> None:
    """The list is closed."""
    with pytest.raises(Malformed, match="not an event"):
        event("key.praised", **FACTS)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_missing_fact_is_refused(name: str) -> None:
    """Each one of them; None is how to say that it does not apply."""
    with pytest.raises(Malformed, match=name):
        BLOCKED(**{key: value for key, value in FACTS.items() if key != name})
    assert BLOCKED(**(FACTS | {name: None}))


def test_a_superfluous_fact_is_refused() -> None:
    """Even one of the vocabulary: a name or a secret has no way in."""
    for name in ("family_name", "pin", "serial"):
        with pytest.raises(Malformed, match=name):
            BLOCKED(**FACTS, **{name: "1234"})


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        b"octets",
        {"a": 1},
        ["text", 1],
        [["text"]],
        ["x"] * (LONGEST_LIST + 1),
        "x" * (LONGEST_TEXT + 1),
        ["x" * (LONGEST_TEXT + 1)],
        1 << 63,
        -(1 << 63),
        "half \ud800",
        ["half \udfff"],
    ],
)
def test_a_value_without_one_short_canonical_text_is_refused(value: object) -> None:
    """Fractions, octets, nested records, documents, giants, and characters that are none."""
    with pytest.raises(Malformed):
        BLOCKED(**(FACTS | {"reason": value}))  # type: ignore[arg-type]  # the mistake that is tested


def test_every_fact_is_in_the_vocabulary_and_every_word_is_used() -> None:
    """One meaning per fact, and no word that nothing says."""
    assert VOCABULARY.keys() == {name for type in EVENTS.values() for name in type.facts}
    assert all(EVENTS[name].name == name and EVENTS[name].meaning for name in EVENTS)


def test_the_vocabulary_has_no_word_for_a_secret_or_for_a_persons_name() -> None:
    """The journal is shown to auditors and kept for years (U05)."""
    forbidden = {
        "pin",
        "password",
        "secret",
        "seed",
        "session",
        "token",
        "private_key",
        "name",
        "email",
        "phone",
        "birth",
        "address",
    }

    assert not VOCABULARY.keys() & forbidden


def test_the_list_cannot_be_changed_at_run_time() -> None:
    """Neither the events nor the words."""
    for table in (EVENTS, VOCABULARY):
        with pytest.raises(TypeError):
            table["x"] = None  # type: ignore[index]  # the mistake that is tested


def test_every_event_that_the_product_writes_is_of_the_list() -> None:
    """Read from the source, so that a fact forgotten on a path that no test takes is found here and not at the next ceremony."""
    root = Path(events.__file__).parents[1]
    written = [call for path in sorted(root.rglob("*.py")) for call in _calls_of_event(path)]

    assert written
    for where, name, facts, whole in written:
        assert name in EVENTS, where
        assert facts <= set(EVENTS[name].facts), where
        assert not whole or facts == set(EVENTS[name].facts), where


def test_every_event_of_the_list_is_written_somewhere() -> None:
    """A type that nobody writes is a promise that nobody keeps: it joins the list with the code that writes it."""
    root = Path(events.__file__).parents[1]
    readers = {root / "audit" / "events.py", root / "audit" / "accounts.py", root / "adapters" / "store" / "tallies.py"}
    said = {
        node.value
        for path in sorted({*root.rglob("*.py")} - readers)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert not EVENTS.keys() - said


def _calls_of_event(path: Path) -> Iterator[tuple[str, str, set[str], bool]]:
    """Yield place, type, facts, and whether these are all of them, of each ``event("…", …)`` in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "event" and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                facts = {keyword.arg for keyword in node.keywords if keyword.arg}
                yield f"{path.name}:{node.lineno}", name.value, facts, len(facts) == len(node.keywords)
