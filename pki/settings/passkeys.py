"""Reading which models of authenticators are accepted, and the roots of their makers (CP 6.2.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates

from pki.settings.model import PasskeySettings
from pki.settings.toml import items
from trust.errors import Malformed, Missing, shown

MAKERS = "attestation"
"""Folder of the configuration: for each model of authenticator, a file of its name with the roots of its maker (PEM)."""


def passkeys_of(folder: Path, table: Any) -> PasskeySettings:
    """Read ``[passkeys]``, and in `folder` the roots of the makers that it needs.

    Raises:
        Missing: a model is listed for which nobody vouches.
        Malformed: the table, or a file, is not one.
    """
    if not isinstance(table, dict) or set(table) - {"attestation", "aaguids"}:
        raise Malformed(f"authority.toml: [passkeys] is a table of attestation and aaguids, not {shown(table)}")
    aaguids = frozenset(_model(each) for each in items(table.get("aaguids", []), "authority.toml: [passkeys] aaguids"))
    attestation = table.get("attestation", "direct" if aaguids else "none")
    if attestation not in ("none", "direct"):
        raise Malformed(f"authority.toml: [passkeys] attestation is 'none' or 'direct', not {shown(attestation)}")
    if aaguids and attestation == "none":
        raise Malformed("authority.toml: [passkeys] models are told apart by their attestation only: attestation is 'direct'")
    makers = {_model(path.stem): _roots(path) for path in sorted(folder.glob("*.pem"))} if attestation == "direct" else {}
    if alone := sorted(aaguids - set(makers)):
        raise Missing(f"nobody vouches for the model {alone[0]}: its maker's root certificates go into {folder / alone[0]}.pem")
    return PasskeySettings(attestation, aaguids, makers)


def _model(text: Any) -> str:
    try:
        found = UUID(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    if found is None or not found.int or str(found) != text:
        # Zeros are what an authenticator gives that does not say its model.
        raise Malformed(f"authority.toml: [passkeys] a model is an AAGUID in small letters, not {shown(text)}")
    return str(found)


def _roots(path: Path) -> tuple[bytes, ...]:
    try:
        return tuple(each.public_bytes(Encoding.DER) for each in load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise Malformed(f"{path}: not certificates in PEM: {error}") from None
