"""A to-be-signed certificate opened for damage: each field and each extension can be replaced, dropped, doubled or moved."""

from __future__ import annotations

from collections.abc import Callable

from trust import der

VERSION, SERIAL, SIGNATURE, ISSUER, VALIDITY, SUBJECT, KEY = range(7)


class Opened:
    """The parts of a TBSCertificate, ready to be changed and closed again."""

    def __init__(self, tbs: bytes) -> None:
        """Open."""
        parts = list(der.children(der.whole(tbs, der.SEQUENCE)))
        self.fields = [encoded for _, _, encoded in parts[:7]]
        self.extensions = [encoded for _, _, encoded in der.children(der.whole(parts[7][1], der.SEQUENCE))]

    def close(self) -> bytes:
        """Put the parts together again, with right lengths."""
        return der.sequence(*self.fields, der.explicit(3, der.sequence(*self.extensions)))

    def _index(self, dotted: str) -> int:
        return next(index for index, encoded in enumerate(self.extensions) if der.oid(dotted) in encoded[:20])

    def drop(self, dotted: str) -> None:
        """Leave an extension out."""
        del self.extensions[self._index(dotted)]

    def double(self, dotted: str) -> None:
        """Write an extension twice."""
        self.extensions.append(self.extensions[self._index(dotted)])

    def put(self, dotted: str, value: bytes, *, critical: bool = False) -> None:
        """Replace the content of an extension, or add the extension."""
        encoded = der.sequence(der.oid(dotted), der.boolean(True) if critical else b"", der.octet_string(value))
        try:
            self.extensions[self._index(dotted)] = encoded
        except StopIteration:
            self.extensions.append(encoded)

    def value(self, dotted: str) -> bytes:
        """Return the content of an extension."""
        return [content for _, content, _ in der.children(der.whole(self.extensions[self._index(dotted)], der.SEQUENCE))][-1]

    def swap(self, before: bytes, after: bytes) -> None:
        """Replace octets by as many others, wherever they are."""
        assert len(before) == len(after)
        tbs = self.close()
        assert before in tbs, before
        self.__init__(tbs.replace(before, after))  # type: ignore[misc]


Damage = Callable[[Opened], None]


def damaged(tbs: bytes, damage: Damage) -> bytes:
    """Return a certificate after a damage."""
    opened = Opened(tbs)
    damage(opened)
    return opened.close()
