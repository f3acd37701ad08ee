"""Law: what the code fixes and what the demonstration configures stay within `policies/limits.toml` (CP 1.5.4).

Profiles have their own reader, which stops the start; here are the numbers that live elsewhere: constants of the code, the
shipped `authority.toml`, the boards. It does not check behaviour.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hsm.software import SoftwareKeystore
from pki.inventory import serials
from pki.settings import MODES, RegisterSettings
from tests.law.policy_text import REPOSITORY, limits
from trust import keys, nameforms, weakness
from trust.entropy import SystemEntropy
from trust.errors import Refused
from web.publication.settings import Limits

DEMONSTRATION = REPOSITORY / "ca_config" / "dev"
LIMITS = limits()


def authority() -> dict[str, Any]:
    """Return the demonstration's authority file, read."""
    return tomllib.loads((DEMONSTRATION / "authority.toml").read_text(encoding="utf-8"))


def test_the_key_checks_use_the_numbers_that_the_policy_states() -> None:
    """Exponent, small factors and Fermat rounds of CP 6.1.6."""
    assert LIMITS["keys"]["rsa_public_exponent"] == keys.RSA_EXPONENT
    assert LIMITS["keys"]["fermat_rounds"] == weakness.FERMAT_ROUNDS
    assert weakness.small_factor(751 * (2**89 - 1)) == 751
    assert LIMITS["keys"]["small_factor_limit"] == 752


def test_names_and_serial_numbers_have_the_sizes_that_the_policy_states() -> None:
    """CP 3.1.1 and CP 7.1.1."""
    assert LIMITS["registration"]["max_names_per_server"] == nameforms.MAX_SERVER_NAMES
    assert LIMITS["issuance"]["serial_octets"] == serials.SIZE
    assert LIMITS["issuance"]["serial_random_bits_min"] <= 8 * serials.SIZE - 2


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in LIMITS["custody"]["software_keystore_modes"]])
def test_the_software_keystore_refuses_a_mode_that_the_policy_does_not_name(mode: str, tmp_path: Path) -> None:
    """CP 6.2.1."""
    with pytest.raises(Refused, match=re.escape("CP 6.2.1")):
        SoftwareKeystore.create(tmp_path / "keys", b"a passphrase for this test", mode=mode, entropy=SystemEntropy())


@pytest.mark.parametrize("mode", LIMITS["custody"]["software_keystore_modes"])
def test_the_software_keystore_opens_in_a_mode_that_the_policy_names(mode: str, tmp_path: Path) -> None:
    """CP 6.2.1."""
    SoftwareKeystore.create(tmp_path / "keys", b"a passphrase for this test", mode=mode, entropy=SystemEntropy())


def test_a_cache_keeps_an_answer_no_longer_than_the_policy_says() -> None:
    """CP 4.9.9: behind a cache a revocation is invisible for that long."""
    assert Limits().cache_seconds <= LIMITS["ocsp"]["max_cache_seconds"]


def test_the_demonstration_is_under_the_arc_of_the_policy() -> None:
    """CP 1.2: it asserts the policy OIDs that the documents describe."""
    assert authority()["authority"]["policy_arc"] == LIMITS["policy"]["arc"]


def test_the_demonstration_publishes_as_often_as_the_policy_promises() -> None:
    """CP 4.9.7 and CP 4.9.9; a list is made anew at half of its validity."""
    crl = LIMITS["crl"]
    for ca in authority()["ca"]:
        hours = ca.get("crl_hours", 24)
        root = "root_" if "issuer" not in ca else ""
        assert hours <= crl[f"{root}max_validity_hours"], ca["id"]
        assert hours / 2 <= crl[f"{root}max_period_hours"], ca["id"]
        assert ca.get("ocsp_hours", 24) <= LIMITS["ocsp"]["max_validity_hours"], ca["id"]
        assert ca.get("responder_days", 14) <= LIMITS["profile"]["ocsp-responder"]["max_validity_days"], ca["id"]


def test_the_demonstration_decides_on_a_fresh_register_and_with_enough_officers() -> None:
    """CP 3.2.3, CP 4.2.2 and CP 4.9.3; the defaults of the code too."""
    register, registration = LIMITS["register"], LIMITS["registration"]
    for settings in (RegisterSettings(), RegisterSettings(**authority()["register"])):
        assert settings.max_age_days <= register["snapshot_max_age_days"]
        assert settings.threshold <= register["plan_threshold_max"]
        assert settings.approvals >= register["large_plan_approvals_min"]
    for path in sorted((DEMONSTRATION / "boards").glob("*.toml")):
        board = tomllib.loads(path.read_text(encoding="utf-8"))
        assert board["approvals"] >= registration["approvals_min"], path.name
        assert board["bulk_threshold"] <= registration["bulk_threshold_max"], path.name
        assert board["bulk_approvals"] >= registration["bulk_approvals_min"], path.name
