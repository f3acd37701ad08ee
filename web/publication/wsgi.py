"""Publication as a bare WSGI application (PEP 3333), for a site that wants a stock server in front of the same core.

``granian --interface wsgi web.publication.wsgi:application`` or ``gunicorn web.publication.wsgi:application``, with
``SCEAU_HOME`` naming the home. Slow clients, connections and time limits are the stock server's business; everything else is what
the worker process does. Answers that need a live signature block their thread until the signer has spoken or
`Limits.signer_seconds` are over.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from trust.clock import Clock, SystemClock
from trust.clock import text as moment_text
from trust.errors import SceauError
from web.publication.access_log import AccessLog
from web.publication.counters import Board
from web.publication.freshness import Present
from web.publication.health import report
from web.publication.ports import Answering, Signer
from web.publication.reading import too_large
from web.publication.reply import REASONS, LargeFile, Reply, Request, is_this_machine
from web.publication.repository import Repository
from web.publication.sending import PIECE
from web.publication.settings import Settings, read_settings
from web.publication.site import Site
from web.publication.status import connect
from web.publication.status_desk import Pending, StatusDesk
from web.publication.tally import Tally

StartResponse = Callable[[str, list[tuple[str, str]]], object]
_FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_VIA")


class Publication:
    """One thread's view of a home: the store's reader, the files and the way to the signer each belong to one thread."""

    def __init__(self, settings: Settings, answering: Answering, signer: Signer | None, clock: Clock) -> None:
        self._limits = settings.limits
        self._signer = signer
        self._runner: asyncio.Runner | None = None  # keeps the signer's connection between requests
        self._present = Present(clock, settings.limits.cache_seconds)
        self._tally = Tally(AccessLog(None), settings.limits.log_one_in)  # the stock server has a log of its own
        self._board = Board(1)
        repository = Repository(settings.www, settings.limits.cache_seconds)
        desk = StatusDesk(answering, self._present, self._tally)
        self._site = Site(
            desk, repository, self._present, lambda: report(answering, repository, self._present.now), self._metrics
        )

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        self._present.refresh()
        self._tally.second = moment_text(self._present.now)
        request = _read(environ, self._limits.body_octets)
        found = self._site.respond(request) if request is not None else too_large()
        reply = found if isinstance(found, Reply) else self._sign(found)
        self._tally.note(reply.what, reply.status, len(reply.body))
        start_response(f"{reply.status} {REASONS[reply.status].decode()}", _fields(reply))
        if reply.bodyless:
            return ()
        return _pieces(reply.body) if isinstance(reply.body, LargeFile) else (reply.body,)

    def _sign(self, pending: Pending) -> Reply:
        if self._signer is None:
            return pending.complete(None)
        self._runner = self._runner or asyncio.Runner()
        try:
            return pending.complete(self._runner.run(_ask(self._signer, pending.payload)))
        except SceauError:
            return pending.complete(None)

    def _metrics(self) -> str:
        self._board.post(0, self._tally.sums(), 0)
        return self._board.text()


async def _ask(signer: Signer, payload: bytes) -> bytes:
    return await signer.ask(payload)


def _read(environ: dict[str, Any], most: int) -> Request | None:
    """Read a request; None when its body is longer than `most`."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > most:
        return None
    body = environ["wsgi.input"].read(int(length)) if int(length) else b""
    # The encoded request of a GET is best read before anybody decoded it; where the server does not say, its decoded form must
    # do.
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ.get("PATH_INFO", "")
    forwarded = any(name in environ for name in _FORWARDED)
    return Request(
        environ["REQUEST_METHOD"].encode("latin-1"),
        target.encode("latin-1"),
        body,
        environ.get("CONTENT_TYPE", "").encode("latin-1"),
        environ.get("HTTP_IF_NONE_MATCH", "").encode("latin-1"),
        environ.get("HTTP_IF_MODIFIED_SINCE", "").encode("latin-1"),
        forwarded,
        not forwarded and is_this_machine(environ.get("REMOTE_ADDR", "")),
    )


def _fields(reply: Reply) -> list[tuple[str, str]]:
    """Take the header lines apart again, as WSGI wants them; the server adds Date and Connection."""
    lines = reply.head.decode("latin-1").split("\r\n")[:-1]
    fields = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    return fields if reply.status == 304 else [*fields, ("Content-Length", str(len(reply.body)))]


def _pieces(file: LargeFile) -> Iterator[bytes]:
    for offset in range(0, file.size, PIECE):
        yield os.pread(file.descriptor, PIECE, offset)


_threads = threading.local()


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request for the home named by ``SCEAU_HOME`` (else ``./var/sceau``)."""
    publication: Publication | None = getattr(_threads, "publication", None)
    if publication is None:
        settings = read_settings(Path(os.environ.get("SCEAU_HOME", "var/sceau")))
        publication = _threads.publication = Publication(settings, *connect(settings), SystemClock())
    return publication(environ, start_response)
