"""Extreme names, and the trial of a profile on all of them (CP 7.1): invented people, the test range of every identifier.

A profile is fit for use when neither our rules nor pkilint object, for the shortest, the longest, the most accented and the most
hyphenated subject. The trial takes seconds: `pki.bootstrap.trial` remembers what passed, so that a usual start is spared it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cryptography.hazmat.primitives.serialization import Encoding

from pki.lint.external import lint_certificate
from pki.lint.finding import Finding
from pki.lint.rules import check
from pki.profiles import render
from pki.profiles.compiled import CompiledProfile
from pki.profiles.model import Particulars
from pki.profiles.specimens import SPECIMENS
from trust.nameforms import MAX_DEPARTMENT, MAX_ORGANISATION, MAX_PERSON_NAME
from trust.naming import (
    AnySubject,
    AuthoritySubject,
    OrganisationSubject,
    PersonSubject,
    ServerSubject,
    ServiceSubject,
)

TRIAL_BASE_URL = "http://pki.sceau.example.com"
"""Stands in for the authority's own address: outside linters object to a loopback address, and the host is not on trial."""

_RPPS = ("899700000013", "899700000021", "899700000039", "899700000047", "899700000005", "899700123450", "899799999992")

_PEOPLE = (
    ("D'EXEMPLE-TEST", "ANNE"),
    ("ÉPREUVE", "LOÏC"),
    ("ESSAI", "MARIE JEANNE ÉLÉONORE"),
    ("O", "A"),
    ("ŒUVRARD-LEBŒUF", "Cœlia"),
    ("ÆTERNE", "Lætitia"),
    ("ÇAĞLAŞ-ŠIMŮNEK", "Zoë"),
    ("L’ÉPREUVE DE LA TOUR D’ESSAI", "Jean-François-Régis"),
    ("DE LA ROCHE-MÉTIER D'ESSAI-FICTIF DU GUÉ-SAINT-TEST LE JEUNE", "Anne-Marie Thérèse Françoise Élisabeth"),
    ("NGUYỄN TẠ ĐÌNH", "Thị Ngọc Hạnh"),
    ("ÐORÐEVIĆ ØSTERGÅRD ŁUKÓW", "Þóra"),
    ("ẞTRAẞENTEST", "Jürg"),
    ("'T ESSAI", "Ghi. Em."),
    ("É" * MAX_PERSON_NAME, "Œ" * MAX_PERSON_NAME),
    ("A-" * (MAX_PERSON_NAME // 2), "B " * (MAX_PERSON_NAME // 2 - 1) + "C"),
)
_PROFESSIONS = (
    ("10", "Médecin"),
    ("21", "Pharmacien"),
    ("40", "Chirurgien-dentiste"),
    ("50", "Sage-femme"),
    ("60", "Infirmier"),
    ("70", "Masseur-kinésithérapeute"),
    ("80", "Pédicure-podologue"),
    ("98", "Manipulateur ERM"),
)
_EMAILS = (None, "a@exemple.com", "anne.dexemple-test+essai@cabinet.exemple.com", f"{'l' * 64}@{'d' * 60}.exemple.com")

_STRUCTURES = (
    ("1990000010", "HOPITAL FICTIF", "Paris (75)"),
    ("399999999800019", "SCM D’ESSAI « L'ŒUVRE » N° 1 & FILS (SAINT-TEST)", "Côte-d'Or (21)"),
    ("499700000013018", "X", "La Réunion (974)"),
    ("099000001001", "É" * MAX_ORGANISATION, "Œ" * MAX_DEPARTMENT),
    ("10B0057881", "LABORATOIRE ÇÀÉÈÊËÎÏÔÙÛÜŸ", "Haute-Corse (2B)"),
)
_HOSTS: tuple[tuple[str, ...], ...] = (
    ("a.exemple.com",),
    ("mss.exemple.com", "autodiscover.exemple.com", "xn--hpital-ixa.exemple.com"),
    (f"{'h' * 52}.exemple.com",),
    ("court.exemple.com", ".".join(("m" * 63, "n" * 63, "o" * 63, "p" * 49, "exemple.com"))),
    tuple(f"serveur-{number}.exemple.com" for number in range(100)),
)


def _people() -> Iterator[PersonSubject]:
    for index, (family_name, given_name) in enumerate(_PEOPLE):
        code, label = _PROFESSIONS[index % len(_PROFESSIONS)]
        yield PersonSubject(_RPPS[index % len(_RPPS)], family_name, given_name, code, label, _EMAILS[index % len(_EMAILS)])


CORPUS: dict[str, tuple[AnySubject, ...]] = {
    "person": (*SPECIMENS["person"], *_people()),
    "organisation": (
        *SPECIMENS["organisation"],
        *(
            OrganisationSubject(*structure, common_name=f"Application d’essai n° {index}")
            for index, structure in enumerate(_STRUCTURES)
        ),
    ),
    "server": (
        *SPECIMENS["server"],
        *(ServerSubject(*structure, hosts) for structure, hosts in zip(_STRUCTURES, _HOSTS, strict=True)),
    ),
    "authority": (*SPECIMENS["authority"], AuthoritySubject("A", "Ÿ" * MAX_ORGANISATION, "IS:FR-1990000010")),
    "service": (*SPECIMENS["service"], ServiceSubject("É", "Ordre d’essai « national »")),
}
"""Subjects by kind, the specimens of `pki.profiles` among them."""


def trial(compiled: CompiledProfile) -> list[tuple[AnySubject, Finding]]:
    """Try a profile on every extreme name, by our rules and by pkilint; return all findings, notices included.

    Raises:
        Alarm, Malformed, Refused: the profile cannot be compiled or written for one of the names.
    """
    tried = CompiledProfile(compiled.profile, replace(compiled.issuer, base_url=TRIAL_BASE_URL))
    return [(particulars.subject, finding) for particulars in trials(tried) for finding in _judged(tried, particulars)]


def trials(compiled: CompiledProfile) -> Iterator[Particulars]:
    """Yield what to certify: each name of the corpus, with the profile's kinds of keys and CRL shards in turn."""
    specimens = list(compiled.particulars())
    yield from specimens
    if not compiled.profile.self_signed:
        for index, subject in enumerate(CORPUS[compiled.profile.subject]):
            yield specimens[index % len(specimens)]._replace(subject=subject)


def _judged(compiled: CompiledProfile, particulars: Particulars) -> Iterator[Finding]:
    yield from check(compiled.render(*particulars), compiled, particulars.not_before, particulars)
    certificate = render.build(compiled.profile, compiled.issuer, *particulars).public_bytes(Encoding.DER)
    yield from lint_certificate(certificate, compiled.profile.lint, compiled.profile.accepted)
