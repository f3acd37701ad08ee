"""What a certificate is wanted for: extended key usage, key usage and policy, as data (RFC 5280 §4.2.1.3, §4.2.1.4, §4.2.1.12).

Narrow on purpose: a usage counts only when it is written; anyExtendedKeyUsage and anyPolicy in a leaf stand for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from trust import oids
from trust.errors import Malformed


@dataclass(frozen=True, slots=True)
class Purpose:
    """A use: the extended usage that must be written, and the key usages of which one must be."""

    name: str
    extended: str | None
    usages: tuple[str, ...]
    """Attribute names of pyca's KeyUsage."""
    words: str
    ca: bool = False
    """Whether the certificate must be that of a certification authority; every other use demands that it is not."""
    alone: bool = False
    """Whether the extended usage must be critical and the only one (RFC 3161 §2.3)."""


PURPOSES: Mapping[str, Purpose] = MappingProxyType(
    {
        purpose.name: purpose
        for purpose in (
            Purpose("tls-client", oids.USAGE_CLIENT_AUTH, ("digital_signature",), "authenticating a TLS client"),
            Purpose(
                "tls-server",
                oids.USAGE_SERVER_AUTH,
                ("digital_signature", "key_encipherment", "key_agreement"),
                "authenticating a TLS server",
            ),
            Purpose("signature", None, ("content_commitment",), "signing documents (non-repudiation)"),
            Purpose("mail", oids.USAGE_EMAIL_PROTECTION, ("digital_signature", "content_commitment"), "signing mail"),
            Purpose("encryption", None, ("key_encipherment", "key_agreement"), "receiving encrypted messages"),
            Purpose("ocsp", oids.USAGE_OCSP_SIGNING, ("digital_signature", "content_commitment"), "signing certificate status"),
            Purpose(
                "timestamp", oids.USAGE_TIME_STAMPING, ("digital_signature", "content_commitment"), "time-stamping", alone=True
            ),
            Purpose("ca", None, ("key_cert_sign",), "issuing certificates", ca=True),
        )
    }
)
"""Every purpose that can be asked for, by name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the asker needs: a purpose (None for any) and policies of which one must be asserted (none for any)."""

    purpose: Purpose | None = None
    policies: frozenset[str] = frozenset()

    @classmethod
    def of(cls, purpose: str | None = None, *policies: str) -> Wanted:
        """Name the purpose.

        Raises:
            Malformed: no such purpose.
        """
        if purpose is not None and purpose not in PURPOSES:
            raise Malformed(f"no purpose is called {purpose!r}; there are {', '.join(PURPOSES)}")
        return cls(PURPOSES[purpose] if purpose else None, frozenset(policies))


ANYTHING = Wanted()
"""A path, whatever the use."""
