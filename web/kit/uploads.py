"""Files that somebody sends whole, as the body of a request: written a block at a time, under a name that no path can abuse."""

from __future__ import annotations

import re
from pathlib import Path

from flask import current_app, request
from werkzeug.exceptions import RequestEntityTooLarge

from trust.errors import Malformed

LARGEST = 2 << 30
"""Octets of an extraction that is sent: the national one has 1.1 GB, and 0.2 zipped."""
EXTRACTION = "extraction-"
"""How the folders begin in which extractions are received."""
_BLOCK = 1 << 20


def stored(path: Path) -> Path:
    """Write what is being sent to a file.

    Raises:
        Malformed: it is empty.
        RequestEntityTooLarge: it is longer than any extraction.
    """
    request.max_content_length = LARGEST
    with path.open("wb") as file:
        size = 0
        while block := request.stream.read(_BLOCK):
            size += len(block)
            if size > LARGEST:
                raise RequestEntityTooLarge
            file.write(block)
    if not size:
        raise Malformed("the file is empty")
    current_app.logger.info("an extraction of %d octets was received", size)
    return path


def safe_name(name: str) -> str:
    """Return a name for the file: its own, for it says the date of the register, without what a path could make of it."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[-150:].lstrip(".") or "extraction.txt"
