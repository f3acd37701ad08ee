"""What the repository says of the authority itself: CA certificates, chains, policies, a description (RFC 3647 §2.2)."""

from __future__ import annotations

from typing import Any

from pki.adapters.publication_files import PublicationFiles, fingerprint
from pki.bootstrap.home import Home, shipped
from pki.issuance.authority import Authority
from pki.settings import CaSettings
from trust import clock


def publish_authority(home: Home, authority: Authority, files: PublicationFiles) -> None:
    """Publish the CAs, their chains, the policies and the description; files that already say the same are left alone."""
    files.write_certificates({ca_id: chain_of(home, authority, ca_id) for ca_id in authority.cas})
    files.write_policies(shipped("policies"))
    files.write_description(describe(home, authority))


def chain_of(home: Home, authority: Authority, ca_id: str) -> list[bytes]:
    """Return the certificates from a CA up to its root."""
    chain = [authority.ca(ca_id).certificate]
    above = home.settings.ca(ca_id).issuer
    while above is not None:
        chain.append(authority.ca(above).certificate)
        above = home.settings.ca(above).issuer
    return chain


def describe(home: Home, authority: Authority) -> dict[str, Any]:
    """Return what a stranger wants to know: who this is, its CAs with their fingerprints, where status is answered."""
    settings = home.settings
    base = settings.base_url
    return {
        "name": settings.name,
        "organisation": settings.organisation,
        "mode": settings.mode,
        "policy_arc": settings.policy_arc,
        "ocsp": f"{base}/ocsp",
        "cas": [
            {
                "id": ca.id,
                "common_name": ca.common_name,
                "issuer": ca.issuer,
                "algorithm": ca.algorithm,
                "not_after": clock.text(authority.ca(ca.id).view.not_after),
                "sha256": fingerprint(authority.ca(ca.id).certificate),
                "certificate": f"{base}/aia/{ca.id}.cer",
                "chain": f"{base}/chain/{ca.id}.pem",
                "crl": f"{base}/crl/{ca.id}.crl",
                "delta": f"{base}/crl/{ca.id}-delta.crl" if ca.delta else None,
                "shards": _shards(base, ca, ""),
                "shard_deltas": _shards(base, ca, "-delta") if ca.delta else [],
            }
            for ca in settings.cas
            if ca.id in authority.cas
        ],
    }


def _shards(base: str, ca: CaSettings, suffix: str) -> list[str]:
    return [f"{base}/crl/{ca.id}/{shard}{suffix}.crl" for shard in range(ca.shards)] if ca.issues else []
