"""`make bench`: run the sections one after the other, and print one table.

python -m bench                 the usual sizes, some minutes
python -m bench --full          one million and two million, as the goals say
python -m bench --only crl      one section
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

from bench.table import Row

SECTIONS = ("issuance", "register", "crl", "validation", "publication")


def main() -> int:
    """Run; exit 1 when a section failed (a goal that is missed is a figure, not a failure)."""
    parser = argparse.ArgumentParser(prog="bench", description="Ours beside the peers, in one run.")
    parser.add_argument("--full", action="store_true", help="the sizes of the goals: one and two million")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    args = parser.parse_args()
    rows: list[Row] = []
    failed = []
    for section in args.only:
        print(f"— {section}", file=sys.stderr, flush=True)
        command = [sys.executable, "-P", "-m", f"bench.{section}", *(["--full"] if args.full else [])]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()}
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("ROW "):
                    rows.append(Row(**json.loads(line[4:])))
                else:
                    print(f"  {line}", end="", file=sys.stderr)
        if process.returncode:
            failed.append(section)
    print(table(rows))
    if failed:
        print(f"sections that failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def table(rows: list[Row]) -> str:
    """Write the rows in columns."""
    head = ("goal", "what", "ours", "peer", "theirs", "ratio", "promised", "met")
    lines = [head]
    for row in rows:
        lines.append(
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
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


if __name__ == "__main__":
    sys.exit(main())
