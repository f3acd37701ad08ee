"""The files that publication serves (RFC 3647 §2.2): written whole, then renamed, so that nobody ever reads half of one.

What lies under ``publication/www`` may be lost: the issuer writes it again. It may not be rolled back, which is why a
CRL is only replaced by one of a greater number (`pki.status.publish`).
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


class PublicationFiles:
    """The directory that is served as it stands."""

    def __init__(self, root: Path) -> None:
        """Serve from `root`, made when it is missing."""
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, content: bytes) -> bool:
        """Put a file in place by one rename; return False when it already says the same."""
        path = self.root / name
        if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        return True

    def read(self, name: str) -> bytes | None:
        """Return what a file says, or None when there is none."""
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None

    def replace(self, name: str, content: bytes, still_last: Callable[[], bool]) -> bool:
        """Put a list in place if it is still the last of its sequence; return whether it was.

        Publishers take turns at one lock: one that was paused between signing and this line finds that it was overtaken.
        """
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return still_last() and (self.write(name, content) or True)

    def write_certificates(self, chains: dict[str, list[bytes]]) -> None:
        """Publish each CA's certificate (DER), and its chain (PEM: the CA first, its root last)."""
        for ca_id, chain in chains.items():
            self.write(f"aia/{ca_id}.cer", chain[0])
            self.write(f"chain/{ca_id}.pem", "".join(map(pem, chain)).encode())

    def write_policies(self, folder: Path) -> None:
        """Publish the policy documents as they are written."""
        for source in sorted(folder.glob("*.md")) + sorted(folder.glob("*.toml")):
            self.write(f"policies/{source.name}", source.read_bytes())

    def write_description(self, description: dict[str, Any]) -> None:
        """Publish what this authority is, for the index page and for programs."""
        self.write("authority.json", json.dumps(description, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n")

    def clear(self, name: str) -> None:
        """Withdraw a file or a folder."""
        path = self.root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def pem(certificate: bytes) -> str:
    """Write a certificate in PEM (RFC 7468)."""
    encoded = base64.b64encode(certificate).decode()
    lines = "\n".join(encoded[start : start + 64] for start in range(0, len(encoded), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate in the usual form: pairs of upper-case digits, colons between."""
    digits = hashlib.sha256(certificate).hexdigest().upper()
    return ":".join(digits[start : start + 2] for start in range(0, len(digits), 2))
