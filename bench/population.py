"""An inventory of any size in a real home: one certificate that was truly issued, and copies of its row under other serials.

The rows are whole (each with its to-be-signed certificate, of that serial), so that pages and indexes weigh what they weigh in
service; but nobody signed them and the journal does not know them. What is measured on them reads or changes their status.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from pki.adapters.store.bulk import insert_many
from pki.adapters.store.tables import certificates
from pki.bootstrap.home import open_home
from pki.inventory.model import Certificate, Reason, State
from tests.world import World, nurse

CA = "personnes"
AT_ONCE = 20_000
_COLUMNS = tuple(column.name for column in certificates.columns)


def world_with_shards(directory: Path, shards: int) -> World:
    """Make a home whose CA of persons cuts its lists in so many shards."""
    world = World(directory)
    file = directory / "config" / "authority.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r'(?m)(^id = "personnes"\n(?:.+\n)*?shards = )\d+', rf"\g<1>{shards}", text), encoding="utf-8")
    world.home = open_home(directory, clock=world.clock)
    world.reopen()
    return world


def serials(count: int, seed: int) -> list[bytes]:
    """Draw serials of the product's form, sorted."""
    source = random.Random(seed)
    return sorted({bytes((0x40 | source.getrandbits(6),)) + source.randbytes(15) for _ in range(count)})


def model_certificate(world: World) -> Certificate:
    """Issue one certificate, through the whole real path."""
    world.apply_register([nurse(1)])
    return world.enrol(nurse(1))


def fill(world: World, model: Certificate, population: list[bytes], state: State, *, shards: int = 4) -> None:
    """Put copies of a certificate in the inventory under these serials, issued or revoked (one in two with a reason)."""
    with world.store.read() as tx:
        row = tx.connection.execute(certificates.select().where(certificates.c.serial == model.serial)).one()
    for start in range(0, len(population), AT_ONCE):
        with world.store.write() as tx:
            rows = list(_copies(row._asdict(), model, population[start : start + AT_ONCE], state, shards))
            insert_many(tx.connection, certificates, _COLUMNS, rows)


def _copies(
    row: dict[str, object], model: Certificate, population: list[bytes], state: State, shards: int
) -> Iterator[tuple[object, ...]]:
    head, tail = model.tbs.split(model.serial, 1)
    revoked_at = int((model.not_before - timedelta(days=1)).timestamp())
    for number, serial in enumerate(population):
        values = row | {
            "serial": serial,
            "state": state.value,
            "holder": f"copy-{serial[:6].hex()}",
            "spki_hash": serial + serial,
            "tbs": head + serial + tail,
            "shard": int.from_bytes(serial[-4:], "big") % shards,
            "order_id": serial.hex(),
        }
        if state is State.REVOKED:
            reason = Reason.KEY_COMPROMISE if number % 2 else Reason.UNSPECIFIED
            values |= {"revoked_at": revoked_at - number % 86_400, "reason": reason.value, "changed_at": revoked_at}
        yield tuple([values[name] for name in _COLUMNS])
