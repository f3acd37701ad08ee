"""Files that the commands are given: read up to a limit, with a plain reason when they cannot be."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from trust.errors import Malformed, Missing, Unavailable


def read(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` octets.

    Raises:
        Missing: there is no such file.
        Malformed: it is larger, or is no file.
        Unavailable: it cannot be read.
    """
    try:
        with open(path, "rb", opener=_opener) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Malformed(f"{path} is not an ordinary file")
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise Missing(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from error
    if len(content) > limit:
        raise Malformed(f"{path} is larger than {limit:,} octets".replace(",", " "))
    return content


def write(path: Path, content: bytes) -> None:
    """Write a file whole, in place of one that may be there.

    Raises:
        Unavailable: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Unavailable(f"cannot write {path}: {error.strerror}") from error


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not make us wait for its writer
