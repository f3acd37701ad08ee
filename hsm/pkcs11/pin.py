"""The PIN of a token: from a file or a credential, tried once (CP 6.2.8; failure case K05).

A wrong PIN locks most tokens at the third attempt, and a service that restarts by itself makes three attempts in a
minute. So a PIN that was refused is remembered, by a fingerprint that costs as much to guess as the keystore's
passphrase, and is not shown to the token again, by this process or the next, until the file says something else.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Callable
from pathlib import Path

from hsm.sealing import Kdf
from trust.entropy import Entropy
from trust.errors import Alarm, Malformed, Refused

_KDF = Kdf()


class Pin:
    """Where the PIN is, and what became of it."""

    def __init__(self, source: Callable[[], bytes], remembered: Path, entropy: Entropy) -> None:
        """`source` reads the PIN (`hsm.passphrase`); `remembered` is the file that says which one was refused."""
        self._source, self._remembered, self._entropy = source, remembered, entropy

    def read(self, where: str) -> bytes:
        """Return the PIN, unless it was refused before by the token, which `where` names.

        Raises:
            Refused: it was, and has not changed since (CP 6.2.8).
            Missing, Malformed: as the source says.
        """
        secret = self._source()
        try:
            secret.decode()
        except UnicodeDecodeError:
            raise Malformed(f"the PIN of {where} is not text") from None
        try:
            known = json.loads(self._remembered.read_text("ascii"))
            salt, mark = (base64.b64decode(known[name]) for name in ("salt", "mark"))
        except FileNotFoundError:
            return secret  # Nothing was refused, or the file is gone: an operator's way to have the same PIN tried again.
        except (OSError, ValueError, KeyError, TypeError):  # whoever wrote it ended too early
            reason = f"{where} refused a PIN before, nobody knows which: correct it, and remove {self._remembered}"
            raise Refused(reason, citation="CP 6.2.8") from None
        if hmac.compare_digest(_KDF.derive(secret, salt), mark):
            reason = f"{where} refused this PIN before: it is not tried again; correct it, or remove {self._remembered}"
            raise Refused(reason, citation="CP 6.2.8")
        return secret

    def was_refused(self, secret: bytes) -> None:
        """Remember a PIN that the token refused: that one was, at once; which one, when the fingerprint is made.

        Whoever waits for the token may be told before, and end this process: the next must not try again.

        Raises:
            Alarm: that cannot be written down, and whoever restarts this process would try it again.
        """
        self._write({})
        salt = self._entropy.octets(16)
        mark = _KDF.derive(secret, salt)
        self._write({"salt": base64.b64encode(salt).decode(), "mark": base64.b64encode(mark).decode()})

    def _write(self, content: dict[str, str]) -> None:
        try:
            self._remembered.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._remembered, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(json.dumps(content) + "\n")
        except OSError as error:
            reason = f"a PIN was refused, and {self._remembered} cannot be written ({error.strerror}): do not restart"
            raise Alarm(reason) from None
