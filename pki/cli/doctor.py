"""`sceau doctor`: check this machine and this home, and say how to mend what is wrong

The checks themselves are in `pki.bootstrap.checks`.
"""

from __future__ import annotations

import argparse

from pki.cli._frame import Subparsers, command
from pki.cli._output import emit, one_line


def register(subparsers: Subparsers) -> None:
    """Declare the verb."""
    parser = command(
        subparsers,
        "doctor",
        "check this machine and this home, and say how to mend what is wrong",
        examples=["sceau doctor --home var/demo", "sceau doctor --json", "sceau doctor --keep", "sceau doctor --keys"],
        description="Check this machine and this home; change nothing. Exit code 1 when something is wrong, 0 otherwise.",
    )
    parser.add_argument("--keep", action="store_true", help="leave what was found in the home, for the administrators' page")
    parser.add_argument("--keys", action="store_true", help="show every key: where it lives, its uses, signatures, retirement")


def run(args: argparse.Namespace) -> int:
    """Examine and report."""
    if args.keys:
        from pki.cli.work import keys

        return keys.examine(args)
    from pki.bootstrap.checks import Finding, State, examine

    def lines(finding: Finding) -> list[str]:
        first = f"{finding.state:<8} {finding.name}: {one_line(finding.text)}"
        return [first, f"{'':<8} → {one_line(finding.fix)}"] if finding.fix else [first]

    findings = examine(args.home)
    if args.keep:
        from pki.bootstrap.examined import keep
        from pki.cli.work.keys import keep_if_old
        from trust.clock import SystemClock

        keep(args.home, findings, SystemClock().now())
        keep_if_old(args.home)
    as_data = [
        {"check": f.name, "ok": f.state is not State.FAILED, "state": f.state, "text": f.text, "fix": f.fix or None}
        for f in findings
    ]
    emit(args, as_data, "\n".join(line for finding in findings for line in lines(finding)))
    return 1 if any(finding.state is State.FAILED for finding in findings) else 0
