"""Rehearsing a key ceremony: the same script, throw-away keys (CP 6.1.1).

A SoftHSM token and a home are made for the rehearsal and vanish with it. The configuration is the real home's, but for its
custody and database; nothing else of the real home is opened, so that a ceremony can be rehearsed on any machine. What the
script supposes (a root made before, a request that somebody will bring) gets a stand-in. The files and the transcript stay,
marked as of no value.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from hsm.api import Custodian, KeyRef, KeyUse
from pki.bootstrap import certification
from pki.bootstrap.ceremony.folder import names, write
from pki.bootstrap.ceremony.play import Played, Reviewed, default_folder, play
from pki.bootstrap.ceremony.script import Certify, Crl, Generate, Revoke, Script, SelfSign, read
from pki.bootstrap.ceremony.script import Request as RequestStep
from pki.bootstrap.chronicle import config_digest
from pki.bootstrap.custody import create_custodian
from pki.bootstrap.hierarchy import create_ca
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.keys import make_key
from pki.bootstrap.sealing import JOURNAL_KEY
from pki.settings import load
from trust import errors
from trust.algorithms import ALGORITHMS, spki
from trust.entropy import SystemEntropy
from trust.errors import Conflict, Missing, Refused, SceauError, Unavailable

BY = "rehearsal"
PACKAGE = "softhsm2"
MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
)
"""Where SoftHSM's library is, by distribution."""
_LABEL = "sceau-repetition"
_OFFLINE = re.compile(r"(?m)^[ \t]*offline[ \t]*=[ \t]*true\b.*$")
_TABLE = re.compile(r"(?ms)^\[(?:custody|database)\]\n.*?(?=^\[|\Z)")
_PATIENCE_SECONDS = 600.0
_Failure = tuple[str, str, str]
"""Family, reason and citation: an error crosses from one process to another in words."""


def rehearse(octets: bytes, home: Path, out: Path | None, tell: Callable[[str], None]) -> Played:
    """Rehearse a script for a home.

    Args:
        octets: the script.
        home: the real one: its configuration is read, and nothing else.
        out: an empty folder for what is made; beside the ceremony's own when None, and then emptied first.
        tell: called with one line at each step, once the rehearsal is over.

    Raises:
        Missing: SoftHSM is not installed, or there is no such home.
        Malformed, Refused: the script, as for the ceremony itself.
    """
    script, settings = read(octets), load(home)
    reviewed = Reviewed(settings.custody.kind, config_digest(settings.config), settings.cas)
    module, folder = _module(), _folder(home, script, out)
    with TemporaryDirectory(prefix="sceau-rehearsal-") as place:
        environment = _make_token(Path(place))
        _make_home(settings.config, Path(place) / "home", module)
        # A process of its own: SoftHSM reads where its tokens are once, when it is loaded.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as aside:
            found, news = aside.submit(_play, octets, Path(place), folder, reviewed, environment).result(_PATIENCE_SECONDS)
    for line in news:
        tell(line)
    if isinstance(found, Played):
        return found
    family, reason, citation = found
    raise Refused(reason, citation=citation) if family == "Refused" else getattr(errors, family)(reason)


def _module() -> Path:
    found = next((Path(path) for path in MODULES if Path(path).is_file()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        raise Missing(f"a rehearsal needs SoftHSM, which is not on this machine: apt-get install {PACKAGE}")
    return found


def _folder(home: Path, script: Script, out: Path | None) -> Path:
    if out is not None:
        if names(out):
            raise Conflict(f"{out} is not empty: a rehearsal does not mix with what is there")
        return out
    folder = default_folder(home, script)
    folder = folder.with_name(f"{folder.name}-rehearsal")
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _make_token(place: Path) -> Mapping[str, str]:
    """Make a throw-away token; return the environment in which SoftHSM finds it, and it alone."""
    (place / "tokens").mkdir(mode=0o700)
    (place / "softhsm2.conf").write_text(
        f"directories.tokendir = {place}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    environment = {"SOFTHSM2_CONF": str(place / "softhsm2.conf")}
    # A secret does not stand on a command line; this one opens a token that holds nothing yet, and only throw-away keys later.
    pin = SystemEntropy().octets(8).hex()
    secrets = place / "home" / "secrets"
    secrets.mkdir(mode=0o700, parents=True)
    with open(os.open(secrets / "token-pin", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(pin + "\n")
    command = ["softhsm2-util", "--init-token", "--free", "--label", _LABEL, "--so-pin", pin, "--pin", pin]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"softhsm2-util makes no token: {(done.stderr or done.stdout).strip()}")
    return environment


def _make_home(config: Path, home: Path, module: Path) -> None:
    """Copy a configuration, with the throw-away token for custody and an embedded database.

    Nothing in it is offline: what an offline root certified has a stand-in, whose root is made here too. Whether the script
    may do what it does is asked of the real configuration.
    """
    shutil.copytree(config, home / "config")
    authority = home / "config" / "authority.toml"
    custody = f'[custody]\nkind = "pkcs11"\ntoken = "pkcs11:token={_LABEL}"\nmodule = "{module}"\n\n'
    text = _OFFLINE.sub("", _TABLE.sub("", authority.read_text(encoding="utf-8")))
    authority.write_text(custody + text, encoding="utf-8")


def _play(
    octets: bytes, place: Path, folder: Path, reviewed: Reviewed, environment: Mapping[str, str]
) -> tuple[Played | _Failure, list[str]]:
    """Play the script, in a process of its own."""
    os.environ.update(environment)
    os.environ.pop("CREDENTIALS_DIRECTORY", None)  # of the real service: its PIN is not this token's
    news: list[str] = []
    try:
        script, home = read(octets), open_home(place / "home", create_schema=True)
        custodian = create_custodian(home, news.append)
        make_key(home, custodian, JOURNAL_KEY, "Ed25519", KeyUse.CHECKPOINT, by=BY)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _StandIns(home, custodian, folder).prepare(script)
        return play(script, home, custodian, folder, rehearsal=reviewed, tell=news.append), news
    except Refused as refusal:
        return ("Refused", refusal.reason, refusal.citation), news
    except SceauError as error:
        return (type(error).__name__, str(error), ""), news


class _StandIns:
    """What the script supposes to be there, made for the rehearsal. What nobody can guess is left to the script's check."""

    def __init__(self, home: Home, custodian: Custodian, folder: Path) -> None:
        self._home, self._custodian, self._folder = home, custodian, folder
        self._cas = {ca.id: ca for ca in home.settings.cas}
        self._made: set[str] = set()
        """Keys, roots and files that the script makes itself, as far as it was read."""

    def prepare(self, script: Script) -> None:
        """Make what each step needs and no step before it makes."""
        for step in script.steps:
            match step:
                case Generate():
                    self._made.add(f"key {step.key}")
                case SelfSign():
                    self._key(step.key)
                    self._made.add(f"ca {step.ca}")
                case RequestStep():
                    self._key(step.key)
                    self._made.add(f"file {step.file}")
                case Certify():
                    self._issuer(step.issuer)
                    self._certified(step)
                    self._made.add(f"ca {step.ca} by {step.issuer}")
                case Revoke():
                    self._issuer(step.issuer)
                    self._revoked(step)
                case Crl():
                    self._issuer(step.issuer)

    def _key(self, label: str) -> None:
        ca = next((ca for ca in self._cas.values() if ca.key == label), None)
        if ca is not None and f"key {label}" not in self._made and label not in self._custodian.labels():
            make_key(self._home, self._custodian, label, ca.algorithm, KeyUse.CERTIFICATE, KeyUse.CRL, by=BY)

    def _issuer(self, ca_id: str) -> None:
        ca = self._cas.get(ca_id)
        if ca is None or f"ca {ca_id}" in self._made:
            return
        if ca.issuer is not None:
            self._issuer(ca.issuer)
        create_ca(self._home, self._custodian, ca, by=BY, tell=certification.silent)

    def _certified(self, step: Certify) -> None:
        if step.key is not None:
            self._key(step.key)
        elif step.request is not None and f"file {step.request}" not in self._made:
            profile = self._home.profiles.get(step.profile)
            known = [name for name in profile.subject_keys if name in ALGORITHMS] if profile else []
            label = self._visitor("P-256" if "P-256" in known or not known else known[0])
            subject = certification.subject_of(self._home, step.common_name)
            write(self._folder, step.request, certification.pem(certification.request(self._custodian, label, subject)))
            self._made.add(f"file {step.request}")

    def _revoked(self, step: Revoke) -> None:
        issuer = self._cas.get(step.issuer)
        if issuer is None or f"ca {step.ca} by {step.issuer}" in self._made:
            return
        profile = next(p for p in self._home.profiles.values() if p.subject == "authority" and p.path_length == 0)
        public = spki(self._custodian.public_key(KeyRef(self._visitor("P-256"))))
        subject = certification.subject_of(self._home, step.ca.upper())
        wanted = certification.Wanted(profile.id, subject, f"ca:{step.ca}", public, min(365, profile.validity_days))
        certification.certify(self._home, self._custodian, issuer, wanted, by=BY)

    def _visitor(self, algorithm: str) -> str:
        label = f"visiteur-{len(self._custodian.labels())}"
        make_key(self._home, self._custodian, label, algorithm, KeyUse.CERTIFICATE, KeyUse.CRL, by=BY)
        return label
