"""What `sceau init` does: an authority, and what a demonstration shows (RFC 3647 §4.3, §6.1.1)."""

from __future__ import annotations

import argparse
from urllib.parse import parse_qs, urlsplit

from pki.bootstrap import demo
from pki.bootstrap.create import create
from pki.bootstrap.hierarchy import REQUESTS, waiting
from pki.bootstrap.home import Home
from pki.bootstrap.lock import HomeLock
from pki.bootstrap.services import base_port, named
from pki.cli._output import emit
from pki.settings import CaSettings, CustodySettings, load
from trust.errors import Malformed

SCHEMES = ("sqlite", "postgresql")


def run(args: argparse.Namespace) -> int:
    """Create, and furnish a demonstration."""
    if args.database is not None:
        _refuse_database(args.database)
    port = named("publication").port(base_port())
    existed = (args.home / "config").is_dir()
    url = args.base_url or (load(args.home).base_url if existed else f"http://127.0.0.1:{port}")
    _refuse_address(url)

    def tell(line: str) -> None:
        if not args.json:
            print(line, flush=True)

    args.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with HomeLock(args.home, "init", base_port()):
        home = create(
            args.home,
            args.template,
            url,
            algorithm=args.algorithm,
            database_url=args.database,
            custody=_custody(args),
            pin_file=args.pin_file,
            ceremony=args.ceremony,
            tell=tell,
        )
        expected = waiting(home)
        whole = not expected and not args.ceremony
        furnished = whole and home.settings.mode == "demo" and not args.bare and demo.furnish(home, tell)
    settings = home.settings
    data = {
        "home": str(settings.home),
        "name": settings.name,
        "mode": settings.mode,
        "base_url": settings.base_url,
        "cas": [ca.id for ca in settings.cas],
        "waiting": [ca.id for ca in expected],
        "demonstration": (settings.home / "demo" / "complete").exists(),
    }
    done = "is ready" if furnished or not existed else "was there already, and is complete"
    text = f"{settings.name} {done} in {settings.home}.\nNext: `sceau serve --home {settings.home}`"
    if data["demonstration"]:
        text += f"\nThe keys of its officers: {settings.home}/secrets/officers; of its people: {settings.home}/demo/keys"
    if not whole:
        text = f"{settings.name} is begun in {settings.home}.\n{_next(home, expected)}"
    emit(args, data, text)
    return 0


def _next(home: Home, expected: list[CaSettings]) -> str:
    """Say what is left to do where authorities are made in a ceremony, or certified elsewhere."""
    lines = []
    for ca in expected:
        if ca.offline:
            lines.append(f"  sceau ca import {ca.id}.cer --sha256 …   (as the transcript of its ceremony has it)")
        else:
            request = home.settings.home / REQUESTS / f"{ca.id}.csr"
            where = request if request.exists() else f"`sceau ca request {ca.id}`, or a ceremony"
            lines.append(f"  sceau ca import {ca.id}.cer   (carry its request to {ca.issuer}: {where})")
    lines += [f"  sceau ca import {ca.id}.crl" for ca in home.settings.cas if ca.offline]
    if not lines:
        return f"Next: `sceau ceremony run SCRIPT.toml --home {home.settings.home}`"
    return "\n".join(["Next, with the files that come back:", *lines, f"then: `sceau serve --home {home.settings.home}`"])


def _custody(args: argparse.Namespace) -> CustodySettings | None:
    if args.custody is not None:
        if args.pkcs11 is not None or args.pin_file is not None or args.module is not None:
            raise Malformed("a custody process has its own token: --custody goes without --pkcs11, --pin-file and --module")
        return CustodySettings(kind="process", socket=str(args.custody.absolute()))
    if args.pkcs11 is None:
        if args.pin_file is not None or args.module is not None:
            raise Malformed("--pin-file and --module go with --pkcs11")
        return None
    return CustodySettings(kind="pkcs11", token=args.pkcs11, module=args.module or "")


def _refuse_database(url: str) -> None:
    """Refuse an address that is none of ours, or that shows a password to every process of the machine."""
    try:
        parts = urlsplit(url)
        secret = parts.password is not None or "password" in parse_qs(parts.query)
    except ValueError:
        raise Malformed("--database is an address such as postgresql:///sceau") from None
    if secret:
        raise Malformed("a password does not stand on a command line: put it into ~/.pgpass or a service file of PostgreSQL")
    if parts.scheme.split("+")[0] not in SCHEMES or '"' in url or "\\" in url or not url.isprintable():
        raise Malformed("--database is an address such as postgresql:///sceau")


def _refuse_address(url: str) -> None:
    parts = urlsplit(url)
    if (
        parts.scheme != "http"
        or not parts.hostname
        or parts.query
        or parts.fragment
        or not url.isascii()
        or '"' in url
        or "\\" in url
    ):
        # Plain HTTP, as RFC 5280 §8 wants it: to check the certificate of an HTTPS server one would need its own status first.
        raise Malformed(f"the address of publication is http://HOST[:PORT], not {url!r}")
