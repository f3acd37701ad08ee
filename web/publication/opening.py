"""Opening a published file and nothing else: no symbolic link is followed, and what is not a regular file does not exist."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from trust.errors import Missing

Signature = tuple[int, int, int]
"""Inode, modification time (nanoseconds) and size of a file: what changes when it is replaced."""


def signature_of(path: Path) -> Signature | None:
    """Look at a file without opening it; None when there is none."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def open_below(root: Path, name: str) -> int:
    """Open a regular file below `root`, component by component, following no symbolic link (the root itself may be one).

    Raises:
        Missing: there is no such file, or it is something else.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # non-blocking: opening a pipe must not wait for a writer
    *folders, last = name.split("/")
    opened: list[int] = []
    try:
        opened.append(os.open(root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY))
        for folder in folders:
            opened.append(os.open(folder, flags | os.O_DIRECTORY, dir_fd=opened[-1]))
        descriptor = os.open(last, flags, dir_fd=opened[-1])
    except OSError as error:
        raise Missing(name) from error
    finally:
        for folder_descriptor in opened:
            os.close(folder_descriptor)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Missing(name)
    return descriptor


def read_below(root: Path, name: str, most: int) -> bytes:
    """Read a small file below `root`.

    Raises:
        Missing: there is no such file, or it is longer than `most` octets.
    """
    descriptor = open_below(root, name)
    try:
        content = os.read(descriptor, most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise Missing(name)
    return content
