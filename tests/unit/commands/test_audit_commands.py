"""`sceau audit`: what an edit, a cut, or a change without an entry looks like to an auditor (CP 5.4; invariant I11)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.commands.conftest import Sceau


def change(home: Path, *statements: str) -> None:
    """Change the database behind the authority's back."""
    connection = sqlite3.connect(home / "sceau.db")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_sound_authority_is_found_sound(looking: Sceau) -> None:
    """Journal, checkpoints and tables agree."""
    said = looking("audit", "verify", "--json")
    assert (said.code, said.data["holds"], said.data["faults"], said.data["tables"]) == (0, True, [], [])
    assert said.data["proven"] == said.data["entries"] > 100
    assert "is whole" in looking("audit", "verify").out


def test_an_edited_entry_is_named(sceau: Sceau, home: Path) -> None:
    """Exit code 1, and its number."""
    change(home, 'UPDATE journal SET entry = replace(entry, \'"by":"init"\', \'"by":"anybody"\') WHERE seq = 1')
    said = sceau("audit", "verify", "--json")
    assert (said.code, said.data["first_bad"], said.data["faults"][0]["kind"]) == (1, 1, "altered")
    assert "entry 1: altered" in sceau("audit", "verify").out


def test_a_deleted_entry_is_named(sceau: Sceau, home: Path) -> None:
    """Even with everything after it left alone."""
    change(home, "DELETE FROM journal WHERE seq = 30")
    assert sceau("audit", "verify", "--json").data["first_bad"] == 30


def test_a_cut_tail_needs_a_checkpoint_from_elsewhere(sceau: Sceau, home: Path, tmp_path: Path) -> None:
    """Whoever owns the machine rolls the database back, published files included; the auditor's checkpoint tells."""
    earlier = shutil.copytree(home, tmp_path / "earlier")
    assert sceau("register", "apply", "--officer", "oni-1").code == 0
    kept = tmp_path / "kept.txt"
    kept.write_text(sceau("audit", "checkpoint", "--seal").out, encoding="utf-8")
    key = tmp_path / "journal.key"
    key.write_text(sceau("audit", "key").out, encoding="utf-8")
    shutil.rmtree(home)
    shutil.copytree(earlier, home)
    assert sceau("audit", "verify").code == 0
    said = sceau("audit", "verify", "--checkpoint", kept, "--key", key, "--json")
    assert (said.code, said.data["faults"][0]["kind"]) == (1, "missing")


def test_a_rollback_of_the_database_alone_is_told_by_the_published_checkpoint(sceau: Sceau, home: Path, tmp_path: Path) -> None:
    """And nothing is sealed over it."""
    earlier = tmp_path / "earlier.db"
    with sqlite3.connect(home / "sceau.db") as connection:
        connection.execute("VACUUM INTO ?", (str(earlier),))
    connection.close()
    assert sceau("register", "apply", "--officer", "oni-1").code == 0
    assert sceau("audit", "checkpoint", "--seal").code == 0
    for path in home.glob("sceau.db*"):
        path.unlink()
    shutil.copy(earlier, home / "sceau.db")
    assert sceau("audit", "verify", "--json").data["faults"][0]["kind"] == "missing"
    said = sceau("audit", "checkpoint", "--seal", "--json")
    assert (said.code, said.error["error"]) == (1, "alarm")
    assert "went back" in said.error["reason"]


def test_a_change_without_an_entry_is_named(sceau: Sceau, home: Path, serial_of: Callable[..., str]) -> None:
    """A revoked certificate that somebody made good again in the table."""
    serial = serial_of(state="revoked")
    change(home, f"UPDATE certificates SET state = 1, revoked_at = NULL, reason = NULL WHERE serial = x'{serial}'")
    said = sceau("audit", "verify", "--json")
    assert (said.code, said.data["faults"]) == (1, [])
    assert f"certificate {serial}" in {each["what"] for each in said.data["tables"]}
    assert "do NOT say what the journal says" in sceau("audit", "verify").out


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE certificates SET reason = 4 WHERE state = 3 AND reason = 1", "reasons of certificates"),
        ("UPDATE certificates SET revoked_at = revoked_at + 60 WHERE state = 2", "dates of certificates"),
        ("DELETE FROM certificates WHERE profile = 'org-cachet'", "certificates prepared"),
        ("DELETE FROM blocked_keys", "keys blocked"),
        ("UPDATE organisations SET approved_at = 1 WHERE approved_at IS NULL", "structures"),
        ("DELETE FROM officers WHERE id = 'oni-1'", "officers' keys entered"),
        ("UPDATE officers SET withdrawn_at = 1 WHERE id = 'oni-1'", "officers with a key"),
        ("UPDATE sanctions SET lifted_at = 1", "decisions of ordres in force"),
        ("UPDATE crls SET number = 1 WHERE ca = 'personnes' AND scope = 'full'", "numbers of revocation lists"),
        ("UPDATE batches SET state = 0 WHERE state = 2", "batches refused"),
        ("DELETE FROM orders WHERE state = 2", "orders written"),
        ("DELETE FROM acts WHERE type = 'approval/1'", "approvals"),
    ],
)
def test_every_table_answers_to_the_journal(sceau: Sceau, home: Path, statement: str, what: str) -> None:
    """Whatever row is changed, added or taken away behind its back."""
    change(home, statement)
    said = sceau("audit", "verify", "--json")
    assert said.code == 1
    assert what in {each["what"] for each in said.data["tables"]}


def test_entries_are_shown_from_the_end_or_from_a_number(looking: Sceau) -> None:
    """Filtered by type, family of types, or what they are about."""
    last = looking("audit", "show", "--limit", "3", "--json").data
    assert [each["seq"] for each in last] == list(range(last[0]["seq"], last[0]["seq"] + 3))
    assert [each["seq"] for each in looking("audit", "show", "--from", "0", "--limit", "2", "--json").data] == [0, 1]
    revoked = looking("audit", "show", "--type", "certificate.revoked", "--json").data
    assert len(revoked) == 5
    serial = revoked[0]["facts"]["serial"]
    about = looking("audit", "show", "--about", serial, "--json").data
    assert [each["type"] for each in about] == ["certificate.prepared", "certificate.issued", "certificate.revoked"]
    assert {each["type"].split(".")[0] for each in looking("audit", "show", "--type", "crl", "--json").data} == {"crl"}
    assert serial in looking("audit", "show", "--about", serial).out
    assert looking("audit", "show", "--type", "nothing").out.startswith("No entry matches")
    assert looking("audit", "show", "--limit", "0").code == 2


def test_the_checkpoint_and_the_key_are_printed_as_others_read_them(looking: Sceau) -> None:
    """A signed note, and its verifier key on one line."""
    note = looking("audit", "checkpoint").out
    key = looking("audit", "key").out
    assert note.splitlines()[0] == key.split("+")[0]
    assert looking("audit", "checkpoint", "--json").data["note"] == note
    assert note.splitlines()[4].startswith("— ")


@pytest.mark.parametrize("content", ["", "not a key", "a+b+c", "racine+00000000+AQ=="])
def test_a_key_that_is_none_is_refused(looking: Sceau, tmp_path: Path, content: str) -> None:
    """Malformed, in one line."""
    (tmp_path / "key").write_text(content)
    said = looking("audit", "verify", "--key", tmp_path / "key", "--json")
    assert (said.code, said.error["error"]) == (1, "malformed")


def test_a_checkpoint_that_nobody_signed_is_reported(looking: Sceau, tmp_path: Path) -> None:
    """As forged, not as a fault of the journal's entries."""
    note = looking("audit", "checkpoint").out
    (tmp_path / "forged").write_text(note.replace("\n", "\n9", 1), encoding="utf-8")
    said = looking("audit", "verify", "--checkpoint", tmp_path / "forged", "--json")
    assert (said.code, said.data["faults"][0]["kind"], said.data["first_bad"]) == (1, "forged checkpoint", None)
