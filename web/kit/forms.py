"""What the scripts of our pages send."""

from __future__ import annotations

from typing import Any

from flask import request

from trust.errors import Malformed


def sent() -> dict[str, Any]:
    """Return what a script of ours sent.

    Raises:
        Malformed: it is not what they send.
    """
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Malformed("this is not what our page sends")
    return body


def text(body: dict[str, Any], name: str, longest: int) -> str:
    """Return one line that somebody typed, without the spaces around it; empty when there is none.

    Raises:
        Malformed: it is longer, or no line.
    """
    value = body.get(name, "")
    value = value.strip() if isinstance(value, str) else ""
    if len(value) > longest or not value.isprintable():
        raise Malformed(f"{name} is one line of {longest} characters at most")
    return value
