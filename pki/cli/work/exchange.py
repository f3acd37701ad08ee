"""What `sceau ca request`, `sign-csr` and `import` do: files between an offline root and its authorities (CP 6.1.1)."""

from __future__ import annotations

import argparse
import hashlib
import re
from datetime import timedelta
from functools import cache, partial

from pki.bootstrap import certification
from pki.bootstrap.ceremony.play import ceilings
from pki.bootstrap.custody import open_custodian
from pki.bootstrap.hierarchy import make_request, waiting
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.imports import Imported, import_certificates, import_list
from pki.bootstrap.keywatch import counting
from pki.cli import _files
from pki.cli._output import emit
from pki.cli._text import at, day
from pki.settings import CaSettings
from trust.errors import Malformed, Missing, Refused
from trust.validation.crl import RevocationList

BY = "operator"
LARGEST = 1 << 20
"""Octets of a file that is carried from another home."""


def request(args: argparse.Namespace) -> int:
    """Write the request of an authority."""
    home = open_home(args.home)
    ca = home.settings.ca(args.ca)
    with counting(home, open_custodian(home), BY) as custodian:
        made = make_request(home, custodian, ca, by=BY)
    _files.write(args.output, made)
    digest = hashlib.sha256(made).hexdigest()
    data = {"ca": ca.id, "common_name": ca.common_name, "file": str(args.output), "sha256": digest}
    emit(args, data, f"Request of {ca.id} ({ca.common_name}) written to {args.output}\nSHA-256 {digest}")
    return 0


def sign(args: argparse.Namespace) -> int:
    """Certify a request."""
    home = open_home(args.home)
    issuer = _issuer(home, args.issuer)
    profile = home.profiles.get(args.profile)
    if profile is None or profile.subject != "authority" or profile.self_signed:
        raise Refused(f"{args.profile} is not a profile by which an authority is certified", citation="CP 1.4.1")
    subject = certification.subject_of(home, args.common_name)
    proven = certification.requested(_files.read(args.request, LARGEST), subject, home)
    holder = certification.holder_of(home, issuer.id, args.ca)
    days = args.days or _longest(home, issuer, profile.validity_days)
    wanted = certification.Wanted(profile.id, subject, holder, proven.spki, days)
    with counting(home, open_custodian(home), BY) as custodian:
        issued = certification.certify(home, custodian, issuer, wanted, by=BY)
    _files.write(args.output, issued.der)
    digest = certification.fingerprint(issued)
    data = {
        "ca": args.ca,
        "issuer": issuer.id,
        "serial": issued.serial.hex(),
        "not_after": at(issued.not_after),
        "file": str(args.output),
        "sha256": digest,
    }
    emit(
        args, data, f"{args.common_name}, certified by {issuer.id} until {day(issued.not_after)}: {args.output}\nSHA-256 {digest}"
    )
    return 0


def take_in(args: argparse.Namespace) -> int:
    """Take in certificates, or a list."""
    home, octets = open_home(args.home), _files.read(args.file, LARGEST)
    custodian = cache(partial(open_custodian, home))
    if _is_list(octets):
        found = [import_list(home, octets, most_hours=ceilings().root_list_hours, by=BY)]
    else:
        found = import_certificates(home, octets, custodian, sha256=_digest(args.sha256), by=BY)
    data = [
        {
            "kind": each.kind,
            "ca": each.ca,
            "sha256": each.sha256,
            "number": each.number,
            "until": at(each.until),
            "already": each.already,
        }
        for each in found
    ]
    emit(args, data, "\n".join([*map(_said, found), _next(home)]))
    return 0


def _issuer(home: Home, name: str | None) -> CaSettings:
    if name is not None:
        issuer = home.settings.ca(name)
    else:
        roots = [ca for ca in home.settings.cas if ca.issuer is None and not ca.offline]
        if len(roots) != 1:
            raise Malformed("--issuer says which authority signs: this home has not one root")
        issuer = roots[0]
    if issuer.offline:
        raise Refused(f"{issuer.id} is offline: its key is not here", citation="CP 6.1.1")
    return issuer


def _longest(home: Home, issuer: CaSettings, days: int) -> int:
    """Return the validity of a profile, or what is left of the issuer's."""
    certificate = home.ca_certificates().get(issuer.id)
    if certificate is None:
        raise Missing(f"{issuer.id} has no certificate yet: it signs nothing")
    left = (certificate.not_after - home.clock.now()) // timedelta(days=1)
    return max(1, min(days, left))


def _is_list(octets: bytes) -> bool:
    if octets.lstrip().startswith(b"-----BEGIN"):
        return False
    try:
        RevocationList(octets)
    except Malformed:
        return False
    return True


def _digest(given: str | None) -> str | None:
    if given is None:
        return None
    digits = re.sub(r"[\s:]", "", given).lower()
    if re.fullmatch(r"[0-9a-f]{64}", digits) is None:
        raise Malformed("--sha256 is 64 hexadecimal digits")
    return digits


def _said(found: Imported) -> str:
    was = " was here already" if found.already else " taken in"
    if found.kind == "list":
        return f"list of {found.ca}, number {found.number}, until {day(found.until)}:{was}, and published as it is"
    kinds = {"root": "root", "authority": "authority", "cross": "cross-certificate of"}
    return f"{kinds[found.kind]} {found.ca}, until {day(found.until)}:{was}"


def _next(home: Home) -> str:
    if names := ", ".join(ca.id for ca in waiting(home)):
        return f"Still to come by file: {names}"
    with home.store.read() as tx:
        listed = {record.ca for record in tx.crls.all()}
    if names := ", ".join(ca.id for ca in home.settings.cas if ca.offline and ca.id not in listed):
        return f"Still to come by file: the list of {names}"
    return f"Nothing more is to come. An issuer learns of new authorities when it starts: sceau serve --home {home.settings.home}"
