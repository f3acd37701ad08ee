"""The sheets of a group, and the commands that make, verify and use them (CP 6.2.2, CP 6.2.4)."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from hsm import shares
from pki.bootstrap.backup.envelope import RECIPIENT, identity_of_shares, look
from pki.bootstrap.backup.sheets import Occasion, write_sheets
from tests.unit.backup.conftest import Saved
from tests.unit.commands.conftest import Sceau, runner
from trust.errors import Conflict


@pytest.fixture
def sceau(saved: Saved, capsys: pytest.CaptureFixture[str]) -> Sceau:
    """Run command lines on the home that was saved."""
    return runner(saved.world.directory, capsys)


def texts(pdf: bytes) -> list[str]:
    """Return the texts that a page shows, in their order."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    shown = []
    for stream in streams:
        try:
            page = zlib.decompress(stream)
        except zlib.error:
            continue
        shown += [each.decode("cp1252") for each in re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", page)]
    return shown


def test_a_sheet_holds_one_share_and_says_what_it_is(saved: Saved, place: Path) -> None:
    """The words in their order; set, number, threshold, fingerprint, day; in files that their maker alone can read."""
    occasion = Occasion("Autorité d'essai", "les sauvegardes", saved.world.clock.now())
    paths = write_sheets(saved.group, occasion, place / "sheets")
    assert len(paths) == 5
    for path, words in zip(paths, saved.group.shares, strict=True):
        assert path.stat().st_mode & 0o777 == 0o600
        content = path.read_bytes()
        assert content.count(b"/Type /Page\n") == 1
        shown = texts(content)
        told = shares.describe(words)
        numbers = [place for place, each in enumerate(shown) if each == "1"]
        assert [each for each in shown[numbers[0] :] if each.isalpha() and each.islower()][:33] == words.split()
        page = " ".join(shown)
        for fact in (f"Feuille {told.number} sur 5", f"Jeu {told.set_name}", "3 feuilles sur 5", saved.group.fingerprint):
            assert fact in page
    with pytest.raises(Conflict, match="not empty"):
        write_sheets(saved.group, occasion, place / "sheets")


def test_the_group_is_made_by_one_command_and_its_secret_is_nowhere(saved: Saved, sceau: Sceau, place: Path) -> None:
    """Only the recipient stays, in the configuration; another group does not take its place by accident."""
    config = saved.world.directory / "config" / RECIPIENT
    try:
        said = sceau("shares", "create", "--threshold", 3, "--shares", 5, "--sheets", place / "sheets", "--json")
        assert said.code == 0, said.err
        assert said.data["recipient"] in config.read_text()
        words = [
            " ".join([each for each in texts(Path(sheet).read_bytes()) if each.isalpha() and each.islower()][-33:])
            for sheet in said.data["sheets"]
        ]
        secret = str(identity_of_shares(words[:3]))
        assert str(identity_of_shares(words[2:]).to_public()) == said.data["recipient"]
        kept = [path for path in saved.world.directory.rglob("*") if path.is_file() and not path.is_socket()]
        assert not [path for path in kept if secret.encode() in path.read_bytes() or words[0].encode() in path.read_bytes()]
        again = sceau("shares", "create", "--threshold", 2, "--shares", 3, "--sheets", place / "other")
        assert (again.code, (place / "other").exists()) == (1, False)
        replaced = sceau("shares", "create", "--threshold", 2, "--shares", 3, "--sheets", place / "other", "--replace", "--json")
        assert replaced.data["recipient"] in config.read_text()
        assert said.data["recipient"] not in config.read_text()
    finally:
        config.unlink(missing_ok=True)


def test_sheets_are_verified_by_themselves(saved: Saved, sceau: Sceau, place: Path) -> None:
    """Exit code 0 when there are enough, 1 with two of five, 1 with a slip, whose place is said."""
    typed = place / "sheets.txt"
    typed.write_text("\n\n".join(saved.group.shares[:3]))
    enough = sceau("shares", "verify", typed, "--json")
    assert (enough.code, enough.data["sheets"], enough.data["lacking"]) == (0, [1, 2, 3], 0)
    assert enough.data["set"] == look(saved.group.shares[0]).set_name
    typed.write_text("\n\n".join(saved.group.shares[:2]))
    assert sceau("shares", "verify", typed).code == 1
    words = saved.group.shares[0].split()
    typed.write_text(" ".join([*words[:4], "sceau", *words[5:]]))
    slip = sceau("shares", "verify", typed)
    assert slip.code == 1 and "share 1: word 5" in slip.err


def test_a_backup_is_made_proven_and_put_back_by_commands(saved: Saved, sceau: Sceau, place: Path) -> None:
    """With sheets on the standard input; two of five are refused, and the count is said."""
    backup = place / "b.age"
    made = sceau("backup", "create", backup, "--to", saved.group.recipient, "--json")
    assert made.code == 0, made.err
    assert made.data["entries"] == saved.made.manifest.entries
    assert sceau("backup", "create", backup, "--to", saved.group.recipient).code == 1
    two = place / "two.txt"
    two.write_text("\n\n".join(saved.group.shares[3:]))
    refused = sceau("backup", "verify", backup, "--shares", two)
    assert refused.code == 1 and "1 lacking" in refused.err
    three = place / "three.txt"
    three.write_text("\n\n".join(saved.group.shares[2:]))
    proven = sceau("backup", "verify", backup, "--shares", three, "--json")
    assert (proven.code, proven.data["restores"], proven.data["entries"]) == (0, True, made.data["entries"])
    command = [sys.executable, "-P", "-m", "pki.cli.main", "restore", str(backup), "--home", str(place / "new")]
    done = subprocess.run(command, input="\n".join(saved.group.shares[:3]), capture_output=True, text=True, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    assert "in quarantine" in done.stdout and "reconcile" in done.stdout
    assert (place / "new" / "sceau.db").exists()
    again = subprocess.run(command, input="\n".join(saved.group.shares[:3]), capture_output=True, text=True)
    assert again.returncode == 1 and "is not empty" in again.stderr


def test_nobody_writes_secrets_on_a_command_line() -> None:
    """No option takes a word, a share or an identity: only files that hold them."""
    for module in ("shares", "backup", "restore"):
        source = (Path(__file__).parents[3] / "pki" / "cli" / f"{module}.py").read_text("utf-8")
        for option in re.findall(r'"--(identity|shares|key)", metavar="(\w+)"', source):
            assert option in {("identity", "FILE"), ("shares", "FILE"), ("shares", "N"), ("key", "FILE")}
