"""A custody process: it alone opens the keys, under a user of its own, and signs for those whom it knows by their user (CP
6.2.8).

Whoever breaks into the issuer has signatures as long as they are there, each written down by a witness that they cannot
write to; they have neither the PIN nor the module. The kernel says who asks (SO_PEERCRED): a user that is not named is
not answered. Each connection has a thread; what a question means is the custodian's.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
from collections.abc import Collection
from pathlib import Path
from threading import Event, Lock, Thread

from hsm import wire
from hsm.api import Custodian, KeyRef, KeyUse
from trust.algorithms import CUSTODY_ALGORITHMS, spki
from trust.errors import Conflict, Malformed, SceauError, Unavailable

LOG = logging.getLogger("sceau.custody")
CONNECTIONS = 64
"""At once: a process that asks has one for each of its threads."""
_CREDENTIALS = struct.Struct("3i")
"""Process, user and group of a peer (unix(7))."""


class CustodyServer:
    """Answers on a Unix socket until `stop`."""

    def __init__(self, path: Path, custodian: Custodian, users: Collection[int]) -> None:
        """Prepare; nothing listens yet. `users` are the numbers of the users who may ask."""
        self.path, self._custodian, self._users = path, custodian, frozenset(users)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._open: set[socket.socket] = set()
        self._lock = Lock()

    def serve(self, stop: Event) -> None:
        """Listen, and answer, until `stop` is set.

        Raises:
            Conflict: another process listens there.
            Unavailable: the socket cannot be made.
        """
        self._listen()
        try:
            while not stop.is_set():
                try:
                    connection, _ = self._listener.accept()
                except TimeoutError:
                    continue
                except OSError as error:  # no descriptor is left, for instance: those who are connected go on
                    LOG.warning("nobody can be let in for now: %s", error.strerror)
                    stop.wait(0.2)
                    continue
                self._admit(connection)
        finally:
            self._listener.close()
            self.path.unlink(missing_ok=True)
            with self._lock:
                for connection in self._open:
                    connection.close()

    def _listen(self) -> None:
        _clear(self.path)
        try:
            self._listener.bind(str(self.path))
            os.chmod(self.path, 0o666)  # Who may ask is decided by who they are, below: groups would be a second place for it.
            self._listener.listen(CONNECTIONS)
        except OSError as error:
            raise Unavailable(f"the custody process cannot listen on {self.path}: {error.strerror}") from None
        self._listener.settimeout(0.2)

    def _admit(self, connection: socket.socket) -> None:
        process, user, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        with self._lock:
            room = len(self._open) < CONNECTIONS
            if user in self._users and room:
                self._open.add(connection)
        if user not in self._users or not room:
            why = "too many ask" if user in self._users else "this user is not named"
            LOG.warning("process %d of user %d is not answered: %s", process, user, why)
            connection.close()
            return
        connection.settimeout(None)
        Thread(target=self._converse, args=(connection,), name=f"custody-{process}", daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        try:
            while (ask := wire.receive(connection, wire.Ask)) is not None:
                wire.send(connection, self._reply(ask))
        except Malformed as error:
            LOG.warning("a connection is ended: %s", error)
        except OSError:
            pass  # whoever asked is gone
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _reply(self, ask: wire.Ask) -> wire.Reply:
        try:
            return self._answer(ask)
        except SceauError as error:
            return wire.refusal_of(error)
        except Exception:  # a fault of ours is told as one, and ends nobody else's connection
            LOG.exception("the custody process failed")
            return wire.refusal_of(Unavailable("the custody process failed; its log says why"))

    def _answer(self, ask: wire.Ask) -> wire.Reply:
        ref = KeyRef(ask.label)
        match ask.verb:
            case "sign":
                return wire.Reply(many=self._custodian.sign_many(ref, _use(ask.use), ask.many))
            case "public_key":
                return wire.Reply(many=[spki(self._custodian.public_key(ref))])
            case "description":
                said = self._custodian.description(ref)
                return wire.Reply(words=[said.label, said.algorithm, said.spki_sha256, said.where, *said.uses])
            case "labels":
                return wire.Reply(words=self._custodian.labels())
            case "describe":
                return wire.Reply(words=[self._custodian.describe()])
            case "generate" if ask.algorithm in CUSTODY_ALGORITHMS:
                uses = frozenset(_use(use) for use in ask.uses)
                return wire.Reply(many=[spki(self._custodian.generate(ref, CUSTODY_ALGORITHMS[ask.algorithm], uses))])
            case _:
                raise Malformed("that is not asked of a custody process")


def _use(word: str) -> KeyUse:
    try:
        return KeyUse(word)
    except ValueError:
        raise Malformed("no key has such a use") from None


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on any more."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise Conflict(f"another custody process listens on {path}")
