"""Reading an extraction: a text file, the zip in which it is published, or any stream of octets, in blocks of whole lines.

Nothing is unpacked to the disk and no block is larger than a mebibyte and a line, whatever the file pretends to be: a zip
that swells past the limit, a line without end and a cut file are all met here. It knows no column: see `layout`.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO, Final

from pki.register.layout import MAX_LINE
from trust.errors import Malformed, Missing

BLOCK: Final = 1 << 20
SIZE_LIMIT: Final = 4 << 30
"""Octets of text that an extraction may have; real ones have some 0.6 to 0.9 thousand million."""

_MEMBER = re.compile(r"PS_LibreAcces_Personne_activite_[0-9]{12}\.txt")
_DATE = re.compile(r"_([0-9]{12})\.txt\Z")


@dataclass
class Source:
    """An extraction being read. `octets` grows as it is; `total` is its size when known; `dated` is what its name says."""

    stream: IO[bytes]
    dated: datetime | None
    total: int | None
    limit: int
    file_sha256: str | None = None
    octets: int = 0

    def __post_init__(self) -> None:
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """SHA-256 (hexadecimal) of the file as it was given: the zip, or else the text, once it is all read."""
        return self.file_sha256 or self._digest.hexdigest()

    def blocks(self) -> Iterator[tuple[bytes, bool]]:
        """Yield blocks of whole lines without the last end of line; the flag says whether that end of line was there.

        A line longer than `MAX_LINE` comes out cut, but longer than `MAX_LINE` still: the reader refuses it by its length.

        Raises:
            Malformed: the file is larger than the limit, or the zip is damaged.
        """
        tail = b""
        while block := self._read():
            cut = block.rfind(b"\n")
            if cut < 0:
                tail = (tail + block)[: MAX_LINE + 1]
                continue
            yield tail + block[:cut], True
            tail = block[cut + 1 :]
        if tail:
            yield tail, False

    def _read(self) -> bytes:
        try:
            block = self.stream.read(BLOCK)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise Malformed(f"the zip is damaged: {error}") from None
        self.octets += len(block)
        if self.octets > self.limit:
            raise Malformed(f"the extraction has more than {self.limit} octets")
        if self.file_sha256 is None:
            self._digest.update(block)
        return block


@contextmanager
def opened(origin: Path | BinaryIO, size_limit: int = SIZE_LIMIT) -> Iterator[Source]:
    """Open an extraction: a path to its text or to its zip, or a stream of its text.

    Raises:
        Missing: there is no such file.
        Malformed: it is a zip that cannot be read, or without exactly one `PS_LibreAcces_Personne_activite_*.txt`.
    """
    if not isinstance(origin, Path):
        yield Source(origin, None, None, size_limit)
        return
    try:
        file = origin.open("rb")
    except (FileNotFoundError, IsADirectoryError):
        raise Missing(f"there is no file {origin}") from None
    with file:
        if file.read(2) == b"PK":
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            with _member(file) as (stream, name, size):
                if size > size_limit:
                    raise Malformed(f"the extraction announces {size} octets, more than {size_limit}")
                yield Source(stream, _date_in(name), size, size_limit, digest)
        else:
            size = file.seek(0, 2)
            file.seek(0)
            yield Source(file, _date_in(origin.name), size, size_limit)


@contextmanager
def _member(file: BinaryIO) -> Iterator[tuple[IO[bytes], str, int]]:
    try:
        archive = zipfile.ZipFile(file)
        members = [info for info in archive.infolist() if _MEMBER.fullmatch(info.filename.rsplit("/", 1)[-1])]
        if len(members) != 1:
            raise Malformed(f"the zip holds {len(members)} files PS_LibreAcces_Personne_activite_*.txt, not one")
        if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Malformed("the zip is compressed by another method than deflate")
        stream = archive.open(members[0])
    except (zipfile.BadZipFile, struct.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise Malformed(f"the zip cannot be read: {error}") from None
    with archive, stream:
        yield stream, members[0].filename, members[0].file_size


def _date_in(name: str) -> datetime | None:
    """Read the moment in a file's name, as UTC: its time zone is not documented, so an age can be two hours wrong."""
    found = _DATE.search(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
