"""Who a certificate speaks of, and how that is written (RFC 3647 §3.1; CP 3.1).

A subject is a frozen value that cannot hold a name unfit for a certificate. It writes itself as a distinguished name in DER
(`name_der`), as a record for orders and journals (`record`), and comes back from that record (`subject_from_record`). The shapes
are those measured on the certificates of the national health infrastructure: a practitioner is ``C=FR``, ``title`` and one
multi-valued RDN {GN, CN=IdNat_PS, SN}; a structure is ``C, ST, O, OU=Struct_IdNat, CN``.

Nothing is cut or corrected here: a name that is shortened in silence is another person's name. `tidy` and `shortened` are there
for the callers who receive text from the outside and must decide. Whether the person exists is registration's question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, ClassVar, Protocol

from trust import der, oids
from trust.errors import Malformed
from trust.identity.establishment import StructIdNat
from trust.identity.national import IdNatPs
from trust.identity.rpps import Rpps

COUNTRY = "FR"

# RFC 5280 appendix A.1 upper bounds, in characters. For a name or a first name that bound is 32 768 (ub-name): ours lets every
# real person in and keeps a pasted paragraph out. Above a bound we refuse; see `shortened` for the one name that may be cut.
MAX_PERSON_NAME = 128
MAX_COMMON_NAME = 64  # and in octets too: cryptography refuses to write, others to read, one of 64 accented characters
MAX_ORGANISATION = 64
MAX_TITLE = 64
MAX_DEPARTMENT = 128
MAX_EMAIL = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets
MAX_DNS_NAME = 253  # RFC 1035 §2.3.4, without the final dot
MAX_SERVER_NAMES = 100  # CP 3.1.1

# Latin letters only: a Cyrillic or Greek look-alike in a name is an impersonation, not a spelling. No control, format (zero
# width, bidirectional override) or line-separating character can match, and no space at an end or beside another.
_LETTERS = "A-Za-zªºÀ-ÖØ-öø-ɏḀ-ỿ"
_PERSON = re.compile(rf"(?=[^{_LETTERS}]*[{_LETTERS}])(?! )(?:[{_LETTERS}'’.-]| (?! ))+(?<! )")
_LABEL = re.compile(rf"(?! )(?:[{_LETTERS}!-~°²³«»–’€§·]| (?! ))+(?<! )")
_IDNAT_PS = re.compile(r"8\d{11}|0[0-9A-Z]{9}|[13456][0-9A-Z]{9,14}/[0-9A-Za-z._-]{1,46}", re.ASCII)
_STRUCT_IDNAT = re.compile(r"[0134][0-9A-Z]{9,14}", re.ASCII)
_PROFESSION = re.compile(r"[1-9]\d", re.ASCII)
_ORGANISATION_ID = re.compile(r"(?:VAT|NTR|PSD|LEI|[A-Z]{2}:)[A-Z]{2}-[0-9A-Za-z.-]{1,48}", re.ASCII)
_DNS_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label is not a number: that would be an IP address (RFC 1123 §2.1). A wildcard is the leftmost label, above two more.
_DNS = re.compile(rf"(?!.*(?:^|\.)\d+$)(?:\*\.(?=.*\.))?{_DNS_LABEL}(?:\.{_DNS_LABEL})*", re.ASCII)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_DNS_LABEL}(?:\.{_DNS_LABEL})+", re.ASCII)

# Identifiers that no real person or structure bears, by type: the test range of the RPPS, departments 99 and 0B, SIREN 999….
_TEST_IDNAT = re.compile(r"[68]997|[013](?:99|0B)|[45]999", re.ASCII)
_TEST_STRUCT = re.compile(r"4997|[01](?:99|0B)|3999", re.ASCII)

RDNs = tuple[tuple[tuple[str, str], ...], ...]


class Subject(Protocol):
    """Somebody or something that a certificate can name."""

    kind: ClassVar[str]

    def name_der(self) -> bytes:
        """Return the distinguished name, DER."""
        ...

    def rdns(self) -> RDNs:
        """Return the name as relative distinguished names, each one or several (attribute OID, value)."""
        ...

    def record(self) -> dict[str, Any]:
        """Return a canonical, JSON-able description; `subject_from_record` reads it back."""
        ...


@dataclass(frozen=True, slots=True)
class PersonSubject:
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
        _require(_IDNAT_PS, "idnat", self.idnat, MAX_COMMON_NAME)
        # Made-up numbers pass here: whether the authority may name them is the mode's concern (CP 3.1.5).
        _ = Rpps(self.idnat[1:]) if self.idnat[0] == "8" else IdNatPs(self.idnat, test_mode=True)
        _require(_PERSON, "family_name", self.family_name, MAX_PERSON_NAME)
        _require(_PERSON, "given_name", self.given_name, MAX_PERSON_NAME)
        _require(_PROFESSION, "profession", self.profession, 2)
        _require(_LABEL, "title", self.title, MAX_TITLE)
        if self.email is not None:
            _require(_EMAIL, "email", self.email, MAX_EMAIL)

    def rdns(self) -> RDNs:
        """Return the name: C, title, then the person in one RDN."""
        person = ((oids.GIVEN_NAME, self.given_name), (oids.COMMON_NAME, self.idnat), (oids.SURNAME, self.family_name))
        return (((oids.COUNTRY, COUNTRY),), ((oids.TITLE, self.title),), person)

    def name_der(self) -> bytes:
        """Return the distinguished name, DER."""
        # DER sorts a SET by octets, so by length first: the order of the three changes from one person to the next.
        person = sorted((_attribute(_GN, self.given_name), _attribute(_CN, self.idnat), _attribute(_SN, self.family_name)))
        return der.tlv(der.SEQUENCE, _C_FR + _usual_rdn(_TITLE, self.title) + der.tlv(der.SET, b"".join(person)))

    def record(self) -> dict[str, Any]:
        """Return a canonical, JSON-able description."""
        return _record(self)


@dataclass(frozen=True, slots=True)
class OrganisationSubject:
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
        _structure(self.struct_idnat, self.name, self.department)
        _require_common_name(self.common_name)

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

    def name_der(self) -> bytes:
        """Return the distinguished name, DER."""
        return _name_der(self.rdns())

    def record(self) -> dict[str, Any]:
        """Return a canonical, JSON-able description."""
        return _record(self)


@dataclass(frozen=True, slots=True)
class ServerSubject:
    """A server of a structure. Its name is the one that white lists hold: no organizationIdentifier."""

    struct_idnat: str
    name: str
    department: str
    dns_names: tuple[str, ...]
    """Lower-case names, each letters, digits and hyphens; the first is also the common name."""
    kind: ClassVar[str] = "server"

    def __post_init__(self) -> None:
        """Refuse what no certificate may hold (Malformed)."""
        _structure(self.struct_idnat, self.name, self.department)
        if type(self.dns_names) is not tuple or not 1 <= len(self.dns_names) <= MAX_SERVER_NAMES:
            raise Malformed(f"dns_names: a tuple of 1 to {MAX_SERVER_NAMES} names")
        for name in self.dns_names:
            _require(_DNS, "dns_names", name, MAX_DNS_NAME)
        if len(set(self.dns_names)) != len(self.dns_names):
            raise Malformed("dns_names: the same name twice")
        if len(self.dns_names[0]) > MAX_COMMON_NAME:
            raise Malformed(f"dns_names: the first one is the common name, at most {MAX_COMMON_NAME} characters")

    def rdns(self) -> RDNs:
        """Return the name: C, ST, O, OU, CN."""
        return (
            ((oids.COUNTRY, COUNTRY),),
            ((oids.STATE, self.department),),
            ((oids.ORGANISATION, self.name),),
            ((oids.ORGANISATIONAL_UNIT, self.struct_idnat),),
            ((oids.COMMON_NAME, self.dns_names[0]),),
        )

    def name_der(self) -> bytes:
        """Return the distinguished name, DER."""
        return _name_der(self.rdns())

    def record(self) -> dict[str, Any]:
        """Return a canonical, JSON-able description."""
        return _record(self)


@dataclass(frozen=True, slots=True)
class AuthoritySubject:
    """A certification authority."""

    common_name: str
    organisation: str
    organisation_id: str | None = None
    """EN 319 412-1 §5.1.4 form, for instance ``"NTRFR-999999998"``."""
    kind: ClassVar[str] = "authority"

    def __post_init__(self) -> None:
        """Refuse what no certificate may hold (Malformed)."""
        _institution(self.common_name, self.organisation, self.organisation_id)

    def rdns(self) -> RDNs:
        """Return the name: C, O, organizationIdentifier when there is one, CN."""
        return _institution_rdns(self.common_name, self.organisation, self.organisation_id)

    def name_der(self) -> bytes:
        """Return the distinguished name, DER."""
        return _name_der(self.rdns())

    def record(self) -> dict[str, Any]:
        """Return a canonical, JSON-able description."""
        return _record(self)


@dataclass(frozen=True, slots=True)
class ServiceSubject:
    """A service of the authority itself: an OCSP responder, a time-stamping unit."""

    common_name: str
    organisation: str
    organisation_id: str | None = None
    kind: ClassVar[str] = "service"

    def __post_init__(self) -> None:
        """Refuse what no certificate may hold (Malformed)."""
        _institution(self.common_name, self.organisation, self.organisation_id)

    def rdns(self) -> RDNs:
        """Return the name: C, O, organizationIdentifier when there is one, CN."""
        return _institution_rdns(self.common_name, self.organisation, self.organisation_id)

    def name_der(self) -> bytes:
        """Return the distinguished name, DER."""
        return _name_der(self.rdns())

    def record(self) -> dict[str, Any]:
        """Return a canonical, JSON-able description."""
        return _record(self)


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
    names = {field.name for field in fields(kind)}
    if set(values) != names:
        raise Malformed(f"subject: a {kind.kind} has {', '.join(sorted(names))}, not {', '.join(sorted(map(str, values)))}")
    if isinstance(values.get("dns_names"), list):
        values["dns_names"] = tuple(values["dns_names"])
    return kind(**values)


def organisation_id(struct_idnat: str) -> str:
    """Return the organizationIdentifier of a structure (EN 319 412-1 §5.1.4).

    A SIRET holds a SIREN, which the trade register scheme covers. The other identifiers use the scheme ``IS`` (identifiant de
    structure), a local definition that this authority publishes (CP 3.1.1): the whole Struct_IdNat.
    """
    if struct_idnat[0] == "3":
        return f"NTRFR-{struct_idnat[1:10]}"
    return f"IS:FR-{struct_idnat}"


def is_test_identity(identifier: str) -> bool:
    """Tell whether an IdNat_PS is one that no real person bears (CP 3.1.5)."""
    return _TEST_IDNAT.match(identifier) is not None


def is_test_structure(identifier: str) -> bool:
    """Tell whether a Struct_IdNat is one that no real structure bears (CP 3.1.5)."""
    return _TEST_STRUCT.match(identifier) is not None


def tidy(text: str) -> str:
    """Bring text from outside to the form that subjects want: NFC (RFC 5280 §4.1.2.4), single spaces, none at the ends.

    Characters that no name may hold stay, so that the subject refuses them: a removed character is a changed name.
    """
    return re.sub(" +", " ", unicodedata.normalize("NFC", text)).strip(" ")


def shortened(name: str, limit: int = MAX_ORGANISATION) -> str:
    """Cut the name of a structure to `limit` characters, at the end of a word when there is one.

    For the names of structures only, whose identifier stands beside them in the certificate; the name of a person is never cut.
    """
    if len(name) <= limit:
        return name
    head = name[: limit + 1]
    return (head[: head.rindex(" ")] if " " in head else head[:limit]).rstrip()


def _structure(struct_idnat: str, name: str, department: str) -> None:
    _require(_STRUCT_IDNAT, "struct_idnat", struct_idnat, MAX_COMMON_NAME)
    StructIdNat(struct_idnat, test_mode=True)
    _require(_LABEL, "name", name, MAX_ORGANISATION)
    _require(_LABEL, "department", department, MAX_DEPARTMENT)


def _institution(common_name: str, organisation: str, organisation_id: str | None) -> None:
    _require_common_name(common_name)
    _require(_LABEL, "organisation", organisation, MAX_ORGANISATION)
    if organisation_id is not None:
        _require(_ORGANISATION_ID, "organisation_id", organisation_id, MAX_ORGANISATION)


def _institution_rdns(common_name: str, organisation: str, organisation_id: str | None) -> RDNs:
    identifier = (((oids.ORGANISATION_IDENTIFIER, organisation_id),),) if organisation_id is not None else ()
    return (((oids.COUNTRY, COUNTRY),), ((oids.ORGANISATION, organisation),), *identifier, ((oids.COMMON_NAME, common_name),))


def _require_common_name(value: str) -> None:
    _require(_LABEL, "common_name", value, MAX_COMMON_NAME)
    if len(value.encode()) > MAX_COMMON_NAME:
        raise Malformed(f"common_name: {len(value.encode())} octets in UTF-8, at most {MAX_COMMON_NAME}")


def _require(pattern: re.Pattern[str], where: str, value: object, limit: int) -> None:
    if not isinstance(value, str) or not value:
        raise Malformed(f"{where}: a text is needed")
    if len(value) > limit:
        raise Malformed(f"{where}: {len(value)} characters, at most {limit}")
    if not unicodedata.is_normalized("NFC", value):
        raise Malformed(f"{where}: accents are not composed (Unicode NFC)")
    if pattern.fullmatch(value) is None:
        raise Malformed(f"{where}: not a form or not characters that a certificate may hold: {value!a}")


def _record(subject: AnySubject) -> dict[str, Any]:
    values = {field.name: getattr(subject, field.name) for field in fields(subject)}
    if "dns_names" in values:
        values["dns_names"] = list(values["dns_names"])
    return {"kind": subject.kind, **values}


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


def _name_der(rdns: RDNs) -> bytes:
    encoded = [_C_FR]
    for rdn in rdns[1:]:
        encoded.append(der.set_of(*(_attribute(der.oid(dotted), value) for dotted, value in rdn)))
    return der.sequence(*encoded)
