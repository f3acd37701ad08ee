"""The custody process of a machine: its folder, its start (`sceau custody`; CP 6.2.8).

Its folder belongs to a user of its own, and is no home: a file that says what holds the keys and who may ask, the
secret that opens them, and the witness. The authority's home names its socket and nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import pwd
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from hsm import passphrase
from hsm.daemon import CustodyServer
from pki.bootstrap.holding import Place, hold, hold_new
from pki.settings import MODES, CustodySettings, custody_of
from trust.clock import Clock, SystemClock
from trust.entropy import Entropy, SystemEntropy
from trust.errors import Conflict, Malformed, Missing, Refused

LOG = logging.getLogger("sceau.custody")
FILE = "custody.toml"


@dataclass(frozen=True)
class Keeper:
    """What a custody process's file says."""

    place: Place
    socket: Path
    users: tuple[str, ...]

    def numbers(self) -> list[int]:
        """Return the numbers of the users who may ask.

        Raises:
            Missing: this machine has no such user.
        """
        try:
            return [pwd.getpwnam(name).pw_uid for name in self.users]
        except KeyError as error:
            raise Missing(f"this machine has no user {error.args[0].split()[-1]}") from None


def create(
    folder: Path,
    custody: CustodySettings,
    socket: Path,
    users: Sequence[str],
    *,
    mode: str = "demo",
    pin_file: Path | None = None,
) -> Keeper:
    """Make the folder of a custody process: its file, its secret, and a software keystore if that is what holds the keys.

    Raises:
        Conflict: there is one already.
        Malformed, Missing, Refused: what it says is not right, or the PIN's file.
    """
    if (folder / FILE).exists():
        raise Conflict(f"{folder} has a custody process already")
    for each in (folder, folder / "secrets", folder / "run"):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    if pin_file is not None:
        passphrase.keep(folder / "secrets" / custody.pin, passphrase.from_file(pin_file, shortest=passphrase.SHORTEST_PIN))
    said = {"kind": custody.kind, "token": custody.token, "module": custody.module, "witness": custody.witness}
    table = "".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items() if value)
    process = f'mode = "{mode}"\nsocket = {json.dumps(str(socket))}\nusers = {json.dumps(list(users))}\n'
    draft = folder / f".{FILE}"
    draft.write_text(f"# Who may ask for signatures, by user of this machine.\n[process]\n{process}\n[custody]\n{table}")
    keeper = read(folder, draft)
    keeper.numbers()
    hold_new(keeper.place, LOG.info).labels()
    os.replace(draft, folder / FILE)
    return keeper


def read(folder: Path, file: Path | None = None, *, clock: Clock | None = None, entropy: Entropy | None = None) -> Keeper:
    """Read the folder of a custody process.

    Raises:
        Missing: there is none.
        Malformed: its file is not one.
    """
    try:
        document = tomllib.loads((file or folder / FILE).read_text("utf-8"))
    except FileNotFoundError:
        raise Missing(f"there is no custody process in {folder}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{FILE}: {error}") from None
    process, said = document.pop("process", {}), custody_of(document.pop("custody", {}))
    if document or not isinstance(process, dict) or set(process) != {"mode", "socket", "users"} or process["mode"] not in MODES:
        raise Malformed(f"{FILE} says [process] mode, socket and users, and [custody]")
    users = process["users"]
    if not isinstance(users, list) or not users or not all(isinstance(each, str) for each in users):
        raise Malformed(f"{FILE}: [process] users are names of users of this machine")
    if not isinstance(process["socket"], str) or not process["socket"].startswith("/"):
        raise Malformed(f"{FILE}: [process] socket is the path of a Unix socket")
    if said.kind == "process":
        raise Malformed(f"{FILE}: a custody process opens the keys itself")
    place = Place(folder, said, process["mode"], clock or SystemClock(), entropy or SystemEntropy())
    return Keeper(place, Path(process["socket"]), tuple(users))


def serve(folder: Path, stop: Event) -> int:
    """Be the custody process until `stop` is set; return the exit code.

    Raises:
        Missing, Malformed, Refused: as `read` and `hold`: nothing is served.
    """
    keeper = read(folder)
    if folder.stat().st_mode & 0o077:
        raise Refused(f"{folder} is open to others; make it 0700", citation="CP 6.2.7")
    custodian = hold(keeper.place)
    LOG.info("%s; %d keys; %s may ask", custodian.describe(), len(custodian.labels()), ", ".join(keeper.users))
    CustodyServer(keeper.socket, custodian, keeper.numbers()).serve(stop)
    return 0
