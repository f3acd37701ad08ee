"""One authority with two ordres at work, and everybody who may come to its pages, each with a passkey and a session.

Everything is made through the services that the pages use. `Crowd.call` sends what a page of ours would send: the cookie of the
audience, the token of forms, the origin.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.test import Client, TestResponse

from pki.adapters.store.tables import metadata
from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.inventory.model import Certificate
from pki.register.invented import finess_of
from pki.registration.grants import GrantApplication
from tests.builders.authenticator import Authenticator
from tests.world import Person, World, doctor, nurse
from web.admin.application import make as make_admin
from web.board.application import make as make_board
from web.kit.safety import token_of_session
from web.portal.application import make as make_portal
from web.structure.application import make as make_structure
from web.verify.application import make as make_verify

URL = "http://localhost:8400"
DOCTOR, OTHER_DOCTOR, NURSE = doctor(1, "DUPONT"), doctor(2, "LEROY"), nurse(3, "MARTIN")
AWAITED = {"cnom": doctor(4, "MOREAU"), "oni": nurse(5, "PETIT")}
"""Granted by their ordre, and not come yet."""
INVITED = {"owner": doctor(6, "ROUX"), "other": nurse(7, "BLANC")}
"""Who may be sent a link, any number of times."""
REGISTERED = [DOCTOR, OTHER_DOCTOR, NURSE, *AWAITED.values(), *INVITED.values()]
OFFICER, COLLEAGUE, STRANGER, GONE = "cnom-1", "cnom-2", "oni-1", "cnom-3"
COOKIES = [f"sceau-{kind}" for kind in Kind]
"""One for each audience that signs in."""
KINDS = {"board": Kind.OFFICER, "portal": Kind.PERSON, "structure": Kind.STRUCTURE, "admin": Kind.ADMINISTRATOR}
"""Who signs in at each audience."""
KEEPERS = {"keeper": "exploitation-1", "deputy": "exploitation-2"}
"""Who runs the machine."""
VOLATILE = {"sessions", "challenges", "refusals"}
"""Tables that asking may change: when a session was last seen, questions that were asked, how many were refused."""


@dataclass
class Somebody:
    """Who comes: with a session, or none."""

    account: Account | None
    token: str = ""
    device: Authenticator = field(default_factory=Authenticator)
    passkey: bytes = b""


@dataclass
class Crowd:
    """The authority and everybody around it."""

    world: World
    office: Office
    apps: dict[str, Flask]
    people: dict[str, Somebody]
    structures: dict[str, str]
    """Number of the structure that somebody administers, by who it is."""
    certificates: dict[str, Certificate] = field(default_factory=dict)
    """One for each holder, by national identifier."""
    batches: dict[str, str] = field(default_factory=dict)
    """One that waits, by ordre."""

    def sign_in(self) -> None:
        """Give everybody a new session."""
        for who in self.people.values():
            if who.account is not None:
                (passkey,) = self.office.passkeys.of(who.account)
                who.token = self.office.sessions.open(passkey)

    def client(self, audience: str, who: Somebody, app: Flask | None = None) -> Client:
        """Return the browser of somebody, at the pages of an audience: the session is shown to all of them."""
        client = Client(app or self.apps[audience])
        if who.token:
            for name in COOKIES:
                client.set_cookie(name, who.token, domain="localhost")
        return client

    def call(
        self, audience: str, who: Somebody, method: str, path: str, *, app: Flask | None = None, **more: Any
    ) -> TestResponse:
        """Send what a page of ours would send."""
        headers = {"Origin": URL, "X-Sceau-Token": self.form_token(audience, who)} | more.pop("headers", {})
        return self.client(audience, who, app).open(path, method=method, base_url=URL, headers=headers, **more)

    def form_token(self, audience: str, who: Somebody) -> str:
        """Return the token that a page shown to somebody carries."""
        kind = KINDS.get(audience)
        known = self.office.sessions.find(who.token) if who.token else None
        return token_of_session(who.token) if known is not None and known.account.kind is kind else "anonymous"

    def state(self) -> str:
        """Return the hash of everything that the database holds, but what asking may change."""
        engine, known = self.world.store.engine, metadata
        digest = hashlib.sha256()
        with engine.connect() as connection:
            for table in known.sorted_tables:
                if not any(word in table.name for word in VOLATILE):
                    for row in sorted(map(repr, connection.execute(select(table)))):
                        digest.update(f"{table.name} {row}\n".encode())
        return digest.hexdigest()


def enter(office: Office, account: Account, name: str) -> Somebody:
    """Have somebody register a passkey by a one-time link, and sign in."""
    device = Authenticator(origin=URL, credential_id=f"passkey of {name}".encode())
    made = office.entries.invite(account, timedelta(days=1), by="test")
    answer = device.make(office.passkeys.registration_options(account, name))
    passkey = office.passkeys.register_by_entry(made.token, None, answer, name)
    return Somebody(account, office.sessions.open(passkey), device, passkey.id)


def grant(world: World, office: Office, person: Person, profile: str = "ps-authentification") -> str:
    """Have two officers grant somebody a certificate; return the batch."""
    board = "cnom" if person.profession == "10" else "oni"
    asked = GrantApplication(person.rpps, (profile,), person.family_name, person.given_name)
    draft = office.grants.draft(f"{board}-1", [asked])
    assert not draft.refused, draft.refused
    batch = office.grants.submit(draft, world.act(f"{board}-1", draft.statement(world.clock.now())))
    world.decisions.approve(world.act(f"{board}-2", world.decisions.approval_statement(batch.id, f"{board}-2")))
    return batch.id


def structure(world: World, office: Office, board: str, rank: int) -> str:
    """Have two officers declare and approve a structure; return its number."""
    service = office.organisations
    draft = service.draft(f"{board}-2", finess_of(rank), f"CLINIQUE {rank}", "Essai (99)", [f"clinique{rank}.example"])
    service.declare(draft, world.act(f"{board}-2", service.declaration_statement(draft)))
    return service.approve(world.act(f"{board}-1", service.approval_statement(draft.id, f"{board}-1"))).id


def choose(world: World, office: Office, board: str, number: str) -> None:
    """Have two officers agree that a structure has an administrator."""
    draft = office.mandates.draft(f"{board}-1", number)
    batch = office.mandates.submit(draft, world.act(f"{board}-1", draft.statement(world.clock.now())))
    world.decisions.approve(world.act(f"{board}-2", world.decisions.approval_statement(batch.id, f"{board}-2")))


@contextmanager
def crowd(directory: Path) -> Iterator[Crowd]:
    """Make everybody."""
    world = World(directory)
    world.apply_register(REGISTERED)
    office = Office(world.home, URL)
    dismissed = Office(replace(world.home, settings=_without(world.home.settings, GONE)), URL)
    apps = {
        "admin": make_admin(office),
        "admin, later": make_admin(dismissed),
        "board": make_board(office),
        "portal": make_portal(office),
        "structure": make_structure(office),
        "verify": make_verify(office),
        "board, later": make_board(dismissed),
        "portal, later": make_portal(dismissed),
        "structure, later": make_structure(dismissed),
        "verify, later": make_verify(dismissed),
    }
    people = {"nobody": Somebody(None)}
    for name, officer in (("officer", OFFICER), ("colleague", COLLEAGUE), ("stranger", STRANGER), ("gone", GONE)):
        people[name] = enter(office, Account(Kind.OFFICER, officer), name)
    for name, person in (("owner", DOCTOR), ("other", OTHER_DOCTOR), ("nurse", NURSE)):
        people[name] = enter(office, Account(Kind.PERSON, person.idnat), name)
    for name, keeper in KEEPERS.items():
        people[name] = enter(office, Account(Kind.ADMINISTRATOR, keeper), name)
    structures = {}
    for rank, (name, board) in enumerate((("clinic", "cnom"), ("office", "oni")), 5):
        structures[name] = structure(world, office, board, rank)
        choose(world, office, board, structures[name])
        people[name] = enter(office, Account(Kind.STRUCTURE, structures[name]), name)
    found = Crowd(world, office, apps, people, structures)
    for person in (DOCTOR, OTHER_DOCTOR, NURSE):
        board = "cnom" if person.profession == "10" else "oni"
        found.certificates[person.idnat] = world.enrol(person)
        draft = world.enrolment.draft(f"{board}-2", [world.application(person, "ps-signature")])
        batch = world.enrolment.submit(draft, world.act(f"{board}-2", draft.statement(world.clock.now())))
        found.batches.setdefault(board, batch.id)
    world.issuer.key_watch.look()  # as it does once a minute: the administrators' page shows what it saw
    yield found
    world.close()


def _without(settings: Any, officer: str) -> Any:
    """Return the settings after a mandate was removed."""
    boards = {
        code: replace(board, officers=tuple(each for each in board.officers if each.id != officer))
        for code, board in settings.boards.items()
    }
    return replace(settings, boards=boards)
