"""Access tokens (CP 5.2.3): shown once, kept as a hash, and over with the mandate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from pki.adapters.store import tallies
from pki.adapters.store.tables import journal, metadata, tokens
from pki.audit.accounts import Books
from pki.authenticators.model import Account, Kind
from pki.authenticators.tokens import MOST, PREFIX, Scope, digest
from pki.bootstrap.office import Office
from pki.bootstrap.registrar import officer_keys
from pki.register.invented import finess_of
from tests.world import World
from trust.errors import Conflict, Malformed, Missing, Refused

CLAIRE = Account(Kind.OFFICER, "cnom-1")
DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An authority."""
    world = World(tmp_path_factory.mktemp("tokens") / "home")
    yield world
    world.close()


@pytest.fixture
def office(world: World) -> Office:
    """Its services."""
    return Office(world.home, "http://localhost:8400")


def structure(world: World, office: Office) -> Account:
    """Have a structure declared and approved; return its account."""
    service = office.organisations
    draft = service.draft("cnom-1", finess_of(1), "CABINET", "Essai (99)", ["cabinet.example"])
    number = service.declare(draft, world.act("cnom-1", service.declaration_statement(draft))).id
    service.approve(world.act("cnom-2", service.approval_statement(number, "cnom-2")))
    return Account(Kind.STRUCTURE, number)


def test_a_token_opens_what_it_was_made_for(office: Office) -> None:
    """Its account and its scopes, until its time is over, to the second."""
    secret, made = office.tokens.make(CLAIRE, "Export de nuit", [Scope.READ], DAY, by="test")
    found = office.tokens.find(secret)
    assert found is not None
    assert (found.account, found.scopes, found.name) == (CLAIRE, frozenset({Scope.READ}), "Export de nuit")
    assert secret.startswith(PREFIX) and len(secret) == len(PREFIX) + 43 and made.id not in secret


def test_a_token_ends_at_its_time(world: World, office: Office) -> None:
    """A second before it serves, at the second it does not."""
    secret, _ = office.tokens.make(CLAIRE, "x", [Scope.READ], DAY, by="test")
    world.clock.advance(days=1, seconds=-1)
    assert office.tokens.find(secret) is not None
    world.clock.advance(seconds=1)
    assert office.tokens.find(secret) is None


def test_the_secret_is_nowhere_in_the_database(world: World, office: Office) -> None:
    """Neither in a table nor in the journal: whoever reads a copy cannot come in."""
    secret, made = office.tokens.make(CLAIRE, "x", [Scope.READ], DAY, by="test")
    with world.store.engine.connect() as connection:
        rows = [repr(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
        said = [row.entry for row in connection.execute(select(journal)) if "token.made" in row.entry]
    assert not any(secret in row or secret.removeprefix(PREFIX) in row for row in rows)
    assert len(said) == 1 and made.id in said[0] and "officer:cnom-1" in said[0]


@pytest.mark.parametrize("secret", ["", "x", PREFIX, "é" * 20, "a" * 1000, PREFIX + "A" * 43])
def test_what_is_no_token_opens_nothing(office: Office, secret: str) -> None:
    """Whatever it looks like."""
    assert office.tokens.find(secret) is None


def test_a_withdrawn_token_opens_nothing_and_is_withdrawn_once(office: Office) -> None:
    """It stays in the list, and the others serve."""
    secret, made = office.tokens.make(CLAIRE, "x", [Scope.READ], DAY, by="test")
    other, _ = office.tokens.make(CLAIRE, "y", [Scope.READ], DAY, by="test")
    office.tokens.withdraw(made.id, by="test")
    assert office.tokens.find(secret) is None
    assert office.tokens.find(other) is not None
    assert [each.withdrawn_at is None for each in office.tokens.list(CLAIRE)].count(False) == 1
    with pytest.raises(Conflict):
        office.tokens.withdraw(made.id, by="test")
    with pytest.raises(Missing):
        office.tokens.withdraw("00" * 8, by="test")


def test_a_token_ends_with_the_keys_and_with_the_mandate(world: World, office: Office) -> None:
    """Withdrawn with the officer's keys for good; of no use as soon as no board names the officer."""
    secret, _ = office.tokens.make(CLAIRE, "x", [Scope.READ], DAY, by="test")
    boards = {
        code: replace(board, officers=tuple(each for each in board.officers if each.id != "cnom-1"))
        for code, board in world.home.settings.boards.items()
    }
    later = Office(replace(world.home, settings=replace(world.home.settings, boards=boards)), office.url)
    assert later.tokens.find(secret) is None
    assert office.tokens.find(secret) is not None
    officer_keys(world.home).withdraw("cnom-1", "left", by="test")
    assert office.tokens.find(secret) is None


def test_a_structure_has_a_token_as_long_as_its_ordre_answers_for_it(world: World, office: Office) -> None:
    """Not before it is approved, and not after it is withdrawn."""
    with pytest.raises(Missing):
        office.tokens.make(Account(Kind.STRUCTURE, "1" + finess_of(2)), "x", [Scope.READ], DAY, by="test")
    account = structure(world, office)
    secret, _ = office.tokens.make(account, "x", [Scope.READ, Scope.REQUEST], DAY, by="test")
    assert office.tokens.find(secret) is not None
    service = office.organisations
    service.withdraw(world.act("cnom-1", service.withdrawal_statement(account.id, "cnom-1", "Fermée.")))
    assert office.tokens.find(secret) is None


def test_what_no_token_may_have_is_refused(world: World, office: Office) -> None:
    """Scopes beyond the account, people without a program, no name, no end."""
    with pytest.raises(Refused):
        office.tokens.make(structure(world, office), "x", [Scope.DECIDE], DAY, by="test")
    with pytest.raises(Missing):
        office.tokens.make(Account(Kind.OFFICER, "nobody"), "x", [Scope.READ], DAY, by="test")
    for name, scopes, life in (
        ("", [Scope.READ], DAY),
        ("a\nb", [Scope.READ], DAY),
        ("x", [], DAY),
        ("x", [Scope.READ], 400 * DAY),
    ):
        with pytest.raises(Malformed):
            office.tokens.make(CLAIRE, name, scopes, life, by="test")


def test_an_account_has_a_bounded_number_of_tokens(world: World, office: Office) -> None:
    """Those that are over do not count."""
    for rank in range(MOST):
        office.tokens.make(CLAIRE, str(rank), [Scope.READ], DAY, by="test")
    with pytest.raises(Conflict):
        office.tokens.make(CLAIRE, "one more", [Scope.READ], DAY, by="test")
    world.clock.advance(days=1)
    office.tokens.make(CLAIRE, "one more", [Scope.READ], DAY, by="test")


def test_the_last_use_is_known_to_a_few_minutes(world: World, office: Office) -> None:
    """One write every five minutes, however often it comes."""
    secret, made = office.tokens.make(CLAIRE, "x", [Scope.READ], DAY, by="test")
    first = world.clock.now()
    for _ in range(3):
        office.tokens.find(secret)
        world.clock.advance(seconds=60)
    assert office.tokens.list(CLAIRE)[0].used_at == first
    world.clock.advance(seconds=300)
    office.tokens.find(secret)
    with world.store.engine.connect() as connection:
        assert connection.execute(select(tokens.c.used_at).where(tokens.c.id == made.id)).scalar_one() > first.timestamp()


def test_a_token_that_only_the_database_knows_is_found_by_the_audit(world: World, office: Office) -> None:
    """Whoever writes a row to come in is told of by the journal, which has no entry for it (I11)."""
    office.tokens.make(CLAIRE, "x", [Scope.READ], DAY, by="test")
    with world.store.read() as tx:
        entries = sum("token.made" in line for _, line in tx.journal_table.entries())
        assert tallies.tables(tx.connection).rows["token.made"] == entries == 1
    with world.store.write() as tx:
        tx.tokens.add(replace(office.tokens.list()[0], id="00" * 8, digest=digest("sceau_x")))
    assert office.tokens.find("sceau_x") is not None
    with world.store.read() as tx:
        books = Books()
        for _, line in tx.journal_table.entries():
            books.take(line)
        found = books.compare(tallies.tables(tx.connection), tallies.certificate_rows(tx.connection))
    assert "access tokens" in str(found)
