"""What can be wrong with a certificate: a name, the damage that makes it so, and the code of the rule that must find it."""

from __future__ import annotations

from datetime import timedelta

from pki.profiles.specimens import specimen_spki
from tests.builders.profiles import START, issuer, profiles
from tests.builders.tbs import ISSUER, KEY, SERIAL, SIGNATURE, SUBJECT, VALIDITY, VERSION, Damage
from trust import der, oids

PERSON = "ps-authentification"
LATER = START + timedelta(days=10)


def field(index: int, encoded: bytes) -> Damage:
    """Replace a whole field."""
    return lambda opened: opened.fields.__setitem__(index, encoded)


def put(dotted: str, value: bytes, *, critical: bool = False) -> Damage:
    """Replace or add an extension."""
    return lambda opened: opened.put(dotted, value, critical=critical)


def swap(before: bytes, after: bytes) -> Damage:
    """Replace octets by as many others."""
    return lambda opened: opened.swap(before, after)


def dates(begin: bytes, end: bytes) -> Damage:
    """Write other dates."""
    return field(VALIDITY, der.sequence(begin, end))


def rdn(dotted: str, value: bytes) -> bytes:
    """Encode an RDN of one attribute."""
    return der.set_of(der.sequence(der.oid(dotted), value))


def person(*attributes: tuple[str, bytes], title: bytes = der.utf8("Médecin"), country: bytes = der.printable("FR")) -> Damage:
    """Write another practitioner's name."""
    together = der.set_of(*(der.sequence(der.oid(dotted), value) for dotted, value in attributes))
    return field(SUBJECT, der.sequence(rdn(oids.COUNTRY, country), rdn(oids.TITLE, title), together))


GN, SN, CN = (
    (oids.GIVEN_NAME, der.utf8("ANNE")),
    (oids.SURNAME, der.utf8("ESSAI")),
    (oids.COMMON_NAME, der.utf8("899700000013")),
)
URL = b"http://pki.sceau.example.com"


FIELDS: dict[str, tuple[Damage, str]] = {
    "version 2": (field(VERSION, der.explicit(0, der.integer(1))), "version"),
    "a serial of 15 octets": (field(SERIAL, der.tlv(der.INTEGER, b"\x40" * 15)), "serial"),
    "a serial of 17 octets": (field(SERIAL, der.tlv(der.INTEGER, b"\x40" * 17)), "serial"),
    "a negative serial": (field(SERIAL, der.tlv(der.INTEGER, b"\x80" + b"\1" * 15)), "serial"),
    "a small serial": (field(SERIAL, der.tlv(der.INTEGER, b"\x01" * 16)), "serial"),
    "another signature algorithm": (field(SIGNATURE, der.sequence(der.oid(oids.ECDSA_WITH_SHA384))), "signature_algorithm"),
    "another issuer": (field(ISSUER, der.sequence(rdn(oids.COMMON_NAME, der.utf8("AC RACINE IGC-SANTE FORT")))), "issuer"),
    "the subject of its issuer": (lambda opened: opened.fields.__setitem__(SUBJECT, opened.fields[ISSUER]), "subject.issuer"),
    "four years": (dates(der.time(START), der.time(START + timedelta(days=1461))), "validity.duration"),
    "one second too much": (dates(der.time(START), der.time(START + timedelta(days=1095, seconds=1))), "validity.duration"),
    "no time at all": (dates(der.time(START), der.time(START)), "validity.duration"),
    "time backwards": (dates(der.time(LATER), der.time(START)), "validity.duration"),
    "a beginning after the clock": (dates(der.time(START + timedelta(seconds=1)), der.time(LATER)), "validity.clock"),
    "a GeneralizedTime before 2050": (dates(der.generalized_time(START), der.time(LATER)), "der"),
    "a time without seconds": (dates(der.tlv(der.UTC_TIME, b"2601010000Z"), der.time(LATER)), "der"),
    "a time with an offset": (dates(der.tlv(der.UTC_TIME, b"260101000000+0000"), der.time(LATER)), "der"),
    "the 30th of February": (dates(der.time(START), der.tlv(der.UTC_TIME, b"260230000000Z")), "der"),
    "three times": (field(VALIDITY, der.sequence(der.time(START), der.time(LATER), der.time(LATER))), "der"),
    "a key of RSA 2048": (field(KEY, specimen_spki("RSA-2048")), "subject_key"),
    "a key with an even exponent": (
        lambda opened: opened.fields.__setitem__(
            KEY, specimen_spki("RSA-3072").replace(b"\x02\x03\x01\x00\x01", b"\x02\x03\x01\x00\x02")
        ),
        "der",
    ),
    "a compressed point": (
        field(
            KEY, der.sequence(der.sequence(der.oid(oids.KEY_EC), der.oid(oids.CURVE_P256)), der.bit_string(b"\x02" + b"\1" * 32))
        ),
        "der",
    ),
    "a key of another curve": (
        field(
            KEY, der.sequence(der.sequence(der.oid(oids.KEY_EC), der.oid("1.3.132.0.35")), der.bit_string(b"\x04" + b"\1" * 132))
        ),
        "der",
    ),
    "another key": (field(KEY, specimen_spki("P-384")), "subject_key_identifier"),
}


SUBJECTS: dict[str, tuple[Damage, str]] = {
    "no title": (
        lambda opened: opened.fields.__setitem__(SUBJECT, der.sequence(rdn(oids.COUNTRY, der.printable("FR")))),
        "subject.shape",
    ),
    "no given name": (person(SN, CN), "subject.shape"),
    "two given names": (person(GN, (oids.GIVEN_NAME, der.utf8("ZOE")), SN, CN), "der"),
    "three RDNs for one person": (
        field(
            SUBJECT,
            der.sequence(
                rdn(oids.COUNTRY, der.printable("FR")), rdn(oids.TITLE, der.utf8("Médecin")), rdn(*GN), rdn(*CN), rdn(*SN)
            ),
        ),
        "subject.shape",
    ),
    "a SET out of order": (
        lambda opened: opened.fields.__setitem__(
            SUBJECT,
            der.sequence(
                rdn(oids.COUNTRY, der.printable("FR")),
                rdn(oids.TITLE, der.utf8("Médecin")),
                der.tlv(
                    der.SET,
                    b"".join(sorted((der.sequence(der.oid(dotted), value) for dotted, value in (GN, SN, CN)), reverse=True)),
                ),
            ),
        ),
        "der",
    ),
    "an attribute that we do not use": (person(GN, SN, CN, ("1.2.840.113549.1.9.1", der.ia5("a@b.fr"))), "der"),
    "a country in UTF-8": (person(GN, SN, CN, country=der.utf8("FR")), "der"),
    "another country": (person(GN, SN, CN, country=der.printable("DE")), "der"),
    "a PrintableString name": (person((oids.GIVEN_NAME, der.printable("ANNE")), SN, CN), "der"),
    "a TeletexString name": (person((oids.GIVEN_NAME, der.tlv(0x14, b"ANN\xc9")), SN, CN), "der"),
    "bytes that are not UTF-8": (person((oids.GIVEN_NAME, der.tlv(der.UTF8_STRING, b"ANN\xc9")), SN, CN), "der"),
    "an empty name": (person((oids.GIVEN_NAME, der.utf8("")), SN, CN), "der"),
    "a name of 129 letters": (person((oids.GIVEN_NAME, der.utf8("A" * 129)), SN, CN), "der"),
    "NUL in a name": (person((oids.GIVEN_NAME, der.utf8("ANNE\0X")), SN, CN), "der"),
    "a line end in a name": (person((oids.SURNAME, der.utf8("ESSAI\nX")), GN, CN), "der"),
    "a right-to-left override": (person((oids.SURNAME, der.utf8("ESSAI\u202eX")), GN, CN), "der"),
    "a zero-width space": (person((oids.SURNAME, der.utf8("ES\u200bSAI")), GN, CN), "der"),
    "Cyrillic look-alikes": (person((oids.SURNAME, der.utf8("ЕSSАI")), GN, CN), "der"),
    "decomposed accents": (person((oids.SURNAME, der.utf8("E\u0301PREUVE")), GN, CN), "der"),
    "a space at the end": (person((oids.SURNAME, der.utf8("ESSAI ")), GN, CN), "der"),
    "two spaces": (person((oids.SURNAME, der.utf8("ESSAI  X")), GN, CN), "der"),
    "a wrong RPPS key": (person(GN, SN, (oids.COMMON_NAME, der.utf8("899700000014"))), "subject.identifier"),
    "no known identifier": (person(GN, SN, (oids.COMMON_NAME, der.utf8("Dr Essai"))), "subject.identifier"),
    "a real-looking RPPS in a demonstration": (person(GN, SN, (oids.COMMON_NAME, der.utf8("810101010105"))), "subject.mode"),
    "the title of another profession": (person(GN, SN, CN, title=der.utf8("Pharmacien")), "profession"),
    "another person than the alternative name's": (
        person(GN, SN, (oids.COMMON_NAME, der.utf8("899700000021"))),
        "alternative.upn",
    ),
}


def upn(text: str) -> bytes:
    """Encode a subjectAltName of one user principal name."""
    return der.sequence(der.explicit(0, der.oid(oids.NAME_UPN) + der.explicit(0, der.utf8(text))))


EXTENSIONS: dict[str, tuple[Damage, str]] = {
    "the authority key of another CA": (
        put(oids.AUTHORITY_KEY_IDENTIFIER, der.sequence(der.implicit(0, bytes(20)))),
        "authority_key_identifier",
    ),
    "an authority key with a serial": (
        put(oids.AUTHORITY_KEY_IDENTIFIER, der.sequence(der.implicit(0, issuer().key_id), der.implicit(2, b"\1"))),
        "authority_key_identifier",
    ),
    "the subject key of another": (put(oids.SUBJECT_KEY_IDENTIFIER, der.octet_string(bytes(20))), "subject_key_identifier"),
    "a CA": (put(oids.BASIC_CONSTRAINTS, der.sequence(der.boolean(True))), "basic_constraints"),
    "a critical CA": (put(oids.BASIC_CONSTRAINTS, der.sequence(der.boolean(True)), critical=True), "extension.critical"),
    "certificate signing": (put(oids.KEY_USAGE, der.bit_string(b"\x84", 2), critical=True), "key_usage"),
    "no usage at all": (put(oids.KEY_USAGE, der.bit_string(b""), critical=True), "key_usage"),
    "non repudiation besides": (put(oids.KEY_USAGE, der.bit_string(b"\xc0", 6), critical=True), "key_usage"),
    "a key usage that is not critical": (put(oids.KEY_USAGE, der.bit_string(b"\x80", 7)), "extension.critical"),
    "the usage of an OCSP responder": (
        put(oids.EXTENDED_KEY_USAGE, der.sequence(der.oid(oids.USAGE_CLIENT_AUTH), der.oid(oids.USAGE_OCSP_SIGNING))),
        "extended_key_usage",
    ),
    "one usage less": (put(oids.EXTENDED_KEY_USAGE, der.sequence(der.oid(oids.USAGE_CLIENT_AUTH))), "extended_key_usage"),
    "any usage": (put(oids.EXTENDED_KEY_USAGE, der.sequence(der.oid("2.5.29.37.0"))), "extended_key_usage"),
    "a critical extended usage": (
        lambda opened: opened.put(oids.EXTENDED_KEY_USAGE, opened.value(oids.EXTENDED_KEY_USAGE), critical=True),
        "extension.critical",
    ),
    "the policy of the national authority": (
        put(oids.CERTIFICATE_POLICIES, der.sequence(der.sequence(der.oid("1.2.250.1.213.1.7.2.1.1.1.1")))),
        "policies",
    ),
    "any policy": (put(oids.CERTIFICATE_POLICIES, der.sequence(der.sequence(der.oid(oids.ANY_POLICY)))), "policies"),
    "the policy of another profile": (
        lambda opened: opened.swap(der.oid(profiles()[PERSON].policy), der.oid(profiles()["ps-signature"].policy)),
        "policies",
    ),
    "another responder": (swap(URL + b"/ocsp", URL + b"/ocsq"), "access"),
    "another issuer certificate": (swap(b"/aia/personnes.cer", b"/aia/personnez.cer"), "access"),
    "the delta of another CA": (swap(b"/crl/personnes/0-delta.crl", b"/crl/personnez/0-delta.crl"), "freshest"),
    "the delta of a shard that does not exist": (swap(b"/crl/personnes/0-delta.crl", b"/crl/personnes/4-delta.crl"), "freshest"),
    "the delta of another shard": (swap(b"/crl/personnes/0-delta.crl", b"/crl/personnes/1-delta.crl"), "freshest.scope"),
    "the delta of the full list": (
        put(
            oids.FRESHEST_CRL,
            der.sequence(der.sequence(der.explicit(0, der.explicit(0, der.implicit(6, URL + b"/crl/personnes-delta.crl"))))),
        ),
        "freshest",
    ),
    "a shard that does not exist": (swap(b"/crl/personnes/0.crl", b"/crl/personnes/4.crl"), "revocation_list"),
    "a shard that is no number": (swap(b"/crl/personnes/0.crl", b"/crl/personnes/a.crl"), "revocation_list"),
    "the list of another CA": (swap(b"/crl/personnes/0.crl", b"/crl/personnez/0.crl"), "revocation_list"),
    "two lists": (
        lambda opened: opened.put(
            oids.CRL_DISTRIBUTION_POINTS, der.sequence(*[der.whole(opened.value(oids.CRL_DISTRIBUTION_POINTS), der.SEQUENCE)] * 2)
        ),
        "revocation_list",
    ),
    "the category of real products": (swap(b"\x04\x03\x04\x01\x83", b"\x04\x03\x04\x01\x03"), "product_category"),
    "a category as an INTEGER": (put(oids.PRODUCT_CATEGORY, b"\x02\x01\x03"), "product_category"),
    "a category of two octets": (put(oids.PRODUCT_CATEGORY, b"\x04\x02\x83\x83"), "product_category"),
    "the card of a member of staff": (put(oids.CARD_TYPE, b"\x02\x01\x02"), "card_type"),
    "a card type as text": (put(oids.CARD_TYPE, b"\x13\x010"), "card_type"),
    "another profession": (put(oids.PROFESSION, b"\x02\x01\x15"), "profession"),
    "a withdrawn profession": (put(oids.PROFESSION, b"\x02\x01\x23"), "profession"),
    "a profession as text": (put(oids.PROFESSION, b"\x0c\x0210"), "profession"),
    "another user principal name": (
        put(oids.SUBJECT_ALTERNATIVE_NAME, upn("8.99700000021@ps.sceau.example.com")),
        "alternative.upn",
    ),
    "a principal name without its dot": (
        put(oids.SUBJECT_ALTERNATIVE_NAME, upn("899700000013@ps.sceau.example.com")),
        "alternative.upn",
    ),
    "the domain of the national cards": (
        put(oids.SUBJECT_ALTERNATIVE_NAME, upn("8.99700000013@carte-cps.fr")),
        "alternative.upn",
    ),
    "a mail address instead": (put(oids.SUBJECT_ALTERNATIVE_NAME, der.sequence(der.implicit(1, b"a@b.fr"))), "alternative.upn"),
    "no alternative name": (lambda opened: opened.drop(oids.SUBJECT_ALTERNATIVE_NAME), "extension.missing"),
    "no key usage": (lambda opened: opened.drop(oids.KEY_USAGE), "extension.missing"),
    "no revocation list": (lambda opened: opened.drop(oids.CRL_DISTRIBUTION_POINTS), "extension.missing"),
    "no policy": (lambda opened: opened.drop(oids.CERTIFICATE_POLICIES), "extension.missing"),
    "no category": (lambda opened: opened.drop(oids.PRODUCT_CATEGORY), "extension.missing"),
    "the same extension twice": (lambda opened: opened.double(oids.PRODUCT_CATEGORY), "extension.twice"),
    "an unknown extension": (put("1.2.3.4", b"\x05\x00"), "extension.unknown"),
    "an unknown critical extension": (put("1.2.3.4", b"\x05\x00", critical=True), "extension.unknown"),
    "no check": (put(oids.OCSP_NO_CHECK, b"\x05\x00"), "extension.unknown"),
    "a signature key's period": (put(oids.PRIVATE_KEY_USAGE_PERIOD, der.sequence()), "extension.unknown"),
    "a criticality of FALSE, written": (
        lambda opened: opened.extensions.append(
            der.sequence(der.oid("1.2.3.4"), der.boolean(False), der.octet_string(b"\x05\x00"))
        ),
        "der",
    ),
    "a content that is not DER": (put(oids.BASIC_CONSTRAINTS, b"\x30\x80\x00\x00"), "der"),
}


def hosts(*names: str) -> Damage:
    """Write other alternative names of a server."""
    return put(oids.SUBJECT_ALTERNATIVE_NAME, der.sequence(*(der.implicit(2, name.encode()) for name in names)))


OTHERS: dict[str, tuple[str, Damage, str]] = {
    "a private key that signs to the end": (
        "ps-signature",
        put(
            oids.PRIVATE_KEY_USAGE_PERIOD, der.sequence(der.implicit(0, b"20260101000000Z"), der.implicit(1, b"20281231000000Z"))
        ),
        "private_key_usage_period",
    ),
    "a private key period of one time": (
        "ps-signature",
        put(oids.PRIVATE_KEY_USAGE_PERIOD, der.sequence(der.implicit(0, b"20260101000000Z"))),
        "der",
    ),
    "two mail addresses": (
        "ps-signature",
        put(oids.SUBJECT_ALTERNATIVE_NAME, der.sequence(der.implicit(1, b"a@b.fr"), der.implicit(1, b"b@b.fr"))),
        "alternative.email",
    ),
    "a mail address with NUL": (
        "ps-signature",
        put(oids.SUBJECT_ALTERNATIVE_NAME, der.sequence(der.implicit(1, b"a@b.fr\0.x"))),
        "alternative.email",
    ),
    "a mail address in another alphabet": (
        "ps-signature",
        put(oids.SUBJECT_ALTERNATIVE_NAME, der.sequence(der.implicit(1, "é@b.fr".encode()))),
        "alternative.email",
    ),
    "a seal with a mail address": (
        "org-cachet",
        put(oids.SUBJECT_ALTERNATIVE_NAME, der.sequence(der.implicit(1, b"a@b.fr"))),
        "extension.unknown",
    ),
    "the identifier of another structure": (
        "org-cachet",
        swap(b"IS:FR-1990000010", b"IS:FR-1990000028"),
        "subject.organisation_identifier",
    ),
    "a real structure in a demonstration": ("serveur-tls-ec", swap(b"399999999800019", b"318751275100020"), "subject.mode"),
    "a wrong SIRET": ("serveur-tls-ec", swap(b"399999999800019", b"399999999800018"), "subject.identifier"),
    "another host first": ("serveur-tls-ec", hosts("autre.exemple.com", "mss.exemple.com"), "alternative.common_name"),
    "no host": ("serveur-tls-ec", hosts(), "alternative.dns"),
    "a host twice": ("serveur-tls-ec", hosts("mss.exemple.com", "mss.exemple.com"), "alternative.dns"),
    "101 hosts": (
        "serveur-tls-ec",
        hosts("mss.exemple.com", *(f"h{number}.exemple.com" for number in range(100))),
        "alternative.dns",
    ),
    "a host in upper case": ("serveur-tls-ec", hosts("mss.exemple.com", "B.exemple.com"), "alternative.host"),
    "a host with an underscore": ("serveur-tls-ec", hosts("mss.exemple.com", "a_b.exemple.com"), "alternative.host"),
    "a host that begins with a hyphen": ("serveur-tls-ec", hosts("mss.exemple.com", "-b.exemple.com"), "alternative.host"),
    "a host with NUL": ("serveur-tls-ec", hosts("mss.exemple.com", "b.exemple.com\0.c.fr"), "alternative.host"),
    "an address as a name": ("serveur-tls-ec", hosts("mss.exemple.com", "192.0.2.1"), "alternative.address"),
    "a wildcard": ("serveur-tls-ec", hosts("mss.exemple.com", "*.exemple.com"), "alternative.wildcard"),
    "an IP address": (
        "serveur-tls-ec",
        put(oids.SUBJECT_ALTERNATIVE_NAME, der.sequence(der.implicit(7, b"\x7f\0\0\1"))),
        "alternative.dns",
    ),
    "a longer path": (
        "ca-emettrice",
        put(oids.BASIC_CONSTRAINTS, der.sequence(der.boolean(True), der.integer(1)), critical=True),
        "basic_constraints",
    ),
    "an endless path": (
        "ca-emettrice",
        put(oids.BASIC_CONSTRAINTS, der.sequence(der.boolean(True)), critical=True),
        "basic_constraints",
    ),
    "a CA that answers OCSP": (
        "ca-emettrice",
        put(oids.EXTENDED_KEY_USAGE, der.sequence(der.oid(oids.USAGE_OCSP_SIGNING))),
        "extension.unknown",
    ),
    "a root with the key of another": ("ca-racine", field(KEY, specimen_spki("P-384")), "subject_key.root"),
    "a root with the name of another": (
        "ca-racine",
        lambda opened: opened.swap(b"SCEAU TEST PERSONNES", b"SCEAU TEST PERSONNEZ"),
        "issuer",
    ),
    "a time-stamp usage that is not critical": (
        "horodatage",
        lambda opened: opened.put(oids.EXTENDED_KEY_USAGE, opened.value(oids.EXTENDED_KEY_USAGE)),
        "extension.critical",
    ),
    "a responder without no-check": ("ocsp-responder", lambda opened: opened.drop(oids.OCSP_NO_CHECK), "extension.missing"),
}
