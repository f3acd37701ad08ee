"""The steps of a key ceremony, one function each (RFC 3647 §6.1.1; CP 6.1.1).

Each does one thing by the path that the authority uses for it anyway, and says in the transcript's words what it made. A step
that an interrupted run began finds what that run made, and makes nothing twice but a list, whose number then grows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from hsm.api import Custodian, KeyRef, KeyUse
from pki.adapters.publication_files import PublicationFiles
from pki.bootstrap import certification
from pki.bootstrap.ceremony.folder import read, write
from pki.bootstrap.ceremony.script import Certify, Crl, Generate, Import, Request, Revoke, SelfSign, Step
from pki.bootstrap.ceremony.words import ALGORITHM, certificate_facts, custody_in_words, moment, spaced, uses_in_words
from pki.bootstrap.certification import Wanted
from pki.bootstrap.custody import open_authority
from pki.bootstrap.home import Home
from pki.bootstrap.imports import Imported, import_certificates, import_list
from pki.bootstrap.keys import make_key
from pki.bootstrap.lists import crl_issuer
from pki.bootstrap.sealing import root
from pki.inventory.model import REASONS_BY_NAME, Certificate, State
from pki.lint.external import lint_crl
from pki.lint.finding import refuse
from pki.profiles.render import throw_away_key
from pki.revocation.changes import end
from pki.signing.crl import CrlSigner
from pki.signing.door import SigningDoor
from pki.status.crl import finish
from pki.status.crl_lists import CrlIssuer
from pki.status.crl_scope import FULL
from pki.status.publish import CrlPublisher
from trust.algorithms import PublicKey, spki
from trust.errors import Conflict, Missing, Refused
from trust.naming import ServiceSubject

BY = "ceremony"
"""Who acts here, in the journal's words."""
LARGEST_FILE = 1 << 20
"""Octets of what is carried from another place: the list of a root has a few entries."""


@dataclass(frozen=True)
class Scene:
    """Where a ceremony takes place."""

    home: Home
    custodian: Custodian
    folder: Path
    """What comes from elsewhere is here, and what is made goes here."""
    list_hours: int
    """The longest validity of a list that comes from elsewhere."""
    since: datetime | None = None
    """When an interrupted run began the step at hand; None when nobody did."""
    tell: Callable[[str], None] = certification.silent


@dataclass(frozen=True)
class Made:
    """What a step made, in the transcript's words."""

    said: str
    facts: tuple[tuple[str, str], ...]
    file: str | None = None
    sha256: str | None = None
    """Of the file, hex."""


def perform(step: Step, scene: Scene) -> Made:
    """Do one step.

    Raises:
        Refused, Conflict, Missing, Malformed, Alarm, Unavailable: it was not done; what was done before it stands.
    """
    match step:
        case Generate():
            return generate(step, scene)
        case SelfSign():
            return self_sign(step, scene)
        case Request():
            return request(step, scene)
        case Certify():
            return certify(step, scene)
        case Revoke():
            return revoke(step, scene)
        case Crl():
            return crl(step, scene)
        case Import():
            return import_(step, scene)


def generate(step: Generate, scene: Scene) -> Made:
    """Make a key in custody."""
    ref, uses = KeyRef(step.key), [KeyUse(use) for use in step.uses]
    if scene.since is None and step.key in scene.custodian.labels():
        raise Conflict(f"the key {step.key} exists already")
    make_key(scene.home, scene.custodian, step.key, step.algorithm, *uses, by=BY)
    found = scene.custodian.description(ref)
    if found.algorithm != step.algorithm or set(found.uses) != set(step.uses):
        raise Conflict(f"the key {step.key} in custody is of another kind, or for other uses, than the script says")
    facts = (
        ("Étiquette", step.key),
        (ALGORITHM, step.algorithm),
        ("Usages", uses_in_words(step.uses)),
        ("Gardée par", custody_in_words(found.where)),
        ("SHA-256 de la clé publique", spaced(found.spki_sha256)),
    )
    return Made(f"Création de la clé « {step.key} »", facts)


def self_sign(step: SelfSign, scene: Scene) -> Made:
    """Have a root certify itself."""
    ca, public = scene.home.settings.ca(step.ca), _public(scene, step.key)
    issued = _earlier(scene, f"ca:{ca.id}", ca.id, public) or certification.self_sign(
        scene.home, scene.custodian, ca, public, days=step.days, by=BY, tell=scene.tell
    )
    return _certificate(scene, f"Certificat de la racine « {step.ca} »", issued, step.file)


def request(step: Request, scene: Scene) -> Made:
    """Ask to be certified elsewhere."""
    subject = certification.subject_of(scene.home, step.common_name)
    made = certification.request(scene.custodian, step.key, subject)
    facts = (
        ("Autorité", step.ca),
        ("Nom", subject.common_name),
        ("Clé", step.key),
        ("SHA-256 de la clé publique", spaced(hashlib.sha256(spki(_public(scene, step.key))).hexdigest())),
    )
    return _written(scene, f"Demande de certificat de « {step.ca} »", facts, step.file, certification.pem(made))


def certify(step: Certify, scene: Scene) -> Made:
    """Certify a key."""
    home, issuer = scene.home, scene.home.settings.ca(step.issuer)
    subject: certification.OwnSubject = certification.subject_of(home, step.common_name)
    if step.ca is None:
        subject = ServiceSubject(common_name=step.common_name, organisation=home.settings.organisation)
    if step.request is not None:
        key = certification.requested(read(scene.folder, step.request, LARGEST_FILE), subject, home).spki
    else:
        key = spki(_public(scene, step.key or ""))
    holder = f"ocsp:{step.issuer}" if step.ca is None else certification.holder_of(home, step.issuer, step.ca)
    wanted = Wanted(step.profile, subject, holder, key, step.days)
    issued = _earlier(scene, holder, issuer.id, key) or certification.certify(
        home, scene.custodian, issuer, wanted, by=BY, tell=scene.tell
    )
    said = f"Certificat de « {step.ca or step.common_name} » par « {step.issuer} »"
    return _certificate(scene, said, issued, step.file)


def revoke(step: Revoke, scene: Scene) -> Made:
    """Revoke what a CA certified of another."""
    home, reason = scene.home, REASONS_BY_NAME[step.reason]
    with home.store.write() as tx:
        found = [
            *tx.certificates.of_holder(f"ca:{step.ca}", lock=True),
            *tx.certificates.of_holder(f"cross:{step.ca}", lock=True),
        ]
        live = [each for each in found if each.ca == step.issuer and each.signature is not None]
        if not live:
            raise Missing(f"{step.issuer} certified nothing of {step.ca}")
        if any(reason not in home.reasons[each.profile] for each in live):
            raise Refused(f"{step.reason} is no reason for the certificates of {step.ca}", citation="CP 4.9.1")
        end(tx, live, reason, home.clock.now(), BY)
    serials = tuple(("Numéro de série", each.serial.hex()) for each in live)
    return Made(f"Révocation de « {step.ca} » par « {step.issuer} »", (*serials, ("Motif", step.reason)))


def crl(step: Crl, scene: Scene) -> Made:
    """Make the list of a CA: by the publisher that makes all lists, judged by pkilint before it is signed."""
    home, settings = scene.home, scene.home.settings.ca(step.issuer)
    ca = open_authority(home).ca(step.issuer)
    issuer = crl_issuer(settings, ca, CrlSigner(SigningDoor(scene.custodian)))
    issuer = _judged(replace(issuer, validity=timedelta(hours=step.hours)))
    CrlPublisher(home.store, [issuer], PublicationFiles(root(home)), home.clock).publish_all()
    with home.store.read() as tx:
        record = tx.crls.last(step.issuer, FULL)
    octets = PublicationFiles(root(home)).read(issuer.name(FULL))
    if record is None or octets is None or hashlib.sha256(octets).digest() != record.sha256:
        raise Conflict(f"another list of {step.issuer} was made meanwhile")
    facts = (
        ("Autorité", step.issuer),
        ("Numéro", str(record.number)),
        ("Du", moment(record.this_update)),
        ("Au", moment(record.next_update)),
        ("Certificats révoqués", str(record.entries)),
    )
    return _written(scene, f"Liste de révocation de « {step.issuer} »", facts, step.file, octets)


def import_(step: Import, scene: Scene) -> Made:
    """Take in what was made elsewhere."""
    octets = read(scene.folder, step.file, LARGEST_FILE)
    if step.file.endswith(".crl"):
        found = [import_list(scene.home, octets, most_hours=scene.list_hours, by=BY)]
    else:
        found = import_certificates(scene.home, octets, lambda: scene.custodian, sha256=step.sha256, by=BY)
    facts = tuple(fact for each in found for fact in _imported(each))
    return Made(f"Réception de {step.file}", facts, step.file, hashlib.sha256(octets).hexdigest())


# --- what several steps do
# -------------------------------------------------------------------------------------------------------


def _public(scene: Scene, label: str) -> PublicKey:
    return scene.custodian.public_key(KeyRef(label))


def _earlier(scene: Scene, holder: str, issuer: str, key: PublicKey | bytes) -> Certificate | None:
    """Return the certificate that an interrupted run of this very step made, if it came that far."""
    if scene.since is None:
        return None
    digest = hashlib.sha256(key if isinstance(key, bytes) else spki(key)).digest()
    with scene.home.store.read() as tx:
        found = tx.certificates.of_holder(holder)
    fitting = [each for each in found if each.ca == issuer and each.spki_hash == digest and each.state is State.ISSUED]
    return next((each for each in reversed(fitting) if each.prepared_at >= scene.since), None)


def _judged(issuer: CrlIssuer) -> CrlIssuer:
    """Return a CA whose lists pkilint judges before its key signs them: header, extensions, a sample of entries."""
    algorithm = issuer.algorithm

    def sign(tbs: bytes, subject: str) -> bytes:
        refuse(lint_crl(finish(tbs, algorithm.sign(throw_away_key(algorithm.name), tbs))))
        return issuer.sign(tbs, subject)

    return replace(issuer, sign=sign)


def _certificate(scene: Scene, said: str, issued: Certificate, file: str) -> Made:
    return _written(scene, said, certificate_facts(issued), file, issued.der)


def _written(scene: Scene, said: str, facts: tuple[tuple[str, str], ...], file: str, octets: bytes) -> Made:
    write(scene.folder, file, octets)
    return Made(said, facts, file, hashlib.sha256(octets).hexdigest())


def _imported(found: Imported) -> tuple[tuple[str, str], ...]:
    kinds = {"root": "racine", "authority": "autorité", "cross": "certificat croisé", "list": "liste de révocation"}
    number = () if found.number is None else (("Numéro", str(found.number)),)
    ends = "Au" if found.kind == "list" else "Valable jusqu'au"
    return (("Nature", kinds[found.kind]), ("Autorité", found.ca), *number, (ends, moment(found.until)))
