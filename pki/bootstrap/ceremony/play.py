"""A key ceremony from the first word to the signatures (RFC 3647 §6.1.1, §5.2.2; CP 6.1.1).

The whole script is checked before the first step acts; each step is recorded before and after it; the transcript is written
at the end, with its own hash, for the witnesses to sign. Interrupted, the ceremony is taken up by playing the same script
again. Held, it is not held twice.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hsm.api import Custodian, KeyRef
from pki.adapters.publication_files import PublicationFiles
from pki.audit.events import event
from pki.bootstrap.ceremony import folder as files
from pki.bootstrap.ceremony.paper import pdf
from pki.bootstrap.ceremony.record import FOLDER, Record
from pki.bootstrap.ceremony.rules import Stage, check
from pki.bootstrap.ceremony.script import Generate, Import, Revoke, Script, Step
from pki.bootstrap.ceremony.steps import BY, Made, Scene, perform
from pki.bootstrap.ceremony.transcript import Entry, Transcript, digest_of, markdown
from pki.bootstrap.certification import refuse_quarantined, silent
from pki.bootstrap.chronicle import config_digest
from pki.bootstrap.home import Home, shipped
from pki.bootstrap.sealing import root, seal
from pki.settings import CaSettings
from pki.signing.checkpoint import CheckpointSigner
from pki.signing.door import SigningDoor
from trust.errors import Conflict, Malformed, Unavailable

MARKDOWN, PDF, CHECKPOINT = "transcript.md", "transcript.pdf", "checkpoint"


@dataclass(frozen=True)
class Ceilings:
    """What the policy says of ceremonies and of their lists."""

    witnesses: int
    list_hours: int
    root_list_hours: int


@dataclass(frozen=True)
class Reviewed:
    """What a rehearsal is about: it takes place on a throw-away home, with other keys in another custody."""

    custody: str
    """Kind of custody of the authority."""
    configuration: str
    """SHA-256 of its configuration, hex."""
    cas: tuple[CaSettings, ...]


@dataclass(frozen=True)
class Played:
    """A ceremony that came to its end."""

    folder: Path
    transcript: str
    """SHA-256 of the transcript, hex."""
    made: tuple[Made, ...]


def ceilings() -> Ceilings:
    """Read the policy's numbers.

    Raises:
        Malformed: the policy's file cannot be read.
    """
    path = shipped("policies") / "limits.toml"
    try:
        limits: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        lists = limits["crl"]
        return Ceilings(limits["ceremony"]["witnesses_min"], lists["max_validity_hours"], lists["root_max_validity_hours"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Malformed(f"{path.name}: {type(error).__name__}: {error}") from None


def default_folder(home: Path, script: Script) -> Path:
    """Return where a ceremony's files are, unless somebody says otherwise."""
    return home / FOLDER / script.sha256[:16]


def play(
    script: Script,
    home: Home,
    custodian: Custodian,
    folder: Path,
    *,
    rehearsal: Reviewed | None = None,
    tell: Callable[[str], None] = silent,
) -> Played:
    """Play a script on a home.

    Args:
        script: as it was reviewed.
        home: on which authority.
        custodian: who holds its keys.
        folder: where its files are: those from elsewhere to begin with, those that it makes, the transcript.
        rehearsal: of what; then `home` is a throw-away one, as the transcript says, and nothing is imported.
        tell: called with one line at each step.

    Raises:
        Refused: the script may not be played here; nothing was done.
        Conflict: it was played to its end before.
        SceauError: a step was not done; what was done before stands, and the same script goes on from there.
    """
    refuse_quarantined(home)
    record, limits = Record(home.settings.home, script.sha256), ceilings()
    if record.held is not None:
        at, digest = record.held
        raise Conflict(f"this ceremony was held on {at:%Y-%m-%d at %H:%M} UTC; the SHA-256 of its transcript is {digest}")
    check(script, _stage(script, home, custodian, folder, record, limits, rehearsal))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be made: {error.strerror}") from None
    record.start(home.clock.now())
    scene = Scene(home, custodian, folder, limits.root_list_hours, tell=tell)
    for number, step in enumerate(script.steps, 1):
        if number in record.done:
            tell(f"step {number}/{len(script.steps)}: {step.do}: done before")
            continue
        made = _do(step, replace(scene, since=record.began.get(number)), number, record, rehearsal)
        tell(f"step {number}/{len(script.steps)}: {step.do}: {made.file or _object(step)}")
    return _end(script, home, custodian, folder, record, rehearsal)


def _do(step: Step, scene: Scene, number: int, record: Record, rehearsal: Reviewed | None) -> Made:
    """Do a step, recorded before and after."""
    clock = scene.home.clock
    record.begin(number, clock.now())
    if rehearsal is not None and isinstance(step, Import):
        why = ("Motif", "ce qui vient d'ailleurs est propre aux vraies clés")
        made = Made(f"Réception de {step.file} : non répétée", (why,))
    else:
        made = perform(step, scene)
    record.finish(number, clock.now(), made)
    return made


def _object(step: Step) -> str:
    """Name what a step without a file is about."""
    return step.key if isinstance(step, Generate) else step.ca if isinstance(step, Revoke) else ""


def _stage(
    script: Script,
    home: Home,
    custodian: Custodian,
    folder: Path,
    record: Record,
    limits: Ceilings,
    rehearsal: Reviewed | None,
) -> Stage:
    settings = home.settings
    about = rehearsal or Reviewed(settings.custody.kind, config_digest(settings.config), settings.cas)
    return Stage(
        authority=settings.name,
        custody=about.custody,
        configuration=about.configuration,
        today=home.clock.now().date(),
        cas={ca.id: ca for ca in about.cas},
        profiles=home.profiles,
        limits=home.limits,
        list_hours=limits.list_hours,
        root_list_hours=limits.root_list_hours,
        witnesses=limits.witnesses,
        keys={label: custodian.description(KeyRef(label)).algorithm for label in custodian.labels()},
        ends={ca_id: found.not_after.date() for ca_id, found in home.ca_certificates().items()},
        files=files.names(folder),
        begun=max(record.began, default=0),
        rehearsal=rehearsal is not None,
    )


def _end(script: Script, home: Home, custodian: Custodian, folder: Path, record: Record, rehearsal: Reviewed | None) -> Played:
    """Write the transcript, and close."""
    now = home.clock.now()
    entries = tuple(Entry(number, record.done[number].at, record.done[number].made) for number in range(1, len(script.steps) + 1))
    transcript = Transcript(
        script=script,
        mode=home.settings.mode,
        configuration=rehearsal.configuration if rehearsal else config_digest(home.settings.config),
        custody=custodian.describe(),
        started=tuple(record.started),
        ended=now,
        entries=entries,
        rehearsal=rehearsal is not None,
    )
    text = markdown(transcript)
    digest = digest_of(text)
    files.write(folder, MARKDOWN, text.encode())
    files.write(folder, PDF, pdf(transcript, digest))
    with home.store.write() as tx:
        tx.journal.append(event("ceremony.held", script=script.sha256, sha256=digest, by=BY), at=now)
    record.close(now, digest)
    _seal(home, custodian, folder)
    return Played(folder, digest, tuple(each.made for each in entries))


def _seal(home: Home, custodian: Custodian, folder: Path) -> None:
    """Sign the journal as it stands, and leave the checkpoint with the files: kept elsewhere, it shows that none is lost.

    An offline home has no issuer process that would.
    """
    with suppress(Conflict):  # An issuer at work was faster: its checkpoint is published.
        note = seal(home, CheckpointSigner(SigningDoor(custodian)), PublicationFiles(root(home)))
        if note is not None:
            files.write(folder, CHECKPOINT, note.encode())
