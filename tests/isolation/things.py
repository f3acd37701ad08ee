"""What there is to ask for, one for each of the two who have a place at the pages of an audience, and how it is addressed."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta

from pki.authenticators.model import Account, Kind
from pki.issuance.approvals import Act
from pki.register.invented import finess_of
from pki.registration.selfservice import Asked
from tests.isolation.matrix import ADDRESS
from tests.isolation.people import AWAITED, DOCTOR, INVITED, NURSE, OTHER_DOCTOR, REGISTERED, Crowd, Somebody, grant, structure
from tests.isolation.people import KEEPERS as KEEPERS_OF_THE_MACHINE
from tests.world import certification_request, doctor
from trust.algorithms import ALGORITHMS

KEEPERS = {"officer": "clinic", "stranger": "office", "clinic": "clinic", "office": "office"}
"""Whose structure is whose: of an ordre, or administered by."""
BOARD_OF = {"officer": "cnom", "stranger": "oni"}
HOLDER_OF = {"officer": DOCTOR, "stranger": NURSE, "owner": DOCTOR, "other": OTHER_DOCTOR}


class Things:
    """Makes and names things. What a page makes anew each time, or spends, is made when it is asked for."""

    def __init__(self, found: Crowd) -> None:
        """Make what stays."""
        self.crowd = found
        self._granted = {role: grant(found.world, found.office, AWAITED[board]) for role, board in BOARD_OF.items()}
        self._asked = {role: ask(found, found.people[role], HOLDER_OF[role].idnat) for role in ("owner", "other")}
        keepers = {role: found.people[role] for role in ("clinic", "office")}
        self._asked |= {role: ask_for_server(found, who, found.structures[role]) for role, who in keepers.items()}
        found.world.issuer.turn_until_idle()
        for who in keepers.values():
            propose(found, who)
        self._without = {
            role: structure(found.world, found.office, board, 7 + n) for n, (role, board) in enumerate(BOARD_OF.items())
        }
        self._structures = {role: declare(found, f"{BOARD_OF[role]}-2", rank) for rank, role in enumerate(BOARD_OF, 1)}
        self._plan = found.world.import_register([*REGISTERED, doctor(8, "NOUVEAU")])
        found.call("board", found.people["officer"], "POST", "/registre/plan", data={"snapshot": self._plan})

    def name(self, thing: str, role: str) -> str:
        """Return the name of the thing of that kind that is of that role."""
        found, who = self.crowd, self.crowd.people[role]
        if thing in ("letters", "list"):
            return self._made(thing, role, who)
        if thing == "link":
            officer = role in BOARD_OF
            account = Account(Kind.OFFICER, f"{BOARD_OF[role]}-2") if officer else _invited(found, role)
            return found.office.entries.invite(account, timedelta(hours=1), by="test").token
        names: dict[str, Callable[[], str]] = {
            "": lambda: "",
            "language": lambda: "en",
            "batch": lambda: found.batches[BOARD_OF[role]],
            "granted": lambda: self._granted[role],
            "grant": lambda: self._grant_of(role),
            "certificate": lambda: self._certificate_of(role),
            "key": lambda: urlsafe_b64encode(who.passkey).rstrip(b"=").decode(),
            "structure": lambda: self._structures[role],
            "structure with": lambda: found.structures[KEEPERS[role]],
            "structure without": lambda: self._without[role],
            "asked": lambda: self._asked[role],
            "plan": lambda: self._plan,
        }
        return names[thing]()

    def _certificate_of(self, role: str) -> str:
        if role in self.crowd.structures:
            return self.crowd.office.selfservice.credentials(self.crowd.structures[role])[0].serial.hex()
        return self.crowd.certificates[HOLDER_OF[role].idnat].serial.hex()

    def _grant_of(self, role: str) -> str:
        (found,) = self.crowd.office.grants.of_holder(AWAITED[BOARD_OF[role]].idnat)
        return found.id

    def path(self, audience: str, endpoint: str, method: str, thing: str, name: str) -> str:
        """Return the address of a route for a thing."""
        return self.crowd.apps[audience].url_map.bind("localhost").build(endpoint, ADDRESS[thing](name), method=method)

    def _made(self, thing: str, role: str, who: Somebody) -> str:
        if thing == "letters":
            made = self.crowd.call("board", who, "POST", f"/lots/{self._granted[role]}/lettres", json={})
            return str(made.get_json()["next"]).rsplit("/", 1)[1]
        form = {"rpps": AWAITED[BOARD_OF[role]].rpps, "profil": "ps-signature"}
        listed = self.crowd.call("board", who, "POST", "/inscriptions/personne", data=form)
        return listed.headers["Location"].rsplit("/", 1)[1]


def declare(found: Crowd, officer: str, rank: int) -> str:
    """Have an officer declare a structure; return its number."""
    service = found.office.organisations
    draft = service.draft(officer, finess_of(rank), f"CABINET {rank}", "Essai (99)", [f"cabinet{rank}.example"])
    return service.declare(draft, found.world.act(officer, service.declaration_statement(draft))).id


def _invited(found: Crowd, role: str) -> Account:
    if role in KEEPERS_OF_THE_MACHINE:
        return Account(Kind.ADMINISTRATOR, KEEPERS_OF_THE_MACHINE[role])
    if role in found.structures:
        return Account(Kind.STRUCTURE, found.structures[role])
    return Account(Kind.PERSON, INVITED[role].idnat)


def ask_for_server(found: Crowd, who: Somebody, number: str) -> str:
    """Have an administrator ask for the certificate of a server; return the batch."""
    csr = certification_request(ALGORITHMS["P-256"].generate())
    with found.world.store.read() as tx:
        (domain,) = tx.organisations.get(number).domains
    draft = found.office.selfservice.prepare(number, [Asked("serveur-tls-ec", csr, (f"www.{domain}",))])
    act = Act.of(draft.statement, who.device.sign(draft.statement).pack(), officer=str(who.account))
    return found.office.selfservice.submit(act, draft.requests, [csr])


def propose(found: Crowd, who: Somebody) -> None:
    """Have an administrator propose other domains."""
    assert who.account is not None
    statement = found.office.amendments.proposal_statement(who.account.id, str(who.account), ["propose.example"])
    found.office.amendments.propose(Act.of(statement, who.device.sign(statement).pack(), officer=str(who.account)))


def ask(found: Crowd, who: Somebody, holder: str) -> str:
    """Have somebody ask for a certificate that is granted them; return the batch."""
    grant(found.world, found.office, next(each for each in REGISTERED if each.idnat == holder), "ps-chiffrement")
    csr = certification_request(ALGORITHMS["RSA-3072"].generate())
    draft = found.office.selfservice.prepare(holder, [Asked("ps-chiffrement", csr)])
    act = Act.of(draft.statement, who.device.sign(draft.statement).pack(), officer=str(who.account))
    return found.office.selfservice.submit(act, draft.requests, [csr])
