"""Who a certificate speaks of, and how that is written (RFC 3647 §3.1; CP 3.1).

A subject is a frozen value that cannot hold a name unfit for a certificate. It writes itself as a distinguished name in DER
(`name_der`), as a record for orders and journals (`record`), and comes back from that record (`subject_from_record`). The shapes
are those measured on the certificates of the national health infrastructure: a practitioner is ``C=FR``, ``title`` and one
multi-valued RDN {GN, CN=IdNat_PS, SN}; a structure is ``C, ST, O, OU=Struct_IdNat, CN``.

Nothing is cut or corrected here: a name that is shortened in silence is another person's name. `tidy` and `shortened` (in
`nameforms`, with the forms themselves) are for callers who receive text from outside and must decide.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, ClassVar, cast

from trust import der, oids
from trust import nameforms as forms
from trust.canonical import canonical
from trust.errors import Malformed
from trust.nameforms import is_test_identity, is_test_structure, organisation_id, shortened, tidy

__all__ = [
    "SUBJECTS",
    "AnySubject",
    "AuthoritySubject",
    "OrganisationSubject",
    "PersonSubject",
    "RDNs",
    "ServerSubject",
    "ServiceSubject",
    "Subject",
    "is_test_identity",
    "is_test_structure",
    "organisation_id",
    "shortened",
    "subject_from_record",
    "tidy",
]

COUNTRY = "FR"

RDNs = tuple[tuple[tuple[str, str], ...], ...]


@lru_cache(maxsize=16)
def _members(kind: type[Subject]) -> frozenset[str]:
    """Return the names of the members of a kind of subject."""
    return frozenset(field.name for field in fields(cast("type[AnySubject]", kind)))


class Subject(ABC):
    """Somebody or something that a certificate can name: what all the kinds below have in common."""

    __slots__ = ()
    kind: ClassVar[str]

    @abstractmethod
    def rdns(self) -> RDNs:
        """Return the name as relative distinguished names, each one or several (attribute OID, value)."""

    def name_der(self) -> bytes:
        """Return the distinguished name, DER."""
        encoded = [_C_FR]
        for rdn in self.rdns()[1:]:
            encoded.append(der.set_of(*(_attribute(der.oid(dotted), value) for dotted, value in rdn)))
        return der.sequence(*encoded)

    def record(self) -> dict[str, Any]:
        """Return a canonical, JSON-able description; `subject_from_record` reads it back."""
        values = {name: getattr(self, name) for name in _members(type(self))}
        if "dns_names" in values:
            values["dns_names"] = list(values["dns_names"])
        return {"kind": self.kind, **values}

    def text(self) -> str:
        """Return the canonical text of the record."""
        return canonical(self.record()).decode()


@dataclass(frozen=True, slots=True)
class PersonSubject(Subject):
    """A practitioner: one person, one profession exercised."""

    idnat: str
    """IdNat_PS: the type digit, then the number; ``"899700000013"`` for RPPS 99700000013."""
    family_name: str
    given_name: str
    profession: str
    """Code of TRE_G15, for instance ``"10"``."""
    title: str
    """Label of the profession, for instance ``"Médecin"``."""
    email: str | None = None
    """Secure mail address, for the profiles that carry one."""
    kind: ClassVar[str] = "person"

    def __post_init__(self) -> None:
        """Refuse what no certificate may hold (Malformed)."""
        forms.require_idnat(self.idnat)
        forms.require_person_name("family_name", self.family_name)
        forms.require_person_name("given_name", self.given_name)
        forms.require_profession(self.profession, self.title)
        if self.email is not None:
            forms.require_email(self.email)

    def rdns(self) -> RDNs:
        """Return the name: C, title, then the person in one RDN."""
        person = ((oids.GIVEN_NAME, self.given_name), (oids.COMMON_NAME, self.idnat), (oids.SURNAME, self.family_name))
        return (((oids.COUNTRY, COUNTRY),), ((oids.TITLE, self.title),), person)

    def text(self) -> str:
        """Return the canonical text of the record: written out, for people come by the million."""
        email = "null" if self.email is None else encode_basestring(self.email)
        return (
            f'{{"email":{email},"family_name":{encode_basestring(self.family_name)},'
            f'"given_name":{encode_basestring(self.given_name)},"idnat":{encode_basestring(self.idnat)},"kind":"person",'
            f'"profession":{encode_basestring(self.profession)},"title":{encode_basestring(self.title)}}}'
        )

    def name_der(self) -> bytes:
        """Return the distinguished name, DER."""
        # DER sorts a SET by octets, so by length first: the order of the three changes from one person to the next.
        person = sorted((_attribute(_GN, self.given_name), _attribute(_CN, self.idnat), _attribute(_SN, self.family_name)))
        return der.tlv(der.SEQUENCE, _C_FR + _usual_rdn(_TITLE, self.title) + der.tlv(der.SET, b"".join(person)))


@dataclass(frozen=True, slots=True)
class OrganisationSubject(Subject):
    """A structure, or one application of it: what authenticates to other systems and seals documents in its name."""

    struct_idnat: str
    """Struct_IdNat: ``1`` + FINESS, ``3`` + SIRET, ``4`` + RPPS-rang, ``0`` + ADELI-rang."""
    name: str
    department: str
    """Name and number: ``"Paris (75)"``."""
    common_name: str
    """Name of the application or of the seal."""
    kind: ClassVar[str] = "organisation"

    def __post_init__(self) -> None:
        """Refuse what no certificate may hold (Malformed)."""
        forms.require_structure(self.struct_idnat, self.name, self.department)
        forms.require_common_name(self.common_name)

    def rdns(self) -> RDNs:
        """Return the name: C, ST, O, organizationIdentifier, OU, CN."""
        return (
            ((oids.COUNTRY, COUNTRY),),
            ((oids.STATE, self.department),),
            ((oids.ORGANISATION, self.name),),
            ((oids.ORGANISATION_IDENTIFIER, organisation_id(self.struct_idnat)),),
            ((oids.ORGANISATIONAL_UNIT, self.struct_idnat),),
            ((oids.COMMON_NAME, self.common_name),),
        )


@dataclass(frozen=True, slots=True)
class ServerSubject(Subject):
    """A server of a structure. Its name is the one that white lists hold: no organizationIdentifier."""

    struct_idnat: str
    name: str
    department: str
    dns_names: tuple[str, ...]
    """Lower-case names, each letters, digits and hyphens; the first is also the common name."""
    kind: ClassVar[str] = "server"

    def __post_init__(self) -> None:
        """Refuse what no certificate may hold (Malformed)."""
        forms.require_structure(self.struct_idnat, self.name, self.department)
        forms.require_hosts(self.dns_names)

    def rdns(self) -> RDNs:
        """Return the name: C, ST, O, OU, CN."""
        return (
            ((oids.COUNTRY, COUNTRY),),
            ((oids.STATE, self.department),),
            ((oids.ORGANISATION, self.name),),
            ((oids.ORGANISATIONAL_UNIT, self.struct_idnat),),
            ((oids.COMMON_NAME, self.dns_names[0]),),
        )


@dataclass(frozen=True, slots=True)
class AuthoritySubject(Subject):
    """A certification authority."""

    common_name: str
    organisation: str
    organisation_id: str | None = None
    """EN 319 412-1 §5.1.4 form, for instance ``"NTRFR-999999998"``."""
    kind: ClassVar[str] = "authority"

    def __post_init__(self) -> None:
        """Refuse what no certificate may hold (Malformed)."""
        forms.require_institution(self.common_name, self.organisation, self.organisation_id)

    def rdns(self) -> RDNs:
        """Return the name: C, O, organizationIdentifier when there is one, CN."""
        return _institution_rdns(self.common_name, self.organisation, self.organisation_id)


@dataclass(frozen=True, slots=True)
class ServiceSubject(Subject):
    """A service of the authority itself: an OCSP responder, a time-stamping unit."""

    common_name: str
    organisation: str
    organisation_id: str | None = None
    kind: ClassVar[str] = "service"

    def __post_init__(self) -> None:
        """Refuse what no certificate may hold (Malformed)."""
        forms.require_institution(self.common_name, self.organisation, self.organisation_id)

    def rdns(self) -> RDNs:
        """Return the name: C, O, organizationIdentifier when there is one, CN."""
        return _institution_rdns(self.common_name, self.organisation, self.organisation_id)


AnySubject = PersonSubject | OrganisationSubject | ServerSubject | AuthoritySubject | ServiceSubject

SUBJECTS: dict[str, type[AnySubject]] = {
    subject.kind: subject for subject in (PersonSubject, OrganisationSubject, ServerSubject, AuthoritySubject, ServiceSubject)
}
"""Every kind of subject by its name in records and profiles."""


def subject_from_record(record: Mapping[str, Any]) -> AnySubject:
    """Read a subject that `record` wrote.

    Raises:
        Malformed: an unknown kind, a missing or unknown member, or a value that no certificate may hold.
    """
    values = dict(record)
    kind = SUBJECTS.get(str(values.pop("kind", None)))
    if kind is None:
        raise Malformed(f"subject: no kind of subject is called {record.get('kind')!r}")
    names = _members(kind)
    if values.keys() != names:
        raise Malformed(f"subject: a {kind.kind} has {', '.join(sorted(names))}, not {', '.join(sorted(map(str, values)))}")
    if isinstance(values.get("dns_names"), list):
        values["dns_names"] = tuple(values["dns_names"])
    return kind(**values)


def _institution_rdns(common_name: str, organisation: str, organisation_id: str | None) -> RDNs:
    identifier = (((oids.ORGANISATION_IDENTIFIER, organisation_id),),) if organisation_id is not None else ()
    return (((oids.COUNTRY, COUNTRY),), ((oids.ORGANISATION, organisation),), *identifier, ((oids.COMMON_NAME, common_name),))


_CN, _SN, _GN, _TITLE = (der.oid(dotted) for dotted in (oids.COMMON_NAME, oids.SURNAME, oids.GIVEN_NAME, oids.TITLE))
# countryName is a PrintableString by its definition (RFC 5280 appendix A.1); everything else is a UTF8String (RFC 5280 §4.1.2.4).
_C_FR = der.set_of(der.sequence(der.oid(oids.COUNTRY), der.printable(COUNTRY)))


_SHORT = tuple(bytes((count,)) for count in range(0x80))


def _attribute(attribute_type: bytes, value: str) -> bytes:
    """Encode one attribute; all our types are ``2.5.4.n``, five octets, hence the constant 7."""
    octets = value.encode()
    count = len(octets)
    if count + 7 < 0x80:  # nearly every name; three times faster than the general form below
        return b"\x30" + _SHORT[count + 7] + attribute_type + b"\x0c" + _SHORT[count] + octets
    return der.tlv(der.SEQUENCE, attribute_type + der.tlv(der.UTF8_STRING, octets))


@lru_cache(maxsize=256)
def _usual_rdn(attribute_type: bytes, value: str) -> bytes:
    """Encode an RDN that many names share (a profession), once."""
    return der.tlv(der.SET, _attribute(attribute_type, value))
