"""Who calls: an access token (RFC 6750), or a client certificate that a reverse proxy saw (RFC 9440).

TLS ends at the proxy. What it says of the certificate is believed when it comes from an address that is configured *and* with the
secret that only the proxy knows, for every program of a machine has its address; otherwise the header counts as absent. The
certificate is then judged here: a path to our root, its dates, its status in the inventory, its profile. Cookies are not read.
"""

from __future__ import annotations

import binascii
import hmac
import os
from base64 import b64decode
from ipaddress import ip_address
from urllib.parse import unquote_to_bytes

from flask import Request

from pki.authenticators.model import Account, Kind
from pki.authenticators.tokens import ALLOWED, Scope
from pki.bootstrap.office import Office
from pki.bootstrap.verification import Inventory, judge
from pki.settings import Officer
from trust.errors import Malformed, Missing, Refused, SceauError, Unavailable
from trust.validation.certificate import Certificate
from trust.validation.purpose import Wanted
from web.api.problems import Unauthenticated
from web.api.route import Principal

CERTIFICATE, SECRET = "Client-Cert", "Sceau-Proxy"
SHORTEST_SECRET, LONGEST_SECRET = 32, 1024
LONGEST_CERTIFICATE = 32 * 1024
"""Characters of the header."""
OF_PERSON, OF_STRUCTURE = "ps-authentification", "org-authentification"
"""The profiles by which an officer and a structure authenticate."""


class Gate:
    """Tells who calls one office."""

    def __init__(self, office: Office) -> None:
        """Read what the proxy will say.

        Raises:
            Missing, Refused, Malformed: a proxy is configured, and the file of its secret is not as it must be.
        """
        self._office = office
        settings = office.home.settings
        self._secret = None if settings.proxy_secret_file is None else _read_secret(office)
        self._proxies = {ip_address(each) for each in settings.api.proxies}
        self._inventory = Inventory(office.home)

    def principal(self, request: Request) -> Principal | None:
        """Return who calls; None when nothing says who.

        Raises:
            Unauthenticated: what says who does not serve.
        """
        if (authorization := request.headers.get("Authorization")) is not None:
            return self._of_token(authorization)
        said = request.headers.get(CERTIFICATE)
        if not said or not self._is_proxy(request):
            return None
        try:
            return self._of_certificate(Certificate(_der(said)))
        except Unavailable:
            raise
        except SceauError:
            raise Unauthenticated(presented=False) from None

    def _of_token(self, authorization: str) -> Principal:
        scheme, _, secret = authorization.partition(" ")
        token = self._office.tokens.find(secret.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise Unauthenticated(presented=True)
        return Principal(token.account, self._board_of(token.account), token.scopes, f"token {token.id}", token.ends_at)

    def _is_proxy(self, request: Request) -> bool:
        if self._secret is None:
            return False
        try:
            where = ip_address(request.remote_addr or "")
        except ValueError:
            return False
        return where in self._proxies and hmac.compare_digest(request.headers.get(SECRET, "").encode(), self._secret)

    def _of_certificate(self, certificate: Certificate) -> Principal:
        judge(self._office.home, certificate, Wanted.of("tls-client")).demand()
        record = self._inventory.find(certificate)
        if record is None:
            raise Missing("this certificate is not ours")
        if record.profile == OF_PERSON:
            account = Account(Kind.OFFICER, self._officer_of(record.holder).id)
        elif record.profile == OF_STRUCTURE:
            account = Account(Kind.STRUCTURE, record.holder)
        else:
            raise Refused("nobody authenticates with a certificate of this profile", citation="CP 1.4.1")
        if not self._office.welcomes(account):
            raise Missing(f"{account} has no place here")
        scopes: frozenset[Scope] = ALLOWED[account.kind]
        way = f"certificate {record.serial[:4].hex()}"
        return Principal(account, self._board_of(account), scopes, way, record.not_after)

    def _officer_of(self, holder: str) -> Officer:
        boards = self._office.home.settings.boards.values()
        found = [officer for board in boards for officer in board.officers if officer.idnat == holder]
        if len(found) != 1:  # of two mandates of one person, a certificate does not say which is at work: a token does
            raise Missing("this certificate is not that of one officer")
        return found[0]

    def _board_of(self, account: Account) -> str:
        if account.kind is Kind.OFFICER:
            return self._office.home.settings.officer(account.id).board
        with self._office.home.store.read() as tx:
            return tx.organisations.get(account.id).board


def _der(said: str) -> bytes:
    """Read the certificate of the header: as RFC 9440 §2.1 has it, or percent-encoded PEM, as nginx writes it."""
    if len(said) > LONGEST_CERTIFICATE:
        raise Malformed("the header is too long")
    try:
        if said.startswith(":") and said.endswith(":") and len(said) > 2:
            return b64decode(said[1:-1], validate=True)
        lines = unquote_to_bytes(said).split(b"\n")
        first, last = lines.index(b"-----BEGIN CERTIFICATE-----"), lines.index(b"-----END CERTIFICATE-----")
        if first != 0 or any(lines[last + 1 :]):
            raise Malformed("this is not one certificate")
        return b64decode(b"".join(lines[1:last]), validate=True)
    except (ValueError, binascii.Error):
        raise Malformed("this header is not a certificate") from None


def _read_secret(office: Office) -> bytes:
    path = office.home.settings.proxy_secret_file
    assert path is not None
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise Refused(f"{path} is open to others; make it 0600", citation="CP 6.4.2")
            secret = file.read(LONGEST_SECRET + 1).strip()
    except FileNotFoundError:
        raise Missing(f"[api] names {path.name}, and {path} is not there: `openssl rand -hex 32` makes its content") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}") from error
    if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET or not secret.isascii():
        raise Malformed(f"{path} holds one line of {SHORTEST_SECRET} to {LONGEST_SECRET} characters")
    return secret
