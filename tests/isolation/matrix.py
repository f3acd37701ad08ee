"""The table: for each route of each application, what everybody is answered, on what is theirs and on what is not.

A route that has no row fails the suite, and so does a row whose route is gone. Whoever adds a page says here who may see it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pki.register.invented import finess_of

DOOR, SIGN_IN_AGAIN = 302, 401
"""What is answered to who is not signed in here: led to the door, or told so when a script asks."""
INSIDE = {
    "board": ("officer", "stranger"),
    "portal": ("owner", "other"),
    "structure": ("clinic", "office"),
    "verify": ("officer", "owner"),
    "admin": ("keeper", "deputy"),
}
"""Who has a place at the pages of an audience; the first two own what `Row.thing` names, each their own."""
EVERYBODY = ("nobody", "officer", "stranger", "owner", "other", "clinic", "office", "keeper", "deputy", "gone")


@dataclass(frozen=True)
class Row:
    """One route, one method."""

    thing: str
    """What its address names; empty when it names nothing."""
    mine: int
    """Status, for who has a place here and asks for what is theirs."""
    others: int | None = 404
    """For who has a place here and asks for what is somebody else's; None when it belongs to nobody."""
    outside: int = DOOR
    """For everybody else: nobody, another audience, whose mandate is gone."""
    send: dict[str, Any] = field(default_factory=lambda: {"json": {}})
    """The body, when there is one."""


def shown(thing: str = "", others: int | None = 404) -> Row:
    """Return the row of a page for who is signed in."""
    return Row(thing, 200, others if thing else None)


def asked(thing: str, mine: int, others: int | None = 404, **send: Any) -> Row:
    """Return the row of something that changes, or prepares a change, for who is signed in."""
    return Row(thing, mine, others if thing else None, SIGN_IN_AGAIN, send or {"json": {}})


def anybody(status: int, thing: str = "", **send: Any) -> Row:
    """Return the row of what needs no session: everybody is answered alike."""
    return Row(thing, status, status if thing else None, status, send or {"json": {}})


Table = dict[tuple[str, str], Row]

LANGUAGE: Table = {
    ("language.choose", "GET"): Row("language", 302, 302, 302),
    ("language.scripts", "GET"): anybody(200),
}
"""What every application has."""
SIGN_IN: Table = LANGUAGE | {
    ("signin.door", "GET"): anybody(200),
    ("signin.options", "POST"): anybody(200),
    ("signin.sign_in", "POST"): anybody(400),
    ("signin.sign_out", "POST"): anybody(302, data={"csrf": "-"}),
    ("signin.entry", "GET"): anybody(200, "link"),
    ("signin.entry_options", "POST"): anybody(200, "link"),
    ("signin.enter", "POST"): anybody(400, "link"),
    ("signin.keys", "GET"): shown(),
    ("signin.key_options", "POST"): asked("", 200),
    ("signin.add_key", "POST"): asked("", 400),
    ("signin.rename_key", "POST"): asked("key", 302, data={"nom": "Une clé"}),
    ("signin.withdraw_key", "POST"): asked("key", 409, data={}),
}
"""What every audience that signs in has. A withdrawal is 409 here: it is the last key of everybody."""

BOARD: Table = SIGN_IN | {
    ("queue.home", "GET"): shown(),
    ("dashboard.state", "GET"): shown(),
    ("dashboard.endings", "GET"): shown(),
    ("queue.search", "GET"): Row("", 302, None),
    ("queue.batch", "GET"): shown("batch"),
    ("queue.decision_options", "POST"): asked("batch", 200, json={"decision": "refuser", "reason": "Non."}),
    ("queue.decide", "POST"): asked("batch", 400),
    ("certificates.certificate", "GET"): shown("certificate"),
    ("certificates.chain", "GET"): shown("certificate"),
    ("certificates.proof", "GET"): shown("certificate"),
    ("certificates.end_options", "POST"): asked("certificate", 200, json={"reason": "superseded"}),
    ("certificates.end", "POST"): asked("certificate", 400),
    ("certificates.release_options", "POST"): asked("certificate", 200),
    ("certificates.release", "POST"): asked("certificate", 400),
    ("people.home", "GET"): shown(),
    ("people.person", "POST"): asked("", 302, data={"rpps": "99700000099", "profil": "ps-authentification"}),
    ("people.file", "POST"): asked("", 400, data={"profil": "ps-authentification"}),
    ("people.preview", "GET"): shown("list"),
    ("people.report", "GET"): shown("list"),
    ("people.line", "GET"): shown("list"),
    ("people.correct", "POST"): asked("list", 302, data={"rpps": "99700000099", "nom": "X", "prenom": "Y"}),
    ("people.sign_options", "POST"): asked("list", 200),
    ("people.sign", "POST"): asked("list", 400),
    ("letters.paper", "POST"): asked("granted", 200),
    ("letters.mail", "POST"): asked("granted", 409),
    ("letters.ready", "GET"): shown("letters"),
    ("letters.document", "GET"): shown("letters"),
    ("live.work", "GET"): shown("letters"),
    ("live.batch", "GET"): shown("batch"),
    ("rights.grant", "GET"): shown("grant"),
    ("rights.withdraw_options", "POST"): asked("grant", 200, json={"reason": "Parti à la retraite."}),
    ("rights.withdraw", "POST"): asked("grant", 400),
    ("structures.home", "GET"): shown(),
    ("structures.declare_options", "POST"): asked("", 400),
    ("structures.declare", "POST"): asked("", 400),
    ("structures.structure", "GET"): shown("structure"),
    ("structures.approve_options", "POST"): asked("structure", 200),
    ("structures.approve", "POST"): asked("structure", 400),
    ("structures.withdraw_options", "POST"): asked("structure", 200, json={"reason": "Fermée."}),
    ("structures.withdraw", "POST"): asked("structure", 400),
    ("structures.ask", "GET"): shown("structure"),
    ("structures.ask_options", "POST"): asked("structure", 400),
    ("structures.submit", "POST"): asked("structure", 404),
    ("administrators.choose_options", "POST"): asked("structure without", 200),
    ("administrators.choose", "POST"): asked("structure without", 404),
    ("administrators.invite", "POST"): asked("structure with", 200),
    ("administrators.propose_options", "POST"): asked("structure with", 200, json={"domains": "autre.exemple-sante.fr"}),
    ("administrators.propose", "POST"): asked("structure with", 400),
    ("administrators.decide_options", "POST"): asked("structure with", 200, json={"decision": "approuver"}),
    ("administrators.decide", "POST"): asked("structure with", 400),
    ("register.home", "GET"): shown(),
    ("register.receive", "POST"): asked("", 400, data=b""),
    ("register.plan", "POST"): asked("", 302, data={"snapshot": "00"}),
    ("register.people", "GET"): shown("plan", 200),
    ("register.sign_options", "POST"): asked("plan", 200, 200),
    ("register.sign", "POST"): asked("plan", 400, 400),
    ("register.apply", "POST"): asked("plan", 302, 302),
}
"""Officers. The register is one for all ordres: so is its plan."""

PORTAL: Table = SIGN_IN | {
    ("credentials.home", "GET"): shown(),
    ("credentials.certificate", "GET"): shown("certificate"),
    ("credentials.der", "GET"): shown("certificate"),
    ("credentials.pem", "GET"): shown("certificate"),
    ("activation.identity", "POST"): anybody(200, "link"),
    ("activation.options", "POST"): asked("", 400),
    ("activation.submit", "POST"): asked("", 400),
    ("activation.progress", "GET"): shown("asked"),
    ("contact.form", "GET"): shown(),
    ("contact.save", "POST"): asked("", 302, data={"adresse": "praticien@exemple.fr"}),
    ("loss.form", "GET"): anybody(200),
    ("loss.report", "POST"): anybody(403, data={"numero": "1", "code": "1"}),
    ("loss.sheet", "GET"): shown(),
    ("loss.new_sheet", "POST"): asked("", 200),
}
"""Practitioners."""

STRUCTURE: Table = SIGN_IN | {
    ("certificates.home", "GET"): shown(),
    ("certificates.certificate", "GET"): shown("certificate"),
    ("certificates.pem", "GET"): shown("certificate"),
    ("certificates.der", "GET"): shown("certificate"),
    ("certificates.end_options", "POST"): asked("certificate", 200, json={"reason": "superseded"}),
    ("certificates.end", "POST"): asked("certificate", 400),
    ("requests.ask", "GET"): shown(),
    ("requests.ask_options", "POST"): asked("", 400),
    ("requests.submit", "POST"): asked("", 400),
    ("requests.follow", "GET"): Row("asked", 302),
    ("domains.home", "GET"): shown(),
    ("domains.propose_options", "POST"): asked("", 200, json={"domains": "autre.exemple-sante.fr"}),
    ("domains.propose", "POST"): asked("", 400),
}
"""Administrators of the servers of structures."""

VERIFY: Table = LANGUAGE | {
    ("check.form", "GET"): anybody(200),
    ("check.file", "POST"): anybody(400, data={}),
    ("check.number", "POST"): anybody(200, data={"numero": "4" + "a" * 31}),
}
"""Everybody."""

ADMIN: Table = SIGN_IN | {("dashboard.state", "GET"): shown(), ("custody.keys", "GET"): shown()}
"""Those who run the machine."""

TABLES: dict[str, Table] = {"board": BOARD, "portal": PORTAL, "structure": STRUCTURE, "verify": VERIFY, "admin": ADMIN}

ADDRESS: dict[str, Callable[[str], dict[str, Any]]] = {
    "": lambda name: {},
    "batch": lambda name: {"batch_id": name},
    "granted": lambda name: {"batch_id": name},
    "grant": lambda name: {"grant_id": name},
    "certificate": lambda name: {"serial": name},
    "list": lambda name: {"list_id": name, "line": 1},
    "letters": lambda name: {"work_id": name},
    "structure": lambda name: {"number": name},
    "structure with": lambda name: {"number": name},
    "structure without": lambda name: {"number": name},
    "key": lambda name: {"key": name},
    "link": lambda name: {"token": name},
    "language": lambda name: {"code": name},
    "plan": lambda name: {"sha256": name, "name": "nouveaux"},
    "asked": lambda name: {"batch": name},
}
"""The variables of an address, from the name of what it names."""
UNKNOWN = {
    "key": "AAAA",
    "certificate": "40" + 30 * "a",
    "batch": "0" * 32,
    "granted": "0" * 32,
    "link": "x" * 22,
    "structure": "1" + finess_of(9),
    "structure with": "1" + finess_of(9),
    "structure without": "1" + finess_of(9),
}
"""A name that nothing has, of the shape of those that are."""
