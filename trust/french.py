"""Dates as people read them in French, in universal time, as everything that is signed says it."""

from __future__ import annotations

from datetime import UTC, datetime

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip


def day(value: datetime) -> str:
    """Write a day in French."""
    local = value.astimezone(UTC)
    return f"{'1er' if local.day == 1 else local.day} {MONTHS[local.month - 1]} {local.year}"
