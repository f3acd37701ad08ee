"""A piece of work in a process of its own, so that its memory and its CPU are its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.table import peak_mib


@dataclass(frozen=True)
class Cost:
    """What a piece of work took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, of all threads."""


def timed(action: Callable[[], Any]) -> tuple[Any, Cost]:
    """Do something here; return its result and its cost."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = action()
    return result, Cost(time.perf_counter() - wall, time.process_time() - cpu)


def apart(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Call a function of a module in a new process; return its result and the peak of that process's memory, in MiB."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        result, peak = pool.submit(_with_peak, function, arguments).result()
    return result, peak


def _with_peak(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, float]:
    try:
        result = function(*arguments)
    except Exception as error:  # noqa: BLE001 - it is raised again, on the other side
        # Not every error of ours can be sent to another process: its text can.
        raise RuntimeError(f"{type(error).__name__}: {error}") from None
    return result, peak_mib()
