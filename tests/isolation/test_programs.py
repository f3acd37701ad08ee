"""Route × role × ownership of the API, from the table that serves it (reliability W02, W06, W08)."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import select
from werkzeug.test import Client, TestResponse

from pki.adapters.store.tables import metadata
from pki.authenticators.tokens import Scope
from pki.bootstrap.office import Office
from pki.register.invented import finess_of
from pki.registration.applications import Application
from tests.builders.programs import BY_NAME, DESCRIBED, URL, Programs
from tests.isolation.people import VOLATILE
from tests.isolation.programs import OFFICERS, PARAMETER, ROLES, STRUCTURES, TABLE, UNKNOWN, Row
from tests.world import Person, World, certification_request, doctor, nurse
from trust.algorithms import ALGORITHMS
from web.api.application import make
from web.api.route import For
from web.api.table import ROUTES
from web.kit.limits import Limits

DOCTOR, NURSE, NEWCOMER = doctor(1, "DUPONT"), nurse(2, "MARTIN"), doctor(3, "LEROY")
BOARD = {"officer": "cnom", "stranger": "oni"}


@dataclass
class Everybody:
    """Two ordres, their structures, and what each of them has."""

    programs: Programs
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    things: dict[tuple[str, str], str] = field(default_factory=dict)
    """By kind and owner."""
    later: Client | None = None
    """The application once the mandate of the one who is gone has ended."""

    def call(self, name: str, role: str, thing: str) -> TestResponse:
        """Have somebody call a route for a thing."""
        route, row = BY_NAME[name], TABLE[name]
        path = "/v1" + route.path.format(**({PARAMETER[row.thing]: thing} if row.thing else {}))
        client = self.later if role == "gone" else self.programs.client
        assert client is not None
        sent = {"json": row.send} if route.body is not None else {}
        answer = client.open(path, method=route.method, base_url=URL, headers=self.headers[role], **sent)  # type: ignore[arg-type]
        DESCRIBED.check(route, answer)
        return answer

    def state(self) -> str:
        """Return the hash of everything that the database holds, but when tokens were last used and what waits to be signed."""
        digest = hashlib.sha256()
        with self.programs.world.store.engine.connect() as connection:
            for table in metadata.sorted_tables:
                if not any(word in table.name for word in (*VOLATILE, "tokens", "drafts")):
                    for row in sorted(map(repr, connection.execute(select(table)))):
                        digest.update(f"{table.name} {row}\n".encode())
        return digest.hexdigest()


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everybody]:
    """Make them."""
    world = World(tmp_path_factory.mktemp("programs") / "home")
    world.apply_register([DOCTOR, NURSE, NEWCOMER])
    found = Everybody(Programs(world))
    numbers = {role: _structure(found.programs, BOARD[owner], rank) for rank, (role, owner) in
               enumerate(zip(STRUCTURES, OFFICERS, strict=True), 1)}  # fmt: skip
    sha256 = world.import_register([DOCTOR, NURSE, NEWCOMER, nurse(9, "NOUVEAU")])
    for role, person in zip(OFFICERS, (DOCTOR, NURSE), strict=True):
        found.things["certificate", role] = world.enrol(person).serial.hex()
        _asked(found, role, BOARD[role], world.application(person, "ps-signature"))
        found.things["person", role] = person.rpps
    for role, owner in zip(STRUCTURES, OFFICERS, strict=True):
        key = certification_request(ALGORITHMS["P-256"].generate())
        batch = world.order([Application(numbers[role], "org-cachet", key, common_name="Cachet")], board=BOARD[owner])
        world.issuer.turn_until_idle()
        found.things["certificate", role] = world.certificates_of_batch(batch)[0].serial.hex()
        found.things["structure", role] = found.things["structure", owner] = numbers[role]
        _asked(found, role, BOARD[owner], Application(numbers[role], "org-cachet", _request(), common_name="Autre"))
    for role, person in zip(OFFICERS, (NEWCOMER, NURSE), strict=True):
        found.things["grant", role] = _granted(found.programs, BOARD[role], person)
        _proposed(found.programs, BOARD[role], found.things["structure", role])
    for role, owner in zip(STRUCTURES, OFFICERS, strict=True):
        found.things["grant", role] = found.things["grant", owner]
    for role in (*OFFICERS, *STRUCTURES):
        found.things["plan", role], found.things["kind", role] = sha256, "refused"
        found.things.setdefault(("person", role), DOCTOR.rpps)
    _tokens(found, numbers)
    yield found
    world.close()


def _request() -> bytes:
    return certification_request(ALGORITHMS["P-256"].generate())


def _structure(programs: Programs, board: str, rank: int) -> str:
    asked = {"number": "1" + finess_of(rank), "name": "CABINET", "department": "Essai (99)", "domains": ["cabinet.example"]}
    number = str(programs.act("prepareDeclaration", "declare", f"{board}-1", asked).get_json()["number"])
    programs.act("prepareStructureApproval", "approveStructure", f"{board}-2", number=number)
    return number


def _granted(programs: Programs, board: str, person: Person) -> str:
    names = {"family_name": person.family_name, "given_name": person.given_name}
    asked = {"applications": [{"number": person.rpps, "profiles": ["ps-authentification"], **names}]}
    draft = programs.get("prepareEnrolments", f"{board}-1", asked)
    batch = programs.get("handIn", f"{board}-1", programs.signed(f"{board}-1", draft["statement"]))["id"]
    programs.act("prepareApproval", "approve", f"{board}-2", batch=batch)
    return str(draft["applications"][0]["request"])


def _proposed(programs: Programs, board: str, number: str) -> None:
    asked = {"domains": ["cabinet.example", "nouveau.example"]}
    assert programs.act("prepareDomains", "proposeDomains", f"{board}-1", asked, number=number).status_code == 200


def _asked(found: Everybody, role: str, board: str, application: Application) -> None:
    world = found.programs.world
    draft = world.enrolment.draft(f"{board}-2", [application])
    batch = world.enrolment.submit(draft, world.act(f"{board}-2", draft.statement(world.clock.now())))
    found.things["batch", role], found.things["request", role] = batch.id, draft.records[0].id


def _tokens(found: Everybody, numbers: dict[str, str]) -> None:
    programs = found.programs
    accounts = {"officer": "cnom-1", "stranger": "oni-1", "gone": "cnom-3", "withdrawn": "cnom-2", **numbers}
    secrets = {role: programs.token(account) for role, account in accounts.items()}
    secrets["reader"] = programs.token("cnom-1", [Scope.READ])
    found.headers = {role: {"Authorization": f"Bearer {secret}"} for role, secret in secrets.items()} | {"nobody": {}}
    token = programs.office.tokens.find(secrets["withdrawn"])
    assert token is not None
    programs.office.tokens.withdraw(token.id, by="test")
    settings = programs.world.home.settings
    boards = {
        code: replace(board, officers=tuple(each for each in board.officers if each.id != "cnom-3"))
        for code, board in settings.boards.items()
    }
    home = replace(programs.world.home, settings=replace(settings, boards=boards))
    found.later = Client(make(Office(home, URL), Limits(most=1)))


def expected(name: str, role: str, owner: str) -> int:
    """Return the status of a route for a role, on a thing of an owner: rights first, then whose it is."""
    route, row = BY_NAME[name], TABLE[name]
    if route.audience is For.ANYBODY:
        return row.mine
    if role in ("nobody", "gone", "withdrawn"):
        return 401
    allowed = {"reader": {Scope.READ}, "structure": {Scope.READ, Scope.REQUEST}, "neighbour": {Scope.READ, Scope.REQUEST}}
    if route.scope not in allowed.get(role, set(Scope)) or (role in STRUCTURES and route.audience is For.OFFICERS):
        return 403
    return row.mine if not row.thing or is_theirs(row, role, owner) else row.others


def is_theirs(row: Row, role: str, owner: str) -> bool:
    """Tell whether a thing of an owner may be seen by a role: an ordre sees what its structures have."""
    if role in STRUCTURES:  # the structure that an officer of its ordre sees is itself
        return role == owner or (row.thing == "structure" and owner == OFFICERS[STRUCTURES.index(role)])
    board = {"officer": 0, "reader": 0, "stranger": 1}[role]
    return owner in (OFFICERS[board], STRUCTURES[board])


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    """Whoever adds a route says in the table who gets what; the table that serves and the URL map are one."""
    assert set(TABLE) == {route.name for route in ROUTES}
    assert len({route.name for route in ROUTES}) == len(ROUTES) == len({(route.method, route.path) for route in ROUTES})


def test_every_application_of_programs_is_looked_at_here(everybody: Everybody) -> None:
    """What is mounted, and nothing besides the table, is answered."""
    from web.authority import PROGRAMS

    assert list(PROGRAMS) == ["/api"]
    rules = list(make(everybody.programs.office).url_map.iter_rules())
    assert {rule.endpoint for rule in rules} == set(TABLE) and len(rules) == len(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_everybody_gets_what_is_theirs_and_nothing_else(everybody: Everybody, name: str) -> None:
    """What is somebody else's answers what the table says, in the words for what does not exist; nothing is changed."""
    row, before = TABLE[name], everybody.state()
    for role in ROLES:
        for owner in (*OFFICERS, *STRUCTURES) if row.thing else ("officer",):
            thing = everybody.things.get((row.thing, owner), "")
            answer = everybody.call(name, role, thing)
            while answer.status_code == 503:  # a plan that is being made
                answer = everybody.call(name, role, thing)
            said = answer.get_data(as_text=True)
            assert answer.status_code == expected(name, role, owner), (role, owner, said[:300])
            if answer.status_code == 404:
                nothing = everybody.call(name, role, UNKNOWN[row.thing]).get_data(as_text=True)
                assert nothing.replace(UNKNOWN[row.thing], "…") == said.replace(thing, "…")
    assert everybody.state() == before


def test_a_right_signature_about_another_ordre_s_object_changes_nothing(everybody: Everybody) -> None:
    """Whatever address it is sent to."""
    programs, before = everybody.programs, everybody.state()
    foreign, own = everybody.things["certificate", "officer"], everybody.things["certificate", "stranger"]
    statement = programs.get("prepareRevocation", "oni-1", {"reason": "superseded"}, serial=own)["statement"]
    sent = programs.signed("oni-1", statement.replace(own, foreign))
    assert programs.call("revoke", "oni-1", sent, serial=own).status_code == 400
    assert programs.call("revoke", "oni-1", sent, serial=foreign).status_code == 404
    batch, mine = everybody.things["batch", "officer"], everybody.things["batch", "stranger"]
    statement = programs.get("prepareApproval", "oni-1", batch=mine)["statement"].replace(mine, batch)
    assert programs.call("approve", "oni-1", programs.signed("oni-1", statement), batch=mine).status_code == 400
    assert programs.call("approve", "oni-1", programs.signed("oni-1", statement), batch=batch).status_code == 404
    assert everybody.state() == before


def test_what_is_refused_is_logged_without_saying_who(everybody: Everybody, caplog: pytest.LogCaptureFixture) -> None:
    """One line: what was asked, by which token. Neither a name nor a number of a person."""
    with caplog.at_level(logging.INFO):
        caplog.clear()
        everybody.call("showCertificate", "stranger", everybody.things["certificate", "officer"])
    (line,) = [record.getMessage() for record in caplog.records if record.name == "sceau.api"]
    assert line.startswith("refused (404): GET showCertificate, token ")
    assert not any(word in line for word in ("997", "oni-1", "DUPONT", "MARTIN"))
