"""The pages that publication makes itself, out of what the issuer published about itself.

The issuer writes facts (``authority.json``, the policies, the journal's checkpoint); this looks at them as often as at any
published file and has `index` write the pages anew when one changed. A file of the same name in the folder goes before a page
made here.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from trust.errors import Malformed, Missing
from web.publication.index import pages, read_description
from web.publication.opening import Signature, read_below, signature_of

_MADE = frozenset(("index.html", "index.en.html", "style.css", "policies/index.html", "policies/index.en.html"))
_DESCRIPTION, _CHECKPOINT, _POLICIES = "authority.json", "journal/checkpoint", "policies"
_MOST = 262_144


class Pages:
    """The pages about one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._signature: Signature | None = None
        self._pages: dict[str, bytes] = {}

    def signature(self, name: str) -> Signature | None:
        """Return something that changes when the page would; None for a page that cannot be made."""
        if name not in _MADE:
            return None
        found = [signature_of(self._root / each) for each in (_DESCRIPTION, _CHECKPOINT, _POLICIES)]
        if found[0] is None:
            return None
        known = [each for each in found if each is not None]
        return hash(tuple(known)), max(each[1] for each in known), 0

    def make(self, name: str) -> tuple[bytes, Signature]:
        """Return a page, and what `signature` says of it.

        Raises:
            Missing: it is no page of ours, or the issuer has not published what it is made of.
        """
        signature = self.signature(name)
        if signature is None:
            raise Missing(name)
        if signature != self._signature:
            self._pages = self._write(datetime.fromtimestamp(signature[1] // 10**9, UTC))
            self._signature = signature
        return self._pages[name], signature

    def _write(self, written: datetime) -> dict[str, bytes]:
        description = read_below(self._root, _DESCRIPTION, _MOST)
        try:
            checkpoint = read_below(self._root, _CHECKPOINT, _MOST).decode("utf-8", "replace")
        except Missing:
            checkpoint = ""
        try:
            return pages(read_description(description, self._documents(), checkpoint, written))
        except Malformed as error:
            raise Missing(str(error)) from error

    def _documents(self) -> list[str]:
        try:
            names = os.listdir(self._root / _POLICIES)
        except OSError:
            return []
        return [name for name in names if not name.startswith(".") and (self._root / _POLICIES / name).is_file()]
