"""The whole question: path, then status of every certificate of the path, then one verdict (RFC 5280 §6).

Nobody is asked about a certificate before its path leads to a trust anchor, so a stranger's certificate cannot make us fetch
from where it wants. A status that is not known leaves the verdict indeterminate: there is no soft failure here. Other paths
are not tried when the status of one is bad; in a closed hierarchy the certificate is the same on all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

from trust import oids
from trust.validation.certificate import Certificate
from trust.validation.chain import Validator
from trust.validation.findings import Finding
from trust.validation.purpose import ANYTHING, Wanted
from trust.validation.status import CertificateStatus, StatusAnswer, StatusSource, unknown
from trust.validation.verdict import Verdict, conclude

_UNPROVEN = {Finding.NO_PATH, Finding.BUDGET, Finding.BAD_SIGNATURE, Finding.UNKNOWN_ALGORITHM}
"""With one of these the certificate is anybody's: what it says about its status is not followed."""


class FirstKnown:
    """Asks several sources in turn until one knows."""

    def __init__(self, *sources: StatusSource) -> None:
        """Ask in this order."""
        self._sources = sources

    def status(self, certificate: Certificate, issuer: Certificate, at: datetime) -> StatusAnswer:
        """Return the first status that is known; else that nobody knows, with everybody's reasons. Never raises."""
        answers: list[StatusAnswer] = []
        for source in self._sources:
            answer = source.status(certificate, issuer, at)
            if answer.status is not CertificateStatus.UNKNOWN:
                return answer
            answers.append(answer)
        if not answers:
            return unknown(Finding.STATUS_UNAVAILABLE, certificate, "nobody", "nobody was asked")
        reasons = tuple(reason for answer in answers for reason in answer.reasons)
        return StatusAnswer(CertificateStatus.UNKNOWN, ", ".join(answer.source for answer in answers), reasons=reasons)


class Checker:
    """Answers the whole question, again and again, under the same anchors: what a service asks at each access."""

    def __init__(self, validator: Validator, status: StatusSource) -> None:
        """Judge paths with one, status with the other."""
        self._validator = validator
        self._status = status

    def check(self, certificate: Certificate | bytes, at: datetime, wanted: Wanted = ANYTHING) -> Verdict:
        """Return the verdict on a certificate at a moment.

        Raises:
            Malformed: it cannot be read.
        """
        verdict = self._validator.validate(certificate, at, wanted)
        if (verdict.reason and verdict.reason.finding in _UNPROVEN) or any(one.finding in _UNPROVEN for one in verdict.reasons):
            return verdict
        path = verdict.path
        statuses = tuple(self._of(one, issuer, at) for one, issuer in pairwise(path))
        found = [reason for answer in statuses for reason in answer.reasons]
        return conclude(at, path, [*verdict.reasons, *found], statuses)

    def _of(self, certificate: Certificate, issuer: Certificate, at: datetime) -> StatusAnswer:
        if oids.OCSP_NO_CHECK in certificate.extensions:
            return StatusAnswer(CertificateStatus.GOOD, "its issuer exempts it (id-pkix-ocsp-nocheck)")
        return self._status.status(certificate, issuer, at)


def check_certificate(
    certificate: bytes,
    *,
    anchors: Iterable[Certificate],
    intermediates: Iterable[Certificate] = (),
    at: datetime,
    status: StatusSource | None = None,
    wanted: Wanted = ANYTHING,
) -> Verdict:
    """Return the verdict on one certificate, DER or PEM. Without a status source it is indeterminate at best.

    Raises:
        Malformed: the certificate cannot be read, or there are more anchors or intermediates than are considered.
    """
    checker = Checker(Validator(anchors, intermediates), status or FirstKnown())
    return checker.check(Certificate.read(certificate), at, wanted)
