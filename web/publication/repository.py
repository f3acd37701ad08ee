"""The repository (RFC 3647 §2): published files, from one folder and from nothing else.

Only names that the authority would give to a file are looked for, and only regular files are found (`opening`). Small files are
kept in memory and looked at again twice a second; larger ones are kept open and read piece by piece. A CRL past its nextUpdate is
never given out (reliability L02): the reply says that it has expired.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trust.clock import text as moment_text
from trust.errors import Malformed, Missing
from web.publication.crl_dates import HEAD_OCTETS, dates
from web.publication.freshness import cacheable, http_date, read_http_date
from web.publication.opening import Signature, open_below, signature_of
from web.publication.pages import Pages
from web.publication.reply import NOSNIFF, LargeFile, Reply, Request, not_allowed, not_found, text

_NAME = rb"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_FOLDERS = rb"(?:crl|aia|chain|policies|journal)/(?:%b/){0,5}(?:%b)?" % (_NAME, _NAME)
_PUBLISHED = re.compile(rb"/(?:%b|index\.html|index\.en\.html|style\.css|authority\.json)?" % _FOLDERS)

_TYPES = {
    ".crl": b"application/pkix-crl",  # RFC 5280 §4.2.1.13 and RFC 2585 §4.2
    ".cer": b"application/pkix-cert",  # RFC 2585 §4.1
    ".pem": b"application/pem-certificate-chain",  # RFC 8555 §9.1
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".txt": b"text/plain; charset=utf-8",
    ".md": b"text/plain; charset=utf-8",  # a browser shows it; as text/markdown it would be saved
    ".toml": b"text/plain; charset=utf-8",
    ".json": b"application/json",
    ".pdf": b"application/pdf",
    "checkpoint": b"text/plain; charset=utf-8",  # a signed note
    "key": b"text/plain; charset=utf-8",
}
_PAGE = (
    b"Content-Security-Policy: default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'\r\n"
    b"Referrer-Policy: no-referrer\r\n"
)
_SOON = 60  # seconds: pages and the checkpoint, which people read to see the present

SMALL_OCTETS = 256 * 1024
MEMORY_OCTETS = 8 * 1024 * 1024
DOCUMENTS = 1_024
RECHECK_SECONDS = 0.5


@dataclass(slots=True)
class Document:
    """One published file as last seen."""

    signature: Signature
    """What tells that the file was replaced."""
    content: bytes | LargeFile
    head: bytes
    etag: bytes
    modified: datetime
    is_crl: bool
    validity: tuple[datetime, datetime] | None
    """thisUpdate and nextUpdate of a CRL; None for another file, and for a CRL that cannot be read."""
    seconds: int
    """For how long a cache may keep it."""
    checked: float
    caching: tuple[datetime | None, bytes] = (None, b"")
    """The moment of the last reply, and what caches were told then: the same for the whole second."""


class Repository:
    """The folder of published files, as one worker sees it."""

    def __init__(self, root: Path, cache_seconds: int = 60, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self._cache_seconds = cache_seconds
        self._ticks = ticks
        self._pages = Pages(root)
        self._documents: dict[str, Document] = {}
        self._held = 0

    def reply(self, request: Request, now: datetime) -> Reply:
        """Answer a GET or a HEAD for a published file, conditional or not."""
        target = request.target.partition(b"?")[0]
        if not _PUBLISHED.fullmatch(target):
            return not_found()
        if request.method not in (b"GET", b"HEAD"):
            return not_allowed(b"GET, HEAD")
        try:
            document = self._document(_name(target))
        except Missing:
            return not_found()
        if document.is_crl and (document.validity is None or document.validity[1] <= now):
            return _expired(document)
        return _fresh(document, request, now)

    def plain(self, target: bytes, now: datetime) -> Reply | None:
        """Answer a plain GET for a small file that is there; None for everything else, which `reply` says."""
        if not _PUBLISHED.fullmatch(target):
            return None
        try:
            document = self._document(_name(target))
        except Missing:
            return None
        expired = document.is_crl and (document.validity is None or document.validity[1] <= now)
        if expired or isinstance(document.content, LargeFile):
            return None
        return Reply(200, document.head + _caching(document, now), document.content, "crl" if document.is_crl else "file")

    def lists(self) -> Iterator[tuple[str, tuple[datetime, datetime] | None]]:
        """Go through the published CRLs: name and (thisUpdate, nextUpdate), or None where the file cannot be read as a CRL."""
        folder = self.root / "crl"
        for path in sorted((*folder.glob("*.crl"), *folder.glob("*/*.crl"))):
            name = path.relative_to(self.root).as_posix()
            try:
                yield name, self._document(name).validity
            except Missing:  # replaced or withdrawn while we looked
                continue

    def _document(self, name: str) -> Document:
        """Return a file as it is now, give or take `RECHECK_SECONDS`.

        Raises:
            Missing: no such regular file without symbolic link under the root.
        """
        document = self._documents.get(name)
        ticks = self._ticks()
        if document is not None:
            if ticks - document.checked < RECHECK_SECONDS:
                return document
            if self._signature(name) == document.signature:
                document.checked = ticks
                return document
            self._forget(name)
        document = self._load(name, ticks)
        self._keep(name, document)
        return document

    def _signature(self, name: str) -> Signature | None:
        return signature_of(self.root / name) or self._pages.signature(name)

    def _load(self, name: str, ticks: float) -> Document:
        try:
            descriptor = open_below(self.root, name)
        except Missing:
            return self._document_of(name, *self._pages.make(name), ticks)
        found = os.fstat(descriptor)
        signature = (found.st_ino, found.st_mtime_ns, found.st_size)
        file = LargeFile(descriptor, found.st_size)  # owns the descriptor from here on
        if found.st_size > SMALL_OCTETS:
            return self._document_of(name, file, signature, ticks)
        return self._document_of(name, os.read(descriptor, SMALL_OCTETS + 1), signature, ticks)

    def _document_of(self, name: str, content: bytes | LargeFile, signature: Signature, ticks: float) -> Document:
        suffix = os.path.splitext(name)[1] or os.path.basename(name)
        if isinstance(content, bytes):
            etag, opening = hashlib.sha256(content).hexdigest()[:32], content
        else:
            etag, opening = f"{content.size:x}-{signature[1]:x}", os.pread(content.descriptor, HEAD_OCTETS, 0)
        page = _PAGE if suffix == ".html" else b""
        soon = suffix in (".html", ".json", "checkpoint")
        return Document(
            signature=signature,
            content=content,
            head=b"Content-Type: %b\r\n%b%b" % (_TYPES.get(suffix, b"application/octet-stream"), NOSNIFF, page),
            etag=f'"{etag}"'.encode(),
            modified=datetime.fromtimestamp(signature[1] // 10**9, UTC),
            is_crl=suffix == ".crl",
            validity=_validity(opening, len(content)) if suffix == ".crl" else None,
            seconds=min(_SOON, self._cache_seconds) if soon else self._cache_seconds,
            checked=ticks,
        )

    def _keep(self, name: str, document: Document) -> None:
        self._documents[name] = document
        self._held += len(document.content) if isinstance(document.content, bytes) else 0
        while self._held > MEMORY_OCTETS or len(self._documents) > DOCUMENTS:
            self._forget(next(iter(self._documents)))  # the longest there

    def _forget(self, name: str) -> None:
        document = self._documents.pop(name)
        self._held -= len(document.content) if isinstance(document.content, bytes) else 0


def _validity(opening: bytes, size: int) -> tuple[datetime, datetime] | None:
    try:
        return dates(opening, size)
    except Malformed:
        return None


def _name(target: bytes) -> str:
    name = target[1:].decode("ascii")
    return name + "index.html" if not name or name.endswith("/") else name


def _caching(document: Document, now: datetime) -> bytes:
    """Tell caches about a document; written once a second."""
    moment, lines = document.caching
    if moment != now:
        until = document.validity[1] if document.validity else now + timedelta(seconds=document.seconds + 1)
        lines = b"ETag: " + document.etag + b"\r\n" + cacheable(document.modified, until, now, document.seconds)
        document.caching = (now, lines)
    return lines


def _fresh(document: Document, request: Request, now: datetime) -> Reply:
    caching, what = _caching(document, now), "crl" if document.is_crl else "file"
    if _unchanged(document, request):
        return Reply(304, caching, b"", what, bodyless=True)
    return Reply(200, document.head + caching, document.content, what, bodyless=request.method == b"HEAD")


def _unchanged(document: Document, request: Request) -> bool:
    """Tell whether the client has this very file (RFC 9110 §13.2.2: If-None-Match decides alone when it is there)."""
    if request.if_none_match:
        tags = [tag.strip().removeprefix(b"W/") for tag in request.if_none_match.split(b",")]
        return document.etag in tags or tags == [b"*"]
    if not request.if_modified_since:
        return False
    since = read_http_date(request.if_modified_since)
    return since is not None and document.modified <= since


def _expired(document: Document) -> Reply:
    """Refuse a CRL that no longer counts: an old list with a new date would hide the revocations made since."""
    if document.validity is None:
        message = "Cette liste de révocation est illisible. This CRL cannot be read."
    else:
        moment = moment_text(document.validity[1])
        message = f"Cette liste de révocation a expiré le {moment}. This CRL expired on {moment}."
    return text(503, message, what="crl-expired", head=b"Retry-After: 60\r\nLast-Modified: %b\r\n" % http_date(document.modified))
