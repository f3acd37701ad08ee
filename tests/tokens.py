"""PKCS#11 tokens for the tests: SoftHSM's, in a directory of this process's own, through p11-kit's proxy as the product uses it.

SoftHSM reads where its tokens are when it is loaded, and knows those that were there then: they are made first, once a
process. Where it is not installed, tests on tokens are skipped with the line that installs it, and fail with it under
``CI=true``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hsm.pkcs11.custodian import Pkcs11Custodian
from hsm.pkcs11.pin import Pin
from hsm.pkcs11.uri import parse
from trust.entropy import SystemEntropy

INSTALL = "apt-get install -y softhsm2 p11-kit opensc"
SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
TOKENS = ("worlds", "unit", "spoilt", "guarded", "init")
PIN = "4711-pin"
SO_PIN = "0815-officer"
_KEPT: list[TemporaryDirectory[str]] = []


@cache
def tokens() -> Path:
    """Make the tokens of this process; return their directory. The environment then says where they are."""
    if not SOFTHSM.exists() or shutil.which("softhsm2-util") is None or shutil.which("p11-kit") is None:
        reason = f"SoftHSM or p11-kit is not installed; as root: {INSTALL}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from tests.databases import swift_directory  # which makes worlds, whose keys may be in a token

    _KEPT.append(TemporaryDirectory(prefix="sceau-tokens-", dir=swift_directory()))
    root = Path(_KEPT[0].name)
    os.environ |= environment(root)
    for label in TOKENS:
        make_token(root, label)
    return root


def environment(root: Path) -> dict[str, str]:
    """Configure SoftHSM and p11-kit under a directory; return the variables that say so: one module, whatever the machine has."""
    (root / "tokens").mkdir()
    conf = root / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {root}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    modules = root / "pkcs11" / "modules"
    modules.mkdir(parents=True)
    (root / "pkcs11" / "pkcs11.conf").write_text("user-config: only\n")
    (modules / "softhsm2.module").write_text(f"module: {SOFTHSM}\n")
    return {"SOFTHSM2_CONF": str(conf), "XDG_CONFIG_HOME": str(root)}


def make_token(root: Path, label: str) -> None:
    """Make one token, as an operator does."""
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", SO_PIN]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"SOFTHSM2_CONF": str(root / "softhsm2.conf")})


def custodian_on(label: str, *, pin: str = PIN, remembered: Path | None = None, module: str | None = None) -> Pkcs11Custodian:
    """Open a custodian on one of the tokens, with another PIN if said."""
    where = remembered or tokens() / "pin-refused"
    return Pkcs11Custodian(parse(f"pkcs11:token={label}"), Pin(pin.encode, where, SystemEntropy()), module=module)
