"""Putting a backup back where there is nothing, and proving one aside (CP 5.7.4; reliability P22, B01).

Everything happens in a folder beside the home to be: decrypted, each file compared with the manifest, the database opened, the
journal verified, keys compared with certificates. What holds is put in place by one rename, in quarantine; what does not leaves
nothing. A PostgreSQL database is filled in one transaction, last. Nothing is ever restored over anything.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from pki.adapters.store.dump import DATABASE, POSTGRESQL, answering, create_schema, fresh_sqlite, load, refuse_occupied
from pki.adapters.store.engine import open_engine
from pki.adapters.store.store import Transaction
from pki.audit.events import event
from pki.bootstrap import quarantine
from pki.bootstrap.backup.archive import Manifest, unpack
from pki.bootstrap.backup.envelope import decrypted
from pki.bootstrap.backup.judge import Verdict, judge, refuse, refuse_schema
from pki.bootstrap.home import open_home
from pki.bootstrap.quarantine import Quarantine
from pki.settings import load as load_settings
from trust import clock as times
from trust.clock import Clock, SystemClock
from trust.errors import Alarm, Conflict, Malformed, Missing, Unavailable
from trust.transparency.note import VerifierKey

Tell = Callable[[str], None]
RESTORE = "restore"
"""Who acts here, in the journal's words."""
_SWIFT = Path("/dev/shm")
_ROOM = 4
"""How many times the size of a backup there must be room for, to prove it in memory."""
_TABLE = re.compile(r"(?ms)^\[database\][^\n]*\n(?:(?!\[)[^\n]*\n)*")


@dataclass(frozen=True, slots=True)
class Judged:
    """A backup that was put back, or proven."""

    manifest: Manifest
    verdict: Verdict
    seconds: float


@dataclass(frozen=True)
class Anchors:
    """What was kept elsewhere to judge a backup by: without it, a backup vouches for itself."""

    key: VerifierKey | None = None
    checkpoints: tuple[str, ...] = ()


def restore(
    source: Path,
    identities: Sequence[Any],
    target: Path,
    *,
    database_url: str | None = None,
    anchors: Anchors | None = None,
    clock: Clock | None = None,
    tell: Tell = lambda _line: None,
) -> Judged:
    """Put a backup back as a home, in quarantine.

    Args:
        source: the backup.
        identities: what opens it.
        target: where the home will be: nothing, or an empty directory.
        database_url: the empty PostgreSQL database, for a backup of one; else the one that its configuration names.
        anchors: what auditors kept.
        clock: for tests.
        tell: called with one line of news at each step.

    Raises:
        Conflict: the place, or the database, is not empty.
        Refused: the identities do not open it, or it is of another version of the schema.
        Malformed: it is not whole. Alarm: it is, and contradicts itself, or what was kept elsewhere.
        Unavailable: no room, or the database does not answer.
    """
    started, time = monotonic(), clock or SystemClock()
    _refuse_place(target)
    with _beside(target) as staging:
        manifest, verdict = _judged(source, identities, staging, anchors or Anchors(), time, tell)
        now = time.now()
        quarantine.begin(staging, Quarantine(manifest.sha256, manifest.made_at, times.text(now), manifest.entries, manifest.root))
        if manifest.engine == POSTGRESQL:
            url = database_url or _configured_url(staging)
            _point(staging, url)
            _fill(staging, url, manifest, time)
        elif database_url is not None:
            raise Malformed("this backup is of an SQLite database, which goes into the home: --database is for one of PostgreSQL")
        else:
            home = open_home(staging, clock=time)
            with home.store.write() as tx:
                _record(tx, manifest, time)
            home.store.engine.dispose()
        shutil.rmtree(staging / "database", ignore_errors=True)
        os.sync()
        try:
            staging.rename(target)
        except OSError as error:
            filled = "; the database was filled: empty it before you try again" if manifest.engine == POSTGRESQL else ""
            raise Unavailable(f"cannot put the home in place: {error.strerror}{filled}") from None
    tell(f"in place: {target}, in quarantine")
    return Judged(manifest, verdict, monotonic() - started)


def prove(
    source: Path,
    identities: Sequence[Any],
    *,
    anchors: Anchors | None = None,
    clock: Clock | None = None,
    tell: Tell = lambda _line: None,
) -> Judged:
    """Restore a backup into a folder that is removed afterwards, and say what was found. Nothing else is touched.

    Raises:
        Refused, Malformed, Unavailable: as `restore`. What contradicts itself is in the verdict.
    """
    started = monotonic()
    with _aside(_swift(source)) as staging:
        manifest, verdict = _judged(source, identities, staging, anchors or Anchors(), clock or SystemClock(), tell, prove=True)
    return Judged(manifest, verdict, monotonic() - started)


def _judged(
    source: Path, identities: Sequence[Any], staging: Path, anchors: Anchors, time: Clock, tell: Tell, *, prove: bool = False
) -> tuple[Manifest, Verdict]:
    """Lay a backup out as a home with an SQLite database, whatever it was, and judge it."""
    with decrypted(source, identities) as stream:
        manifest = unpack(stream, staging)
    refuse_schema(manifest)
    tell(f"decrypted: {len(manifest.files)} files, each the one of the manifest of {manifest.made_at}")
    before = (staging / "config" / "authority.toml").read_text("utf-8")
    _point(staging, None)
    if manifest.engine == POSTGRESQL:
        engine = fresh_sqlite(staging / DATABASE)
        with answering(), engine.begin() as connection:
            load(connection, staging / "database")
        engine.dispose()
    else:
        (staging / "database" / DATABASE).rename(staging / DATABASE)
    home = open_home(staging, clock=time)
    try:
        verdict = judge(home, manifest, anchors.key, anchors.checkpoints)
    finally:
        home.store.engine.dispose()
    if not prove:
        refuse(verdict)
    tell(f"verified: {verdict.entries} entries of the journal, {verdict.proven} of them under a signed checkpoint")
    if manifest.engine == POSTGRESQL:
        for leftover in staging.glob(f"{DATABASE}*"):
            leftover.unlink()
        (staging / "config" / "authority.toml").write_text(before, "utf-8")
    return manifest, verdict


def _fill(staging: Path, url: str, manifest: Manifest, time: Clock) -> None:
    """Create the schema in an empty PostgreSQL database and fill it: one transaction, so that it is empty still if we die."""
    engine = open_engine(url)
    if engine.dialect.name != POSTGRESQL:
        raise Malformed("this backup is of a PostgreSQL database, and goes into another one: --database postgresql://…")
    try:
        with answering(), engine.begin() as connection:
            refuse_occupied(connection)
            create_schema(connection)
            load(connection, staging / "database")
            _record(Transaction(connection), manifest, time)
    finally:
        engine.dispose()


def _record(tx: Transaction, manifest: Manifest, time: Clock) -> None:
    head = tx.journal_table.head()
    if (head.frontier.root().hex() if head else "") != manifest.root:
        raise Alarm("the database does not hold what was put into it")
    entry = event(
        "authority.restored",
        backup=manifest.sha256,
        entries=manifest.entries,
        root=manifest.root,
        made_at=manifest.made_at,
        by=RESTORE,
    )
    tx.journal.append(entry, at=time.now())


def _point(home: Path, url: str | None) -> None:
    """Have the configuration name a database, or the one of the home."""
    path = home / "config" / "authority.toml"
    try:
        text = _TABLE.sub("", path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise Malformed("the backup has no configuration that can be read") from None
    if url is not None:
        if any(letter in url for letter in '"\\\n'):
            raise Malformed("the address of a database has no quotes in it")
        text = f'[database]\nurl = "{url}"\n\n{text}'
    path.write_text(text, "utf-8")


def _configured_url(staging: Path) -> str:
    return load_settings(staging).database_url


def _refuse_place(target: Path) -> None:
    if not target.parent.is_dir():
        raise Missing(f"there is no folder {target.parent}")
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise Conflict(f"{target} is not empty: a backup is restored where there is nothing")


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Make the folder where a home is laid out before it is put in place; what a killed restore left there is removed.

    Raises:
        Conflict: another restore is at work on the same place, or the folder is somebody else's.
    """
    staging = target.with_name(f".{target.name}.restoring")
    try:
        staging.mkdir(mode=0o700, exist_ok=True)
        held = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise Unavailable(f"cannot write into {target.parent}: {error.strerror}") from None
    try:
        state = os.fstat(held)
        if state.st_uid != os.geteuid() or state.st_mode & 0o077:
            raise Conflict(f"{staging} is there, and is not ours alone: remove it first")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(f"another restore is putting {target} in place") from None
        for left in staging.iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    finally:
        os.close(held)


@contextmanager
def _aside(parent: Path | None) -> Iterator[Path]:
    try:
        staging = Path(tempfile.mkdtemp(prefix="sceau-proof-", dir=parent))
    except OSError as error:
        raise Unavailable(f"cannot write into {parent}: {error.strerror}") from None
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _swift(source: Path) -> Path | None:
    """Return a folder in memory if there is room for what the backup becomes, else None, the usual one."""
    try:
        room = shutil.disk_usage(_SWIFT).free
        return _SWIFT if os.access(_SWIFT, os.W_OK) and room > _ROOM * source.stat().st_size else None
    except OSError:
        return None
