"""From an extraction to a snapshot: whole or not at all, and the same whatever the order of the lines."""

from __future__ import annotations

import fcntl
import hashlib
import io
import tempfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki.register import BadLine, ImportResult, Progress, import_extraction, lookup, people, verify
from pki.register.layout import MAX_LINE
from tests.unit.register.builders import HEADER, NAME, WORKED, row, rpps, write
from trust.errors import Alarm, Conflict, Malformed, Missing, Unavailable

DAY = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def imported(path: Path, *, refused_share: float = 0.01) -> ImportResult:
    """Import into a folder beside the file."""
    return import_extraction(path, path.parent / "snapshots", refused_share=refused_share)


def left_in(folder: Path) -> list[str]:
    """What an import left in its folder."""
    return sorted(item.name for item in folder.iterdir() if item.name != ".lock") if folder.exists() else []


def zipped(folder: Path, members: dict[str, str]) -> Path:
    """A zip of these members."""
    path = folder / "PS_LibreAcces.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_an_extraction_becomes_a_snapshot_named_after_it(tmp_path: Path) -> None:
    """The result says where it comes from, when, and how much it holds."""
    path = write(tmp_path, WORKED)

    snapshot = imported(path).snapshot

    assert snapshot.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert snapshot.path == tmp_path / "snapshots" / f"{DAY:%Y%m%d%H%M%S}-{snapshot.sha256}.snapshot"
    assert (snapshot.register_date, snapshot.lines, snapshot.people) == (DAY, 5, 4)
    assert verify(snapshot.path) == snapshot
    assert left_in(tmp_path / "snapshots") == [snapshot.path.name]


def test_the_lines_of_a_person_are_gathered_wherever_they_are(tmp_path: Path) -> None:
    """First and last line of the file, one person with two activities."""
    path = write(tmp_path, [WORKED[0], *WORKED[2:], WORKED[1]])

    doctor = lookup(imported(path).snapshot.path, "899700000013")

    assert doctor is not None
    assert [activity.mode for exercice in doctor.exercices for activity in exercice.activities] == ["L", "S"]


ROWS = [row(index, mode=mode, profession=profession) for index in range(4) for mode in "LS" for profession in ("10", "71")]


@settings(max_examples=25, deadline=None)
@given(st.permutations(ROWS))
def test_the_order_of_the_lines_does_not_count(rows: list[str]) -> None:
    """Another order is another file, with the same content."""
    with tempfile.TemporaryDirectory() as folder:
        one = imported(write(Path(folder), ROWS)).snapshot
        other = imported(write(Path(folder), rows)).snapshot

    assert other.content_sha256 == one.content_sha256
    assert other.people == 4


def test_people_come_in_the_order_of_their_identifier(tmp_path: Path) -> None:
    """Even where one identifier begins like another."""
    staff = [row(kind="3", number=f"990000010/A{tail}", idnat=f"3990000010/A{tail}") for tail in ("10", "1", "100", "2")]

    path = imported(write(tmp_path, [*WORKED, *staff])).snapshot.path

    found = [person.idnat for person in people(path)]
    assert found == sorted(found)
    assert len(found) == 8


def test_a_zip_as_published_is_read_without_unpacking(tmp_path: Path) -> None:
    """The other files in it are left alone; the date is that of the member; the digest is that of the zip."""
    text = write(tmp_path, WORKED).read_text()
    path = zipped(tmp_path, {"PS_LibreAcces_SavoirFaire_202611200600.txt": "x|", f"dossier/{NAME}": text})

    snapshot = imported(path).snapshot

    assert snapshot.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert snapshot.register_date == DAY
    assert snapshot.content_sha256 == imported(tmp_path / NAME).snapshot.content_sha256


def test_a_stream_is_read_when_its_date_is_given(tmp_path: Path) -> None:
    """The stream has no name, hence no date of its own."""
    content = write(tmp_path, WORKED).read_bytes()

    snapshot = import_extraction(io.BytesIO(content), tmp_path, register_date=DAY).snapshot

    assert snapshot.sha256 == hashlib.sha256(content).hexdigest()
    with pytest.raises(Malformed, match="date"):
        import_extraction(io.BytesIO(content), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda octets: b"\xef\xbb\xbf" + octets,
        lambda octets: octets.replace(b"\n", b"\r\n"),
        lambda octets: b"\xef\xbb\xbf" + octets.replace(b"\n", b"\r\n").removesuffix(b"\r\n"),
        lambda octets: octets.removesuffix(b"\n"),
        lambda octets: octets.replace(b"|\n", b"|\r\n").removesuffix(b"\n"),
    ],
    ids=["byte order mark", "CRLF", "both, no last end of line", "no last end of line", "ends with a carriage return"],
)
def test_harmless_differences_of_form_change_nothing(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """The content is the same, and no line is refused."""
    path = write(tmp_path, WORKED)
    before = imported(path).snapshot.content_sha256
    path.write_bytes(change(path.read_bytes()))

    result = imported(path)

    assert result.refused_total == 0
    assert result.snapshot.content_sha256 == before


MANY = [row(index) for index in range(400)]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"8|9970\x000000013|", "U+0000"),
        (row(family="\xe9").encode("latin-1"), "not UTF-8"),
        (b"8|99700000013|899700000013", "3 fields"),
        (b"", "empty"),
        (b"A" * 10_000_000, f"longer than {MAX_LINE}"),
        (b"8|99700000013|899700000013|" + b"\xff" * 3_000_000, f"longer than {MAX_LINE}"),
        (row(family="X" * 70_000).encode(), f"longer than {MAX_LINE}"),
    ],
    ids=["NUL", "Latin-1", "short", "empty", "10 MB without end", "3 MB of octets", "longer than allowed"],
)
def test_a_bad_line_is_reported_with_its_number_and_the_others_are_read(tmp_path: Path, bad: bytes, reason: str) -> None:
    """One bad line among 400 does not stop the import."""
    path = write(tmp_path, MANY)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:200], bad, *lines[200:]]))

    result = imported(path)

    assert result.refused_total == 1
    assert result.refused[0].number == 201
    assert reason in result.refused[0].reason
    assert result.snapshot.lines == 401
    assert result.snapshot.people in (399, 400)  # 399 when the bad line says whose it is


def test_a_person_with_a_bad_line_is_doubtful_and_not_gone(tmp_path: Path) -> None:
    """A slip in a file must not look like a strike-off; a line that is nobody's is counted apart."""
    result = imported(write(tmp_path, [*MANY, row(7, family="", mode="S"), "rubbish"]))

    assert (result.snapshot.people, result.snapshot.doubtful, result.snapshot.unreadable) == (399, 1, 1)
    assert f"8{rpps(7)}" not in {person.idnat for person in people(result.snapshot.path)}
    with pytest.raises(Unavailable, match="could not be read"):
        lookup(result.snapshot.path, f"8{rpps(7)}")


def test_the_list_of_bad_lines_is_bounded_and_the_total_is_not(tmp_path: Path) -> None:
    """A file of rubbish does not fill the memory with complaints."""
    path = write(tmp_path, [*MANY, *["rubbish"] * 30])

    result = import_extraction(path, tmp_path / "snapshots", refused_share=0.5, listed=3)

    assert result.refused_total == 30
    assert result.refused == tuple(BadLine(402 + number, "1 fields where the header has 56") for number in range(3))


def test_too_many_bad_lines_refuse_the_whole_import(tmp_path: Path) -> None:
    """One per cent by default; nothing is left behind, and the first reasons are told."""
    path = write(tmp_path, [*MANY, *["rubbish"] * 5])

    with pytest.raises(Malformed, match=r"5 of 405 lines are bad, more than 1.00%. line 402: 1 fields"):
        imported(path)

    assert left_in(tmp_path / "snapshots") == []
    assert imported(path, refused_share=0.02).refused_total == 5


def test_a_file_in_which_nobody_can_be_read_is_refused_whatever_the_share(tmp_path: Path) -> None:
    """An empty register is never a snapshot: everybody would be gone."""
    for rows in (["rubbish"] * 3, [row(1, family="")]):
        with pytest.raises(Malformed, match="nobody"):
            imported(write(tmp_path, rows), refused_share=1.0)


def test_a_large_file_of_rubbish_is_given_up_before_its_end(tmp_path: Path) -> None:
    """Two million empty lines are not all read: one hundred thousand are enough to know."""
    path = tmp_path / NAME
    path.write_bytes(HEADER.encode() + b"\n" * 2_000_000)
    told: list[Progress] = []

    with pytest.raises(Malformed, match="lines are bad"):
        import_extraction(path, tmp_path / "snapshots", progress=told.append)
    assert told == []


def test_contradictory_names_are_reported(tmp_path: Path) -> None:
    """The person is kept, under the first name in code points, whichever line came first."""
    rows = [row(1, family="EXEMPLE"), row(1, family="ESSAI", mode="S")]

    result = imported(write(tmp_path, rows))

    assert [(one.idnat, one.kept) for one in result.contradictions] == [(f"8{rpps(1)}", "ESSAI|ANNE|DR")]
    assert result.contradictions_total == 1
    assert imported(write(tmp_path, rows[::-1])).snapshot.content_sha256 == result.snapshot.content_sha256


def corrupt(folder: Path) -> Path:
    """A zip with one octet of its data changed."""
    path = zipped(folder, {NAME: "\n".join([HEADER, *MANY]) + "\n"})
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 0xFF
    path.write_bytes(octets)
    return path


def truncated(folder: Path) -> Path:
    """A zip without its end."""
    path = zipped(folder, {NAME: "\n".join([HEADER, *MANY]) + "\n"})
    path.write_bytes(path.read_bytes()[:-200])
    return path


def encrypted(folder: Path) -> Path:
    """A zip that asks for a password."""
    path = zipped(folder, {NAME: "x"})
    octets = bytearray(path.read_bytes())
    octets[6] |= 1
    octets[octets.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(octets)
    return path


def plain(octets: bytes) -> Callable[[Path], Path]:
    """A maker of a text file of these octets."""

    def made(folder: Path) -> Path:
        (folder / NAME).write_bytes(octets)
        return folder / NAME

    return made


BAD_FILES: list[tuple[str, Callable[[Path], Path], str]] = [
    ("empty", plain(b""), "empty"),
    ("a byte order mark alone", plain(b"\xef\xbb\xbf"), "no column"),
    ("header only", plain(f"{HEADER}\n".encode()), "nobody"),
    ("header only, no end of line", plain(HEADER.encode()), "nobody"),
    ("wrong columns", plain(b"nom;prenom;rpps\nX;Y;1\n"), "no column"),
    ("another extraction", plain(b"Type de BAL|Adresse BAL|Identification nationale PP|\nPER|a@b.fr|8|\n"), "no column"),
    ("UTF-16", plain(f"{HEADER}\n{WORKED[0]}\n".encode("utf-16")), "header"),
    ("binary", plain(bytes(range(256)) * 400), "header"),
    ("a header without end", plain(b"A" * 5_000_000), "header"),
    ("cut in the last line", plain("\n".join([HEADER, *MANY])[:-100].encode()), "stops in the middle of line 401"),
    ("a truncated zip", truncated, "zip cannot be read"),
    ("a corrupt zip", corrupt, "zip is damaged"),
    ("an encrypted zip", encrypted, "zip cannot be read"),
    ("an empty zip", lambda folder: zipped(folder, {}), "holds 0 files"),
    ("a zip of something else", lambda folder: zipped(folder, {"lisezmoi.txt": "x"}), "holds 0 files"),
    ("a zip of two", lambda folder: zipped(folder, {NAME: "x", f"b/{NAME}": "y"}), "holds 2 files"),
    ("a zip's first octets alone", plain(b"PK\x03\x04"), "zip cannot be read"),
]


@pytest.mark.parametrize(("make", "reason"), [bad[1:] for bad in BAD_FILES], ids=[bad[0] for bad in BAD_FILES])
def test_a_bad_file_is_malformed_and_leaves_nothing(tmp_path: Path, make: Callable[[Path], Path], reason: str) -> None:
    """Each with its reason, never a traceback."""
    with pytest.raises(Malformed, match=reason):
        imported(make(tmp_path))

    assert left_in(tmp_path / "snapshots") == []


def test_a_zip_that_swells_is_stopped_at_the_limit(tmp_path: Path) -> None:
    """Whether it announces its size or not."""
    path = zipped(tmp_path, {NAME: HEADER + "\n" + "A" * 3_000_000})

    with pytest.raises(Malformed, match="announces"):
        import_extraction(path, tmp_path / "snapshots", size_limit=2_000_000)
    with pytest.raises(Malformed, match="more than 2000000 octets"):
        import_extraction(io.BytesIO(b"A" * 3_000_000), tmp_path / "snapshots", register_date=DAY, size_limit=2_000_000)


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """Nor is a folder a file."""
    for path in (tmp_path / NAME, tmp_path):
        with pytest.raises(Missing):
            import_extraction(path, tmp_path / "snapshots")


def test_a_file_without_a_date_in_its_name_needs_one(tmp_path: Path) -> None:
    """An impossible date is none."""
    for name in ("extraction.txt", "PS_LibreAcces_Personne_activite_202613450600.txt"):
        path = write(tmp_path, WORKED, name=name)
        with pytest.raises(Malformed, match="date"):
            imported(path)
        assert import_extraction(path, tmp_path / name[:-4], register_date=DAY).snapshot.register_date == DAY


def test_the_same_file_again_gives_the_same_snapshot(tmp_path: Path) -> None:
    """Importing is idempotent; the file is not even written again."""
    path = write(tmp_path, WORKED)
    first = imported(path).snapshot
    written = first.path.stat().st_mtime_ns

    assert imported(path).snapshot == first
    assert first.path.stat().st_mtime_ns == written


def test_the_same_people_the_next_day_are_another_snapshot(tmp_path: Path) -> None:
    """A day without any change gives the same file, and a register that is a day fresher."""
    path = write(tmp_path, WORKED)
    first = imported(path).snapshot

    later = import_extraction(path, tmp_path / "snapshots", register_date=datetime(2026, 11, 21, tzinfo=UTC)).snapshot

    assert (later.sha256, later.content_sha256) == (first.sha256, first.content_sha256)
    assert later.register_date > first.register_date
    assert verify(first.path) == first


def test_a_snapshot_is_never_replaced_by_another(tmp_path: Path) -> None:
    """The same file of the same date, read under other rules, is a conflict."""
    path = write(tmp_path, WORKED)
    first = imported(path).snapshot
    first.path.chmod(0o600)
    first.path.write_bytes(b"somebody else's file\n")

    with pytest.raises((Conflict, Alarm)):
        imported(path)


def test_one_import_at_a_time(tmp_path: Path) -> None:
    """A second one is told so, and disturbs nothing."""
    path = write(tmp_path, WORKED)
    folder = tmp_path / "snapshots"
    folder.mkdir()

    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="another import"):
            imported(path)
    assert imported(path).snapshot.people == 4


@pytest.mark.parametrize("stage", ["reading", "writing"])
def test_an_import_that_stops_midway_leaves_nothing(tmp_path: Path, stage: str) -> None:
    """Neither a snapshot nor a draft, at whatever stage it stops."""

    def stop(progress: Progress) -> None:
        if progress.stage == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_extraction(write(tmp_path, WORKED), tmp_path / "snapshots", progress=stop)

    assert left_in(tmp_path / "snapshots") == []


def test_what_a_crash_left_is_cleared_by_the_next_import(tmp_path: Path) -> None:
    """A crash cannot clean up; the next import does."""
    draft = tmp_path / "snapshots" / ".import-abc"
    draft.mkdir(parents=True)
    (draft / "run-0").write_text("half")

    snapshot = imported(write(tmp_path, WORKED)).snapshot

    assert left_in(tmp_path / "snapshots") == [snapshot.path.name]


def test_progress_is_told_while_reading_and_writing(tmp_path: Path) -> None:
    """Octets go up to the size of the file, then people up to all of them."""
    told: list[Progress] = []
    path = write(tmp_path, MANY)

    import_extraction(path, tmp_path / "snapshots", progress=told.append)

    assert told[0].stage == "reading"
    assert told[0].octets == told[0].total == path.stat().st_size
    assert (told[-1].stage, told[-1].lines, told[-1].people) == ("writing", 400, 400)


def test_many_runs_are_merged_as_one(tmp_path: Path) -> None:
    """A file larger than what is sorted at once (32 MiB) gives what a small one would: every person once, whole."""
    filler = "X" * 4000
    rows = [row(index, phone=filler, mode=mode) for mode in "LSB" for index in range(4000)]

    result = imported(write(tmp_path, rows))

    assert result.snapshot.people == 4000
    assert all(len(person.exercices[0].activities) == 3 for person in people(result.snapshot.path))


def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path: Path) -> None:
    """The reason is the system's; the folder of drafts is gone."""
    folder = tmp_path / "snapshots"
    path = write(tmp_path, WORKED)

    def vanish(progress: Progress) -> None:
        if progress.stage == "reading":
            raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable, match="No space left"):
        import_extraction(path, folder, progress=vanish)
    assert left_in(folder) == []
