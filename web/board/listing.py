"""A list of people being prepared by one officer: as it was read, what the services think of it, line by line.

It is kept on the server, and only its identifier travels: what is confirmed is what was judged, whatever a browser sends. Every
correction has the whole list judged again, for one line may repeat another.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pki.bootstrap.office import Office
from pki.register.entry import RegisterEntry
from pki.registration.applications import LineError
from pki.registration.checks import holder_of_person
from pki.registration.enrol import Draft
from pki.registration.grants import GrantApplication
from trust.errors import Malformed, Missing, Refused
from trust.identity.professions import label_of
from web.board import compare, words
from web.kit.language import N_, _

NEW, KNOWN, REFUSED = "nouveaux", "connus", "refuses"
OUTCOMES = {NEW: N_("à inscrire"), KNOWN: N_("déjà inscrits"), REFUSED: N_("refusés")}
TITLES = {NEW: N_("À inscrire"), KNOWN: N_("Déjà inscrits"), REFUSED: N_("Refusés")}
_ONE = {NEW: N_("à inscrire"), KNOWN: N_("déjà inscrit"), REFUSED: N_("refusé")}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list, judged."""

    number: int
    rpps: str
    name: str
    asked: tuple[str, ...]
    """Profiles."""
    outcome: str
    reason: str
    """Why it is refused, as the services say it: pages say it in their language."""
    email: str = ""

    @property
    def profiles(self) -> str:
        """Name the certificates."""
        return ", ".join(compare.profile_name(profile) for profile in self.asked)

    @property
    def why(self) -> str:
        """Say why it is refused."""
        return words.refusal(self.reason) if self.reason else ""


@dataclass
class Listing:
    """The list as it stands."""

    applications: list[GrantApplication | LineError]
    profiles: tuple[str, ...]
    """For lines that name none."""
    draft: Draft
    lines: list[Line]
    alone: bool = False
    """One person, typed in the page: there is no file behind."""

    def of(self, outcome: str) -> list[Line]:
        """Return the lines of one outcome."""
        return [line for line in self.lines if line.outcome == outcome]

    def counts(self) -> dict[str, int]:
        """Count the lines of each outcome."""
        return {outcome: sum(line.outcome == outcome for line in self.lines) for outcome in OUTCOMES}

    def report(self) -> str:
        """Write what became of each line as a CSV that spreadsheets open."""
        octets = io.StringIO()
        rows = csv.writer(octets, delimiter=";", lineterminator="\r\n")
        rows.writerow([_("Ligne"), "RPPS", _("Nom"), _("Certificats"), _("Résultat"), _("Motif")])
        for line in self.lines:
            values = (line.rpps, line.name, line.profiles, _(_ONE[line.outcome]), line.why)
            rows.writerow([line.number, *map(_harmless, values)])
        return "\ufeff" + octets.getvalue()


def judged(
    office: Office,
    officer_id: str,
    applications: Sequence[GrantApplication | LineError],
    profiles: Sequence[str],
    *,
    alone: bool = False,
) -> Listing:
    """Have a list judged.

    Raises:
        Refused: the officer may not ask, or the register is too old to decide on anything.
    """
    draft = office.grants.draft(officer_id, applications)
    refused = {error.line: error for error in draft.refused}
    known = dict(draft.known)
    found = iter(draft.records)
    lines = []
    for each in applications:
        if each.line in refused:
            error = refused[each.line]
            lines.append(_line(each, error.number, REFUSED, error.reason))
        elif isinstance(each, GrantApplication):
            record = known.get(each.line) or next(found)
            subject = json.loads(record.statement)["subject"]
            outcome = KNOWN if each.line in known else NEW
            lines.append(replace(_line(each, each.rpps, outcome, ""), name=compare.name_of(subject)))
    return Listing(list(applications), tuple(profiles), draft, lines, alone)


def _line(each: GrantApplication | LineError, number: str, outcome: str, reason: str) -> Line:
    if isinstance(each, LineError):
        return Line(each.line, number, "", (), outcome, reason)
    name = f"{each.given_name} {each.family_name}".strip()
    return Line(each.line, number, name, each.profiles, outcome, reason, each.email)


def _harmless(value: str) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t")) else value


@dataclass(frozen=True, slots=True)
class Known:
    """What the register says of somebody."""

    family_name: str
    given_name: str
    professions: str


def in_register(office: Office, number: str) -> Known | None:
    """Look somebody up in the register in force; None for whoever is not there, and for what is no number."""
    try:
        holder = holder_of_person(number, office.home.settings.mode)
        with office.home.store.read() as tx:
            entry = RegisterEntry.parse(tx.register.get(holder)[0])
    except (Malformed, Missing, Refused):
        return None
    professions = dict.fromkeys(_label(each.profession, each.category) for each in entry.exercices)
    return Known(entry.family_name, entry.given_name, ", ".join(professions))


def _label(profession: str, category: str) -> str:
    try:
        return label_of(profession, category)
    except Missing:
        return profession
