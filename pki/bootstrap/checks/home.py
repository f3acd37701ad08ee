"""Checks of the home directory: it exists, and what is secret is its owner's alone (CP 6.4.2)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pki.bootstrap.checks import Finding, bad, check, good

SECRET_FOLDERS = ("secrets", "keys")
_SHOWN = 5


@check("home")
def home_directory(home: Path) -> Finding:
    """Is there an authority, in a directory that others cannot write?"""
    if not (home / "config" / "authority.toml").is_file():
        return bad(f"{home} holds no authority", f"sceau init --home {home} --template dev")
    state = home.stat()
    if state.st_uid != os.geteuid() and os.geteuid() != 0:
        return bad(
            f"{home} belongs to another user (number {state.st_uid})",
            f"run Sceau as that user, or: chown -R {os.geteuid()} {home}",
        )
    if state.st_mode & 0o022:
        return bad(f"others can write into {home} (mode {_mode(state)})", f"chmod go-w {home}")
    return good(f"{home} (mode {_mode(state)})")


@check("secrets")
def secrets(home: Path) -> list[Finding]:
    """Are the passphrase and the keys readable by their owner only?"""
    paths = [path for folder in SECRET_FOLDERS for path in _tree(home / folder)]
    open_ones = [path for path in paths if path.lstat().st_mode & 0o077 and not path.is_symlink()]
    if open_ones:
        shown = [
            bad(f"{path} is open to others (mode {_mode(path.lstat())})", f"chmod go-rwx {path}") for path in open_ones[:_SHOWN]
        ]
        rest = len(open_ones) - _SHOWN
        return shown if rest <= 0 else [*shown, bad(f"{rest} more in {home}", f"chmod -R go-rwx {home}/secrets {home}/keys")]
    if not paths:
        return []  # nothing is there to protect; that there is no authority is said elsewhere
    return [good(f"{len(paths)} files and folders are their owner's alone")]


def _tree(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield folder
        yield from folder.rglob("*")


def _mode(state: os.stat_result) -> str:
    return f"{stat.S_IMODE(state.st_mode):04o}"
