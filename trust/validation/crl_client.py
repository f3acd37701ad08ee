"""Fetches revocation lists from where the certificate says (RFC 5280 §4.2.1.13, §4.2.1.15), and keeps those in force.

A list is used for some minutes, then asked for again; when it cannot be had, or only an older one is offered, the one kept
still counts until its nextUpdate. A delta that completes a newer list than the one kept has that one asked for at once.

Only lists signed by the issuer are kept: what somebody puts on the wire cannot displace a good one. The URL comes from a
certificate whose path has been validated before. Lists in hand (`OfflineLists`) are the same without network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from cryptography import x509

from trust import oids
from trust.errors import Malformed, Unavailable
from trust.validation.certificate import Certificate
from trust.validation.crl import LARGEST_CRL, RevocationList, completes, evaluate_crl
from trust.validation.findings import Finding
from trust.validation.http_client import HttpClient
from trust.validation.memory import FOR_EVER, Memory
from trust.validation.ocsp_client import SILENCE
from trust.validation.status import CertificateStatus, StatusAnswer, staleness, unknown

MOST_POINTS = 3
REFRESH = timedelta(minutes=15)
"""How long a list is used without asking for a newer one."""
REPROACH = timedelta(minutes=1)
"""The same, once its delta says that there is a newer one."""

Fetch = Callable[[str], bytes]
"""Gets the octets behind a URL; raises Malformed or Unavailable."""


class CrlClient:
    """A status source that reads the lists named in the certificate."""

    def __init__(self, fetch: Fetch | None = None, *, refresh: timedelta = REFRESH, capacity: int = 200) -> None:
        """Fetch with a callable (plain HTTP by default); keep at most `capacity` lists."""
        self._fetch = fetch or http_fetch(HttpClient(timeout=20.0))
        self._refresh = refresh
        self._lists: Memory[RevocationList] = Memory(capacity)
        self._silent: Memory[str] = Memory(100)

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> StatusAnswer:
        """Return what the first list that counts says. Never raises."""
        answer: StatusAnswer | None = None
        for url in _urls(certificate, oids.CRL_DISTRIBUTION_POINTS):
            try:
                crl = self._get(url, issuer, at, self._refresh)
                delta = self._delta(certificate, crl, issuer, at)
                if delta is not None and _outruns(delta, crl) and delta.disbelief(issuer) is None:
                    crl = self._get(url, issuer, at, min(REPROACH, self._refresh))
                answer = evaluate_crl(crl, certificate, issuer, at, delta)
            except (Malformed, Unavailable) as error:
                answer = unknown(Finding.STATUS_UNAVAILABLE, certificate, f"CRL at {url}", str(error))
            if answer.status is not CertificateStatus.UNKNOWN:
                break
        return answer or unknown(Finding.STATUS_UNAVAILABLE, certificate, "CRL", "the certificate names no list")

    def _delta(self, certificate: Certificate, crl: RevocationList, issuer: Certificate, at: datetime) -> RevocationList | None:
        """Return the delta that the certificate names, else its list, if it can be had: it only adds to a list in force."""
        named = _urls(certificate, oids.FRESHEST_CRL)
        if not named and crl.disbelief(issuer) is None:  # Where anybody's list points is not followed.
            named = _urls(crl, oids.FRESHEST_CRL)
        for url in named:
            try:
                return self._get(url, issuer, at, self._refresh)
            except (Malformed, Unavailable):
                continue
        return None

    def _get(self, url: str, issuer: Certificate, at: datetime, refresh: timedelta) -> RevocationList:
        """Return the list behind a URL, from memory (not older than `refresh`) or by fetching it.

        Raises:
            Malformed, Unavailable: it cannot be had, and none in force is kept.
        """
        key = url, issuer.der
        recent = self._lists.recall(key, at, refresh)
        if recent and _in_force(recent, at):
            return recent
        kept = self._lists.recall(key, at, FOR_EVER)
        try:
            fetched = self._fetched(url, at)
        except (Malformed, Unavailable):
            if kept and _in_force(kept, at):
                return kept
            raise
        if fetched.disbelief(issuer) is None:
            if kept and (fetched.number or 0) < (kept.number or 0):
                fetched = kept
            self._lists.keep(key, fetched, at)
            return fetched
        return kept if kept and _in_force(kept, at) else fetched

    def _fetched(self, url: str, at: datetime) -> RevocationList:
        silence = self._silent.recall(url, at, SILENCE)
        if silence:
            raise Unavailable(silence)
        try:
            return RevocationList(self._fetch(url))
        except (Malformed, Unavailable) as error:
            self._silent.keep(url, str(error), at)
            raise


class OfflineLists:
    """A status source over lists in hand."""

    def __init__(self, lists: Iterable[RevocationList]) -> None:
        """Use these lists; a delta among them completes the list that it fits."""
        given = tuple(lists)
        self._complete = [one for one in given if one.base_number is None]
        self._deltas = [one for one in given if one.base_number is not None]

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> StatusAnswer:
        """Return what the newest list that counts says; of two equally new, the one that revokes. Never raises."""
        lists = [crl for crl in self._complete if crl.issuer == certificate.issuer]
        answers = [evaluate_crl(crl, certificate, issuer, at, self._delta_of(crl)) for crl in lists]
        known = [answer for answer in answers if answer.this_update]
        newest = max(known, key=lambda one: (one.this_update, one.status is CertificateStatus.REVOKED), default=None)
        if newest or answers:
            return newest or answers[0]
        return unknown(Finding.STATUS_UNAVAILABLE, certificate, "CRL", "no list of its issuer was given")

    def _delta_of(self, crl: RevocationList) -> RevocationList | None:
        fitting = [delta for delta in self._deltas if delta.issuer == crl.issuer and completes(delta, crl)]
        return max(fitting, key=lambda delta: delta.number or 0, default=None)


def http_fetch(client: HttpClient) -> Fetch:
    """Fetch lists with an HTTP client."""
    return lambda url: client.get(url, LARGEST_CRL)


def _in_force(crl: RevocationList, at: datetime) -> bool:
    return staleness(crl.this_update, crl.next_update, at) is None


def _outruns(delta: RevocationList, crl: RevocationList) -> bool:
    """Tell whether a delta completes a newer list than this one."""
    return delta.base_number is not None and crl.number is not None and delta.base_number > crl.number


def _urls(names: Certificate | RevocationList, oid: str) -> list[str]:
    points = names.extension(oid) or ()
    general = [name for point in points for name in point.full_name or ()]
    urls = [name.value for name in general if isinstance(name, x509.UniformResourceIdentifier)]
    return [url for url in urls if url.startswith("http")][:MOST_POINTS]
