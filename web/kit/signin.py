"""Signing in with a passkey, registering one by a one-time link, and looking after those that one has.

The same views for every audience. Nobody types a name: the authenticator knows which account it is for. What is answered to an
unknown passkey, a withdrawn one and one of another audience is the same.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from flask import Blueprint, g, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from pki.authenticators.entries import CITATION, tidy
from pki.authenticators.model import Account, Entry, Kind
from pki.bootstrap.office import Office
from pki.register.entry import RegisterEntry
from trust.errors import Missing, Refused
from web.kit.forms import sent
from web.kit.paths import local
from web.kit.safety import account, drop_cookie, keep_cookie, signed_in, token_of_session

ADDED = "Une nouvelle clé d'accès ouvre votre compte, sur un appareil qui n'en avait pas."


def display_name(office: Office, who: Account) -> str:
    """Return the name under which a device shows an account."""
    if who.kind is Kind.OFFICER:
        officer = office.home.settings.officer(who.id)
        return f"{officer.name} ({officer.board})"
    if who.kind is Kind.ADMINISTRATOR:
        return f"{office.home.settings.administrator(who.id).name} ({office.home.settings.name})"
    with office.home.store.read() as tx:
        if who.kind is Kind.STRUCTURE:
            return f"{tx.organisations.get(who.id).name} ({office.home.settings.name})"
        found = tx.register.standings([who.id], office.home.clock.now()).get(who.id)
    if found is None:
        return who.id
    entry = RegisterEntry.parse(found.entry)
    return f"{entry.given_name} {entry.family_name} ({office.home.settings.name})"


def views(office: Office, kind: Kind) -> Blueprint:
    """Return the views, for one audience."""
    pages = Blueprint("signin", __name__)

    def look(token: str) -> Entry:
        found = office.entries.look(token)
        if found.account.kind is not kind:
            raise Refused("this link is unknown, was used before or is too old", citation=CITATION)
        return found

    @pages.get("/connexion")
    def door() -> str:
        return render_template("signin.html", next=request.args.get("suite", "/"))

    @pages.post("/connexion/options")
    def options() -> Response:
        who = g.session.account if g.session is not None and sent().get("again") else None
        return jsonify(office.passkeys.sign_in_options(who))

    @pages.post("/connexion")
    def sign_in() -> Response:
        again = g.session.account if g.session is not None and sent().get("again") else None
        passkey = office.passkeys.sign_in(sent().get("response"), kind, again)
        if again is not None:
            office.sessions.note_proof(g.session)
            return jsonify(next=local(g.prefix, sent().get("next")))
        if not office.welcomes(passkey.account):
            raise Missing("no place here")
        return keep_cookie(jsonify(next=local(g.prefix, sent().get("next"))), office.sessions.open(passkey))

    @pages.post("/deconnexion")
    def sign_out() -> Response:
        if g.session is not None:
            if request.form.get("partout"):
                office.sessions.end_all(g.session.account)
            else:
                office.sessions.end(g.session)
        return drop_cookie(redirect(f"{g.prefix}/connexion"))

    @pages.get("/entree/<token>")
    def entry(token: str) -> str:
        found = look(token)
        return render_template("entry.html", token=token, asks_code=found.code is not None)

    @pages.post("/entree/<token>/options")
    def entry_options(token: str) -> Response:
        code = sent().get("code")
        found = look(token)
        if code:
            office.entries.check_code(token, tidy(str(code)))
        return jsonify(office.passkeys.registration_options(found.account, display_name(office, found.account)))

    @pages.post("/entree/<token>")
    def enter(token: str) -> Response:
        body = sent()
        code = body.get("code")
        name = str(body.get("name") or "")
        look(token)
        passkey = office.passkeys.register_by_entry(token, str(code) if code else None, body.get("response"), name)
        office.tell(passkey.account, "Une clé d'accès a été ajoutée", ADDED)
        token = office.sessions.open(passkey)
        return keep_cookie(jsonify(next=f"{g.prefix}/", csrf=token_of_session(token)), token)

    @pages.get("/cles")
    @signed_in
    def keys() -> str:
        return render_template("keys.html", keys=[_shown(each, g.session.passkey) for each in office.passkeys.of(account())])

    @pages.post("/cles/options")
    @signed_in
    def key_options() -> Response:
        _refuse_stale(office)
        return jsonify(office.passkeys.registration_options(account(), display_name(office, account())))

    @pages.post("/cles")
    @signed_in
    def add_key() -> Response:
        _refuse_stale(office)
        office.passkeys.register_another(account(), sent().get("response"), str(sent().get("name") or ""))
        office.tell(account(), "Une clé d'accès a été ajoutée", ADDED)
        return jsonify(next=f"{g.prefix}/cles")

    @pages.post("/cles/<key>/nom")
    @signed_in
    def rename_key(key: str) -> Response:
        office.passkeys.rename(account(), _octets(key), request.form.get("nom", ""))
        return redirect(f"{g.prefix}/cles")

    @pages.post("/cles/<key>/retrait")
    @signed_in
    def withdraw_key(key: str) -> Response:
        office.passkeys.withdraw(account(), _octets(key))
        return redirect(f"{g.prefix}/cles")

    return pages


def _refuse_stale(office: Office) -> None:
    """End a request that matters when the passkey was not shown lately: the page asks for it, and comes back."""
    from flask import abort

    if not office.sessions.is_fresh(g.session):
        abort(401)


def _shown(passkey: Any, current: bytes) -> dict[str, Any]:
    return {
        "id": urlsafe_b64encode(passkey.id).rstrip(b"=").decode(),
        "name": passkey.name,
        "registered_at": passkey.registered_at,
        "used_at": passkey.used_at,
        "backed_up": passkey.backed_up,
        "vouched": passkey.vouched,
        "current": passkey.id == current,
    }


def _octets(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Missing("no such passkey") from None
