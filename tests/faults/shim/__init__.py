"""A token in trouble: SoftHSM behind `shim.c`, which fails where it is told to and keeps a record of its own.

The record is the witness of these tests that is no code of the product's: what the module below really signed. The shim is
compiled once a process; where there is no compiler, tests that need it are skipped with the line that installs one, and fail
with it under ``CI=true``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.databases import swift_directory
from tests.tokens import SOFTHSM

INSTALL = "apt-get install -y gcc libc6-dev libp11-kit-dev"
HEADERS = Path("/usr/include/p11-kit-1")
SOURCE = Path(__file__).with_name("shim.c")
FLAGS = ("-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC")


@dataclass(frozen=True)
class Signed:
    """A signature that the real module made."""

    label: str
    mechanism: int
    octets: str
    """What was handed to it, in hexadecimal: of ECDSA, the digest."""


class Shim:
    """The module, what it is told, and what it wrote down."""

    def __init__(self) -> None:
        """Compile it."""
        if shutil.which("gcc") is None or not HEADERS.exists():
            reason = f"no compiler, or no headers of p11-kit; as root: {INSTALL}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        self._kept = TemporaryDirectory(prefix="sceau-shim-", dir=swift_directory())
        self.folder = Path(self._kept.name)
        self.module = self.folder / "shim.so"
        command = ["gcc", *FLAGS, "-I", str(HEADERS), "-o", str(self.module), str(SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True, capture_output=True)
        # A copy: p11-kit's proxy has the original open in this process, perhaps, and each initialises its own.
        shutil.copyfile(SOFTHSM, self.folder / "real.so")

    def does(self, *faults: str) -> None:
        """Have these faults happen from now on, and no other."""
        new = self.folder / "faults.new"
        new.write_text("".join(f"{fault}\n" for fault in faults))
        new.replace(self.folder / "faults")

    def works(self) -> None:
        """Lift every fault."""
        (self.folder / "faults").unlink(missing_ok=True)

    def forget(self) -> None:
        """Begin the record anew."""
        (self.folder / "record").unlink(missing_ok=True)

    def happened(self, what: str) -> int:
        """Count the lines of the record that begin with a word: ``login``, ``open``, ``sign``."""
        return sum(line.split()[0] == what for line in self._lines())

    def signed(self) -> list[Signed]:
        """Return what was really signed, in order."""
        found = (line.split() for line in self._lines() if line.startswith("sign "))
        return [Signed(label, int(mechanism, 16), octets) for _, label, mechanism, octets in found]

    def _lines(self) -> list[str]:
        path = self.folder / "record"
        return path.read_text().splitlines() if path.exists() else []
