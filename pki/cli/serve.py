"""`sceau serve`: run the authority's processes, until Ctrl-C

Without `--only`, this process supervises the others. With one name it becomes that service, which is what a systemd unit asks
for.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from pki.cli._frame import Parser, Subparsers, command

if TYPE_CHECKING:
    from pki.bootstrap.supervisor import News


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    from pki.bootstrap.services import SERVICES

    parser: Parser = command(
        subparsers,
        "serve",
        "run the authority's processes, until Ctrl-C",
        examples=["sceau serve --home var/demo", "SCEAU_BASE_PORT=9400 sceau serve", "sceau serve --only publication"],
        description="Run the authority's processes. Prints the address of each as soon as it answers; Ctrl-C stops them all.",
    )
    names = [service.name for service in SERVICES]
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=names, help=f"only these ({', '.join(names)}); one name: in this process"
    )
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Serve."""
    from pki.bootstrap import child, packages
    from pki.bootstrap.rounds import Rounds
    from pki.bootstrap.services import SERVICES, base_port, named
    from pki.bootstrap.supervisor import Supervisor
    from trust.errors import Missing

    packages.refuse_foreign()
    only = list(dict.fromkeys(args.only or ()))
    if not args.home.is_dir():
        raise Missing(f"there is no authority in {args.home}: `sceau init --home {args.home}` makes one")
    if len(only) == 1:
        return child.run(named(only[0]), args.home, args.lifeline)
    services = [service for service in SERVICES if not only or service.name in only]
    waiting = {service.name for service in services}

    def tell(news: News) -> None:
        _print(news, as_json=args.json)
        if news.what == "ready" and news.service in waiting:
            waiting.remove(news.service)
            if not waiting and not args.json:
                print("Everything runs. Ctrl-C stops it.", flush=True)

    with Rounds(args.home, base_port()):
        return Supervisor(args.home, services, base_port(), tell).run()


def _print(news: News, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"service": news.service, "event": news.what, "detail": news.text}), flush=True)
    elif news.what == "ready":
        print(f"{news.service:<12} {news.text or 'runs (it has no network address)'}", flush=True)
    elif news.what == "stopped":
        print(f"{news.service:<12} stopped", flush=True)
    else:
        print(f"{news.service:<12} {news.what}: {news.text}", file=sys.stderr, flush=True)
