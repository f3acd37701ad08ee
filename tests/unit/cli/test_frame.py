"""The frame of the commands: exit codes, errors as one line, the home, help."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pki.cli import main as frame
from pki.cli._frame import Parser, home_directory
from pki.cli._output import one_line
from tests.fakes.verbs.thing import ERRORS
from trust.errors import SceauError

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sceau(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line whose only verb is ``thing``: exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = frame.main(arguments, package="tests.fakes.verbs")
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_verb_gives_its_exit_code(sceau: Run) -> None:
    """0 and 1 are the verb's to choose."""
    assert sceau("thing", "show")[0] == 0
    assert sceau("thing", "fail")[0] == 1


@pytest.mark.parametrize("arguments", [(), ("nothing",), ("thing", "show", "--hom", "x"), ("thing",), ("--home",)])
def test_a_wrong_command_line_exits_with_2_and_shows_how_it_is_written(sceau: Run, arguments: tuple[str, ...]) -> None:
    """Abbreviated options are wrong too: a script must not change its meaning when an option is added."""
    code, output, error = sceau(*arguments)
    assert (code, output) == (2, "")
    assert error.startswith("usage: sceau")
    assert "sceau: usage: " in error


def test_a_wrong_command_line_is_an_object_when_json_is_asked_for(sceau: Run) -> None:
    """And nothing else on standard error."""
    code, _, error = sceau("nothing", "--json")
    assert code == 2
    assert json.loads(error)["error"] == "usage"


@pytest.mark.parametrize("family", sorted(set(ERRORS) - {"unforeseen", "interrupted"}))
def test_each_family_of_errors_is_one_line_or_one_object_and_exits_with_1(sceau: Run, family: str) -> None:
    """On standard error, so that results and reasons do not mix."""
    citation = "CP 3.2.3" if family == "refused" else None
    more = {"refused": " [CP 3.2.3]", "unavailable": " (try again in 7 s)"}.get(family, "")
    assert sceau("thing", family) == (1, "", f"sceau: {family}: no{more}\n")
    code, output, error = sceau("thing", family, "--json")
    expected = {"error": family, "reason": "no", "citation": citation}
    assert (code, output) == (1, "")
    assert json.loads(error) == expected | ({"retry_after": 7} if family == "unavailable" else {})


def test_every_family_is_tried_above() -> None:
    """A family added to `trust.errors` gets its line here."""
    assert set(SceauError.__subclasses__()) <= {type(error) for error in ERRORS.values()}


def test_the_unforeseen_is_one_line_and_a_file_that_only_its_owner_reads(sceau: Run, tmp_path: Path) -> None:
    """Never a traceback on the terminal; all of it in the home's log folder."""
    home = tmp_path / "home"
    home.mkdir()
    code, output, error = sceau("thing", "unforeseen", "--home", str(home))
    (details,) = (home / "log").iterdir()
    assert (code, output) == (1, "")
    assert error == f"sceau: unexpected KeyError; this is a fault of Sceau's, its details are in {details}\n"
    assert "Traceback" in details.read_text()
    assert details.stat().st_mode & 0o777 == 0o600


def test_the_unforeseen_makes_no_home(sceau: Run, tmp_path: Path) -> None:
    """A mistyped ``--home`` leaves nothing behind; the details go to the temporary folder."""
    _, _, error = sceau("thing", "unforeseen", "--home", str(tmp_path / "none"), "--json")
    assert not (tmp_path / "none").exists()
    details = Path(json.loads(error)["details"])
    assert "the key" in details.read_text()
    details.unlink()


def test_an_interruption_is_not_a_traceback(sceau: Run) -> None:
    """Ctrl-C in any verb."""
    assert sceau("thing", "interrupted") == (1, "", "sceau: interrupted\n")


def test_a_reason_cannot_command_the_terminal() -> None:
    """Names in reasons come from files that strangers wrote."""
    assert one_line("a\x1b[2Jb\nc\t d‮é") == "a\\x1b[2Jb c d\\u202eé"


@pytest.mark.parametrize(
    "arguments",
    [("--home", "/a", "thing", "show"), ("thing", "show", "--home", "/a"), ("--home", "/b", "thing", "--home", "/a", "show")],
)
def test_global_options_stand_before_or_after_the_verb(sceau: Run, arguments: tuple[str, ...]) -> None:
    """The one nearest to the end wins."""
    assert sceau(*arguments) == (0, "/a False\n", "")
    assert sceau("--json", *arguments)[1] == "/a True\n"


def test_the_home_is_the_one_given_then_the_environment_then_the_folder_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Always absolute, so that a change of folder does not change the authority."""
    monkeypatch.chdir(tmp_path)
    assert home_directory(Path("x"), {"SCEAU_HOME": "/y"}) == tmp_path / "x"
    assert home_directory(None, {"SCEAU_HOME": "/y"}) == Path("/y")
    assert home_directory(None, {"SCEAU_HOME": ""}) == tmp_path / "var" / "sceau"
    assert home_directory(None, {}) == tmp_path / "var" / "sceau"


def every_parser() -> list[Parser]:
    """Return the parser of every verb, and of every verb of a verb."""

    def below(parser: Parser) -> Iterator[Parser]:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for child in action.choices.values():
                    yield child
                    yield from below(child)

    return list(below(frame.build_parser(list(frame.verbs()))))


@pytest.mark.parametrize("parser", every_parser(), ids=lambda parser: parser.prog)
def test_every_verb_explains_itself_with_an_example(parser: Parser) -> None:
    """`--help` shows a line that can be copied: for itself, or for the verbs under it."""
    text = parser.format_help()
    assert parser.description
    has_verbs = any(isinstance(action, argparse._SubParsersAction) for action in parser._actions)
    assert has_verbs or parser.prog in text.split("examples:")[-1], text


@pytest.mark.parametrize("parser", every_parser(), ids=lambda parser: parser.prog)
def test_no_secret_is_an_argument(parser: Parser) -> None:
    """Arguments are shown to every process of the machine: secrets come from files."""
    words = {"password", "passphrase", "secret", "pin", "token"}
    for action in parser._actions:
        for name in (*action.option_strings, action.dest):
            parts = set(name.strip("-").replace("-", "_").split("_"))
            assert not parts & words or parts & {"file", "credential"}, name


def test_help_lists_every_verb_with_the_first_sentence_of_its_module() -> None:
    """And nothing is imported for it."""
    text = " ".join(frame.build_parser([]).format_help().split())
    for name, (_, summary) in frame.verbs().items():
        assert f"{name} {' '.join(summary.split())}" in text


MODULES = 160
"""Those of the standard library and ours; the most that was seen is 128."""


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["urls", "--home", "/nowhere"]])
def test_the_command_starts_without_any_library(arguments: list[str]) -> None:
    """`sceau --help` answers before a person notices: nothing outside the standard library, and little of that."""
    # What the environment itself loads into every Python (a .pth file of setuptools) is not ours to judge.
    program = (
        "import sys; before = set(sys.modules); from pki.cli.main import main; main(sys.argv[1:]); "
        "print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-P", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1].split()
    assert {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names <= {"pki", "trust"}
    assert len(loaded) < MODULES
