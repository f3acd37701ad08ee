"""The script of a key ceremony: reading it (RFC 3647 §6.1.1, §6.2.2; CP 6.1.1).

One reviewed TOML file says everything that a ceremony makes: who is there, on which authority, which steps in which order. A
word that this module does not know stops it. Pure: octets in, a frozen value out; whether the script may be played on a
given authority is `rules`'s, playing it is `steps`'s.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, ClassVar, TypeVar

from trust.errors import Malformed, shown

LARGEST = 64 * 1024
"""Octets of a script."""
MOST_STEPS, MOST_WITNESSES = 100, 20
LONGEST = 200
"""Characters of a text."""
LARGEST_NUMBER = 1_000_000
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
_FILE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\.(?:cer|csr|crl)", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FORMS = {
    **dict.fromkeys(("key", "ca", "issuer", "profile"), (_NAME, "small letters, digits and hyphens")),
    **dict.fromkeys(("file", "request"), (_FILE, "a plain file name ending in .cer, .csr or .crl")),
    "sha256": (_SHA256, "64 hexadecimal digits in small letters"),
}
"""What a text looks like, by the name of its key, and in words."""

_Built = TypeVar("_Built")


@dataclass(frozen=True)
class Witness:
    """Somebody who is there, and signs the transcript."""

    name: str
    role: str


@dataclass(frozen=True)
class Generate:
    """Make a key in custody."""

    do: ClassVar[str] = "generate"
    key: str
    algorithm: str
    uses: list[str]


@dataclass(frozen=True)
class SelfSign:
    """Have a root certify itself."""

    do: ClassVar[str] = "self-sign"
    ca: str
    key: str
    common_name: str
    profile: str
    days: int
    file: str


@dataclass(frozen=True)
class Request:
    """Ask, with a key of ours, to be certified by a CA that is elsewhere."""

    do: ClassVar[str] = "request"
    ca: str
    key: str
    common_name: str
    file: str


@dataclass(frozen=True)
class Certify:
    """Certify a key: of a request that came by file, or of this custody."""

    do: ClassVar[str] = "certify"
    issuer: str
    profile: str
    common_name: str
    days: int
    file: str
    ca: str | None = None
    """The authority that is certified; None for a responder of the issuer."""
    request: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Revoke:
    """Revoke what a CA certified of another."""

    do: ClassVar[str] = "revoke"
    issuer: str
    ca: str
    reason: str


@dataclass(frozen=True)
class Crl:
    """Make the list of a CA."""

    do: ClassVar[str] = "crl"
    issuer: str
    hours: int
    """Validity."""
    file: str


@dataclass(frozen=True)
class Import:
    """Take in a certificate or a list that a CA made elsewhere."""

    do: ClassVar[str] = "import"
    file: str
    sha256: str | None = None
    """Of the certificate, hex: for a root, that nobody vouches for."""


Step = Generate | SelfSign | Request | Certify | Revoke | Crl | Import
STEPS: dict[str, type[Step]] = {kind.do: kind for kind in (Generate, SelfSign, Request, Certify, Revoke, Crl, Import)}
"""Every kind of step by its word."""


@dataclass(frozen=True)
class Script:
    """A whole ceremony, as it was reviewed."""

    title: str
    date: date
    """The day for which it was reviewed, UTC."""
    place: str
    authority: str
    """Name of the authority on which it is played, as its configuration has it."""
    custody: str
    """Kind of custody: ``software`` or ``pkcs11``."""
    witnesses: tuple[Witness, ...]
    steps: tuple[Step, ...]
    sha256: str
    """Of the file, hex."""
    configuration: str | None = None
    """SHA-256 of the configuration that was reviewed with it, hex; None when any within the policy will do."""


def read(octets: bytes) -> Script:
    """Read a script.

    Raises:
        Malformed: too large, not TOML, an unknown, absent or ill-typed key, a text that cannot be printed.
    """
    document = _document(octets)
    about, steps = document.pop("ceremony", None), document.pop("step", None)
    if document:
        raise Malformed(f"the script has an unknown table {shown(sorted(document)[0])}")
    if not isinstance(about, dict):
        raise Malformed("the script has no table [ceremony]")
    if not isinstance(steps, list) or not 0 < len(steps) <= MOST_STEPS:
        raise Malformed(f"the script has from one to {MOST_STEPS} steps ([[step]])")
    witnesses = about.pop("witness", [])
    if not isinstance(witnesses, list) or len(witnesses) > MOST_WITNESSES:
        raise Malformed(f"the script names at most {MOST_WITNESSES} witnesses ([[ceremony.witness]])")
    known = {"title", "place", "authority", "custody", "configuration", "date"}
    if unknown := sorted(set(about) - known):
        raise Malformed(f"[ceremony] has an unknown key {shown(unknown[0])}")
    if absent := sorted(known - {"configuration"} - set(about)):
        raise Malformed(f"[ceremony] lacks {absent[0]}")
    return Script(
        title=_text(about["title"], "title"),
        date=_day(about["date"]),
        place=_text(about["place"], "place"),
        authority=_text(about["authority"], "authority"),
        custody=_text(about["custody"], "custody"),
        configuration=_digest(about.get("configuration"), "configuration"),
        witnesses=tuple(_build(Witness, each, f"witness {at}") for at, each in enumerate(witnesses, 1)),
        steps=tuple(_step(each, at) for at, each in enumerate(steps, 1)),
        sha256=hashlib.sha256(octets).hexdigest(),
    )


def _document(octets: bytes) -> dict[str, Any]:
    if len(octets) > LARGEST:
        raise Malformed(f"the script is larger than {LARGEST} octets")
    try:
        return tomllib.loads(octets.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, a number or a depth without end
        raise Malformed(f"the script is not TOML: {error}") from None


def _step(table: Any, at: int) -> Step:
    if not isinstance(table, dict):
        raise Malformed(f"step {at} is a table ([[step]]), not {shown(table)}")
    word = table.get("do")
    kind = STEPS.get(word) if isinstance(word, str) else None
    if kind is None:
        raise Malformed(f"step {at}: do is one of {', '.join(STEPS)}, not {shown(word)}")
    return _build(kind, {name: value for name, value in table.items() if name != "do"}, f"step {at} ({word})")


def _build(kind: type[_Built], table: Any, where: str) -> _Built:
    if not isinstance(table, dict):
        raise Malformed(f"{where} is a table, not {shown(table)}")
    known = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]  # each is a dataclass
    if unknown := sorted(set(table) - set(known)):
        raise Malformed(f"{where} has an unknown key {shown(unknown[0])}")
    if absent := sorted(name for name, type_ in known.items() if name not in table and not type_.endswith("| None")):
        raise Malformed(f"{where} lacks {absent[0]}")
    return kind(**{name: _value(name, known[name], value, where) for name, value in table.items()})


def _value(name: str, type_: str, value: Any, where: str) -> Any:
    what = f"{where}: {name}"
    if type_ == "int":
        if type(value) is not int or not 0 < value <= LARGEST_NUMBER:
            raise Malformed(f"{what} is a whole number from 1 to {LARGEST_NUMBER}, not {shown(value)}")
        return value
    if type_.startswith("list"):
        if not isinstance(value, list) or not 0 < len(value) <= MOST_WITNESSES:
            raise Malformed(f"{what} is a list of texts, not {shown(value)}")
        return [_text(each, what) for each in value]
    text = _text(value, what)
    form, words = _FORMS.get(name, (None, ""))
    if form is not None and form.fullmatch(text) is None:
        raise Malformed(f"{what} is {words}, not {shown(value)}")
    return text


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or not value.isprintable():
        raise Malformed(f"{what} is a text of one line and at most {LONGEST} characters, not {shown(value)}")
    try:
        value.encode("cp1252")
    except UnicodeEncodeError as error:
        # The transcript is printed with the fonts that every reader has; a name that they lack would be signed maimed.
        raise Malformed(f"{what} has a character that the transcript cannot print: {value[error.start]!r}") from None
    return value


def _day(value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Malformed(f"date is a day (2026-11-22, without quotes), not {shown(value)}")
    return value


def _digest(value: Any, what: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or _SHA256.fullmatch(value) is None:
        raise Malformed(f"{what} is 64 hexadecimal digits in small letters, not {shown(value)}")
    return value
