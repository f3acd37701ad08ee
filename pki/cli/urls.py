"""`sceau urls`: list the addresses of the services that run

The truth as found on this machine: who holds the lock of each service, on which port it was started, and whether it answers.
"""

from __future__ import annotations

import argparse

from pki.cli._frame import Subparsers, command
from pki.cli._output import emit


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    command(
        subparsers,
        "urls",
        "list the addresses of the services that run",
        examples=["sceau urls --home var/demo", "sceau urls --json"],
        description="List the addresses of the services that run on this home and answer (--json: one flat object).",
    )


def run(args: argparse.Namespace) -> int:
    """Print them."""
    from pki.bootstrap.urls import running_urls

    urls = running_urls(args.home)
    lines = [f"{name:<12} {url}" for name, url in urls.items()]
    emit(args, urls, "\n".join(lines) or f"Nothing is served on {args.home}: `sceau serve --home {args.home}` starts it.")
    return 0
