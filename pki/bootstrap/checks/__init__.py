"""The checks of `sceau doctor`: each looks at one thing, says what it saw and, when that is wrong, how to mend it.

To add one, put a function in a module of this folder (or a new module: they are found by themselves) and decorate it::

    @check("CRL age")
    def crl_age(home: Path) -> Finding:
        ...
        return good("every CRL is less than half its validity old")

It receives the home, which may hold no authority yet, and changes nothing. It returns one finding or several, by `good`,
`warning` (worth knowing, nothing is broken) or `bad` (with the fix, as an exact command where there is one). An error of our
families that it raises is a `bad` finding by itself. Import what is heavy inside the function.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from trust.errors import SceauError


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """What one check saw; `fix` is empty when there is nothing to do."""

    state: State
    text: str
    fix: str = ""
    name: str = ""
    """The name of its check, filled in by `examine`."""


Check = Callable[[Path], Finding | Sequence[Finding]]
_Check = TypeVar("_Check", bound=Check)

_registry: dict[str, Check] = {}


def check(name: str) -> Callable[[_Check], _Check]:
    """Register a check under the name that people will read."""

    def register(function: _Check) -> _Check:
        if _registry.get(name, function).__qualname__ != function.__qualname__:
            raise ValueError(f"two checks are called {name!r}")
        _registry[name] = function
        return function

    return register


def good(text: str) -> Finding:
    """Make a finding: as it should be."""
    return Finding(State.OK, text)


def warning(text: str, fix: str) -> Finding:
    """Make a finding: it works, and should be looked at."""
    return Finding(State.WARNING, text, fix)


def bad(text: str, fix: str) -> Finding:
    """Make a finding: it does not work, or is not safe."""
    return Finding(State.FAILED, text, fix)


def examine(home: Path) -> list[Finding]:
    """Run every check on a home, in the order of their names' modules. Raises nothing: a check that breaks is a finding."""
    for module in sorted(each.name for each in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")
    return [finding for name, function in _registry.items() for finding in _run(name, function, home)]


def _run(name: str, function: Check, home: Path) -> list[Finding]:
    try:
        found = function(home)
    except SceauError as error:
        found = bad(str(error), "see the message")
    except Exception as error:  # noqa: BLE001  # one broken check must not hide what the others saw
        found = bad(f"the check itself broke ({type(error).__name__}: {error})", "report it: this is a fault of Sceau's")
    return [replace(each, name=name) for each in ([found] if isinstance(found, Finding) else found)]
