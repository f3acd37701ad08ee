"""Is the subject of a request the one that the register, or the board, knows? (RFC 3647 §3.2; CP 3.2.2, CP 3.2.3, CP 4.3.1)

Registration took the subject from there; officers may have been shown something else. Issuance compares again, with what
stands now. Nothing here decides who has the right to what: it reads two records side by side.
"""

from __future__ import annotations

import json
from typing import Any

from pki.issuance.order import Request
from pki.issuance.ports import Standing
from pki.register.entry import practises
from trust.errors import Refused


def check_person(request: Request, standing: Standing) -> None:
    """Check that the register has this person under these names, with the right to practise this profession.

    Raises:
        Refused: it has not.
    """
    subject = request.subject
    names, profession = f"{subject.get('family_name')}|{subject.get('given_name')}", str(subject.get("profession"))
    if not practises(standing.entry, request.holder, names, profession):
        raise Refused("the register does not have this person in this profession under these names", citation="CP 3.2.3")


def check_structure(request: Request, standing: Standing) -> None:
    """Check that the request's own board approved this structure, under this name, with the domains of these servers.

    Raises:
        Refused: it did not.
    """
    known, subject = _structure(standing), request.subject
    if known.get("board") != request.board:
        raise Refused(f"{request.board} does not answer for the structure {request.holder}", citation="CP 3.2.5")
    said = (subject.get("struct_idnat"), subject.get("name"), subject.get("department"))
    if known.get("id") != request.holder or said != (known["id"], known["name"], known["department"]):
        raise Refused("the subject is not the structure that was approved", citation="CP 3.2.2")
    names = subject.get("dns_names", [])
    for name in map(str, names if isinstance(names, list) else [names]):
        if not any(name == domain or name.endswith(f".{domain}") for domain in known["domains"]):
            raise Refused(f"{name} is not in a domain approved for {request.holder}", citation="CP 3.2.2")


def _structure(standing: Standing) -> dict[str, Any]:
    try:
        known = json.loads(standing.entry)
    except ValueError:  # the line of a person
        known = None
    return known if isinstance(known, dict) else {}
