"""An issuer that publishes status without pause, to be killed: a program that acknowledges what it has stored.

``python -m tests.unit.status.issuer STORE`` puts statuses one at a time in a fixed order and rebuilds the store in between; after
each durable put it prints the serial and the status. Whatever it printed must be there after any death.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pki.status.model import Status, StatusFact
from tests.unit.status.toy import Shop, good, revoked, serials


def main() -> None:
    """Publish for ever: issue, revoke, and sign everybody again every so often."""
    shop = Shop(Path(sys.argv[1]), lease=0.05)
    population = serials(60)
    state: dict[bytes, StatusFact] = {}
    for turn in range(1_000_000):
        serial = population[turn * 7 % len(population)]
        again = serial in state and state[serial].status is Status.REVOKED
        state[serial] = revoked(serial) if again or turn % 3 == 2 else good(serial)
        shop.publish(state[serial])
        print(serial.hex(), state[serial].status.value, flush=True)
        if turn % 10 == 9:
            shop.rebuild([state[known] for known in sorted(state)])


if __name__ == "__main__":
    main()
