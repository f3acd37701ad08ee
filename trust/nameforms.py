"""What text a name may hold (RFC 5280 §4.1.2.4, appendix A.1; CP 3.1.1): lengths, letters, identifiers, host names, addresses.

Each form is stated by what it admits; a `require_` function raises Malformed on anything else. `naming` builds subjects out of
such texts. Who they belong to is not known here.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from trust.errors import Malformed
from trust.identity.establishment import StructIdNat
from trust.identity.national import IdNatPs
from trust.identity.rpps import require_rpps

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
_PERSON = re.compile(rf"(?=[^{_LETTERS}]*[{_LETTERS}])[{_LETTERS}'’.-]+(?: [{_LETTERS}'’.-]+)*")
_LABEL = re.compile(rf"[{_LETTERS}!-~°²³«»–’€§·]+(?: [{_LETTERS}!-~°²³«»–’€§·]+)*")
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


def require_idnat(value: object) -> None:
    """Demand an IdNat_PS. Made-up numbers pass: whether an authority may name them is its mode's concern (CP 3.1.5)."""
    text = _require(_IDNAT_PS, "idnat", value, MAX_COMMON_NAME)
    if text[0] == "8":
        require_rpps(text[1:])
    else:
        IdNatPs(text, test_mode=True)


def require_person_name(where: str, value: object) -> None:
    """Demand the family name or the given names of a person."""
    _require(_PERSON, where, value, MAX_PERSON_NAME)


def require_profession(code: object, title: object) -> None:
    """Demand a code of two digits and a label; that they go together is linted."""
    if isinstance(code, str) and isinstance(title, str):
        _require_profession(code, title)
    else:
        _require(_PROFESSION, "profession", code, 2)
        _require(_LABEL, "title", title, MAX_TITLE)


@lru_cache(maxsize=256)
def _require_profession(code: str, title: str) -> None:
    """Demand the same of two texts: there are few professions, and those found good are remembered."""
    _require(_PROFESSION, "profession", code, 2)
    _require(_LABEL, "title", title, MAX_TITLE)


def require_email(value: object) -> None:
    """Demand a mail address in ASCII whose domain is in lower case."""
    _require(_EMAIL, "email", value, MAX_EMAIL)


def require_structure(struct_idnat: object, name: object, department: object) -> None:
    """Demand a Struct_IdNat, and the name and département of a structure."""
    StructIdNat(_require(_STRUCT_IDNAT, "struct_idnat", struct_idnat, MAX_COMMON_NAME), test_mode=True)
    _require(_LABEL, "name", name, MAX_ORGANISATION)
    _require(_LABEL, "department", department, MAX_DEPARTMENT)


def require_institution(common_name: object, organisation: object, organisation_id: object) -> None:
    """Demand the names of an authority or of a service of it; the identifier may be None."""
    require_common_name(common_name)
    _require(_LABEL, "organisation", organisation, MAX_ORGANISATION)
    if organisation_id is not None:
        _require(_ORGANISATION_ID, "organisation_id", organisation_id, MAX_ORGANISATION)


def require_common_name(value: object) -> None:
    """Demand a common name that is not an identifier."""
    text = _require(_LABEL, "common_name", value, MAX_COMMON_NAME)
    if len(text.encode()) > MAX_COMMON_NAME:
        raise Malformed(f"common_name: {len(text.encode())} octets in UTF-8, at most {MAX_COMMON_NAME}")


def require_hosts(names: object) -> None:
    """Demand a tuple of 1 to 100 different host names, the first short enough to be a common name."""
    if not isinstance(names, tuple) or not 1 <= len(names) <= MAX_SERVER_NAMES:
        raise Malformed(f"dns_names: a tuple of 1 to {MAX_SERVER_NAMES} names")
    for name in names:
        _require(_DNS, "dns_names", name, MAX_DNS_NAME)
    if len(set(names)) != len(names):
        raise Malformed("dns_names: the same name twice")
    if len(names[0]) > MAX_COMMON_NAME:
        raise Malformed(f"dns_names: the first one is the common name, at most {MAX_COMMON_NAME} characters")


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


def _require(pattern: re.Pattern[str], where: str, value: object, limit: int) -> str:
    if not isinstance(value, str) or not value:
        raise Malformed(f"{where}: a text is needed")
    if len(value) > limit:
        raise Malformed(f"{where}: {len(value)} characters, at most {limit}")
    if not value.isascii() and not unicodedata.is_normalized("NFC", value):
        raise Malformed(f"{where}: accents are not composed (Unicode NFC)")
    if pattern.fullmatch(value) is None:
        raise Malformed(f"{where}: not a form or not characters that a certificate may hold: {value!a}")
    return value
