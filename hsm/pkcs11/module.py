"""A PKCS#11 library in this process: loaded once, whoever asks, and again after a fork (libraries: PKCS#11).

The driver calls `C_Initialize` without asking for locks, yet lets go of the interpreter during calls: two threads in a
library that does not lock crash the process (seen: segmentation faults with SoftHSM loaded directly). p11-kit's proxy
and client lock by themselves; any other library is called by one thread at a time. What belongs to the library as a
whole is here: who is logged in, and starting it anew after its device was away, which ends every session of the
process.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock
from time import monotonic
from typing import Any

import pkcs11
from pkcs11 import Attribute, ObjectClass
from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn

from hsm.pkcs11 import faults
from hsm.pkcs11.pin import Pin
from hsm.pkcs11.uri import TokenUri
from trust.errors import Conflict, Missing, Refused, Unavailable

_LIBRARIES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
"""Where distributions put p11-kit."""
_LOCKS_BY_ITSELF = "p11-kit-"
_BETWEEN_STARTS = 1.0
"""Seconds: a library whose device is away is not started anew more often."""


def usual_module() -> str:
    """Return the path of p11-kit's proxy on this machine: it gives every module that is registered there.

    Raises:
        Missing: it is not installed.
    """
    for folder in _LIBRARIES:
        if Path(folder, "p11-kit-proxy.so").exists():
            return f"{folder}/p11-kit-proxy.so"
    raise Missing("p11-kit's proxy is not on this machine: apt-get install p11-kit, or name the module ([custody] module)")


class Module:
    """One library. `of` gives the process's own."""

    _loaded: dict[tuple[int, str], Module] = {}  # noqa: RUF012  (by process and path: a child of a fork loads its own)
    _loading = Lock()

    @classmethod
    def of(cls, path: str) -> Module:
        """Return the library of that path, loaded.

        Raises:
            Missing: there is no such file, or it is no PKCS#11 module.
        """
        with cls._loading:
            key = (os.getpid(), path)
            if key not in cls._loaded:
                cls._loaded[key] = cls(path)
            return cls._loaded[key]

    def __init__(self, path: str) -> None:
        self.path = path
        if not Path(path).is_file():
            raise Missing(f"there is no PKCS#11 module {path}")
        try:
            pkcs11.unload(path)  # what a parent process loaded is of no use here
            self._library: Any = pkcs11.lib(path)
        except RuntimeError as error:  # the driver's errors are, too
            raise Missing(f"{path} cannot be used as a PKCS#11 module: {error!r}") from None
        self.generation = 0
        """Grows each time that the library is started anew: sessions of an earlier one are dead."""
        self._one_at_a_time = None if Path(path).name.startswith(_LOCKS_BY_ITSELF) else RLock()
        self._state = RLock()
        self._inside = 0
        self._inside_lock = Lock()
        self._started = monotonic()
        # Owned by `login`: by token, a session that logged in, and the digest of the PIN that did. Closing the session would log
        # everybody out (the driver's close does).
        self._keepers: dict[bytes, tuple[Any, bytes]] = {}

    @contextmanager
    def calls(self, patience: float) -> Iterator[None]:
        """Go inside the library, alone if it does not lock by itself.

        Raises:
            Unavailable: somebody else has been inside for more than `patience` seconds.
        """
        if self._one_at_a_time is not None and not self._one_at_a_time.acquire(timeout=patience):
            raise Unavailable(f"the PKCS#11 module {Path(self.path).name} does not come back from a call")
        with self._inside_lock:
            self._inside += 1
        try:
            yield
        finally:
            with self._inside_lock:
                self._inside -= 1
            if self._one_at_a_time is not None:
                self._one_at_a_time.release()

    def token(self, uri: TokenUri) -> Any:
        """Return the one token that the URI names. Call it inside `calls`.

        Raises:
            Unavailable: there is none now: it may be away.
            Conflict: several are.
        """
        tokens = [slot.get_token() for slot in self._library.get_slots(token_present=True)]
        named = [each for each in tokens if uri.matches(each.label, _text(each.serial), each.manufacturer_id, each.model)]
        if len(named) > 1:
            raise Conflict(f"{len(named)} tokens answer to {uri}: name one by its serial")
        if not named:
            there = ", ".join(sorted(f"{each.label} ({_text(each.serial)})" for each in tokens if each.label)) or "none"
            raise Unavailable(f"no token answers to {uri}; there are: {there}")
        return named[0]

    def login(self, token: Any, pin: Pin) -> None:
        """Log in, unless this process is. Login is the token's, not a session's. Call it inside `calls`.

        Raises:
            Refused: the PIN is not the right one, or was refused before (`hsm.pkcs11.pin`).
        """
        with self._state:
            serial = bytes(token.serial)
            where = f"token {token.label} (slot {token.slot.slot_id})"
            secret = pin.read(where)  # Each time: another custodian of this process has no session for having nothing.
            mark = hashlib.sha256(secret).digest()
            if serial in self._keepers:
                keeper, opened_by = self._keepers[serial]
                if opened_by != mark:
                    raise Refused(f"{where} was opened by another PIN in this process", citation="CP 6.2.8")
                if shows_keys(keeper):
                    return
                # The device forgot that we are logged in: it lost its power, or somebody logged us out. Nothing says so but that
                # it shows no private key. To log in where one is logged in does no harm.
                del self._keepers[serial]
            try:
                self._keepers[serial] = (token.open(user_pin=secret.decode()), mark)
            except UserAlreadyLoggedIn:
                self._keepers[serial] = (token.open(), mark)
            except faults.PIN_FAULTS as error:
                pin.was_refused(secret)
                reason = f"{where} refuses the PIN ({faults.name(error)}): it is not tried again"
                raise Refused(reason, citation="CP 6.2.8") from None

    def start_anew(self, seen: int) -> bool:
        """Start the library again, as its device may be back: every session ends. Return whether sessions are worth reopening.

        `seen` is the generation that failed. Not while another thread is inside, and not more often than each second.
        """
        with self._state:
            if seen != self.generation:
                return True
            with self._inside_lock:
                if self._inside > 1:
                    return False
            if monotonic() - self._started < _BETWEEN_STARTS:
                return False
            self._started = monotonic()
            self._keepers.clear()
            self._library.reinitialize()
            self.generation += 1
            return True


def shows_keys(session: Any) -> bool:
    """Tell whether a session sees any private key: one that is not logged in sees none, and is told nothing else."""
    try:
        return next(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}), None) is not None
    except PKCS11Error:
        return False


def _text(serial: bytes) -> str:
    return serial.decode("ascii", "replace").strip()
