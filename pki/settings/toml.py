"""How the tables of a TOML file become values: each of the type that was declared, and no key that nobody knows.

A key that is not known stops the start, so that a typing error is not taken for a default.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from pki.settings.model import ApiSettings, CaSettings, CustodySettings, MailSettings, RegisterSettings
from trust.errors import Malformed, Missing, shown

LARGEST = 1_000_000_000
"""Of any number in a configuration."""
_Built = TypeVar("_Built", CaSettings, RegisterSettings, MailSettings, ApiSettings, CustodySettings)


def read(path: Path) -> dict[str, Any]:
    """Read a file.

    Raises:
        Missing: it is not there.
        Malformed: it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Missing(f"{path} does not exist: is this the home of an authority? (`sceau init` makes one)") from None
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, a number or a depth without end
        raise Malformed(f"{path}: {error}") from None


def table(
    document: dict[str, Any], name: str, keys: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> dict[str, str]:
    """Take a table of texts out of the document, with these keys and no others."""
    table = document.pop(name, {})
    if not isinstance(table, dict):
        raise Malformed(f"authority.toml: [{name}] is a table, not {shown(table)}")
    if missing := keys - set(table):
        raise Malformed(f"authority.toml: [{name}] lacks {shown(sorted(missing)[0])}")
    if unknown := set(table) - keys - optional:
        raise Malformed(f"authority.toml: [{name}] has an unknown key {shown(sorted(unknown)[0])}")
    return {key: text_of(value, f"authority.toml: [{name}] {key}") for key, value in table.items()}


def text_of(value: Any, what: str) -> str:
    """Take a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise Malformed(f"{what} is a text, not {shown(value)}")
    return value


def items(value: Any, what: str) -> list[Any]:
    """Take a list."""
    if not isinstance(value, list):
        raise Malformed(f"{what} is a list, not {shown(value)}")
    return value


def build(kind: type[_Built], table: Any, where: str) -> _Built:
    """Make a value of a table, whose keys are its fields.

    Raises:
        Malformed: an unknown key, one that is missing, or one of another type.
    """
    types = {f.name: str(f.type).removesuffix(" | None").partition("[")[0] for f in fields(kind)}
    if not isinstance(table, dict):
        raise Malformed(f"authority.toml: [{where}] is a table, not {shown(table)}")
    for name, value in table.items():
        if name not in types:
            raise Malformed(f"authority.toml: [{where}] has an unknown key {shown(name)}")
        if type(value).__name__ != types[name] or (type(value) is int and abs(value) > LARGEST):
            raise Malformed(f"authority.toml: [{where}] {name} is {types[name]}, not {shown(value)}")
        for text in value if isinstance(value, list) else ():
            text_of(text, f"authority.toml: [{where}] {name}: each of them")
    try:
        return kind(**table)
    except TypeError as error:
        raise Malformed(f"authority.toml: [{where}] {error}") from None


def count(document: dict[str, Any], name: str, default: int) -> int:
    """Take a whole number, or its default."""
    value = document.get(name, default)
    if type(value) is not int or not 0 <= value <= LARGEST:  # how few are too few is the policy's affair
        raise Malformed(f"{name} is a whole number, not {shown(value)}")
    return value


def texts(value: Any, what: str) -> frozenset[str]:
    """Take a list of texts."""
    return frozenset(text_of(each, f"each of the {what}") for each in items(value, what))
