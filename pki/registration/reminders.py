"""Reminders before a certificate ends, by mail, with a date for the calendar (RFC 3647 §4.6.4; CP 4.7.1).

Sixty, thirty, fourteen, seven and one day before: whoever was told once of a step is not told again, and a step that was missed
(no address yet, no mail for a week) is not caught up with but by the next. The mail names neither the person nor their number,
and its link opens nothing by itself: it leads to the door. A crash between a mail and its note sends it twice; none is lost.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol

from pki.authenticators.model import Account, Kind
from pki.inventory.model import Certificate, State
from trust.clock import Clock
from trust.errors import Malformed, shown
from trust.french import day

DAYS = (60, 30, 14, 7, 1)
PAGE = 200
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+", re.ASCII)
"""The addresses that people have (RFC 5321 §4.1.2, without quotes and literals)."""


class _Certificates(Protocol):
    def of_holder(self, holder: str, *, lock: bool = False) -> list[Certificate]: ...


class ContactsPort(Protocol):
    """Addresses of people, and what they were told."""

    def get(self, account: Account) -> str | None: ...
    def put(self, account: Account, address: str, at: datetime) -> None: ...
    def forget(self, account: Account) -> None: ...
    def page(self, after: str, limit: int) -> list[tuple[Account, str]]: ...
    def told(self, serials: Sequence[bytes]) -> set[tuple[bytes, int]]: ...
    def note(self, serial: bytes, days: int, at: datetime) -> None: ...


class ReminderTransaction(Protocol):
    """What this needs of a transaction."""

    @property
    def contacts(self) -> ContactsPort: ...
    @property
    def certificates(self) -> _Certificates: ...


class ReminderStore(Protocol):
    """Opens transactions."""

    def write(self) -> AbstractContextManager[ReminderTransaction]: ...
    def read(self) -> AbstractContextManager[ReminderTransaction]: ...


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder to send now."""

    address: str
    certificate: Certificate
    days: int


class Reminders:
    """Keeps addresses, and sends what is due."""

    def __init__(
        self,
        store: ReminderStore,
        titles: Mapping[str, str],
        sender: str,
        url: str,
        time: Clock,
        send: Callable[[EmailMessage], None],
    ) -> None:
        """`titles` names the profiles for people, `url` is where the pages are, `send` hands a message over."""
        self._store = store
        self._titles = titles
        self._sender = sender
        self._url = url
        self._clock = time
        self._send = send

    def address(self, account: Account) -> str | None:
        """Return where an account is written to."""
        with self._store.read() as tx:
            return tx.contacts.get(account)

    def set_address(self, account: Account, address: str) -> None:
        """Write to an account there from now on; an empty address ends it.

        Raises:
            Malformed: it is no address.
        """
        if address and (len(address) > 254 or _ADDRESS.fullmatch(address) is None):
            raise Malformed(f"not an address: {shown(address)}")
        with self._store.write() as tx:
            if address:
                tx.contacts.put(account, address, self._clock.now())
            else:
                tx.contacts.forget(account)

    def send_due(self) -> int:
        """Send every reminder that is due; return how many.

        Raises:
            Unavailable: mail, or the database, does not answer: what was not sent waits for the next time.
        """
        sent, after = 0, ""
        while True:
            with self._store.read() as tx:
                people = tx.contacts.page(after, PAGE)
                due = [each for account, address in people for each in self._due(tx, account, address)]
            if not people:
                return sent
            after = str(people[-1][0])
            for each in due:
                self._send(self.message(each))
                with self._store.write() as tx:
                    tx.contacts.note(each.certificate.serial, each.days, self._clock.now())
                sent += 1

    def tell(self, account: Account, subject: str, words: str) -> bool:
        """Tell somebody at once what was done in their name (NIST SP 800-63B §6.1.2.3); return False when no address is known.

        Raises:
            Unavailable: mail, or the database, does not answer.
        """
        address = self.address(account)
        if address is None:
            return False
        now = self._clock.now()
        name = hashlib.sha256(f"{account} {subject} {now.isoformat()}".encode()).hexdigest()[:32]
        message = self._to(address, subject, name)
        door = f"Si ce n'est pas vous : {self._url}/moi/perte, avec un code de secours, ou votre ordre."
        message.set_content(f"Bonjour,\n\n{words}\n\n{door}\n")
        self._send(message)
        return True

    def send_link(self, address: str, board: str, link: str, ends: datetime) -> None:
        """Send the link of an activation. Its code comes by another way: whoever reads this mail alone obtains nothing.

        The mail names neither the person nor their number, nor what they were granted.

        Raises:
            Unavailable: mail does not take it.
        """
        name = hashlib.sha256(f"link {link}".encode()).hexdigest()[:32]
        message = self._to(address, "Votre lien d'activation", name)
        message.set_content(
            f"Bonjour,\n\n{board} vous ouvre des certificats professionnels. Pour les activer, ouvrez ce lien sur votre "
            f"téléphone :\n\n{link}\n\n"
            "La page demande un code de huit caractères : votre ordre vous le donne à part, jamais par courriel. "
            f"Le lien ne sert qu'une fois, et jusqu'au {day(ends)}.\n\n"
            "Personne ne vous demandera ce code. Si vous n'attendez rien, ne faites rien, et prévenez votre ordre.\n"
        )
        self._send(message)

    def _to(self, address: str, subject: str, name: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, address, subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{name}@{_host(self._url)}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: nobody's holiday notice answers it
        return message

    def message(self, due: Due) -> EmailMessage:
        """Write a reminder."""
        certificate, end = due.certificate, day(due.certificate.not_after)
        title = self._titles.get(certificate.profile, certificate.profile)
        subject = f"Votre certificat « {title} » prend fin le {end}"
        message = self._to(due.address, subject, f"{certificate.serial.hex()}.{due.days}")
        left = "demain" if due.days == 1 else f"dans moins de {due.days} jours"
        message.set_content(
            f"Bonjour,\n\nVotre certificat « {title} » prend fin le {end}, {left}.\n\n"
            f"Pour le renouveler : ouvrez {self._url}/moi/ sur votre téléphone, touchez « Renouveler », "
            "et laissez votre appareil vous reconnaître. Cela prend moins d'une minute.\n\n"
            "Cette adresse n'ouvre rien par elle-même, et personne ne vous demandera de code par courriel.\n"
        )
        message.add_attachment(
            self._calendar(certificate, title).encode(), maintype="text", subtype="calendar", filename="renouvellement.ics"
        )
        return message

    def _calendar(self, certificate: Certificate, title: str) -> str:
        """Write the date for a calendar (RFC 5545): a whole day, with an alarm a week before."""
        lines = (
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Sceau//Rappels//FR",
            "BEGIN:VEVENT",
            f"UID:{certificate.serial.hex()}@{_host(self._url)}",
            f"DTSTAMP:{self._clock.now():%Y%m%dT%H%M%SZ}",
            f"DTSTART;VALUE=DATE:{certificate.not_after:%Y%m%d}",
            f"SUMMARY:Fin du certificat {title.replace(',', ' ').replace(';', ' ')}",
            f"URL:{self._url}/moi/",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "DESCRIPTION:Renouveler le certificat",
            "TRIGGER:-P7D",
            "END:VALARM",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        )
        return "\r\n".join(lines)

    def _due(self, tx: ReminderTransaction, account: Account, address: str) -> list[Due]:
        if account.kind is not Kind.PERSON:
            return []
        now = self._clock.now()
        newest: dict[tuple[str, str], Certificate] = {}
        for each in tx.certificates.of_holder(account.id):
            if each.state is State.ISSUED and each.not_after > now:
                newest[each.profile, each.board] = each  # oldest first: the last one stands
        due = [Due(address, each, step) for each in newest.values() if (step := _step(each.not_after - now)) is not None]
        told = tx.contacts.told([each.certificate.serial for each in due])
        return [each for each in due if (each.certificate.serial, each.days) not in told]


def _step(left: timedelta) -> int | None:
    return min((days for days in DAYS if left <= timedelta(days=days)), default=None)


def _host(url: str) -> str:
    return url.split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0]
