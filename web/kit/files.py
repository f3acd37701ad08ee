"""Certificates as files that a browser saves."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from textwrap import wrap

from werkzeug.wrappers import Response


def pem(chain: Sequence[bytes]) -> bytes:
    """Write certificates in PEM, one after the other (RFC 7468)."""
    return "".join(map(_block, chain)).encode()


def attached(content: bytes, kind: str, name: str) -> Response:
    """Return a file for the browser to save under a name of ours."""
    return Response(content, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _block(der: bytes) -> str:
    return "\n".join(("-----BEGIN CERTIFICATE-----", *wrap(b64encode(der).decode(), 64), "-----END CERTIFICATE-----", ""))
