"""Reading the boards: one file an ordre, with its professions and the mandates of its officers (RFC 3647 §1.3.2, §5.2.1)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pki.settings.model import Administrator, Board, Officer
from pki.settings.toml import count, items, read, text_of, texts
from trust.errors import Malformed, shown
from trust.identity import Rpps

ROLES = frozenset({"register", "approve", "revoke"})
_OFFICER_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_PROCESSES = frozenset({"register", "withdrawal"})
"""Names under which programs act: what they hold they release (`Certificate.is_held_by_a_cause`)."""


def board_of(path: Path) -> Board:
    """Read the file of one board.

    Raises:
        Missing, Malformed: it is not there, or is not one.
    """
    document = read(path)
    known = {"code", "name", "professions", "approvals", "bulk_threshold", "bulk_approvals", "officers"}
    if unknown := set(document) - known:
        raise Malformed(f"{path.name}: unknown key {shown(sorted(unknown)[0])}")
    try:
        code = text_of(document["code"], "code")
        return Board(
            code=code,
            name=text_of(document["name"], "name"),
            professions=texts(document["professions"], "professions"),
            approvals=count(document, "approvals", 1),
            bulk_threshold=count(document, "bulk_threshold", 10),
            bulk_approvals=count(document, "bulk_approvals", 2),
            officers=tuple(_officer(code, record) for record in items(document["officers"], "officers")),
        )
    except KeyError as error:
        raise Malformed(f"{path.name}: {shown(error.args[0])} is missing") from None
    except Malformed as error:
        raise Malformed(f"{path.name}: {error}") from None


def _officer(board: str, record: dict[str, Any]) -> Officer:
    if not isinstance(record, dict):
        raise Malformed(f"a mandate is a table, not {shown(record)}")
    if unknown := set(record) - {"id", "name", "roles", "idnat"}:
        raise Malformed(f"a mandate has an unknown key {shown(sorted(unknown)[0])}")
    officer_id, roles, idnat = text_of(record["id"], "an officer's id"), texts(record["roles"], "roles"), record.get("idnat")
    if not _OFFICER_ID.fullmatch(officer_id) or officer_id in _PROCESSES:
        raise Malformed(f"an officer is not called {shown(officer_id)}: small letters, digits, '-', '.', '_'")
    if absent := roles - ROLES:
        raise Malformed(f"{officer_id}: no role is called {shown(min(absent))}")
    if idnat is not None:
        _check_idnat(officer_id, idnat)
    return Officer(officer_id, text_of(record["name"], f"{officer_id}: name"), board, roles, idnat)


def administrator_of(record: Any) -> Administrator:
    """Read one ``[[administrator]]``.

    Raises:
        Malformed: it is not one.
    """
    if not isinstance(record, dict) or set(record) != {"id", "name"}:
        raise Malformed(f"authority.toml: an administrator has an id and a name, not {shown(record)}")
    administrator_id = text_of(record["id"], "an administrator's id")
    if not _OFFICER_ID.fullmatch(administrator_id):
        raise Malformed(f"an administrator is not called {shown(administrator_id)}: small letters, digits, '-', '.', '_'")
    return Administrator(administrator_id, text_of(record["name"], f"{administrator_id}: name"))


def _check_idnat(officer_id: str, idnat: Any) -> None:
    # Compared with holders as they stand in certificates: another form would never be equal, and protect from nothing.
    try:
        if not isinstance(idnat, str) or idnat != f"8{Rpps(idnat[1:])}":
            raise Malformed("not 8 and an RPPS number")
    except Malformed as error:
        raise Malformed(f"{officer_id}: idnat {shown(idnat)} is no IdNat_PS of a practitioner: {error}") from None
