"""A publication worker without HTTP: a program that reads questions on its input and answers them from a store, lock-free.

Tests run it where the truth needs a second process: ``python -m tests.unit.status.publication STORE [MAP_SIZE]``. Commands, one a
line: ``ask HEX`` prints the kind and the answer; ``hammer SECONDS HEX…`` asks all the time and counts the kinds; ``rss`` prints
its memory.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from time import monotonic

from pki.protocols.ocsp import read_request
from pki.status.answer import Answerer, Policy
from pki.status.reader import StatusReader
from tests.unit.status.toy import NOON


def hammer(answerer: Answerer, seconds: float, bodies: list[bytes]) -> dict[str, int]:
    """Ask in turn until the time is over; count what came."""
    kinds: Counter[str] = Counter()
    end = monotonic() + seconds
    while monotonic() < end:
        for body in bodies:
            kinds[answerer.answer(body, NOON).kind.value] += 1
    return dict(kinds)


def memory() -> dict[str, int]:
    """Return resident kilobytes, of which mapped from files and of our own."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return {name: int(found[name].split()[0]) for name in ("VmRSS", "RssAnon", "RssFile")}


def main() -> None:
    """Serve the commands on standard input."""
    answerer = Answerer(Path(sys.argv[1]), None, Policy(), read_request)
    if len(sys.argv) > 2:
        answerer.reader = StatusReader(Path(sys.argv[1]), map_size=int(sys.argv[2]))
    for line in sys.stdin:
        command, *words = line.split()
        if command == "ask":
            answer = answerer.answer(bytes.fromhex(words[0]), NOON)
            print(answer.kind.value, answer.body.hex(), flush=True)
        elif command == "hammer":
            print(hammer(answerer, float(words[0]), [bytes.fromhex(word) for word in words[1:]]), flush=True)
        else:
            print(memory(), flush=True)


if __name__ == "__main__":
    main()
