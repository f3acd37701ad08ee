"""Generations of the status store: one lmdb environment each, and the file `current` that names the live one.

lmdb refuses to open one environment twice in a process, so those that are open are shared here and counted. Nothing here knows
what a record means.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import lmdb

from trust.errors import Conflict, Missing, Unavailable

CURRENT = "current"
READER_MAP = 1 << 36
"""Address space that a reader reserves: 64 GiB of addresses and no memory, so that the writer's growth hardly ever outruns its
map."""


@dataclass
class _Shared:
    environment: lmdb.Environment
    writable: bool
    holders: int


_open: dict[tuple[int, str], _Shared] = {}
_guard = Lock()


def acquire(path: Path, *, writable: bool, map_size: int = READER_MAP) -> lmdb.Environment:
    """Open an environment, or share the one that this process has open already. The process id is part of its name: lmdb must not
    cross a fork.

    A reader opens without locks: it needs no right to write in the directory, and a fault in it cannot stop the writer. What
    makes that safe is the writer's lease (`pki.status.store`).

    Raises:
        Conflict: this process reads it already, and now wants to write it.
        Unavailable: it does not open.
    """
    name = (os.getpid(), os.path.realpath(path))
    with _guard:
        shared = _open.get(name)
        if shared is None:
            try:
                environment = lmdb.open(
                    str(path),
                    map_size=map_size,
                    readonly=not writable,
                    lock=writable,
                    create=writable,
                    readahead=False,
                    mode=0o644,
                )
            except lmdb.Error as problem:
                raise Unavailable(f"status store {path.name}: {problem}") from None
            shared = _open[name] = _Shared(environment, writable, 0)
        elif writable and not shared.writable:
            raise Conflict(f"this process already reads {path.name}: open the writer before the reader")
        shared.holders += 1
        return shared.environment


def release(path: Path) -> None:
    """Give back an environment; the last holder closes it."""
    name = (os.getpid(), os.path.realpath(path))
    with _guard:
        shared = _open.get(name)
        if shared is not None:
            shared.holders -= 1
            if shared.holders == 0:
                del _open[name]
                shared.environment.close()


def current(store: Path) -> Path:
    """Return the directory of the live generation.

    Raises:
        Missing: nothing was ever published here.
    """
    try:
        return store / (store / CURRENT).read_text().strip()
    except FileNotFoundError:
        raise Missing(f"no status store in {store}") from None


def signature(store: Path) -> tuple[int, int] | None:
    """Return something that changes when `current` is replaced: cheap enough to look at twice a second."""
    try:
        found = os.stat(store / CURRENT)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def publish(store: Path, generation: Path) -> None:
    """Make a generation the live one: readers see the old or the new, and a power cut leaves one of them.

    Raises:
        Unavailable: the disk is full or failing; the old one stays.
    """
    draft = store / (CURRENT + ".new")
    try:
        with open(draft, "w") as file:
            file.write(generation.name + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, store / CURRENT)
    except OSError as problem:
        raise Unavailable(f"status store: {problem}") from None
    with suppress(OSError):  # the name is in place: if a failing disk forgets it, the next start begins again and rebuilds
        sync_directory(store)


def sync_directory(path: Path) -> None:
    """Have the names in a directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def generations(store: Path) -> list[Path]:
    """List every generation on disk, oldest first."""
    return sorted(path for path in store.glob("g[0-9]*") if path.is_dir())


def create(store: Path) -> Path:
    """Make the directory of the next generation.

    Raises:
        Unavailable: the disk is full or failing.
    """
    last = max((int(path.name[1:]) for path in generations(store)), default=0)
    with suppress(Missing):
        last = max(last, int(current(store).name[1:]))
    path = store / f"g{last + 1:010d}"
    try:
        path.mkdir()
    except OSError as problem:
        raise Unavailable(f"status store: {problem}") from None
    return path


def remove(generation: Path) -> None:
    """Delete a generation. Who has it mapped keeps reading it until they look at `current` again."""
    shutil.rmtree(generation, ignore_errors=True)
