"""Choosing a token by its PKCS#11 URI (RFC 7512): ``pkcs11:token=sceau;serial=7e4e089dd8fc3036``.

Only the path attributes that say which token it is are read. A PIN in the URI is refused: it would stand in a
configuration file, in logs and in backups; it has a file of its own (`hsm.pkcs11.pin`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from urllib.parse import unquote_to_bytes

from trust.errors import Malformed

SCHEME = "pkcs11:"
_LONGEST = 512


@dataclass(frozen=True)
class TokenUri:
    """What a token must be called; None is anything."""

    token: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None

    def __str__(self) -> str:
        """Write it for people: the words as they are, not encoded."""
        said = [f"{each.name}={getattr(self, each.name)}" for each in fields(self) if getattr(self, each.name) is not None]
        return SCHEME + ";".join(said)

    def matches(self, label: str, serial: str, manufacturer: str, model: str) -> bool:
        """Tell whether this is a token that the URI names."""
        asked = (self.token, self.serial, self.manufacturer, self.model)
        there = (label, serial, manufacturer, model)
        return all(wanted is None or wanted == found for wanted, found in zip(asked, there, strict=True))


def parse(text: str) -> TokenUri:
    """Read a PKCS#11 URI.

    Raises:
        Malformed: it is not one, says something twice, names no token, or says what does not choose a token.
    """
    if not text.startswith(SCHEME) or len(text) > _LONGEST or not text.isascii() or not text.isprintable():
        raise Malformed(f"not a PKCS#11 URI (pkcs11:token=…): {text[:80]!r}")
    path, question, _ = text.removeprefix(SCHEME).partition("?")
    if question:
        raise Malformed("a PKCS#11 URI here names a token and nothing else: the PIN and the module are said elsewhere")
    known = {each.name for each in fields(TokenUri)}
    said: dict[str, str] = {}
    for part in path.split(";"):
        name, equals, value = part.partition("=")
        if not equals or name not in known:
            raise Malformed(f"a PKCS#11 URI here says {', '.join(sorted(known))}, not {part[:80]!r}")
        if name in said:
            raise Malformed(f"the PKCS#11 URI says {name} twice")
        try:
            said[name] = unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            raise Malformed(f"the PKCS#11 URI's {name} is not text") from None
    if not {"token", "serial"} & said.keys():
        raise Malformed("a PKCS#11 URI names a token by its label (token=) or its number (serial=)")
    return TokenUri(**said)
