"""Models of authenticators in the configuration (`[passkeys]`; CP 6.2.1)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from pki.settings import MAKERS, PasskeySettings, load
from tests.builders.authenticator import Maker
from trust.errors import Malformed, Missing

ROOT = Path(__file__).parents[3]
MODEL = "f8a011f3-8c0a-4d15-8006-17111f9edc7d"


def configured(home: Path, table: str, roots: bytes | None = None) -> PasskeySettings:
    """Return what a configuration with this table says."""
    config = home / "config"
    shutil.copytree(ROOT / "ca_config" / "dev", config)
    with (config / "authority.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[passkeys]\n{table}\n")
    if roots is not None:
        (config / MAKERS).mkdir()
        (config / MAKERS / f"{MODEL}.pem").write_bytes(roots)
    return load(home).passkeys


def test_a_list_asks_for_attestation_and_has_the_roots_of_makers(tmp_path: Path) -> None:
    """Nothing else need be said."""
    root = Maker().root()
    settings = configured(tmp_path, f'aaguids = ["{MODEL}"]', root.public_bytes(Encoding.PEM))
    assert settings == PasskeySettings("direct", frozenset({MODEL}), {MODEL: (root.public_bytes(Encoding.DER),)})


@pytest.mark.parametrize("table", ["", "aaguids = []", 'attestation = "none"'])
def test_without_a_list_nothing_is_asked(tmp_path: Path, table: str) -> None:
    """As if the table were not there."""
    assert configured(tmp_path, table) == PasskeySettings()


@pytest.mark.parametrize(
    ("table", "kind", "said"),
    [
        (f'aaguids = ["{MODEL}"]', Missing, "nobody vouches"),
        (f'attestation = "none"\naaguids = ["{MODEL}"]', Malformed, "attestation is 'direct'"),
        ('attestation = "indirect"', Malformed, "'none' or 'direct'"),
        (f'aaguids = ["{MODEL.upper()}"]', Malformed, "AAGUID in small letters"),
        ('aaguids = ["00000000-0000-0000-0000-000000000000"]', Malformed, "AAGUID"),
        ("aaguids = [7]", Malformed, "AAGUID"),
        ('aaguids = "all"', Malformed, "is a list"),
        ('models = ["x"]', Malformed, "is a table of"),
    ],
)
def test_a_table_that_promises_what_it_does_not_hold_stops_the_start(
    tmp_path: Path, table: str, kind: type[Exception], said: str
) -> None:
    """A model for whose maker there is no root, a list that nobody checks, a typing error."""
    with pytest.raises(kind, match=said):
        configured(tmp_path, table)


def test_a_file_of_roots_that_is_none_stops_the_start(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(Malformed, match=MODEL):
        configured(tmp_path, f'aaguids = ["{MODEL}"]', b"certificates will come later")
