"""`sceau check`: say whether a certificate can be relied on, and why

For a relying party: path, status of each certificate, purpose and policy, then a verdict with its reasons. Trust begins at the
certificates given with ``--anchor``, else at the roots of the home. The work is done by `trust.validation`.
"""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pki.cli._frame import Subparsers, command
from pki.cli._output import emit, one_line
from trust import clock
from trust.errors import Malformed, Missing
from trust.validation.purpose import PURPOSES, Wanted

if TYPE_CHECKING:
    from trust.validation.certificate import Certificate
    from trust.validation.crl_client import Fetch
    from trust.validation.status import StatusSource
    from trust.validation.verdict import Verdict

_LARGEST_FILE = 1024 * 1024


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "check",
        "say whether a certificate can be relied on, and why",
        examples=[
            "sceau check leaf.pem --home var/demo",
            "sceau check leaf.pem --anchor racine.cer --chain personnes.cer --purpose tls-client",
            "sceau check leaf.pem --anchor racine.cer --offline personnes.crl --offline racine.crl",
        ],
        description="Check path, status, purpose and policy of a certificate. Exit code 0 when it is valid, 1 when it is not.",
    )
    parser.add_argument(
        "certificate", metavar="CERT", help="the certificate, PEM or DER, with its chain if it has one; - reads it"
    )
    parser.add_argument("--anchor", metavar="FILE", type=Path, action="append", default=[], help="trust anchor (repeat)")
    parser.add_argument(
        "--chain", metavar="FILE", type=Path, action="append", default=[], help="intermediate certificates (repeat)"
    )
    parser.add_argument(
        "--offline", metavar="CRL", type=Path, action="append", default=[], help="use this list, and no network (repeat)"
    )
    parser.add_argument("--purpose", choices=PURPOSES, help="what the certificate is wanted for")
    parser.add_argument("--policy", metavar="OID", action="append", default=[], help="a policy that it may assert (repeat)")
    parser.add_argument("--at", metavar="MOMENT", help="judge at another moment, ISO 8601 with offset")


def run(args: argparse.Namespace) -> int:
    """Check and report."""
    from trust.validation.certificate import read_all
    from trust.validation.chain import Validator
    from trust.validation.check import Checker
    from trust.validation.findings import Outcome

    leaf, *rest = read_all(_read(Path(args.certificate)))
    anchors, known = _trusted(args)
    given = [one for path in args.chain for one in read_all(_read(path))]
    checker = Checker(Validator(anchors, [*rest, *given, *known]), _source(args))
    verdict = checker.check(leaf, _moment(args.at), Wanted.of(args.purpose, *args.policy))
    emit(args, verdict.to_record(), "\n".join(_lines(verdict, args)))
    return 0 if verdict.outcome is Outcome.VALID else 1


def _trusted(args: argparse.Namespace) -> tuple[list[Certificate], list[Certificate]]:
    """Return the trust anchors, and the other certificates that may help."""
    from trust.validation.certificate import read_all

    if args.anchor:
        return [one for path in args.anchor for one in read_all(_read(path))], []
    published = sorted((args.home / "publication" / "www" / "aia").glob("*.cer"))
    if not published:
        raise Missing(f"no trust anchor: give --anchor FILE, or the --home of an authority ({args.home} has none)")
    found = [one for path in published for one in read_all(_read(path))]
    return [one for one in found if one.is_self_issued], [one for one in found if not one.is_self_issued]


def _source(args: argparse.Namespace) -> StatusSource:
    """Return who is asked for status: the lists given, else the responders and lists that the certificates name."""
    from trust.validation.check import FirstKnown
    from trust.validation.crl import LARGEST_CRL, RevocationList
    from trust.validation.crl_client import CrlClient, OfflineLists
    from trust.validation.ocsp_client import OcspClient

    if args.offline:
        return OfflineLists(RevocationList(_read(path, LARGEST_CRL)) for path in args.offline)
    return FirstKnown(OcspClient(), CrlClient(None if args.anchor else _fetch_here_first(args.home)))


def _fetch_here_first(home: Path) -> Fetch:
    """Read what this home publishes from its files, so that it can be checked while nothing is served; fetch the rest."""
    from pki import settings
    from trust.validation.crl import LARGEST_CRL
    from trust.validation.crl_client import http_fetch
    from trust.validation.http_client import HttpClient

    base, folder = settings.load(home).base_url + "/", (home / "publication" / "www").resolve()
    elsewhere = http_fetch(HttpClient(timeout=20.0))

    def fetch(url: str) -> bytes:
        path = (folder / url.removeprefix(base)).resolve()
        if url.startswith(base) and path.is_relative_to(folder) and path.is_file():
            return _read(path, LARGEST_CRL)
        return elsewhere(url)

    return fetch


def _lines(verdict: Verdict, args: argparse.Namespace) -> list[str]:
    """Say it in plain words. What comes from certificates passes by `one_line`: it was written by strangers."""
    leaf, wanted = verdict.path[0], f" for {args.purpose}" if args.purpose else ""
    lines = [
        one_line(leaf.name),
        f"serial {leaf.serial:x}, from {clock.text(leaf.not_before)} to {clock.text(leaf.not_after)}",
        "",
        f"{verdict.outcome.upper()}{wanted} on {clock.text(verdict.at)}",
        *(f"- {one_line(str(reason))}" for reason in verdict.reasons),
    ]
    if len(verdict.path) == 1:
        return lines
    if args.policy and all(reason.finding.name != "WRONG_POLICY" for reason in verdict.reasons):
        lines.append(f"Policy: asserts one of {', '.join(args.policy)}")
    lines += ["", "Path:"]
    for place, certificate in enumerate(verdict.path):
        lines.append(f"{place + 1}. {one_line(certificate.name)}")
        lines.append(f"   until {clock.text(certificate.not_after)}; {one_line(_status(verdict, place))}")
    return lines


def _status(verdict: Verdict, place: int) -> str:
    """Say what is known of the status of one certificate of the path, from whom, and how fresh it is."""
    if place == len(verdict.path) - 1:
        return "trust anchor"
    if place >= len(verdict.statuses):
        return "status not asked"
    answer = verdict.statuses[place]
    if answer.this_update is None or answer.next_update is None:
        return f"{answer.status} according to {answer.source}"
    return f"{answer.status} according to {answer.source}, {clock.text(answer.this_update)} to {clock.text(answer.next_update)}"


def _moment(text: str | None) -> datetime:
    if text is None:
        return clock.SystemClock().now()
    try:
        return clock.parse(text)
    except ValueError as error:
        raise Malformed(f"--at: {error}") from None


def _read(path: Path, limit: int = _LARGEST_FILE) -> bytes:
    """Read a file that is no larger than what it should hold."""
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            octets = file.read(limit + 1)
    except OSError as error:
        raise Missing(f"{path} cannot be read: {error.strerror}") from None
    if len(octets) > limit:
        raise Malformed(f"{path} is larger than {limit} octets")
    return octets
