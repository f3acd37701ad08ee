"""The transcript of a key ceremony, in French and in plain text (RFC 3647 §5.4.1, §6.1.1; CP 6.1.1).

It says what the script was, who was there, what each step made, and hashes by which anybody can tell later that it was that.
The same facts give the same octets. It holds no secret: whoever may read a certificate may read it. Its last line is the
SHA-256 of everything before that line.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import metadata

from cryptography.hazmat.backends.openssl.backend import backend

from pki.bootstrap.ceremony.script import Script
from pki.bootstrap.ceremony.steps import Made
from pki.bootstrap.ceremony.words import custody_in_words, moment, spaced
from pki.bootstrap.chronicle import version

REHEARSAL = "RÉPÉTITION : clés jetables, rien de ce qui est fait ici n'a de valeur"
SEALED = "SHA-256 de tout ce qui précède cette ligne : "
ATTEST = (
    "Nous avons assisté à la cérémonie décrite ci-dessus. Les étapes ont été celles du script, dans cet ordre ; "
    "les empreintes que nous avons lues à l'écran sont celles de ce procès-verbal."
)
MODES = {"demo": "démonstration", "test": "essai", "production": "production"}


@cache
def programs() -> tuple[tuple[str, str], ...]:
    """Return what played the script: programs and their versions."""
    return (
        ("Sceau", version()),
        ("Python", platform.python_version()),
        ("cryptography", metadata.version("cryptography")),
        ("OpenSSL", backend.openssl_version_text().removeprefix("OpenSSL ")),
        ("pkilint", metadata.version("pkilint")),
    )


@dataclass(frozen=True)
class Entry:
    """A step as it was done."""

    number: int
    at: datetime
    made: Made


@dataclass(frozen=True)
class Transcript:
    """The facts of a ceremony."""

    script: Script
    mode: str
    configuration: str
    """SHA-256 of the configuration, hex."""
    custody: str
    """What the custodian says that it is."""
    started: tuple[datetime, ...]
    """When each run began; more than one, and it was interrupted."""
    ended: datetime
    entries: tuple[Entry, ...]
    rehearsal: bool = False
    versions: tuple[tuple[str, str], ...] = field(default_factory=programs)


def about(transcript: Transcript) -> list[tuple[str, str]]:
    """Return what stands at the head of a transcript: names and values."""
    script = transcript.script
    again = [("Reprise", f"{moment(each)}, après une interruption") for each in transcript.started[1:]]
    return [
        ("Autorité", script.authority),
        ("Mode", MODES.get(transcript.mode, transcript.mode)),
        ("Lieu", script.place),
        ("Début", moment(transcript.started[0])),
        *again,
        ("Fin", moment(transcript.ended)),
        ("Garde des clés", custody_in_words(transcript.custody)),
        ("SHA-256 du script", spaced(script.sha256)),
        ("SHA-256 de la configuration", spaced(transcript.configuration)),
        ("Logiciels", ", ".join(f"{name} {found}" for name, found in transcript.versions)),
    ]


def facts_of(entry: Entry) -> list[tuple[str, str]]:
    """Return what a transcript says of a step: names and values."""
    made = entry.made
    file = [] if made.file is None else [("Fichier", made.file), ("SHA-256 du fichier", spaced(made.sha256 or ""))]
    said = {value for _, value in made.facts}  # The hash of a certificate is that of its file.
    return [("Heure", moment(entry.at)), *made.facts, *(pair for pair in file if pair[1] not in said)]


def title(transcript: Transcript) -> str:
    """Return the title of a transcript."""
    return f"Procès-verbal de cérémonie : {transcript.script.title}"


def markdown(transcript: Transcript) -> str:
    """Write a transcript in Markdown, its hash on the last line."""
    lines = [f"# {title(transcript)}", ""]
    if transcript.rehearsal:
        lines += [f"**{REHEARSAL}.**", ""]
    lines += [*_table(about(transcript)), "", "## Présents", ""]
    lines += [f"- {witness.name}, {witness.role}" for witness in transcript.script.witnesses]
    for entry in transcript.entries:
        lines += ["", f"## Étape {entry.number}. {entry.made.said}", "", *_table(facts_of(entry))]
    lines += ["", "## Signatures", "", ATTEST, ""]
    for witness in transcript.script.witnesses:
        lines += [f"{witness.name}, {witness.role} :", "", "Date :                    Signature :", ""]
    body = "\n".join(lines) + "\n"
    return f"{body}{SEALED}{hashlib.sha256(body.encode()).hexdigest()}\n"


def digest_of(text: str) -> str:
    """Return the hash that a transcript ends with."""
    return text.rstrip("\n").rpartition(SEALED)[2]


def _table(pairs: list[tuple[str, str]]) -> list[str]:
    rows = [f"| {name} | {_cell(value)} |" for name, value in pairs]
    return ["| | |", "|---|---|", *rows]


def _cell(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|")
