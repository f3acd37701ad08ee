"""The table of chains: what each is, what we say, and what `openssl verify` and pyhanko-certvalidator say.

Each row stands for one rule. Where another validator differs from us the row says why: a silent disagreement would be a fault of
somebody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from tests.unit.validation.hierarchy import (
    ANY_POLICY,
    CLIENT,
    LEAF,
    MAIL,
    NOW,
    PEOPLE,
    POLICY,
    ROOT,
    SERVER,
    TIME_STAMPING,
    Draft,
    Made,
    authority,
    make,
    name,
)
from trust import der, oids
from trust.validation.findings import Finding

UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("2.25.99"), b"\x05\x00")


@dataclass(frozen=True)
class Chain:
    """One row."""

    id: str
    leaf: Made
    intermediates: Sequence[Made] = (PEOPLE,)
    anchors: Sequence[Made] = (ROOT,)
    at: datetime = NOW
    purpose: str | None = "tls-client"
    policy: str | None = None
    finding: Finding | None = None
    """Our most telling reason; None for a valid chain."""
    openssl: bool | None = None
    """What openssl says when it is not what we say."""
    certvalidator: bool | None = None
    why: str = field(default="")
    """Why they may differ."""


def leaf(issuer: Made = PEOPLE, **changes: object) -> Made:
    """A leaf like the usual one, but for these fields."""
    return make(replace(Draft(), **changes), issuer)  # type: ignore[arg-type]  # fields of a draft, by name


def family(algorithm: str) -> tuple[Made, Made, Made]:
    """Root, authority and leaf, all with keys of one kind."""
    root = authority(f"Racine {algorithm}", algorithm=algorithm)
    people = authority(f"Personnes {algorithm}", algorithm=algorithm, issuer=root)
    return root, people, leaf(people, algorithm=algorithm)


def flipped(made: Made) -> Made:
    """The same with the last bit of its signature changed."""
    octets = bytearray(made.der)
    octets[-1] ^= 1
    return Made(x509.load_der_x509_certificate(bytes(octets)), made.key)


def foreign_key() -> Made:
    """The usual leaf, its key's algorithm replaced by one that nobody knows, signed again by its issuer."""
    info = LEAF.read.key_info
    other = info.replace(der.oid(oids.KEY_EC), der.oid("1.2.840.10045.2.99"))
    tbs = LEAF.read.tbs.replace(info, other)
    signature = PEOPLE.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    octets = der.sequence(tbs, LEAF.read.algorithm_identifier, der.bit_string(signature))
    return Made(x509.load_der_x509_certificate(octets), LEAF.key)


def good() -> list[Chain]:
    """Chains that stand."""
    rows = [Chain("good", LEAF, policy=POLICY), Chain("directly under the root", leaf(ROOT), ())]
    for algorithm in ("RSA-2048", "P-384", "Ed25519"):
        root, people, end = family(algorithm)
        rows.append(Chain(f"all {algorithm}", end, (people,), (root,)))
    root, people, end = family("ML-DSA-65")
    mixed = authority("Mixte", issuer=ROOT, algorithm="P-384")
    middle = authority("Intermédiaire", issuer=ROOT)
    below = authority("Dessous", issuer=middle)
    twin, other = authority("Jumelle", issuer=ROOT, number=901), authority("Jumelle", issuer=ROOT, number=902)
    narrow = authority("Étroite", issuer=ROOT, path_length=1)
    rolled = authority("Étroite", issuer=narrow, path_length=1, number=903)
    limited = authority("Limitée", issuer=ROOT, extended=(CLIENT,))
    explicit = authority("Explicite", issuer=ROOT, policies=(POLICY,))
    stamp = leaf(extended=(TIME_STAMPING,), extended_critical=True)
    return [
        *rows,
        Chain("all ML-DSA-65", end, (people,), (root,), openssl=False, why="OpenSSL 3.0 does not know ML-DSA"),
        Chain("mixed algorithms", leaf(mixed), (mixed,)),
        Chain("two levels of authorities", leaf(below), (below, middle)),
        Chain(
            "the last second of validity",
            LEAF,
            at=NOW + timedelta(days=365),
            openssl=False,
            why="RFC 5280 §4.1.2.5: the last second is inside; openssl leaves it out",
        ),
        Chain("the first second of validity", LEAF, at=NOW - timedelta(days=30)),
        Chain(
            "two authorities of one name, no key identifier",
            leaf(twin, authority_identifier=False),
            (other, twin),
            openssl=False,
            certvalidator=False,
            why="they try the first of that name and stop; we try each key",
        ),
        Chain("a renewed key of the same name is not counted", leaf(rolled), (rolled, narrow)),
        Chain("usage among others", leaf(extended=(MAIL, CLIENT))),
        Chain("authority limited to that usage", leaf(limited), (limited,)),
        Chain("critical extended usage", leaf(extended_critical=True)),
        Chain("an extension that is unknown and not critical", leaf(others=((UNKNOWN, False),))),
        Chain("explicit policy all the way", leaf(explicit), (explicit,), policy=POLICY),
        Chain("time-stamping alone and critical", stamp, purpose="timestamp"),
        Chain("signature", leaf(usages=("content_commitment",), extended=(MAIL,)), purpose="signature"),
        Chain("an authority asked as such", PEOPLE, (), purpose="ca"),
    ]


def times() -> list[Chain]:
    """Chains whose time is not now."""
    old_people = authority("Anciennes", issuer=ROOT, days=(-400, -1))
    old_root = authority("Vieille racine", days=(-4000, -1))
    under_old = authority("Sous la vieille", issuer=old_root)
    end, start = NOW + timedelta(days=365), NOW - timedelta(days=30)
    second, expired, early = timedelta(seconds=1), Finding.EXPIRED, Finding.NOT_YET_VALID
    forgives = "certvalidator forgives one second by default"
    chosen = "RFC 5280 gives an anchor no validity; ours are certificates whose expiry was chosen"
    return [
        Chain("one second after expiry", LEAF, at=end + second, finding=expired, certvalidator=True, why=forgives),
        Chain("an hour after expiry", LEAF, at=end + timedelta(hours=1), finding=expired),
        Chain("before its first second", LEAF, at=start - second, finding=early, certvalidator=True, why=forgives),
        Chain("authority expired", leaf(old_people), (old_people,), finding=expired),
        Chain("anchor expired", leaf(under_old), (under_old,), (old_root,), finding=expired, certvalidator=True, why=chosen),
    ]


def authorities() -> list[Chain]:
    """Chains whose authorities may not issue."""
    not_ca = authority("Pas une AC", issuer=ROOT, ca=False)
    silent = authority("Sans contraintes", issuer=ROOT, ca=None)
    no_sign = authority("Sans signature", issuer=ROOT, usages=("crl_sign",))
    no_usage = authority("Sans usage", issuer=ROOT, usages=None)
    tight = authority("Serrée", issuer=ROOT, path_length=0)
    below = authority("Sous la serrée", issuer=tight)
    tight_root = authority("Racine serrée", path_length=0)
    under = authority("Sous la racine serrée", issuer=tight_root)
    one = authority("Niveau 1", issuer=ROOT)
    two = authority("Niveau 2", issuer=one)
    three = authority("Niveau 3", issuer=two)
    server_only = authority("Serveurs", issuer=ROOT, extended=(SERVER,))
    odd = authority("Étrange", issuer=ROOT, others=((UNKNOWN, True),))
    french = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")]))
    named = authority("Noms contraints", issuer=ROOT, others=((x509.NameConstraints([french], None), True),))
    return [
        Chain("authority without CA", leaf(not_ca), (not_ca,), finding=Finding.NOT_A_CA),
        Chain("authority without basicConstraints", leaf(silent), (silent,), finding=Finding.NOT_A_CA),
        Chain("authority without keyCertSign", leaf(no_sign), (no_sign,), finding=Finding.NOT_A_CA),
        Chain(
            "authority without keyUsage",
            leaf(no_usage),
            (no_usage,),
            finding=Finding.NOT_A_CA,
            openssl=True,
            certvalidator=True,
            why="RFC 5280 §4.2.1.3 demands it of issuers and forgives it to validators; we do not forgive",
        ),
        Chain("below an authority that allows none", leaf(below), (below, tight), finding=Finding.PATH_TOO_LONG),
        Chain(
            "below an anchor that allows none",
            leaf(under),
            (under,),
            (tight_root,),
            finding=Finding.PATH_TOO_LONG,
            certvalidator=True,
            why="certvalidator reads no path length of an anchor",
        ),
        Chain(
            "longer than any path of ours",
            leaf(three),
            (three, two, one),
            finding=Finding.NO_PATH,
            openssl=True,
            certvalidator=True,
            why="our limit is four certificates",
        ),
        Chain(
            "authority limited to another usage",
            leaf(server_only),
            (server_only,),
            finding=Finding.WRONG_PURPOSE,
            certvalidator=True,
            why="RFC 5280 does not say that an authority's usages limit those below; browsers and openssl do, and so do we",
        ),
        Chain("authority with an unknown critical extension", leaf(odd), (odd,), finding=Finding.UNKNOWN_CRITICAL_EXTENSION),
        Chain(
            "name constraints that are satisfied",
            leaf(named),
            (named,),
            finding=Finding.CONSTRAINT_NOT_PROCESSED,
            openssl=True,
            certvalidator=True,
            why="we do not process them, and say so: indeterminate",
        ),
    ]


def signatures() -> list[Chain]:
    """Chains whose links do not hold."""
    impostor = authority("Personnes", number=950)
    printable = authority("Imprimable", issuer=ROOT)
    weak = authority("Empreinte", issuer=ROOT, hash=hashes.SHA384())
    forged, orphan = leaf(impostor, authority_identifier=False), leaf(authority("Inconnue"))
    other_type = leaf(printable, issuer_name=name("Imprimable", utf8=False))
    return [
        Chain("leaf's signature changed", flipped(LEAF), finding=Finding.BAD_SIGNATURE),
        Chain("authority's signature changed", LEAF, (flipped(PEOPLE),), finding=Finding.BAD_SIGNATURE),
        Chain("signed by another key of the same name", forged, finding=Finding.BAD_SIGNATURE),
        Chain("names another key of its issuer", leaf(authority_identifier=b"\x01" * 20), finding=Finding.NO_PATH),
        Chain("issuer unknown", orphan, finding=Finding.NO_PATH),
        Chain("authority missing", LEAF, (), finding=Finding.NO_PATH),
        Chain("self-signed and not an anchor", make(Draft()), (), finding=Finding.NO_PATH),
        Chain(
            "issuer's name in another string type",
            other_type,
            (printable,),
            finding=Finding.NO_PATH,
            openssl=True,
            certvalidator=True,
            why="they compare names as RFC 5280 §7.1 does, we compare octets: our authorities copy them",
        ),
        Chain(
            "hash of another size than the key's",
            leaf(weak),
            (weak,),
            finding=Finding.UNKNOWN_ALGORITHM,
            openssl=True,
            certvalidator=True,
            why="each kind of key signs with one algorithm here; another is indeterminate",
        ),
    ]


def uses() -> list[Chain]:
    """Chains that stand, and are not for what is wanted."""
    other = "2.25.1234567890.9"
    stamped = leaf(extended=(TIME_STAMPING, CLIENT), extended_critical=True)
    bound = authority("Bornée", issuer=ROOT, policies=(other,))
    without = authority("Sans politique", issuer=ROOT, policies=None)
    mapped = authority("Contrainte", issuer=ROOT, others=((x509.PolicyConstraints(0, None), True),))
    bare, anyone = leaf(extended=None), leaf(policies=(ANY_POLICY,))
    silence = "RFC 5280 lets silence mean everything; a usage counts here when it is written"
    return [
        Chain("another extended usage", leaf(extended=(SERVER,)), finding=Finding.WRONG_PURPOSE),
        Chain("no extended usage", bare, finding=Finding.WRONG_PURPOSE, openssl=True, certvalidator=True, why=silence),
        Chain("key usage without digitalSignature", leaf(usages=("key_encipherment",)), finding=Finding.WRONG_KEY_USAGE),
        Chain("no key usage", leaf(usages=None), finding=Finding.WRONG_KEY_USAGE, openssl=True, why=silence),
        Chain("an authority as a client", PEOPLE, (), finding=Finding.WRONG_PURPOSE),
        Chain(
            "a leaf as an authority",
            LEAF,
            purpose="ca",
            finding=Finding.WRONG_PURPOSE,
            openssl=True,
            why="openssl verify has no such purpose and is asked for any",
        ),
        Chain(
            "time-stamping among others",
            stamped,
            purpose="timestamp",
            finding=Finding.WRONG_PURPOSE,
            certvalidator=True,
            why="RFC 3161 §2.3 wants it alone; certvalidator is asked for one usage and finds it",
        ),
        Chain(
            "authentication as signature",
            LEAF,
            purpose="signature",
            finding=Finding.WRONG_KEY_USAGE,
            openssl=True,
            why="openssl verify has no such purpose and is asked for any",
        ),
        Chain("unknown critical extension", leaf(others=((UNKNOWN, True),)), finding=Finding.UNKNOWN_CRITICAL_EXTENSION),
        Chain(
            "key of an unknown kind",
            foreign_key(),
            finding=Finding.UNKNOWN_KEY,
            certvalidator=True,
            why="certvalidator leaves the leaf's key to whoever uses it; a verdict here is about a key that can be used",
        ),
        Chain("another policy", leaf(policies=(other,)), policy=POLICY, finding=Finding.WRONG_POLICY),
        Chain("no policy", leaf(policies=None), policy=POLICY, finding=Finding.WRONG_POLICY),
        Chain("policy that the authority does not grant", leaf(bound), (bound,), policy=POLICY, finding=Finding.WRONG_POLICY),
        Chain("policy under an authority without any", leaf(without), (without,), policy=POLICY, finding=Finding.WRONG_POLICY),
        Chain(
            "anyPolicy in a leaf",
            anyone,
            policy=POLICY,
            finding=Finding.WRONG_POLICY,
            openssl=True,
            certvalidator=True,
            why="a leaf says what it is; anyPolicy says nothing",
        ),
        Chain(
            "policy constraints",
            leaf(mapped),
            (mapped,),
            finding=Finding.CONSTRAINT_NOT_PROCESSED,
            openssl=True,
            certvalidator=True,
            why="not processed: indeterminate",
        ),
    ]


CHAINS: Sequence[Chain] = (*good(), *times(), *authorities(), *signatures(), *uses())
"""Every row."""
