"""The list of an authority's keys, as people see it: where each lives, what it serves, until when, and what to think of it
(RFC 3647 §6.2, §6.3.2; CPS 6.7).

Who holds the keys makes the list (`keysurvey`) and keeps it in ``HOME/run/keys.json``; pages hold no key and read that file
(law 2). Trusted: no, nothing is decided by it. May be lost, and rolled back: yes, it says when it was made.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pki.bootstrap.keyfigures import replace_file
from trust import clock as times
from trust.errors import Malformed, Missing, Unavailable

LARGEST = 4_000_000
FRESH = timedelta(minutes=3)
"""The issuer writes the list each minute; a list that is older is nobody's at work."""
_KIND = "keys/1"


class Role(StrEnum):
    """What a key is for."""

    CA = "ca"
    RESPONDER = "responder"
    JOURNAL = "journal"
    NONE = "none"
    """Nothing of this authority names it."""


class Place(StrEnum):
    """What kind of place a key lives in."""

    SOFTWARE = "software"
    TOKEN = "token"
    PROCESS = "process"
    """A custody process, which has either."""
    OFFLINE = "offline"


class Concern(StrEnum):
    """What may be the matter with a key."""

    MISSING = "missing"
    MISMATCH = "mismatch"
    UNSAFE = "unsafe"
    TWICE = "twice"
    USES = "uses"
    UNREACHABLE = "unreachable"
    ENDED = "ended"
    LATE = "late"
    REVOKED = "revoked"
    RETIRES = "retires"
    SHORT = "short"
    NEVER = "never"
    WAITING = "waiting"
    UNNAMED = "unnamed"
    FOREIGN = "foreign"


GRAVE = frozenset(
    {
        Concern.MISSING,
        Concern.MISMATCH,
        Concern.UNSAFE,
        Concern.TWICE,
        Concern.USES,
        Concern.UNREACHABLE,
        Concern.ENDED,
        Concern.LATE,
    }
)
"""What makes a key useless, or unsafe; the others are worth knowing."""


@dataclass(frozen=True)
class Judgement:
    """One thing to know of a key, and what to do about it."""

    concern: Concern
    text: str
    remedy: str

    @property
    def is_grave(self) -> bool:
        """Whether something is wrong, rather than worth knowing."""
        return self.concern in GRAVE


@dataclass(frozen=True)
class Behind:
    """A certificate that a key stands behind."""

    serial: str
    name: str
    """Common name of its subject."""
    issuer: str
    """The CA that signed it."""
    profile: str
    not_before: datetime
    not_after: datetime
    status: str


@dataclass(frozen=True)
class Signed:
    """How often a key signed for one use."""

    use: str
    count: int
    last: datetime


@dataclass(frozen=True)
class Key:
    """One key."""

    label: str
    role: Role
    ca: str
    """The CA that it serves; empty for the journal's."""
    place: Place
    where: str
    """As the custodian says it."""
    algorithm: str
    uses: tuple[str, ...]
    sha256: str
    """Of the public half (SubjectPublicKeyInfo); empty when it is not known."""
    certificates: tuple[Behind, ...] = ()
    retires: datetime | None = None
    """End of the last certificate that stands; None when there is none."""
    full_until: datetime | None = None
    """After that, what it issues for longest would outlive it."""
    full_profile: str = ""
    full_days: int = 0
    signed: tuple[Signed, ...] = ()
    last: datetime | None = None
    """Last signature that is known of."""
    judgements: tuple[Judgement, ...] = ()

    @property
    def state(self) -> str:
        """``ok``, ``warning`` or ``failed``."""
        grave = [each.is_grave for each in self.judgements]
        return "failed" if any(grave) else "warning" if grave else "ok"

    @property
    def total(self) -> int:
        """Signatures counted, for all uses."""
        return sum(each.count for each in self.signed)


@dataclass(frozen=True)
class Keys:
    """Every key of an authority, at one moment."""

    at: datetime
    by: str
    """Who looked: ``issuer``, ``doctor``."""
    custody: str
    """What holds the keys that are here."""
    fault: str
    """Why it does not answer; empty when it does."""
    remedy: str
    keys: tuple[Key, ...]
    over: tuple[str, ...] = ()
    """Labels of keys whose responder ended: they are still held, and nobody believes what they would sign."""
    since: dict[str, datetime] = field(default_factory=dict)
    """Since when each process counts its signatures."""
    damaged: tuple[str, ...] = ()
    """Processes whose counts cannot be read."""

    @property
    def is_wrong(self) -> bool:
        """Whether anything is to be mended."""
        return bool(self.fault) or any(each.state == "failed" for each in self.keys)

    def record(self) -> dict[str, Any]:
        """Return it for JSON: everything, with moments as text."""
        keys = [asdict(each) | {"state": each.state, "total": each.total} for each in self.keys]
        found: dict[str, Any] = _texts({"kind": _KIND, **asdict(self), "keys": keys})
        return found


def path_in(home: Path) -> Path:
    """Return where the list is kept."""
    return home / "run" / "keys.json"


def keep(home: Path, keys: Keys) -> None:
    """Keep a list for the pages.

    Raises:
        Unavailable: it cannot be written.
    """
    try:
        replace_file(path_in(home), json.dumps(keys.record(), ensure_ascii=False))
    except OSError as error:
        raise Unavailable(f"{path_in(home)} cannot be written: {error.strerror}", retry_after=0) from None


def kept(home: Path) -> Keys:
    """Return the list that was kept last.

    Raises:
        Missing: none ever was.
        Malformed: the file is not one.
    """
    try:
        with path_in(home).open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError:
        raise Missing("nobody has kept a list of the keys") from None
    try:
        return _keys(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed("the list of keys cannot be read") from None


def _keys(record: Any) -> Keys:
    if record["kind"] != _KIND:
        raise ValueError("another kind")
    return Keys(
        at=times.parse(record["at"]),
        keys=tuple(_key(each) for each in _rows(record["keys"])),
        over=_words(record["over"]),
        since={str(name): times.parse(at) for name, at in record["since"].items()},
        damaged=_words(record["damaged"]),
        **{name: str(record[name]) for name in ("by", "custody", "fault", "remedy")},
    )


def _key(record: Any) -> Key:
    return Key(
        role=Role(record["role"]),
        place=Place(record["place"]),
        uses=_words(record["uses"]),
        certificates=tuple(_behind(each) for each in record["certificates"]),
        retires=_moment(record["retires"]),
        full_until=_moment(record["full_until"]),
        full_days=int(record["full_days"]),
        signed=tuple(Signed(str(each["use"]), int(each["count"]), times.parse(each["last"])) for each in record["signed"]),
        last=_moment(record["last"]),
        judgements=tuple(
            Judgement(Concern(each["concern"]), str(each["text"]), str(each["remedy"])) for each in record["judgements"]
        ),
        **{name: str(record[name]) for name in ("label", "ca", "where", "algorithm", "sha256", "full_profile")},
    )


def _behind(record: Any) -> Behind:
    words = {name: str(record[name]) for name in ("serial", "name", "issuer", "profile", "status")}
    return Behind(not_before=times.parse(record["not_before"]), not_after=times.parse(record["not_after"]), **words)


def _words(values: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in _rows(values))


def _rows(values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise ValueError("not a list")
    return values


def _moment(value: Any) -> datetime | None:
    return None if value is None else times.parse(value)


def _texts(value: Any) -> Any:
    match value:
        case datetime():
            return times.text(value)
        case dict():
            return {name: _texts(each) for name, each in value.items()}
        case list() | tuple():
            return [_texts(each) for each in value]
        case _:
            return value
