"""What `sceau custody` does: a folder for the custody process, and the process itself."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from pathlib import Path

from pki.bootstrap import keeper
from pki.cli._output import emit
from pki.settings import CustodySettings
from trust.errors import Malformed


def run(args: argparse.Namespace) -> int:
    """Make, or serve."""
    return _serve(args.folder) if args.verb == "serve" else _init(args)


def _init(args: argparse.Namespace) -> int:
    if args.pkcs11 is None and (args.pin_file is not None or args.module is not None):
        raise Malformed("--pin-file and --module go with --pkcs11")
    said = CustodySettings(
        kind="software" if args.pkcs11 is None else "pkcs11",
        token=args.pkcs11 or "",
        module=args.module or "",
        witness=str(args.witness.absolute()) if args.witness else "",
    )
    folder: Path = args.folder.absolute()
    made = keeper.create(folder, said, args.socket.absolute(), args.user, pin_file=args.pin_file)
    data = {"folder": str(folder), "socket": str(made.socket), "users": list(made.users), "witness": str(made.place.witness)}
    text = f"Custody is ready in {folder}.\nNext: `sceau custody serve {folder}`, then `sceau init --custody {made.socket}`"
    emit(args, data, text)
    return 0


def _serve(folder: Path) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return keeper.serve(folder.absolute(), stop)
