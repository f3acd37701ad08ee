"""Two homes for ceremonies: one with an offline root, one with the authorities under it, and files carried between them."""

from __future__ import annotations

import hashlib
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from hsm.api import Custodian
from pki.bootstrap.ceremony.play import Played, play
from pki.bootstrap.ceremony.script import read
from pki.bootstrap.create import create
from pki.bootstrap.custody import open_custodian
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.imports import Imported, import_certificates, import_list
from tests.builders.keystore import make_keystore
from trust.testing import FixedClock

EXAMPLE = Path(__file__).resolve().parents[2] / "ca_config" / "example"
SCRIPTS = sorted(path.name for path in (EXAMPLE / "ceremonies").glob("*.toml"))
BASE_URL = "http://pki.sceau.example.com"
MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""The day of the example scripts."""


class Place:
    """One home, with its custodian."""

    def __init__(self, path: Path, template: str, clock: FixedClock, *, ceremony: bool) -> None:
        """Create a home from an example."""
        make_keystore(path)
        self.path, self.clock = path, clock
        self.home: Home = create(path, template, BASE_URL, ceremony=ceremony, clock=clock)
        self.custodian: Custodian = open_custodian(self.home)

    def play(self, script: str | bytes, folder: Path) -> Played:
        """Play an example script by its name, or a script of one's own."""
        octets = (EXAMPLE / "ceremonies" / script).read_bytes() if isinstance(script, str) else script
        return play(read(octets), self.home, self.custodian, folder)

    def configure(self, add: str, *changes: tuple[str, str]) -> None:
        """Change the configuration, and open the home again."""
        file = self.path / "config" / "authority.toml"
        text = file.read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text
            text = text.replace(before, after, 1)
        file.write_text(text + add, encoding="utf-8")
        self.home.store.engine.dispose()
        self.home = open_home(self.path, clock=self.clock)

    def bring(self, *files: Path, pinned: bool = False) -> list[Imported]:
        """Take in files, in their order."""
        found: list[Imported] = []
        for file in files:
            octets = file.read_bytes()
            if file.suffix == ".crl":
                found.append(import_list(self.home, octets, most_hours=1080))
            else:
                digest = hashlib.sha256(octets).hexdigest() if pinned else None
                found += import_certificates(self.home, octets, lambda: self.custodian, sha256=digest)
        return found


class TwoHomes:
    """A root on one machine, its authorities on another."""

    def __init__(self, directory: Path) -> None:
        """Create both: the authorities wait for the root."""
        self.clock = FixedClock(MORNING)
        self.directory = directory
        self.root = Place(directory / "root", "example/racine", self.clock, ceremony=True)
        self.online = Place(directory / "online", "example/emettrices", self.clock, ceremony=False)
        self.birth, self.issue = directory / "naissance", directory / "emission"

    def born(self) -> TwoHomes:
        """Hold the first two ceremonies, and bring home what they made."""
        self.root.play("racine.toml", self.birth)
        self.issue.mkdir()
        for name in ("personnes", "organisations"):
            shutil.copy(self.online.path / "requests" / f"{name}.csr", self.issue)
        self.clock.advance(minutes=20)
        self.root.play("emettrices.toml", self.issue)
        self.online.bring(self.birth / "racine.cer", pinned=True)
        self.online.bring(*(self.issue / name for name in ("personnes.cer", "organisations.cer", "racine-2.crl")))
        return self


def intruder(directory: Path, clock: FixedClock) -> TwoHomes:
    """Make two other homes of the very same names, whose root has another key."""
    found = TwoHomes.__new__(TwoHomes)
    found.clock, found.directory = clock, directory
    found.root = Place(directory / "root", "example/racine", clock, ceremony=True)
    found.birth, found.issue = directory / "naissance", directory / "emission"
    return found


def masked(text: str) -> str:
    """Return a transcript without what differs from one run to the next: hashes, serials, times."""
    without_hashes = re.sub(r"\b[0-9a-f]{8,64}(?: [0-9a-f]{8})*\b", "…", text)
    return re.sub(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}", "…", without_hashes)
