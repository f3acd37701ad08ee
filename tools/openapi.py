"""Writes docs/openapi.json: the description of the API, made from the table that serves it (`make docs`)."""

from __future__ import annotations

import json
from pathlib import Path

from web.api.openapi import document
from web.api.table import ROUTES

FILE = Path(__file__).parents[1] / "docs" / "openapi.json"


def text() -> str:
    """Return the whole file."""
    return json.dumps(document(ROUTES), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    print(f"wrote {FILE.name}")
