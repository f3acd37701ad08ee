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
from tests.isolation.people import AWAITED, DOCTOR, INVITED, NURSE, OTHER_DOCTOR, REGISTERED, Crowd, Somebody, grant
from tests.world import certification_request, doctor
from trust.algorithms import ALGORITHMS

BOARD_OF = {"officer": "cnom", "stranger": "oni"}
HOLDER_OF = {"officer": DOCTOR, "stranger": NURSE, "owner": DOCTOR, "other": OTHER_DOCTOR}


class Things:
    """Makes and names things. What a page makes anew each time, or spends, is made when it is asked for."""

    def __init__(self, found: Crowd) -> None:
        """Make what stays."""
        self.crowd = found
        self._granted = {role: grant(found.world, found.office, AWAITED[board]) for role, board in BOARD_OF.items()}
        self._asked = {role: ask(found, found.people[role], HOLDER_OF[role].idnat) for role in ("owner", "other")}
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
            account = Account(Kind.OFFICER, f"{BOARD_OF[role]}-2") if officer else Account(Kind.PERSON, INVITED[role].idnat)
            return found.office.entries.invite(account, timedelta(hours=1), by="test").token
        names: dict[str, Callable[[], str]] = {
            "": lambda: "",
            "language": lambda: "en",
            "batch": lambda: found.batches[BOARD_OF[role]],
            "granted": lambda: self._granted[role],
            "grant": lambda: self._grant_of(role),
            "certificate": lambda: found.certificates[HOLDER_OF[role].idnat].serial.hex(),
            "key": lambda: urlsafe_b64encode(who.passkey).rstrip(b"=").decode(),
            "structure": lambda: self._structures[role],
            "asked": lambda: self._asked[role],
            "plan": lambda: self._plan,
        }
        return names[thing]()

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


def ask(found: Crowd, who: Somebody, holder: str) -> str:
    """Have somebody ask for a certificate that is granted them; return the batch."""
    grant(found.world, found.office, next(each for each in REGISTERED if each.idnat == holder), "ps-chiffrement")
    csr = certification_request(ALGORITHMS["RSA-3072"].generate())
    draft = found.office.selfservice.prepare(holder, [Asked("ps-chiffrement", csr)])
    act = Act.of(draft.statement, who.device.sign(draft.statement).pack(), officer=str(who.account))
    return found.office.selfservice.submit(act, draft.requests, [csr])
