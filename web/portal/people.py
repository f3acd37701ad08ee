"""What the pages say of a practitioner: who it is, by the register; which certificates may be had now, by what was granted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pki.bootstrap.office import Office
from pki.inventory.model import Certificate, State
from pki.profiles.model import Profile
from pki.register.entry import RegisterEntry
from trust.errors import Missing
from trust.identity.professions import label_of
from web.kit.language import N_, _

EC, RSA = "P-256", "RSA-3072"
"""The keys that `keys.js` makes: the first, unless a profile wants the other."""
WORDS = {
    "ps-authentification": (N_("S'identifier"), N_("Prouve qui vous êtes aux logiciels, aux sites et aux postes de travail.")),
    "ps-signature": (N_("Signer"), N_("Signe vos documents et votre courrier : cela vous engage.")),
    "ps-chiffrement": (N_("Recevoir du courrier chiffré"), N_("Permet qu'on vous écrive sans que d'autres puissent lire.")),
}


@dataclass(frozen=True, slots=True)
class Practitioner:
    """Somebody, as the register knows them."""

    name: str
    profession: str
    rpps: str


def practitioner(office: Office, holder: str) -> Practitioner:
    """Return who a holder is.

    Raises:
        Missing: the register has no such person (any more).
    """
    with office.home.store.read() as tx:
        found = tx.register.standings([holder], office.home.clock.now()).get(holder)
    if found is None:
        raise Missing("the register has no such person")
    entry = RegisterEntry.parse(found.entry)
    practised = [each for each in entry.exercices if each.gives_right] or list(entry.exercices)
    labels = dict.fromkeys(label_of(each.profession, each.category) for each in practised)
    return Practitioner(f"{entry.given_name} {entry.family_name}".strip(), ", ".join(labels), holder[1:])


def words(profile: Profile) -> tuple[str, str]:
    """Return the name of a kind of certificate, and what it serves for."""
    title, purpose = WORDS.get(profile.id, (profile.title, ""))
    return _(title), purpose and _(purpose)


def wish(office: Office, profile_id: str) -> dict[str, Any]:
    """Return what the page needs to ask for a certificate: its profile, the key to make, its name, whether mail uses it."""
    profile = office.home.profiles[profile_id]
    kind = EC if EC in profile.subject_keys else RSA
    mail = "email_protection" in profile.extended_usage
    return {"profile": profile_id, "kind": kind, "title": words(profile)[0], "mail": mail}


def granted(office: Office, holder: str) -> dict[str, str]:
    """Return the profiles that officers granted to a person, each with the board of the latest grant that names it."""
    standing = [grant for grant in office.grants.of_holder(holder) if grant.withdrawn_at is None]
    boards = {profile: grant.board for grant in reversed(standing) for profile in grant.profiles}
    return {profile: boards[profile] for profile in sorted(boards) if profile in office.home.profiles}


def obtainable(office: Office, holder: str, mine: list[Certificate]) -> list[dict[str, Any]]:
    """Return what a person may have made now: what was granted, and of which no certificate serves or which may be renewed."""
    now = office.home.clock.now()
    wishes = []
    for profile, board in granted(office, holder).items():
        live = [each for each in mine if each.profile == profile and is_live(each, office)]
        if all(office.selfservice.renewable(each, now) for each in live):
            wishes.append(wish(office, profile) | {"board": board})
    return wishes


def together(wishes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those that one signature may ask for: of one board. Somebody with two professions asks twice."""
    return [each for each in wishes if each["board"] == wishes[0]["board"]]


def is_live(certificate: Certificate, office: Office) -> bool:
    """Tell whether a certificate serves, or would if it were not on hold."""
    return certificate.state in (State.ISSUED, State.HELD) and certificate.not_after > office.home.clock.now()


def facts(one: Practitioner) -> dict[str, Any]:
    """Return what a page shows of somebody, for JSON."""
    return {"name": one.name, "profession": one.profession, "rpps": one.rpps}
