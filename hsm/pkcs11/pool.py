"""Sessions at work: some threads, each with a session of its own, and a limit to how long anybody waits (failure cases
K01, K04).

A call into a module cannot be interrupted. So callers never make one: they hand over work and wait, no longer than
`patience` without progress. What was not begun by then is never done; a thread that hangs is counted out until its call
comes back. When all of them hang, the next caller is told at once. After any error the session is dropped and a new one
opened (an operation left active answers OperationActive for ever), and the work is tried once more: the same octets,
under the same key.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Condition, Lock, Thread
from typing import Any

from pkcs11.exceptions import PKCS11Error

from hsm.pkcs11 import faults
from hsm.pkcs11.module import Module
from hsm.pkcs11.pin import Pin
from hsm.pkcs11.uri import TokenUri
from trust.errors import Unavailable

LOG = logging.getLogger("sceau.hsm")
WAITING = 256
"""Pieces of work that may wait; beyond, whoever asks is told to come back."""


@dataclass
class _Job:
    """Pieces of work for one session, done in order. `done` is written by the thread at work, and read by whoever waits."""

    pieces: Sequence[Callable[[Session], Any]]
    writes: bool
    progress: Condition = field(default_factory=lambda: Condition(Lock()))
    done: list[Any] = field(default_factory=list)
    failure: Exception | None = None
    begun: bool = False
    given_up: bool = False
    hangs: bool = False
    """It was begun, and given up: its thread is counted out until it comes back."""

    @property
    def is_over(self) -> bool:
        return self.failure is not None or len(self.done) == len(self.pieces)


class Session:
    """A session of the token, opened by the thread that uses it, and what was found in it."""

    def __init__(self, module: Module, uri: TokenUri, pin: Pin, *, writes: bool) -> None:
        """Open it, logging in if this process has not. Inside `Module.calls`."""
        token = module.token(uri)
        module.login(token, pin)
        self.generation = module.generation
        self.writes = writes
        self.raw = token.open(rw=writes)
        self.is_new = True
        """Whether nothing was done in it yet: it is known to be logged in."""
        self.objects: dict[bytes, Any] = {}
        """Private-key objects by identifier: handles belong to a session of this module, and die with it."""

    def close(self) -> None:
        """Close it, if the module still knows it."""
        try:
            self.raw.close()
        except PKCS11Error:
            pass  # it is dead already, which is often why it is closed


class Pool:
    """Threads over one token."""

    def __init__(self, module_path: str, uri: TokenUri, pin: Pin, *, size: int, patience: float) -> None:
        """Prepare; nothing is opened before the first work. `patience` is in seconds."""
        self._module_path, self._uri, self._pin = module_path, uri, pin
        self._size, self._patience = size, patience
        self._lock = Lock()
        self._process = 0
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._waiting = 0
        self._hanging = 0

    def run(
        self, pieces: Sequence[Callable[[Session], Any]], *, writes: bool = False, patience: float | None = None
    ) -> list[Any]:
        """Do pieces of work on the token, spread over the sessions; return their results in order.

        Raises:
            Unavailable: the token does not answer, or not in time, or too much waits.
            Refused: the token cannot do this, or refuses the PIN.
        """
        if not pieces:
            return []
        self._begin()
        patience = patience or self._patience
        share = -(-len(pieces) // self._size)
        jobs = [_Job(pieces[start : start + share], writes) for start in range(0, len(pieces), share)]
        with self._lock:
            if self._hanging >= self._size:
                raise Unavailable(f"no session of {self._uri} comes back from its call", retry_after=patience)
            if self._waiting + len(jobs) > WAITING:
                raise Unavailable(f"too much waits for {self._uri}")
            self._waiting += len(jobs)
        for job in jobs:
            self._jobs.put(job)
        try:
            for job in jobs:
                self._wait(job, patience)
        except BaseException:
            for job in jobs:
                job.given_up = True
            raise
        return [result for job in jobs for result in job.done]

    def close(self) -> None:
        """Let the threads end, once they are done with what they do."""
        with self._lock:
            if self._process == os.getpid():
                self._process = 0
                for _ in range(self._size):
                    self._jobs.put(None)

    def _begin(self) -> None:
        """Start the threads; again in the child of a fork, which has none of them, and no session (failure case K08)."""
        with self._lock:
            if self._process == os.getpid():
                return
            self._process, self._jobs, self._waiting, self._hanging = os.getpid(), SimpleQueue(), 0, 0
            for number in range(self._size):
                Thread(target=self._work, args=(self._jobs,), name=f"token-{number}", daemon=True).start()

    def _wait(self, job: _Job, patience: float) -> None:
        with job.progress:
            while not job.is_over:
                before = len(job.done)
                if not job.progress.wait_for(lambda: job.is_over, timeout=patience) and len(job.done) == before:
                    job.given_up = True
                    if job.begun:
                        job.hangs = True
                        with self._lock:
                            self._hanging += 1
                    raise Unavailable(f"{self._uri} did not answer within {patience:g} seconds", retry_after=patience)
        if job.failure is not None:
            raise job.failure

    def _work(self, jobs: SimpleQueue[_Job | None]) -> None:
        session: Session | None = None
        while (job := jobs.get()) is not None:
            with self._lock:
                self._waiting -= 1
            with job.progress:
                if job.given_up:
                    continue  # Nobody waits for it: what was not begun is never signed.
                job.begun = True
            session = self._do(job, session)
            with job.progress:
                came_back = job.hangs
                job.progress.notify_all()
            if came_back:
                LOG.warning("a call to %s came back after it was given up", self._uri)
                with self._lock:
                    self._hanging -= 1
                self._drop(session)
                session = None
        self._drop(session)

    def _do(self, job: _Job, session: Session | None) -> Session | None:
        """Do the pieces of a job, with one new session if something goes wrong; return the session to go on with."""
        attempts = 2
        try:
            module = Module.of(self._module_path)
            while len(job.done) < len(job.pieces) and not job.given_up:
                try:
                    with module.calls(self._patience):
                        session = self._usable(module, session, job)
                        while len(job.done) < len(job.pieces) and not job.given_up:
                            job.done.append(job.pieces[len(job.done)](session))
                except PKCS11Error as error:
                    self._drop(session)
                    session = None
                    attempts -= 1
                    if not attempts or not faults.may_pass(error):
                        raise
                    LOG.warning("%s: %s; once more on a new session", self._uri, faults.name(error))
        except PKCS11Error as error:
            job.failure = faults.translated(error, str(self._uri))
        except Exception as error:  # noqa: BLE001  (whoever waits must hear of it, whatever it is)
            job.failure = error
        return session

    def _usable(self, module: Module, session: Session | None, job: _Job) -> Session:
        if session is not None and session.generation == module.generation and (session.writes or not job.writes):
            session.is_new = False
            return session
        generation = module.generation
        try:
            return Session(module, self._uri, self._pin, writes=job.writes)
        except (PKCS11Error, Unavailable) as error:
            if isinstance(error, PKCS11Error) and not faults.may_pass(error):
                raise
            # The device was away: only starting the library anew brings it back (libraries §2.2).
            if not module.start_anew(generation):
                raise
            return Session(module, self._uri, self._pin, writes=job.writes)

    def _drop(self, session: Session | None) -> None:
        """Close a session, unless its library was started anew: the handle could be another's by now."""
        if session is None:
            return
        module = Module.of(self._module_path)
        if session.generation == module.generation:
            with suppress(Unavailable), module.calls(self._patience):
                session.close()
