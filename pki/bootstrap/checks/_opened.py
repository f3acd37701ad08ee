"""The home of a check, opened as a command opens it; None when it cannot be, which is another check's to say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trust.errors import SceauError

if TYPE_CHECKING:
    from pki.bootstrap.home import Home


def has_authority(home: Path) -> bool:
    """Tell whether there is a configuration."""
    return (home / "config" / "authority.toml").is_file()


def opened(home: Path) -> Home | None:
    """Open a home, creating nothing: no authority, or one whose configuration or database is refused, is None."""
    from pki import settings
    from pki.bootstrap.home import open_home

    try:
        url = settings.load(home).database_url
        if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
            return None  # opening would make an empty one
        return open_home(home)
    except SceauError:
        return None
