"""Who lost the phone ends everything with a printed code, and nobody else does (CP 4.9.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.inventory.model import Certificate, Reason, State
from pki.issuance.approvals import Act
from pki.registration.grants import GrantApplication
from pki.registration.selfservice import Asked
from tests.builders.authenticator import Authenticator
from tests.world import World, certification_request, nurse
from trust.errors import Refused, Unavailable

ANNE, BRUNO = nurse(1, "MARTIN"), nurse(2, "PETIT")
ACCOUNT = Account(Kind.PERSON, ANNE.idnat)
URL = "http://localhost:8400"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An authority whose register has two nurses."""
    world = World(tmp_path / "home")
    world.apply_register([ANNE, BRUNO])
    yield world
    world.close()


@pytest.fixture
def office(world: World) -> Office:
    """The services of its pages."""
    return Office(world.home, URL)


def granted(world: World, office: Office) -> None:
    """Have two officers grant Anne one profile."""
    draft = office.grants.draft("oni-1", [GrantApplication(ANNE.rpps, ("ps-authentification",), "MARTIN", "Camille")])
    batch = office.grants.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2")))


def entered(office: Office, credential: bytes = b"credential-1") -> str:
    """Have Anne register a passkey and open a session; return its token."""
    made = office.entries.invite(ACCOUNT, timedelta(days=15), by="oni-1", with_code=True)
    response = Authenticator(credential_id=credential).make(office.passkeys.registration_options(ACCOUNT, "Anne"))
    return office.sessions.open(office.passkeys.register_by_entry(made.token, made.code, response, "Mon téléphone"))


def test_a_code_ends_passkeys_sessions_links_grants_and_certificates(world: World, office: Office) -> None:
    """All at once; the other nurse keeps hers; the keys are never certified again."""
    granted(world, office)
    token = entered(office)
    mine, other = world.enrol(ANNE), world.enrol(BRUNO)
    codes = office.losses.new_sheet(ACCOUNT)
    link = office.entries.invite(ACCOUNT, timedelta(days=1), by="oni-1")
    ended = office.losses.report(ANNE.rpps, codes[1])
    assert (ended.passkeys, [each.serial for each in ended.certificates]) == (1, [mine.serial])
    assert state(world, mine) == (State.REVOKED, Reason.KEY_COMPROMISE) and state(world, other) == (State.ISSUED, None)
    assert office.sessions.find(token) is None and office.passkeys.of(ACCOUNT) == []
    assert [grant.withdrawn_at for grant in office.grants.of_holder(ANNE.idnat)] == [world.clock.now()]
    with pytest.raises(Refused):
        office.entries.look(link.token)
    with world.store.read() as tx:
        assert tx.blocked_keys.blocked([mine.spki_hash, other.spki_hash]) == {mine.spki_hash}


def test_who_reported_a_loss_comes_back_by_two_officers(world: World, office: Office) -> None:
    """The old grant serves nothing any more; a new one, a new link and a new passkey do."""
    granted(world, office)
    entered(office)
    office.losses.report(ANNE.rpps, office.losses.new_sheet(ACCOUNT)[0])
    entered(office, b"credential-2")
    asked = [Asked("ps-authentification", certification_request(ec.generate_private_key(ec.SECP256R1())))]
    with pytest.raises(Refused, match="no officer granted"):
        office.selfservice.prepare(ANNE.idnat, asked)
    granted(world, office)
    assert len(office.selfservice.prepare(ANNE.idnat, asked).requests) == 1


def test_a_code_serves_once_and_takes_its_sheet_with_it(office: Office) -> None:
    """Neither the same code nor another of the sheet is taken afterwards; a new sheet is."""
    codes = office.losses.new_sheet(ACCOUNT)
    office.losses.report(ANNE.rpps, codes[0].lower().replace("-", " "))
    for code in codes:
        with pytest.raises(Refused, match="do not go together"):
            office.losses.report(ANNE.rpps, code)
    (code, *_) = office.losses.new_sheet(ACCOUNT)
    assert office.losses.report(ANNE.rpps, code).certificates == []


def test_a_new_sheet_ends_the_codes_of_the_one_before(office: Office) -> None:
    """Whoever finds the old paper has nothing."""
    old, new = office.losses.new_sheet(ACCOUNT), office.losses.new_sheet(ACCOUNT)
    with pytest.raises(Refused):
        office.losses.report(ANNE.rpps, old[0])
    office.losses.report(ANNE.rpps, new[0])


@pytest.mark.parametrize("number", [ANNE.rpps, BRUNO.rpps, nurse(9).rpps, "12345678901", "pas un numéro", ""])
def test_the_answer_is_the_same_for_everybody(office: Office, number: str) -> None:
    """With codes, without, unknown to the register, or no number at all."""
    office.losses.new_sheet(ACCOUNT)
    with pytest.raises(Refused) as refused:
        office.losses.report(number, "AAAA-BBBB-CCCC-DDDD")
    assert str(refused.value) == "this number and this code do not go together [CP 4.9.2]"


def test_wrong_codes_are_slowed_for_one_person_and_close_nobody_s_door(world: World, office: Office) -> None:
    """A person who is unknown is slowed alike; a right code is heard, however many wrong ones somebody sent before."""
    mine = office.losses.new_sheet(ACCOUNT)
    his = office.losses.new_sheet(Account(Kind.PERSON, BRUNO.idnat))
    for number in (ANNE.rpps, nurse(9).rpps):
        for _ in range(5):
            with pytest.raises(Refused):
                office.losses.report(number, "AAAA-BBBB-CCCC-DDDD")
        with pytest.raises(Unavailable, match="too many wrong codes"):
            office.losses.report(number, "AAAA-BBBB-CCCC-DDDD")
    office.losses.report(BRUNO.rpps, his[0])
    office.losses.report(ANNE.rpps, mine[0])
    world.clock.advance(hours=1, seconds=1)
    with pytest.raises(Refused):
        office.losses.report(ANNE.rpps, "AAAA-BBBB-CCCC-DDDD")


def test_another_person_s_code_is_a_wrong_code(office: Office) -> None:
    """A code is one person's."""
    codes = office.losses.new_sheet(ACCOUNT)
    with pytest.raises(Refused):
        office.losses.report(BRUNO.rpps, codes[0])


def test_who_reads_the_database_finds_no_code(world: World, office: Office) -> None:
    """Only keyed hashes are stored, and the journal says who and how many."""
    codes = [code.replace("-", "") for code in office.losses.new_sheet(ACCOUNT)]
    octets = b"".join(path.read_bytes() for path in world.directory.rglob("*") if path.is_file())
    assert not any(code.encode() in octets or code.lower().encode() in octets for code in codes)


def test_what_was_asked_before_the_loss_is_not_issued_after_it(world: World, office: Office) -> None:
    """A thief's request waits for the issuer while the loss is reported: the issuer refuses it, for its passkey is gone."""
    granted(world, office)
    made = office.entries.invite(ACCOUNT, timedelta(days=15), by="oni-1", with_code=True)
    authenticator = Authenticator()
    response = authenticator.make(office.passkeys.registration_options(ACCOUNT, "Anne"))
    office.passkeys.register_by_entry(made.token, made.code, response, "Mon téléphone")
    csr = certification_request(ec.generate_private_key(ec.SECP256R1()))
    draft = office.selfservice.prepare(ANNE.idnat, [Asked("ps-authentification", csr)])
    act = Act.of(draft.statement, authenticator.sign(draft.statement).pack(), officer=str(ACCOUNT))
    batch = office.selfservice.submit(act, draft.requests, [csr])
    office.losses.report(ANNE.rpps, office.losses.new_sheet(ACCOUNT)[0])
    world.issuer.turn_until_idle()
    (order,) = office.selfservice.state(batch, ANNE.idnat)
    assert order.failure is not None and order.serial is None


def state(world: World, certificate: Certificate) -> tuple[State, Reason | None]:
    """Return how a certificate stands now."""
    now = world.certificate(certificate.serial)
    return now.state, now.reason
