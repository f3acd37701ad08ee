"""Paths: one rule per chain, and two other validators' opinion of each."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import InvalidCertificateError, PathError, ValidationError
from pyhanko_certvalidator.policy_decl import PKIXValidationParams

from tests.unit.validation.chains import CHAINS, Chain
from tests.unit.validation.hierarchy import LEAF, NOW, PEOPLE, POLICY, ROOT, Draft, authority, make
from trust.errors import Malformed, Refused
from trust.validation.chain import MOST_INTERMEDIATES, MOST_ROUTES, Validator
from trust.validation.findings import Finding, Outcome, telling
from trust.validation.purpose import PURPOSES, Wanted
from trust.validation.verdict import Verdict

_PEM = Encoding.PEM
OPENSSL_PURPOSES = {"tls-client": "sslclient", "tls-server": "sslserver", "timestamp": "timestampsign"}


def judged(chain: Chain) -> Verdict:
    """Our verdict on a row."""
    validator = Validator([one.read for one in chain.anchors], [one.read for one in chain.intermediates])
    return validator.validate(chain.leaf.der, chain.at, Wanted.of(chain.purpose, *([chain.policy] if chain.policy else [])))


def test_the_table_is_whole() -> None:
    """Its rows are counted and have different names; who disagrees says why."""
    assert len({chain.id for chain in CHAINS}) == len(CHAINS) == 60
    for chain in CHAINS:
        ours = chain.finding is None
        differs = any(opinion is not None and opinion is not ours for opinion in (chain.openssl, chain.certvalidator))
        assert not differs or chain.why, chain.id


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.id)
def test_each_chain_gets_the_verdict_of_its_row(chain: Chain) -> None:
    """With the reason that tells most, and the outcome that goes with it."""
    verdict = judged(chain)

    assert (verdict.reason.finding if verdict.reason else None) is chain.finding, verdict.reasons
    assert verdict.outcome is (chain.finding.outcome if chain.finding else Outcome.VALID)
    assert all(str(reason) and reason.to_record() for reason in verdict.reasons)


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.id)
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_agrees_or_the_row_says_why_not(chain: Chain, tmp_path: Path) -> None:
    """A second opinion by a program that shares nothing with ours but the standard."""
    for file, certificates in (("anchors", chain.anchors), ("untrusted", chain.intermediates), ("leaf", [chain.leaf])):
        (tmp_path / file).write_bytes(b"".join(one.parsed.public_bytes(_PEM) for one in certificates))
    command = ["openssl", "verify", "-attime", str(int(chain.at.timestamp())), "-no-CAstore", "-no-CApath"]
    command += ["-CAfile", str(tmp_path / "anchors"), "-purpose", OPENSSL_PURPOSES.get(chain.purpose or "", "any")]
    command += ["-untrusted", str(tmp_path / "untrusted")] if chain.intermediates else []
    command += ["-policy", chain.policy, "-explicit_policy"] if chain.policy else []
    done = subprocess.run([*command, str(tmp_path / "leaf")], capture_output=True, text=True, check=False)

    expected = chain.finding is None if chain.openssl is None else chain.openssl
    assert (done.returncode == 0) is expected, done.stdout + done.stderr


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.id)
def test_certvalidator_agrees_or_the_row_says_why_not(chain: Chain) -> None:
    """A third opinion, by the validator that long-term signatures will use."""
    expected = chain.finding is None if chain.certvalidator is None else chain.certvalidator

    assert certvalidator_accepts(chain) is expected


def certvalidator_accepts(chain: Chain) -> bool:
    """Ask pyhanko-certvalidator for the same use and policy."""
    wanted = PURPOSES[chain.purpose] if chain.purpose else None
    context = ValidationContext(
        trust_roots=[asn1.Certificate.load(one.der) for one in chain.anchors],
        other_certs=[asn1.Certificate.load(one.der) for one in chain.intermediates],
        moment=chain.at,
        allow_fetching=False,
    )
    rules = (
        PKIXValidationParams(user_initial_policy_set=frozenset([chain.policy]), initial_explicit_policy=True)
        if chain.policy
        else None
    )
    usages = {"key_cert_sign": {"key_cert_sign"}, "content_commitment": {"non_repudiation"}}
    usage = usages.get(wanted.usages[0], {"digital_signature"}) if wanted else set()
    extended = {asn1.KeyPurposeId(wanted.extended).native} if wanted and wanted.extended else set()
    validator: Any = CertificateValidator(asn1.Certificate.load(chain.leaf.der), validation_context=context, pkix_params=rules)
    try:
        asyncio.run(validator.async_validate_usage(usage, extended, extended_optional=True))
    except (InvalidCertificateError, PathError, ValidationError):
        return False
    return True


def test_a_verdict_cannot_be_used_as_a_boolean() -> None:
    """Any object is true in Python: whoever forgets to look at the outcome is told, not let in."""
    verdict = judged(CHAINS[0])

    with pytest.raises(TypeError):
        bool(verdict)


def test_a_valid_verdict_gives_its_path_and_another_refuses_with_a_citation() -> None:
    """What a caller who needs trust calls."""
    validator = Validator([ROOT.read], [PEOPLE.read])

    assert validator.validate(LEAF.der, NOW).demand() == (LEAF.read, PEOPLE.read, ROOT.read)
    with pytest.raises(Refused, match="expired") as refused:
        validator.validate(LEAF.der, NOW + timedelta(days=400)).demand()
    assert refused.value.citation == "RFC 5280 §6.1.3 (a)(2)"


def test_what_is_held_against_a_certificate_is_told_before_what_is_not_known() -> None:
    """And the graver finding before the lesser, whatever the order in which they were found."""
    chain = next(one for one in CHAINS if one.id == "name constraints that are satisfied")
    validator = Validator([ROOT.read], [one.read for one in chain.intermediates])
    verdict = validator.validate(chain.leaf.der, NOW + timedelta(days=400), Wanted.of("mail"))

    assert [reason.finding for reason in verdict.reasons] == [
        Finding.EXPIRED,
        Finding.WRONG_PURPOSE,
        Finding.CONSTRAINT_NOT_PROCESSED,
    ]
    assert telling(reversed(verdict.reasons)) == verdict.reasons


def test_of_several_paths_the_one_that_came_furthest_is_reported() -> None:
    """An authority with two certificates, one expired, one of another key: that one expired tells more."""
    expired = authority("Double", issuer=ROOT, days=(-400, -1), number=960)
    forged = authority("Double", number=960, issuer=authority("Racine", number=961))
    leaf = make(Draft(), expired)
    verdict = Validator([ROOT.read], [forged.read, expired.read]).validate(leaf.der, NOW)

    assert verdict.reason is not None
    assert verdict.reason.finding is Finding.EXPIRED


def test_one_good_path_is_enough() -> None:
    """An authority renewed with the same key: the expired certificate does not stand in the way of the new one."""
    old = authority("Renouvelée", issuer=ROOT, days=(-400, -1), number=962)
    new = authority("Renouvelée", issuer=ROOT, number=962)
    leaf = make(Draft(), new)
    for order in ((old, new), (new, old)):
        assert Validator([ROOT.read], [one.read for one in order]).validate(leaf.der, NOW).demand()[1] == new.read


def test_an_anchor_may_be_any_authority() -> None:
    """Trust may begin at the issuing authority, and its own issuer then plays no part."""
    assert Validator([PEOPLE.read]).validate(LEAF.der, NOW).demand() == (LEAF.read, PEOPLE.read)


def test_an_anchor_asked_about_is_its_own_path() -> None:
    """Its validity and its purpose still count."""
    validator = Validator([ROOT.read])

    assert validator.validate(ROOT.der, NOW, Wanted.of("ca")).demand() == (ROOT.read,)
    assert validator.validate(ROOT.der, NOW + timedelta(days=3001)).outcome is Outcome.INVALID


def test_without_an_anchor_nothing_is_valid() -> None:
    """Not even what signs itself."""
    assert Validator([]).validate(ROOT.der, NOW).outcome is Outcome.INDETERMINATE


def test_time_is_looked_at_again_at_each_validation() -> None:
    """The authorities are verified once, their validity every time."""
    validator = Validator([ROOT.read], [PEOPLE.read])
    outcomes = [validator.validate(LEAF.der, NOW + timedelta(days=days)).outcome for days in (0, 366, 0, -31, 4000)]

    assert outcomes == [Outcome.VALID, Outcome.INVALID, Outcome.VALID, Outcome.INVALID, Outcome.INVALID]


def test_a_moment_without_offset_is_refused() -> None:
    """It could be any of 24."""
    with pytest.raises(Malformed):
        Validator([ROOT.read], [PEOPLE.read]).validate(LEAF.der, datetime(2026, 3, 2, 8))


def test_more_certificates_than_any_hierarchy_has_are_not_considered() -> None:
    """A bag of certificates is refused whole."""
    many = [authority(f"AC {number}", issuer=ROOT).read for number in range(MOST_INTERMEDIATES + 1)]

    with pytest.raises(Malformed):
        Validator([ROOT.read], many)
    with pytest.raises(Malformed):
        Validator(many, [])


def test_twenty_authorities_of_one_name_cost_no_more_than_twenty_signatures_each() -> None:
    """The bag on which another validator was seen to work for a minute."""
    same = [authority("Même nom", issuer=ROOT, number=number, authority_identifier=False).read for number in range(1, 21)]
    leaf = make(Draft(authority_identifier=False), authority("Même nom", number=500))
    verdict = Validator([ROOT.read], same).validate(leaf.der, NOW)

    assert verdict.outcome is Outcome.INVALID


def test_cross_certification_without_end_is_given_up() -> None:
    """Equal names and equal keys multiply the ways; past the limit the verdict says so."""
    level = [authority("A", issuer=ROOT, number=970, serial=0x44 << 120 | n) for n in range(10)]
    other = [authority("B", issuer=level[0], number=971, serial=0x45 << 120 | n) for n in range(10)]
    anchors = [authority("Racine", serial=0x46 << 120 | n) for n in range(20)]
    verdict = Validator([one.read for one in anchors], [one.read for one in (*level, *other)]).validate(make(Draft()).der, NOW)

    assert MOST_ROUTES - 20 < 20 * 10
    assert verdict.reason is not None
    assert verdict.reason.finding is Finding.BUDGET


def test_authorities_that_certify_each_other_do_not_go_round() -> None:
    """A loop is left when it closes, and the chain beside it still stands."""
    one, two = authority("Boucle 1", issuer=ROOT), authority("Boucle 2", issuer=ROOT)
    loops = [authority("Boucle 1", issuer=two), authority("Boucle 2", issuer=one)]
    validator = Validator([ROOT.read], [made.read for made in (one, two, *loops)])

    assert validator.validate(make(Draft(), two).der, NOW).outcome is Outcome.VALID


def test_a_policy_written_twice_is_malformed() -> None:
    """RFC 5280 §4.2.1.4 forbids it, and two readers could understand two things."""
    twice = make(Draft(policies=(POLICY, POLICY)), PEOPLE)

    with pytest.raises(Malformed, match="twice"):
        Validator([ROOT.read], [PEOPLE.read]).validate(twice.der, NOW, Wanted.of(None, POLICY))


def test_a_purpose_that_does_not_exist_is_malformed() -> None:
    """And the error lists those that do."""
    with pytest.raises(Malformed, match="tls-client"):
        Wanted.of("everything")
