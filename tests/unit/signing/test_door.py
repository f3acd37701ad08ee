"""Every signature passes the door: for one use, witnessed, verified, counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hsm.api import KeyRef, KeyUse
from hsm.testing import CorruptingCustodian
from pki.signing.door import SigningDoor
from tests.unit.signing.conftest import CA, RESPONDER
from trust.errors import Alarm, Missing, Refused


def test_a_signature_that_does_not_verify_is_an_alarm(trouble: CorruptingCustodian) -> None:
    """It is counted, and nobody receives it."""
    door = SigningDoor(trouble)
    with pytest.raises(Alarm):
        door.sign(door.key(CA, KeyUse.CRL), b"liste", subject="personnes #7")
    assert door.figures()["crl"].faults == 1


def test_one_wrong_signature_among_many_releases_none(trouble: CorruptingCustodian) -> None:
    """The alarm names the first; whoever asked has nothing."""
    door = SigningDoor(trouble)
    with pytest.raises(Alarm, match="for 01"):
        door.sign_many(door.key(CA, KeyUse.CERTIFICATE), [b"un", b"deux"], subjects=["01", "02"])
    assert door.figures()["certificate"].count == 2


def test_after_one_fault_every_signature_of_that_key_is_verified(trouble: CorruptingCustodian) -> None:
    """A caller that verifies a sample is overruled once the module has lied."""
    door = SigningDoor(trouble)
    key = door.key(RESPONDER, KeyUse.OCSP)
    door.sign(key, b"reponse", subject="", verify=False)
    with pytest.raises(Alarm):
        door.sign(key, b"reponse", subject="", verify=True)
    with pytest.raises(Alarm):
        door.sign(key, b"reponse", subject="", verify=False)


def test_the_door_does_not_lend_a_key_to_another_use(door: SigningDoor) -> None:
    """The custodian says no, the door passes it on, and nothing is counted."""
    with pytest.raises(Refused):
        door.sign(door.key(RESPONDER, KeyUse.CERTIFICATE), b"certificat", subject="01")
    assert door.figures() == {}


def test_an_unknown_key_is_missing(door: SigningDoor) -> None:
    """Known at start, not at the first signature."""
    with pytest.raises(Missing):
        door.key("inconnue", KeyUse.CRL)


def test_signatures_are_counted_and_timed_by_use(door: SigningDoor) -> None:
    """Across threads too."""
    key = door.key(RESPONDER, KeyUse.OCSP)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: door.sign(key, b"reponse", subject=""), range(40)))
    figures = door.figures()["ocsp"]
    assert (figures.count, figures.faults) == (40, 0)
    assert figures.seconds > 0


def test_a_key_is_looked_up_once(door: SigningDoor) -> None:
    """A token would otherwise be asked for its public key at every signature."""
    assert door.key(CA, KeyUse.CRL) is door.key(CA, KeyUse.CRL)
    assert door.key(CA, KeyUse.CRL) is not door.key(CA, KeyUse.CERTIFICATE)
    assert KeyRef(CA).label == door.key(CA, KeyUse.CRL).label
