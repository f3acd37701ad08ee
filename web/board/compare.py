"""A request beside the register: each fact of both, and whether they agree, in words and not only in colour."""

from __future__ import annotations

import json
from typing import Any

from pki.issuance.order import Request
from pki.issuance.ports import Standing
from pki.register.entry import RegisterEntry
from trust.errors import Malformed, Missing
from trust.identity.professions import label_of
from web.kit.language import N_, _

PROFILES = {
    "enrolment": N_("Droit d'activation (praticien)"),
    "ps-authentification": N_("Authentification (praticien)"),
    "ps-signature": N_("Signature (praticien)"),
    "ps-chiffrement": N_("Chiffrement (praticien)"),
    "org-authentification": N_("Authentification (structure)"),
    "org-cachet": N_("Cachet (structure)"),
    "serveur-tls-ec": N_("Serveur web"),
    "serveur-tls-rsa": N_("Serveur web (RSA)"),
}
"""Names of the profiles, for people."""


def profile_name(profile: str) -> str:
    """Return the name of a profile, for people."""
    return _(PROFILES[profile]) if profile in PROFILES else profile


def name_of(subject: dict[str, Any]) -> str:
    """Return the name of who a request is for."""
    if subject.get("kind") == "person":
        return f"{subject.get('given_name', '')} {subject.get('family_name', '')}".strip()
    names = subject.get("dns_names") or [subject.get("common_name") or subject.get("name", "")]
    return ", ".join(map(str, names))


def rows(subject: dict[str, Any], standing: Standing | None) -> list[tuple[str, str, str, bool]]:
    """Return (what, in the request, in the register, whether they agree)."""
    if subject.get("kind") == "person":
        return _person(subject, standing)
    return _structure(subject, standing)


def warning(request: Request, standing: Standing | None) -> str | None:
    """Say what stands against this request today; None when nothing does."""
    if standing is None:
        return _("Cette personne ou cette structure n'est pas dans le registre.")
    if (barred := standing.barred_for(request.board)) is not None:
        return _("Le registre ou l'ordre s'y oppose : %(why)s.", why=barred)
    if request.register.get("entry") != standing.digest.hex():
        return _("Le registre a changé depuis cette demande : l'émetteur la refusera. Refusez-la et faites-la refaire.")
    return None


def _person(subject: dict[str, Any], standing: Standing | None) -> list[tuple[str, str, str, bool]]:
    entry = _entry(standing)
    asked_profession = str(subject.get("profession", ""))
    professions = "" if entry is None else ", ".join(_label(code) for code in sorted(entry.professions))
    found = [
        (_("Nom d'exercice"), str(subject.get("family_name", "")), "" if entry is None else entry.family_name),
        (_("Prénom d'exercice"), str(subject.get("given_name", "")), "" if entry is None else entry.given_name),
        (_("Identifiant national"), str(subject.get("idnat", "")), "" if entry is None else entry.idnat),
    ]
    table = [(what, asked, known, asked == known) for what, asked, known in found]
    practises = entry is not None and asked_profession in entry.professions
    table.append((_("Profession"), _label(asked_profession), professions, practises))
    if entry is not None:
        places = sorted({a.structure_name for e in entry.exercices for a in e.activities if a.structure_name})
        table.append((_("Lieux d'exercice"), "", " ; ".join(places[:5]), True))
    if subject.get("email"):
        table.append((_("Adresse"), str(subject["email"]), "", True))
    return table


def _structure(subject: dict[str, Any], standing: Standing | None) -> list[tuple[str, str, str, bool]]:
    try:
        known = {} if standing is None else json.loads(standing.entry)
    except ValueError:
        known = {}
    asked = [
        (_("Numéro de la structure"), str(subject.get("struct_idnat", "")), str(known.get("id", ""))),
        (_("Nom"), str(subject.get("name", "")), str(known.get("name", ""))),
        (_("Département"), str(subject.get("department", "")), str(known.get("department", ""))),
    ]
    table = [(what, one, other, one == other) for what, one, other in asked]
    if subject.get("dns_names"):
        domains = [str(domain) for domain in known.get("domains", [])]
        names = [str(name) for name in subject["dns_names"]]
        covered = all(any(name == domain or name.endswith(f".{domain}") for domain in domains) for name in names)
        table.append((_("Noms de serveur"), ", ".join(names), _("domaines : %(names)s", names=", ".join(domains)), covered))
    return table


def _entry(standing: Standing | None) -> RegisterEntry | None:
    if standing is None:
        return None
    try:
        return RegisterEntry.parse(standing.entry)
    except Malformed:
        return None


def _label(code: str) -> str:
    try:
        return label_of(code)
    except Missing:
        return code
