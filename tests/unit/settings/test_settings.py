"""The configuration: complete, checked at start, never looser than the CP."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pki.bootstrap.ceilings import enforce_settings
from pki.settings import load
from trust.errors import Malformed, Missing, Refused
from web.publication.settings import read_settings

ROOT = Path(__file__).parents[3]
LIMITS = ROOT / "policies" / "limits.toml"
Edit = Callable[[str, str, str], Path]


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """Return a home whose configuration differs from the template's by one replacement."""

    def make(name: str, old: str, new: str) -> Path:
        shutil.copytree(ROOT / "ca_config" / "dev", tmp_path / "config")
        path = tmp_path / "config" / name
        text = path.read_text(encoding="utf-8")
        assert old in text, "the test replaces something that is there"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return make


def test_the_template_loads_and_keeps_within_the_policy(edit: Edit) -> None:
    """Seven boards, three CAs, nothing looser than the CP."""
    settings = load(edit("authority.toml", "[authority]", "[authority]"))
    enforce_settings(settings, LIMITS)
    assert sorted(settings.boards) == ["CNOM", "CNOMK", "CNOP", "CNOPP", "CNOSF", "ONCD", "ONI"]
    assert [ca.id for ca in settings.cas] == ["racine", "personnes", "organisations"]


def test_a_directory_without_configuration_is_not_a_home(tmp_path: Path) -> None:
    """The message says what makes one."""
    with pytest.raises(Missing, match="sceau init"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("authority.toml", "delta = true", "delta = 1", "delta is bool"),
        ("authority.toml", "shards = 4", "chards = 4", "unknown key 'chards'"),
        ("authority.toml", "shards = 4", "shards = 4\noffline = true", "personnes is offline, and issues nothing here"),
        ("authority.toml", 'mode = "demo"', 'mode = "prod"', "mode is one of"),
        ("authority.toml", "[ocsp]", "[oscp]", "unknown table 'oscp'"),
        ("authority.toml", "[ocsp]", '[keys]\nknow_weak = "x"\n[ocsp]', "unknown key 'know_weak'"),
        ("authority.toml", 'algorithm = "P-384"', 'algorithm = "P-385"', "no algorithm is called 'P-385'"),
        ("authority.toml", 'issuer = "racine"', 'issuer = "organisations"', "comes before its issuer"),
        ("authority.toml", "years = 20", 'years = "vingt"', "years is int"),
        ("authority.toml", "[authority]", "[authority", "authority.toml"),
        ("boards/oni.toml", "bulk_threshold", "bulk_treshold", "unknown key 'bulk_treshold'"),
        ("boards/oni.toml", 'code = "ONI"', "", "'code' is missing"),
        ("boards/oni.toml", '"oni-2"', '"cnom-2"', "two officers have the same id"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(edit: Edit, name: str, old: str, new: str, said: str) -> None:
    """A typing error is never taken for a default."""
    with pytest.raises(Malformed, match=said):
        load(edit(name, old, new))


def test_an_official_arc_is_refused(edit: Edit) -> None:
    """Nothing here may claim an official policy OID."""
    with pytest.raises(Refused, match=r"CP 1\.2"):
        load(edit("authority.toml", 'policy_arc = "2.25.', 'policy_arc = "1.2.250.1.213.'))


@pytest.mark.parametrize(
    ("name", "old", "new", "citation"),
    [
        ("authority.toml", "max_age_days = 7", "max_age_days = 8", r"CP 3\.2\.3"),
        ("authority.toml", "threshold = 50", "threshold = 51", r"CP 4\.9\.3"),
        ("authority.toml", "approvals = 2", "approvals = 1", r"CP 4\.9\.3"),
        ("authority.toml", "crl_hours = 720", "crl_hours = 2000", r"CP 4\.9\.7"),
        ("authority.toml", "shards = 4", "shards = 4\ncrl_hours = 48", r"CP 4\.9\.7"),
        ("authority.toml", "shards = 4", "shards = 4\ncrl_delay_seconds = 901", r"CP 4\.9\.8"),
        ("authority.toml", "shards = 4", "shards = 4\nocsp_hours = 73", r"CP 4\.9\.9"),
        ("authority.toml", "shards = 4", "shards = 4\nresponder_days = 31", r"CP 6\.3\.2"),
        ("authority.toml", "[ocsp]", "[publication.limits]\ncache_seconds = 61\n\n[ocsp]", r"CP 4\.9\.9"),
        ("authority.toml", "shards = 4", "shards = 0", r"CP 4\.9\.7"),
        ("boards/oni.toml", "bulk_threshold = 10", "bulk_threshold = 11", r"CP 4\.2\.2"),
        ("boards/oni.toml", "\napprovals = 1", "\napprovals = 0", r"CP 4\.2\.2"),
    ],
)
def test_a_configuration_looser_than_the_policy_stops_the_start(edit: Edit, name: str, old: str, new: str, citation: str) -> None:
    """Each ceiling of `limits.toml` that configuration can exceed is held (CP 1.5.4)."""
    settings = load(edit(name, old, new))
    with pytest.raises(Refused, match=citation):
        enforce_settings(settings, LIMITS)


def test_what_is_publication_s_alone_is_known_to_all(edit: Edit) -> None:
    """Workers and limits stand in the same file; publication judges them, and nobody else refuses to start over them."""
    home = edit("authority.toml", "[publication]", "[publication]\nworkers = 3\nlimits = { connections = 100 }")
    assert load(home).cache_seconds == 60
    assert read_settings(home).workers == 3


@pytest.mark.parametrize(
    "table",
    [
        'proxies = ["127.0.0.1"]',
        'proxy_secret = "proxy"',
        'proxies = ["localhost"]\nproxy_secret = "proxy"',
        'proxies = ["127.0.0.1"]\nproxy_secret = "../proxy"',
        'proxies = "127.0.0.1"\nproxy_secret = "proxy"',
    ],
)
def test_whom_the_api_believes_is_said_whole_or_not_at_all(edit: Edit, table: str) -> None:
    """An address alone is everybody's on that machine; a name, a path or a half stop the start."""
    with pytest.raises(Malformed):
        load(edit("authority.toml", "[register]", f"[api]\n{table}\n\n[register]"))
