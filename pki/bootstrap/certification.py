"""Certificates of the authority's own CAs, and requests for them: each made in one place (RFC 3647 §4.3, §6.1.1; CP 6.1.1).

`sceau init`, the ceremonies and `sceau ca` all come here, and all end in the one issuance path. Every certificate is judged
by pkilint too before its issuer's key signs it: these are made once, and relied upon for years.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509

from hsm.api import Custodian, KeyRef
from pki.audit.events import event
from pki.bootstrap import quarantine
from pki.bootstrap.custody import issuance, issuer_view
from pki.bootstrap.home import Home
from pki.bootstrap.trial import try_profiles
from pki.inventory.model import Certificate, State, assemble
from pki.issuance.authority import Authority, IssuingCa
from pki.lint.external import lint_certificate
from pki.lint.finding import refuse
from pki.profiles.compiled import CompiledProfile
from pki.profiles.keyid import key_identifier
from pki.profiles.model import IssuerView, Profile
from pki.profiles.render import throw_away_key
from pki.registration.possession import ProvenKey, prove_possession
from pki.settings import CaSettings
from pki.signing.door import SigningDoor
from pki.signing.request import RequestSigner
from trust import clock as times
from trust import der
from trust.algorithms import ALGORITHMS, PublicKey, spki
from trust.errors import Alarm, Malformed, Missing, Refused, shown
from trust.naming import AuthoritySubject, ServiceSubject

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)
Tell = Callable[[str], None]
OwnSubject = AuthoritySubject | ServiceSubject


def silent(_line: str) -> None:
    """Hear the news, and tell nobody."""


@dataclass(frozen=True)
class Wanted:
    """A certificate to be made."""

    profile: str
    """Its identifier."""
    subject: OwnSubject
    holder: str
    """Under which name the inventory keeps it: ``ca:personnes``, ``cross:racine-2``, ``ocsp:personnes``."""
    key: bytes
    """SubjectPublicKeyInfo, DER."""
    days: int


def self_sign(
    home: Home, custodian: Custodian, ca: CaSettings, public: PublicKey, *, days: int, by: str, tell: Tell = silent
) -> Certificate:
    """Issue the certificate of a root by its own key.

    Raises:
        Refused: profile, key, validity or a lint say no.
    """
    subject = subject_of(home, ca.common_name)
    wanted = Wanted(ca.profile, subject, f"ca:{ca.id}", spki(public), days)
    view = _root_view(home, ca, subject, public, days)
    return _issue(home, custodian, IssuingCa(ca.id, view, ca.key, b""), wanted, by, tell)


def certify(home: Home, custodian: Custodian, issuer: CaSettings, wanted: Wanted, *, by: str, tell: Tell = silent) -> Certificate:
    """Issue a certificate of an authority, or of a service of it, by a CA whose key is here.

    Args:
        home: whose inventory and journal record it.
        custodian: holds the issuer's key.
        issuer: the CA that signs.
        wanted: what it certifies.
        by: which of our processes acts.
        tell: called with one line of news when a profile is to be tried first.

    Raises:
        Missing: the issuer has no certificate yet.
        Refused: profile, key, validity or a lint say no; or the key is not the one that the CA has in custody here.
    """
    _refuse_other_key(home, custodian, wanted)
    certificate = home.ca_certificates().get(issuer.id)
    if certificate is None:
        raise Missing(f"{issuer.id} has no certificate yet: it signs nothing")
    view = issuer_view(home.settings, issuer, certificate)
    revoked = certificate.state is not State.ISSUED
    return _issue(home, custodian, IssuingCa(issuer.id, view, issuer.key, certificate.der, revoked), wanted, by, tell)


def holder_of(home: Home, issuer: str, ca_id: str) -> str:
    """Return the name under which the inventory keeps a CA's certificate: a root's by another root is not its own.

    Raises:
        Malformed: not an identifier of a CA.
        Refused: a CA would certify itself by this way (CP 6.1.1).
    """
    if _ID.fullmatch(ca_id) is None:
        raise Malformed(f"the identifier of an authority is small letters, digits and hyphens, not {shown(ca_id)}")
    if ca_id == issuer:
        raise Refused(f"{issuer} does not certify itself", citation="CP 6.1.1")
    known = {ca.id: ca for ca in home.settings.cas}
    cross = ca_id in known and known[ca_id].issuer != issuer
    return f"{'cross' if cross else 'ca'}:{ca_id}"


def request(custodian: Custodian, label: str, subject: AuthoritySubject) -> bytes:
    """Return a certification request (PKCS#10, DER) for a key in custody, signed by it. It asks for no extension: what a
    certificate says is its issuer's profile's.

    Raises:
        Missing: there is no such key.
        Alarm: the signature does not verify.
    """
    signer = RequestSigner(SigningDoor(custodian))
    key = signer.key(label)
    info = der.sequence(der.integer(0), subject.name_der(), spki(key.public_key), der.explicit(0, b""))
    made = der.sequence(info, key.algorithm.identifier, der.bit_string(signer.sign(label, info)))
    if prove_possession(made).spki != spki(key.public_key):
        raise Alarm(f"the request made for key {label} does not prove that key")
    return made


def requested(octets: bytes, subject: AuthoritySubject | ServiceSubject, home: Home) -> ProvenKey:
    """Return the key of a request that came by file, proven, and asked for under the name that it will bear.

    Raises:
        Malformed, Refused: as `prove_possession`; or the request is in another name.
    """
    proven = prove_possession(octets, known_weak=home.settings.known_weak)
    asked = x509.load_der_x509_csr(proven.csr_der).subject
    # The same words: other programs choose other string types for them, and the certificate has ours.
    if asked != x509.Name.from_bytes(subject.name_der()):
        raise Refused(f"the request is in another name: {asked.rfc4514_string()}", citation="CP 3.1.1")
    return proven


def pem(request: bytes) -> bytes:
    """Write a certification request in PEM (RFC 7468), the form that other authorities' programs read."""
    encoded = base64.b64encode(request).decode()
    lines = "\n".join(encoded[start : start + 64] for start in range(0, len(encoded), 64))
    return f"-----BEGIN CERTIFICATE REQUEST-----\n{lines}\n-----END CERTIFICATE REQUEST-----\n".encode()


def subject_of(home: Home, common_name: str) -> AuthoritySubject:
    """Return the name of an authority of this organisation."""
    return AuthoritySubject(common_name=common_name, organisation=home.settings.organisation)


def judged(compiled: CompiledProfile) -> Callable[[Certificate], None]:
    """Return the second judge of an intent of a profile: pkilint, on the very octets, under a throw-away signature."""
    algorithm, profile = compiled.issuer.algorithm, compiled.profile

    def judge(intent: Certificate) -> None:
        signature = algorithm.sign(throw_away_key(algorithm.name), intent.tbs)
        refuse(lint_certificate(assemble(intent.tbs, signature), profile.lint, profile.accepted))

    return judge


def fingerprint(certificate: Certificate) -> str:
    """Return the SHA-256 of a certificate, hex."""
    return hashlib.sha256(certificate.der).hexdigest()


def refuse_quarantined(home: Home) -> None:
    """Check that a home knows what it signed: one that was put back from a backup does not, until it is reconciled.

    Raises:
        Refused: it is in quarantine (CP 5.7.4).
    """
    if quarantine.stands(home.settings.home):
        reason = "this home was put back from a backup: nothing is signed before `sceau audit reconcile --apply`"
        raise Refused(reason, citation="CP 5.7.4")


def _refuse_other_key(home: Home, custodian: Custodian, wanted: Wanted) -> None:
    kind, _, ca_id = wanted.holder.partition(":")
    ca = next((ca for ca in home.settings.cas if ca.id == ca_id and kind == "ca" and not ca.offline), None)
    # Its certificate would be taken for that of a key which it is not, and nothing could be signed any more.
    if ca is not None and (ca.key not in custodian.labels() or spki(custodian.public_key(KeyRef(ca.key))) != wanted.key):
        raise Refused(f"this is not the key of {ca_id} that is in custody here", citation="CP 6.1.3")


def _issue(home: Home, custodian: Custodian, issuer: IssuingCa, wanted: Wanted, by: str, tell: Tell) -> Certificate:
    refuse_quarantined(home)
    compiled = CompiledProfile(_profile(home, wanted.profile), issuer.view)
    try_profiles(home.settings.home, [compiled], tell)
    authority = Authority({issuer.id: issuer}, {(issuer.id, wanted.profile): compiled})
    service = issuance(home, authority, SigningDoor(custodian), instance=by)
    service.recover()
    issued = service.issue_own(
        issuer.id, wanted.profile, wanted.subject, wanted.holder, wanted.key, days=wanted.days, judge=judged(compiled)
    )
    if wanted.subject.kind == AuthoritySubject.kind:
        facts = {"ca": wanted.holder.partition(":")[2], "serial": issued.serial.hex(), "key": issued.spki_hash.hex(), "by": by}
        with home.store.write() as tx:
            tx.journal.append(
                event("ca.created", sha256=fingerprint(issued), not_after=times.text(issued.not_after), **facts),
                at=home.clock.now(),
            )
    return issued


def _profile(home: Home, name: str) -> Profile:
    try:
        return home.profiles[name]
    except KeyError:
        raise Missing(f"the configuration has no profile {name!r}") from None


def _root_view(home: Home, ca: CaSettings, subject: AuthoritySubject, public: PublicKey, days: int) -> IssuerView:
    now = home.clock.now()
    return IssuerView(
        ca_id=ca.id,
        name_der=subject.name_der(),
        key_id=key_identifier(spki(public)),
        algorithm=ALGORITHMS[ca.algorithm],
        not_before=now,
        # A day too much: its certificate, which says the real end, is made some seconds from now.
        not_after=now + timedelta(days=days + 1),
        base_url=home.settings.base_url,
        shards=ca.shards,
        delta=ca.delta,
        public_key=public,
    )
