"""Publication (P1 to P5, W4): status and files served by ours, by nginx, by cfssl and by `openssl ocsp`, in one run.

python -m bench.publication               20,000 certificates
python -m bench.publication --full        2,000,000, as the goals say
python -m bench.publication --count 500000

Servers are pinned to one core and wrk to the other; rounds are alternated and the median of three is kept; the figure is CPU for
one request, over all processes of a server. Every server's answers are decoded and verified before it is loaded. Needs two cores,
wrk, nginx with its Lua module, cfssl (golang-cfssl) and openssl; a peer that is not installed has no row.
"""

from __future__ import annotations

import base64
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench import ocsp_hostile
from bench.ocsp_fixture import Fixture, make
from bench.ocsp_servers import (
    CLIENT_CORE,
    Load,
    Server,
    cfssl,
    family,
    has_nginx_lua,
    live_signer,
    load,
    load_each,
    nginx,
    openssl,
    ours,
    verify,
)
from bench.sizes import Size, options
from bench.table import Row, against, note, within

Start = Callable[[Fixture], AbstractContextManager[Server]]
CONNECTIONS = (16, 64)
PARTS = ("status", "live", "files", "memory", "hostile")


@dataclass(frozen=True)
class Effort:
    """How often each server has its turn, and for how many seconds it is loaded each time."""

    rounds: int
    seconds: float


def main() -> int:
    """Run the section."""
    parser = options("bench.publication", "Publication beside its peers.")
    parser.add_argument("--count", type=int, help="certificates")
    parser.add_argument("--seconds", type=float, help="of each run of wrk")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    args = parser.parse_args()
    if not shutil.which("wrk") or not shutil.which("taskset"):
        note("wrk or taskset is not installed: nothing measured")
        return 1
    size: Size = args.size
    count = args.count or size.of(tiny=2_000, usual=20_000, full=2_000_000)
    effort = Effort(size.of(tiny=1, usual=3, full=3), args.seconds or size.of(tiny=0.5, usual=3.0, full=3.0))
    os.sched_setaffinity(0, {int(CLIENT_CORE)})  # the clients that we are ourselves
    with tempfile.TemporaryDirectory(prefix="sceau-bench-") as folder:
        fixture = make(Path(folder), count)
        if "status" in args.only:
            stored_status(fixture, effort)
        if "live" in args.only:
            live_status(fixture, effort)
        if "files" in args.only:
            files(fixture, effort)
        if "memory" in args.only:
            memory(fixture, effort)
        if "hostile" in args.only:
            with ours(fixture) as server:
                probes = size.of(tiny=100, usual=ocsp_hostile.PROBES, full=ocsp_hostile.PROBES)
                for row in ocsp_hostile.rows(server, fixture, effort.rounds, probes):
                    row.emit()
    return 0


def alternate(
    fixture: Fixture, starts: dict[str, Start], requests: Path, effort: Effort, at: tuple[int, ...] = CONNECTIONS
) -> dict[tuple[str, int], Load]:
    """Measure servers in turn; return the medians by server and number of connections."""
    found: dict[tuple[str, int], list[Load]] = {}
    for turn in range(effort.rounds):
        for name, start in starts.items():
            with start(fixture) as server:
                if turn == 0:
                    verify(server, fixture)
                for connections in at:
                    found.setdefault((name, connections), []).append(load(server, requests, connections, effort.seconds))
    medians = {key: _median(loads) for key, loads in found.items()}
    for (name, connections), each in medians.items():
        note(f"{name:20} c={connections:<3} {each.cpu_us:7.1f} µs {each.rate:9.0f}/s p99 {each.p99_ms:.2f} ms")
    return medians


def _median(loads: list[Load]) -> Load:
    return Load(
        statistics.median(each.cpu_us for each in loads),
        statistics.median(each.rate for each in loads),
        statistics.median(each.p99_ms for each in loads),
    )


def stored_status(fixture: Fixture, effort: Effort) -> None:
    """P1, P2, P3: POST, keep-alive, every request another serial."""
    note(f"stored status, POST, {fixture.count} certificates")
    starts: dict[str, Start] = {"ours": ours}
    if has_nginx_lua():
        starts["nginx"] = nginx
    if shutil.which("cfssl"):
        starts["cfssl"] = cfssl
    loads = alternate(fixture, starts, fixture.write_requests(fixture.folder / "post"), effort)
    for connections in CONNECTIONS:
        mine = loads["ours", connections]
        what = f"stored status, POST, c={connections}, {fixture.count:,} certificates: CPU for one"
        if "nginx" in starts:
            theirs = loads["nginx", connections]
            against("P1", what, "µs", mine.cpu_us, "nginx + Lua table", theirs.cpu_us, 1.25).emit()
        if "cfssl" in starts:
            against("P2", what, "µs", mine.cpu_us, "cfssl ocspserve", loads["cfssl", connections].cpu_us, 0.1).emit()
        if "nginx" in starts and connections == 64:
            theirs = loads["nginx", connections]
            against("P3", "stored status, c=64: p99", "ms", mine.p99_ms, "nginx + Lua table", theirs.p99_ms, 1.0).emit()
    note("stored status, GET")
    # Ten thousand: wrk's LuaJIT hashes long strings by their ends, which are alike here, and would take minutes to hold more.
    requests = fixture.write_requests(fixture.folder / "get", method="GET", serials=fixture.sample[:10_000])
    got = alternate(fixture, {"ours": ours}, requests, effort)
    for connections in CONNECTIONS:
        Row("P1", f"stored status, GET, c={connections}: CPU for one", "µs", got["ours", connections].cpu_us).emit()


def live_status(fixture: Fixture, effort: Effort) -> None:
    """P4: a nonce each, so that every answer is signed (P-256): publication and signer together, against `openssl ocsp`.

    `openssl ocsp` keeps no connection, so that "a connection each" is its only way; ours is measured that way too.
    """
    note("live status (nonce, P-256)")
    requests = fixture.write_requests(fixture.folder / "nonces", serials=fixture.sample[:20_000], nonces=True)
    bodies = [bytes.fromhex(line.split()[2]) for line in requests.read_text().splitlines()]
    found: dict[str, list[float]] = {"kept": [], "each": [], "openssl": []}
    for turn in range(effort.rounds):
        with live_signer(fixture) as signer, ours(fixture) as server:
            server.processes.append(signer)
            if turn == 0:
                verify(server, fixture, nonces=True)
            found["kept"].append(load(server, requests, 16, effort.seconds).cpu_us)
            found["each"].append(load_each(server, bodies, effort.seconds))
        with openssl(fixture) as server:
            if turn == 0:
                verify(server, fixture, nonces=True, count=20)
            found["openssl"].append(load_each(server, bodies, effort.seconds))
    kept, each, theirs = (statistics.median(values) for values in found.values())
    what = "live P-256 answer, publication and signer: CPU for one"
    against("P4", f"{what}, keep-alive, c=16", "µs", kept, "openssl ocsp", theirs, 0.7).emit()
    against("P4", f"{what}, a connection each, c=4", "µs", each, "openssl ocsp", theirs, 1.0).emit()


def files(fixture: Fixture, effort: Effort) -> None:
    """An issuer certificate and a list of 60 kB, by ours and by nginx from disk with its cache of open files."""
    if not has_nginx_lua():
        return
    www = fixture.folder / "publication" / "www"
    for name, size in (("aia/personnes.cer", 1_000), ("policies/CP.txt", 60_000)):
        path = www / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64encode(bytes(size))[:size])
        requests = fixture.folder / "file"
        requests.write_text(f"GET /{name}\n")
        note(f"a file of {size:,} octets")
        loads = alternate(fixture, {"ours": ours, "nginx": nginx}, requests, effort, at=(16,))
        mine, theirs = loads["ours", 16].cpu_us, loads["nginx", 16].cpu_us
        what = f"a file of {size // 1000} kB, c=16: CPU for one"
        Row("P1", what, "µs", mine, "nginx static file", theirs).emit()


def memory(fixture: Fixture, effort: Effort) -> None:
    """P5: the store on disk, and what a worker holds besides it; W5's part of publication: how soon it answers."""
    store = fixture.folder / "publication" / "status"
    octets = sum(path.stat().st_blocks * 512 for path in store.rglob("*") if path.is_file())
    within("P5", f"status store, {fixture.count:,} certificates: on disk for one", "octets", octets / fixture.count, 110).emit()
    began = time.monotonic()
    with ours(fixture) as server:
        verify(server, fixture, count=1)
        Row(
            "W5", f"publication of {fixture.count:,} certificates: from start to first answer", "s", time.monotonic() - began
        ).emit()
        requests = fixture.write_requests(fixture.folder / "post")
        load(server, requests, 64, effort.seconds)
        worker = family(server.processes)[-1]
        within("P5", "memory of a loaded worker besides the mapped store", "MiB", _resident(worker), 60).emit()


def _resident(process: int) -> float:
    """MiB of a process that are resident, less what it maps of the store."""
    total, counted = 0, True
    for line in Path(f"/proc/{process}/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:
            counted = not line.endswith("data.mdb")
        elif line.startswith("Rss:") and counted:
            total += int(line.split()[1])
    return total / 1024


if __name__ == "__main__":
    sys.exit(main())
