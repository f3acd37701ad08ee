"""Whatever happens to the files, the keystore says who can act; it never signs with a doubt and never shows a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hsm.api import KeyRef, KeyUse
from hsm.sealing import Kdf
from hsm.software import SoftwareKeystore
from tests.unit.custody.conftest import PASSPHRASE, Reopen
from trust.algorithms import ALGORITHMS
from trust.entropy import SystemEntropy
from trust.errors import Alarm, Malformed, Refused, SceauError


def test_a_wrong_passphrase_is_refused_at_the_door(keystore: SoftwareKeystore, directory: Path) -> None:
    """It is told from a broken file: the keystore's own seal fails before any key is read."""
    with pytest.raises(Refused) as refusal:
        SoftwareKeystore(directory, b"une autre phrase de passe", mode="demo", entropy=SystemEntropy())
    assert refusal.value.citation == "CP 6.2.8"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("label", "personnes-2026x"),
        ("algorithm", "P-384"),
        ("uses", ["certificate", "crl", "ocsp"]),
        ("uses", ["certificate"]),
        ("public_key", "QUJD"),
        ("nonce", "AAAAAAAAAAAAAAAA"),
        ("sealed", "QUJD"),
        ("sealed", ""),
    ],
)
def test_no_word_of_a_key_file_can_be_changed(ca: KeyRef, directory: Path, reopen: Reopen, field: str, value: Any) -> None:
    """Label, algorithm, uses and public key are under the seal with the key itself: any change is an alarm."""
    _rewrite(directory / "personnes-2026.key", field, value)
    with pytest.raises(Alarm):
        reopen().public_key(ca)


@pytest.mark.parametrize(
    ("field", "value"), [("label", 7), ("algorithm", None), ("uses", "crl"), ("nonce", "AA=="), ("sealed", "é"), ("format", "x")]
)
def test_a_key_file_of_another_shape_is_malformed(ca: KeyRef, directory: Path, reopen: Reopen, field: str, value: Any) -> None:
    """A wrong type is the sender's fault, not an attack on the seal."""
    _rewrite(directory / "personnes-2026.key", field, value)
    with pytest.raises(Malformed):
        reopen().public_key(ca)


def test_one_key_cannot_pass_for_another(keystore: SoftwareKeystore, ca: KeyRef, directory: Path, reopen: Reopen) -> None:
    """A test key copied over the root's file would otherwise sign in its name."""
    keystore.generate(KeyRef("racine"), ALGORITHMS["P-256"], frozenset({KeyUse.CRL}))
    (directory / "racine.key").write_bytes((directory / "personnes-2026.key").read_bytes())
    with pytest.raises(Alarm):
        reopen().public_key(KeyRef("racine"))


def test_every_truncation_of_a_key_file_is_malformed(ca: KeyRef, directory: Path, reopen: Reopen) -> None:
    """A disk that lost the end of a file is told as such."""
    path = directory / "personnes-2026.key"
    whole = path.read_bytes()
    store = reopen()
    for size in range(0, len(whole) - 2, 7):
        path.write_bytes(whole[:size])
        with pytest.raises(Malformed):
            store.public_key(ca)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_flipped_bit_passes(keystore: SoftwareKeystore, ca: KeyRef, directory: Path, data: st.DataObject) -> None:
    """One changed octet anywhere in the file is an error of ours, or changes nothing that the file says (a blank)."""
    path = directory / "personnes-2026.key"
    whole = path.read_bytes()
    position = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[position] ^= data.draw(st.integers(1, 255))
    try:
        record, pkcs8 = keystore._sealer.open(ca.label, bytes(changed))
    except SceauError:
        return
    assert (record, pkcs8) == keystore._sealer.open(ca.label, whole)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"[" * 100_000, b"\xff", b"null", b'{"format": "sceau-keystore-1"}'])
def test_a_keystore_file_that_is_not_one_is_malformed(
    keystore: SoftwareKeystore, directory: Path, reopen: Reopen, content: bytes
) -> None:
    """Whatever the octets, opening says that the file is not whole."""
    (directory / "keystore.json").write_bytes(content)
    with pytest.raises(Malformed):
        reopen()


def test_a_keystore_file_cannot_ask_for_the_machine_memory(keystore: SoftwareKeystore, directory: Path, reopen: Reopen) -> None:
    """The cost of the derivation is bounded before it is paid; a cheap one is not accepted either."""
    for memory in (1 << 40, 8):
        cost = {"memory_kib": memory, "passes": 1, "lanes": 1}
        _rewrite(directory / "keystore.json", "argon2id", cost)
        with pytest.raises(Malformed):
            reopen()


def test_changed_derivation_parameters_are_refused(keystore: SoftwareKeystore, directory: Path, reopen: Reopen) -> None:
    """They give another key: the keystore does not open, whatever the passphrase."""
    _rewrite(directory / "keystore.json", "argon2id", {"memory_kib": 20 * 1024, "passes": 1, "lanes": 1})
    with pytest.raises(Refused):
        reopen()


def test_an_enormous_file_is_not_read_whole(ca: KeyRef, directory: Path, reopen: Reopen) -> None:
    """A key file is at most 64 KiB."""
    (directory / "personnes-2026.key").write_bytes(b" " * 200_000)
    with pytest.raises(Malformed):
        reopen().public_key(ca)


def test_the_default_derivation_is_memory_hard() -> None:
    """64 MiB and three passes of Argon2id: RFC 9106 section 4, for machines short of memory."""
    assert Kdf() == Kdf(memory_kib=65536, passes=3, lanes=1)
    assert Kdf().derive(PASSPHRASE, bytes(16)) != Kdf(passes=4).derive(PASSPHRASE, bytes(16))


def _rewrite(path: Path, field: str, value: Any) -> None:
    fields = json.loads(path.read_bytes())
    fields[field] = value
    path.write_text(json.dumps(fields))
