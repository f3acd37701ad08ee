"""The lists of revoked certificates of a home, joined to the keys that sign them (RFC 5280 §5; CP 4.9.7).

For the issuer process, which publishes them as they are due, and for ceremonies, which make one of a root.
"""

from __future__ import annotations

from datetime import timedelta

from pki.adapters.publication_files import PublicationFiles
from pki.bootstrap.home import Home
from pki.faults import Faults
from pki.issuance.authority import Authority, IssuingCa
from pki.settings import CaSettings
from pki.signing.crl import CrlSigner
from pki.signing.door import SigningDoor
from pki.status.publish import SMALL, CrlIssuer, CrlPublisher


def crl_publisher(
    home: Home,
    authority: Authority,
    door: SigningDoor,
    files: PublicationFiles,
    faults: Faults | None = None,
    *,
    small: int = SMALL,
) -> CrlPublisher:
    """Return the publisher of every CA's lists; several may be at work on one home. A list of more than `small` octets does
    not follow each revocation."""
    signer = CrlSigner(door)
    issuers = [crl_issuer(home.settings.ca(ca.id), ca, signer) for ca in authority.cas.values()]
    return CrlPublisher(home.store, issuers, files, home.clock, faults=faults, small=small)


def crl_issuer(settings: CaSettings, ca: IssuingCa, signer: CrlSigner) -> CrlIssuer:
    """Return what the lists of one CA say of it, how often they are made, and who signs them."""
    return CrlIssuer(
        ca=ca.id,
        name_der=ca.view.name_der,
        key_id=ca.view.key_id,
        algorithm=ca.view.algorithm,
        base_url=ca.view.base_url,
        shards=ca.view.shards if has_shards(settings) else 0,
        delta=ca.view.delta,
        validity=timedelta(hours=settings.crl_hours),
        delay=timedelta(seconds=settings.crl_delay_seconds),
        sign=lambda tbs, subject: signer.sign(ca.key, tbs, subject=subject),
    )


def has_shards(settings: CaSettings) -> bool:
    """Tell whether certificates of a CA name shards: those of a root that certifies authorities only name its one list.

    A generation that was replaced issues nothing more (CP 5.6), and what it issued goes on naming its shards.
    """
    return settings.issuer is not None or bool(settings.issues)
