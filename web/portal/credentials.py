"""What a practitioner has: one card for each kind of certificate, what each is and came from, and the certificate as a file."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from pki.bootstrap.office import Office
from pki.inventory.model import Certificate, Reason, State
from pki.registration.selfservice import renewal_begins
from trust.errors import Missing
from web.kit import files
from web.kit.language import N_, _, ngettext
from web.kit.safety import account, signed_in
from web.kit.writing import number
from web.portal import history, people

REASONS = {
    Reason.KEY_COMPROMISE: N_("une perte ou un vol a été signalé, ou la clé n'est plus sûre"),
    Reason.SUPERSEDED: N_("un certificat plus récent le remplace"),
    Reason.CESSATION_OF_OPERATION: N_("vous n'exercez plus"),
    Reason.AFFILIATION_CHANGED: N_("votre situation a changé au registre"),
    Reason.PRIVILEGE_WITHDRAWN: N_("votre ordre l'a retiré"),
}
LAST_DAYS = timedelta(days=30)


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("credentials", __name__)

    @pages.get("/")
    @signed_in
    def home() -> str:
        holder = account().id
        mine = [each for each in office.selfservice.credentials(holder) if each.profile in office.home.profiles]
        wishes = people.obtainable(office, holder, mine)
        newest: dict[str, Certificate] = {}
        for certificate in mine:
            newest.setdefault(certificate.profile, certificate)
        cards = [_card(office, each, wishes) for each in sorted(newest.values(), key=lambda each: each.profile)]
        return render_template(
            "home.html",
            who=people.practitioner(office, holder),
            cards=cards,
            wishes=people.together(wishes),
            missing=people.together([each for each in wishes if each["profile"] not in newest]),
            older=[_card(office, each, []) for each in mine if each not in newest.values()],
            passkeys=len(office.passkeys.of(account())),
            sheet=_sheet(office),
            reminders=None if office.reminders is None else office.reminders.address(account()) or "",
        )

    @pages.get("/certificats/<serial>")
    @signed_in
    def certificate(serial: str) -> str:
        found = _own(office, serial)
        return render_template("certificate.html", card=_card(office, found, []), steps=history.of(office, found), found=found)

    @pages.get("/certificats/<serial>/certificat.cer")
    @signed_in
    def der(serial: str) -> Response:
        return files.attached(_own(office, serial).der, "application/pkix-cert", f"{serial}.cer")

    @pages.get("/certificats/<serial>/certificat.pem")
    @signed_in
    def pem(serial: str) -> Response:
        chain = office.chain(_own(office, serial).serial, account().id)
        return files.attached(files.pem(chain), "application/x-pem-file", f"{serial}.pem")

    return pages


def _sheet(office: Office) -> Any:
    with office.home.store.read() as tx:
        return tx.recovery.made_at(account())


def _own(office: Office, serial: str) -> Certificate:
    """Return a certificate of who is signed in; anybody else's does not exist."""
    try:
        octets = bytes.fromhex(serial)
    except ValueError:
        raise Missing("no such certificate") from None
    with office.home.store.read() as tx:
        found = tx.certificates.get(octets)
    if found.holder != account().id or found.signature is None or found.profile not in office.home.profiles:
        raise Missing(f"no certificate has the serial number {serial}")
    return found


def _card(office: Office, certificate: Certificate, wishes: list[dict[str, Any]]) -> dict[str, Any]:
    title, purpose = people.words(office.home.profiles[certificate.profile])
    state, look, advice = _state(office, certificate)
    return {
        "serial": certificate.serial.hex(),
        "key": certificate.spki_hash.hex(),
        "title": title,
        "purpose": purpose,
        "state": state,
        "look": look,
        "over": look == "bad" or (look == "warn" and certificate.state is not State.HELD),
        "advice": advice,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "wish": next((each for each in wishes if each["profile"] == certificate.profile), None),
        "renews": office.selfservice.renewable(certificate, office.home.clock.now()),
    }


def _state(office: Office, certificate: Certificate) -> tuple[str, str, str]:
    """Say where a certificate stands: in one or two words, in a colour, and in a sentence."""
    left = certificate.not_after - office.home.clock.now()
    if certificate.state is State.REVOKED:
        why = REASONS.get(certificate.reason) if certificate.reason is not None else None
        return _("révoqué"), "bad", _("Il ne vaut plus.") if why is None else _("Il ne vaut plus : %(why)s.", why=_(why))
    if left < timedelta(0):
        days = -left.days - 1
        since = (
            ngettext("Depuis %(count)s jour.", "Depuis %(count)s jours.", days, count=number(days))
            if days
            else _("Depuis aujourd'hui.")
        )
        return _("expiré"), "bad", since
    if certificate.state is State.HELD:
        return _("suspendu"), "warn", _("Votre ordre ou le registre l'a suspendu : adressez-vous à votre ordre.")
    more = ngettext("Encore %(count)s jour.", "Encore %(count)s jours.", left.days, count=number(left.days))
    remaining = more if left.days else _("Dernier jour.")
    if office.home.clock.now() >= renewal_begins(certificate):
        return _("à renouveler"), "bad" if left < LAST_DAYS else "warn", remaining
    return _("valable"), "good", remaining
