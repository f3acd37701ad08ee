"""Days, moments and numbers as people read them, in the language of the page."""

from __future__ import annotations

from datetime import UTC, datetime

from babel.dates import format_date

from trust import french
from web.kit.language import ENGLISH, spoken


def day(value: datetime) -> str:
    """Write a day, in universal time, as everything that is signed says it."""
    if spoken() == ENGLISH:
        return format_date(value.astimezone(UTC), "d MMMM y", locale=ENGLISH)
    return french.day(value)


def moment(value: datetime) -> str:
    """Write a moment, in universal time."""
    local = value.astimezone(UTC)
    if spoken() == ENGLISH:
        return f"{day(local)} at {local:%H:%M} (UTC)"
    return f"{day(local)} à {local:%H} h {local:%M} (UTC)"


def number(value: int) -> str:
    """Write a whole number, thousands apart: in French by a space that does not break."""
    return f"{value:,}" if spoken() == ENGLISH else f"{value:,}".replace(",", "\u202f")
