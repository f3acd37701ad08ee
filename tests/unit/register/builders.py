"""Small extractions, written column by column."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pki.register.layout import COLUMNS
from trust.identity import luhn_key

HEADER = "|".join(COLUMNS) + "|"
NAME = "PS_LibreAcces_Personne_activite_202611200600.txt"


def rpps(index: int) -> str:
    """A test number: 997, the index, the key."""
    number = f"997{index:07d}"
    return number + luhn_key(number)


def row(index: int = 1, **columns: str) -> str:
    """A doctor's line; `columns` replaces fields, by short names (see `SHORT`)."""
    number = rpps(index)
    fields = {
        "kind": "8",
        "number": number,
        "idnat": f"8{number}",
        "title": "DR",
        "family": "EXEMPLE",
        "given": "ANNE",
        "profession": "10",
        "category": "C",
        "know_how": "SM54",
        "mode": "L",
        "structure": "R10100000999991",
        "name": "CABINET FICTIF",
        "authority": "CNOM/CNOM/CNOM",
        "sector": "SA07",
    } | columns
    named = {SHORT[key]: value for key, value in fields.items()}
    return "|".join(named.get(column, "") for column in COLUMNS) + "|"


SHORT = {
    "kind": "Type d'identifiant PP",
    "number": "Identifiant PP",
    "idnat": "Identification nationale PP",
    "title": "Code civilité d'exercice",
    "family": "Nom d'exercice",
    "given": "Prénom d'exercice",
    "profession": "Code profession",
    "category": "Code catégorie professionnelle",
    "know_how": "Code savoir-faire",
    "mode": "Code mode exercice",
    "siret": "Numéro SIRET site",
    "finess": "Numéro FINESS site",
    "structure": "Identifiant technique de la structure",
    "name": "Raison sociale site",
    "department": "Code Département (structure)",
    "phone": "Téléphone (coord. structure)",
    "authority": "Autorité d'enregistrement",
    "sector": "Code secteur d'activité",
    "section": "Code section tableau pharmaciens",
}

# Invented people in the form of real lines: a doctor with two activities, a nurse, a pharmacist, a student without activity.
WORKED = (
    "8|99700000013|899700000013|DR|Docteur|MME|Madame|D'EXEMPLE-TEST|ANNE|10|Médecin|C|Civil|S|Spécialité ordinale|SM54|"
    "Médecine Générale|L|Libéral|||||R10100000999991|CABINET DU DR EXEMPLE||||12||RUE|Rue|DES ESSAIS||75009 PARIS|75009|75109|"
    "Paris|||||||||499700000013018|CNOM/CNOM/CNOM|SA07|Cabinet individuel|||||||",
    "8|99700000013|899700000013|DR|Docteur|MME|Madame|D'EXEMPLE-TEST|ANNE|10|Médecin|C|Civil|S|Spécialité ordinale|SM54|"
    "Médecine Générale|S|Salarié|||990000010|990000028|F990000010|HOPITAL FICTIF||||||||||||||||||||||1990000010|CNOM/CNOM/CNOM|"
    "SA01|Etablissement public de santé|||||||",
    "8|99700000021|899700000021|||M|Monsieur|ÉPREUVE|LOÏC|60|Infirmier|C|Civil|||||L|Libéral|99999999800019|999999998|||"
    "C99999999800019|SCM FICTIVE||||||||||||||||||||||399999999800019|ONI//|SA08|Cabinet de groupe|||||||",
    "8|99700000039|899700000039|||MME|Madame|ESSAI|MARIE JEANNE|21|Pharmacien|C|Civil|||||L|Libéral|||||R10100000999992|"
    "PHARMACIE FICTIVE||||||||||||||||||||||"
    + "|CNOP/CNOP/CNOP|SA33|Pharmacie d'officine|A|Pharmacien titulaire d'officine|||||",
    "8|99700000047|899700000047|||M|Monsieur|ETUDIANT|PAUL|10|Médecin|E|Etudiant" + "|" * 44,
)


def write(folder: Path, rows: Iterable[str], *, name: str = NAME, header: str = HEADER) -> Path:
    """Write an extraction and return its path."""
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in [header, *rows]), encoding="utf-8", newline="\n")
    return path
