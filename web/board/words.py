"""French words for what the services say: states, reasons of revocation, and why a line is refused.

Services speak English, with the rule that they apply. Officers read the page: each sentence that concerns their work has its
French here; one that has none is said by its rule, with the English below for whoever helps.
"""

from __future__ import annotations

import re
from datetime import datetime

from pki.inventory.model import Certificate, Reason
from trust.errors import SceauError
from web.kit.problem import RULES, explain

STATES = {"issued": "valide", "held": "suspendu", "revoked": "révoqué", "expired": "expiré", "prepared": "en fabrication"}
"""By `Certificate.status_at`."""
REASONS = {
    Reason.KEY_COMPROMISE: "La clé est compromise ou perdue",
    Reason.AFFILIATION_CHANGED: "Le titulaire a changé de lieu ou de structure",
    Reason.SUPERSEDED: "Remplacé par un autre certificat",
    Reason.CESSATION_OF_OPERATION: "Le titulaire n'en a plus l'usage",
    Reason.PRIVILEGE_WITHDRAWN: "Le droit a été retiré",
    Reason.CERTIFICATE_HOLD: "Suspendu",
    Reason.UNSPECIFIED: "Autre motif",
    Reason.CA_COMPROMISE: "L'autorité est compromise",
    Reason.AA_COMPROMISE: "L'autorité d'attributs est compromise",
}
"""Reasons of revocation, in the order in which they are offered."""


def state_of(certificate: Certificate, now: datetime) -> str:
    """Say where a certificate stands."""
    return STATES[certificate.status_at(now)]


_LINES: tuple[tuple[str, str], ...] = (
    (r"has (\d+) characters, not (\d+)", r"Le numéro doit avoir \1 chiffres, il en a \2."),
    (r"holds digits only", "Ce numéro ne comporte que des chiffres."),
    (r"is all zero", "Ce numéro ne contient que des zéros."),
    (r"has a wrong key", "La clé de contrôle du numéro est fausse : un chiffre a été mal recopié."),
    (r"identifier of a structure begins", "Donnez un numéro FINESS (9 caractères) ou SIRET (14 chiffres)."),
    (r"national identifier", "Un numéro RPPS a onze chiffres : celui-ci n'en est pas un."),
    (r"is text that is not empty", "Le numéro RPPS manque."),
    (r"give that one", "Donnez le numéro RPPS (11 chiffres)."),
    (r"is a real number", "C'est un numéro réel : cette autorité de démonstration ne prend que des numéros d'essai."),
    (r"is a test number", "C'est un numéro d'essai : cette autorité ne prend que des numéros réels."),
    (
        r"is not in the register under|under none of the professions",
        "Inscrit au registre, mais pas dans une profession de votre ordre.",
    ),
    (r"has no RPPS number", "Le numéro RPPS manque."),
    (r"holds a formula", "Cette ligne contient une formule : collez sa valeur à la place."),
    (r"no longer in the register", "N'est plus dans le registre national."),
    (r"is not in the register", "N'est pas dans le registre national."),
    (r"is a student", "Étudiant : pas encore le droit d'exercer."),
    (r"category that gives no right", "Sa catégorie professionnelle ne donne pas le droit d'exercer."),
    (r"the family name .* is not the one", "Le nom n'est pas celui de ce numéro dans le registre."),
    (r"the given name .* is not the one", "Le prénom n'est pas celui de ce numéro dans le registre."),
    (r"the family name is needed", "Le nom manque : un numéro seul n'identifie pas une personne."),
    (r"the given name is needed", "Le prénom manque : un numéro seul n'identifie pas une personne."),
    (r"same request as line (\d+)|same person as line (\d+)", "Déjà demandé plus haut dans ce fichier."),
    (r"says the same thing twice", "Deux colonnes de cette ligne disent la même chose."),
    (r"radiation|opposition|suspension|sanction", "Une décision de l'ordre s'y oppose."),
    (r"no profile is called", "Ce profil de certificat n'existe pas."),
    (r"is not in a domain declared", "Un nom de serveur n'est pas dans un domaine déclaré et approuvé pour cette structure."),
    (r"no structure is registered", "Cette structure n'est pas enregistrée par votre ordre."),
    (r"already someone else's", "Cette clé est déjà certifiée pour quelqu'un d'autre."),
    (r"known to be compromised", "Cette clé est connue pour être compromise."),
    (
        r"neither a DER request nor one PEM|not a PKCS#10 request",
        "Ce n'est pas une demande de certificat (CSR) en PEM, seule et entière.",
    ),
    (r"not signed by its own key", "La demande de certificat n'est pas signée par sa propre clé."),
    (
        r"signed with an algorithm that proves nothing",
        "La demande est signée avec un algorithme périmé : refaites-la avec SHA-256.",
    ),
    (r"no server name was given", "Donnez les noms du serveur : la demande n'en contient pas."),
    (r"work of this kind is under way", "Un travail sur le registre est déjà en cours : attendez sa fin."),
    (r"another import of the register is at work", "Un autre import du registre est en cours : attendez sa fin."),
    (r"this very key was asked for", "Cette clé a déjà été présentée : faites-en une nouvelle, sur le serveur."),
    (r"without a wildcard", "Un domaine se déclare sans étoile."),
    (r"^dns_names: the same name twice", "Le même nom de serveur est donné deux fois."),
    (r"^dns_names: the first one", "Le premier nom de serveur est trop long : mettez le plus court en tête."),
    (r"^dns_names", "Un nom de serveur ou de domaine n'a pas la forme attendue."),
    (r"^email", "L'adresse électronique n'a pas la forme attendue : nom@domaine.fr."),
    (r"no address is known for these people", "Aucune adresse n'est connue pour ces personnes : faites des lettres."),
    (r"^department", "Le département s'écrit avec son numéro : « Rhône (69) »."),
    (
        r"^(name|common_name|organisation)",
        "Le nom est vide, trop long, ou a des caractères qu'un certificat ne peut pas porter.",
    ),
    (r"is registered by another board", "Cette structure est déjà déclarée par un autre ordre."),
    (r"is registered and approved", "Cette structure est déjà déclarée et approuvée : retirez-la d'abord."),
    (r"who declares does not approve", "Vous l'avez déclarée : une autre personne de l'ordre doit l'approuver."),
    (r"grant is already withdrawn", "Ce droit est déjà retiré."),
    (r"request was forgotten", "Cette demande a été oubliée : refaites-la."),
    (r"(a|the) reason is one line", "Donnez un motif, en une ligne."),
)
"""What is found in an English refusal, and its French."""
_CITATION = re.compile(r"CP \d+(?:\.\d+)*")


_FILES: tuple[tuple[str, str], ...] = (
    (r"no column for (.*)", r"Il manque une colonne : \1. La première ligne nomme les colonnes : RPPS, Nom, Prénom."),
    (r"more than (\d+) lines", r"Le fichier a plus de \1 lignes : coupez-le en deux."),
    (r"the file is empty", "Le fichier est vide, ou sa première ligne ne peut pas être lue."),
    (r"larger than (\d+) MiB", r"Le fichier dépasse \1 Mo : coupez-le en deux."),
    (r"of the old form", "C'est un ancien format Excel (.xls) : enregistrez le fichier au format .xlsx ou CSV."),
    (r"holds macros", "Ce classeur contient des macros : enregistrez-le au format .xlsx."),
    (r"locked by a password", "Ce classeur est protégé par un mot de passe : enlevez-le."),
    (r"unfolds to too much|declares entities", "Ce classeur n'est pas un classeur ordinaire : il est refusé sans être ouvert."),
    (r"spreadsheet cannot be read", "Ce classeur est abîmé : enregistrez-le de nouveau au format .xlsx ou CSV."),
    (r"neither UTF-8 nor Windows-1252", "L'encodage du fichier n'est pas reconnu : enregistrez-le en « CSV UTF-8 »."),
    (r"does not say the date", "Le nom du fichier ne dit pas la date du registre : donnez-la à côté du fichier."),
    (r"imported before", "Ce fichier a déjà été importé."),
    (r"in the future", "Ce registre est daté de l'avenir : vérifiez la date."),
    (r"already in force|the one in force", "Ce registre est déjà en vigueur."),
    (r"is older than", "Ce registre est plus ancien que celui en vigueur."),
    (r"of \d+ lines are bad", "Trop de lignes de ce fichier ne peuvent pas être lues : ce n'est pas une extraction entière."),
    (r"header of an extraction|columns? (are|is) (missing|absent)", "Ce fichier n'est pas une extraction de l'Annuaire Santé."),
)


def problem(error: SceauError) -> str:
    """Say in French why a whole file, or a piece of work, failed."""
    return known_of_file(str(error)) or explain(error)


def known(said: str) -> str | None:
    """Say in French why something was refused, if its words are known."""
    return _first(_LINES, said)


def known_of_file(said: str) -> str | None:
    """Say in French why a whole file was refused, if its words are known."""
    return _first(_FILES, said)


def _first(table: tuple[tuple[str, str], ...], said: str) -> str | None:
    found = ((re.search(pattern, said), french) for pattern, french in table)
    return next((match.expand(french) for match, french in found if match is not None), None)


def refusal(said: str) -> str:
    """Say in French why a line was refused."""
    if (french := known(said)) is not None:
        return french
    citation = _CITATION.search(said)
    if citation is not None and citation[0] in RULES:
        return RULES[citation[0]]
    return "Cette ligne ne peut pas être lue." if "cannot be read" in said else f"Refusé : {said}"
