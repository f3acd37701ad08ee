"""Does the register support this application? (RFC 3647 §3.2.3, §3.2.5; CP 3.2.3, CP 3.2.5)

Pure decisions: what the register and the boards say goes in; a subject to certify or a refusal with its rule comes out.
The subject's name is the register's, never the applicant's: a claimed name serves only to catch a wrong number (the
Luhn key does not see that ``09`` and ``90`` were swapped).
"""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta

from pki.issuance.ports import Standing
from pki.register.entry import Exercice, RegisterEntry, WhyNot, authority_ordre, standing
from pki.registration.applications import Application
from pki.registration.model import Organisation
from pki.settings import Board, RegisterSettings
from trust.errors import Malformed, Refused
from trust.identity import IdNatPs, PersonKind, Rpps, StructIdNat, is_test_rpps, label_of
from trust.naming import OrganisationSubject, PersonSubject, ServerSubject

_WHY = {
    WhyNot.ABSENT: "is not in the register",
    WhyNot.OTHER_PROFESSION: "is in the register under none of the professions of {board}",
    WhyNot.STUDENT: "is a student: no right to practise yet",
    WhyNot.UNKNOWN_CATEGORY: "has a professional category that gives no right to practise",
}


def holder_of_person(number: str, mode: str) -> str:
    """Return the IdNat_PS for an RPPS (11 digits) or an IdNat_PS (12 digits) that somebody typed.

    Raises:
        Malformed: it is neither.
        Refused: a test authority takes test numbers only, and a production authority takes none.
    """
    typed = "".join(number.split())
    rpps = Rpps(typed) if len(typed) == 11 else IdNatPs(typed).rpps
    if rpps is None:
        raise Malformed("certificates are issued under the RPPS number: give that one")
    if is_test_rpps(rpps) == (mode == "production"):
        which = "test" if mode == "production" else "real"
        raise Refused(f"{typed} is a {which} number, which this authority does not take", citation="CP 3.1.5")
    return PersonKind.RPPS.value + rpps.text


def check_snapshot_age(applied: datetime | None, settings: RegisterSettings, now: datetime) -> None:
    """Check that the register in force is fresh enough to decide on.

    Raises:
        Refused: no register, or too old; the message says how old.
    """
    if applied is None:
        raise Refused("no register extraction has been applied yet", citation="CP 3.2.3")
    age = now - applied
    if age > timedelta(days=settings.max_age_days):
        raise Refused(
            f"the register in force is {age.days} days old; {settings.max_age_days} days at most: import a newer extraction",
            citation="CP 3.2.3",
        )


def person_subject(application: Application, holder: str, found: Standing | None, board: Board) -> PersonSubject:
    """Return the subject that the register gives a person before a board.

    Raises:
        Refused: absent, barred, another name, another board, no right to practise.
        Malformed: the register's own name cannot stand in a certificate.
    """
    if found is None:
        raise Refused(f"{holder} is not in the register", citation="CP 3.2.3")
    if (barred := found.barred_for(board.code)) is not None:
        raise Refused(f"{holder}: {barred}", citation="CP 3.2.5")
    entry = RegisterEntry.parse(found.entry)
    _check_names(application, entry)
    place = standing(entry, board.professions)
    if not place.right_to_practise:
        reasons = "; ".join(_WHY[reason].format(board=board.code) for reason in place.reasons)
        raise Refused(f"{holder} {reasons}", citation="CP 3.2.5")
    exercice = _exercice_for(place.exercices, board)
    return PersonSubject(
        idnat=holder,
        family_name=entry.family_name,
        given_name=entry.given_name,
        profession=exercice.profession,
        title=label_of(exercice.profession, exercice.category),
        email=application.email,
    )


def _exercice_for(exercices: tuple[Exercice, ...], board: Board) -> Exercice:
    able = [exercice for exercice in exercices if exercice.gives_right]
    if len(able) == 1:
        return able[0]
    # A profession can be registered by the ordre and, for a place, by an ARS: the ordre's own registration speaks first.
    return min(able, key=lambda exercice: (authority_ordre(exercice) != board.code, exercice.key))


def _check_names(application: Application, entry: RegisterEntry) -> None:
    for claimed, known, what in (
        (application.family_name, entry.family_name, "family name"),
        (application.given_name, entry.given_name, "given name"),
    ):
        if not claimed:
            raise Refused(f"the {what} is needed: a number alone does not identify a person", citation="CP 3.2.3")
        if not names_match(claimed, known):
            raise Refused(f"the {what} {claimed!r} is not the one of this number in the register", citation="CP 3.2.3")


def names_match(claimed: str, known: str) -> bool:
    """Compare two names as a clerk would: case, accents, hyphens, apostrophes and spaces aside; every letter counts.

    Of several given names, the first is enough.
    """
    if claimed == known or _letters(claimed) == _letters(known):
        return True
    return bool(known) and _letters(claimed) == _letters(known.replace("'", " ").split()[0]) and len(known.split()) > 1


def _letters(name: str) -> str:
    # Ligatures are two letters to a clerk; NFKD leaves œ and æ whole.
    spread = name.casefold().replace("œ", "oe").replace("æ", "ae")
    return "".join(c for c in unicodedata.normalize("NFKD", spread) if c.isalpha())


def organisation_subject(application: Application, organisation: Organisation) -> OrganisationSubject | ServerSubject:
    """Return the subject of a structure's certificate: a server if it names hosts, an application or a seal otherwise.

    Raises:
        Refused: a host outside the domains that the board approved.
        Malformed: a name that cannot stand in a certificate.
    """
    if application.dns_names:
        for name in application.dns_names:
            if not organisation.covers(name):
                raise Refused(f"{name} is not in a domain declared for {organisation.id}", citation="CP 3.2.2")
        return ServerSubject(
            struct_idnat=organisation.id,
            name=organisation.name,
            department=organisation.department,
            dns_names=tuple(application.dns_names),
        )
    return OrganisationSubject(
        struct_idnat=organisation.id,
        name=organisation.name,
        department=organisation.department,
        common_name=application.common_name or organisation.name,
    )


def structure_number(number: str) -> str:
    """Return the Struct_IdNat for a FINESS (9 characters), a SIRET (14) or a Struct_IdNat that somebody typed.

    Raises:
        Malformed: it is none of them.
    """
    typed = "".join(number.split()).upper()
    if len(typed) == 9:
        typed = "1" + typed
    elif len(typed) == 14:
        typed = "3" + typed
    return str(StructIdNat(typed))
