"""`sceau register`: import, plan, sign, apply, decisions of ordres, people (CP 3.2.3, CP 4.9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pki.bootstrap.demo import SAMPLES
from tests.law.tree import ROOT
from tests.unit.commands.conftest import Sceau

SAMPLE = ROOT / "ca_config" / "dev" / "register" / SAMPLES[1]


def extraction(tmp_path: Path, *, bad: int = 0, without: int = 0) -> Path:
    """Write tomorrow's extraction: that of the sample, some lines spoiled, or without the first people of the file."""
    header, *lines = SAMPLE.read_text("utf-8").splitlines()
    gone = {line.split("|")[1] for line in lines[:without]}
    kept = [line for line in lines if line.split("|")[1] not in gone]
    for number in range(bad):
        cells = kept[number].split("|")
        cells[1] = cells[1][:-1] + str((int(cells[1][-1]) + 1) % 10)
        kept[number] = "|".join(cells)
    path = tmp_path / "extraction.txt"
    path.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")
    return path


def tomorrow(sceau: Sceau) -> str:
    """Return a register date after those of the demonstration, and not in the future."""
    return str(sceau("register", "snapshots", "--json").data[0]["register_date"])


def imported(sceau: Sceau, path: Path) -> str:
    """Import an extraction; return its snapshot."""
    said = sceau("register", "import", path, "--date", tomorrow(sceau), "--json")
    assert said.code == 0, said.err
    return str(said.data["snapshot"])


def test_bad_lines_are_reported_with_number_and_reason(sceau: Sceau, tmp_path: Path) -> None:
    """And the people whom they are about are in doubt, not gone."""
    said = sceau("register", "import", extraction(tmp_path, bad=2), "--date", tomorrow(sceau))
    assert said.code == 0
    assert "2 lines could not be read" in said.out
    assert "line 2: " in said.out
    assert "line 3: " in said.out
    assert "`sceau register plan`" in said.out


def test_an_import_says_its_figures_in_json(sceau: Sceau, tmp_path: Path) -> None:
    """For programs: counts, refused lines, date, hash."""
    data = sceau("register", "import", extraction(tmp_path, bad=1), "--date", tomorrow(sceau), "--json").data
    assert data["refused"] == [{"line": 2, "reason": data["refused"][0]["reason"]}]
    assert (data["refused_lines"], len(data["snapshot"]), data["people"] > 900) == (1, 64, True)


@pytest.mark.parametrize(
    ("arguments", "family", "words"),
    [
        (("nowhere.txt",), "missing", "no file"),
        ((str(ROOT / "LICENSE"),), "malformed", "not an extraction"),
        ((str(SAMPLE), "--date", "soon"), "malformed", "2026-11-20"),
        ((str(SAMPLE), "--date", "2999-01-01"), "malformed", "future"),
    ],
)
def test_what_is_no_extraction_is_refused_in_words(looking: Sceau, arguments: tuple[str, ...], family: str, words: str) -> None:
    """Nothing is kept of it."""
    before = looking("register", "snapshots", "--json").data
    said = looking("register", "import", *arguments, "--json")
    assert (said.code, said.error["error"]) == (1, family)
    assert words in said.error["reason"]
    assert looking("register", "snapshots", "--json").data == before


def test_the_plan_names_who_loses_the_right(looking: Sceau) -> None:
    """With the certificates that they have, and what to do next."""
    said = looking("register", "plan")
    assert said.code == 0
    data = looking("register", "plan", "--json").data
    losing = [person for person in data["people"] if person["loses_right"]]
    assert len(losing) == data["rights_taken"] == 6
    assert all(person["idnat"] in said.out and person["name"] in said.out for person in losing)
    assert "3 certificates of theirs" in said.out
    assert "`sceau register sign --officer ID`" in said.out


def test_the_whole_plan_names_everybody(looking: Sceau) -> None:
    """New people too, with --full; as many as the figures say."""
    data = looking("register", "plan", "--full", "--json").data
    assert len(data["people"]) == data["new"] + data["changed"] + data["gone"] + data["back"]
    assert "The others:" in looking("register", "plan", "--full").out


def test_a_plan_that_nobody_signed_is_not_applied(sceau: Sceau) -> None:
    """The refusal says how to sign."""
    said = sceau("register", "apply", "--json")
    assert (said.code, said.error["citation"]) == (1, "CP 4.9.3")
    assert "sceau register sign" in said.error["reason"]


def test_a_signed_plan_is_applied_and_certificates_follow(sceau: Sceau) -> None:
    """Who is gone goes on hold; the register in force is the new one."""
    plan = sceau("register", "plan", "--json").data["plan"]
    signed = sceau("register", "sign", "--officer", "oni-1")
    assert signed.code == 0
    assert signed.err.startswith("Jeanne Lorcy (oni-1, ONI) signs: apply the register of ")
    done = sceau("register", "apply", "--plan", plan[:12], "--json").data
    assert (done["held"], done["signed"]) == (3, ["oni-1"])
    assert [each["in_force"] for each in sceau("register", "snapshots", "--json").data] == [True, False]
    assert sceau("register", "plan").code == 1, "nothing waits any more"
    assert len(sceau("cert", "list", "--state", "held", "--json").data) == 6


def test_a_plan_other_than_the_one_looked_at_is_not_applied(sceau: Sceau) -> None:
    """The hash that was looked at no longer stands."""
    said = sceau("register", "apply", "--plan", "00ff", "--officer", "oni-1", "--json")
    assert (said.code, said.error["error"]) == (1, "conflict")


def test_a_plan_that_takes_the_right_of_many_needs_two_officers(sceau: Sceau, tmp_path: Path) -> None:
    """One signature is counted, and not enough."""
    snapshot = imported(sceau, extraction(tmp_path, without=90))
    assert sceau("register", "plan", snapshot, "--json").data["needed"] == 2
    said = sceau("register", "apply", snapshot, "--officer", "oni-1", "--json")
    assert said.code == 1
    assert "1 of 2 officers" in said.error["reason"]
    assert sceau("register", "apply", snapshot[:8], "--officer", "cnom-1", "--json").data["signed"] == ["cnom-1", "oni-1"]


def test_who_is_back_is_released(sceau: Sceau) -> None:
    """The hold was the register's, and its end is too."""
    assert sceau("register", "apply", "--officer", "oni-1", "--json").data["held"] == 3
    snapshot = imported(sceau, SAMPLE.with_name(SAMPLES[0]))
    done = sceau("register", "apply", snapshot, "--officer", "oni-1", "--json").data
    assert done["released"] == 3


def test_a_person_is_shown_as_the_register_in_force_has_them(looking: Sceau) -> None:
    """Standing before each board, certificates, decisions."""
    holder = looking("cert", "list", "--profile", "ps-chiffrement", "--json").data[0]["holder"]
    data = looking("register", "show", holder, "--json").data
    assert data["boards"] == {"CNOM": {"right": True, "reasons": []}}
    assert {each["profile"] for each in data["certificates"]} == {"ps-authentification", "ps-signature", "ps-chiffrement"}
    assert "has the right to practise" in looking("register", "show", holder[1:]).out


def test_nobody_real_is_asked_about(looking: Sceau) -> None:
    """A demonstration takes test numbers only."""
    said = looking("register", "show", "10000000016", "--json")
    assert (said.code, said.error["error"]) == (1, "malformed")
    said = looking("register", "show", "10000000017", "--json")
    assert (said.code, said.error["citation"]) == (1, "CP 3.1.5")


def decisions(tmp_path: Path, *lines: str) -> Path:
    """Write a file of decisions."""
    path = tmp_path / "decisions.csv"
    path.write_text("\n".join(["idnat;decision;date;reference", *lines]) + "\n", encoding="utf-8")
    return path


def test_a_radiation_revokes_what_the_person_has(sceau: Sceau, tmp_path: Path) -> None:
    """In the words of the ordre, signed by its officer."""
    holder = sceau("cert", "list", "--board", "ONI", "--state", "issued", "--json").data[0]["holder"]
    path = decisions(tmp_path, f"{holder};radiation;2026-01-05;D-7")
    said = sceau("register", "sanctions", path, "--officer", "oni-2")
    assert said.code == 0, said.err
    assert f"radiation of {holder}" in said.err
    states = {each["status"] for each in sceau("cert", "list", "--holder", holder, "--json").data}
    assert states == {"revoked"}
    again = sceau("register", "sanctions", path, "--officer", "oni-2", "--json")
    assert (again.code, again.error["error"]) == (1, "conflict")


def test_a_suspension_holds_and_its_lifting_releases(sceau: Sceau, tmp_path: Path) -> None:
    """A levée names the decision's person; what was held serves again."""
    holder = sceau("cert", "list", "--board", "CNOP", "--state", "issued", "--json").data[0]["holder"]
    said = sceau(
        "register", "sanctions", decisions(tmp_path, f"{holder};suspension;2026-01-05;D-8"), "--officer", "cnop-1", "--json"
    )
    assert said.data["held"] > 0
    said = sceau("register", "sanctions", decisions(tmp_path, f"{holder};levée;2026-01-06;D-9"), "--officer", "cnop-1", "--json")
    assert said.data["released"] > 0


def test_half_of_an_ordres_decisions_is_not_what_it_decided(sceau: Sceau, tmp_path: Path) -> None:
    """One bad line, and none is recorded; the dry run names it and needs no officer."""
    holder = sceau("cert", "list", "--board", "ONI", "--state", "issued", "--json").data[0]["holder"]
    path = decisions(tmp_path, f"{holder};radiation;2026-01-05;D-7", "899700000014;radiation;2026-01-05;D-7")
    dry = sceau("register", "sanctions", path, "--dry-run", "--json")
    assert (dry.code, [bad["line"] for bad in dry.data["refused"]]) == (1, [3])
    assert sceau("register", "sanctions", path, "--officer", "oni-1").code == 1
    assert {each["status"] for each in sceau("cert", "list", "--holder", holder, "--json").data} == {"issued"}


def test_another_boards_member_is_not_this_officers_to_sanction(sceau: Sceau, tmp_path: Path) -> None:
    """A nurse is no member of the doctors' ordre."""
    holder = sceau("cert", "list", "--board", "ONI", "--state", "issued", "--json").data[0]["holder"]
    said = sceau(
        "register", "sanctions", decisions(tmp_path, f"{holder};radiation;2026-01-05;D-7"), "--officer", "cnom-1", "--json"
    )
    assert (said.code, said.error["error"]) == (1, "missing")


def test_reconciliation_finds_nothing_to_mend_in_a_sound_authority(sceau: Sceau) -> None:
    """And says so."""
    said = sceau("register", "reconcile")
    assert (said.code, said.out) == (0, "No certificate changed.\n")
