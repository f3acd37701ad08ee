"""Checkpoints and the signed notes that carry them: read strictly, believed only under a known key."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from trust.errors import Alarm, Malformed
from trust.transparency.checkpoint import Checkpoint, cosigned, open_checkpoint, parse_checkpoint
from trust.transparency.note import Note, Signature, SignatureType, VerifierKey, parse_note, sign_note

ORIGIN = "journal.ordre.test/audit"
ROOT = bytes(range(32))


def keeper(seed: int, name: str = ORIGIN, type: SignatureType = SignatureType.ED25519) -> tuple[VerifierKey, Ed25519PrivateKey]:
    """A key pair that is the same at each run."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return VerifierKey(name, private.public_key().public_bytes_raw(), type), private


KEY, PRIVATE = keeper(1)
NOTE = Checkpoint(ORIGIN, 7, ROOT).signed(KEY, PRIVATE.sign)


def test_a_checkpoint_is_the_text_that_the_specification_describes() -> None:
    """Origin, size and root on a line each, an empty line, a dash, the name and the signature."""
    signature = base64.b64encode(KEY.key_id + PRIVATE.sign(f"{ORIGIN}\n7\n{base64.b64encode(ROOT).decode()}\n".encode())).decode()

    assert f"{ORIGIN}\n7\n{base64.b64encode(ROOT).decode()}\n\n\u2014 {ORIGIN} {signature}\n" == str(NOTE)


def test_the_notes_of_the_original_implementation_are_read_and_verified() -> None:
    """The example in the documentation of Go's sumdb/note: key line, key identifier and signature."""
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = parse_note(
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )

    assert note.verified_by((key,)) == (key,)
    assert str(key) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_a_signed_checkpoint_opens_with_its_key() -> None:
    """And says what was signed."""
    assert Checkpoint(ORIGIN, 7, ROOT) == open_checkpoint(str(NOTE), KEY)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1),
    st.integers(0, (1 << 63) - 1),
    st.binary(min_size=32, max_size=32),
)
def test_every_checkpoint_reads_back_as_itself(origin: str, size: int, root: bytes) -> None:
    """Whatever the origin, the size and the root."""
    checkpoint = Checkpoint(origin, size, root)

    assert checkpoint == parse_checkpoint(checkpoint.text())


def test_a_checkpoint_may_carry_other_lines() -> None:
    """They are signed and kept, and mean nothing to us."""
    checkpoint = Checkpoint(ORIGIN, 7, ROOT, ("something else",))

    assert checkpoint == open_checkpoint(str(checkpoint.signed(KEY, PRIVATE.sign)), KEY)


def test_a_stranger_does_not_sign_for_us() -> None:
    """A checkpoint signed by another key, under our name or its own, is an alarm."""
    for name in (ORIGIN, "somebody.else"):
        other, private = keeper(2, name)
        with pytest.raises(Alarm):
            open_checkpoint(str(Checkpoint(ORIGIN, 7, ROOT).signed(other, private.sign)), KEY)


def test_a_changed_checkpoint_is_an_alarm() -> None:
    """One size, one root, one signature octet: each is under the signature."""
    note = str(NOTE)
    forged = Note(NOTE.text, (Signature(ORIGIN, KEY.key_id, bytes(64)),))

    for changed in (note.replace("\n7\n", "\n8\n"), note.replace("AAEC", "AAED"), str(forged)):
        with pytest.raises(Alarm):
            open_checkpoint(changed, KEY)


def test_one_bad_signature_in_our_name_spoils_the_note() -> None:
    """Even beside a good one: somebody tried."""
    note = Note(NOTE.text, (*NOTE.signatures, Signature(ORIGIN, KEY.key_id, bytes(64))))

    with pytest.raises(Alarm):
        open_checkpoint(str(note), KEY)


def test_a_custodian_that_returns_another_signature_is_an_alarm() -> None:
    """What comes back is verified before it is believed."""
    with pytest.raises(Alarm):
        Checkpoint(ORIGIN, 7, ROOT).signed(KEY, lambda data: bytes(64))


def test_witnesses_cosign_and_are_counted() -> None:
    """A witness signs the time and the text; the log's own signature is not a witness, nor is a stranger's."""
    first, first_key = keeper(3, "witness.one", SignatureType.COSIGNATURE)
    second, _ = keeper(4, "witness.two", SignatureType.COSIGNATURE)
    stranger, stranger_key = keeper(5, "witness.unknown", SignatureType.COSIGNATURE)
    lines = [
        sign_note(NOTE.text, key, private.sign, at=1_772_438_400)
        for key, private in ((first, first_key), (stranger, stranger_key))
    ]
    note = Note(NOTE.text, (*NOTE.signatures, *(line.signatures[0] for line in lines)))

    assert (first,) == cosigned(str(note), (first, second))
    assert Checkpoint(ORIGIN, 7, ROOT) == open_checkpoint(str(note), KEY)


def test_a_cosignature_has_a_time_and_a_signature_has_none() -> None:
    """Mixing them up is refused before anything is signed."""
    witness, private = keeper(3, "witness.one", SignatureType.COSIGNATURE)

    with pytest.raises(Malformed):
        sign_note(NOTE.text, witness, private.sign)
    with pytest.raises(Malformed):
        sign_note(NOTE.text, KEY, PRIVATE.sign, at=1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{ORIGIN}\n7\n",
        f"\n7\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n07\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n-7\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n+7\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n7 \n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n\u0667\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n9223372036854775808\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n7\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{ORIGIN}\n7\n{base64.b64encode(ROOT).decode()[:-2]}9=\n",
        f"{ORIGIN}\n7\n{base64.b64encode(ROOT).decode()}",
        f"{ORIGIN}\n7\n{base64.b64encode(ROOT).decode()}\n\n",
        f"{ORIGIN}\n7\n{base64.b64encode(ROOT).decode()}\n\nmore\n",
    ],
)
def test_a_text_that_is_not_a_checkpoint_is_malformed(text: str) -> None:
    """One way to write a size, one to write a root, no empty line."""
    with pytest.raises(Malformed):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\nno dash\n",
        "text\n\n\u2014 name\n",
        "text\n\n\u2014 name AAAAAAA=",
        "text\n\n\u2014 name AAAA\n",
        "text\n\n\u2014 name AAAAAAA\n",
        "text\n\n\u2014 name AAAAAAB=\n",
        "text\n\n\u2014  AAAAAAA=\n",
        "text\n\n\u2014 na+me AAAAAAA=\n",
        "text\n\n\u2014 na\u00a0me AAAAAAA=\n",
        "te\txt\n\n\u2014 name AAAAAAA=\n",
        "te\ud800xt\n\n\u2014 name AAAAAAA=\n",
        "text\r\n\n\u2014 name AAAAAAA=\n",
        "\n\n\u2014 name AAAAAAA=\n",
        "text\n\n" + "\u2014 name AAAAAAA=\n" * 33,
        "x" * 70_000 + "\n\n\u2014 name AAAAAAA=\n",
    ],
)
def test_a_text_that_is_not_a_note_is_malformed(note: str) -> None:
    """Missing parts, other separators, control characters, names that no key has, too many, too long."""
    with pytest.raises(Malformed):
        parse_note(note)


@given(st.text(max_size=200))
def test_any_text_is_a_note_or_malformed(text: str) -> None:
    """Nothing else comes out of the reader, and what it reads it writes back."""
    for candidate in (text, text + "\n\n\u2014 name AAAAAAA=\n"):
        try:
            note = parse_note(candidate)
        except Malformed:
            continue
        assert candidate == str(note)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name",
        "name+00000000+",
        "name+00000000+AQ==",
        "name+00000000+" + "A" * 44,
        "na me+00000000+" + str(KEY).split("+", 2)[2],
        "+".join([ORIGIN, "00000000", str(KEY).split("+", 2)[2]]),
    ],
)
def test_a_line_that_is_not_a_verifier_key_is_malformed(line: str) -> None:
    """Missing parts, another type, another identifier."""
    with pytest.raises(Malformed):
        VerifierKey.parse(line)


def test_a_verifier_key_reads_back_as_itself() -> None:
    """Logs and witnesses alike."""
    for key in (KEY, keeper(3, "witness.one", SignatureType.COSIGNATURE)[0]):
        assert key == VerifierKey.parse(str(key))
