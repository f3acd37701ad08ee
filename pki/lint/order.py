"""Is the certificate the one that was ordered? (CP 4.3.1; reliability case P14: linted, asked for and signed are the same.)

The profile's rules accept any practitioner; this compares with the one of the order, field by field, from the octets themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from pki.lint.anatomy import Anatomy, extension_parts
from pki.lint.finding import Finding, Severity
from pki.profiles.model import AlternativeName, Particulars, Profile
from trust import der, oids
from trust.naming import AnySubject, PersonSubject, ServerSubject

_ALTERNATIVE_NAME, _PROFESSION, _POINTS = (
    der.oid(dotted) for dotted in (oids.SUBJECT_ALTERNATIVE_NAME, oids.PROFESSION, oids.CRL_DISTRIBUTION_POINTS)
)


def against_order(
    profile: Profile,
    ordered: Particulars,
    anatomy: Anatomy,
    extensions: Mapping[bytes, bytes],
    validity: tuple[datetime, datetime],
    subject: Mapping[str, str],
) -> Iterator[Finding]:
    """Compare what is written with what was ordered; `extensions` are by OID, both encoded.

    Raises:
        Malformed: an extension cannot be read.
    """
    if subject != {dotted: value for rdn in ordered.subject.rdns() for dotted, value in rdn}:
        yield _error("subject", "another subject than the order's")
    if anatomy.spki != ordered.spki_der:
        yield _error("key", "another public key than the order's")
    if anatomy.serial != ordered.serial:
        yield _error("serial", "another serial than the one reserved")
    if validity != (ordered.not_before, ordered.not_after):
        yield _error("validity", "other dates than the order's")
    if (profession := extensions.get(_PROFESSION)) and str(profession[-1]) != getattr(ordered.subject, "profession", None):
        yield _error("profession", "another profession than the order's")
    if (points := extensions.get(_POINTS)) and _is_shard(points) and not points.endswith(f"/{ordered.shard}.crl".encode()):
        yield _error("shard", f"not CRL shard {ordered.shard}")
    # A user principal name follows from the identifier, and was judged with it: alone, and this one.
    follows = profile.alternative_name is AlternativeName.UPN
    if not follows and _written_names(extensions.get(_ALTERNATIVE_NAME)) != _ordered_names(profile, ordered.subject):
        yield _error("alternative_names", "other alternative names than the order's")


def _is_shard(points: bytes) -> bool:
    """Tell a shard's address from that of the full list; whether it is this issuer's was judged already."""
    return points.rpartition(b"/")[2].removesuffix(b".crl").isdigit()


def _written_names(encoded: bytes | None) -> list[bytes]:
    """Return the mail addresses and DNS names."""
    if encoded is None:
        return []
    return [content for _, content, _ in der.children(der.whole(extension_parts(encoded)[2], der.SEQUENCE))]


def _ordered_names(profile: Profile, subject: AnySubject) -> list[bytes]:
    if isinstance(subject, ServerSubject):
        return [name.encode() for name in subject.dns_names]
    if profile.alternative_name is AlternativeName.EMAIL and isinstance(subject, PersonSubject) and subject.email:
        return [subject.email.encode()]
    return []


def _error(code: str, detail: str) -> Finding:
    return Finding(f"sceau.order.{code}", Severity.ERROR, "CP 4.3.1", detail)
