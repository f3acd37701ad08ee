"""Whether who asks can tell by the time of an answer that somebody is known here (reliability W11): no test is timed, this is.

`tests/isolation/test_sameness.py` shows that nothing more is done for the one than for the other. Here both are asked in a random
order, as somebody without a session would, and the two distributions are compared: by their ranks (Mann-Whitney; |z| beyond 4 is
one chance in sixteen thousand), and by their medians beside what two halves of the same question differ by.
"""

from __future__ import annotations

import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.sizes import chosen
from bench.table import Row
from pki.authenticators.model import Account, Kind
from tests.builders.authenticator import Authenticator
from tests.isolation.people import DOCTOR, NURSE, OTHER_DOCTOR, URL, Crowd, crowd
from tests.world import doctor

FARTHEST = 4.0
AGAIN = "the known against itself"
Ask = Callable[[], float]


def z_of(first: list[float], second: list[float]) -> float:
    """Return the normal deviate of Mann and Whitney's U: 0 when the one is as often the longer as the other."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks = sum(rank for rank, (_, of) in enumerate(ranked, 1) if of == 0)
    m, n = len(first), len(second)
    return (ranks - m * (m + n + 1) / 2) / math.sqrt(m * n * (m + n + 1) / 12)


def report(found: Crowd, numbers: list[str], dice: random.Random) -> Ask:
    """Return what reports a loss for one of these numbers, from a new address each time, and says how long it took."""

    def ask() -> float:
        found.world.clock.advance(minutes=61)  # the sixth wrong code of an hour is another answer
        data = {"numero": dice.choice(numbers), "code": "AAAA-BBBB-CCCC-DDDD"}
        return timed(found, dice, "portal", "/perte", 403, data=data)

    return ask


def show(found: Crowd, device: Authenticator, dice: random.Random) -> Ask:
    """Return what shows a passkey whose signature is wrong."""

    def ask() -> float:
        options = found.office.passkeys.sign_in_options()
        return timed(found, dice, "board", "/connexion", 403, json={"response": device.show(options)})

    return ask


def timed(found: Crowd, dice: random.Random, audience: str, path: str, status: int, **body: object) -> float:
    """Ask once, from a new address; return the microseconds that it took."""
    where = {"REMOTE_ADDR": ".".join(str(dice.randrange(1, 255)) for _ in range(4))}
    began = time.perf_counter()
    answer = found.call(audience, found.people["nobody"], "POST", path, environ_overrides=where, **body)  # type: ignore[arg-type]
    took = time.perf_counter() - began
    assert answer.status_code == status, answer.get_data(as_text=True)
    return took * 1e6


def compare(what: str, known: Ask, unknown: Ask, count: int, dice: random.Random) -> None:
    """Ask both, mixed, and print what came of it."""
    for ask in (known, unknown):  # what is made once, at the first question
        for _ in range(5):
            ask()
    times: dict[bool, list[float]] = {True: [], False: []}
    order = [True, False] * count
    dice.shuffle(order)
    for each in order:
        times[each].append((known if each else unknown)())
    z, noise = z_of(times[True], times[False]), z_of(times[True][::2], times[True][1::2])
    asked = f"{what}: |z| of Mann-Whitney, {count} each"
    Row("W11", asked, "", abs(z), AGAIN, abs(noise), f"≤ {FARTHEST:g}", abs(z) <= FARTHEST).emit()
    apart = abs(statistics.median(times[True]) - statistics.median(times[False]))
    itself = abs(statistics.median(times[True][::2]) - statistics.median(times[True][1::2]))
    Row("W11", f"{what}: medians apart", "µs", apart, AGAIN, itself).emit()
    Row("W11", f"{what}: median", "µs", statistics.median(times[False])).emit()


def main() -> None:
    """Measure."""
    count = chosen("sameness").of(tiny=20, usual=500, full=2000)
    dice = random.Random(11)
    with tempfile.TemporaryDirectory() as folder, crowd(Path(folder) / "home") as found:
        for person in (DOCTOR, OTHER_DOCTOR):
            found.office.losses.new_sheet(Account(Kind.PERSON, person.idnat))
        known = [person.rpps for person in (DOCTOR, OTHER_DOCTOR, NURSE)]
        unknown = [doctor(rank).rpps for rank in (71, 72, 73)]
        compare("a loss reported", report(found, known, dice), report(found, unknown, dice), count, dice)
        forged = Authenticator(origin=URL, credential_id=found.people["officer"].device.credential_id)
        nobody = Authenticator(origin=URL, credential_id=b"a passkey that nobody has")
        compare("a passkey shown", show(found, forged, dice), show(found, nobody, dice), count, dice)


if __name__ == "__main__":
    main()
