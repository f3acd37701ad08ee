"""The import contracts of ``pyproject.toml`` hold, and each catches the fault that it was written against."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.law.tree import ROOT, copy_of_packages


def lint_imports(tree: Path) -> tuple[int, str]:
    """Run import-linter on a tree: exit code, and what it says on one line."""
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run(
        [program, "--no-logo", "--no-cache"], cwd=tree, env={"PYTHONPATH": str(tree)}, capture_output=True, text=True
    )
    return done.returncode, " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages."""
    return copy_of_packages(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def planted(tree: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The copy, with one faulty file in it."""
    path = tree / request.param[0]
    made = not path.parent.exists()
    path.parent.mkdir(exist_ok=True)
    if made:
        (path.parent / "__init__.py").write_text('"""New."""\n')
    path.write_text(f'"""A fault."""\n{request.param[1]}\n')
    yield tree
    path.unlink()
    if made:
        (path.parent / "__init__.py").unlink()
        path.parent.rmdir()


def test_the_import_contracts_hold() -> None:
    """All of them, on this working tree."""
    code, said = lint_imports(ROOT)
    assert code == 0, said


FAULTS = {
    "trust knows the authority": ("trust/fault.py", "import pki.settings", "The five houses"),
    "the authority knows a page": ("pki/registration/fault.py", "import web.publication.settings", "The five houses"),
    "a low room imports a high one": ("pki/profiles/fault.py", "import pki.lint", "The rooms of the authority"),
    "the issuer reads the RA": ("pki/issuance/fault.py", "import pki.registration.model", "The rooms of the authority"),
    "a room that nobody declared": ("pki/cellar/fault.py", "", "The rooms of the authority"),
    "an application that nobody declared": ("web/lobby/fault.py", "", "One audience, one application"),
    "the mail service knows the authority": ("relying/fault.py", "import pki.inventory", "Relying parties are strangers"),
    "revocation takes a key": ("pki/revocation/fault.py", "from hsm import software", "Keys are reached through one door"),
    "revocation signs a certificate": (
        "pki/revocation/fault.py",
        "import pki.signing.certificate",
        "Certificates are signed for issuance",
    ),
    "issuance signs a CRL": ("pki/issuance/fault.py", "import pki.signing.crl", "CRLs and status answers are signed"),
    "issuance signs a checkpoint": ("pki/issuance/fault.py", "import pki.signing.checkpoint", "Checkpoints are signed"),
    "an issuer asks for itself": ("pki/issuance/fault.py", "import pki.signing.request", "Requests for the authority's own keys"),
    "status goes round to the door": ("pki/status/fault.py", "import pki.signing.door", "The door to the keys opens inside"),
    "publication reaches a key": (
        "web/publication/fault.py",
        "import pki.bootstrap.custody",
        "No chain of imports leads from a web",
    ),
    "the API opens an officer's key": ("web/api/fault.py", "import pki.bootstrap.officers", "The API carries signatures and"),
    "registration issues": (
        "pki/registration/fault.py",
        "import pki.issuance.service",
        "Registration writes orders and never issues",
    ),
    "publication opens the database": (
        "web/publication/fault.py",
        "import pki.adapters.store.engine",
        "Publication holds no database",
    ),
    "a codec calls a service": ("pki/protocols/fault.py", "import pki.status.answer", "Protocol codecs are octets in"),
    "a decision opens a socket": (
        "pki/issuance/fault.py",
        "def late() -> None:\n    import socket",
        "Thinking rooms touch neither",
    ),
    "naming knows a web framework": ("trust/fault.py", "def late() -> None:\n    import flask", "What anybody may know needs no"),
    "a profile fetches a CRL": ("pki/profiles/fault.py", "import trust.validation.http_client", "Thinking rooms touch neither"),
    "the product validates by a test's library": (
        "trust/fault.py",
        "import pyhanko_certvalidator",
        "Second opinions are for the tests",
    ),
}


@pytest.mark.parametrize(
    ("planted", "contract"), [(fault[:2], fault[2]) for fault in FAULTS.values()], indirect=["planted"], ids=FAULTS
)
def test_each_contract_catches_its_fault(planted: Path, contract: str) -> None:
    """A law that nobody can break is a law that nobody has read: each is broken once, and says so."""
    code, said = lint_imports(planted)
    assert code == 1, said
    assert contract in said.partition("Broken contracts")[2], said
