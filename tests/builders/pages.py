"""The pages of a world, served for a browser: the very application of the product over a threaded server of the tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from pki.authenticators.model import Account
from pki.bootstrap.office import Office
from tests.world import World
from web.authority import application


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@dataclass
class Pages:
    """Where the pages are, and the office behind them."""

    world: World
    office: Office
    url: str

    def invite(self, account: Account, *, with_code: bool = False) -> tuple[str, str | None]:
        """Make a one-time link; return it with its code."""
        made = self.office.entries.invite(account, timedelta(hours=1), by="test", with_code=with_code)
        return self.office.entry_link(account, made.token), made.code


@contextmanager
def served(world: World) -> Iterator[Pages]:
    """Serve the pages of a world on a free port of this machine."""
    server: BaseWSGIServer = make_server("localhost", 0, _none, threaded=True, request_handler=_Quiet)
    url = f"http://localhost:{server.server_port}"
    office = Office(world.home, url)
    server.app = application(office)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Pages(world, office, url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _none(environ: object, start: object) -> list[bytes]:
    return []
