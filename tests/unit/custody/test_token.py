"""A PKCS#11 token keeps every promise of a custodian, and its keys do not leave it. SoftHSM is the token."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from pkcs11 import Attribute, KeyType, MechanismFlag, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

from hsm.api import Custodian, KeyRef, KeyUse
from hsm.pkcs11 import keys, mechanisms
from hsm.pkcs11.custodian import Pkcs11Custodian
from hsm.pkcs11.module import Module, usual_module
from hsm.pkcs11.pin import Pin
from hsm.pkcs11.uri import parse
from hsm.shim import private_key
from tests.tokens import PIN, SOFTHSM, custodian_on, tokens
from trust.algorithms import CUSTODY_ALGORITHMS, spki
from trust.entropy import SystemEntropy
from trust.errors import Alarm, Conflict, Malformed, Missing, Refused, Unavailable

CA_USES = frozenset({KeyUse.CERTIFICATE, KeyUse.CRL})
_NUMBERS = count(1)


@pytest.fixture
def token() -> Pkcs11Custodian:
    """A custodian on the token of these tests, which other tests have put keys in."""
    tokens()
    return custodian_on("unit")


@pytest.fixture
def label() -> str:
    """A label that no key of this process has."""
    return f"essai-{os.getpid()}-{next(_NUMBERS)}"


def raw_session(label: str) -> Any:
    """Open a session as another program would, with the PIN, to spoil what is in a token."""
    library = pkcs11.lib(usual_module())
    found = [slot.get_token() for slot in library.get_slots(token_present=True) if slot.get_token().label == label]
    try:
        return found[0].open(rw=True, user_pin=PIN)
    except pkcs11.exceptions.UserAlreadyLoggedIn:
        return found[0].open(rw=True)


def plant(token: str, label: str, *, extractable: bool = False, uses: frozenset[KeyUse] = CA_USES) -> None:
    """Make a P-256 key in a token behind the custodian's back, under the identifier of one of ours."""
    session = raw_session(token)
    parameters = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    domain = session.create_domain_parameters(KeyType.EC, parameters, local=True)
    private = {Attribute.SENSITIVE: not extractable, Attribute.EXTRACTABLE: extractable}
    capabilities = MechanismFlag.SIGN | MechanismFlag.VERIFY
    identifier = keys.key_id(label, "P-256", uses)
    domain.generate_keypair(id=identifier, label=label, store=True, capabilities=capabilities, private_template=private)
    session.close()


@pytest.mark.parametrize("name", [name for name in mechanisms.NAMES if name != "RSA-4096"])  # a slow RSA-3072
def test_a_key_of_every_algorithm_signs_and_is_found_again(token: Pkcs11Custodian, label: str, name: str) -> None:
    """Made in the token, it signs what verifies with its public half; another process finds the same key."""
    algorithm = CUSTODY_ALGORITHMS[name]
    public = token.generate(KeyRef(label), algorithm, CA_USES)
    again = custodian_on("unit")
    assert spki(again.public_key(KeyRef(label))) == spki(public)
    assert algorithm.verifies(public, again.sign(KeyRef(label), KeyUse.CRL, b"liste"), b"liste")
    assert again.description(KeyRef(label)).algorithm == name
    assert again.description(KeyRef(label)).uses == ("certificate", "crl")


def test_a_token_is_a_custodian(token: Pkcs11Custodian) -> None:
    """Whatever asks for a custodian takes one."""
    custodian: Custodian = token
    assert custodian.describe() == "PKCS#11 token, pkcs11:token=unit"


def test_many_signatures_come_back_in_order(token: Pkcs11Custodian, label: str) -> None:
    """Spread over sessions, they are of what was asked, each in its place, and are counted."""
    public = token.generate(KeyRef(label), CUSTODY_ALGORITHMS["P-256"], CA_USES)
    many = [str(number).encode() for number in range(101)]
    signatures = token.sign_many(KeyRef(label), KeyUse.CERTIFICATE, many)
    assert all(CUSTODY_ALGORITHMS["P-256"].verifies(public, s, data) for s, data in zip(signatures, many, strict=True))
    assert token.counts() == {(label, KeyUse.CERTIFICATE): 101}
    assert token.sign_many(KeyRef(label), KeyUse.CERTIFICATE, []) == []


def test_a_key_refuses_a_use_it_was_not_made_for(token: Pkcs11Custodian, label: str) -> None:
    """The uses are in the key's identifier: this process cannot lend it to another."""
    token.generate(KeyRef(label), CUSTODY_ALGORITHMS["P-256"], frozenset({KeyUse.OCSP}))
    with pytest.raises(Refused, match="not made for the use 'certificate'"):
        token.sign(KeyRef(label), KeyUse.CERTIFICATE, b"certificat")
    with pytest.raises(Refused, match="never share a key"):
        token.generate(KeyRef(label + "b"), CUSTODY_ALGORITHMS["P-256"], frozenset({KeyUse.OCSP, KeyUse.CERTIFICATE}))


def test_a_label_names_one_key(token: Pkcs11Custodian, label: str) -> None:
    """A second key of that name is refused, whatever its uses; a name that is none too; an unknown one is missing."""
    token.generate(KeyRef(label), CUSTODY_ALGORITHMS["P-256"], CA_USES)
    with pytest.raises(Conflict):
        token.generate(KeyRef(label), CUSTODY_ALGORITHMS["Ed25519"], frozenset({KeyUse.CHECKPOINT}))
    with pytest.raises(Malformed):
        token.public_key(KeyRef("Pas Un Nom"))
    with pytest.raises(Missing):
        token.public_key(KeyRef("personne"))
    assert label in token.labels()


def test_an_algorithm_that_tokens_do_not_have_is_refused(token: Pkcs11Custodian, label: str) -> None:
    """Before anything is made, with the rule's citation."""
    with pytest.raises(Refused, match="ML-DSA-65") as refusal:
        token.generate(KeyRef(label), CUSTODY_ALGORITHMS["ML-DSA-65"], CA_USES)
    assert refusal.value.citation == "CP 6.1.5"


def test_a_private_key_cannot_be_read_from_the_token(token: Pkcs11Custodian, label: str) -> None:
    """Not by a program that has the PIN: the token itself refuses, and says that it never could be."""
    token.generate(KeyRef(label), CUSTODY_ALGORITHMS["P-256"], CA_USES)
    session = raw_session("unit")
    (private,) = session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: label})
    with pytest.raises(pkcs11.exceptions.AttributeSensitive):
        _ = private[Attribute.VALUE]
    assert private[Attribute.NEVER_EXTRACTABLE]
    assert private[Attribute.ALWAYS_SENSITIVE]
    session.close()


def test_two_keys_of_one_name_stop_whoever_looks(token: Pkcs11Custodian, label: str) -> None:
    """Which of them signs would be anybody's guess."""
    token.generate(KeyRef(label), CUSTODY_ALGORITHMS["P-256"], CA_USES)
    plant("unit", label)
    with pytest.raises(Conflict, match=f"2 keys called {label}"):
        custodian_on("unit").public_key(KeyRef(label))


def test_a_key_that_could_leave_the_token_is_an_alarm(token: Pkcs11Custodian, label: str) -> None:
    """Whoever made it so may have a copy."""
    plant("unit", label, extractable=True)
    with pytest.raises(Alarm, match=r"its private half can be read|it can leave the token"):
        token.public_key(KeyRef(label))


def test_a_key_of_another_program_is_not_ours(token: Pkcs11Custodian, label: str) -> None:
    """The label alone makes no key of the authority: its identifier says for what it was made."""
    plant("unit", label, uses=frozenset({KeyUse.TIMESTAMP, KeyUse.OCSP}))
    with pytest.raises(Missing):
        token.public_key(KeyRef(label))
    with pytest.raises(Conflict):
        token.generate(KeyRef(label), CUSTODY_ALGORITHMS["P-256"], CA_USES)


def test_a_key_that_was_replaced_in_the_token_is_an_alarm_for_who_knew_it(label: str) -> None:
    """A custodian that signed with it never signs with another under its name."""
    tokens()
    token = custodian_on("spoilt")
    token.generate(KeyRef(label), CUSTODY_ALGORITHMS["P-256"], CA_USES)
    token.sign(KeyRef(label), KeyUse.CRL, b"liste")
    session = raw_session("spoilt")
    keys.remove(session, keys.key_id(label, "P-256", CA_USES))
    session.close()
    with pytest.raises(Missing, match="any more"):
        token.sign(KeyRef(label), KeyUse.CRL, b"liste")
    plant("spoilt", label)
    with pytest.raises(Alarm, match="was replaced"):
        token.sign(KeyRef(label), KeyUse.CRL, b"liste")


def test_a_pin_that_was_refused_is_tried_once(tmp_path: Path) -> None:
    """The next custodian, in this process or after a restart, does not show it to the token; a corrected one works."""
    tokens()
    remembered = tmp_path / "pin-refused"
    said = []
    for _ in range(2):
        with pytest.raises(Refused, match=r"token guarded \(slot \d+\)") as refusal:
            custodian_on("guarded", pin="0000-wrong", remembered=remembered).labels()
        assert refusal.value.citation == "CP 6.2.8"
        said.append(str(refusal.value))
    assert "0000-wrong" not in "".join(said)
    assert ["before" in each for each in said] == [False, True]
    assert b"0000-wrong" not in remembered.read_bytes()
    assert remembered.stat().st_mode & 0o777 == 0o600
    assert custodian_on("guarded", remembered=remembered).labels() == []


def test_a_token_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    """It may be away for a while: whoever asks may come back."""
    tokens()
    with pytest.raises(Unavailable, match=r"no token answers to pkcs11:token=parti; there are: .*unit"):
        custodian_on("parti").labels()


def test_a_module_that_is_none_is_missing(tmp_path: Path) -> None:
    """A path with nothing, and a library that is no module."""
    with pytest.raises(Missing, match="there is no PKCS#11 module"):
        custodian_on("unit", module=str(tmp_path / "rien.so")).labels()
    text = tmp_path / "texte.so"
    text.write_text("ceci n'est pas un module")
    with pytest.raises(Missing, match="cannot be used as a PKCS#11 module"):
        custodian_on("unit", module=str(text)).labels()


def test_the_child_of_a_fork_opens_its_own_session(token: Pkcs11Custodian, label: str) -> None:
    """Handles of the parent are dead there (failure case K08)."""
    token.generate(KeyRef(label), CUSTODY_ALGORITHMS["P-256"], CA_USES)
    token.sign(KeyRef(label), KeyUse.CRL, b"liste")
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            public = token.public_key(KeyRef(label))
            signed = token.sign(KeyRef(label), KeyUse.CRL, b"liste de l'enfant")
            os._exit(0 if CUSTODY_ALGORITHMS["P-256"].verifies(public, signed, b"liste de l'enfant") else 3)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    token.sign(KeyRef(label), KeyUse.CRL, b"liste du parent")


def test_eight_threads_of_mixed_algorithms_have_no_error(token: Pkcs11Custodian, label: str) -> None:
    """Some seconds here; a minute of it in `make bench`."""
    made = {name: f"{label}-{rank}" for rank, name in enumerate(("P-256", "P-384", "Ed25519", "RSA-2048"))}
    public = {name: token.generate(KeyRef(each), CUSTODY_ALGORITHMS[name], CA_USES) for name, each in made.items()}
    end = monotonic() + 3

    def work(name: str) -> int:
        signed = 0
        while monotonic() < end:
            data = f"{name} {signed}".encode()
            signature = token.sign(KeyRef(made[name]), KeyUse.CRL, data)
            assert CUSTODY_ALGORITHMS[name].verifies(public[name], signature, data)
            signed += 1
        return signed

    with ThreadPoolExecutor(8) as pool:
        assert all(number > 0 for number in pool.map(work, [*made, *made]))


def test_a_builder_of_pyca_signs_with_a_key_of_the_token(token: Pkcs11Custodian, label: str) -> None:
    """The shapes work over it as over the keystore."""
    token.generate(KeyRef(label), CUSTODY_ALGORITHMS["P-256"], CA_USES)
    key = private_key(token, KeyRef(label), KeyUse.CERTIFICATE)
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    assert request.is_signature_valid


def test_a_module_that_does_not_lock_is_called_by_one_thread_at_a_time() -> None:
    """SoftHSM loaded directly, without locks, crashes under two: it never sees them."""
    program = """
from concurrent.futures import ThreadPoolExecutor
from tests.tokens import *
from hsm.api import KeyRef, KeyUse
from trust.algorithms import CUSTODY_ALGORITHMS
tokens()
token = custodian_on("unit", module=str(SOFTHSM))
public = token.generate(KeyRef("direct"), CUSTODY_ALGORITHMS["P-256"], frozenset({KeyUse.OCSP}))
with ThreadPoolExecutor(8) as pool:
    made = list(pool.map(lambda n: token.sign(KeyRef("direct"), KeyUse.OCSP, b"%d" % n), range(800)))
assert all(CUSTODY_ALGORITHMS["P-256"].verifies(public, s, b"%d" % n) for n, s in enumerate(made))
print("sound")
"""
    assert SOFTHSM.exists()
    ended = subprocess.run([*PYTHON, program], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert ended.stdout == "sound\n"


def test_the_module_is_loaded_once_a_process(token: Pkcs11Custodian) -> None:
    """Starting it anew ends the sessions of all: custodians share it."""
    token.labels()
    assert Module.of(usual_module()) is Module.of(usual_module())


def test_the_makers_own_test_of_a_token_is_unaffected(token: Pkcs11Custodian, label: str) -> None:
    """`pkcs11-tool --test` finds what we made, and signs with it, while our sessions are open."""
    token.generate(KeyRef(label), CUSTODY_ALGORITHMS["RSA-2048"], CA_USES)
    token.sign(KeyRef(label), KeyUse.CRL, b"liste")
    command = ["pkcs11-tool", "--module", usual_module(), "--token-label", "unit", "--login", "--pin", PIN, "--test"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No errors" in ended.stdout, ended.stdout


def _python() -> list[str]:
    import sys

    return [sys.executable, "-P", "-c"]


PYTHON = _python()


def test_a_pin_that_is_not_text_is_never_shown_to_the_token(tmp_path: Path) -> None:
    """It is the file that is wrong: nothing is remembered as refused."""
    tokens()
    remembered = tmp_path / "pin-refused"
    pin = Pin(lambda: b"\xff\xfe\xff\xfe", remembered, SystemEntropy())
    with pytest.raises(Malformed, match="is not text"):
        Pkcs11Custodian(parse("pkcs11:token=guarded"), pin).labels()
    assert not remembered.exists()
