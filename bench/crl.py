"""Revocation lists (P9, P10): every list of a CA made from the rows of a real database, then again after a hundred revocations.

Ours is measured twice: the full list alone, and all that the product publishes (each shard, the full list, their deltas). Both
with the reading of the database, the verified signatures, the record of each list in the database and in the journal, and its
file made durable. The peer is `openssl ca -gencrl` over an index of as many lines: one list, one signature, one file.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice, pairwise
from pathlib import Path

from bench.issuance import peer_ca
from bench.population import CA, fill, model_certificate, serials, world_with_shards
from bench.sizes import Size, chosen
from bench.table import Row, against, cpu_of, cpu_of_children, within
from pki.adapters.publication_files import PublicationFiles
from pki.inventory.model import Reason, State
from pki.revocation.changes import end
from pki.signing.crl import CrlSigner
from pki.signing.door import SigningDoor
from pki.status.publish import CrlIssuer, CrlPublisher
from tests.world import World

NEW = 100
"""Revocations between two publications."""
ROUNDS = 3
A_SHARD = 18_000
"""Entries for which an authority takes one more shard; each has 25,000 at most (CP 7.2)."""


@dataclass(frozen=True)
class Found:
    """CPU seconds, and octets."""

    rows_alone: float
    """The full list from rows: like for like with the peer."""
    rows_all: float
    """Every list from rows."""
    again_alone: float
    again_all: float
    largest: int
    """Octets of the largest shard or delta of a shard."""


def measure(directory: Path, count: int) -> Found:
    """Make a home with so many revoked certificates; publish, revoke some more, publish again: one list, then all of them."""
    shards = -(-count // A_SHARD)
    world = world_with_shards(directory / "home", shards)
    model = model_certificate(world)
    population = serials(count + 2 * ROUNDS * NEW, 1)
    fill(world, model, population[:count], State.REVOKED, shards=shards)
    fill(world, model, population[count:], State.ISSUED, shards=shards)
    waiting = iter(population[count:])
    alone, every = _full_list_alone(world), world.issuer.crls
    rows_alone = cpu_of(alone.publish_due)
    again_alone = _again(world, alone, waiting)
    rows_all = cpu_of(lambda: every.publish_all(CA))
    again_all = _again(world, every, waiting)
    largest = max(path.stat().st_size for path in (directory / "home" / "publication" / "www" / "crl" / CA).glob("*.crl"))
    world.close()
    return Found(rows_alone, rows_all, again_alone, again_all, largest)


def _full_list_alone(world: World) -> CrlPublisher:
    """Return a publisher of one list, that of everything, as of a CA that has neither shards nor deltas."""
    ca, signer = world.issuer.authority.ca(CA), CrlSigner(SigningDoor(world.custodian))
    issuer = CrlIssuer(
        ca=CA,
        name_der=ca.view.name_der,
        key_id=ca.view.key_id,
        algorithm=ca.view.algorithm,
        base_url=ca.view.base_url,
        shards=0,
        delta=False,
        validity=timedelta(days=1),
        delay=timedelta(0),
        sign=lambda tbs, subject: signer.sign(ca.key, tbs, subject=subject),
    )
    return CrlPublisher(world.store, [issuer], PublicationFiles(world.home.settings.publication / "www"), world.clock)


def _again(world: World, publisher: CrlPublisher, waiting: Iterator[bytes]) -> float:
    """Return the median CPU seconds of publishing after revocations."""
    costs = []
    for _ in range(ROUNDS):
        _revoke(world, list(islice(waiting, NEW)))
        costs.append(cpu_of(lambda: publisher.publish_due(now=True)))
    return statistics.median(costs)


def _revoke(world: World, some: list[bytes]) -> None:
    world.clock.advance(seconds=60)
    with world.store.write() as tx:
        changed = end(tx, tx.certificates.of_serials(some), Reason.SUPERSEDED, world.clock.now(), "cnom-1")
    assert len(changed) == len(some)


def openssl(directory: Path, count: int) -> float:
    """Return the CPU seconds of `openssl ca -gencrl` over an index of that many revoked certificates."""
    folder = directory / "openssl"
    folder.mkdir()
    peer_ca(folder)
    (folder / "crlnumber").write_text("01\n", encoding="ascii")
    (folder / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndir={folder}\ndatabase={folder}/index.txt\ncrlnumber={folder}/crlnumber\n"
        f"certificate={folder}/ca.pem\nprivate_key={folder}/ca.key\ndefault_md=sha256\ndefault_crl_days=1\n",
        encoding="ascii",
    )
    with (folder / "index.txt").open("w", encoding="ascii") as index:
        for number, serial in enumerate(serials(count, 1)):
            reason = ",keyCompromise" if number % 2 else ""
            index.write(f"R\t400101000000Z\t260115000000Z{reason}\t{serial.hex().upper()}\tunknown\t/CN=peer\n")
    command = ["openssl", "ca", "-gencrl", "-config", str(folder / "ca.cnf"), "-out", str(folder / "list.pem")]
    return cpu_of_children(lambda: subprocess.run(command, check=True, capture_output=True))


def rows(count: int, ours: Found, theirs: float) -> Iterator[Row]:
    """Put ours beside the peer's. The goals are of a million: a small list costs its signatures and its file."""
    peer, goal = "openssl ca -gencrl, one list", count >= 1_000_000
    what = f"{count:,} revoked"
    for title, alone, every, at_most in (
        ("from rows", ours.rows_alone, ours.rows_all, 0.5),
        (f"after {NEW} more", ours.again_alone, ours.again_all, 1 / 30),
    ):
        row = against("P9", f"{what}, {title}: the full list", "s CPU", alone, peer, theirs, at_most)
        yield row if goal else replace(row, promised="", met=None)
        yield Row("P9", f"{what}, {title}: each shard, the full list, the deltas", "s CPU", every, peer, theirs)
    yield within("P10", f"{what}: largest shard or delta of one", "octets", ours.largest, 1_000_000)


def main(size: Size) -> None:
    """Measure and print."""
    counts: tuple[int, ...] = size.of(tiny=(200, 1000), usual=(10_000, 100_000), full=(10_000, 100_000, 1_000_000))
    found: dict[int, Found] = {}
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="sceau-bench-") as folder:
            theirs = openssl(Path(folder), count + NEW)
            found[count] = measure(Path(folder), count)
        for row in rows(count, found[count], theirs):
            row.emit()
    for smaller, larger in pairwise(counts):
        growth = found[larger].rows_alone / found[smaller].rows_alone
        row = within("P9", f"growth of the full list from rows, {smaller:,} to {larger:,}", "×", growth, 15)
        (row if larger == 1_000_000 else replace(row, promised="", met=None)).emit()


if __name__ == "__main__":
    main(chosen("crl"))
