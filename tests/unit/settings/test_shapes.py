"""A configuration of the wrong shape stops the start with words, whatever its shape (bad input)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pki.profiles.limits import load_limits
from pki.profiles.load import read_profile
from pki.settings import load
from trust.errors import LONGEST_SHOWN, SceauError

DEV = Path(__file__).parents[3] / "ca_config" / "dev"
DEEP = "x = " + "[" * 100_000
LONG_NUMBER = f"x = 1{'0' * 5000}"
VALUES = ("5", "true", "[]", "[5]", "[[]]", '""', '"\\u0000"', "{ a = 1 }", "1e400", "9" * 30, "1979-05-27", f'"{"a" * 100_000}"')


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration to spoil."""
    shutil.copytree(DEV, tmp_path / "config")
    return tmp_path / "config"


def refused(config: Path) -> None:
    """Check that this configuration is refused in a few words, or is a configuration after all."""
    said = ""
    try:
        load(config.parent)
    except SceauError as error:
        said = str(error)
    assert len(said) < 2 * LONGEST_SHOWN + 200, "an error repeats what was sent"


def lines(text: str) -> list[str]:
    """Return the lines of a file that give a value."""
    return [line for line in text.splitlines() if " = " in line]


def test_any_value_of_any_shape_in_the_authority_s_file(config: Path) -> None:
    """Each line in turn with each kind of value: a refusal in words, never a traceback."""
    file = config / "authority.toml"
    text = file.read_text("utf-8")
    for line in sorted(set(lines(text))):
        for value in VALUES:
            file.write_text(text.replace(line, f"{line.split(' = ')[0]} = {value}", 1), "utf-8")
            refused(config)


def test_any_value_of_any_shape_in_a_board_s_file(config: Path) -> None:
    """The same of a board, of its mandates too."""
    file = sorted((config / "boards").glob("*.toml"))[0]
    text = file.read_text("utf-8")
    for line in sorted(set(lines(text))):
        for value in VALUES:
            file.write_text(text.replace(line, f"{line.split(' = ')[0]} = {value}", 1), "utf-8")
            refused(config)


@pytest.mark.parametrize("name", ["authority", "publication", "database", "ocsp", "keys", "register", "ca", "board"])
def test_a_table_that_is_no_table(config: Path, name: str) -> None:
    """Where a table is due, a number and a list are refused."""
    file = config / "authority.toml"
    text = file.read_text("utf-8")
    for value in ("5", '"x"', "[5]", "[[]]"):
        kept = "\n".join(line for line in text.splitlines() if line not in (f"[{name}]", f"[[{name}]]"))
        file.write_text(f"{name} = {value}\n{kept}\n", "utf-8")
        with pytest.raises(SceauError):
            load(config.parent)


@pytest.mark.parametrize("text", [DEEP, LONG_NUMBER, "\ufeff[", "x = '''", "[a]\n[a]", "\x00"])
def test_what_is_not_toml_is_refused_by_each_reader(config: Path, text: str) -> None:
    """Depth without end and numbers without end are no configuration either."""
    for name in ("authority.toml", "boards/cnom.toml"):
        path = config / name
        kept = path.read_bytes()
        path.write_text(text, "utf-8")
        with pytest.raises(SceauError):
            load(config.parent)
        path.write_bytes(kept)
    limits = config / "limits.toml"
    limits.write_text(text, "utf-8")
    with pytest.raises(SceauError):
        load_limits(limits)
    with pytest.raises(SceauError):
        read_profile(text.encode(), policy_arc="2.25.1", mode="demo")
