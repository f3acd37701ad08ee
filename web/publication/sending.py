"""Sending a large file without holding it and without waiting for the disk (a CRL of a million entries is 42 MB).

One piece at a time is read, and only when the client has taken the one before. What lies in the page cache is read at once; when
the disk would have to be waited for, a thread waits.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from web.publication.reply import LargeFile

PIECE = 65_536
_NOWAIT = getattr(os, "RWF_NOWAIT", 0)  # Linux 4.14


async def send_file(file: LargeFile, transport: asyncio.WriteTransport, space: Callable[[], Awaitable[bool]]) -> bool:
    """Write a file to a transport; `space` waits for the client and says whether it is still there.

    Returns:
        Whether the whole announced length was handed over.
    """
    offset = 0
    while offset < file.size and await space():
        piece = await _read(file, offset, min(PIECE, file.size - offset))
        if not piece or transport.is_closing():
            return False  # cut short on disk, or the client left
        transport.write(piece)
        offset += len(piece)
    return offset == file.size


async def _read(file: LargeFile, offset: int, size: int) -> bytes:
    if _NOWAIT:
        piece = bytearray(size)
        try:
            count = os.preadv(file.descriptor, [piece], offset, _NOWAIT)
            return bytes(memoryview(piece)[:count])
        except OSError:  # not in memory, or a file system that cannot tell
            pass
    try:
        return await asyncio.get_running_loop().run_in_executor(None, os.pread, file.descriptor, size, offset)
    except OSError:
        return b""
