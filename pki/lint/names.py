"""Rules over the subject and its alternative names (RFC 5280 §4.1.2.4, §4.1.2.6, §4.2.1.6; CP 3.1).

The subject is read back attribute by attribute and held against the shape of its kind, then against the identifiers, professions
and modes that exist. `trust.naming` says what may be written; these rules go the other way round, by what must not be there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

from pki.lint.anatomy import elements
from pki.lint.finding import Finding, Severity
from pki.profiles.model import AlternativeName, Profile
from trust import der, oids
from trust.errors import Malformed
from trust.identity.establishment import StructIdNat
from trust.identity.national import IdNatPs
from trust.identity.professions import PROFESSIONS
from trust.identity.rpps import require_rpps
from trust.naming import is_test_identity, is_test_structure, organisation_id

_INSTITUTION = ((oids.COUNTRY,), (oids.ORGANISATION,), (oids.COMMON_NAME,))
_IDENTIFIED = ((oids.COUNTRY,), (oids.ORGANISATION,), (oids.ORGANISATION_IDENTIFIER,), (oids.COMMON_NAME,))
_STRUCTURE = ((oids.COUNTRY,), (oids.STATE,), (oids.ORGANISATION,))

# Attribute types of each kind of subject, RDN by RDN; inside an RDN in the order of their OIDs.
SHAPES: Mapping[str, tuple[tuple[tuple[str, ...], ...], ...]] = {
    "person": (((oids.COUNTRY,), (oids.TITLE,), (oids.COMMON_NAME, oids.SURNAME, oids.GIVEN_NAME)),),
    "organisation": ((*_STRUCTURE, (oids.ORGANISATION_IDENTIFIER,), (oids.ORGANISATIONAL_UNIT,), (oids.COMMON_NAME,)),),
    "server": ((*_STRUCTURE, (oids.ORGANISATIONAL_UNIT,), (oids.COMMON_NAME,)),),
    "authority": (_INSTITUTION, _IDENTIFIED),
    "service": (_INSTITUTION, _IDENTIFIED),
}

# Characters; the common name is counted in octets, because some readers do.
_BOUNDS = {
    oids.COMMON_NAME: 64,
    oids.SURNAME: 128,
    oids.GIVEN_NAME: 128,
    oids.STATE: 128,
    oids.ORGANISATION: 64,
    oids.ORGANISATIONAL_UNIT: 64,
    oids.TITLE: 64,
    oids.ORGANISATION_IDENTIFIER: 64,
}

# C0 and C1 controls, soft hyphen, zero-width and bidirectional marks, separators, byte-order mark, surrogates, private use, tags.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\uffff"
    "\ud800-\udfff\ue000-\uf8ff\U000e0000-\U0010ffff]"
)
_PLAIN = re.compile("[!-~]+(?: [!-~]+)*")  # printable ASCII, no space at an end nor beside another
_OTHER_SPACES = re.compile(r"[^\S ]")
_OTHER_SCRIPTS = re.compile(
    "[\u0370-\u1dff\u2c00-\ua71f\uaa00-\uffdc]"
)  # Greek, Cyrillic… to Hangul: look-alikes of Latin letters
_MAILBOX = re.compile(rb"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]{1,64}@[a-z0-9.-]{3,253}")
_HOST = re.compile(rb"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")

Attributes = dict[str, str]


def read_rdn(encoded: bytes) -> tuple[tuple[str, ...], Attributes]:
    """Return the attribute types of an RDN in the order of their OIDs, and their values.

    Raises:
        Malformed: a string of another type, not UTF-8, out of bounds or holding what it must not; a SET out of order.
    """
    attributes: Attributes = {}
    before = b""
    for attribute in elements(der.whole(encoded, der.SET)):
        if attribute <= before:
            raise Malformed("an RDN is a SET: its attributes are in the order of their octets (X.690 §11.6)")
        before = attribute
        name, tag, value = _read_attribute(attribute)
        if name in attributes:
            raise Malformed(f"an attribute twice: {attribute.hex()}")
        attributes[name] = _read_string(name, tag, value)
    return _shape(tuple(attributes)), attributes


def _read_attribute(encoded: bytes) -> tuple[str, int, bytes]:
    """Return type, tag and content of an attribute; `encoded` is one whole element."""
    name = _ATTRIBUTES.get(encoded[2:7])  # each of ours takes five octets
    if name is not None and len(encoded) < 0x80 and encoded[0] == der.SEQUENCE and encoded[8:9] == bytes((len(encoded) - 9,)):
        return name, encoded[7], encoded[9:]  # nearly every one: lengths in the short form, nothing after the value
    parts = elements(der.whole(encoded, der.SEQUENCE))
    name = _ATTRIBUTES.get(parts[0]) if len(parts) == 2 else None
    if name is None:
        raise Malformed(f"an attribute that our names do not have: {encoded.hex()}")
    tag, start, _ = der.header(parts[1])
    return name, tag, parts[1][start:]


_ATTRIBUTES = {der.oid(dotted): dotted for dotted in (oids.COUNTRY, *_BOUNDS)}
_ORDER = {dotted: int(dotted.rpartition(".")[2]) for dotted in _ATTRIBUTES.values()}


@lru_cache(maxsize=64)
def _shape(attributes: tuple[str, ...]) -> tuple[str, ...]:
    """Return attribute types in the order of their OIDs: DER orders a SET by lengths first, differently for each person."""
    return tuple(sorted(attributes, key=_ORDER.__getitem__))


def _read_string(name: str, tag: int, value: bytes) -> str:
    if name == oids.COUNTRY:
        if tag != der.PRINTABLE_STRING or value != b"FR":
            raise Malformed("countryName is the PrintableString FR (RFC 5280 appendix A.1)")
        return "FR"
    if tag != der.UTF8_STRING:
        raise Malformed(f"{name} is not a UTF8String (RFC 5280 §4.1.2.4)")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise Malformed(f"{name} is not UTF-8") from None
    if not 1 <= (len(value) if name == oids.COMMON_NAME else len(text)) <= _BOUNDS[name]:
        raise Malformed(f"{name} has 1 to {_BOUNDS[name]} characters")
    if _PLAIN.fullmatch(text) is not None:
        return text
    if not text.isascii():
        if _INVISIBLE.search(text) or _OTHER_SCRIPTS.search(text):
            raise Malformed(f"{name} holds an invisible character or a letter that is not Latin: {text!a}")
        if not unicodedata.is_normalized("NFC", text):
            raise Malformed(f"{name} is not in NFC")
    elif not text.isprintable():
        raise Malformed(f"{name} holds a control character: {text!a}")
    if text[0] == " " or text[-1] == " " or "  " in text or (not text.isascii() and _OTHER_SPACES.search(text)):
        raise Malformed(f"{name} has a space at an end, beside another, or of another kind: {text!a}")
    return text


def judge_subject(profile: Profile, shape: tuple[tuple[str, ...], ...], subject: Attributes) -> Iterator[Finding]:
    """Judge a subject that was read back, against its kind and against what exists."""
    if shape not in SHAPES[profile.subject]:
        yield _error("subject.shape", "CP 3.1.1", f"not the attributes of a {profile.subject}: {shape}")
    elif profile.subject == "person":
        yield from _judge_person(profile, subject[oids.COMMON_NAME])
    elif profile.subject in ("organisation", "server"):
        yield from _judge_structure(profile, subject)


def _judge_person(profile: Profile, identifier: str) -> Iterator[Finding]:
    try:
        if identifier[0] == "8":
            require_rpps(identifier[1:])
        else:
            IdNatPs(identifier, test_mode=profile.test)
    except Malformed as error:
        yield _error("subject.identifier", "CP 3.1.2", str(error))
    if is_test_identity(identifier) != profile.test:
        yield _error("subject.mode", "CP 3.1.5", f"{identifier} is {_of(not profile.test)}, the authority {_of(profile.test)}")


def _judge_structure(profile: Profile, subject: Attributes) -> Iterator[Finding]:
    identifier = subject[oids.ORGANISATIONAL_UNIT]
    try:
        StructIdNat(identifier, test_mode=profile.test)
    except Malformed as error:
        yield _error("subject.identifier", "CP 3.1.2", str(error))
        return
    if is_test_structure(identifier) != profile.test:
        yield _error("subject.mode", "CP 3.1.5", f"{identifier} is {_of(not profile.test)}, the authority {_of(profile.test)}")
    if subject.get(oids.ORGANISATION_IDENTIFIER, organisation_id(identifier)) != organisation_id(identifier):
        yield _error("subject.organisation_identifier", "EN 319 412-1 §5.1.4", "not the identifier of the OU")


def judge_profession(subject: Attributes, code: str) -> Iterator[Finding]:
    """Judge that the title is the label of the profession's code."""
    profession = PROFESSIONS.get(code)
    if profession is None or profession.label != subject.get(oids.TITLE):
        yield _error("profession", "CP 3.1.2", f"TRE_G15 {code} is not called {subject.get(oids.TITLE)!r}")


def judge_alternative_names(profile: Profile, subject: Attributes, value: bytes) -> Iterator[Finding]:
    """Judge the content of subjectAltName.

    Raises:
        Malformed: not GeneralNames.
    """
    names = list(der.children(der.whole(value, der.SEQUENCE)))
    form, common_name = profile.alternative_name, subject.get(oids.COMMON_NAME, "")
    if form is AlternativeName.UPN:
        expected = f"{common_name[:1]}.{common_name[1:]}@{profile.upn_domain}".encode()
        if [_user_principal_name(tag, content) for tag, content, _ in names] != [expected]:
            yield _error("alternative.upn", "CP 3.1.1", f"the one name is the user principal name {expected.decode()}")
    elif form is AlternativeName.EMAIL:
        if len(names) != 1 or names[0][0] != 0x81 or _MAILBOX.fullmatch(names[0][1]) is None:
            yield _error("alternative.email", "RFC 5280 §4.2.1.6", "the one name is a mail address in ASCII, lower-case domain")
    elif form is AlternativeName.DNS:
        yield from _judge_hosts(profile, common_name, [(tag, content) for tag, content, _ in names])
    else:
        yield _error("alternative", "CP 7.1.2", f"{profile.id} has no alternative name")


def _judge_hosts(profile: Profile, common_name: str, names: list[tuple[int, bytes]]) -> Iterator[Finding]:
    hosts = [content for tag, content in names if tag == 0x82]
    if len(hosts) != len(names) or not hosts or len(set(hosts)) != len(hosts) or len(hosts) > 100:
        yield _error("alternative.dns", "CP 3.1.1", "1 to 100 different dNSName and nothing else")
        return
    if hosts[0] != common_name.encode():
        yield _error("alternative.common_name", "CP 3.1.1", "the first name is the common name")
    for host in hosts:
        labels = host[2:] if host.startswith(b"*.") else host
        if (
            _HOST.fullmatch(labels) is None
            or len(host) > 253
            or any(label[:1] == b"-" or label[-1:] == b"-" for label in labels.split(b"."))
        ):
            yield _error(
                "alternative.host", "RFC 1034 §3.5", f"not a host name in lower-case letters, digits and hyphens: {host!r}"
            )
        elif labels.rpartition(b".")[2].isdigit():
            yield _error("alternative.address", "RFC 1123 §2.1", f"an address is not a name: {host!r}")
        elif labels != host and (not profile.wildcard or b"." not in labels):
            yield _error("alternative.wildcard", "CP 3.1.1", f"no wildcard here: {host!r}")
        elif b"." not in labels and not profile.bare_names:
            yield _error("alternative.bare", "CP 3.1.1", f"a name of one label is nobody's: {host!r}")


def _user_principal_name(tag: int, content: bytes) -> bytes:
    """Return the text of an otherName that is a userPrincipalName, or nothing."""
    parts = list(der.children(content)) if tag == 0xA0 else []
    if len(parts) != 2 or parts[0][2] != _UPN or parts[1][0] != 0xA0:
        return b""
    return der.whole(parts[1][1], der.UTF8_STRING)


_UPN = der.oid(oids.NAME_UPN)


def _of(test: bool) -> str:
    return "a test's" if test else "for real use"


def _error(code: str, citation: str, detail: str) -> Finding:
    return Finding(f"sceau.{code}", Severity.ERROR, citation, detail)
