"""How files travel in a backup: one tar (POSIX.1-2001), its manifest last, written and read as a stream.

The manifest lists every file with its size and SHA-256, and says what the authority was at that moment. It comes last because
files are hashed as they go by: nothing is read twice, and memory does not grow with them. Whoever reads believes no name: a
member is an ordinary file, below one of our folders, once.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from trust.errors import Conflict, Malformed, Unavailable, shown

FORMAT = "sceau-backup-1"
MANIFEST = "manifest.json"
FOLDERS = ("publication", "database", "config", "keys", "module", "secrets", "register", "imported", "requests", "ceremonies")
"""First parts of names, in the order in which they are written."""
LARGEST_MANIFEST = 256 * 1024 * 1024
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a backup."""

    name: str
    size: int
    sha256: str
    mode: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, and what the authority was when it was made."""

    made_at: str
    version: str
    authority: str
    mode: str
    custody: str
    engine: str
    """``sqlite`` or ``postgresql``."""
    schema: str
    tables: dict[str, int]
    """Rows of every table."""
    entries: int
    """Of the journal."""
    root: str
    """Of the journal's tree, hex."""
    certificates: dict[str, dict[str, int]]
    """By CA and state, a count."""
    lists: list[dict[str, Any]]
    """CA, scope and number of the last CRL of each."""
    files: list[Entry] = field(default_factory=list)

    def encoded(self) -> bytes:
        """Return the manifest as it is written."""
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"

    @property
    def sha256(self) -> str:
        """The name of this backup in the journal: the hash of its manifest, which holds that of every file."""
        return hashlib.sha256(self.encoded()).hexdigest()

    @classmethod
    def read(cls, content: bytes) -> Manifest:
        """Read what `encoded` wrote.

        Raises:
            Malformed: it is not that.
        """
        try:
            record = json.loads(content)
            if record.pop("format") != FORMAT:
                raise Malformed("a backup of another format than this version of Sceau reads")
            manifest = cls(**{**record, "files": [Entry(**each) for each in record["files"]]})
            if manifest.encoded() != content:
                raise Malformed("the manifest is not in the form that we write")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Malformed("the backup has no manifest that can be read") from None
        return manifest


class Packer:
    """Turns files into the octets of a tar, and remembers what it saw."""

    def __init__(self, moment: int) -> None:
        self.entries: list[Entry] = []
        self._moment = moment

    def tree(self, folder: Path, name: str) -> Iterator[bytes]:
        """Yield every file below a folder, in the order of their names; what is being written (``.name``) is left out."""
        for path in sorted(_files(folder)):
            yield from self.file(path, f"{name}/{path.relative_to(folder).as_posix()}")

    def file(self, path: Path, name: str) -> Iterator[bytes]:
        """Yield one file, as it stood when it was opened: ours are replaced by a rename, never written over.

        Raises:
            Unavailable: it cannot be read whole. One that is gone meanwhile is left out.
        """
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return
        except OSError as error:
            raise Unavailable(f"cannot read {path}: {error.strerror}") from None
        with file:
            state = os.fstat(file.fileno())
            left, digest = state.st_size, hashlib.sha256()
            mode = stat.S_IMODE(state.st_mode)
            yield self._head(name, left, mode)
            while left:
                block = file.read(min(_BLOCK, left))
                if not block:
                    raise Unavailable(f"{path} became shorter while it was read")
                digest.update(block)
                left -= len(block)
                yield block
            yield _padding(state.st_size)
        self.entries.append(Entry(name, state.st_size, digest.hexdigest(), mode))

    def end(self, manifest: Manifest) -> Iterator[bytes]:
        """Yield the manifest and the end of the tar."""
        content = manifest.encoded()
        yield self._head(MANIFEST, len(content), 0o600)
        yield content
        yield _padding(len(content))
        yield bytes(2 * tarfile.BLOCKSIZE)

    def _head(self, name: str, size: int, mode: int) -> bytes:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, mode, self._moment
        return info.tobuf(tarfile.PAX_FORMAT)


def unpack(stream: IO[bytes], folder: Path) -> Manifest:
    """Write the files of a backup below a folder, and check each against the manifest.

    Raises:
        Malformed: it is not a backup of ours, whole; or a file is not the one of its manifest.
        Unavailable: a file cannot be written.
    """
    found: dict[str, Entry] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if manifest is not None:
                    raise Malformed("something follows the manifest of the backup")
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise Malformed(f"{shown(member.name)} in the backup is not an ordinary file")
                if member.name == MANIFEST:
                    manifest = _read_manifest(content, member.size)
                else:
                    found[member.name] = _write(content, member, folder)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Malformed(f"not a whole backup: {error}") from None
    if manifest is None:
        raise Malformed("the backup has no manifest: it was cut")
    _compare(found, manifest.files)
    return manifest


def _compare(found: dict[str, Entry], listed: Iterable[Entry]) -> None:
    names = set()
    for entry in listed:
        names.add(entry.name)
        if (there := found.get(entry.name)) is None:
            raise Malformed(f"{shown(entry.name)} is in the manifest of the backup and not in the backup")
        if there != entry:
            raise Malformed(f"{shown(entry.name)} is not the file that the manifest of the backup lists")
    if strangers := sorted(found.keys() - names):
        raise Malformed(f"{shown(strangers[0])} is in the backup and not in its manifest")


def _read_manifest(content: IO[bytes], size: int) -> Manifest:
    if size > LARGEST_MANIFEST:
        raise Malformed("the manifest of the backup is too large")
    return Manifest.read(content.read())


def _write(content: IO[bytes], member: tarfile.TarInfo, folder: Path) -> Entry:
    name = PurePosixPath(member.name)
    if (
        name.is_absolute()
        or ".." in name.parts
        or len(name.parts) < 2
        or name.parts[0] not in FOLDERS
        or str(name) != member.name
    ):
        raise Malformed(f"{shown(member.name)} has no place in a home")
    path, digest, size = folder.joinpath(*name.parts), hashlib.sha256(), 0
    mode = member.mode & 0o777
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            while block := content.read(_BLOCK):
                digest.update(block)
                size += len(block)
                file.write(block)
            os.fchmod(file.fileno(), mode)
    except FileExistsError:
        raise Malformed(f"{shown(member.name)} is in the backup twice") from None
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}") from None
    return Entry(member.name, size, digest.hexdigest(), mode)


def _files(folder: Path) -> Iterator[Path]:
    try:
        for each in os.scandir(folder):
            if each.name.startswith("."):
                continue
            if each.is_dir():
                yield from _files(Path(each.path))
            elif each.is_file():
                yield Path(each.path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Unavailable(f"cannot read {folder}: {error.strerror}") from None


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def place(draft: Path, path: Path) -> None:
    """Give a finished file its name, which nobody has yet.

    Raises:
        Conflict: somebody has it now: nothing is ever overwritten.
        Unavailable: the file system refuses.
    """
    try:
        try:
            os.link(draft, path)
        except PermissionError:  # a file system without links: a key, a card
            if path.exists():
                raise FileExistsError from None
            draft.rename(path)
        draft.unlink(missing_ok=True)
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except FileExistsError:
        raise Conflict(f"{path} is there already: a backup is never overwritten") from None
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error.strerror}") from None
