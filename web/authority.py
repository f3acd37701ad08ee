"""The process of the pages for people: one application per audience, each under its path, served by granian.

It holds no key: it opens the database, takes what people ask and sign, and leaves orders for the issuer. Production puts a
reverse proxy with TLS in front (`docs/operate`).
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.utils import redirect

from pki.bootstrap.office import Office, open_office
from pki.bootstrap.services import base_port, named
from trust.errors import SceauError
from web.admin.application import make as make_admin
from web.api.application import make as make_api
from web.api.who import Gate
from web.board import live
from web.board.application import make as make_board
from web.kit.application import STATIC
from web.kit.safety import POLICY
from web.kit.start import front
from web.portal.application import make as make_portal
from web.structure.application import make as make_structure
from web.verify.application import make as make_verify

LOG = logging.getLogger("sceau.pages")
HOME = "SCEAU_PAGES_HOME"
"""How a worker of granian is told which home it serves: a path, no secret."""
REMINDER_SECONDS = 600.0
THREADS = 4
"""For pages. Those who follow long work live have threads of their own besides: they keep one each (`web.board.live`)."""
LISTEN = "127.0.0.1"

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
MOUNTED: dict[str, Callable[[Office], Wsgi]] = {
    "/ordre": make_board,
    "/moi": make_portal,
    "/structure": make_structure,
    "/verifier": make_verify,
    "/admin": make_admin,
}
"""The application of each audience, by its path. Each has its table in `tests/isolation`."""
PROGRAMS: dict[str, Callable[[Office], Wsgi]] = {"/api": make_api}
"""What programs call, by its path: there are no pages, no cookies and no forms."""


def application(office: Office) -> Wsgi:
    """Return everything that this process answers."""
    pages = DispatcherMiddleware(front(office), {prefix: make(office) for prefix, make in (MOUNTED | PROGRAMS).items()})
    return _with_headers(SharedDataMiddleware(pages, {"/static": str(STATIC)}, cache_timeout=3600))


def _with_headers(pages: Wsgi) -> Wsgi:
    """Have every answer say that it is what it says, files and errors included."""
    wanted = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": POLICY}

    def answered(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            said = {name.lower() for name, _ in headers}
            return start(status, [*headers, *(each for each in wanted.items() if each[0].lower() not in said)], *error)

        if environ.get("PATH_INFO") in MOUNTED | PROGRAMS:  # Flask would write the host that the browser named into the address
            return redirect(f"{environ['PATH_INFO']}/", 308)(environ, begin)
        return pages(environ, begin)

    return answered


def serve(home: Path) -> int:
    """Serve the pages of a home until SIGTERM; the entry point of the service `authority`."""
    os.environ[HOME] = str(home.absolute())
    office = open_office(home)  # what is wrong with the home is said here, once, before a worker starts
    Gate(office)  # and what is wrong with what the proxy would say
    threading.Thread(target=remind, args=(office,), name="reminders", daemon=True).start()
    port = named("authority").port(base_port())
    assert port is not None
    # A forked worker would inherit the locks that the reminders' thread holds at that moment, and wait for them for ever: one
    # start in twenty, measured. It would also inherit an open SQLite connection, which must not cross a fork.
    multiprocessing.set_start_method("spawn", force=True)
    server = Granian(
        "web.authority:worker",
        address=LISTEN,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=THREADS + live.MOST,
        log_level=LogLevels.error,
    )
    server.serve()
    return 0


def remind(office: Office) -> None:
    """Send the reminders that are due, for ever; one place for it, whatever the number of workers."""
    while office.reminders is not None:
        try:
            if sent := office.reminders.send_due():
                LOG.info("%d reminders were sent", sent)
        except SceauError as error:
            LOG.error("reminders wait: %s", error)
        time.sleep(REMINDER_SECONDS)


def worker() -> Wsgi:
    """Make the application in a worker's process."""
    return application(open_office(Path(os.environ[HOME])))
