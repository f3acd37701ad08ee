"""One person of the register, and the one line of text that says the same (RFC 3647 §3.2.3; CP 3.2.3).

An extraction has a line for each activity of a person; here they are gathered: a person has *exercices* (a profession, in a
category, registered by an authority), an exercice has *activities* (a mode and a place). The canonical line does not depend
on the order of the extraction's lines, so that its SHA-256 stands for the person's state: equal digests, nothing changed.

The line: ``idnat TAB family|given|title`` then, for each exercice, ``TAB profession|category|authority|know-hows`` where
know-hows are joined by commas, followed for each activity by U+001F and its eight fields joined by ``|``. None of these
separators can occur in a field (the extraction itself forbids ``|``, and control characters are refused), so nothing needs
escaping.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from trust.errors import Malformed
from trust.identity import ORDRES, PRACTISING, STUDENT, IdNatPs, PersonKind, Rpps

UNIT = "\x1f"
"""Begins an activity. Not U+001C to U+001E, which `str.splitlines` takes for ends of lines."""

NO_ACTIVITY = "|||||||"
"""The text of an activity that says nothing: the person has an exercice without a known place."""


def _require_fields(values: tuple[Any, ...], what: str) -> None:
    try:
        if (text := "".join(values)).isprintable() and "|" not in text:
            return
    except TypeError:
        pass  # not even texts: said below
    for value in values:
        if not isinstance(value, str) or not value.isprintable() or "|" in value:
            raise Malformed(f"{what}: a field is printable text without '|', not {value!r}")


@dataclass(frozen=True, slots=True, order=True)
class Activity:
    """A place and mode of practice. Every field may be empty, but not all: codes of TRE_R23 (mode), of sector and of section.

    Raises:
        Malformed: all fields are empty, or one holds ``|`` or a control character.
    """

    mode: str = ""
    structure_id: str = ""
    structure_name: str = ""
    siret: str = ""
    finess: str = ""
    sector: str = ""
    pharmacist_section: str = ""
    department: str = ""

    def __post_init__(self) -> None:
        text = self.text
        if text == NO_ACTIVITY:
            raise Malformed("an activity says at least one thing")
        if text.count("|") != 7 or not text.isprintable():
            raise Malformed(f"an activity's fields are printable text without '|', not {text!r}")

    @property
    def text(self) -> str:
        """The eight fields joined by ``|``."""
        return "|".join(
            (
                self.mode,
                self.structure_id,
                self.structure_name,
                self.siret,
                self.finess,
                self.sector,
                self.pharmacist_section,
                self.department,
            )
        )


@dataclass(frozen=True, slots=True)
class Exercice:
    """A profession exercised in a category and registered by an authority; know-hows (codes) and activities in canonical order.

    A person has one exercice for each (profession, category, authority): a doctor one of whose places was registered by an ARS
    (``CNOM/CNOM/ARS``) has two exercices of profession 10.

    Raises:
        Malformed: a field holds ``|`` or a control character, or a know-how a comma.
    """

    profession: str
    category: str
    authority: str = ""
    know_how: tuple[str, ...] = ()
    activities: tuple[Activity, ...] = ()

    def __post_init__(self) -> None:
        _require_fields((self.profession, self.category, self.authority, *self.know_how), "an exercice")
        if self.know_how and any("," in code or not code for code in self.know_how):
            raise Malformed("a know-how is a code that is not empty and has no comma")
        if len(self.know_how) > 1:
            object.__setattr__(self, "know_how", tuple(sorted(set(self.know_how))))
        if len(self.activities) > 1:
            object.__setattr__(self, "activities", tuple(sorted(set(self.activities), key=lambda activity: activity.text)))

    @property
    def key(self) -> str:
        """What makes it one exercice of the person: profession, category and authority."""
        return f"{self.profession}|{self.category}|{self.authority}"

    @property
    def text(self) -> str:
        """Its part of the canonical line."""
        return _exercice_text(self.key, self.know_how, [activity.text for activity in self.activities])

    @property
    def gives_right(self) -> bool:
        """Whether it goes with the right to practise: a student's does not, nor does a category that we do not know."""
        return self.category in PRACTISING


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """A person as the register knows them: national identifier, exercise names, civility of exercise (``DR``…), exercices.

    Exercices are kept in canonical order, and those of the same key are joined, so that equal people are equal values.

    Raises:
        Malformed: the identifier or the family name is empty, or a field holds ``|`` or a control character.
    """

    idnat: str
    family_name: str
    given_name: str = ""
    title: str = ""
    exercices: tuple[Exercice, ...] = ()

    def __post_init__(self) -> None:
        _require_fields((self.idnat, self.family_name, self.given_name, self.title), "a register entry")
        if not self.idnat or not self.family_name:
            raise Malformed("a register entry has an identifier and a family name")
        if len(self.exercices) > 1:
            joined: dict[str, Exercice] = {}
            for one in self.exercices:
                other = joined.get(one.key)
                joined[one.key] = one if other is None else _joined(one, other)
            object.__setattr__(self, "exercices", tuple(joined[key] for key in sorted(joined)))

    @property
    def text(self) -> str:
        """The canonical line, without end of line."""
        head = f"{self.idnat}\t{self.family_name}|{self.given_name}|{self.title}"
        return "\t".join([head, *(exercice.text for exercice in self.exercices)])

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical line in UTF-8 (32 octets)."""
        return hashlib.sha256(self.text.encode()).digest()

    @property
    def rpps(self) -> Rpps | None:
        """The RPPS number, when the identifier is of type 8.

        Raises:
            Malformed: the identifier is none of a person (an imported entry's always is).
        """
        identifier = IdNatPs(self.idnat, test_mode=True)
        return identifier.rpps if identifier.kind is PersonKind.RPPS else None

    @property
    def professions(self) -> frozenset[str]:
        """Codes of the professions, learned or practised."""
        return frozenset(exercice.profession for exercice in self.exercices)

    @classmethod
    def parse(cls, line: str) -> RegisterEntry:
        """Read a canonical line (without end of line).

        Raises:
            Malformed: it is not one.
        """
        try:
            idnat, names, *exercices = line.split("\t")
            family_name, given_name, title = names.split("|")
            return cls(idnat, family_name, given_name, title, tuple([_parse_exercice(text) for text in exercices]))
        except (ValueError, TypeError):
            raise Malformed("this is not a canonical line of a register entry") from None


def _parse_exercice(text: str) -> Exercice:
    first, *activities = text.split(UNIT)
    profession, category, authority, know_how = first.split("|")
    return Exercice(
        profession,
        category,
        authority,
        tuple(know_how.split(",")) if know_how else (),
        tuple(map(_parse_activity, activities)),
    )


def _parse_activity(text: str) -> Activity:
    if text.count("|") != 7:
        raise Malformed("an activity has eight fields")
    return Activity(*text.split("|"))


def _joined(one: Exercice, other: Exercice) -> Exercice:
    know_how, activities = one.know_how + other.know_how, one.activities + other.activities
    return Exercice(one.profession, one.category, one.authority, know_how, activities)


def _exercice_text(key: str, know_how: Iterable[str], activities: Iterable[str]) -> str:
    return UNIT.join([f"{key}|{','.join(know_how)}", *activities])


def merge_lines(lines: Sequence[str]) -> tuple[str, bool]:
    """Join canonical lines of one person into one; say also whether they contradict each other on the person's names.

    The result does not depend on the order of the lines. When names differ, the first in the order of code points stands: a rule
    without merit but its being the same everywhere, which is why the contradiction is reported. Civilities of exercise may differ
    (a doctor who is an osteopath too is ``DR`` on one line): the first that is not empty stands, and nothing is reported.

    It works on text because an import has a million of these to do; `RegisterEntry` says the same in values, and a property test
    holds the two together.
    """
    names: set[str] = set()
    titles: set[str] = set()
    gathered: dict[str, tuple[set[str], set[str]]] = {}
    for line in lines:
        _, person, *exercices = line.split("\t")
        name, _, title = person.rpartition("|")
        names.add(name)
        titles.add(title)
        for exercice in exercices:
            first, *places = exercice.split(UNIT)
            key, _, codes = first.rpartition("|")
            if key in gathered:
                know_how, activities = gathered[key]
                know_how.update(codes.split(","))
                activities.update(places)
            else:
                gathered[key] = set(codes.split(",")), set(places)
    parts = [lines[0].split("\t", 1)[0], f"{min(names)}|{min(titles - {''}, default='')}"]
    for key in sorted(gathered):
        know_how, activities = gathered[key]
        know_how.discard("")
        parts.append(_exercice_text(key, sorted(know_how), sorted(activities)))
    return "\t".join(parts), len(names) > 1


def practises(line: str, idnat: str, names: str, profession: str) -> bool:
    """Tell whether a canonical line is of this person, under these names (``family|given``), with the right to practise this.

    It works on text because the issuer asks it of every certificate; `RegisterEntry` and `standing` say the same in values.
    """
    head, person, *exercices = line.split("\t")
    if head != idnat or person.rpartition("|")[0] != names:
        return False
    return any(key[0] == profession and key[1] in PRACTISING for key in (exercice.split("|", 2) for exercice in exercices))


def authority_ordre(exercice: Exercice) -> str | None:
    """Return the ordre that registered an exercice: the first part of ``CNOM/CNOM/ARS``, when it is an ordre's official code."""
    first = exercice.authority.split("/", 1)[0]
    return first if first in ORDRES else None


def authority_ordres(entry: RegisterEntry) -> frozenset[str]:
    """Return the official codes of the ordres that registered any exercice of a person."""
    return frozenset(code for code in map(authority_ordre, entry.exercices) if code is not None)


class WhyNot(StrEnum):
    """Why a person has no right to practise a board's professions."""

    ABSENT = "absent"
    """The register does not know the person."""
    OTHER_PROFESSION = "other-profession"
    """The person is in the register, under none of the board's professions."""
    STUDENT = "student"
    """The person learns one of the board's professions (category E)."""
    UNKNOWN_CATEGORY = "unknown-category"
    """The category is empty or none that we know: doubt is not a right."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the register says of a person before a board: `exercices` are those of the board's professions.

    `reasons` is empty exactly when `right_to_practise` is true.
    """

    present: bool
    exercices: tuple[Exercice, ...]
    right_to_practise: bool
    reasons: tuple[WhyNot, ...]


def standing(entry: RegisterEntry | None, board_professions: Collection[str]) -> Standing:
    """Judge a person's standing before the board of these professions (RFC 3647 §3.2.5); None is somebody the register lacks."""
    if entry is None:
        return Standing(False, (), False, (WhyNot.ABSENT,))
    exercices = tuple([exercice for exercice in entry.exercices if exercice.profession in board_professions])
    if any(exercice.gives_right for exercice in exercices):
        return Standing(True, exercices, True, ())
    categories = {exercice.category for exercice in exercices}
    reasons = [WhyNot.OTHER_PROFESSION] if not exercices else []
    if STUDENT in categories:
        reasons.append(WhyNot.STUDENT)
    if categories - {STUDENT}:
        reasons.append(WhyNot.UNKNOWN_CATEGORY)
    return Standing(True, exercices, False, tuple(reasons))
