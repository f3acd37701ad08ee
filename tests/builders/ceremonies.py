"""Two homes for ceremonies: one with an offline root, one with the authorities under it, and files carried between them."""

from __future__ import annotations

import hashlib
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

from hsm.api import Custodian, KeyUse
from pki.bootstrap import certification
from pki.bootstrap.ceremony.play import Played, play
from pki.bootstrap.ceremony.script import read
from pki.bootstrap.create import create
from pki.bootstrap.custody import open_custodian
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.imports import Imported, import_certificates, import_list
from pki.bootstrap.keys import make_key
from tests.builders.keystore import make_keystore
from trust.testing import FixedClock

EXAMPLE = Path(__file__).resolve().parents[2] / "ca_config" / "example"
SCRIPTS = sorted(path.name for path in (EXAMPLE / "ceremonies").glob("*.toml"))
BASE_URL = "http://pki.sceau.example.com"
DAY = b"2026-11-23"
"""The day for which the example scripts are written."""
MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""The day on which the tests play them: over by the clock of the commands that look at what was made."""


class Place:
    """One home, with its custodian."""

    def __init__(self, path: Path, template: str, clock: FixedClock, *, ceremony: bool) -> None:
        """Create a home from an example, or open it if it is there."""
        self.path, self.clock = path, clock
        if path.exists():
            self.home: Home = open_home(path, clock=clock)
        else:
            make_keystore(path)
            self.home = create(path, template, BASE_URL, ceremony=ceremony, clock=clock)
        self.custodian: Custodian = open_custodian(self.home)

    def play(self, script: str | bytes, folder: Path) -> Played:
        """Play an example script by its name, or a script of one's own, on this day instead of the day it is for."""
        return play(read(self.today(script)), self.home, self.custodian, folder)

    def today(self, script: str | bytes) -> bytes:
        """Return an example script by its name, or a script of one's own, for this day."""
        octets = (EXAMPLE / "ceremonies" / script).read_bytes() if isinstance(script, str) else script
        return octets.replace(DAY, self.clock.now().date().isoformat().encode())

    def request(self, ca_id: str, file: Path) -> None:
        """Write the request of an authority of this home; its key is made first when there is none."""
        ca = self.home.settings.ca(ca_id)
        make_key(self.home, self.custodian, ca.key, ca.algorithm, KeyUse.CERTIFICATE, KeyUse.CRL, by="test")
        subject = certification.subject_of(self.home, ca.common_name)
        file.write_bytes(certification.pem(certification.request(self.custodian, ca.key, subject)))

    def certify(self, request: Path, ca_id: str, issuer: str) -> bytes:
        """Certify the request of an authority of the examples, outside a ceremony."""
        subject = certification.subject_of(self.home, f"SCEAU EXEMPLE {ca_id.upper()}")
        proven = certification.requested(request.read_bytes(), subject, self.home)
        wanted = certification.Wanted("ca-emettrice", subject, f"ca:{ca_id}", proven.spki, 3650)
        return certification.certify(self.home, self.custodian, self.home.settings.ca(issuer), wanted, by="test").der

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

    def __init__(self, directory: Path, clock: FixedClock | None = None) -> None:
        """Create both, or open them if they are there: the authorities wait for the root."""
        self.clock = clock or FixedClock(MORNING)
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


def masked(text: str) -> str:
    """Return a transcript without what differs from one run to the next: hashes, serials, times."""
    without_hashes = re.sub(r"\b[0-9a-f]{8,64}(?: [0-9a-f]{8})*\b", "…", text)
    return re.sub(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}", "…", without_hashes)
