"""Status in a home of any size (P6, W2, W5): the population signed again, revocations seen, the first answer after a start.

Three measurements on one home, whose inventory `bench.population` fills. P6 signs everybody's status again through the product's
own producer: database, signatures at the door, store. W5 starts `sceau serve` and waits for an answer about one of them. W2 then
revokes, while that authority signs its population again as it does after each start, and asks every worker until it says so.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from cryptography.x509 import ocsp

from bench.ocsp_fixture import P256, question
from bench.population import CA, fill, model_certificate, serials
from bench.sizes import Size, chosen
from bench.table import Row, against, cpu_of, note, within
from pki.bootstrap import registrar
from pki.bootstrap.custody import open_authority
from pki.bootstrap.home import Home, open_home
from pki.inventory.model import Reason, State
from pki.signing.door import SigningDoor
from pki.signing.ocsp import OcspSigner
from pki.status.model import Authority, Responder
from pki.status.producer import OcspProducer, StatusAuthority
from pki.status.store import StatusWriter
from tests.builders.served import free_base_port
from tests.world import World
from trust.clock import SystemClock
from trust.testing import FixedClock

GOAL = 2_000_000
ROUNDS = 3
OFFICER = "oni-1"
SERVED = ("issuer", "publication")
"""The processes that say what the status is."""
PATIENCE = 120.0
TO_BE_SIGNED = 170
"""Octets of a ResponseData of ours."""


def main(size: Size) -> None:
    """Measure and print."""
    count = size.of(tiny=2_000, usual=200_000, full=GOAL)
    watched = size.of(tiny=3, usual=30, full=60)
    with tempfile.TemporaryDirectory(prefix="sceau-bench-") as folder:
        world = World(Path(folder) / "home", clock=FixedClock(SystemClock().now()))
        population = serials(count, 1)
        model = model_certificate(world)
        note(f"an inventory of {count:,} certificates")
        fill(world, model, population, State.ISSUED)
        world.close()
        for row in signed_again(world, count, size):
            row.emit()
        for row in served(world, population, size.of(tiny=1, usual=ROUNDS, full=ROUNDS), watched):
            row.emit()


# --- P6


def signed_again(world: World, count: int, size: Size) -> Iterator[Row]:
    """Sign the whole population again, several times, in turn with as many bare signatures by the same kind of key."""
    rounds = size.of(tiny=1, usual=ROUNDS, full=1)
    least, whole = [], []
    with StatusWriter(world.home.settings.publication / "status", grace=0.0) as writer:
        producer = producer_of(world, writer)
        for _ in range(rounds):
            least.append(bare_signatures(min(count, 100_000)))
            whole.append(cpu_of(lambda: exhaust(producer)) / count)
            least.append(bare_signatures(min(count, 100_000)))
            world.clock.advance(days=1)  # so that it is due once more
        assert len(writer) >= count
    world.clock.advance(days=-rounds)
    each, bare = statistics.median(whole), statistics.median(least)
    what = f"status of {count:,} certificates signed again, database to store: CPU for one"
    yield against("P6", what, "µs", each * 1e6, "a bare P-256 signature", bare * 1e6, 1 / 0.7)
    if count == GOAL:
        yield within("P6", f"status of {GOAL:,} certificates signed again", "s CPU", each * GOAL, 75)
    else:
        yield Row("P6", f"the same for {GOAL:,}, extrapolated, not measured", "s CPU", each * GOAL)


def producer_of(world: World, writer: StatusWriter) -> OcspProducer:
    """Join what the issuer process joins to keep the status store."""
    served = [
        StatusAuthority(
            Authority.of(id_, ca.certificate), timedelta(hours=world.home.settings.ca(id_).ocsp_hours), ca.view.not_after
        )
        for id_, ca in open_authority(world.home).cas.items()
    ]
    sign = OcspSigner(SigningDoor(world.custodian)).sign
    producer = OcspProducer(world.store, writer, served, sign, world.clock, retention=timedelta(days=366))
    with world.store.read() as tx:
        for record in [each for one in served for each in tx.responders.of_ca(one.authority.ca_id)]:
            der = tx.certificates.get(record.serial).der
            producer.add_responder(Responder(record.ca, record.number, der, record.key, record.not_after))
    return producer


def exhaust(producer: OcspProducer) -> None:
    """Take every turn of one refresh."""
    while producer.refresh():
        pass


def bare_signatures(count: int) -> float:
    """Return the CPU seconds of one signature over as many octets, by `cryptography` and nothing else."""
    key, data = P256.generate(), bytes(TO_BE_SIGNED)

    def work() -> None:
        for _ in range(count):
            P256.sign(key, data)

    return cpu_of(work) / count


# --- W5 and W2


@contextmanager
def serving(home: Path, base_port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run `sceau serve` on a home until the block ends."""
    with (home.parent / "serve.out").open("wb") as log:
        command = [sys.executable, "-P", "-m", "pki.cli.main", "serve", "--only", *SERVED, "--home", str(home)]
        environment = os.environ | {"SCEAU_BASE_PORT": str(base_port), "PYTHONPATH": os.getcwd()}
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(60)


def served(world: World, population: list[bytes], starts: int, watched: int) -> Iterator[Row]:
    """Start the authority so many times and wait for its first answer; after the last start, revoke."""
    path, base_port = world.directory, free_base_port()
    authority = Authority.of(CA, world.home.ca_certificates()[CA].der)
    first, all_of_it = [], []
    for start in range(starts):
        began = time.monotonic()
        with serving(path, base_port) as process:
            asked = question(authority, population[start])
            until(partial(_good, base_port + 1, asked), "an answer", process)
            first.append(time.monotonic() - began)
            until(partial(_everything_runs, path.parent / "serve.out"), "everything runs", process)
            all_of_it.append(time.monotonic() - began)
            if start == starts - 1:
                yield from revocations(world, authority, population[starts:], base_port + 1, watched)
    what = f"`sceau serve --only issuer publication`, {len(population):,} certificates: from start to"
    yield within("W5", f"{what} first answer about one of them, worst of {starts}", "s", max(first), 5)
    yield Row("W5", f"{what} every process ready (the signer too), worst of {starts}", "s", max(all_of_it))


def revocations(world: World, authority: Authority, population: list[bytes], port: int, watched: int) -> Iterator[Row]:
    """Revoke one after the other beside the running authority; time the call, and how long until every worker says so."""
    home: Home = open_home(world.directory)
    revocation = registrar.revocation(home)
    workers = connections_to_workers(port)
    calls, delays = [], []
    some = population[:: max(1, len(population) // 1_000)]
    for number, serial in enumerate(some[: 10 * watched]):
        act = world.act(OFFICER, revocation.officer_statement(serial, Reason.SUPERSEDED, OFFICER))
        began = time.monotonic()
        revocation.by_officer(act)
        done = time.monotonic()
        calls.append(done - began)
        if number < watched:
            asked = question(authority, serial)
            until(partial(_revoked_everywhere, workers, asked), "seen as revoked", pause=0.01)
            delays.append(time.monotonic() - done)
        time.sleep(0.02)
    for line in workers:
        line.close()
    p99 = sorted(calls)[int(len(calls) * 0.99)]
    what = f"{len(population):,} certificates, the issuer at work"
    yield within("W2", f"{what}: a revocation's call, p99 of {len(calls)}", "ms", p99 * 1e3, 50)
    title = f"{what}: from its commit until {len(workers)} workers say so"
    yield within("W2", f"{title}, worst of {len(delays)}", "s", max(delays), 5)
    yield Row("W2", f"{title}, median", "s", statistics.median(delays))


def connections_to_workers(port: int) -> list[HTTPConnection]:
    """Return a kept connection to each worker: connect until no new one has been met for a while."""
    met: dict[int, HTTPConnection] = {}
    for _ in range(60):
        line = HTTPConnection("127.0.0.1", port, timeout=10)
        line.request("GET", "/healthz")
        worker = json.loads(line.getresponse().read())["worker"]
        if worker in met:
            line.close()
        else:
            met[worker] = line
    return list(met.values())


def until(
    condition: Callable[[], bool], what: str, process: subprocess.Popen[bytes] | None = None, *, pause: float = 0.02
) -> None:
    """Wait for something to become true, as long as the process lives that is to make it so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline or (process is not None and process.poll() is not None):
            raise RuntimeError(f"never happened: {what}")
        time.sleep(pause)


def _good(port: int, asked: bytes) -> bool:
    line = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        return _status(line, asked) == "GOOD"
    except (OSError, HTTPException):
        return False  # nobody listens yet
    finally:
        line.close()


def _everything_runs(log: Path) -> bool:
    return "Everything runs" in log.read_text(encoding="utf-8")


def _revoked_everywhere(workers: list[HTTPConnection], asked: bytes) -> bool:
    return all(_status(line, asked) == "REVOKED" for line in workers)


def _status(line: HTTPConnection, asked: bytes) -> str | None:
    line.request("POST", "/ocsp", asked, {"Content-Type": "application/ocsp-request"})
    answer = ocsp.load_der_ocsp_response(line.getresponse().read())
    return answer.certificate_status.name if answer.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL else None


if __name__ == "__main__":
    main(chosen("status"))
