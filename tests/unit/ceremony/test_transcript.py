"""The transcript: the same facts give the same octets, it proves itself, and it holds nothing secret."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pki.bootstrap.ceremony.paper import pdf
from pki.bootstrap.ceremony.script import read
from pki.bootstrap.ceremony.steps import Made
from pki.bootstrap.ceremony.transcript import REHEARSAL, SEALED, Entry, Transcript, digest_of, markdown
from pki.bootstrap.ceremony.words import custody_in_words, spaced
from tests.builders.ceremonies import EXAMPLE

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HASH = hashlib.sha256(b"file").hexdigest()


def transcript() -> Transcript:
    """Return a transcript of two steps."""
    made = Made("Création de la clé « racine »", (("Algorithme", "P-384"), ("SHA-256 de la clé publique", spaced(HASH))))
    listed = Made("Liste de révocation de « racine »", (("Numéro", "1"),), "racine.crl", HASH)
    return Transcript(
        script=read((EXAMPLE / "ceremonies" / "racine.toml").read_bytes()),
        mode="test",
        configuration="c" * 64,
        custody="software keystore, not for production",
        started=(AT,),
        ended=AT + timedelta(minutes=9),
        entries=(Entry(1, AT, made), Entry(2, AT + timedelta(minutes=4), listed)),
        versions=(("Sceau", "0.5"), ("Python", "3.11")),
    )


def test_the_last_line_is_the_hash_of_all_the_others() -> None:
    """Anybody can compute it: all lines but the last."""
    text = markdown(transcript())
    body, _, digest = text.rpartition(SEALED)

    assert digest.strip() == hashlib.sha256(body.encode()).hexdigest() == digest_of(text)


def test_the_same_facts_give_the_same_octets() -> None:
    """Text and paper alike: whoever makes them again can compare."""
    first, second = transcript(), transcript()

    assert markdown(first) == markdown(second)
    assert pdf(first, digest_of(markdown(first))) == pdf(second, digest_of(markdown(second)))


def test_a_transcript_names_who_was_there_what_was_done_and_by_which_script() -> None:
    """And leaves room for signatures."""
    text = markdown(transcript())

    for part in (
        "Nadia Kermarrec, maîtresse de cérémonie",
        "Étape 1. Création de la clé",
        "Étape 2",
        "racine.crl",
        "Signature :",
    ):
        assert part in text
    assert spaced(transcript().script.sha256) in text
    assert spaced(HASH) in text


def test_a_rehearsal_says_that_it_is_worth_nothing() -> None:
    """On top, in capitals; a true ceremony does not say it."""
    assert REHEARSAL in markdown(replace(transcript(), rehearsal=True))
    assert REHEARSAL not in markdown(transcript())


def test_an_interruption_is_told() -> None:
    """The witnesses sign that there was one."""
    text = markdown(replace(transcript(), started=(AT, AT + timedelta(minutes=3))))

    assert "| Reprise | 23/11/2026 09:33:00 UTC, après une interruption |" in text


def test_what_would_break_a_table_stays_in_its_cell() -> None:
    """A name with a bar in it."""
    odd = Made("Demande", (("Nom", "A | B \\ C"),))

    assert "| Nom | A \\| B \\\\ C |" in markdown(replace(transcript(), entries=(Entry(1, AT, odd),)))


def test_a_ceremony_of_a_hundred_steps_fits_on_paper() -> None:
    """Steps go to further pages; none is lost."""
    entries = tuple(Entry(number, AT, transcript().entries[1].made) for number in range(1, 101))
    whole = replace(transcript(), entries=entries)

    assert pdf(whole, "0" * 64).count(b"/Type /Page\n") > 10


def test_where_keys_are_is_said_in_french() -> None:
    """A custodian speaks English to operators."""
    assert custody_in_words("software keystore, not for production") == "trousseau logiciel, jamais pour la production"
    assert custody_in_words("PKCS#11 token, pkcs11:token=sceau") == "jeton PKCS#11, pkcs11:token=sceau"
    assert custody_in_words("something new") == "something new"
