"""A profile joined to its issuer and compiled to octets (RFC 5280 §4.1): writes a to-be-signed certificate by joining bytes.

What every certificate of the profile shares is cut once from a certificate that pyca's builder made; what changes (subject, key,
serial, dates, CRL shard) is encoded here. Compiling compares the two ways over specimens and refuses at the first octet that
differs. It draws no serial, reads no clock and signs nothing; `pki.lint` judges the result by a path of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

from pki.profiles import render
from pki.profiles.keyid import key_identifier
from pki.profiles.model import AlternativeName, IssuerView, Particulars, Profile, RevocationList
from pki.profiles.specimens import specimen_spki, specimen_subjects
from trust import der, oids
from trust.algorithms import spki
from trust.canonical import canonical_hash
from trust.errors import Alarm, Malformed, Refused
from trust.naming import AnySubject, PersonSubject, ServerSubject

SERIAL_SIZE = 16
_VERSION_3 = der.explicit(0, der.integer(2))
_SERIAL_HEADER = bytes((der.INTEGER, SERIAL_SIZE))
_SPECIMEN_SERIAL = bytes.fromhex("40000000000000000000000000000001")

# Extensions whose content changes from one certificate to the next: everything else is cut from the specimen.
_PARTICULAR = frozenset(
    der.oid(dotted)
    for dotted in (
        oids.CRL_DISTRIBUTION_POINTS,
        oids.FRESHEST_CRL,
        oids.PRIVATE_KEY_USAGE_PERIOD,
        oids.PROFESSION,
        oids.SUBJECT_ALTERNATIVE_NAME,
        oids.SUBJECT_KEY_IDENTIFIER,
    )
)


class CompiledProfile:
    """A profile and an issuer, ready to write certificates.

    Immutable once made, apart from its memory of encoded dates; safe to share between threads.
    """

    def __init__(self, profile: Profile, issuer: IssuerView) -> None:
        """Compile, and compare with the builder over the specimens.

        Raises:
            Refused: the profile does not fit the issuer.
            Alarm: the two ways of writing a certificate differ; nothing may be issued with this profile.
        """
        self.profile = profile
        self.issuer = issuer
        self.digest: str = canonical_hash({"profile": profile.record(), "issuer": issuer.record()}).hex()
        """SHA-256, hex, of everything that shapes a certificate: stored with each intent."""
        self._signature = issuer.algorithm.identifier
        self._constant = self._cut()
        self._points = [self._point(shard) for shard in range(issuer.shards)]
        self._upn_domain = (profile.upn_domain or "").encode()
        self._dated = lru_cache(maxsize=64)(self._encode_dates)
        self._compare()

    def render(
        self, subject: AnySubject, spki_der: bytes, serial: bytes, not_before: datetime, not_after: datetime, shard: int = 0
    ) -> bytes:
        """Write a to-be-signed certificate, DER.

        Args:
            subject: who is certified, of the kind that the profile names.
            spki_der: the subject's SubjectPublicKeyInfo; its acceptability was judged before, and is linted after.
            serial: 16 octets, the first 0x40 to 0x7F.
            not_before: aware, UTC, whole seconds.
            not_after: the same; at most the profile's days later, and not beyond the issuer's own end.
            shard: the CRL shard that will list it.

        Raises:
            Malformed: a serial, a date, a shard or a public key of another form.
            Refused: a subject of another kind, or dates that the profile or the issuer do not allow.
        """
        if subject.kind != self.profile.subject:
            raise Refused(f"{self.profile.id} names a {self.profile.subject}, not a {subject.kind}", citation="CP 7.1.4")
        if len(serial) != SERIAL_SIZE or not 0x40 <= serial[0] <= 0x7F:
            raise Malformed("a serial is 16 octets and begins with 40 to 7F")
        if not 0 <= shard < len(self._points):
            raise Malformed(f"{self.issuer.ca_id} has {len(self._points)} CRL shards, not a number {shard}")
        validity, usage_period = self._dated(not_before, not_after)
        key_id = key_identifier(spki_der)
        name = subject.name_der()
        if self.profile.self_signed and (name != self.issuer.name_der or key_id != self.issuer.key_id):
            raise Refused("a root certifies itself: its own name, its own key", citation="CP 7.1.2")
        extensions = b"".join(
            (
                self._constant,
                self._points[shard],
                usage_period,
                self._subject_extensions(subject),
                b"\x30\x1d\x06\x03\x55\x1d\x0e\x04\x16\x04\x14",  # subjectKeyIdentifier: always 20 octets
                key_id,
            )
        )
        head = (_VERSION_3, _SERIAL_HEADER, serial, self._signature, self.issuer.name_der, validity, name, spki_der)
        tail = der.tlv(0xA3, der.tlv(der.SEQUENCE, extensions))
        return der.tlv(der.SEQUENCE, b"".join((*head, tail)))

    def validity(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the dates of a certificate issued now: the whole duration of the profile.

        Raises:
            Refused: the issuer ends before (CP 6.3.2; reliability case I08).
        """
        not_after = now + timedelta(days=self.profile.validity_days)
        self._dated(now, not_after)
        return now, not_after

    def specimen(self) -> bytes:
        """Return the to-be-signed certificate of the first specimen of this profile."""
        return self.render(*next(self.particulars()))

    def particulars(self) -> Iterator[Particulars]:
        """Yield the specimens of this profile: every specimen subject, every kind of key, first and last shard."""
        start = self.issuer.not_before
        full = min(start + timedelta(days=self.profile.validity_days), self.issuer.not_after)
        subjects = specimen_subjects(self.profile, self.issuer)
        keys = [specimen_spki(name) for name in self.profile.subject_keys]
        if self.profile.self_signed:
            keys = [spki(self.issuer.public_key)]
        for index in range(max(len(subjects), len(keys), 2)):
            subject, key = subjects[index % len(subjects)], keys[index % len(keys)]
            shard = (0, self.issuer.shards - 1)[index % 2]
            yield Particulars(subject, key, _SPECIMEN_SERIAL, start, full - timedelta(seconds=index), shard)

    def _compare(self) -> None:
        for particulars in self.particulars():
            built = render.build(self.profile, self.issuer, *particulars)
            if self.render(*particulars) != built.tbs_certificate_bytes:
                raise Alarm(f"{self.profile.id} under {self.issuer.ca_id}: compiled and built certificates differ")

    def _cut(self) -> bytes:
        """Cut the constant extensions out of a certificate that the builder made."""
        start = self.issuer.not_before
        end = min(start + timedelta(days=self.profile.validity_days), self.issuer.not_after)
        subject = specimen_subjects(self.profile, self.issuer)[0]
        key = specimen_spki(self.profile.subject_keys[0])
        built = render.build(self.profile, self.issuer, subject, key, _SPECIMEN_SERIAL, start, end)
        fields = list(der.children(der.whole(built.tbs_certificate_bytes, der.SEQUENCE)))
        extensions = der.whole(fields[-1][1], der.SEQUENCE)
        return b"".join(
            encoded for _, content, encoded in der.children(extensions) if content[: der.header(content)[2]] not in _PARTICULAR
        )

    def _point(self, shard: int) -> bytes:
        """Encode where the CRL of a shard is, and its delta."""
        if self.profile.revocation_list is RevocationList.NONE:
            return b""
        points = _extension(oids.CRL_DISTRIBUTION_POINTS, _points(render.revocation_list_url(self.profile, self.issuer, shard)))
        if self.profile.freshest and self.issuer.delta:
            points += _extension(oids.FRESHEST_CRL, _points(render.delta_url(self.profile, self.issuer, shard)))
        return points

    def _encode_dates(self, not_before: datetime, not_after: datetime) -> tuple[bytes, bytes]:
        """Encode Validity and privateKeyUsagePeriod; a batch shares its dates, hence the memory around it."""
        for moment in (not_before, not_after):
            if moment.utcoffset() != timedelta(0) or moment.microsecond:
                raise Malformed("dates of a certificate are UTC and whole seconds (RFC 5280 §4.1.2.5)")
        if not not_before < not_after <= not_before + timedelta(days=self.profile.validity_days):
            raise Refused(f"{self.profile.id} lasts at most {self.profile.validity_days} days", citation="CP 6.3.2")
        if not_before < self.issuer.not_before or not_after > self.issuer.not_after:
            raise Refused(
                f"{self.issuer.ca_id} itself is valid {self.issuer.not_before} to {self.issuer.not_after}", citation="CP 6.3.2"
            )
        validity = der.sequence(der.time(not_before), der.time(not_after))
        margin = self.profile.private_key_margin_days
        if margin is None:
            return validity, b""
        period = (not_before, not_after - timedelta(days=margin))
        times = [der.implicit(number, moment.strftime("%Y%m%d%H%M%SZ").encode()) for number, moment in enumerate(period)]
        return validity, _extension(oids.PRIVATE_KEY_USAGE_PERIOD, der.sequence(*times))

    def _subject_extensions(self, subject: AnySubject) -> bytes:
        """Encode what the extensions say of the subject: profession, alternative names."""
        form = self.profile.alternative_name
        if isinstance(subject, PersonSubject):
            profession = _profession(subject.profession) if self.profile.profession else b""
            if form is AlternativeName.UPN:
                upn = subject.idnat[0].encode() + b"." + subject.idnat[1:].encode() + b"@" + self._upn_domain
                other = _UPN + der.explicit(0, der.tlv(der.UTF8_STRING, upn))
                return profession + _alternative(der.explicit(0, other))
            if form is AlternativeName.EMAIL and subject.email:
                return profession + _alternative(der.implicit(1, subject.email.encode()))
            return profession
        if form is AlternativeName.DNS and isinstance(subject, ServerSubject):
            return _alternative(b"".join(der.implicit(2, name.encode()) for name in subject.dns_names))
        return b""


_UPN = der.oid(oids.NAME_UPN)
_ALTERNATIVE = der.oid(oids.SUBJECT_ALTERNATIVE_NAME)


def _alternative(general_names: bytes) -> bytes:
    return der.sequence(_ALTERNATIVE, der.octet_string(der.sequence(general_names)))


@lru_cache(maxsize=128)
def _profession(code: str) -> bytes:
    return _extension(oids.PROFESSION, der.integer(int(code)))


def _points(url: str) -> bytes:
    """Encode CRLDistributionPoints of one URL (RFC 5280 §4.2.1.13)."""
    return der.sequence(der.sequence(der.explicit(0, der.explicit(0, der.implicit(6, url.encode("ascii"))))))


def _extension(dotted: str, value: bytes) -> bytes:
    """Encode an extension that is not critical."""
    return der.sequence(der.oid(dotted), der.octet_string(value))
