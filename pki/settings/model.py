"""What the configuration of an authority says, as frozen values that cannot contradict themselves.

Boards (ordres) and their officers are configuration because they are the mandate: an officer whose name is not in a board's
file has no power, whatever the database says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from trust.errors import Malformed, Missing, shown
from trust.known_weak import SHIPPED, KnownWeakModuli

MODES = ("demo", "test", "production")
_SERVER = re.compile(r"[A-Za-z0-9.-]{1,253}:[0-9]{1,5}", re.ASCII)
_SECRET = re.compile(r"[a-z][a-z0-9.-]{0,60}", re.ASCII)
_FOLDER = re.compile(r"[a-z][a-z0-9-]{0,30}", re.ASCII)


@dataclass(frozen=True)
class CaSettings:
    """One certification authority of the hierarchy."""

    id: str
    common_name: str
    profile: str
    key: str
    algorithm: str
    years: int
    issues: list[str] = field(default_factory=list)
    """Profiles that it issues to subscribers; its own responders and, for a root, its subordinate CAs go without saying."""
    issuer: str | None = None
    """None for a root."""
    shards: int = 1
    """CRL shards for new certificates; what is issued keeps its own."""
    delta: bool = False
    crl_hours: int = 24
    """Validity of a CRL; it is renewed at half of it, and alarms from there."""
    crl_delay_seconds: int = 5
    """How long a revocation may wait for company before the CRL is published again."""
    ocsp_hours: int = 24
    """Validity of a pre-signed OCSP response; the population is signed again at half of it."""
    responder_algorithm: str = "P-256"
    responder_days: int = 14
    offline: bool = False
    """No key of it is here: its certificate and its lists come by file (`sceau ca import`)."""


@dataclass(frozen=True)
class Officer:
    """A person whom a board has given the power to decide."""

    id: str
    name: str
    board: str
    roles: frozenset[str]
    """Among ``register`` (asks), ``approve`` (decides), ``revoke``."""
    idnat: str | None = None
    """When the officer practises: nobody decides about themselves."""


@dataclass(frozen=True)
class Administrator:
    """Who runs the machine: sees how the authority goes, decides nothing, sees nobody's data (CP 5.2.1)."""

    id: str
    name: str


@dataclass(frozen=True)
class Board:
    """An ordre, as registration authority for its professions (RFC 3647 §1.3.2)."""

    code: str
    name: str
    professions: frozenset[str]
    approvals: int
    """How many officers, other than the one who asks, approve one request."""
    bulk_threshold: int
    """From this many requests in one batch, `bulk_approvals` officers are needed."""
    bulk_approvals: int
    officers: tuple[Officer, ...]

    def approvals_for(self, size: int) -> int:
        """Return how many officers must approve a batch of `size` requests."""
        return self.bulk_approvals if size >= self.bulk_threshold else self.approvals


@dataclass(frozen=True)
class RegisterSettings:
    """How the national register is received."""

    max_age_days: int = 7
    """A snapshot older than this supports no new certificate."""
    approvals: int = 2
    """Officers who approve a plan above the threshold."""
    threshold: int = 50
    """A plan that takes the right of more people than this needs `approvals` officers; a smaller one needs one."""


@dataclass(frozen=True)
class MailSettings:
    """How people are written to: by a mail server (``HOST:PORT``), or into a folder of the home."""

    sender: str
    smtp: str | None = None
    starttls: bool = True
    directory: str | None = None

    def __post_init__(self) -> None:
        """Check that it names one way.

        Raises:
            Malformed: none, or both, or it is not one.
        """
        if (self.smtp is None) == (self.directory is None):
            raise Malformed("[mail] names either smtp or directory")
        if self.smtp is not None and _SERVER.fullmatch(self.smtp) is None:
            raise Malformed(f"[mail] smtp is HOST:PORT, not {shown(self.smtp)}")
        if self.directory is not None and _FOLDER.fullmatch(self.directory) is None:
            raise Malformed(f"[mail] directory is the name of a folder of the home, not {shown(self.directory)}")
        if not self.sender.isprintable() or "@" not in self.sender:
            raise Malformed(f"[mail] sender is an address, not {shown(self.sender)}")


@dataclass(frozen=True)
class ApiSettings:
    """Who may tell the API which client certificate a connection was made with (RFC 9440): by default, nobody."""

    proxies: list[str] = field(default_factory=list)
    """Addresses of reverse proxies that end TLS and ask for client certificates."""
    proxy_secret: str = ""
    """The file of the home with what they say to prove that they are: everybody on this machine has its address."""

    def __post_init__(self) -> None:
        """Check that addresses are addresses, and that both are there or none.

        Raises:
            Malformed: they are not.
        """
        for each in self.proxies:
            try:
                ip_address(each)
            except ValueError:
                raise Malformed(f"[api] proxies are addresses of machines, not {shown(each)}") from None
        if bool(self.proxies) != bool(self.proxy_secret):
            raise Malformed("[api] names proxies and proxy_secret, or neither")
        if self.proxy_secret and _SECRET.fullmatch(self.proxy_secret) is None:
            raise Malformed(f"[api] proxy_secret is a file of the home's folder secrets, not {shown(self.proxy_secret)}")


@dataclass(frozen=True)
class CustodySettings:
    """Who holds the authority's keys (CP 6.2.1)."""

    kind: str = "software"
    """``software``: sealed files of the home, for demonstrations and tests. ``pkcs11``: a token. ``process``: a process of
    another user, which has either."""
    socket: str = ""
    """The Unix socket of the custody process."""
    module: str = ""
    """Path of the PKCS#11 library; empty is p11-kit's proxy."""
    token: str = ""
    """Which token: a PKCS#11 URI (RFC 7512), ``pkcs11:token=…;serial=…``."""
    pin: str = "token-pin"
    """The file of the home's folder `secrets`, or the systemd credential, that holds its PIN."""
    sessions: int = 4
    """How many signatures may be under way at once."""
    timeout_seconds: int = 10
    """How long a signature is waited for."""
    backup: str = ""
    """Folder where the token's own tools keep what it can be restored from; backups take it along. Empty is none."""
    witness: str = ""
    """The witness's file (`hsm.witness`); empty is ``HOME/witness/signatures``. It belongs on another disk than the database."""

    def __post_init__(self) -> None:
        """Check that it says one thing.

        Raises:
            Malformed: it does not.
        """
        if self.kind not in ("software", "pkcs11", "process"):
            raise Malformed(f"[custody] kind is 'software', 'pkcs11' or 'process', not {shown(self.kind)}")
        if (self.kind == "pkcs11") != bool(self.token):
            raise Malformed("[custody] names a token (pkcs11:token=…) when its kind is 'pkcs11', and only then")
        if (self.kind == "process") != self.socket.startswith("/"):
            raise Malformed("[custody] names the socket of a process (/run/…) when its kind is 'process', and only then")
        if _SECRET.fullmatch(self.pin) is None:
            raise Malformed(f"[custody] pin is a file of the home's folder secrets, not {shown(self.pin)}")
        if not (1 <= self.sessions <= 64 and 1 <= self.timeout_seconds <= 120):
            raise Malformed("[custody] sessions is from 1 to 64, and timeout_seconds from 1 to 120")

    def witness_in(self, folder: Path) -> Path:
        """Return the witness's file, of the home or of the custody process whose folder it is."""
        return Path(self.witness) if self.witness else folder / "witness" / "signatures"


@dataclass(frozen=True)
class PasskeySettings:
    """Which models of authenticators are accepted, and who vouches for them (CP 5.2.3)."""

    attestation: str = "none"
    """``none``: nobody is asked what they hold. ``direct``: the authenticator says its model, signed by its maker."""
    aaguids: frozenset[str] = frozenset()
    """Models that are accepted; empty is all of them."""
    makers: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    """DER certificates of the roots by which makers vouch, by model: one maker's say nothing of another's models."""


@dataclass(frozen=True)
class Settings:
    """Everything that one home says about its authority."""

    home: Path
    name: str
    organisation: str
    mode: str
    policy_arc: str
    base_url: str
    database_url: str
    cas: tuple[CaSettings, ...]
    boards: Mapping[str, Board]
    register: RegisterSettings
    nonce_policy: str
    cache_seconds: int = 60
    """For how long HTTP caches may keep an answer (CP 4.9.9): publication obeys it, the policy bounds it."""
    pages_url: str | None = None
    """Where people find the pages, without a final slash; None is this machine, at the port they are served on. Passkeys are
    bound to its host: it never changes."""
    mail: MailSettings | None = None
    """How people are written to; None is not at all."""
    administrators: tuple[Administrator, ...] = ()
    """Who looks after the machine."""
    passkeys: PasskeySettings = field(default_factory=PasskeySettings)
    """What is asked of authenticators."""
    api: ApiSettings = field(default_factory=ApiSettings)
    custody: CustodySettings = field(default_factory=CustodySettings)
    """Who holds the keys."""
    known_weak: KnownWeakModuli = SHIPPED
    """RSA moduli whose private half is public knowledge (CP 6.1.6): those that ship, and the operator's."""

    def ca(self, ca_id: str) -> CaSettings:
        """Return the settings of one CA.

        Raises:
            Missing: no CA of that name.
        """
        for ca in self.cas:
            if ca.id == ca_id:
                return ca
        raise Missing(f"no certification authority is called {shown(ca_id)}")

    def issuer_of(self, profile: str) -> CaSettings:
        """Return the CA that issues a profile to subscribers.

        Raises:
            Missing: none does.
        """
        for ca in self.cas:
            if profile in ca.issues:
                return ca
        raise Missing(f"no certification authority issues the profile {shown(profile)}")

    def board(self, code: str) -> Board:
        """Return one board.

        Raises:
            Missing: no board of that code.
        """
        try:
            return self.boards[code]
        except KeyError:
            raise Missing(f"no board has the code {shown(code)}; known: {', '.join(sorted(self.boards))}") from None

    def officer(self, officer_id: str) -> Officer:
        """Return the officer of that identifier, whatever the board.

        Raises:
            Missing: nobody holds that mandate (any more).
        """
        for board in self.boards.values():
            for officer in board.officers:
                if officer.id == officer_id:
                    return officer
        raise Missing(f"no board gives a mandate to {shown(officer_id)}")

    def administrator(self, administrator_id: str) -> Administrator:
        """Return the administrator of that identifier.

        Raises:
            Missing: the configuration names nobody so (any more).
        """
        for administrator in self.administrators:
            if administrator.id == administrator_id:
                return administrator
        raise Missing(f"no administrator is called {shown(administrator_id)} (`[[administrator]]` of authority.toml)")

    @property
    def config(self) -> Path:
        """Where the configuration of this home lies."""
        return self.home / "config"

    @property
    def publication(self) -> Path:
        """What the issuer writes and the publication process reads."""
        return self.home / "publication"

    @property
    def keystore(self) -> Path:
        """The software keystore's directory."""
        return self.home / "keys"

    @property
    def passphrase_file(self) -> Path:
        """The file that holds the keystore's passphrase (mode 0600)."""
        return self.home / "secrets" / "keystore-passphrase"

    @property
    def pin_file(self) -> Path:
        """The file that holds the token's PIN (mode 0600)."""
        return self.home / "secrets" / self.custody.pin

    @property
    def witness_file(self) -> Path:
        """Where each signature is written down before it is asked for (`hsm.witness`); a custody process has its own."""
        return self.custody.witness_in(self.home)

    @property
    def proxy_secret_file(self) -> Path | None:
        """The file with what a reverse proxy says before it is believed (mode 0600); None when none is."""
        return self.home / "secrets" / self.api.proxy_secret if self.api.proxy_secret else None

    @property
    def signer_socket(self) -> Path:
        """Where the issuer process answers for what is not signed ahead (OCSP nonces)."""
        return self.home / "run" / "signer.sock"

    @property
    def snapshots(self) -> Path:
        """Where register snapshots are kept."""
        return self.home / "register"
