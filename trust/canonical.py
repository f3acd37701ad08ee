"""One way to write a record, so that its hash means one thing.

A restricted form of RFC 8785 (JSON Canonicalization Scheme): objects with sorted keys, strings, integers, booleans, null and
arrays; no floating-point numbers, whose text varies between implementations. Requests, approvals, plans and journal entries are
hashed and signed in this form.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, NoReturn

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def _refuse_float(text: str) -> NoReturn:
    raise ValueError("a floating-point number has no canonical text")


_decode = json.JSONDecoder(parse_float=_refuse_float, parse_constant=_refuse_float).decode


def canonical(record: Any) -> bytes:
    """Return the canonical octets of a record.

    Raises:
        ValueError: the record holds a floating-point number, or a key that is not a string.
    """
    _refuse_ambiguous(record)
    return _encode(record).encode()


def read_canonical(text: str) -> Any:
    """Read a record that must be written in its canonical form, for what says a thing twice is read in two ways.

    Raises:
        ValueError: it is not JSON, or not in its one canonical form.
        RecursionError: it is nested too deep to be read.
    """
    record = _decode(text)  # holds nothing that `_refuse_ambiguous` would look for
    if _encode(record) != text:
        raise NotCanonical("not in canonical form")
    text.encode()  # half of a surrogate pair has no octets
    return record


class NotCanonical(ValueError):
    """JSON that could be written in another way."""


def canonical_hash(record: Any) -> bytes:
    """Return the SHA-256 of the canonical octets (32 octets)."""
    return hashlib.sha256(canonical(record)).digest()


_PLAIN = frozenset((str, int, bool, type(None)))


def _refuse_ambiguous(record: Any) -> None:
    if isinstance(record, dict):
        for key, value in record.items():
            if type(key) is not str:
                raise ValueError(f"a key of a canonical record is a string, not {key!r}")
            if type(value) not in _PLAIN:
                _refuse_ambiguous(value)
    elif isinstance(record, list | tuple):
        for value in record:
            if type(value) not in _PLAIN:
                _refuse_ambiguous(value)
    elif isinstance(record, float):
        raise ValueError("a floating-point number has no canonical text")
    elif record is not None and not isinstance(record, str | int | bool):
        raise ValueError(f"not a value of a canonical record: {type(record).__name__}")
