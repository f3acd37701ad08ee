"""`sceau ca`: list and show the certification authorities, exchange files with an offline root

The root and the issuing authorities of this home, with the hashes by which relying parties recognise them; and, where the root
is offline, what travels by file: requests to it, certificates and its list from it (CP 6.1.1).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pki.cli._frame import Parser, Subparsers, command, verbs_of
from pki.cli._options import whole
from pki.cli._text import paragraph


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "ca",
        "list and show the certification authorities, exchange files with an offline root",
        examples=[],
        description="The certification authorities of this home (CP 1.3.1).",
    )
    verbs = verbs_of(parser)
    command(verbs, "list", "list the authorities", examples=["sceau ca list", "sceau ca list --json"])
    shown = command(
        verbs,
        "show",
        "show one authority",
        examples=[
            "sceau ca show racine",
            "sceau ca show racine --pem > racine.pem",
            "sceau ca show personnes --chain > chain.pem",
        ],
        description="Show an authority: its certificate, what it issues, where its status is published.",
    )
    shown.add_argument("ca", metavar="ID", help="the authority (`sceau ca list`)")
    form = shown.add_mutually_exclusive_group()
    form.add_argument("--pem", action="store_true", help="print its certificate, and nothing else")
    form.add_argument("--chain", action="store_true", help="print its certificate and those above it, and nothing else")
    form.add_argument("--text", action="store_true", help="decode its certificate")
    _declare_request(verbs)
    _declare_sign(verbs)
    _declare_import(verbs)


def _declare_request(verbs: Subparsers) -> None:
    parser = command(
        verbs,
        "request",
        "write the request of an authority whose issuer is offline",
        examples=["sceau ca request personnes -o personnes.csr"],
        description=paragraph(
            "Write a certification request (PKCS#10, PEM) for an authority of this home, made with its key; the key is made "
            "first when there is none. It is carried to the home of the root, which certifies it in a ceremony or by "
            "`sceau ca sign-csr`."
        ),
    )
    parser.add_argument("ca", metavar="ID", help="the authority (`[[ca]]` of authority.toml)")
    _add_output(parser)


def _declare_sign(verbs: Subparsers) -> None:
    parser = command(
        verbs,
        "sign-csr",
        "certify the request of an issuing authority, at the home of the root",
        examples=[
            "sceau ca sign-csr personnes.csr --ca personnes --common-name 'SCEAU PERSONNES' -o personnes.cer",
            "sceau ca sign-csr r2.csr --ca racine-2 --common-name 'RACINE 2' --profile ca-croisee --days 1825 -o r2.cer",
        ],
        description=paragraph(
            "Certify a request that came by file, by an authority whose key is here. Possession of the key is verified, the name "
            "is the one given here, and what the certificate says is its profile's. A ceremony does the same before witnesses."
        ),
    )
    parser.add_argument("request", metavar="FILE", type=Path, help="the request (PKCS#10, PEM or DER)")
    parser.add_argument("--ca", metavar="ID", required=True, help="identifier of the authority, as its own home has it")
    parser.add_argument("--common-name", metavar="NAME", required=True, help="its name; the request must be in it")
    parser.add_argument("--profile", metavar="NAME", default="ca-emettrice", help="profile of the certificate (ca-emettrice)")
    parser.add_argument("--issuer", metavar="ID", help="the authority that signs (the only root of this home)")
    parser.add_argument("--days", metavar="N", type=whole(1), help="validity (what the profile allows)")
    _add_output(parser)


def _declare_import(verbs: Subparsers) -> None:
    parser = command(
        verbs,
        "import",
        "take in certificates or the list of an offline authority",
        examples=[
            "sceau ca import racine.cer --sha256 9f2c…e1",
            "sceau ca import personnes.cer",
            "sceau ca import racine.crl",
        ],
        description=paragraph(
            "Take in what an offline authority signed: its own certificate, those of authorities of this home, its list. Each is "
            "verified against its issuer, its profile, the configuration and the keys in custody, and linted; a list only goes "
            "forward. A root is taken by the SHA-256 of its certificate, as the transcript of its ceremony has it."
        ),
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="certificate (PEM or DER) or list (DER)")
    parser.add_argument("--sha256", metavar="HEX", help="of a root's certificate; spaces and colons do not matter")


def _add_output(parser: Parser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="where to write it")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    from pki.cli.work import ca

    return ca.VERBS[args.verb](args)
