"""Asks OCSP responders (RFC 6960 appendix A), and remembers what they said while it may be believed.

The URL comes from the certificate, whose path has been validated before: an unknown certificate cannot send us anywhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509

from trust import oids
from trust.errors import Malformed, Unavailable
from trust.validation.certificate import Certificate
from trust.validation.findings import Finding
from trust.validation.http_client import HttpClient
from trust.validation.memory import FOR_EVER, Memory
from trust.validation.ocsp import LARGEST_RESPONSE, evaluate_ocsp, request_for
from trust.validation.status import StatusAnswer, staleness, unknown

MOST_RESPONDERS = 2
REFRESH = timedelta(minutes=5)
"""How long an answer is used without asking again."""
SILENCE = timedelta(seconds=30)
"""How long a responder that did not answer is left alone: its callers must not wait for it one after the other."""


class OcspClient:
    """A status source that asks the responder named in the certificate."""

    def __init__(self, http: HttpClient | None = None, *, refresh: timedelta = REFRESH, capacity: int = 10_000) -> None:
        """Ask through a client; keep at most `capacity` answers."""
        self._http = http or HttpClient()
        self._refresh = refresh
        self._answers: Memory[StatusAnswer] = Memory(capacity)
        self._silent: Memory[str] = Memory(100)

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> StatusAnswer:
        """Return what the first responder that answers says. Never raises."""
        key = issuer.der, certificate.serial
        recent = self._answers.recall(key, at, self._refresh)
        if recent and _in_force(recent, at):
            return recent
        kept = self._answers.recall(key, at, FOR_EVER)
        answer: StatusAnswer | None = None
        for url in responders(certificate)[:MOST_RESPONDERS]:
            answer = self._ask(url, certificate, issuer, at)
            if answer.this_update:
                if kept and kept.this_update and kept.this_update > answer.this_update and _in_force(kept, at):
                    answer = kept  # an older answer, however authentic, takes nothing back
                self._answers.keep(key, answer, at)
                return answer
        if kept and _in_force(kept, at):
            return kept
        return answer or unknown(Finding.STATUS_UNAVAILABLE, certificate, "OCSP", "the certificate names no OCSP responder")

    def _ask(self, url: str, certificate: Certificate, issuer: Certificate, at: datetime) -> StatusAnswer:
        source = f"OCSP at {url}"
        silence = self._silent.recall(url, at, SILENCE)
        if silence:
            return unknown(Finding.STATUS_UNAVAILABLE, certificate, source, silence)
        try:
            request = request_for(certificate, issuer)
            octets = self._http.post(url, request, "application/ocsp-request", LARGEST_RESPONSE)
            return evaluate_ocsp(octets, certificate, issuer, at, source=source)
        except Unavailable as error:
            self._silent.keep(url, str(error), at)
            return unknown(Finding.STATUS_UNAVAILABLE, certificate, source, str(error))
        except Malformed as error:
            return unknown(Finding.STATUS_UNAVAILABLE, certificate, source, str(error))


def _in_force(answer: StatusAnswer, at: datetime) -> bool:
    return answer.this_update is not None and staleness(answer.this_update, answer.next_update, at) is None


def responders(certificate: Certificate) -> list[str]:
    """Return the URLs of the OCSP responders that a certificate names (RFC 5280 §4.2.2.1)."""
    access = certificate.extension(oids.AUTHORITY_INFORMATION_ACCESS) or ()
    return [
        one.access_location.value
        for one in access
        if one.access_method.dotted_string == oids.ACCESS_OCSP and isinstance(one.access_location, x509.UniformResourceIdentifier)
    ]
