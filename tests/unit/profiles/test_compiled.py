from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from pki.lint.corpus import trials
from pki.profiles import render
from pki.profiles.compiled import CompiledProfile
from pki.profiles.keyid import key_identifier
from pki.profiles.model import IssuerView, Particulars
from pki.profiles.specimens import specimen_spki
from tests.builders.names import people
from tests.builders.profiles import END, IDS, ISSUER_ALGORITHMS, START, compiled, issuer, ordinary, profiles
from trust.algorithms import ALGORITHMS, spki
from trust.errors import Alarm, Malformed, Refused
from trust.naming import AuthoritySubject, PersonSubject

PERSONAL = [profile_id for profile_id in IDS if profile_id.startswith("ps-")]
SERIALS = st.binary(min_size=16, max_size=16).map(lambda octets: bytes((0x40 | octets[0] & 0x3F,)) + octets[1:])
MOMENTS = st.integers(0, (END - START).days * 86400 - 1096 * 86400).map(lambda seconds: START + timedelta(seconds=seconds))


def built(profile: CompiledProfile, particulars: Particulars) -> bytes:
    """Write the same certificate with pyca's builder."""
    return render.build(profile.profile, profile.issuer, *particulars).tbs_certificate_bytes


@pytest.mark.parametrize("algorithm", ISSUER_ALGORITHMS)
@pytest.mark.parametrize("profile_id", IDS)
def test_compiled_is_built_over_the_corpus(profile_id: str, algorithm: str) -> None:
    """Every profile, every algorithm of the issuer, every extreme name, every kind of key: the same octets."""
    profile = compiled(profile_id, algorithm)
    for particulars in trials(profile):
        assert profile.render(*particulars) == built(profile, particulars)


@pytest.mark.parametrize("algorithm", ISSUER_ALGORITHMS)
@pytest.mark.parametrize("profile_id", PERSONAL)
@settings(max_examples=25, deadline=None)
@given(person=people(), serial=SERIALS, begin=MOMENTS, days=st.integers(1, 1095), shard=st.integers(0, 3))
def test_compiled_is_built_for_anybody(
    profile_id: str, algorithm: str, person: PersonSubject, serial: bytes, begin: datetime, days: int, shard: int
) -> None:
    """Any name, serial, dates (before and after 2050) and shard."""
    profile = compiled(profile_id, algorithm)
    margin = profile.profile.private_key_margin_days or 0
    end = min(begin + timedelta(days=max(days, margin + 1)), END)
    particulars = Particulars(person, ordinary(profile).spki_der, serial, begin, end, shard)

    assert profile.render(*particulars) == built(profile, particulars)


def test_dates_from_2050_are_written_in_four_digits() -> None:
    """UTCTime ends in 2049 (RFC 5280 §4.1.2.5)."""
    late = replace(issuer(), not_after=datetime(2060, 1, 1, tzinfo=UTC))
    profile = CompiledProfile(profiles()["ps-authentification"], late)
    begin = datetime(2049, 6, 1, tzinfo=UTC)
    particulars = ordinary(profile)._replace(not_before=begin, not_after=begin + timedelta(days=1095))

    tbs = profile.render(*particulars)

    assert b"\x17\x0d490601000000Z\x18\x0f20520531000000Z" in tbs
    assert tbs == built(profile, particulars)


@pytest.mark.parametrize("profile_id", IDS)
def test_a_certificate_is_signed_read_and_verified(profile_id: str) -> None:
    """What is written is a TBSCertificate that pyca reads back whole, extensions included."""
    profile = compiled(profile_id)
    certificate = render.build(profile.profile, profile.issuer, *ordinary(profile))

    assert certificate.version is x509.Version.v3
    assert len(list(certificate.extensions)) >= 4


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"serial": b"\x40" * 15}, Malformed),
        ({"serial": b"\x80" + b"\1" * 15}, Malformed),
        ({"serial": b"\x3f" + b"\1" * 15}, Malformed),
        ({"serial": b"\x00" * 16}, Malformed),
        ({"shard": 4}, Malformed),
        ({"shard": -1}, Malformed),
        ({"spki_der": b""}, Malformed),
        ({"spki_der": b"\x30\x00"}, Malformed),
        ({"not_before": START.replace(tzinfo=None)}, Malformed),
        ({"not_before": START.replace(microsecond=1)}, Malformed),
        ({"not_before": START.replace(tzinfo=timezone(timedelta(hours=1)))}, Malformed),
        ({"not_after": START}, Refused),
        ({"not_after": START + timedelta(days=1095, seconds=1)}, Refused),
        ({"not_before": START - timedelta(seconds=1)}, Refused),
        ({"not_before": END, "not_after": END + timedelta(seconds=1)}, Refused),
    ],
)
def test_what_no_certificate_may_be_is_not_rendered(change: dict[str, Any], refusal: type[Exception]) -> None:
    """Serial, shard, key, dates of another form; dates beyond the profile or the issuer (reliability case I08)."""
    profile = compiled("ps-authentification")

    with pytest.raises(refusal):
        profile.render(*ordinary(profile)._replace(**change))


def test_a_subject_of_another_kind_is_refused() -> None:
    """A server is not certified with a practitioner's profile."""
    profile, other = compiled("ps-authentification"), compiled("serveur-tls-ec")

    with pytest.raises(Refused):
        profile.render(*ordinary(profile)._replace(subject=ordinary(other).subject))
    with pytest.raises(Refused):
        built(profile, ordinary(profile)._replace(subject=ordinary(other).subject))


def test_a_whole_validity_fits_in_the_issuers_or_is_refused() -> None:
    """The last day on which a certificate of three years can begin is three years before the issuer's end."""
    profile = compiled("ps-authentification")
    last = END - timedelta(days=1095)

    assert profile.validity(last) == (last, END)
    with pytest.raises(Refused, match="valid"):
        profile.validity(last + timedelta(seconds=1))


def test_a_root_certifies_its_own_name_and_key_only() -> None:
    """Whatever it is asked."""
    root = compiled("ca-racine")
    other = ordinary(compiled("ca-emettrice"))

    with pytest.raises(Refused):
        root.render(*ordinary(root)._replace(subject=other.subject))
    with pytest.raises(Refused):
        root.render(*ordinary(root)._replace(spki_der=specimen_spki("P-384")))


def test_compiling_stops_when_the_two_ways_differ() -> None:
    """A compiler that writes one octet otherwise than the builder issues nothing."""

    class Slipping(CompiledProfile):
        def _subject_extensions(self, subject: Any) -> bytes:
            return super()._subject_extensions(subject).replace(b"8.997", b"8-997")

    with pytest.raises(Alarm):
        Slipping(profiles()["ps-authentification"], issuer())


def test_the_digest_covers_profile_and_issuer() -> None:
    """Any change that shapes a certificate changes it; a title, which shapes nothing, does not."""
    profile, view = profiles()["ps-authentification"], issuer()
    digest = CompiledProfile(profile, view).digest

    assert len(digest) == 64
    assert CompiledProfile(replace(profile, title="Autre titre"), view).digest == digest
    for changed in (
        CompiledProfile(replace(profile, validity_days=1000), view),
        CompiledProfile(replace(profile, upn_domain="autre.example.com"), view),
        CompiledProfile(profile, replace(view, shards=8)),
        CompiledProfile(profile, replace(view, base_url="http://autre.example.com")),
        CompiledProfile(profile, replace(view, key_id=bytes(20))),
    ):
        assert changed.digest != digest


def test_the_specimen_is_a_certificate_of_the_profile() -> None:
    """The first one, to show and to lint."""
    profile = compiled("ps-authentification")

    assert profile.specimen() == profile.render(*ordinary(profile))


def test_an_issuer_is_read_from_its_certificate() -> None:
    """Name, key identifier and dates are those of the certificate, octet for octet."""
    authority = compiled("ca-emettrice")
    particulars = ordinary(authority)
    certificate = render.build(authority.profile, authority.issuer, *particulars).public_bytes(Encoding.DER)

    view = IssuerView.of_certificate("personnes", certificate, base_url="http://a.example.com/", shards=2, delta=False)

    assert view.name_der == particulars.subject.name_der()
    assert view.key_id == key_identifier(particulars.spki_der)
    assert (view.not_before, view.not_after) == (particulars.not_before, particulars.not_after)
    assert (view.algorithm.name, view.base_url, view.shards) == ("P-256", "http://a.example.com", 2)
    assert CompiledProfile(profiles()["ps-signature"], view).issuer is view


def test_a_root_is_described_before_it_has_a_certificate() -> None:
    """Its own name and key are those of its issuer; then its certificate describes the same issuer."""
    subject = AuthoritySubject("SCEAU TEST RACINE", "SCEAU TEST")
    key = ALGORITHMS["P-384"].generate().public_key()
    view = IssuerView.of_root("racine", subject, key, (START, END), base_url="http://a.example.com")
    root = CompiledProfile(profiles()["ca-racine"], view)
    certificate = render.build(root.profile, view, *ordinary(root)).public_bytes(Encoding.DER)

    read = IssuerView.of_certificate("racine", certificate, base_url="http://a.example.com", shards=1, delta=False)

    assert read.record() == view.record()


@pytest.mark.parametrize("octets", [b"", b"\x30\x00", b"not a certificate"])
def test_an_issuer_is_not_read_from_anything_else(octets: bytes) -> None:
    """Never a traceback."""
    with pytest.raises(Malformed):
        IssuerView.of_certificate("x", octets, base_url="", shards=1, delta=False)


def test_the_builder_refuses_a_key_that_it_cannot_certify() -> None:
    """Octets that are no key, and a key that agrees instead of signing."""
    profile = compiled("ps-authentification")
    agreement = X25519PrivateKey.from_private_bytes(bytes(32)).public_key()

    for spki_der in (b"", b"\x30\x00", spki(agreement)):
        with pytest.raises(Malformed):
            built(profile, ordinary(profile)._replace(spki_der=spki_der))
