"""The ceilings that the CP promises, held against an authority's own configuration (CP 1.5.4).

Profiles have their own guard (`pki.profiles.limits`); here are the numbers of `authority.toml` and of the boards. A
configuration that is looser than `policies/limits.toml` stops the start, with every excess named at once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pki.settings import Settings
from trust.errors import Malformed, Refused


def enforce_settings(settings: Settings, limits_file: Path) -> None:
    """Refuse a configuration that is looser than the policy.

    Raises:
        Refused: with every excess, and the section of the CP that it breaks.
        Malformed: the policy's file cannot be read.
    """
    try:
        limits = tomllib.loads(limits_file.read_text(encoding="utf-8"))
        excesses = list(_excesses(settings, limits))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Malformed(f"{limits_file.name}: {error.__class__.__name__}: {error}") from None
    if excesses:
        raise Refused("; ".join(text for text, _ in excesses), citation=excesses[0][1])


def _excesses(settings: Settings, limits: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if settings.policy_arc != limits["policy"]["arc"]:
        yield f"policy_arc {settings.policy_arc} is not the policy's", "CP 1.2"
    if settings.cache_seconds > limits["ocsp"]["max_cache_seconds"]:
        yield f"[publication.limits] cache_seconds = {settings.cache_seconds} is too long", "CP 4.9.9"
    for ca in settings.cas:
        lists, prefix = limits["crl"], "root_" if ca.issuer is None else ""
        if ca.crl_hours > lists[f"{prefix}max_validity_hours"] or ca.crl_hours / 2 > lists[f"{prefix}max_period_hours"]:
            yield f"{ca.id}: crl_hours = {ca.crl_hours} is too long", "CP 4.9.7"
        if ca.delta and ca.crl_hours > lists["delta_max_validity_hours"]:
            yield f"{ca.id}: crl_hours = {ca.crl_hours} is too long for a delta", "CP 4.9.7"
        if ca.crl_delay_seconds > limits["revocation"]["crl_max_delay_seconds"]:
            yield f"{ca.id}: crl_delay_seconds = {ca.crl_delay_seconds} is too long", "CP 4.9.8"
        if ca.ocsp_hours > limits["ocsp"]["max_validity_hours"]:
            yield f"{ca.id}: ocsp_hours = {ca.ocsp_hours} is too long", "CP 4.9.9"
        if ca.responder_days > limits["profile"]["ocsp-responder"]["max_validity_days"]:
            yield f"{ca.id}: responder_days = {ca.responder_days} is too long", "CP 6.3.2"
        if not 1 <= ca.shards <= 1000 or min(ca.crl_hours, ca.ocsp_hours, ca.responder_days, ca.years) < 1:
            yield f"{ca.id}: shards, hours, days and years are at least 1", "CP 4.9.7"
    yield from _register_excesses(settings, limits["register"])
    for board in settings.boards.values():
        registration = limits["registration"]
        if board.approvals < registration["approvals_min"]:
            yield f"{board.code}: approvals = {board.approvals} is too few", "CP 4.2.2"
        if board.bulk_threshold > registration["bulk_threshold_max"]:
            yield f"{board.code}: bulk_threshold = {board.bulk_threshold} is too high", "CP 4.2.2"
        if board.bulk_approvals < max(registration["bulk_approvals_min"], board.approvals):
            yield f"{board.code}: bulk_approvals = {board.bulk_approvals} is too few", "CP 4.2.2"


def _register_excesses(settings: Settings, limits: dict[str, Any]) -> Iterator[tuple[str, str]]:
    register = settings.register
    if register.max_age_days > limits["snapshot_max_age_days"]:
        yield f"[register] max_age_days = {register.max_age_days} is too long", "CP 3.2.3"
    if register.threshold > limits["plan_threshold_max"]:
        yield f"[register] threshold = {register.threshold} is too high", "CP 4.9.3"
    if register.approvals < limits["large_plan_approvals_min"]:
        yield f"[register] approvals = {register.approvals} is too few", "CP 4.9.3"
