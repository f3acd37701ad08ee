"""`sceau doctor`: every check says what it saw and how to mend it, and none can hide what the others saw."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pki.bootstrap import checks
from pki.bootstrap.checks import Finding, State, bad, good, warning
from pki.bootstrap.checks.home import home_directory, secrets
from pki.bootstrap.checks.machine import judge_clock
from pki.bootstrap.checks.serving import baked_address, services
from pki.bootstrap.lock import HomeLock
from pki.cli.main import main
from trust.errors import Refused
from trust.testing import FixedClock

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a configuration, a passphrase and a key, all as they should be."""
    path = tmp_path / "home"
    for folder in ("config", "secrets", "keys"):
        (path / folder).mkdir(mode=0o700, parents=True)
    path.chmod(0o700)
    (path / "config" / "authority.toml").write_text('[publication]\nbase_url = "http://127.0.0.1:8401"\n')
    for name in ("secrets/keystore-passphrase", "keys/racine.key"):
        (path / name).write_text("x")
        (path / name).chmod(0o600)
    return path


def test_a_sound_home_is_found_sound(home: Path) -> None:
    """Directory, passphrase and keys."""
    assert home_directory(home).state is State.OK
    assert [finding.state for finding in secrets(home)] == [State.OK]


def test_a_home_without_authority_is_told_how_to_make_one(tmp_path: Path) -> None:
    """With the exact command."""
    assert home_directory(tmp_path) == bad(f"{tmp_path} holds no authority", f"sceau init --home {tmp_path} --template dev")


def test_a_home_that_others_can_write_is_not_safe(home: Path) -> None:
    """They could replace its configuration."""
    home.chmod(0o775)
    assert home_directory(home) == bad(f"others can write into {home} (mode 0775)", f"chmod go-w {home}")


@pytest.mark.parametrize("name", ["secrets/keystore-passphrase", "keys/racine.key", "secrets"])
def test_a_secret_that_others_can_read_is_named(home: Path, name: str) -> None:
    """The passphrase, a key, or the folder that holds them."""
    (home / name).chmod(0o744)
    assert secrets(home) == [bad(f"{home / name} is open to others (mode 0744)", f"chmod go-rwx {home / name}")]


def test_a_thousand_open_keys_do_not_fill_the_screen(home: Path) -> None:
    """Five are named, the others counted."""
    for number in range(20):
        (home / "keys" / f"{number}.key").write_text("x")
        (home / "keys" / f"{number}.key").chmod(0o644)
    findings = secrets(home)
    assert len(findings) == 6
    assert findings[-1].text == f"15 more in {home}"


def test_a_clock_behind_what_was_written_is_wrong() -> None:
    """A CRL of tomorrow in the home: the clock was set back."""
    finding = judge_clock(FixedClock(NOW), NOW + timedelta(hours=1), synchronised=True)
    assert finding.state is State.FAILED
    assert "this home was written to at 2026-03-02 09:00:00" in finding.text


@pytest.mark.parametrize(("synchronised", "state"), [(True, State.OK), (None, State.OK), (False, State.WARNING)])
def test_a_clock_that_nothing_keeps_right_is_worth_a_warning(synchronised: bool | None, state: State) -> None:
    """Where the kernel says so; where it says nothing, nothing is said."""
    assert judge_clock(FixedClock(NOW), NOW - timedelta(days=1), synchronised=synchronised).state is state


def test_what_is_not_served_is_a_warning_and_what_does_not_answer_is_wrong(home: Path) -> None:
    """A process that holds its lock, and on whose port nobody is."""
    assert [finding.state for finding in services(home)] == [State.WARNING] * 3
    with HomeLock(home, "publication", 1024):
        found = services(home)
    assert found[1].state is State.FAILED
    assert found[1].text == f"publication runs (process {os.getpid()}) and does not answer"


def test_an_address_that_nobody_answers_on_is_wrong(home: Path) -> None:
    """The certificates say 8401, publication was started on another port."""
    with HomeLock(home, "publication", 9000):
        finding = baked_address(home)
    assert isinstance(finding, Finding)
    assert finding.text == "certificates point to http://127.0.0.1:8401, but publication answers on port 9001"


def test_a_check_that_refuses_or_breaks_is_a_finding_and_the_others_go_on(tmp_path: Path) -> None:
    """Nothing that one check does hides what the next one sees."""

    def refuses(home: Path) -> Finding:
        raise Refused("no", citation="CP 6.4.2")

    def breaks(home: Path) -> Finding:
        raise KeyError("x")

    assert checks._run("a", refuses, tmp_path)[0].text == "no [CP 6.4.2]"
    assert checks._run("b", breaks, tmp_path)[0].text == "the check itself broke (KeyError: 'x')"
    assert [finding.name for finding in checks._run("c", lambda _: [good("x"), warning("y", "z")], tmp_path)] == ["c", "c"]


def test_the_command_lists_every_check_and_fails_when_one_does(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In JSON: check, ok, state, text, fix."""
    (home / "secrets").chmod(0o755)
    code = main(["doctor", "--home", str(home), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == 1
    assert {"Python", "OpenSSL", "packages", "clock", "home", "secrets", "services"} <= {finding["check"] for finding in found}
    assert all(set(finding) == {"check", "ok", "state", "text", "fix"} for finding in found)
    assert [finding["fix"] for finding in found if finding["check"] == "secrets"] == [f"chmod go-rwx {home / 'secrets'}"]
    assert all(finding["fix"] for finding in found if not finding["ok"])
