"""Reading `authority.toml`, and checking that its parts agree with each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pki.settings.boards import administrator_of, board_of
from pki.settings.model import (
    MODES,
    ApiSettings,
    Board,
    CaSettings,
    CustodySettings,
    MailSettings,
    RegisterSettings,
    Settings,
)
from pki.settings.passkeys import MAKERS, passkeys_of
from pki.settings.toml import build, items, read, table
from trust.algorithms import ALGORITHMS
from trust.errors import Malformed, Refused, shown
from trust.known_weak import SHIPPED, KnownWeakModuli

_PAGES = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*(:[0-9]{1,5})?|http://localhost(:[0-9]{1,5})?", re.ASCII)


def load(home: Path) -> Settings:
    """Read the configuration of a home.

    Raises:
        Missing: there is no authority in this directory.
        Malformed: a file is not TOML, or a key is unknown, absent or of the wrong type.
        Refused: values that contradict each other or the CP.
    """
    config = home / "config"
    document = read(config / "authority.toml")
    authority = table(document, "authority", {"name", "organisation", "mode", "policy_arc"})
    cache_seconds = _cache_seconds(document.get("publication"))
    publication = table(document, "publication", {"base_url"}, optional={"listen"})
    database = table(document, "database", set(), optional={"url"})
    ocsp = table(document, "ocsp", set(), optional={"nonce"})
    pages = table(document, "pages", set(), optional={"base_url"})
    keys = table(document, "keys", set(), optional={"known_weak"})
    mail = document.pop("mail", None)
    passkeys = passkeys_of(config / MAKERS, document.pop("passkeys", {}))
    register = build(RegisterSettings, document.pop("register", {}), "register")
    api = build(ApiSettings, document.pop("api", {}), "api")
    custody = custody_of(document.pop("custody", {}))
    cas = tuple(build(CaSettings, ca, "ca") for ca in items(document.pop("ca", []), "authority.toml: ca"))
    administrators = tuple(
        administrator_of(each) for each in items(document.pop("administrator", []), "authority.toml: administrator")
    )
    if document:
        raise Malformed(f"authority.toml: unknown table {shown(sorted(document)[0])}")
    boards: dict[str, Board] = {}
    for board in (board_of(path) for path in sorted((config / "boards").glob("*.toml"))):
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
        mail=None if mail is None else build(MailSettings, mail, "mail"),
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
    return build(CustodySettings, table, "custody")


def _known_weak(config: Path, name: str | None) -> KnownWeakModuli:
    return SHIPPED if name is None else SHIPPED.joined(KnownWeakModuli.from_file(config / name))


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
