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
