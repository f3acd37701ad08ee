"""What the repository says of the authority itself: CA certificates, chains, policies, a description (RFC 3647 §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pki.adapters.publication_files import PublicationFiles, fingerprint
from pki.bootstrap.home import Home, shipped
from pki.bootstrap.imports import publish_lists
from pki.bootstrap.lists import has_shards
from pki.inventory.model import Certificate
from pki.settings import CaSettings
from trust import clock


def publish_authority(home: Home, files: PublicationFiles) -> None:
    """Publish the CAs, their chains, what offline ones signed, the policies and the description; files that already say the
    same are left alone."""
    known = home.ca_certificates()
    files.write_certificates({ca_id: chain_of(home, known, ca_id) for ca_id in known})
    for name, certificate in _cross_certificates(home).items():
        files.write(f"aia/{name}.cer", certificate.der)
    publish_lists(home, files)
    files.write_policies(shipped("policies"))
    files.write_description(describe(home, known))


def chain_of(home: Home, known: Mapping[str, Certificate], ca_id: str) -> list[bytes]:
    """Return the certificates from a CA up to its root."""
    chain = [known[ca_id].der]
    above = home.settings.ca(ca_id).issuer
    while above is not None:
        chain.append(known[above].der)
        above = home.settings.ca(above).issuer
    return chain


def describe(home: Home, known: Mapping[str, Certificate]) -> dict[str, Any]:
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
                "not_after": clock.text(known[ca.id].not_after),
                "sha256": fingerprint(known[ca.id].der),
                "certificate": f"{base}/aia/{ca.id}.cer",
                "chain": f"{base}/chain/{ca.id}.pem",
                "crl": f"{base}/crl/{ca.id}.crl",
                "delta": f"{base}/crl/{ca.id}-delta.crl" if ca.delta else None,
                "shards": _shards(base, ca, ""),
                "shard_deltas": _shards(base, ca, "-delta") if ca.delta else [],
            }
            for ca in settings.cas
            if ca.id in known
        ],
    }


def _shards(base: str, ca: CaSettings, suffix: str) -> list[str]:
    return [f"{base}/crl/{ca.id}/{shard}{suffix}.crl" for shard in range(ca.shards)] if has_shards(ca) else []


def _cross_certificates(home: Home) -> dict[str, Certificate]:
    """Return the certificates by which one root vouches for another, by ``root.issuer``: the newest of each pair."""
    with home.store.read() as tx:
        found = [each for ca in home.settings.cas for each in tx.certificates.of_holder(f"cross:{ca.id}")]
    return {f"{each.holder.partition(':')[2]}.{each.ca}": each for each in found if each.signature is not None}
