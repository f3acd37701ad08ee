"""Profiles from TOML (`ca_config/*/profiles/*.toml`; CP 7.1): one file per profile, named after it.

Reading is strict and complete: an unknown word, a missing one, a value of another type or two values that contradict each other
stop the start, and one error names everything wrong with the file. What the policy promises is not known here; see `limits`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pki.profiles.coherence import contradictions
from pki.profiles.model import EXTENDED_USAGES, KEY_USAGES, LINT_KINDS, AlternativeName, Profile, RevocationList
from trust.algorithms import ALGORITHMS
from trust.errors import Malformed, Missing, shown
from trust.naming import SUBJECTS

TEST_BIT = 0x80
"""Added to the product category of everything that a demonstration or a test issues (TRE_G01)."""

_LEAF = re.compile(r"[1-9]\d*(?:\.[1-9]\d*)*", re.ASCII)
_TYPE_NAMES = {str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}


class _Word(NamedTuple):
    """One key of the language: its type, whether it must be there, and the values that it knows."""

    kind: type
    required: bool = False
    among: Collection[str] | None = None


# Table -> key -> word: this is the whole language, and ca_config/dev/profiles/README.md explains it.
_LANGUAGE: dict[str, dict[str, _Word]] = {
    "": {
        "id": _Word(str, True),
        "title": _Word(str, True),
        "subject": _Word(str, True, SUBJECTS),
        "subject_keys": _Word(list, True, ALGORITHMS),
    },
    "validity": {"days": _Word(int, True), "backdate_seconds": _Word(int), "private_key_margin_days": _Word(int)},
    "usage": {
        "key": _Word(list, True, KEY_USAGES),
        "extended": _Word(list, False, EXTENDED_USAGES),
        "extended_critical": _Word(bool),
    },
    "policy": {"leaf": _Word(str, True), "stated": _Word(bool), "any_policy": _Word(bool)},
    "names": {
        "alternative": _Word(str, True, list(AlternativeName)),
        "upn_domain": _Word(str),
        "wildcard": _Word(bool),
        "bare_names": _Word(bool),
    },
    "authority": {"path_length": _Word(int), "self_signed": _Word(bool)},
    "status": {
        "revocation_list": _Word(str, True, list(RevocationList)),
        "freshest": _Word(bool),
        "ocsp": _Word(bool),
        "ca_issuers": _Word(bool),
        "ocsp_no_check": _Word(bool),
    },
    "health": {"product_category": _Word(int), "card_type": _Word(int), "profession": _Word(bool)},
    "lint": {"kind": _Word(str, True, LINT_KINDS), "accepted": _Word(dict)},
}
_OPTIONAL_TABLES = frozenset({"names", "authority", "health"})


def load_profiles(folder: Path, *, policy_arc: str, mode: str) -> dict[str, Profile]:
    """Read every profile of a folder.

    Args:
        folder: where the TOML files are.
        policy_arc: the arc that policy leaves hang below.
        mode: ``"demo"``, ``"test"`` or ``"production"``; all but the last set the test bit of the product category.

    Returns:
        Profiles by id.

    Raises:
        Missing: no such folder, or no profile in it.
        Malformed: a file is not a profile; the message has every fault of that file.
    """
    paths = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if not paths:
        raise Missing(f"no profile in {folder}")
    profiles = {}
    for path in paths:
        profile = read_profile(path.read_bytes(), policy_arc=policy_arc, mode=mode, where=path.name)
        if profile.id != path.stem:
            raise Malformed(f"{path.name}: its id is {profile.id!r}; a file is named after its profile")
        profiles[profile.id] = profile
    return profiles


def read_profile(text: bytes, *, policy_arc: str, mode: str, where: str = "profile") -> Profile:
    """Read one profile.

    Raises:
        Malformed: it is not a profile; the message has every fault.
    """
    try:
        document = tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, a number or a depth without end
        raise Malformed(f"{where}: {error}") from None
    tables = {"": {key: value for key, value in document.items() if not isinstance(value, dict)}}
    tables |= {key: value for key, value in document.items() if isinstance(value, dict)}
    _refuse(where, _faults(tables))
    profile = _assemble(tables, policy_arc, test=mode != "production")
    _refuse(where, contradictions(profile))
    return profile


def _refuse(where: str, faults: Iterator[str]) -> None:
    if found := list(faults):
        raise Malformed(f"{where}: {'; '.join(found)}")


def _faults(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield everything that is not a sentence of the language."""
    for table in sorted(set(tables) - set(_LANGUAGE)):
        yield f"unknown table [{table}]"
    for table, words in _LANGUAGE.items():
        if table not in tables and table in _OPTIONAL_TABLES:
            continue
        values = tables.get(table, {})
        where = f"[{table}] " if table else ""
        for key in sorted(set(values) - set(words)):
            yield f"{where}unknown key {shown(key)}"
        for key, word in words.items():
            if key in values:
                yield from (f"{where}{key} {fault}" for fault in _value_faults(word, values[key]))
            elif word.required:
                yield f"{where}{key!r} is missing"
    leaf = tables.get("policy", {}).get("leaf")
    if isinstance(leaf, str) and _LEAF.fullmatch(leaf) is None:
        yield f"[policy] leaf is numbers and dots, not {shown(leaf)}"
    category = tables.get("health", {}).get("product_category")
    if isinstance(category, int) and not 0 <= category < TEST_BIT:
        yield "[health] product_category is 0 to 127: the mode of the authority adds the test bit"


def _value_faults(word: _Word, value: Any) -> Iterator[str]:
    if type(value) is not word.kind:
        yield f"is {_TYPE_NAMES[word.kind]}, not {shown(value)}"
        return
    items = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
    if word.kind in (list, dict) and not all(type(item) is str for item in items):
        yield "holds texts only"
    elif word.among is not None:
        for item in items:
            if item not in word.among:
                yield f"does not know {shown(item)}; it knows {', '.join(word.among)}"
        if len(set(items)) != len(items):
            yield "says the same thing twice"


def _assemble(tables: Mapping[str, Mapping[str, Any]], policy_arc: str, *, test: bool) -> Profile:
    top, validity, usage, policy, status = (tables[name] for name in ("", "validity", "usage", "policy", "status"))
    names, health, authority = (tables.get(name, {}) for name in ("names", "health", "authority"))
    category = health.get("product_category")
    return Profile(
        id=top["id"],
        title=top["title"],
        subject=top["subject"],
        policy=f"{policy_arc}.{policy['leaf']}",
        test=test,
        validity_days=validity["days"],
        backdate_seconds=validity.get("backdate_seconds", 300),
        subject_keys=tuple(top["subject_keys"]),
        key_usage=tuple(usage["key"]),
        extended_usage=tuple(usage.get("extended", ())),
        extended_critical=usage.get("extended_critical", False),
        authority="authority" in tables,
        path_length=authority.get("path_length"),
        self_signed=authority.get("self_signed", False),
        states_policy=policy.get("stated", True),
        any_policy=policy.get("any_policy", False),
        alternative_name=AlternativeName(names.get("alternative", "none")),
        upn_domain=names.get("upn_domain"),
        wildcard=names.get("wildcard", False),
        bare_names=names.get("bare_names", False),
        product_category=category + TEST_BIT * test if category is not None else None,
        card_type=health.get("card_type"),
        profession=health.get("profession", False),
        private_key_margin_days=validity.get("private_key_margin_days"),
        revocation_list=RevocationList(status["revocation_list"]),
        freshest=status.get("freshest", False),
        ocsp=status.get("ocsp", False),
        ca_issuers=status.get("ca_issuers", False),
        ocsp_no_check=status.get("ocsp_no_check", False),
        lint=tables["lint"]["kind"],
        accepted=MappingProxyType(dict(tables["lint"].get("accepted", {}))),
    )
