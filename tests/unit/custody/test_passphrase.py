"""The passphrase comes from a file that only its owner reads, or from systemd; from nowhere else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hsm import passphrase
from trust.entropy import SystemEntropy
from trust.errors import Conflict, Malformed, Missing, Refused

SECRET = b"une phrase de passe"


def _file(path: Path, content: bytes = SECRET + b"\n", mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_the_passphrase_is_the_line_without_its_end(tmp_path: Path, ending: bytes) -> None:
    """An editor that adds a new line does not lock anybody out."""
    assert passphrase.from_file(_file(tmp_path / "phrase", SECRET + ending)) == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    """Whoever can read the passphrase and the backup has the keys."""
    with pytest.raises(Refused) as refusal:
        passphrase.from_file(_file(tmp_path / "phrase", mode=mode))
    assert refusal.value.citation == "CP 6.4.2"


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    """Sixteen octets at least, an empty file included."""
    for content in (b"", b"\n", b"quinze-octets..\n"):
        with pytest.raises(Refused):
            passphrase.from_file(_file(tmp_path / "phrase", content))


@pytest.mark.parametrize("content", [SECRET + b"\n" + SECRET, SECRET + b"\0", b"x" * 1025])
def test_a_passphrase_is_one_line(tmp_path: Path, content: bytes) -> None:
    """A key file given by mistake is not taken for a passphrase."""
    with pytest.raises(Malformed):
        passphrase.from_file(_file(tmp_path / "phrase", content))


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(Missing, match="phrase"):
        passphrase.from_file(tmp_path / "phrase")


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    """A pipe without writer would hold the start of the service for ever."""
    os.mkfifo(tmp_path / "phrase", 0o600)
    with pytest.raises(Refused):
        passphrase.from_file(tmp_path / "phrase")


@pytest.mark.parametrize("mode", [0o400, 0o440])
def test_a_systemd_credential_is_read_with_the_mode_that_systemd_gives(tmp_path: Path, mode: int) -> None:
    """For a service with its own user the access list shows as a group permission."""
    _file(tmp_path / "sceau-keystore", mode=mode)
    assert passphrase.from_credential("sceau-keystore", {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == SECRET


def test_a_credential_readable_by_all_is_refused(tmp_path: Path) -> None:
    """Systemd never makes one: somebody else did."""
    _file(tmp_path / "sceau-keystore", mode=0o444)
    with pytest.raises(Refused):
        passphrase.from_credential("sceau-keystore", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_without_credential_directory_the_credential_is_missing() -> None:
    """The process was not started by systemd, or its unit names no credential."""
    with pytest.raises(Missing):
        passphrase.from_credential("sceau-keystore", {})


@pytest.mark.parametrize("name", ["", "../phrase", "/etc/passwd", ".hidden"])
def test_a_credential_name_is_not_a_path(tmp_path: Path, name: str) -> None:
    """It names a file of the credential directory."""
    with pytest.raises(Malformed):
        passphrase.from_credential(name, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_new_passphrase_file_can_be_read_back_and_is_never_replaced(tmp_path: Path) -> None:
    """256 bits, 0600; the second writer gets a conflict."""
    path = tmp_path / "phrase"
    written = passphrase.write_new(path, SystemEntropy())
    assert passphrase.from_file(path) == written
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(Conflict):
        passphrase.write_new(path, SystemEntropy())
