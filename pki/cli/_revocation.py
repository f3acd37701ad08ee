"""The verbs that end, suspend and release certificates: the same under `sceau ra` and under `sceau cert`."""

from __future__ import annotations

from pathlib import Path

from pki.cli import _officer
from pki.cli._frame import Parser, Subparsers, command
from pki.cli._text import paragraph

REASONS = ("unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn")
"""The names of RFC 5280 §5.3.1 that somebody may give; the profile says which of them (CP 4.9.1)."""


def declare_revoke(verbs: Subparsers, prog: str) -> None:
    """Declare ``revoke``, as an officer."""
    parser = command(
        verbs,
        "revoke",
        "revoke a certificate, as an officer of its board",
        examples=[f"{prog} 5d0c…31 --reason superseded {_officer.EXAMPLE}"],
        description=paragraph(
            "Revoke a certificate for ever. OCSP says so within seconds, the lists a little later. With the reason keyCompromise "
            "the key is blocked too: it is never certified again."
        ),
    )
    add_serial(parser)
    _add_reason(parser)
    _officer.add_options(parser, role="revokes")


def declare_hold(verbs: Subparsers, hold: str, release: str) -> None:
    """Declare ``hold`` and ``release``, as an officer."""
    held = command(
        verbs,
        "hold",
        "put a certificate on hold",
        examples=[f"{hold} 5d0c…31 {_officer.EXAMPLE}"],
        description="Suspend a certificate (certificateHold): it is not trusted until it is released. For practitioners only.",
    )
    add_serial(held)
    _officer.add_options(held, role="holds")
    released = command(
        verbs,
        "release",
        "take a certificate off hold",
        examples=[f"{release} 5d0c…31 {_officer.EXAMPLE}"],
        description="Release a certificate that an officer held. What the register or a decision held, only their end releases.",
    )
    add_serial(released)
    _officer.add_options(released, role="releases")


def declare_with_key(verbs: Subparsers, prog: str) -> None:
    """Declare ``revoke-with-key``, as the holder."""
    parser = command(
        verbs,
        "revoke-with-key",
        "revoke a certificate with its own private key",
        examples=[f"{prog} 5d0c…31 --key anne.key --reason keyCompromise"],
        description=paragraph(
            "Revoke a certificate by a proof made with its private key: nobody has to approve. With the reason keyCompromise the "
            "compromise is proven: every certificate of that key is revoked, and the key is never certified again."
        ),
    )
    add_serial(parser)
    parser.add_argument("--key", metavar="FILE", type=Path, required=True, help="the private key of the certificate (PEM)")
    parser.add_argument("--passphrase-file", metavar="FILE", type=Path, help="its passphrase, if it has one (mode 0600)")
    _add_reason(parser)


def add_serial(parser: Parser) -> None:
    """Declare the serial number."""
    parser.add_argument("serial", metavar="SERIAL", help="serial number, hexadecimal (`sceau cert list`)")


def _add_reason(parser: Parser) -> None:
    parser.add_argument("--reason", choices=REASONS, required=True, help="why: among those that the profile allows")
