"""The configuration of one authority, read once and frozen (`HOME/config/`).

Complete, checked at start, never searched for: the home directory is given. Boards (ordres) and their officers are
configuration because they are the mandate: an officer whose name is not in a board's file has no power, whatever the
database says. A key that this module does not know stops the start, so that a typing error is not taken for a default.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates

from trust.algorithms import ALGORITHMS
from trust.errors import Malformed, Missing, Refused, shown
from trust.identity import Rpps
from trust.known_weak import SHIPPED, KnownWeakModuli

LARGEST = 1_000_000_000
"""Of any number in a configuration."""
MODES = ("demo", "test", "production")
MAKERS = "attestation"
"""Folder of the configuration: for each model of authenticator, a file of its name with the roots of its maker (PEM)."""
ROLES = frozenset({"register", "approve", "revoke"})
_PAGES = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*(:[0-9]{1,5})?|http://localhost(:[0-9]{1,5})?", re.ASCII)
_SERVER = re.compile(r"[A-Za-z0-9.-]{1,253}:[0-9]{1,5}", re.ASCII)
_SECRET = re.compile(r"[a-z][a-z0-9.-]{0,60}", re.ASCII)
_FOLDER = re.compile(r"[a-z][a-z0-9-]{0,30}", re.ASCII)
_OFFICER_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_PROCESSES = frozenset({"register", "withdrawal"})
"""Names under which programs act: what they hold they release (`Certificate.is_held_by_a_cause`)."""

_Built = TypeVar("_Built", "CaSettings", "RegisterSettings", "MailSettings", "ApiSettings", "CustodySettings")


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
    """``software``: sealed files of the home, for demonstrations and tests. ``pkcs11``: a token. ``process``: a custody process, of
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
        return Path(self.custody.witness) if self.custody.witness else self.home / "witness" / "signatures"

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


def load(home: Path) -> Settings:
    """Read the configuration of a home.

    Raises:
        Missing: there is no authority in this directory.
        Malformed: a file is not TOML, or a key is unknown, absent or of the wrong type.
        Refused: values that contradict each other or the CP.
    """
    config = home / "config"
    document = _read(config / "authority.toml")
    authority = _table(document, "authority", {"name", "organisation", "mode", "policy_arc"})
    cache_seconds = _cache_seconds(document.get("publication"))
    publication = _table(document, "publication", {"base_url"}, optional={"listen"})
    database = _table(document, "database", set(), optional={"url"})
    ocsp = _table(document, "ocsp", set(), optional={"nonce"})
    pages = _table(document, "pages", set(), optional={"base_url"})
    keys = _table(document, "keys", set(), optional={"known_weak"})
    mail = document.pop("mail", None)
    passkeys = _passkeys(config / MAKERS, document.pop("passkeys", {}))
    register = _build(RegisterSettings, document.pop("register", {}), "register")
    api = _build(ApiSettings, document.pop("api", {}), "api")
    custody = custody_of(document.pop("custody", {}))
    cas = tuple(_build(CaSettings, ca, "ca") for ca in _list(document.pop("ca", []), "authority.toml: ca"))
    administrators = tuple(
        _administrator(each) for each in _list(document.pop("administrator", []), "authority.toml: administrator")
    )
    if document:
        raise Malformed(f"authority.toml: unknown table {shown(sorted(document)[0])}")
    boards: dict[str, Board] = {}
    for board in (_board(path) for path in sorted((config / "boards").glob("*.toml"))):
        if boards.setdefault(board.code, board) is not board:
            raise Malformed(f"boards: two files are of {board.code}")
    settings = Settings(
        home=home,
        name=authority["name"],
        organisation=authority["organisation"],
        mode=authority["mode"],
        policy_arc=authority["policy_arc"],
        base_url=publication["base_url"].rstrip("/"),
        cache_seconds=cache_seconds,
        database_url=database.get("url") or f"sqlite:///{(home / 'sceau.db').absolute()}",
        cas=cas,
        boards=boards,
        register=register,
        nonce_policy=ocsp.get("nonce", "sign"),
        mail=None if mail is None else _build(MailSettings, mail, "mail"),
        api=api,
        custody=custody,
        administrators=administrators,
        passkeys=passkeys,
        pages_url=_pages_url(pages.get("base_url")),
        known_weak=_known_weak(config, keys.get("known_weak")),
    )
    _check(settings)
    return settings


def custody_of(table: Any) -> CustodySettings:
    """Read a ``[custody]`` table: of a home, or of the folder of a custody process.

    Raises:
        Malformed: it is not one.
    """
    return _build(CustodySettings, table, "custody")


def _known_weak(config: Path, name: str | None) -> KnownWeakModuli:
    return SHIPPED if name is None else SHIPPED.joined(KnownWeakModuli.from_file(config / name))


def _passkeys(folder: Path, table: Any) -> PasskeySettings:
    if not isinstance(table, dict) or set(table) - {"attestation", "aaguids"}:
        raise Malformed(f"authority.toml: [passkeys] is a table of attestation and aaguids, not {shown(table)}")
    aaguids = frozenset(_model(each) for each in _list(table.get("aaguids", []), "authority.toml: [passkeys] aaguids"))
    attestation = table.get("attestation", "direct" if aaguids else "none")
    if attestation not in ("none", "direct"):
        raise Malformed(f"authority.toml: [passkeys] attestation is 'none' or 'direct', not {shown(attestation)}")
    if aaguids and attestation == "none":
        raise Malformed("authority.toml: [passkeys] models are told apart by their attestation only: attestation is 'direct'")
    makers = {_model(path.stem): _roots(path) for path in sorted(folder.glob("*.pem"))} if attestation == "direct" else {}
    if alone := sorted(aaguids - set(makers)):
        raise Missing(f"nobody vouches for the model {alone[0]}: its maker's root certificates go into {folder / alone[0]}.pem")
    return PasskeySettings(attestation, aaguids, makers)


def _model(text: Any) -> str:
    try:
        found = UUID(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    if found is None or not found.int or str(found) != text:
        # Zeros are what an authenticator gives that does not say its model.
        raise Malformed(f"authority.toml: [passkeys] a model is an AAGUID in small letters, not {shown(text)}")
    return str(found)


def _roots(path: Path) -> tuple[bytes, ...]:
    try:
        return tuple(each.public_bytes(Encoding.DER) for each in load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise Malformed(f"{path}: not certificates in PEM: {error}") from None


def _check(settings: Settings) -> None:
    if settings.mode not in MODES:
        raise Malformed(f"authority.toml: mode is one of {', '.join(MODES)}, not {shown(settings.mode)}")
    if not settings.policy_arc.startswith("2.25."):
        raise Refused("policy OIDs of this software are under the test arc 2.25", citation="CP 1.2")
    if settings.nonce_policy not in ("sign", "ignore"):
        raise Malformed("authority.toml: [ocsp] nonce is 'sign' or 'ignore'")
    ids = [ca.id for ca in settings.cas]
    if len(set(ids)) != len(ids):
        raise Malformed("authority.toml: two CAs have the same id")
    for ca in settings.cas:
        for algorithm in (ca.algorithm, ca.responder_algorithm):
            if algorithm not in ALGORITHMS:
                known = ", ".join(ALGORITHMS)
                raise Malformed(f"authority.toml: {ca.id}: no algorithm is called {shown(algorithm)}; known: {known}")
        if ca.offline and ca.issues:
            raise Malformed(f"authority.toml: {ca.id} is offline, and issues nothing here")
        if ca.issuer is not None and ca.issuer not in ids[: ids.index(ca.id)]:
            raise Malformed(f"authority.toml: {ca.id} comes before its issuer {shown(ca.issuer)}")
    names = [each.id for each in settings.administrators]
    if len(set(names)) != len(names):
        raise Malformed("authority.toml: two administrators have the same id")
    officers = [officer.id for board in settings.boards.values() for officer in board.officers]
    if len(set(officers)) != len(officers):
        raise Malformed("boards: two officers have the same id")
    for board in settings.boards.values():
        people = [officer.idnat for officer in board.officers if officer.idnat is not None]
        if len(set(people)) != len(people):
            raise Refused(f"{board.code}: two mandates are of the same person", citation="CP 5.2.4")
        deciders = sum("approve" in officer.roles for officer in board.officers)
        if deciders < board.bulk_approvals:
            raise Refused(
                f"{board.code} asks {board.bulk_approvals} approvals but has {deciders} deciding officers", citation="CP 5.2.2"
            )


def _pages_url(url: str | None) -> str | None:
    if url is not None and _PAGES.fullmatch(url) is None:
        # Passkeys exist over TLS only, and need a name: an address of numbers has none (Web Authentication §5.1.3).
        raise Malformed(f"authority.toml: [pages] base_url is https://HOST, not {shown(url)}")
    return url


def _board(path: Path) -> Board:
    document = _read(path)
    known = {"code", "name", "professions", "approvals", "bulk_threshold", "bulk_approvals", "officers"}
    if unknown := set(document) - known:
        raise Malformed(f"{path.name}: unknown key {shown(sorted(unknown)[0])}")
    try:
        code = _text(document["code"], "code")
        return Board(
            code=code,
            name=_text(document["name"], "name"),
            professions=_texts(document["professions"], "professions"),
            approvals=_count(document, "approvals", 1),
            bulk_threshold=_count(document, "bulk_threshold", 10),
            bulk_approvals=_count(document, "bulk_approvals", 2),
            officers=tuple(_officer(code, record) for record in _list(document["officers"], "officers")),
        )
    except KeyError as error:
        raise Malformed(f"{path.name}: {shown(error.args[0])} is missing") from None
    except Malformed as error:
        raise Malformed(f"{path.name}: {error}") from None


def _count(document: dict[str, Any], name: str, default: int) -> int:
    value = document.get(name, default)
    if type(value) is not int or not 0 <= value <= LARGEST:  # how few are too few is the policy's affair
        raise Malformed(f"{name} is a whole number, not {shown(value)}")
    return value


def _officer(board: str, record: dict[str, Any]) -> Officer:
    if not isinstance(record, dict):
        raise Malformed(f"a mandate is a table, not {shown(record)}")
    if unknown := set(record) - {"id", "name", "roles", "idnat"}:
        raise Malformed(f"a mandate has an unknown key {shown(sorted(unknown)[0])}")
    officer_id, roles, idnat = _text(record["id"], "an officer's id"), _texts(record["roles"], "roles"), record.get("idnat")
    if not _OFFICER_ID.fullmatch(officer_id) or officer_id in _PROCESSES:
        raise Malformed(f"an officer is not called {shown(officer_id)}: small letters, digits, '-', '.', '_'")
    if absent := roles - ROLES:
        raise Malformed(f"{officer_id}: no role is called {shown(min(absent))}")
    if idnat is not None:
        _check_idnat(officer_id, idnat)
    return Officer(officer_id, _text(record["name"], f"{officer_id}: name"), board, roles, idnat)


def _administrator(record: Any) -> Administrator:
    if not isinstance(record, dict) or set(record) != {"id", "name"}:
        raise Malformed(f"authority.toml: an administrator has an id and a name, not {shown(record)}")
    administrator_id = _text(record["id"], "an administrator's id")
    if not _OFFICER_ID.fullmatch(administrator_id):
        raise Malformed(f"an administrator is not called {shown(administrator_id)}: small letters, digits, '-', '.', '_'")
    return Administrator(administrator_id, _text(record["name"], f"{administrator_id}: name"))


def _texts(value: Any, what: str) -> frozenset[str]:
    return frozenset(_text(each, f"each of the {what}") for each in _list(value, what))


def _check_idnat(officer_id: str, idnat: Any) -> None:
    # Compared with holders as they stand in certificates: another form would never be equal, and protect from nothing.
    try:
        if not isinstance(idnat, str) or idnat != f"8{Rpps(idnat[1:])}":
            raise Malformed("not 8 and an RPPS number")
    except Malformed as error:
        raise Malformed(f"{officer_id}: idnat {shown(idnat)} is no IdNat_PS of a practitioner: {error}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Missing(f"{path} does not exist: is this the home of an authority? (`sceau init` makes one)") from None
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, a number or a depth without end
        raise Malformed(f"{path}: {error}") from None


def _table(
    document: dict[str, Any], name: str, keys: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> dict[str, str]:
    table = document.pop(name, {})
    if not isinstance(table, dict):
        raise Malformed(f"authority.toml: [{name}] is a table, not {shown(table)}")
    if missing := keys - set(table):
        raise Malformed(f"authority.toml: [{name}] lacks {shown(sorted(missing)[0])}")
    if unknown := set(table) - keys - optional:
        raise Malformed(f"authority.toml: [{name}] has an unknown key {shown(sorted(unknown)[0])}")
    return {key: _text(value, f"authority.toml: [{name}] {key}") for key, value in table.items()}


def _cache_seconds(publication: Any) -> int:
    """Take out of the table what is publication's alone, which refuses what is senseless there; return what the policy bounds."""
    if not isinstance(publication, dict):
        return Settings.cache_seconds
    publication.pop("workers", None)
    limits = publication.pop("limits", {})
    found = limits.get("cache_seconds", Settings.cache_seconds) if isinstance(limits, dict) else None
    if type(found) is not int:
        raise Malformed("authority.toml: publication.limits is a table, and its cache_seconds a whole number")
    return found


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise Malformed(f"{what} is a text, not {shown(value)}")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{what} is a list, not {shown(value)}")
    return value


def _build(kind: type[_Built], table: Any, where: str) -> _Built:
    types = {f.name: str(f.type).removesuffix(" | None").partition("[")[0] for f in fields(kind)}
    if not isinstance(table, dict):
        raise Malformed(f"authority.toml: [{where}] is a table, not {shown(table)}")
    for name, value in table.items():
        if name not in types:
            raise Malformed(f"authority.toml: [{where}] has an unknown key {shown(name)}")
        if type(value).__name__ != types[name] or (type(value) is int and abs(value) > LARGEST):
            raise Malformed(f"authority.toml: [{where}] {name} is {types[name]}, not {shown(value)}")
        for text in value if isinstance(value, list) else ():
            _text(text, f"authority.toml: [{where}] {name}: each of them")
    try:
        return kind(**table)
    except TypeError as error:
        raise Malformed(f"authority.toml: [{where}] {error}") from None
