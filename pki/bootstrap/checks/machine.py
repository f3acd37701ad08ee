"""Checks of the machine: interpreter, libraries, packages, clock, disk."""

from __future__ import annotations

import ctypes
import shutil
import sys
from datetime import datetime
from pathlib import Path

from pki.bootstrap import packages
from pki.bootstrap.checks import Finding, bad, check, good, warning
from trust.clock import Clock, SystemClock

OLDEST_PYTHON = (3, 11)
LEAST_FREE, LITTLE_FREE = 200_000_000, 2_000_000_000
"""Octets: a million status answers take 200 MB, and a register extraction 620 MB to unpack."""
_TIME_ERROR = 5
"""What adjtimex(2) returns while nothing keeps the clock right."""


@check("Python")
def python(home: Path) -> Finding:
    """Is the interpreter recent enough?"""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < OLDEST_PYTHON:
        return bad(
            f"Python {found}: 3.11 is the oldest that Sceau runs on",
            "install a newer Python, remove .venv, and run `make run` again",
        )
    return good(f"Python {found}")


@check("OpenSSL")
def openssl(home: Path) -> Finding:
    """Is there an OpenSSL under `cryptography`, with the signatures that the configuration may ask for?"""
    from cryptography.hazmat.backends.openssl import backend

    text = backend.openssl_version_text()
    if not hasattr(backend, "mldsa_supported") or backend.mldsa_supported():
        return good(f"{text} (in the cryptography library)")
    return warning(
        f"{text} knows no ML-DSA", "nothing to do, unless a CA is configured with ML-DSA: then install cryptography's own wheel"
    )


@check("packages")
def ownership(home: Path) -> list[Finding]:
    """Are trust, hsm, pki, relying and web ours, and as they were installed?"""
    seen = packages.inspect()
    if seen.problems:
        fix = "install Sceau in a virtual environment of its own: python3 -m venv, then pip install the wheel"
        return [bad(problem, fix) for problem in seen.problems]
    how = f"{seen.compared} files have the hash they were installed with" if seen.compared else "a working tree"
    return [good(f"{', '.join(packages.PACKAGES)} from {seen.root}: {how}")]


@check("clock")
def clock(home: Path) -> Finding:
    """Is the clock kept right, and not behind what this home has already written?"""
    return judge_clock(SystemClock(), _newest_writing(home), synchronised=_kernel_says_synchronised())


def judge_clock(clock: Clock, newest: datetime | None, *, synchronised: bool | None) -> Finding:
    """Say what to think of a clock, knowing the newest file of the home and what the kernel says (None: it says nothing)."""
    now = clock.now()
    if newest is not None and newest > now:
        return bad(
            f"the clock says {now:%Y-%m-%d %H:%M:%S} UTC, but this home was written to at {newest:%Y-%m-%d %H:%M:%S}",
            "set the clock right before anything is signed: CRLs and journal entries never go back in time",
        )
    if synchronised is False:
        return warning(
            f"{now:%Y-%m-%d %H:%M:%S} UTC, and nothing keeps the clock right",
            "run a time service: apt-get install -y chrony (in a container: on its host)",
        )
    return good(f"{now:%Y-%m-%d %H:%M:%S} UTC" + (", kept by a time service" if synchronised else ""))


@check("disk")
def disk(home: Path) -> Finding | list[Finding]:
    """Is there room for what is to be recorded?"""
    if not home.is_dir():
        return []
    usage = shutil.disk_usage(home)
    return judge_disk(usage.free, usage.total, home)


def judge_disk(free: int, total: int, home: Path) -> Finding:
    """Say what to think of the free octets of the file system of a home."""
    text = f"{free / 1e9:.1f} GB free of {total / 1e9:.1f} GB under {home}"
    room = "make room: when nothing can be recorded, nothing is issued nor revoked"
    if free < LEAST_FREE:
        return bad(text, room)
    return warning(text, room) if free < LITTLE_FREE else good(text)


def _newest_writing(home: Path) -> datetime | None:
    """Return when the CRLs and the journal's checkpoint were last written: what a clock that was set back contradicts."""
    times = [path.stat().st_mtime for path in (home / "publication" / "www").glob("*/*") if path.is_file()]
    return datetime.fromtimestamp(int(max(times)), SystemClock().now().tzinfo) if times else None


def _kernel_says_synchronised() -> bool | None:
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
        state = int(adjtimex(ctypes.create_string_buffer(512)))  # modes = 0: asks, changes nothing
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
