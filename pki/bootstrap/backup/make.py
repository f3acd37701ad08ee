"""Making a backup while the authority works (CP 5.7.4, CP 6.2.4).

The order makes it consistent. First what is published: a list or a checkpoint that is newer than the database would look, after a
restore, like a database that was rolled back. Then the database, at one moment. Then what its rows name: keys, register
snapshots, which are made before the row that names them. The witness is not in it, on purpose: it is what tells, after a
restore, what was signed since. Nor are `publication/status`, which is made again from the database, logs, sockets and locks.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from time import monotonic

from pki.adapters.store.dump import Snapshot, counts, schema_of, snapshot
from pki.bootstrap.backup.archive import Manifest, Packer, place
from pki.bootstrap.backup.envelope import encrypt
from pki.bootstrap.chronicle import version
from pki.bootstrap.home import Home
from trust import clock
from trust.errors import Conflict, Missing, Unavailable

STAMP = "backup.stamp"
"""File of the home whose time is that of the last backup that ended well (`/admin/` shows it)."""
PAPERS = ("imported", "requests", "ceremonies")
"""Folders of the home with what came from, or goes to, an offline authority."""
_WORKSHOP = "backup"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was written."""

    path: Path
    size: int
    manifest: Manifest
    seconds: float


def make(home: Home, path: Path, recipients: Sequence[str]) -> Made:
    """Write a backup of a home into a new file, which appears whole or not at all.

    Raises:
        Conflict: the file exists, or another backup of this home is being made.
        Missing: there is no such folder.
        Unavailable: something cannot be read or written; nothing is left behind.
    """
    started = monotonic()
    if path.exists():
        raise Conflict(f"{path} is there already: a backup is never overwritten")
    if not path.parent.is_dir():
        raise Missing(f"there is no folder {path.parent}")
    draft = path.with_name(f".{path.name}.{home.entropy.octets(8).hex()}")
    with _workshop(home.settings.home) as workshop:
        work = _Work(home, workshop)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                encrypt(work.octets(), file, recipients)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            place(draft, path)
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error.strerror}") from None
        finally:
            draft.unlink(missing_ok=True)
    assert work.manifest is not None
    (home.settings.home / STAMP).touch()
    return Made(path, size, work.manifest, monotonic() - started)


class _Work:
    """One backup being made."""

    def __init__(self, home: Home, workshop: Path) -> None:
        self._home = home
        self._workshop = workshop
        self.manifest: Manifest | None = None
        """What the backup holds, once it is complete."""

    def octets(self) -> Iterator[bytes]:
        """Yield the tar."""
        settings, at = self._home.settings, self._home.clock.now()
        packer = Packer(int(at.timestamp()))
        yield from packer.tree(settings.publication / "www", "publication/www")
        with snapshot(self._home.store, self._workshop) as taken:
            manifest = self._facts(taken)
            for part in taken.parts():
                yield from packer.file(part, f"database/{part.name}")
        yield from packer.tree(settings.config, "config")
        if settings.custody.kind == "software":
            yield from packer.tree(_present(settings.keystore), "keys")
        if settings.custody.backup:
            yield from packer.tree(_present(settings.home / settings.custody.backup), "module")
        yield from packer.tree(settings.home / "secrets", "secrets")
        yield from packer.tree(settings.snapshots, "register")
        for name in PAPERS:
            yield from packer.tree(settings.home / name, name)
        self.manifest = replace(manifest, files=packer.entries)
        yield from packer.end(self.manifest)

    def _facts(self, taken: Snapshot) -> Manifest:
        home, tx = self._home, taken.transaction
        head = tx.journal_table.head()
        certificates: dict[str, dict[str, int]] = {}
        for (ca, state), count in sorted(tx.certificates.counts().items()):
            certificates.setdefault(ca, {})[state.name.lower()] = count
        return Manifest(
            made_at=clock.text(home.clock.now()),
            version=version(),
            authority=home.settings.name,
            mode=home.settings.mode,
            custody=home.settings.custody.kind,
            engine=taken.engine,
            schema=schema_of(tx),
            tables=counts(tx.connection),
            entries=head.size if head else 0,
            root=head.frontier.root().hex() if head else "",
            certificates=certificates,
            lists=[{"ca": each.ca, "scope": each.scope, "number": each.number} for each in tx.crls.all()],
        )


def _present(folder: Path) -> Path:
    """Return a folder that a backup is worth nothing without.

    Raises:
        Missing: it is not there, or nobody may look into it.
    """
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        raise Missing(f"the folder {folder} cannot be read: a backup without it would restore no key")
    return folder


@contextmanager
def _workshop(home: Path) -> Iterator[Path]:
    """Hold the one place where a backup of this home lays out its copy of the database; what a killed one left is removed."""
    run = home / "run"
    run.mkdir(mode=0o700, exist_ok=True)
    with (run / f"{_WORKSHOP}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict("another backup of this home is being made") from None
        folder = run / _WORKSHOP
        rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            rmtree(folder, ignore_errors=True)
