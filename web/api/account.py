"""Who calls, what may be asked for, and the state of things for an ordre."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pki.registration.model import BatchState
from web.api.register import RegisterShape, register_shape
from web.api.route import Call, For, Route, Shape
from web.api.shapes import Moment

DAYS = (7, 30, 90)


class Me(Shape):
    """Who calls."""

    account: str
    board: str
    scopes: list[str]
    roles: list[str]
    """Of an officer's mandate."""
    by: str
    """What the call came in with: ``token`` or ``certificate``, and how logs call it."""
    ends_at: Moment
    """When that ends, if nothing ends it before: have another by then."""


class Profile(Shape):
    """What may be asked for."""

    id: str
    title: str
    ca: str
    keys: list[str]
    """Kinds of keys that it takes."""
    days: int
    """How long its certificates live."""
    reasons: list[str]
    """Why they may be revoked (CP 4.9.1)."""


class Profiles(Shape):
    """Every profile that is issued to subscribers."""

    profiles: list[Profile]


class Ending(Shape):
    """Certificates that end within some days."""

    within_days: int
    certificates: int


class RevocationList(Shape):
    """A list in force."""

    ca: str
    scope: str
    number: int
    this_update: Moment
    next_update: Moment


class Status(Shape):
    """The state of things, measured now."""

    at: Moment
    endings: list[Ending]
    batches_waiting: int
    orders_pending: int
    """Of all ordres."""
    register: RegisterShape
    revocation_lists: list[RevocationList]


def _me(call: Call) -> Me:
    who = call.who
    roles = sorted(call.officer.roles) if who.is_officer else []
    return Me(account=str(who.account), board=who.board, scopes=sorted(who.scopes), roles=roles, by=who.way, ends_at=who.ends_at)


def _profiles(call: Call) -> Profiles:
    home = call.office.home
    found = [(ca.id, name) for ca in home.settings.cas for name in ca.issues]
    return Profiles(
        profiles=[
            Profile(
                id=name,
                title=home.profiles[name].title,
                ca=ca,
                keys=list(home.profiles[name].subject_keys),
                days=home.profiles[name].validity_days,
                reasons=sorted(reason.standard_name for reason in home.reasons[name]),
            )
            for ca, name in found
            if name in home.profiles
        ]
    )


def _status(call: Call) -> Status:
    home, board = call.office.home, call.who.board
    now = home.clock.now()
    with home.store.read() as tx:
        ends = tx.certificates.ends(board=board, ends_from=now, ends_before=now + timedelta(days=max(DAYS)))
        waiting = tx.requests.count(board=board, state=BatchState.SUBMITTED)
        pending, lists = tx.orders.pending(), tx.crls.all()
    return Status(
        at=now,
        endings=[Ending(within_days=days, certificates=sum(end < now + timedelta(days=days) for end in ends)) for days in DAYS],
        batches_waiting=waiting,
        orders_pending=pending,
        register=register_shape(call.office),
        revocation_lists=[
            RevocationList(
                ca=each.ca, scope=each.scope, number=each.number, this_update=each.this_update, next_update=each.next_update
            )
            for each in lists
        ],
    )


_TAG: dict[str, Any] = {"tag": "state"}
ROUTES = (
    Route("GET", "/me", "showMe", "Who calls, and what is open", _me, Me, audience=For.BOTH, **_TAG),
    Route("GET", "/profiles", "listProfiles", "What may be asked for", _profiles, Profiles, audience=For.BOTH, **_TAG),
    Route(
        "GET", "/status", "showStatus", "What ends, what waits, how old the register and the lists are", _status, Status, **_TAG
    ),
)
