"""What `sceau ra prove` does: evidence of an issuance, shown and checked (CP 4.2.2)."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki.bootstrap.home import open_home
from pki.bootstrap.proof import evidence_of
from pki.cli._files import read
from pki.cli._output import emit
from pki.inventory import serials
from pki.registration.evidence import check
from trust.errors import Malformed

LARGEST = 4 * 1024 * 1024


def run(args: argparse.Namespace) -> int:
    """Show the evidence of a certificate, or check the evidence in a file."""
    if (args.serial is None) == (args.check is None):
        raise Malformed("either the serial number of a certificate, or --check and a file of evidence")
    root = None if args.root is None else _certificate(args.root)
    if args.check is not None:
        checked = check(_evidence(args.check), root)
        lines = [f"The evidence of certificate {checked.serial} holds:", *(f"  {step}" for step in checked.steps)]
        emit(args, {"serial": checked.serial, "holds": True, "steps": list(checked.steps)}, "\n".join(lines))
        return 0
    evidence = evidence_of(open_home(args.home), serials.parse(args.serial))
    steps = check(evidence, root).steps
    lines = [f"How certificate {args.serial} came to be:", *(f"  {step}" for step in steps)]
    emit(
        args, evidence, "\n".join([*lines, "The evidence itself: --json; anybody checks it with `sceau ra prove --check FILE`."])
    )
    return 0


def _evidence(path: Path) -> Any:
    try:
        return json.loads(read(path, LARGEST))
    except (ValueError, RecursionError):
        raise Malformed(f"{path} is not JSON") from None


def _certificate(path: Path) -> bytes:
    content = read(path, LARGEST)
    try:
        parsed = x509.load_der_x509_certificate(content) if content[:1] == b"\x30" else x509.load_pem_x509_certificate(content)
    except ValueError:
        raise Malformed(f"{path} is not a certificate") from None
    return parsed.public_bytes(Encoding.DER)
