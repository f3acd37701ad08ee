"""What every test gets: a Hypothesis that is the same everywhere and at each run, and the length report at the end."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# No deadline: tests share the cores. Derandomised: a run that was green stays green, and a failure can be shown to a colleague.
# HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("steady", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests recorded as ``report``: things to look at, which do not fail (the longest files and functions)."""
    for report in terminalreporter.stats.get("passed", []):
        for name, text in getattr(report, "user_properties", ()):
            if name == "report":
                terminalreporter.write_line(str(text))
