"""How links and codes reach people: the link by mail or on paper, its code always on paper, so that no channel carries both.

Addresses are those that officers approved with the person, else what the person gave once signed in. Whoever has none, or whose
mail the server does not take, has a letter with the link like the others. The officer who sends links by mail never sees them:
the document has the codes only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from json import loads

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.issuance.order import Grant
from trust.errors import Unavailable
from web.board import compare
from web.board.letter_paper import Letter
from web.board.work import Work
from web.kit.language import N_, _

_TOGETHER = 100
"""Links made in one transaction."""
MOST_REFUSALS = 3
"""Mails that the server refuses one after the other before we stop asking it: the rest goes by letter."""


class How(StrEnum):
    """How the link reached somebody."""

    MAIL = "mail"
    NO_ADDRESS = "no-address"
    NOT_TAKEN = "not-taken"
    LETTER = "letter"


SAID = {
    How.MAIL: N_("lien envoyé par courriel à %(address)s ; code dans le document"),
    How.NO_ADDRESS: N_("aucune adresse connue : lien et code dans le document"),
    How.NOT_TAKEN: N_("le courriel à %(address)s n'est pas parti : lien et code dans le document"),
    How.LETTER: N_("lien et code dans le document"),
}


@dataclass(frozen=True, slots=True)
class Reached:
    """One person, and how the link reached them."""

    grant: str
    name: str
    holder: str
    how: How
    address: str = ""
    """Its first letter and its domain."""

    @property
    def words(self) -> str:
        """Say how."""
        return _(SAID[self.how], address=self.address)


def addresses(office: Office, grants: Sequence[Grant]) -> dict[str, str]:
    """Return where people can be written to, by national identifier; nobody, where no mail is sent."""
    if office.reminders is None or not grants:
        return {}
    with office.home.store.read() as tx:
        given = tx.contacts.of_people([each.holder for each in grants])
    approved = {each.holder: str(loads(each.statement)["subject"]["email"] or "") for each in grants}
    return {holder: found for holder, address in approved.items() if (found := address or given.get(holder, ""))}


def invite(office: Office, grants: Sequence[Grant], by: str, ends: datetime, work: Work) -> list[Letter]:
    """Make the links and the codes, some in a transaction, so that others can write in between."""
    letters = []
    now = office.home.clock.now()
    for start in range(0, len(grants), _TOGETHER):
        with office.home.store.write() as tx:
            for grant in grants[start : start + _TOGETHER]:
                made = office.entries.make(tx, Account(Kind.PERSON, grant.holder), ends - now, by=by, with_code=True)
                subject = loads(grant.statement)["subject"]
                link, code = f"{office.url}/moi/entree/{made.token}", made.code or ""
                letters.append(Letter(compare.name_of(subject), subject["title"], grant.holder[1:], link, code))
        work.tell(N_("Les liens sont faits"), len(letters), len(grants))
    return letters


def send(
    letters: Sequence[Letter],
    known: Sequence[str],
    post: Callable[[str, str], None],
    work: Work,
) -> list[How]:
    """Send the links of people whose address is known, and say for each what became of it.

    Args:
        letters: with their links.
        known: the address for each letter, or nothing.
        post: hands a link over to an address; raises Unavailable when it is not taken.
        work: hears how far it is.
    """
    found, refused = [], 0
    for letter, address in zip(letters, known, strict=True):
        how = How.NO_ADDRESS
        if address:
            how = How.NOT_TAKEN
            if refused < MOST_REFUSALS:
                try:
                    post(address, letter.link)
                    how, refused = How.MAIL, 0
                except Unavailable:  # our letter has the link: nothing is lost, and nobody waits for a server that is down
                    refused += 1
        found.append(how)
        work.tell(N_("Les courriels partent"), len(found), len(letters))
    return found


def masked(address: str) -> str:
    """Return as much of an address as tells it from another."""
    return f"{address[0]}…@{address.rpartition('@')[2]}" if address else ""
