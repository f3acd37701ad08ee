from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pki.profiles.limits import enforce, load_limits
from pki.profiles.model import Profile
from tests.builders.profiles import ARC, IDS, LIMITS, limits, profiles
from trust.errors import Malformed, Missing, Refused


def test_the_demonstration_is_within_the_limits() -> None:
    """Every profile, in every mode: the mode changes no number that the policy promises."""
    for mode in ("demo", "test", "production"):
        enforce(profiles(mode).values(), limits())


def test_the_policy_and_the_demonstration_know_the_same_profiles() -> None:
    """A profile without limits is refused; limits without a profile would promise something that nobody does."""
    assert set(limits().profiles) == set(IDS)


@pytest.mark.parametrize("profile_id", IDS)
def test_a_longer_validity_than_promised_is_refused(profile_id: str) -> None:
    """One day beyond the ceiling; the ceiling itself is allowed (CP 6.3.2)."""
    profile, ceiling = profiles()[profile_id], limits().of(profile_id).max_validity_days
    enforce([replace(profile, validity_days=ceiling)], limits())

    with pytest.raises(Refused) as refusal:
        enforce([replace(profile, validity_days=ceiling + 1)], limits())
    assert refusal.value.citation == "CP 6.3.2"


@pytest.mark.parametrize("profile_id", IDS)
def test_a_weaker_key_than_promised_is_refused(profile_id: str) -> None:
    """RSA of 2 048 bits is below every ceiling (CP 6.1.5)."""
    profile = profiles()[profile_id]

    with pytest.raises(Refused) as refusal:
        enforce([replace(profile, subject_keys=(*profile.subject_keys, "RSA-2048"))], limits())
    assert refusal.value.citation == "CP 6.1.5"


@pytest.mark.parametrize("profile_id", IDS)
@pytest.mark.parametrize("policy", ["1.2.250.1.213.1.7.1.1.1", f"{ARC}.9.9", ""])
def test_a_policy_that_is_not_the_profiles_own_is_refused(profile_id: str, policy: str) -> None:
    """The national authority's, a leaf that means nothing, none (CP 1.2)."""
    with pytest.raises(Refused) as refusal:
        enforce([replace(profiles()[profile_id], policy=policy)], limits())
    assert refusal.value.citation == "CP 1.2"


def test_a_certificate_backdated_more_than_promised_is_refused() -> None:
    """One second beyond the ceiling (CP 7.1.2)."""
    profile = profiles()["ps-signature"]

    with pytest.raises(Refused) as refusal:
        enforce([replace(profile, backdate_seconds=limits().max_backdating_seconds + 1)], limits())
    assert refusal.value.citation == "CP 7.1.2"


@pytest.mark.parametrize("path_length", [None, 1])
def test_an_issuing_authority_above_another_is_refused(path_length: int | None) -> None:
    """An unbounded path is the loosest of all (CP 7.1.2)."""
    with pytest.raises(Refused):
        enforce([replace(profiles()["ca-emettrice"], path_length=path_length)], limits())


def test_a_profile_that_the_policy_does_not_know_is_refused() -> None:
    """The policy promises nothing of it (CP 7.1)."""
    with pytest.raises(Refused) as refusal:
        enforce([replace(profiles()["ps-signature"], id="ps-secret")], limits())
    assert refusal.value.citation == "CP 7.1"


def test_every_excess_is_told_at_once() -> None:
    """Of every profile."""
    loose: list[Profile] = [
        replace(profiles()["ps-signature"], validity_days=9999, backdate_seconds=9999),
        replace(profiles()["org-cachet"], subject_keys=("RSA-2048",)),
    ]

    with pytest.raises(Refused) as refusal:
        enforce(loose, limits())
    assert refusal.value.reason.count(";") == 2
    assert refusal.value.citation == "CP 6.3.2, CP 7.1.2, CP 6.1.5"


def test_the_reasons_for_revocation_come_with_the_limits() -> None:
    """A hold is for people, not for servers (CP 4.9.1)."""
    assert "certificateHold" in limits().of("ps-authentification").revocation_reasons
    assert "certificateHold" not in limits().of("serveur-tls-ec").revocation_reasons


WHOLE = LIMITS.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "[profile]",
        "profile = 1",
        WHOLE.replace("max_backdating_seconds = 3600", "max_backdating_seconds = true"),
        WHOLE.replace("max_backdating_seconds", "max_backdating_minutes"),
        WHOLE.replace("max_validity_days = 398", 'max_validity_days = "398"'),
        WHOLE.replace("max_validity_days = 398", "max_days = 398"),
        WHOLE.replace('arc = "2.25', 'root = "2.25'),
        WHOLE.replace('policy_leaf = "1.1"\n', ""),
    ],
)
def test_limits_that_cannot_be_read_stop_the_start(text: str, tmp_path: Path) -> None:
    """An authority that cannot read its own promises keeps none."""
    page = tmp_path / "limits.toml"
    page.write_text(text, encoding="utf-8")

    with pytest.raises(Malformed):
        load_limits(page)


def test_no_limits_at_all_are_missing(tmp_path: Path) -> None:
    """The page that comes with the policy is there."""
    assert LIMITS.exists()

    with pytest.raises(Missing):
        load_limits(tmp_path / "limits.toml")
