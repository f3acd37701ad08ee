"""Where a page may lead back to: a path of the same application, and nowhere else (ASVS 5.1.5: no open redirection)."""

from __future__ import annotations

LONGEST_PATH = 500


def local(prefix: str, path: object) -> str:
    """Return the address of a path that a browser gave, below the prefix of an application; its first page when it is no path."""
    if isinstance(path, str) and len(path) <= LONGEST_PATH and path.startswith("/") and not path.startswith(("//", "/\\")):
        return f"{prefix}{path}" if path.isprintable() and "\\" not in path else f"{prefix}/"
    return f"{prefix}/"
