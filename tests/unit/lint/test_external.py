from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from pki.lint.corpus import CORPUS, trial
from pki.lint.external import CRL_SAMPLE, citation, lint_certificate, lint_crl, lint_ocsp_response, sampled
from pki.lint.finding import Finding, Severity, blocking
from pki.profiles import render
from pki.profiles.compiled import CompiledProfile
from tests.builders.profiles import IDS, START, compiled, issuer, ordinary, profiles
from trust import der, oids
from trust.algorithms import ALGORITHMS
from trust.errors import Malformed
from trust.naming import PersonSubject

KEY = render.throw_away_key("P-256")


def certificate(profile: CompiledProfile) -> bytes:
    """Return an ordinary certificate of a profile, signed by a throw-away key."""
    return render.build(profile.profile, profile.issuer, *ordinary(profile)).public_bytes(Encoding.DER)


def revoked(count: int, *extensions: x509.ExtensionType) -> bytes:
    """Return a list of that many certificates."""
    entries = [
        x509.RevokedCertificateBuilder()
        .serial_number(0x40 << 120 | number + 1)
        .revocation_date(START)
        .add_extension(x509.CRLReason(x509.ReasonFlags.superseded), False)
        .build()
        for number in range(count)
    ]
    builder = x509.CertificateRevocationListBuilder(revoked_certificates=entries)
    builder = builder.issuer_name(x509.Name.from_bytes(issuer().name_der))
    builder = builder.last_update(START).next_update(START + timedelta(hours=24))
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


USUAL = (x509.CRLNumber(7), x509.AuthorityKeyIdentifier(issuer().key_id, None, None))


@pytest.mark.parametrize("algorithm", ["P-256", "P-384", "RSA-3072"])
@pytest.mark.parametrize("profile_id", IDS)
def test_no_profile_gives_an_error_or_a_warning_over_the_corpus(profile_id: str, algorithm: str) -> None:
    """By our rules and by pkilint: EN 319 412-2 for people, -3 for structures, RFC 5280 for the rest."""
    findings = [finding for _, finding in trial(compiled(profile_id, algorithm))]

    assert blocking(findings) == []


@pytest.mark.parametrize("algorithm", ["Ed25519", "ML-DSA-65"])
def test_newer_algorithms_are_only_worth_a_notice(algorithm: str) -> None:
    """TS 119 312 does not list them yet; nothing else is said."""
    findings = lint_certificate(certificate(compiled("ps-signature", algorithm)), "ncp-natural-person")

    assert blocking(findings) == []
    assert any("discouraged_signature_algorithm" in finding.code for finding in findings)


def test_the_verdict_is_not_about_the_host() -> None:
    """A demonstration on the loopback address is tried under a public name."""
    home = CompiledProfile(profiles()["ps-signature"], replace(issuer(), base_url="http://127.0.0.1:8401"))

    assert blocking(finding for _, finding in trial(home)) == []


def test_what_the_corpus_holds() -> None:
    """Accents, apostrophes of both kinds, hyphens, one letter, ligatures, three given names, the longest of each."""
    people = [subject for subject in CORPUS["person"] if isinstance(subject, PersonSubject)]
    names = "".join(f"|{subject.family_name}|{subject.given_name}|" for subject in people)

    for sign in ("É", "'", "’", "-", "Œ", "œ", "Æ", "æ", "Ç", "Ø", "Ễ", "ẞ", "|O|A|", "MARIE JEANNE ÉLÉONORE", "Œ" * 128):
        assert sign in names
    assert all(len(subjects) >= 3 for subjects in CORPUS.values())


def test_an_accepted_warning_is_shown_with_its_reason() -> None:
    """The seal bears two key usages, like the national ones; without the acceptance, the warning blocks."""
    seal, profile = certificate(compiled("org-cachet")), profiles()["org-cachet"]
    (code, reason), *_ = profile.accepted.items()

    accepted = lint_certificate(seal, profile.lint, profile.accepted)

    assert [finding.detail for finding in accepted if finding.severity is Severity.ACCEPTED] == [reason]
    assert [finding.code for finding in blocking(lint_certificate(seal, profile.lint))] == [code]


def test_an_error_cannot_be_accepted() -> None:
    """Only a warning can: a profile does not argue with a MUST."""
    authority = certificate(compiled("ca-emettrice"))
    findings = blocking(lint_certificate(authority, "ncp-natural-person"))
    codes = {finding.code: "because" for finding in findings}

    still = blocking(lint_certificate(authority, "ncp-natural-person", codes))
    assert still == [finding for finding in findings if finding.severity is Severity.ERROR]


def test_pkilint_finds_what_is_wrong_with_a_certificate() -> None:
    """A server's certificate judged as a person's: it lacks a person's name."""
    findings = lint_certificate(certificate(compiled("serveur-tls-ec")), "ncp-natural-person")

    assert any(finding.code == "etsi.en_319_412_2.nat-4.2.4-1.required_attribute_missing" for finding in blocking(findings))
    assert {finding.citation for finding in blocking(findings)} >= {"EN 319 412-2 NAT-4.2.4-1"}


def test_the_policy_arc_is_told_when_pkilint_saw_another() -> None:
    """Its decoder stops at 32 bits a number; the rest of the extension is judged all the same."""
    findings = lint_certificate(certificate(compiled("ps-signature")), "ncp-natural-person")

    assert [finding.citation for finding in findings if finding.code == "sceau.external.policy_arc"] == ["ITU-T X.667"]
    assert any(finding.code == "pkix.certificate_policies_policy_has_qualifier" for finding in findings)
    assert all(
        finding.code != "sceau.external.policy_arc"
        for finding in lint_certificate(certificate(compiled("ca-emettrice")), "rfc5280")
    )


def test_a_good_list_has_no_finding() -> None:
    """With entries and without."""
    assert blocking(lint_crl(revoked(0, *USUAL))) == []
    assert blocking(lint_crl(revoked(50, *USUAL))) == []


def test_a_list_without_its_number_is_found() -> None:
    """RFC 5280 §5.2.3."""
    assert any("crl_number" in finding.code for finding in blocking(lint_crl(revoked(1, USUAL[1]))))


def test_a_long_list_is_judged_by_a_sample_of_its_entries() -> None:
    """First and last among them, spread evenly; header and extensions untouched."""
    whole = revoked(1000, *USUAL)
    part = x509.load_der_x509_crl(sampled(whole))
    serials = [entry.serial_number & 0xFFFF for entry in part]

    assert (len(serials), serials[0], serials[-1]) == (CRL_SAMPLE, 1, 1000)
    assert max(after - before for before, after in pairwise(serials)) <= 53
    assert part.extensions.get_extension_for_class(x509.CRLNumber).value == USUAL[0]
    assert sampled(revoked(CRL_SAMPLE, *USUAL)) != b""
    short = revoked(CRL_SAMPLE, *USUAL)
    assert sampled(short) == short


def test_a_wrong_entry_at_the_end_of_a_long_list_is_found() -> None:
    """Where new revocations are appended."""
    whole = revoked(300, *USUAL)
    outer = [encoded for _, _, encoded in der.children(der.whole(whole, der.SEQUENCE))]
    fields = [encoded for _, _, encoded in der.children(der.whole(outer[0], der.SEQUENCE))]
    entries = [encoded for _, _, encoded in der.children(der.whole(fields[5], der.SEQUENCE))]
    reason = der.sequence(der.oid(oids.REASON_CODE), der.boolean(True), der.octet_string(der.enumerated(4)))
    entries[-1] = der.sequence(der.tlv(der.INTEGER, b"\x40" * 16), der.time(START), der.sequence(reason))
    fields[5] = der.sequence(*entries)
    wrong = der.sequence(der.sequence(*fields), *outer[1:])

    assert blocking(lint_crl(whole)) == []
    assert any("reason_code" in finding.code for finding in blocking(lint_crl(wrong)))


def answer(responder: ocsp.OCSPResponderEncoding) -> bytes:
    """Return an OCSP response about an ordinary certificate, signed by a throw-away key."""
    name = x509.Name.from_bytes(ordinary(compiled("ocsp-responder")).subject.name_der())
    key = ALGORITHMS["P-256"].generate()
    own = x509.CertificateBuilder(name, name, key.public_key(), 1, START, START + timedelta(days=1)).sign(key, hashes.SHA256())
    subject = x509.load_der_x509_certificate(certificate(compiled("ps-signature")))
    builder = ocsp.OCSPResponseBuilder().add_response(
        subject, subject, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, START, START + timedelta(days=1), None, None
    )
    return builder.responder_id(responder, own).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_good_ocsp_response_has_no_finding() -> None:
    """By name and by key."""
    for responder in (ocsp.OCSPResponderEncoding.NAME, ocsp.OCSPResponderEncoding.HASH):
        assert blocking(lint_ocsp_response(answer(responder))) == []


@pytest.mark.parametrize("judge", [lint_crl, lint_ocsp_response, lambda octets: lint_certificate(octets, "rfc5280")])
@pytest.mark.parametrize(
    "octets", [b"", b"\x00", b"\x30\x00", b"\x30\x03\x02\x01\x01", b"\x30\x82\xff\xff", b"-----BEGIN CERTIFICATE-----"]
)
def test_what_cannot_be_read_is_malformed(judge: Callable[[bytes], list[Finding]], octets: bytes) -> None:
    """Never a traceback of pkilint or pyasn1."""
    with pytest.raises(Malformed):
        judge(octets)


def test_codes_of_pkilint_become_citations() -> None:
    """In the form in which people cite."""
    assert citation("etsi.en_319_412_2.nat-4.3.2-1.mixed_key_usage_setting") == "EN 319 412-2 NAT-4.3.2-1"
    assert citation("pkix.no_ku_bits_set") == "RFC 5280"
    assert citation("ts_119_312.8.4.rsa_small_modulus") == "EN 319 412"
