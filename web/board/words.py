"""Words for what the services say: states, reasons of revocation, and why a line is refused.

Services speak English, with the rule that they apply. Officers read the page: each sentence that concerns their work has its
French here (and its translation in the catalogue); one that has none is said by its rule, with the English below for whoever
helps.
"""

from __future__ import annotations

import re
from datetime import datetime

from pki.inventory.model import Certificate, Reason
from trust.errors import SceauError
from web.kit.language import N_, _
from web.kit.problem import RULES, explain
from web.kit.wording import SERVERS, Table, said_by

STATES = {
    "issued": N_("valide"),
    "held": N_("suspendu"),
    "revoked": N_("révoqué"),
    "expired": N_("expiré"),
    "prepared": N_("en fabrication"),
}
"""By `Certificate.status_at`."""
REASONS = {
    Reason.KEY_COMPROMISE: N_("La clé est compromise ou perdue"),
    Reason.AFFILIATION_CHANGED: N_("Le titulaire a changé de lieu ou de structure"),
    Reason.SUPERSEDED: N_("Remplacé par un autre certificat"),
    Reason.CESSATION_OF_OPERATION: N_("Le titulaire n'en a plus l'usage"),
    Reason.PRIVILEGE_WITHDRAWN: N_("Le droit a été retiré"),
    Reason.CERTIFICATE_HOLD: N_("Suspendu"),
    Reason.UNSPECIFIED: N_("Autre motif"),
    Reason.CA_COMPROMISE: N_("L'autorité est compromise"),
    Reason.AA_COMPROMISE: N_("L'autorité d'attributs est compromise"),
}
"""Reasons of revocation, in the order in which they are offered."""


def state_of(certificate: Certificate, now: datetime) -> str:
    """Say where a certificate stands."""
    return _(STATES[certificate.status_at(now)])


_LINES: Table = (
    (r"has (\d+) characters, not (\d+)", N_(r"Le numéro doit avoir \1 chiffres, il en a \2.")),
    (r"holds digits only", N_("Ce numéro ne comporte que des chiffres.")),
    (r"is all zero", N_("Ce numéro ne contient que des zéros.")),
    (r"has a wrong key", N_("La clé de contrôle du numéro est fausse : un chiffre a été mal recopié.")),
    (r"identifier of a structure begins", N_("Donnez un numéro FINESS (9 caractères) ou SIRET (14 chiffres).")),
    (r"national identifier", N_("Un numéro RPPS a onze chiffres : celui-ci n'en est pas un.")),
    (r"is text that is not empty", N_("Le numéro RPPS manque.")),
    (r"give that one", N_("Donnez le numéro RPPS (11 chiffres).")),
    (r"is a real number", N_("C'est un numéro réel : cette autorité de démonstration ne prend que des numéros d'essai.")),
    (r"is a test number", N_("C'est un numéro d'essai : cette autorité ne prend que des numéros réels.")),
    (
        r"is not in the register under|under none of the professions",
        N_("Inscrit au registre, mais pas dans une profession de votre ordre."),
    ),
    (r"has no RPPS number", N_("Le numéro RPPS manque.")),
    (r"holds a formula", N_("Cette ligne contient une formule : collez sa valeur à la place.")),
    (r"no longer in the register", N_("N'est plus dans le registre national.")),
    (r"is not in the register", N_("N'est pas dans le registre national.")),
    (r"is a student", N_("Étudiant : pas encore le droit d'exercer.")),
    (r"category that gives no right", N_("Sa catégorie professionnelle ne donne pas le droit d'exercer.")),
    (r"the family name .* is not the one", N_("Le nom n'est pas celui de ce numéro dans le registre.")),
    (r"the given name .* is not the one", N_("Le prénom n'est pas celui de ce numéro dans le registre.")),
    (r"the family name is needed", N_("Le nom manque : un numéro seul n'identifie pas une personne.")),
    (r"the given name is needed", N_("Le prénom manque : un numéro seul n'identifie pas une personne.")),
    (r"same request as line (\d+)|same person as line (\d+)", N_("Déjà demandé plus haut dans ce fichier.")),
    (r"says the same thing twice", N_("Deux colonnes de cette ligne disent la même chose.")),
    (r"radiation|opposition|suspension|sanction", N_("Une décision de l'ordre s'y oppose.")),
    (r"no profile is called", N_("Ce profil de certificat n'existe pas.")),
    (r"no structure is registered", N_("Cette structure n'est pas enregistrée par votre ordre.")),
    (r"already someone else's", N_("Cette clé est déjà certifiée pour quelqu'un d'autre.")),
    (r"work of this kind is under way", N_("Un travail sur le registre est déjà en cours : attendez sa fin.")),
    (r"another import of the register is at work", N_("Un autre import du registre est en cours : attendez sa fin.")),
    (r"this very key was asked for", N_("Cette clé a déjà été présentée : faites-en une nouvelle, sur le serveur.")),
    (r"^email", N_("L'adresse électronique n'a pas la forme attendue : nom@domaine.fr.")),
    (r"no address is known for these people", N_("Aucune adresse n'est connue pour ces personnes : faites des lettres.")),
    (r"^department", N_("Le département s'écrit avec son numéro : « Rhône (69) ».")),
    (r"is registered by another board", N_("Cette structure est déjà déclarée par un autre ordre.")),
    (r"is registered and approved", N_("Cette structure est déjà déclarée et approuvée : retirez-la d'abord.")),
    (r"who declares does not approve", N_("Vous l'avez déclarée : une autre personne de l'ordre doit l'approuver.")),
    (r"grant is already withdrawn", N_("Ce droit est déjà retiré.")),
    (r"request was forgotten", N_("Cette demande a été oubliée : refaites-la.")),
    (r"(a|the) reason is one line", N_("Donnez un motif, en une ligne.")),
    *SERVERS,
)
"""What is found in an English refusal, and its French."""
_CITATION = re.compile(r"CP \d+(?:\.\d+)*")


_FILES: Table = (
    (r"no column for (.*)", N_(r"Il manque une colonne : \1. La première ligne nomme les colonnes : RPPS, Nom, Prénom.")),
    (r"more than (\d+) lines", N_(r"Le fichier a plus de \1 lignes : coupez-le en deux.")),
    (r"the file is empty", N_("Le fichier est vide, ou sa première ligne ne peut pas être lue.")),
    (r"larger than (\d+) MiB", N_(r"Le fichier dépasse \1 Mo : coupez-le en deux.")),
    (r"of the old form", N_("C'est un ancien format Excel (.xls) : enregistrez le fichier au format .xlsx ou CSV.")),
    (r"holds macros", N_("Ce classeur contient des macros : enregistrez-le au format .xlsx.")),
    (r"locked by a password", N_("Ce classeur est protégé par un mot de passe : enlevez-le.")),
    (
        r"unfolds to too much|declares entities",
        N_("Ce classeur n'est pas un classeur ordinaire : il est refusé sans être ouvert."),
    ),
    (r"spreadsheet cannot be read", N_("Ce classeur est abîmé : enregistrez-le de nouveau au format .xlsx ou CSV.")),
    (r"neither UTF-8 nor Windows-1252", N_("L'encodage du fichier n'est pas reconnu : enregistrez-le en « CSV UTF-8 ».")),
    (r"does not say the date", N_("Le nom du fichier ne dit pas la date du registre : donnez-la à côté du fichier.")),
    (r"imported before", N_("Ce fichier a déjà été importé.")),
    (r"in the future", N_("Ce registre est daté de l'avenir : vérifiez la date.")),
    (r"already in force|the one in force", N_("Ce registre est déjà en vigueur.")),
    (r"is older than", N_("Ce registre est plus ancien que celui en vigueur.")),
    (r"of \d+ lines are bad", N_("Trop de lignes de ce fichier ne peuvent pas être lues : ce n'est pas une extraction entière.")),
    (
        r"header of an extraction|columns? (are|is) (missing|absent)",
        N_("Ce fichier n'est pas une extraction de l'Annuaire Santé."),
    ),
)


def problem(error: SceauError) -> str:
    """Say why a whole file, or a piece of work, failed."""
    return known_of_file(str(error)) or explain(error)


def known(said: str) -> str | None:
    """Say why something was refused, if its words are known."""
    return said_by(_LINES, said)


def known_of_file(said: str) -> str | None:
    """Say why a whole file was refused, if its words are known."""
    return said_by(_FILES, said)


def refusal(said: str) -> str:
    """Say why a line was refused."""
    if (french := known(said)) is not None:
        return french
    citation = _CITATION.search(said)
    if citation is not None and citation[0] in RULES:
        return _(RULES[citation[0]])
    return _("Cette ligne ne peut pas être lue.") if "cannot be read" in said else _("Refusé : %(why)s", why=said)
