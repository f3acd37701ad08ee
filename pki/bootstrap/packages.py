"""Are the five packages ours? They have names that others use too, and `pip` replaces files without a word.

Looks at where each package is imported from, at which other distributions claim its name, and, when Sceau was installed from a
wheel, at the hash of every file. This finds accidents (a distribution installed over ours, or uninstalled from under it), not
an attacker who can write here: he would write this file too.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from trust.errors import Alarm

PACKAGES = ("trust", "hsm", "pki", "relying", "web")
DISTRIBUTION = "sceau"


@dataclass(frozen=True)
class Inspection:
    """What was found: where the packages are, how many files had a hash to compare, and what is wrong, one sentence each."""

    root: Path
    compared: int
    problems: tuple[str, ...]


def inspect() -> Inspection:
    """Examine the five packages as they are installed."""
    root = Path(__file__).parents[2]
    compared, changed = _compare_hashes()
    return Inspection(root, compared, (*_misplaced(root), *_claimed_by_others(), *changed))


def refuse_foreign() -> None:
    """Check the packages before a process starts.

    Raises:
        Alarm: one is not, or not wholly, ours.
    """
    if problems := inspect().problems:
        more = f" (and {len(problems) - 1} more: `sceau doctor`)" if len(problems) > 1 else ""
        raise Alarm(f"{problems[0]}{more}. Install Sceau again, in a virtual environment of its own")


def _misplaced(root: Path) -> list[str]:
    found = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            found.append(f"package {name!r} has lost its __init__.py (uninstalling another distribution takes it along)")
        elif Path(spec.origin).parent.parent != root:
            found.append(f"package {name!r} is somebody else's: {spec.origin}")
    return found


def _claimed_by_others() -> list[str]:
    owners = metadata.packages_distributions()
    return [
        f"package {name!r} is also installed by {other}"
        for name in PACKAGES
        for other in sorted(set(owners.get(name, ())) - {DISTRIBUTION})
    ]


def _compare_hashes() -> tuple[int, list[str]]:
    try:
        files = metadata.files(DISTRIBUTION) or ()
    except metadata.PackageNotFoundError:
        return 0, []  # a working tree: git is what knows its files
    ours = [file for file in files if file.parts[0] in PACKAGES and file.hash is not None]
    return len(ours), [f"{file} is not the file that was installed" for file in ours if not _unchanged(file)]


def _unchanged(file: metadata.PackagePath) -> bool:
    try:
        content = Path(str(file.locate())).read_bytes()
    except OSError:
        return False
    if file.hash is None or file.hash.mode != "sha256":
        return False
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode() == file.hash.value
