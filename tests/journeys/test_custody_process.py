"""Keys opened by a process of another user: the authority signs with them, and has neither module, nor PIN, nor witness."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hsm.api import Custodian, KeyRef, KeyUse
from hsm.remote import RemoteCustodian
from hsm.witness import read
from pki.bootstrap.create import create
from pki.bootstrap.custody import open_custodian
from pki.settings import CustodySettings
from tests.tokens import PIN, environment, make_token, tokens
from tests.world import BASE_URL
from trust.algorithms import ALGORITHMS
from trust.errors import Missing, Refused, Unavailable

ROOT = Path(__file__).parents[2]
OWNER = "nobody"
"""Who opens the keys, where the tests run as root; elsewhere it is whoever runs them."""
STRANGER = 2
"""A user who may not ask (`bin`)."""
SERVES = """
import os, pwd, signal, sys, threading
from pathlib import Path
import encodings.idna, hsm.pkcs11.custodian, pki.bootstrap.keeper
if os.getuid() == 0:  # once everything is loaded: the interpreter may be where that user cannot read
    owner = pwd.getpwnam(sys.argv[2])
    os.setgroups([]), os.setgid(owner.pw_gid), os.setuid(owner.pw_uid)
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
sys.exit(pki.bootstrap.keeper.serve(Path(sys.argv[1]), stop))
"""
WORKS = """
import sys
from pathlib import Path
from pki.bootstrap.home import open_home
from pki.bootstrap.issuer import open_issuer
issuer = open_issuer(open_home(Path(sys.argv[1])))
issuer.turn_until_idle()
issuer.close()
loaded = Path("/proc/self/maps").read_text()
print("softhsm" in loaded, "p11-kit" in loaded, "pkcs11" in sys.modules)
"""


class Keeper:
    """A custody process over a token that its user alone can read."""

    def __init__(self, root: Path) -> None:
        """Make the token and the process's folder, and start it."""
        self.root, self.folder, self.socket = root, root / "custody", root / "run" / "socket"
        self.variables = environment(root)
        make_token(root, "gardes")
        (root / "run").mkdir()
        (root / "pin").write_text(PIN)
        (root / "pin").chmod(0o600)
        root.chmod(0o711)
        asks = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
        token = ["--pkcs11", "pkcs11:token=gardes", "--pin-file", str(root / "pin")]
        said = ["--socket", str(self.socket), "--user", asks, *token]
        command = [sys.executable, "-P", "-m", "pki.cli.main", "custody", "init", str(self.folder), *said]
        subprocess.run(command, env=os.environ | self.variables, check=True, capture_output=True, cwd=ROOT)
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", OWNER, str(root)], check=True)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [sys.executable, "-P", "-c", SERVES, str(self.folder), OWNER]
        self.process = subprocess.Popen(command, env=_environment() | self.variables, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while not _listens(self.socket):
            assert self.process.poll() is None and time.monotonic() < deadline, self.process.communicate(timeout=5)[1]
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        self.process.send_signal(how)
        self.process.wait()


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@pytest.fixture(scope="module")
def keeper() -> Iterator[Keeper]:
    """A custody process at work."""
    tokens()  # skips where SoftHSM is not installed
    assert shutil.which("softhsm2-util")
    with TemporaryDirectory(prefix="sceau-custody-") as folder:
        keeper = Keeper(Path(folder))
        yield keeper
        keeper.stop()


@pytest.fixture(scope="module")
def home(keeper: Keeper, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority whose keys that process holds."""
    path = tmp_path_factory.mktemp("authority") / "home"
    create(path, "dev", BASE_URL, custody=CustodySettings(kind="process", socket=str(keeper.socket)))
    return path


def signs(custodian: Custodian) -> bool:
    """Tell whether the key of a CA signs."""
    signature = custodian.sign(KeyRef("personnes"), KeyUse.CRL, b"liste")
    return ALGORITHMS["P-256"].verifies(custodian.public_key(KeyRef("personnes")), signature, b"liste")


def test_an_authority_works_with_keys_that_it_never_opens(keeper: Keeper, home: Path) -> None:
    """Its issuer loads no module; the home has neither key nor PIN; the witness is the other user's, and knows of everything."""
    command = [sys.executable, "-P", "-c", WORKS, str(home)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, env=_environment())
    assert (ended.stdout, ended.returncode) == ("False False False\n", 0), ended.stderr
    assert not (home / "keys").exists()
    assert list((home / "secrets").iterdir()) == []
    assert not (home / "witness").exists()

    witness = keeper.folder / "witness" / "signatures"
    assert {line.use for line in read(witness)} == {"certificate", "crl", "checkpoint"}
    if os.getuid() == 0:
        assert witness.owner() == OWNER
        assert keeper.folder.owner() == OWNER
    assert witness.stat().st_mode & 0o777 == 0o600
    assert keeper.folder.stat().st_mode & 0o777 == 0o700


def test_the_custody_process_refuses_by_the_custodians_own_words(keeper: Keeper) -> None:
    """A use that the key was not made for, a key that is not there."""
    custodian = RemoteCustodian(keeper.socket)
    with pytest.raises(Refused, match="not made for the use 'ocsp'") as refusal:
        custodian.sign(KeyRef("personnes"), KeyUse.OCSP, b"reponse")
    assert refusal.value.citation == "CP 6.1.7"
    with pytest.raises(Missing):
        custodian.public_key(KeyRef("personne"))
    assert custodian.describe().endswith("PKCS#11 token, pkcs11:token=gardes")
    assert custodian.description(KeyRef("personnes")).uses == ("certificate", "crl")


@pytest.mark.skipif(os.getuid() != 0, reason="asking as another user takes root")
def test_a_user_who_is_not_named_is_not_answered(keeper: Keeper) -> None:
    """The kernel says who asks: nothing that a program can claim."""
    program = f"""
import os
from pathlib import Path
from hsm.remote import RemoteCustodian
os.setuid({STRANGER})
try:
    print(RemoteCustodian(Path({str(keeper.socket)!r})).labels())
except Exception as error:
    print(type(error).__name__, error)
"""
    ended = subprocess.run([sys.executable, "-P", "-c", program], check=True, capture_output=True, text=True, env=_environment())
    assert ended.stdout.startswith("Unavailable")


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 64,
        b"\0\0\0\x02\xc0\xc0",
        b"\0\0\0\x01\x80",
        b"\0\0\0\x0e\x82\xa4verb\xa4sign\xa1x\x01",
    ],
)
def test_what_is_no_question_ends_the_connection_and_nothing_else(keeper: Keeper, home: Path, octets: bytes) -> None:
    """HTTP, noise, an empty question, a field too many: others are answered as before."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(keeper.socket))
        connection.sendall(octets)
        with suppress(ConnectionResetError):  # as good an end
            assert connection.recv(1) == b""
    assert "personnes" in RemoteCustodian(keeper.socket).labels()


def test_a_custody_process_that_died_is_missed_and_found_again(keeper: Keeper, home: Path) -> None:
    """Who asks is told at once; when it is back, the same custodian works by itself."""
    from pki.bootstrap.home import open_home

    custodian = open_custodian(open_home(home))
    assert signs(custodian)
    keeper.stop(signal.SIGKILL)
    with pytest.raises(Unavailable, match="does not answer"):
        custodian.sign(KeyRef("personnes"), KeyUse.CRL, b"liste")
    keeper.start()
    assert signs(custodian)
    assert custodian.counts()[("personnes", KeyUse.CRL)] == 2
