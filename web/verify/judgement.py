"""What is said of a certificate, in words: the verdict of the authority itself (`pki.bootstrap.verification`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from cryptography import x509
from cryptography.x509.oid import NameOID

from pki.bootstrap import verification
from pki.bootstrap.office import Office
from pki.inventory import model as inventory
from pki.inventory.model import State
from trust.algorithms import algorithm_of
from trust.errors import Malformed
from trust.validation.certificate import Certificate, reading
from trust.validation.findings import Finding, Outcome, Reason
from web.kit.language import ENGLISH, N_, _, spoken
from web.kit.writing import day, moment

SERIAL_OCTETS = 16

TITLES = {
    Outcome.VALID: (
        N_("Valide"),
        "ok",
        N_("Ce certificat est bien de cette autorité, il est dans ses dates et n'est pas révoqué."),
    ),
    Outcome.INVALID: (N_("Non valide"), "", N_("Ne vous y fiez pas.")),
    Outcome.INDETERMINATE: (
        N_("On ne peut pas le dire"),
        "care",
        N_("Rien ne permet d'affirmer qu'il est valable : ne vous y fiez pas."),
    ),
}
"""Of a verdict: its title, the look of its panel, what to make of it."""
FINDINGS = {
    Finding.REVOKED: N_("Il a été révoqué."),
    Finding.HELD: N_("Il est suspendu : il ne vaut rien tant que la suspension n'est pas levée."),
    Finding.EXPIRED: N_("Il a expiré."),
    Finding.NOT_YET_VALID: N_("Il n'est pas encore valable."),
    Finding.WRONG_PURPOSE: N_("Il n'est pas fait pour cet usage."),
    Finding.WRONG_KEY_USAGE: N_("Sa clé n'est pas faite pour cet usage."),
    Finding.WRONG_POLICY: N_("Il n'est pas délivré sous la politique attendue."),
    Finding.UNKNOWN_CRITICAL_EXTENSION: N_("Il porte une mention obligatoire qui n'est pas comprise ici."),
    Finding.NOT_A_CA: N_("Il n'a pas été délivré par une autorité."),
    Finding.PATH_TOO_LONG: N_("Sa chaîne de certification est trop longue."),
    Finding.CONSTRAINT_NOT_PROCESSED: N_("Une contrainte de sa chaîne de certification n'est pas traitée ici."),
    Finding.UNKNOWN_ALGORITHM: N_("Il est signé d'une façon qui n'est pas vérifiée ici."),
    Finding.UNKNOWN_KEY: N_("Sa clé ne peut pas être utilisée ici."),
    Finding.STATUS_UNKNOWN: N_("L'inventaire de l'autorité ne connaît pas ce certificat."),
    Finding.STATUS_STALE: N_("Son état n'est pas connu à cet instant."),
    Finding.STATUS_UNAUTHENTIC: N_("La réponse sur son état n'est pas authentique."),
    Finding.STATUS_NOT_COVERED: N_("La réponse sur son état ne le concerne pas."),
    Finding.STATUS_UNAVAILABLE: N_("Son état n'a pas pu être obtenu."),
    Finding.BAD_SIGNATURE: N_("Sa signature est fausse : il a été modifié, ou n'est pas de cette autorité."),
    Finding.BUDGET: N_("Il demande trop de calculs pour être vérifié."),
    Finding.NO_PATH: N_("Il n'est pas de cette autorité."),
}
STANDS = {
    "issued": (
        N_("Ni révoqué, ni expiré"),
        "ok",
        N_("Pour savoir si un fichier est bien ce certificat, faites vérifier le fichier."),
    ),
    "held": (N_("Suspendu"), "", N_("Il ne vaut rien tant que la suspension n'est pas levée.")),
    "revoked": (N_("Révoqué"), "", N_("Ne vous y fiez pas.")),
    "expired": (N_("Expiré"), "", N_("Il ne vaut plus.")),
}
"""Of a serial number, by `Certificate.status_at`: the same three."""
REASONS = {
    "keyCompromise": N_("la clé est compromise ou perdue"),
    "cACompromise": N_("l'autorité est compromise"),
    "affiliationChanged": N_("le titulaire a changé de lieu ou de structure"),
    "superseded": N_("un autre certificat le remplace"),
    "cessationOfOperation": N_("le titulaire n'en a plus l'usage"),
    "certificateHold": N_("suspendu"),
    "privilegeWithdrawn": N_("le droit a été retiré"),
    "aACompromise": N_("l'autorité d'attributs est compromise"),
    "unspecified": N_("motif non précisé"),
}


@dataclass(frozen=True)
class Judged:
    """What a page says."""

    title: str
    look: str
    advice: str
    why: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """What it is, line by line: (name, value)."""
    path: tuple[str, ...] = ()
    """From the certificate to the root, by name."""
    detail: tuple[str, ...] = field(default=())
    """The reasons with their rules, in English, for whoever helps."""


def of_file(office: Office, octets: bytes) -> Judged:
    """Judge a certificate, PEM or DER.

    Raises:
        Malformed: it is not one.
    """
    certificate = Certificate.read(octets)
    verdict = verification.judge(office.home, certificate)
    title, look, advice = TITLES[verdict.outcome]
    record = verification.Inventory(office.home).find(certificate)
    return Judged(
        _(title),
        look,
        _(advice),
        tuple(dict.fromkeys(_said(each, certificate) for each in verdict.reasons)),
        tuple(_facts(office, certificate, record)),
        tuple(_name(partial(_subject, one)) for one in verdict.path),
        tuple(str(each) for each in verdict.reasons),
    )


def of_serial(office: Office, serial: bytes) -> Judged | None:
    """Say how the certificate of that number stands; None when there is none. Whose it is is not said."""
    found, now = verification.of_serial(office.home, serial), office.home.clock.now()
    if found is None:
        return None
    facts = ((_("Nature"), _profile(office, found)), *_dates(found.not_before, found.not_after), *_end(found))
    state = found.status_at(now)
    if state == "issued" and now < found.not_before:
        return Judged(_("Pas encore valable"), "care", _("Sa période de validité n'a pas commencé."), facts=facts)
    title, look, advice = STANDS[state]
    return Judged(_(title), look, _(advice), facts=facts)


def read_serial(typed: str) -> bytes | None:
    """Read a serial number as people copy it: with spaces or colons, in either case, with ``0x`` or zeros before it."""
    compact = re.sub(r"[\s:.-]", "", typed.lower()).removeprefix("0x").lstrip("0")
    compact = compact.zfill(len(compact) + len(compact) % 2)
    if not compact or len(compact) > 40 or not all(letter in "0123456789abcdef" for letter in compact):
        return None
    return bytes.fromhex(compact)


def _facts(office: Office, certificate: Certificate, record: inventory.Certificate | None) -> list[tuple[str, str]]:
    facts = [
        (_("Titulaire"), _name(partial(_subject, certificate))),
        (_("Délivré par"), _name(lambda: certificate.parsed.issuer)),
        (_("Numéro de série"), f"{certificate.serial:032x}"),
    ]
    if record is not None:
        facts.append((_("Nature"), _profile(office, record)))
    facts.append((_("Politique"), _policy(office, certificate)))
    key = certificate.public_key
    algorithm = None if key is None else algorithm_of(key)
    facts.append((_("Clé"), _("d'un type qui n'est pas connu ici") if algorithm is None else algorithm.name))
    facts += _dates(certificate.not_before, certificate.not_after)
    return facts + ([] if record is None else list(_end(record)))


def _subject(certificate: Certificate) -> x509.Name:
    return certificate.parsed.subject


def _name(read: Callable[[], x509.Name]) -> str:
    """Write a name as people say it: who, then what else the certificate says of them."""
    try:
        with reading("certificate"):
            said = {each.oid: _line(str(each.value)) for each in read()}
    except Malformed:
        return _("illisible")
    people = f"{said.get(NameOID.GIVEN_NAME, '')} {said.get(NameOID.SURNAME, '')}".strip()
    others = (NameOID.COMMON_NAME, NameOID.TITLE, NameOID.ORGANIZATION_NAME)
    return ", ".join([*([people] if people else []), *(said[oid] for oid in others if oid in said)]) or _("sans nom")


def _line(value: str) -> str:
    """Return a value without what would not be seen, or would turn the words around it."""
    return "".join(letter if letter.isprintable() else "�" for letter in value)


def _profile(office: Office, record: inventory.Certificate) -> str:
    profile = office.home.profiles.get(record.profile)
    return record.profile if profile is None else _(profile.title)


def _policy(office: Office, certificate: Certificate) -> str:
    """Say the policy that a certificate claims: by the profiles of ours that are issued under it."""
    try:
        stated = certificate.extension("2.5.29.32")
    except Malformed:
        return _("illisible")
    if stated is None:
        return _("aucune n'est énoncée")
    words = []
    for oid in [each.policy_identifier.dotted_string for each in stated]:
        ours = [_(profile.title) for profile in office.home.profiles.values() if profile.policy == oid]
        words.append(f"{', '.join(ours)} ({oid})" if ours else oid)
    return "; ".join(words) if spoken() == ENGLISH else " ; ".join(words)


def _dates(begins: datetime, ends: datetime) -> list[tuple[str, str]]:
    return [(_("Valable à partir du"), day(begins)), (_("Jusqu'au"), day(ends))]


def _end(record: inventory.Certificate) -> list[tuple[str, str]]:
    if record.revoked_at is None or record.state not in (State.REVOKED, State.HELD):
        return []
    name = "unspecified" if record.reason is None else record.reason.standard_name
    what = _("Suspendu depuis le") if record.state is State.HELD else _("Révoqué le")
    return [(what, moment(record.revoked_at)), (_("Motif"), _(REASONS[name]))]


def _said(reason: Reason, certificate: Certificate) -> str:
    """Say a reason; of an authority above, by its name."""
    words = _(FINDINGS[reason.finding])
    if reason.subject == certificate.name:
        return words
    return _("%(authority)s : %(words)s", authority=reason.subject, words=words[0].lower() + words[1:])
