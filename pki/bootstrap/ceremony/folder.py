"""The folder of a ceremony: what is carried from one place to another lies in it (CP 6.1.1).

Files are named by the script, which lets no path in. They are written whole or not at all; what another place sent is read up
to a limit, and never believed by its name.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from trust.errors import Malformed, Missing, Unavailable


def read(folder: Path, name: str, limit: int) -> bytes:
    """Read a file of the folder.

    Raises:
        Missing: there is none.
        Malformed: it is too large, or no ordinary file.
        Unavailable: it cannot be read.
    """
    path = folder / name
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Malformed(f"{path} is not an ordinary file")
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise Missing(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from None
    if len(content) > limit:
        raise Malformed(f"{path} is larger than {limit} octets")
    return content


def write(folder: Path, name: str, content: bytes) -> None:
    """Write a file of the folder, whole, and durably.

    Raises:
        Unavailable: it cannot be written.
    """
    path = folder / name
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Unavailable(f"cannot write {path}: {error.strerror}") from None


def names(folder: Path) -> frozenset[str]:
    """Return the names of the files of the folder; none when it does not exist yet."""
    try:
        return frozenset(each.name for each in folder.iterdir() if not each.name.startswith("."))
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise Unavailable(f"cannot read {folder}: {error.strerror}") from None
