"""Our own blocking rules over a finished to-be-signed certificate (RFC 5280; CP 7.1; reliability cases P14, C10, I08, I5).

Every certificate passes here before the real key touches it, and again before it is released. The rules know the profile, the
issuer and the clock, and share no code with what wrote the octets: `anatomy` takes them apart with the strict reader, while
`extensions` has pyca read what follows from profile and issuer, `names` reads who is certified, `order` compares with what was
asked. Whether that was approved, they cannot say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from pki.lint import extensions, names
from pki.lint.anatomy import Anatomy, dissect, elements, extension_parts, key_kind, read_time
from pki.lint.finding import Finding, Severity
from pki.lint.order import against_order
from pki.profiles.compiled import CompiledProfile
from pki.profiles.model import AlternativeName, Particulars
from trust import der, oids
from trust.errors import Malformed

_MEMORY = 4096
"""Octets strings that a rule book remembers as good, before it forgets them all."""


class _Facts(NamedTuple):
    """What the extensions are held against."""

    key_id: bytes
    """The identifier of the subject's key."""
    validity: tuple[datetime, datetime]
    subject: names.Attributes


def check(tbs: bytes, compiled: CompiledProfile, now: datetime, ordered: Particulars | None = None) -> list[Finding]:
    """Judge a to-be-signed certificate.

    Args:
        tbs: the TBSCertificate, DER.
        compiled: the profile and issuer that it claims to be of; only their values are used, never their encodings.
        now: the CA's clock.
        ordered: what was to be certified, when the caller knows: each field is then compared with what is written.

    Returns:
        Findings; an empty list when nothing is wrong. It raises nothing: what cannot be read is a finding too.
    """
    found: list[Finding] = []
    try:
        for finding in _book(compiled).judge(dissect(tbs), now, ordered):
            found.append(finding)  # one by one: what was found before an unreadable field stays found
    except Malformed as error:
        found.append(_error("der", "RFC 5280 §4.1", str(error)))
    return found


class RuleBook:
    """The rules for one profile and issuer, and the contents that they found good.

    The memory is an optimisation over pure functions: forgetting it changes nothing but time.
    """

    def __init__(self, compiled: CompiledProfile) -> None:
        """Bind the rules to the values of a profile and its issuer."""
        self.profile = compiled.profile
        self.issuer = compiled.issuer
        self._required = {
            der.oid(dotted): critical for dotted, critical in extensions.required(self.profile, self.issuer).items()
        }
        self._good: dict[bytes, bytes] = {}
        """Extension -> its OID, both encoded."""
        self._beginning: tuple[bytes, dict[bytes, bytes]] = b"", {}
        """The good extensions that certificates of this profile begin with: joined, and by OID."""
        self._rdns: dict[bytes, tuple[tuple[str, ...], names.Attributes]] = {}
        self._dates: dict[bytes, tuple[datetime, datetime]] = {}
        self._timely: set[tuple[tuple[datetime, datetime], datetime]] = set()
        """Good pairs of dates and clock."""
        self._periods: set[tuple[bytes, tuple[datetime, datetime]]] = set()
        """Good pairs of privateKeyUsagePeriod (the whole extension) and dates."""
        self._around_upn: set[tuple[bytes, bytes, int]] = set()
        """What stands before and after the user principal name in a good subjectAltName, and the length of that name."""

    def judge(self, anatomy: Anatomy, now: datetime, ordered: Particulars | None) -> Iterator[Finding]:
        """Yield what is wrong.

        Raises:
            Malformed: a field cannot be read.
        """
        self._forget_when_full()
        yield from self._fixed_fields(anatomy)
        validity = self._read_dates(anatomy.validity)
        if (validity, now) not in self._timely:
            if found := list(self._validity(validity, now)):
                yield from found
            else:
                self._timely.add((validity, now))
        kind, key_octets = key_kind(anatomy.spki)
        if kind not in self.profile.subject_keys:
            yield _error("subject_key", "CP 6.1.5", f"{kind} is not among {', '.join(self.profile.subject_keys)}")
        shape, subject = self._read_name(anatomy.subject)
        yield from names.judge_subject(self.profile, shape, subject)
        if self.profile.self_signed != (anatomy.subject == anatomy.issuer):
            yield _error("subject.issuer", "RFC 5280 §3.2", "a root, and nobody else, bears the name of its issuer")
        key_id = hashlib.sha256(key_octets).digest()[:20]
        if self.profile.self_signed and key_id != self.issuer.key_id:
            yield _error("subject_key.root", "RFC 5280 §3.2", "a root certifies its own key")
        present: dict[bytes, bytes] = {}
        yield from self._extensions(anatomy.extensions, _Facts(key_id, validity, subject), present)
        if ordered is not None:
            yield from against_order(self.profile, ordered, anatomy, present, validity, subject)

    def _forget_when_full(self) -> None:
        if len(self._good) + len(self._rdns) + len(self._dates) + len(self._timely) > _MEMORY:
            for memory in (self._good, self._rdns, self._dates, self._timely, self._periods, self._around_upn):
                memory.clear()

    def _fixed_fields(self, anatomy: Anatomy) -> Iterator[Finding]:
        if anatomy.version != b"\xa0\x03\x02\x01\x02":
            yield _error("version", "RFC 5280 §4.1.2.1", "not version 3")
        if len(anatomy.serial) != 16 or not 0x40 <= anatomy.serial[0] <= 0x7F:
            yield _error("serial", "CP 7.1.1", f"16 octets, the first 40 to 7F, not {anatomy.serial.hex()}")
        if anatomy.signature != self.issuer.algorithm.identifier:
            yield _error("signature_algorithm", "RFC 5280 §4.1.2.3", f"not {self.issuer.algorithm.name}, the issuer's")
        if anatomy.issuer != self.issuer.name_der:
            yield _error("issuer", "RFC 5280 §4.1.2.4", f"not the name of {self.issuer.ca_id}, octet for octet")

    def _read_dates(self, encoded: bytes) -> tuple[datetime, datetime]:
        dates = self._dates.get(encoded)
        if dates is None:
            times = [read_time(tag, content) for tag, content, _ in der.children(der.whole(encoded, der.SEQUENCE))]
            if len(times) != 2:
                raise Malformed("Validity is two times")
            dates = self._dates[encoded] = (times[0], times[1])
        return dates

    def _validity(self, validity: tuple[datetime, datetime], now: datetime) -> Iterator[Finding]:
        not_before, not_after = validity
        if not not_before < not_after <= not_before + timedelta(days=self.profile.validity_days):
            yield _error("validity.duration", "CP 6.3.2", f"{not_after - not_before}, at most {self.profile.validity_days} days")
        if not_before < self.issuer.not_before or not_after > self.issuer.not_after:
            yield _error("validity.issuer", "CP 6.3.2", f"outside the validity of {self.issuer.ca_id}")
        if not self.issuer.not_before <= now <= self.issuer.not_after:
            yield _error("validity.issuer_expired", "CP 6.3.2", f"{self.issuer.ca_id} is not valid now")
        if not 0 <= (now - not_before).total_seconds() <= self.profile.backdate_seconds:
            yield _error("validity.clock", "CP 7.1.2", f"begins {not_before}, the clock says {now}")

    def _read_name(self, encoded: bytes) -> tuple[tuple[tuple[str, ...], ...], names.Attributes]:
        """Read a name; RDNs of one attribute (a country, a profession, an employer) come back often and are remembered."""
        shape, subject = [], {}
        for rdn in elements(der.whole(encoded, der.SEQUENCE)):
            read = self._rdns.get(rdn)
            if read is None:
                read = names.read_rdn(rdn)
                if len(read[0]) == 1:
                    self._rdns[rdn] = read
            shape.append(read[0])
            subject.update(read[1])
        if len(subject) != sum(map(len, shape)):
            raise Malformed("an attribute twice in a name")
        return tuple(shape), subject

    def _extensions(self, listed: bytes, facts: _Facts, present: dict[bytes, bytes]) -> Iterator[Finding]:
        """Judge each extension, then the set of them; fill `present` with OID -> extension, both encoded."""
        beginning, by_oid = self._beginning
        known = bool(beginning) and listed.startswith(beginning)
        if known:
            present.update(by_oid)
        count, clean = len(present), True
        for encoded in elements(listed[len(beginning) :] if known else listed):
            count += 1
            dotted = self._recognise(encoded, facts)
            if dotted is None:
                dotted, critical, value = extension_parts(encoded)
                if found := list(self._judge_extension(encoded, (dotted, critical, value), facts)):
                    clean = False
                    yield from found
                else:
                    self._remember(encoded, dotted, facts)
            elif dotted == _PROFESSION:
                yield from names.judge_profession(facts.subject, str(encoded[-1]))
            present[dotted] = encoded
        if len(present) != count:
            yield _error("extension.twice", "RFC 5280 §4.2", "the same extension twice")
        elif clean and not known:
            same = dict(takewhile(lambda item: item[0] not in _VARYING, present.items()))
            self._beginning = b"".join(same.values()), same
        for dotted in self._required.keys() - present.keys():
            yield _error("extension.missing", "CP 7.1.2", f"extension {_dotted(dotted)} is missing")
        if _FRESHEST in present and _POINTS in present and _scope(present[_FRESHEST]) != _scope(present[_POINTS]):
            yield _error("freshest.scope", "RFC 5280 §5.2.4", "the delta is not of the list that the certificate names")

    def _recognise(self, encoded: bytes, facts: _Facts) -> bytes | None:
        """Return the OID of an extension that is good for these facts by what is remembered; None when it is to be judged."""
        dotted = self._good.get(encoded)
        if dotted is not None:
            return dotted
        if encoded == _KEY_IDENTIFIER_HEAD + facts.key_id:
            return _KEY_IDENTIFIER
        if (encoded, facts.validity) in self._periods:
            return _USAGE_PERIOD
        if self._around_upn:
            name = _user_principal(facts.subject)
            before, _, after = encoded.partition(name)
            if (before, after, len(name)) in self._around_upn:
                return _ALTERNATIVE_NAME
        return None

    def _remember(self, encoded: bytes, dotted: bytes, facts: _Facts) -> None:
        """Remember an extension that was judged good, for as much of the facts as it was good for."""
        if dotted == _USAGE_PERIOD:
            self._periods.add((encoded, facts.validity))
        elif dotted == _ALTERNATIVE_NAME:
            if self.profile.alternative_name is AlternativeName.UPN:
                name = _user_principal(facts.subject)
                before, _, after = encoded.partition(name)
                if name not in after:
                    self._around_upn.add((before, after, len(name)))
        elif dotted != _KEY_IDENTIFIER:
            self._good[encoded] = dotted

    def _judge_extension(
        self,
        encoded: bytes,
        read: tuple[bytes, bool, bytes],
        facts: _Facts,
    ) -> Iterator[Finding]:
        dotted, critical, value = read
        key_id, validity, subject = facts.key_id, facts.validity, facts.subject
        optional = dotted == _ALTERNATIVE_NAME and self.profile.alternative_name.value == "email"
        if dotted not in self._required and not optional:
            yield _error("extension.unknown", "CP 7.1.2", f"{self.profile.id} has no extension {_dotted(dotted)}")
            return
        if critical != self._required.get(dotted, False):
            yield _error("extension.critical", "RFC 5280 §4.2", f"{_dotted(dotted)} is{' not' * (not critical)} critical")
        if dotted == _KEY_IDENTIFIER:
            if value != b"\x04\x14" + key_id:
                yield _error("subject_key_identifier", "RFC 7093 §2", "not the identifier of this key")
        elif dotted == _AUTHORITY_KEY:
            parts = [(tag, content) for tag, content, _ in der.children(der.whole(value, der.SEQUENCE))]
            if parts != [(0x80, self.issuer.key_id)]:
                yield _error("authority_key_identifier", "RFC 5280 §4.2.1.1", f"not the key of {self.issuer.ca_id}, alone")
        elif dotted == _ALTERNATIVE_NAME:
            yield from names.judge_alternative_names(self.profile, subject, value)
        elif dotted == _USAGE_PERIOD:
            yield from self._usage_period(value, validity)
        elif dotted == _PROFESSION:
            if len(value) != 3 or value[:2] != b"\x02\x01" or value[2] > 0x7F:
                yield _error("profession", "CP 7.1.2", f"an INTEGER of one octet, not {value.hex()}")
            else:
                yield from names.judge_profession(subject, str(value[2]))
        else:
            yield from extensions.judge(self.profile, self.issuer, encoded, value)

    def _usage_period(self, value: bytes, validity: tuple[datetime, datetime]) -> Iterator[Finding]:
        times = [(tag, content) for tag, content, _ in der.children(der.whole(value, der.SEQUENCE))]
        if [tag for tag, _ in times] != [0x80, 0x81]:
            raise Malformed("privateKeyUsagePeriod is two times")
        ends = validity[1] - timedelta(days=self.profile.private_key_margin_days or 0)
        if [content for _, content in times] != [moment.strftime("%Y%m%d%H%M%SZ").encode() for moment in (validity[0], ends)]:
            yield _error("private_key_usage_period", "CP 6.3.2", f"from notBefore to {ends}")


@lru_cache(maxsize=128)
def _book(compiled: CompiledProfile) -> RuleBook:
    return RuleBook(compiled)


def _user_principal(subject: names.Attributes) -> bytes:
    """Return the part of a user principal name that is the subject's."""
    identifier = subject.get(oids.COMMON_NAME, "")
    return f"{identifier[:1]}.{identifier[1:]}".encode()


def _scope(encoded: bytes) -> bytes:
    """Return the part of the certificates that an address is about; whether it is one of this issuer was judged already."""
    return encoded.rpartition(b"/")[2].removesuffix(b".crl").removesuffix(b"-delta")


def _error(code: str, citation: str, detail: str) -> Finding:
    return Finding(f"sceau.{code}", Severity.ERROR, citation, detail)


def _dotted(encoded: bytes) -> str:
    return _NAMES.get(encoded) or encoded.hex()


_KEY_IDENTIFIER = der.oid(oids.SUBJECT_KEY_IDENTIFIER)
_AUTHORITY_KEY = der.oid(oids.AUTHORITY_KEY_IDENTIFIER)
_ALTERNATIVE_NAME = der.oid(oids.SUBJECT_ALTERNATIVE_NAME)
_USAGE_PERIOD = der.oid(oids.PRIVATE_KEY_USAGE_PERIOD)
_PROFESSION = der.oid(oids.PROFESSION)
_POINTS = der.oid(oids.CRL_DISTRIBUTION_POINTS)
_FRESHEST = der.oid(oids.FRESHEST_CRL)
_VARYING = frozenset((_KEY_IDENTIFIER, _ALTERNATIVE_NAME, _USAGE_PERIOD, _PROFESSION, _POINTS, _FRESHEST))
"""Extensions that are not the same in every certificate of a profile."""
_KEY_IDENTIFIER_HEAD = b"\x30\x1d\x06\x03\x55\x1d\x0e\x04\x16\x04\x14"
"""Of a subjectKeyIdentifier of twenty octets: the whole extension but for them."""
_NAMES = {der.oid(value): value for name, value in vars(oids).items() if name.isupper()}
