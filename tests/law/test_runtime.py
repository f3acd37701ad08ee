"""What is in memory once a process has started: the law that static analysis cannot see (imports by name, late imports)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.law.tree import PACKAGES, ROOT, product_files


def modules_after(program: str) -> set[str]:
    """Run a program in a fresh interpreter and return the names of what it has imported."""
    show = "\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", program + show], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def under(modules: set[str], *roots: str) -> set[str]:
    """Return those that are one of the roots, or inside one."""
    return {name for name in modules if any(name == root or name.startswith(f"{root}.") for root in roots)}


@pytest.mark.parametrize(
    "program",
    [
        pytest.param("import web.publication.server", id="by its entry point"),
        # As `sceau serve --only publication` comes to it: through the command frame and the child's half of the supervisor.
        pytest.param(
            "import pki.cli.main, pki.cli.serve, pki.bootstrap.child as child\n"
            "from pki.bootstrap.services import named\nchild._entry(named('publication'))",
            id="by the command",
        ),
    ],
)
def test_the_publication_process_holds_no_key_and_no_database(program: str) -> None:
    """Neither custody nor signing nor a database library is in its memory, whoever breaks into it."""
    modules = modules_after(program)
    assert "web.publication.server" in modules
    assert under(modules, "hsm", "pki.signing", "pki.issuance", "pki.adapters.store", "sqlalchemy", "alembic", "psycopg") == set()


def test_relying_parties_load_nothing_of_the_authority() -> None:
    """They are built like an outsider."""
    names = [
        _module(path.relative_to(ROOT).as_posix()) for path in product_files() if path.relative_to(ROOT).parts[0] == "relying"
    ]
    assert under(modules_after("\n".join(f"import {name}" for name in names)), "pki", "hsm") == set()


def test_no_second_opinion_is_imported_at_run_time() -> None:
    """certvalidator and oscrypto fail on current OpenSSL, badkeys belongs to the tests: with every module loaded, none is.

    Migrations are left out: Alembic runs them, they are not there to be imported.
    """
    names = [_module(path.relative_to(ROOT).as_posix()) for path in product_files() if "migrations" not in path.parts]
    modules = modules_after("\n".join(f"import {name}" for name in names))
    assert under(modules, *PACKAGES) >= set(names)
    assert under(modules, "certvalidator", "pyhanko_certvalidator", "oscrypto", "badkeys", "pytest", "hypothesis") == set()


def _module(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
