"""Keys in a token: the custodian beside the bare driver, and the whole path on SoftHSM beside sealed files (CP 6.2.1).

The bare driver is one session and one thread, a digest signed again and again: what nobody who speaks PKCS#11 from
Python can beat. The custodian does the same through its threads, limits and checks of the key. Wall time, for a token's
is what one waits for.
"""

from __future__ import annotations

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pkcs11
from pkcs11 import Attribute, Mechanism, ObjectClass

from bench.issuance import applied
from bench.sizes import Size, chosen
from bench.table import Row, against, median_of, within
from hsm.api import Custodian, KeyRef, KeyUse
from hsm.daemon import CustodyServer
from hsm.pkcs11.module import usual_module
from hsm.remote import RemoteCustodian
from tests.tokens import PIN, custodian_on, tokens
from tests.world import World, nurse
from trust.algorithms import CUSTODY_ALGORITHMS

BATCH = 500
GOAL = 1 / 0.6
"""Of the raw rate, sixty in a hundred at least."""
KEY = KeyRef("bench")
USES = frozenset({KeyUse.CERTIFICATE, KeyUse.CRL})
MIXED = ("P-256", "P-384", "RSA-3072", "RSA-3072-PSS", "Ed25519")


def main(size: Size) -> None:
    """Measure and print."""
    tokens()
    custodian = custodian_on("unit")
    custodian.generate(KEY, CUSTODY_ALGORITHMS["P-256"], USES)
    batches = size.of(tiny=1, usual=8, full=20)
    data = [b"%d" % number for number in range(BATCH)]
    raw = raw_key()

    def bare() -> None:
        for each in data:
            raw.sign(each.rjust(32, b"\0"), mechanism=Mechanism.ECDSA)

    floor = per_signature(bare, batches)
    what = f"P-256 in a token (SoftHSM), batches of {BATCH}: one signature"
    ours = per_signature(lambda: custodian.sign_many(KEY, KeyUse.CRL, data), batches)
    against("HSM", what, "µs wall", ours, "python-pkcs11, bare", floor, GOAL).emit()
    single = per_signature(lambda: [custodian.sign(KEY, KeyUse.CRL, each) for each in data], batches)
    Row("HSM", "the same, one by one", "µs wall", single, "python-pkcs11, bare", floor).emit()
    with tempfile.TemporaryDirectory(prefix="sceau-bench-") as folder:
        stop = Event()
        server = CustodyServer(Path(folder) / "socket", custodian, [os.getuid()])
        Thread(target=server.serve, args=(stop,), daemon=True).start()
        time.sleep(0.5)
        remote = RemoteCustodian(Path(folder) / "socket")
        away = per_signature(lambda: remote.sign_many(KEY, KeyUse.CRL, data), batches)
        Row("HSM", "the same in batches, asked over the socket of a custody process", "µs wall", away, "bare", floor).emit()
        stop.set()
        count = size.of(tiny=50, usual=1_000, full=5_000)
        sealed = issuance(Path(folder) / "sealed", count, None)
        token = issuance(Path(folder) / "token", count, "worlds")
        what = f"certificates through the whole path, keys in SoftHSM, {count} people: one"
        Row("HSM", what, "µs wall", token, "the same, sealed files", sealed).emit()
    seconds = size.of(tiny=3, usual=60, full=60)
    signed, errors = mixed(custodian, seconds)
    Row("HSM", f"8 threads, {len(MIXED)} algorithms, {seconds} s: signatures", "", signed).emit()
    within("HSM", "the same: errors, or signatures that do not verify", "", errors, 0).emit()


def per_signature(work: Any, batches: int) -> float:
    """Return the wall µs of one signature, the median of three rounds."""

    def once() -> float:
        start = time.perf_counter()
        for _ in range(batches):
            work()
        return (time.perf_counter() - start) / (batches * BATCH) * 1e6

    return median_of(3, once)


def raw_key() -> Any:
    """Return the key as the driver has it, in a session of its own."""
    library = pkcs11.lib(usual_module())
    (token,) = [slot.get_token() for slot in library.get_slots(token_present=True) if slot.get_token().label == "unit"]
    try:
        session = token.open(user_pin=PIN)
    except pkcs11.exceptions.UserAlreadyLoggedIn:
        session = token.open()
    (key,) = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: KEY.label})
    return key


def issuance(directory: Path, count: int, token: str | None) -> float:
    """Return the wall µs per certificate from application to publication, keys in a token or in sealed files."""
    world = World(directory, token=token)
    people = [nurse(rank) for rank in range(1, count + 1)]
    world.apply_register(people)
    world.issuer.turn_until_idle()
    applications = applied(people)
    start = time.perf_counter()
    draft = world.enrolment.draft("oni-1", applications)
    batch = world.enrolment.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2")))
    world.issuer.turn_until_idle()
    elapsed = time.perf_counter() - start
    assert len(world.certificates_of_batch(batch.id)) == count
    world.close()
    return elapsed / count * 1e6


def mixed(custodian: Custodian, seconds: float) -> tuple[int, int]:
    """Sign with keys of every kind from eight threads; return how many signatures were made, and how many went wrong."""
    keys = {name: KeyRef(f"bench-{name.lower()}") for name in MIXED}
    public = {name: custodian.generate(ref, CUSTODY_ALGORITHMS[name], USES) for name, ref in keys.items()}
    end = time.monotonic() + seconds

    def work(number: int) -> tuple[int, int]:
        name, made, wrong = MIXED[number % len(MIXED)], 0, 0
        while time.monotonic() < end:
            data = b"%d %d" % (number, made)
            try:
                sound = CUSTODY_ALGORITHMS[name].verifies(public[name], custodian.sign(keys[name], KeyUse.CRL, data), data)
            except Exception:  # noqa: BLE001  (whatever it is, it is counted)
                sound = False
            made, wrong = made + 1, wrong + (not sound)
        return made, wrong

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(8)))
    return sum(made for made, _ in results), sum(wrong for _, wrong in results)


if __name__ == "__main__":
    main(chosen("custody"))
