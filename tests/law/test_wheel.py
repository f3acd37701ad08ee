"""What a site installs: exactly the five packages and the data that ships with them, and how it tells when one is replaced.

The names of the packages are common words; other distributions use them too, and `pip` overwrites without a word.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.law.tree import PACKAGES, ROOT, product_files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this working tree."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """A folder of packages with the wheel in it, as pip would leave it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    return tmp_path / "site"


def test_the_wheel_holds_exactly_the_five_packages(wheel: Path) -> None:
    """No tests, no tools, no documentation become somebody's top-level names."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops - {top for top in tops if top.startswith("sceau-") and top.endswith(".dist-info")} == set(PACKAGES)
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_the_wheel_holds_every_module(wheel: Path) -> None:
    """Those of the working tree, none forgotten and none more."""
    python = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    assert python == {path.relative_to(ROOT).as_posix() for path in product_files()}


def test_the_wheel_carries_its_data_inside_a_package_of_ours(wheel: Path) -> None:
    """The configuration to copy and the policies to obey, whole, under ``pki/_shipped``."""
    shipped = {
        name.removeprefix("pki/_shipped/") for name in zipfile.ZipFile(wheel).namelist() if name.startswith("pki/_shipped/")
    }
    expected = {
        path.relative_to(ROOT).as_posix()
        for folder in ("ca_config", "policies")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert shipped == expected
    assert {"ca_config/dev/authority.toml", "policies/limits.toml"} <= shipped


def inspection(site: Path) -> tuple[int, list[str]]:
    """Inspect the packages as found in a folder: how many files were compared, and what is wrong."""
    program = (
        "import json; from pki.bootstrap.packages import inspect; seen = inspect(); "
        "print(json.dumps([str(seen.root), seen.compared, seen.problems]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True, check=True)
    root, compared, problems = json.loads(done.stdout)
    assert root == str(site)
    return compared, problems


def test_an_installation_knows_its_own_files(installed: Path) -> None:
    """Each has the hash it was installed with."""
    compared, problems = inspection(installed)
    assert problems == []
    assert compared > len(product_files())


def test_a_replaced_file_is_seen(installed: Path) -> None:
    """As when ``web.py`` is installed over ours: it brings its own ``web/__init__.py``."""
    (installed / "web" / "__init__.py").write_text("# web.py\n")
    assert inspection(installed)[1] == ["web/__init__.py is not the file that was installed"]


def test_a_lost_file_is_seen(installed: Path) -> None:
    """As when that other distribution is uninstalled, and takes our file along."""
    (installed / "web" / "__init__.py").unlink()
    problems = inspection(installed)[1]
    assert "web/__init__.py is not the file that was installed" in problems


def test_another_owner_of_a_name_is_seen(installed: Path) -> None:
    """Two distributions that both claim ``pki``: the next upgrade of either breaks the other."""
    other = installed / "dogtag_pki-11.2.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: dogtag-pki\nVersion: 11.2.1\n")
    (other / "RECORD").write_text("pki/__init__.py,,\npki/client.py,,\n")
    assert inspection(installed)[1] == ["package 'pki' is also installed by dogtag-pki"]


def test_a_process_does_not_start_on_foreign_packages(installed: Path, tmp_path: Path) -> None:
    """One clear line, and exit code 1."""
    (installed / "hsm" / "__init__.py").write_text("# somebody else's\n")
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", "-m", "pki.cli.main", "serve", "--home", str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("sceau: alarm: hsm/__init__.py is not the file that was installed. Install Sceau again")
    assert done.stderr.count("\n") == 1
