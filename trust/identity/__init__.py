"""Identities of French health: numbers that cannot hold a wrong key, professions, ordres (RFC 3647 §3.1, naming).

Each type raises `Malformed` with a plain reason, or is right, so that nobody checks twice. Nothing here knows a register or a
person.
"""

from __future__ import annotations

from trust.identity.adeli import Adeli, AdeliRang
from trust.identity.checkdigits import luhn_key, nir_key
from trust.identity.establishment import Finess, Siren, Siret, StructIdNat, StructureKind
from trust.identity.ins import Ins, key_warning
from trust.identity.national import IdNatPs, PersonKind
from trust.identity.ordres import ORDRES, Ordre, ordre_of, ordre_of_profession
from trust.identity.professions import (
    CATEGORIES,
    MODES,
    PRACTISING,
    PROFESSIONS,
    RETIRED,
    STUDENT,
    Profession,
    label_of,
    profession_of,
)
from trust.identity.rpps import TEST_PREFIX, Rpps, RppsRang, is_test_rpps, quick_rpps_check

__all__ = [
    "CATEGORIES",
    "MODES",
    "ORDRES",
    "PRACTISING",
    "PROFESSIONS",
    "RETIRED",
    "STUDENT",
    "TEST_PREFIX",
    "Adeli",
    "AdeliRang",
    "Finess",
    "IdNatPs",
    "Ins",
    "Ordre",
    "PersonKind",
    "Profession",
    "Rpps",
    "RppsRang",
    "Siren",
    "Siret",
    "StructIdNat",
    "StructureKind",
    "is_test_rpps",
    "key_warning",
    "label_of",
    "luhn_key",
    "nir_key",
    "ordre_of",
    "ordre_of_profession",
    "profession_of",
    "quick_rpps_check",
]
