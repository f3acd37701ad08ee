"""What publication is told, and what it refuses to be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from trust.errors import Malformed
from web.publication.settings import Limits, read_settings


def home(tmp_path: Path, text: str) -> Path:
    """Write a configuration."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "authority.toml").write_text(text, "utf-8")
    return tmp_path


def test_a_home_without_a_word_on_publication_has_defaults(tmp_path: Path) -> None:
    """Loopback, the base port and one, the limits as documented."""
    settings = read_settings(home(tmp_path, "[authority]\n"), {})

    assert (settings.host, settings.port, settings.nonce, settings.limits) == ("127.0.0.1", 8401, "sign", Limits())
    assert settings.workers in (1, 2)


def test_every_word_on_publication_is_taken(tmp_path: Path) -> None:
    """Address, workers, limits; the port follows the base port of the environment."""
    limits = "limits = { cache_seconds = 60, head_seconds = 2.5 }\n"
    text = '[ocsp]\nnonce = "ignore"\n[publication]\nlisten = "::"\nworkers = 4\n' + limits
    settings = read_settings(home(tmp_path, text), {"SCEAU_BASE_PORT": "9000"})

    assert (settings.host, settings.port, settings.workers, settings.nonce) == ("::", 9001, 4, "ignore")
    assert (settings.limits.cache_seconds, settings.limits.head_seconds) == (60, 2.5)


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "publication = 3",
        "[publication]\nworkers = 0",
        "[publication]\nworkers = true",
        "[publication]\nlisten = 8401",
        "[publication]\nlimits = { body_octets = 0 }",
        "[publication]\nlimits = { body_octets = 1.5 }",
        "[publication]\nlimits = { head_seconds = -1 }",
        "[publication]\nlimits = { head_seconds = true }",
        "[publication]\nlimits = { patience = 3 }",
        '[ocsp]\nnonce = "maybe"',
    ],
)
def test_what_makes_no_sense_stops_the_start(tmp_path: Path, text: str) -> None:
    """And names the file."""
    with pytest.raises(Malformed, match=r"authority\.toml"):
        read_settings(home(tmp_path, text), {})


@pytest.mark.parametrize("port", ["", "http", "0", "99999", "-1"])
def test_a_base_port_that_is_none_stops_the_start(tmp_path: Path, port: str) -> None:
    """Rather than listening where nobody looks."""
    with pytest.raises(Malformed, match="SCEAU_BASE_PORT"):
        read_settings(home(tmp_path, ""), {"SCEAU_BASE_PORT": port})


def test_a_home_without_configuration_stops_the_start(tmp_path: Path) -> None:
    """The path is in the message."""
    with pytest.raises(Malformed, match=r"authority\.toml"):
        read_settings(tmp_path, {})
