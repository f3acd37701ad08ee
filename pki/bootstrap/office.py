"""What the pages stand on: every service of registration over one home, and who may sign in. No key (law 2)."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from pki.adapters.mail import sender
from pki.authenticators.entries import Entries
from pki.authenticators.model import Account, Kind
from pki.authenticators.passkeys import Passkeys
from pki.authenticators.recovery import Recovery
from pki.authenticators.sessions import Sessions
from pki.authenticators.tokens import Tokens
from pki.authenticators.webauthn import Ceremonies
from pki.bootstrap import registrar
from pki.bootstrap.home import Home, open_home
from pki.bootstrap.services import base_port, named
from pki.register.sanctions import Effect
from pki.registration.amendments import Amendments
from pki.registration.decide import Decisions
from pki.registration.enrol import Enrolment
from pki.registration.grants import Grants
from pki.registration.lifecycle import Lifecycle
from pki.registration.loss import Losses
from pki.registration.mandates import Mandates
from pki.registration.organisations import Organisations
from pki.registration.reminders import Reminders
from pki.registration.selfservice import SelfService
from pki.revocation.service import Revocation
from pki.settings import Settings
from trust.errors import Missing, SceauError

LOG = logging.getLogger("sceau.office")
AUDIENCES = {Kind.OFFICER: "ordre", Kind.PERSON: "moi", Kind.STRUCTURE: "structure", Kind.ADMINISTRATOR: "admin"}
"""Under which path of the pages each kind of account signs in."""
INVITATION = timedelta(hours=1)
"""How long an officer's first link lives (CP 5.2.3)."""


@dataclass(frozen=True)
class Office:
    """One home, as the pages see it."""

    home: Home
    url: str
    """Where people find the pages, without a final slash."""

    @cached_property
    def passkeys(self) -> Passkeys:
        """Ceremonies and keys of accounts."""
        home = self.home
        ceremonies = Ceremonies(rp_id(self.url), home.settings.name, home.settings.passkeys)
        return Passkeys(home.store, home.settings, ceremonies, home.clock, home.entropy)

    @cached_property
    def entries(self) -> Entries:
        """One-time links."""
        return Entries(self.home.store, self.home.clock, self.home.entropy)

    @cached_property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        return Sessions(self.home.store, self.welcomes, self.home.clock, self.home.entropy)

    @cached_property
    def tokens(self) -> Tokens:
        """Access tokens of programs."""
        return Tokens(self.home.store, self.welcomes, self.home.clock, self.home.entropy)

    @cached_property
    def enrolment(self) -> Enrolment:
        """Receives applications."""
        return registrar.enrolment(self.home, channel="board")

    @cached_property
    def grants(self) -> Grants:
        """Receives enrolments of people who will make their own keys."""
        return registrar.grants(self.home, channel="board")

    @cached_property
    def selfservice(self) -> SelfService:
        """Takes what people ask for themselves."""
        return registrar.selfservice(self.home)

    def chain(self, serial: bytes, holder: str) -> list[bytes]:
        """Return a certificate of a person and its authorities', DER, without the root.

        Raises:
            Missing: this person has no such certificate.
        """
        with self.home.store.read() as tx:
            certificate = tx.certificates.get(serial)
        if certificate.holder != holder or certificate.signature is None:
            raise Missing(f"no certificate has the serial number {serial.hex()}")
        found, ca_id, known = [certificate.der], certificate.ca, self.home.ca_certificates()
        while (above := self.home.settings.ca(ca_id).issuer) is not None:
            found.append(known[ca_id].der)
            ca_id = above
        return found

    @cached_property
    def decisions(self) -> Decisions:
        """Takes officers' decisions."""
        return registrar.decisions(self.home)

    @cached_property
    def revocation(self) -> Revocation:
        """Revokes, holds and releases."""
        return registrar.revocation(self.home)

    @cached_property
    def losses(self) -> Losses:
        """Makes recovery codes, and takes reports of losses."""
        home = self.home
        recovery = Recovery(home.clock, home.entropy)
        return Losses(home.store, home.settings, recovery, self.passkeys, self.revocation, home.clock, time.sleep)

    @cached_property
    def lifecycle(self) -> Lifecycle:
        """Receives the register and the ordres' decisions."""
        return registrar.lifecycle(self.home)

    @cached_property
    def organisations(self) -> Organisations:
        """Receives structures."""
        return registrar.organisations(self.home)

    @cached_property
    def mandates(self) -> Mandates:
        """Receives the choice of structures' administrators."""
        return registrar.mandates(self.home, channel="board")

    @cached_property
    def amendments(self) -> Amendments:
        """Receives other domains for structures."""
        return registrar.amendments(self.home)

    @cached_property
    def reminders(self) -> Reminders | None:
        """Writes to people before their certificates end; None when no mail is configured."""
        mail = self.home.settings.mail
        if mail is None:
            return None
        titles = {name: profile.title for name, profile in self.home.profiles.items()}
        hand_over = sender(mail, self.home.settings.home)
        return Reminders(self.home.store, titles, mail.sender, self.url, self.home.clock, hand_over)

    def entry_link(self, account: Account, token: str) -> str:
        """Return the one-time link by which an account enters, at the pages that are its own."""
        return f"{self.url}/{AUDIENCES[account.kind]}/entree/{token}"

    def tell(self, account: Account, subject: str, words: str) -> None:
        """Write to somebody what was done in their name, if an address is known; nobody waits for the mail server."""
        reminders = self.reminders
        if reminders is None:
            return

        def send() -> None:
            try:
                reminders.tell(account, subject, words)
            except SceauError as error:
                LOG.error("a notice was not sent: %s", error)

        threading.Thread(target=send, name="notice", daemon=True).start()

    def welcomes(self, account: Account) -> bool:
        """Tell whether an account has a place here now.

        An officer has a mandate; a structure is approved; a person is in the register, and was not struck off by every ordre that
        granted them something.
        """
        if account.kind is Kind.OFFICER:
            try:
                self.home.settings.officer(account.id)
            except Missing:
                return False
            return True
        if account.kind is Kind.ADMINISTRATOR:
            return any(each.id == account.id for each in self.home.settings.administrators)
        now = self.home.clock.now()
        with self.home.store.read() as tx:
            if account.kind is Kind.STRUCTURE:
                found = tx.organisations.of_ids([account.id])
                return any(each.approved_at is not None and each.withdrawn_at is None for each in found)
            standing = tx.register.standings([account.id], now).get(account.id)
            if standing is None or standing.barred is not None:  # entries of those who left are kept, and are no place
                return False
            if not standing.sanctions:
                return True
            decided = [each for each in tx.register.sanctions_of(account.id) if each.decision.effect is Effect.REVOKE]
            struck_off = {each.board for each in decided if each.lifted_at is None and each.effective_at <= now}
            return not struck_off or bool({grant.board for grant in tx.grants.of_holder(account.id)} - struck_off)


def pages_url(settings: Settings) -> str:
    """Return where people find the pages: as configured, else this machine."""
    return settings.pages_url or f"http://localhost:{named('authority').port(base_port())}"


def rp_id(url: str) -> str:
    """Return the relying party of passkeys: the host of the pages."""
    return url.split("://", 1)[1].split(":", 1)[0].split("/", 1)[0]


def open_office(path: Path) -> Office:
    """Open a home for its pages.

    Raises:
        Missing, Malformed, Refused, Unavailable: as `open_home`.
    """
    home = open_home(path)
    return Office(home, pages_url(home.settings))
