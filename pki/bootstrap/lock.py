"""One process of a kind per home: a locked file that says who holds it and on which base port.

The kernel drops the lock when its holder dies, however it dies, so there is nothing to clean up. The file may be lost; its
content is for people and for `sceau urls`, never a basis for a decision.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from trust.errors import Conflict, Unavailable


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: the process, and the base port it was started with."""

    pid: int
    base_port: int


class HomeLock:
    """The lock ``HOME/run/<name>.running``, held for the length of a `with` block."""

    def __init__(self, home: Path, name: str, base_port: int) -> None:
        self.home, self.name, self.base_port = home, name, base_port
        self._file: int | None = None

    def __enter__(self) -> HomeLock:
        """Take the lock.

        Raises:
            Conflict: somebody holds it.
            Unavailable: the file cannot be written.
        """
        path = _path(self.home, self.name)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"cannot write {path}: {error.strerror}") from error
        if not _taken(self._file):
            self._close()
            raise held(self.home, self.name)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps({"pid": os.getpid(), "base_port": self.base_port}).encode(), 0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Give it back."""
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def holder(home: Path, name: str) -> Holder | None:
    """Tell who holds a lock now, or None. Asking takes it from nobody."""
    try:
        file = os.open(_path(home, name), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _read(file)
    finally:
        os.close(file)
    return None


def held(home: Path, name: str) -> Conflict:
    """Return the error that says a lock is taken, and what to do about it."""
    who = holder(home, name)
    process = f"process {who.pid}" if who and who.pid else "another process"
    return Conflict(f"{name} already runs on {home} ({process}): `sceau urls --home {home}` lists it, or stop that process first")


def _taken(file: int) -> bool:
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            time.sleep(0.02)  # perhaps only somebody who asks who holds it: `holder` shares the lock for an instant
    return False


def _path(home: Path, name: str) -> Path:
    return home / "run" / f"{name}.running"


def _read(file: int) -> Holder:
    try:
        content = json.loads(os.pread(file, 200, 0))
        return Holder(int(content["pid"]), int(content["base_port"]))
    except (ValueError, KeyError, TypeError):
        return Holder(0, 0)  # taken this very moment, and not yet written
