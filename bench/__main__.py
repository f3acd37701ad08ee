"""`make bench`: run the sections one after the other, and print one table.

python -m bench                 the usual sizes, ten minutes
python -m bench --full          one million and two million, as the goals say: most of an hour
python -m bench --tiny          to see that each section runs
python -m bench --only crl      one section

How to read it: docs/bench.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from bench.sizes import Size, options
from bench.table import Row, note

SECTIONS = ("issuance", "custody", "enrolment", "register", "crl", "status", "validation", "sameness", "publication")


def main() -> int:
    """Run; exit 1 when a section failed (a goal that is missed is a figure, not a failure)."""
    parser = options("bench", "Ours beside the peers, in one run.")
    parser.add_argument("--markdown", action="store_true", help="print the table as docs/bench.md has it")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    args = parser.parse_args()
    rows: list[Row] = []
    failed = []
    for section in args.only:
        began = time.monotonic()
        note(f"— {section}")
        if not run(section, args.size, rows):
            failed.append(section)
        note(f"  {time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}")
    print(markdown(rows) if args.markdown else table(rows))
    if failed:
        note(f"sections that failed: {', '.join(failed)}")
    return 1 if failed else 0


def run(section: str, size: Size, rows: list[Row]) -> bool:
    """Run a section in a process of its own and collect its rows; return whether it came to its end."""
    option = [] if size is Size.USUAL else [f"--{size}"]
    command = [sys.executable, "-P", "-m", f"bench.{section}", *option]
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ROW "):
                rows.append(Row(**json.loads(line[4:])))
            else:
                note(f"  {line.rstrip()}")
    return process.returncode == 0


def cells(rows: list[Row]) -> list[tuple[str, ...]]:
    """Write the rows, after a row of heads."""
    written: list[tuple[str, ...]] = [("goal", "what", "ours", "peer", "theirs", "ratio", "promised", "met")]
    for row in rows:
        written.append(
            (
                row.goal,
                row.what,
                f"{row.ours:.4g} {row.unit}",
                row.peer,
                "" if row.theirs is None else f"{row.theirs:.4g} {row.unit}",
                "" if row.ratio is None else f"{row.ratio:.3g}",
                row.promised,
                {True: "yes", False: "NO", None: ""}[row.met],
            )
        )
    return written


def table(rows: list[Row]) -> str:
    """Write the rows in columns."""
    lines = cells(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def markdown(rows: list[Row]) -> str:
    """Write the rows as a table of Markdown."""
    head, *lines = cells(rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ("---",) * len(head), *lines))


if __name__ == "__main__":
    sys.exit(main())
