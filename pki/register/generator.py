"""A generator of register extractions: any number of invented people, day after day, octet for octet the same for the same seed.

    python -m pki.register.generator --people 1000 --seed 1 --out PS_LibreAcces_Personne_activite_202611200600.txt
    python -m pki.register.generator --people 1000 --seed 1 --day 1 --out PS_LibreAcces_Personne_activite_202611210600.txt

Day 0 is the first file; each further day some people are new, some changed and some gone. The 56 columns are those of today's
extraction. People do not come in the order of their numbers, and the further lines of a person come well after the first.
Professions are in the proportions of the country, roughly; nothing else is meant to be like it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import gcd
from pathlib import Path
from typing import Final

from pki.register.invented import DEPARTMENTS, MAX_PEOPLE, Draw, family_name, finess_of, given_name, rpps_of, siren_of, siret_of
from pki.register.layout import COLUMNS
from trust.identity import PROFESSIONS, ordre_of_profession

# People of each profession, in thousandths.
_SHARES = {
    "60": 450, "10": 190, "70": 90, "21": 65, "40": 40, "28": 35, "93": 30, "91": 22, "98": 18, "50": 16, "94": 12, "80": 12,
    "96": 8, "71": 6, "95": 4, "26": 2,
}  # fmt: skip
_PROFESSIONS: Final = tuple(code for code, share in _SHARES.items() for _ in range(share))
_KNOW_HOW: Final = (
    ("SM54", "Médecine Générale"),
    ("SM26", "Qualifié en Médecine Générale"),
    ("SM53", "Spécialiste en Médecine Générale"),
)
_SECTIONS: Final = (
    ("A", "Pharmacien titulaire d'officine"),
    ("D", "Pharmacien adjoint d'officine"),
    ("H", "Pharmacien d'établissement"),
)
_HELD = 97  # people after whom the further lines of an earlier one come


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to make: how many people on day 0, from which seed, which day, and the shares of people who change in a day."""

    people: int
    seed: int
    day: int = 0
    new: float = 0.001
    changed: float = 0.005
    gone: float = 0.0005


@dataclass(frozen=True, slots=True)
class _Work:
    """One exercice: profession, category, know-how (code, label), authority, places (numbers that `_place` makes columns of)."""

    profession: str
    category: str
    know_how: tuple[str, str] = ("", "")
    authority: str = ""
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Person:
    index: int
    civility: str
    family: str
    given: str
    works: tuple[_Work, ...] = field(default=())


def lines(recipe: Recipe) -> Iterator[str]:
    """Yield the lines of the extraction, header first, without ends of line.

    Raises:
        ValueError: the recipe asks for more people than there are test numbers, or for less than none.
    """
    newcomers = round(recipe.people * recipe.new)
    total = recipe.people + newcomers * recipe.day
    if not 0 < recipe.people <= total <= MAX_PEOPLE:
        raise ValueError(f"between 1 and {MAX_PEOPLE} people, not {total}")
    yield "|".join(COLUMNS) + "|"
    held: list[str] = []
    step = _step(recipe.people)
    for rank in range(total):
        index = rank if rank >= recipe.people else rank * step % recipe.people
        person = _on_day(recipe, index, max(0, -(-(index - recipe.people + 1) // newcomers)) if newcomers else 0)
        if person is not None:
            first, *further = _rows(person)
            yield first
            held += further
        if rank % _HELD == 0:
            yield from held
            held.clear()
    yield from held


def _step(people: int) -> int:
    """Return a step that has no factor in common with `people`: numbers taken by it are scattered, and each comes once."""
    step = people * 618 // 1000 + 1
    while gcd(step, people) != 1:
        step += 1
    return step


def _on_day(recipe: Recipe, index: int, since: int) -> _Person | None:
    """Return the person as they are on the day of the recipe, or None when they are gone; `since` is their first day."""
    person = _born(recipe.seed, index)
    for day in range(since + 1, recipe.day + 1):
        draw = Draw(f"{recipe.seed}/day/{day}/{index}")
        fate = draw.below(1_000_000)
        if fate < recipe.gone * 1e6:
            return None
        if fate < (recipe.gone + recipe.changed) * 1e6:
            person = _changed(person, draw)
    return person


def _born(seed: int, index: int) -> _Person:
    draw = Draw(f"{seed}/person/{index}")
    civility = ("MME", "M")[draw.below(10) > 5]
    profession = _PROFESSIONS[draw.below(1000)]
    family, given = family_name(draw), given_name(draw, civility)
    kind = draw.below(1000)
    if kind < 60 and ordre_of_profession(profession) is not None:
        works: tuple[_Work, ...] = (_Work(profession, "E"),)
    elif kind < 130:
        works = (replace(_work(draw, profession, 0), authority=""),)
    else:
        count = 1 if kind < 800 else 2 if kind < 960 else 3
        works = (_work(draw, profession, count),)
        if kind > 996 and profession != "71":
            works += (_work(draw, "71", 1),)
    return _Person(index, civility, family, given, works)


def _work(draw: Draw, profession: str, places: int) -> _Work:
    ordre = ordre_of_profession(profession)
    category = ("C", "C", "C", "C", "C", "C", "C", "F", "F", "M")[draw.below(10)]
    know_how = _KNOW_HOW[draw.below(3)] if profession == "10" else ("", "")
    if ordre is None:
        authority = ("ARS/ARS/ARS", "ARS/CPAM/CPAM")[draw.below(2)]
    elif ordre.code in ("CNOMK", "ONI"):
        authority = f"{ordre.code}//"
    else:
        authority = f"{ordre.code}/{ordre.code}/{ordre.code if draw.below(30) else 'ARS'}"
    return _Work(profession, category, know_how, authority, tuple(draw.below(1 << 40) for _ in range(places)))


def _changed(person: _Person, draw: Draw) -> _Person:
    """Change one thing: mostly a place; sometimes the name; sometimes the right to practise (gained by a student, else lost)."""
    what = draw.below(100)
    work, *others = person.works
    if what < 15:
        return replace(person, family=family_name(draw))
    if work.category == "E":
        return replace(person, works=(_work(draw, work.profession, 1),))
    if what < 20:
        return replace(person, works=(_Work("40" if work.profession == "10" else "10", "E"),))
    return replace(person, works=(replace(work, places=(draw.below(1 << 40), *work.places[1:])), *others))


def _rows(person: _Person) -> Iterator[str]:
    rpps = rpps_of(person.index)
    madame = "Madame" if person.civility == "MME" else "Monsieur"
    for work in person.works:
        doctor = work.profession in ("10", "21", "40") and work.category != "E"
        title = "DR|Docteur" if doctor else "|"
        category = {"C": "Civil", "F": "Fonctionnaire", "M": "Agent public", "E": "Etudiant"}[work.category]
        code, label = work.know_how
        know_how = f"S|Spécialité ordinale|{code}|{label}" if code else "|||"
        head = (
            f"8|{rpps}|8{rpps}|{title}|{person.civility}|{madame}|{person.family}|{person.given}|{work.profession}|"
            f"{PROFESSIONS[work.profession].label}|{work.category}|{category}|{know_how}"
        )
        for place in work.places:
            yield f"{head}|{_place(work, Draw(f'place/{place}'))}"
        if not work.places:
            yield head + "|" * 40


def _place(work: _Work, draw: Draw) -> str:
    """Write the 39 columns of a place, from the mode of practice on, with the separator after the last."""
    number, (department, department_label) = draw.below(1_000_000), DEPARTMENTS[draw.below(len(DEPARTMENTS))]
    section = "|"
    if draw.below(100) < 45:
        mode, sector = "S|Salarié", "SA01|Etablissement public de santé"
        finess = finess_of(number % 5000)
        names = f"|||{finess}|{finess_of(900_000 + number % 5000)}|F{finess}|HOPITAL FICTIF {number % 5000}|"
        former = f"1{finess}"
        if work.profession == "21":
            section = "|".join(_SECTIONS[2])
    elif draw.below(100) < 60:
        mode, sector = "L|Libéral", "SA08|Cabinet de groupe"
        siret = siret_of(number)
        names = f"|{siret}|{siren_of(number)}|||C{siret}|SCM FICTIVE {number}|"
        former = f"3{siret}"
    else:
        mode, sector = "L|Libéral", "SA07|Cabinet individuel"
        names = f"|||||R101000{number:08d}|CABINET FICTIF {number}|"
        former = ""
    if work.profession == "21" and mode[0] == "L":
        sector, section = "SA33|Pharmacie d'officine", "|".join(_SECTIONS[number % 2])
    area = f"99{number % 1000:03d}"
    address = f"|||{number % 200 + 1}||RUE|Rue|DES ESSAIS||{area} VILLE-D'ESSAI|{area}|{area}|Ville-d'Essai|||||||"
    return f"{mode}{names}{address}{department}|{department_label}|{former}|{work.authority}|{sector}|{section}|||||"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write an extraction to a file; return the exit code (0 done, 2 usage)."""
    parser = argparse.ArgumentParser(prog="python -m pki.register.generator", description="Write a register of invented people.")
    parser.add_argument("--people", type=int, required=True, help="people on day 0")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other people")
    parser.add_argument("--day", type=int, default=0, help="days after the first file")
    for share in ("new", "changed", "gone"):
        parser.add_argument(
            f"--{share}", type=float, default=getattr(Recipe(1, 1), share), help=f"share of people {share} in a day"
        )
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    told = parser.parse_args(arguments)
    recipe = Recipe(told.people, told.seed, told.day, told.new, told.changed, told.gone)
    try:
        with told.out.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines(recipe))
    except (ValueError, OSError) as error:
        print(f"generator: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
