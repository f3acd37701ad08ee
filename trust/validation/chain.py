"""Certification path building and validation for closed hierarchies (RFC 5280 §6.1), at a given moment.

Narrower than the standard where a closed hierarchy can afford it, never wider:

- trust anchors are certificates given by name; their own validity, usage and path length count like those of any other;
- names chain when their DER is the same, keys when their identifiers do not differ; a CA must carry keyUsage with keyCertSign;
- extended key usages of a CA limit those below it; policies are asserted one by one (anyPolicy helps a CA, never a leaf);
- name constraints, policy mappings, policy constraints, inhibitAnyPolicy are not processed: a path with one is *indeterminate*;
- hard limits on path length, intermediates, routes and sizes: a hostile bag of certificates costs milliseconds.

Revocation is not here: see `status` and `check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from trust import oids
from trust.errors import Malformed
from trust.validation.certificate import Certificate
from trust.validation.findings import Finding, Outcome, Reason, reason
from trust.validation.purpose import ANYTHING, Purpose, Wanted
from trust.validation.verdict import Verdict, conclude

LONGEST_PATH = 4
"""Certificates in a path, leaf and anchor included: a root, two levels of authorities, a leaf."""
MOST_ANCHORS = 20
MOST_INTERMEDIATES = 20
MOST_ROUTES = 200
"""Ways from an issuer up to an anchor: cross-certified authorities with equal names and keys multiply."""

_PROCESSED = frozenset(
    (
        oids.BASIC_CONSTRAINTS,
        oids.KEY_USAGE,
        oids.EXTENDED_KEY_USAGE,
        oids.CERTIFICATE_POLICIES,
        oids.SUBJECT_ALTERNATIVE_NAME,
        oids.SUBJECT_KEY_IDENTIFIER,
        oids.AUTHORITY_KEY_IDENTIFIER,
        oids.CRL_DISTRIBUTION_POINTS,
        oids.OCSP_NO_CHECK,
    )
)
_CONSTRAINTS = {
    oids.NAME_CONSTRAINTS: "nameConstraints",
    oids.POLICY_MAPPINGS: "policyMappings",
    oids.POLICY_CONSTRAINTS: "policyConstraints",
    oids.INHIBIT_ANY_POLICY: "inhibitAnyPolicy",
}


@dataclass(frozen=True, slots=True)
class _Route:
    """A way from an issuer up to an anchor, with everything that does not depend on the leaf or the moment."""

    authorities: tuple[Certificate, ...]
    """Issuer first, anchor last."""
    reasons: tuple[Reason, ...]
    not_before: datetime
    not_after: datetime
    policies: frozenset[str] | None
    """Policies that a leaf may assert; None is all of them."""
    extended: frozenset[str] | None
    """Extended usages that a leaf may have; None is all of them."""
    left: int
    """Authorities that may still stand below."""


class Validator:
    """Judges leaves under given anchors. The authorities are verified once, when it is made; only time is looked at again."""

    def __init__(self, anchors: Iterable[Certificate], intermediates: Iterable[Certificate] = ()) -> None:
        """Verify every way from an authority up to an anchor.

        Raises:
            Malformed: more anchors or intermediates than the budget allows, or one whose extensions cannot be read.
        """
        self.anchors = tuple(dict.fromkeys(anchors))
        self.intermediates = tuple(one for one in dict.fromkeys(intermediates) if one not in self.anchors)
        if len(self.anchors) > MOST_ANCHORS or len(self.intermediates) > MOST_INTERMEDIATES:
            raise Malformed(
                f"at most {MOST_ANCHORS} trust anchors and {MOST_INTERMEDIATES} intermediate certificates are considered"
            )
        self._signed: dict[tuple[Certificate, Certificate], bool | None] = {}
        self._routes: dict[bytes, list[_Route]] = {}
        self._exhausted = False
        self._build()

    def validate(self, leaf: Certificate | bytes, at: datetime, wanted: Wanted = ANYTHING) -> Verdict:
        """Judge a certificate at a moment: path, validity, purpose, policy; not its status.

        Raises:
            Malformed: the certificate cannot be read, or `at` has no offset.
        """
        certificate = leaf if isinstance(leaf, Certificate) else Certificate(leaf)
        if at.tzinfo is None:
            raise Malformed("the moment of a validation has an offset")
        if certificate in self.anchors:
            return conclude(at, (certificate,), _leaf_reasons(certificate, None, at, wanted))
        best: Verdict | None = None
        for route, signature in self._candidates(certificate):
            reasons = [signature] if signature else [*route.reasons, *_leaf_reasons(certificate, route, at, wanted)]
            verdict = conclude(at, (certificate, *route.authorities), reasons)
            if verdict.outcome is Outcome.VALID:
                return verdict
            if best is None or verdict.reasons[0].finding.rank < best.reasons[0].finding.rank:
                best = verdict
        return conclude(at, (certificate,), [self._no_path(certificate)]) if best is None else best

    def _candidates(self, certificate: Certificate) -> Iterator[tuple[_Route, Reason | None]]:
        """Yield the routes that may be the leaf's, each with what its signature has against it."""
        checked: dict[Certificate, bool | None] = {}
        for route in self._routes.get(certificate.issuer, ()):
            issuer = route.authorities[0]
            if _other_key(certificate, issuer):
                continue
            if issuer not in checked:
                checked[issuer] = certificate.is_signed_by(issuer)
            yield route, _signature_reason(certificate, issuer, checked[issuer])

    def _no_path(self, certificate: Certificate) -> Reason:
        if self._exhausted:
            return reason(Finding.BUDGET, certificate, detail=f"more than {MOST_ROUTES} ways up to the trust anchors")
        return reason(Finding.NO_PATH, certificate, issuer=certificate.issuer_name)

    def _build(self) -> None:
        """Go down from each anchor, breadth first, as far as paths may be long."""
        level = [self._extend(None, anchor) for anchor in self.anchors]
        count = 0
        while level:
            below: list[_Route] = []
            for route in level:
                count += 1
                if count > MOST_ROUTES:
                    self._exhausted = True
                    return
                self._routes.setdefault(route.authorities[0].subject, []).append(route)
                if len(route.authorities) < LONGEST_PATH - 1:
                    below += self._below(route)
            level = below

    def _below(self, route: _Route) -> Iterator[_Route]:
        issuer = route.authorities[0]
        for certificate in self.intermediates:
            if certificate.issuer != issuer.subject or _other_key(certificate, issuer):
                continue
            if any(certificate.subject == one.subject and certificate.key_info == one.key_info for one in route.authorities):
                continue  # a loop, or the same authority again
            pair = certificate, issuer
            if pair not in self._signed:
                self._signed[pair] = certificate.is_signed_by(issuer)
            if self._signed[pair] is False and certificate.issuer_key_identifier is None:
                continue  # another key of the same name: not this issuer's certificate, and nothing against it
            yield self._extend(route, certificate, _signature_reason(certificate, issuer, self._signed[pair]))

    def _extend(self, route: _Route | None, authority: Certificate, *found: Reason | None) -> _Route:
        """Put an authority below a route (or at its top, for an anchor)."""
        reasons = [one for one in found if one] + [*_extension_reasons(authority), *_authority_reasons(authority)]
        left = route.left if route else LONGEST_PATH
        if route and not authority.is_self_issued:
            left -= 1
            if left < 0:
                # Not the new authority's fault: the one above that allows so few is the one to name.
                tight = min(route.authorities, key=_limit)
                reasons.append(reason(Finding.PATH_TOO_LONG, tight, allowed=str(_limit(tight))))
        policies = None if route is None and authority.extension(oids.CERTIFICATE_POLICIES) is None else _policies(authority)
        return _Route(
            (authority, *(route.authorities if route else ())),
            (*(route.reasons if route else ()), *reasons),
            max(authority.not_before, route.not_before) if route else authority.not_before,
            min(authority.not_after, route.not_after) if route else authority.not_after,
            _both(route.policies if route else None, policies),
            _both(route.extended if route else None, _extended(authority)),
            min(left, _limit(authority)),
        )


def _leaf_reasons(leaf: Certificate, route: _Route | None, at: datetime, wanted: Wanted) -> Iterator[Reason]:
    """Everything that is held against a leaf whose signature is good."""
    yield from _extension_reasons(leaf)
    if leaf.public_key is None:
        yield reason(Finding.UNKNOWN_KEY, leaf)
    if not leaf.not_before <= at <= leaf.not_after:
        yield _time_reason(leaf, at)
    if route and not route.not_before <= at <= route.not_after:
        yield from (_time_reason(one, at) for one in route.authorities if not one.not_before <= at <= one.not_after)
    if wanted.purpose:
        yield from _purpose_reasons(leaf, route, wanted)
    if wanted.policies:
        asserted = _policies(leaf) or frozenset()
        granted = asserted if route is None or route.policies is None else asserted & route.policies
        if not granted & wanted.policies:
            found = ", ".join(sorted(granted)) or "none that its issuers allow"
            yield reason(Finding.WRONG_POLICY, leaf, wanted=", ".join(sorted(wanted.policies)), found=found)


def _purpose_reasons(leaf: Certificate, route: _Route | None, wanted: Wanted) -> Iterator[Reason]:
    purpose = wanted.purpose
    if purpose is None:
        return
    found = _against_purpose(leaf, route, purpose)
    if found:
        yield reason(Finding.WRONG_PURPOSE, leaf, purpose=purpose.words, found=found)
    usage = leaf.extension(oids.KEY_USAGE)
    if usage is None:
        yield reason(Finding.WRONG_KEY_USAGE, leaf, purpose=purpose.words, found="it has no keyUsage")
    elif not any(getattr(usage, name) for name in purpose.usages):
        yield reason(Finding.WRONG_KEY_USAGE, leaf, purpose=purpose.words, found=f"none of {', '.join(purpose.usages)} is set")


def _against_purpose(leaf: Certificate, route: _Route | None, purpose: Purpose) -> str | None:
    if leaf.is_ca is not purpose.ca:
        return "it is the certificate of an authority" if leaf.is_ca else "it is not the certificate of an authority"
    if purpose.extended is None:
        return None
    mine = _extended(leaf)
    if mine is None:
        return "it has no extended key usage"
    if purpose.extended not in mine:
        return f"its extended key usages are {', '.join(sorted(mine)) or 'none'}"
    if purpose.alone and (len(mine) > 1 or not leaf.extensions[oids.EXTENDED_KEY_USAGE].critical):
        return "its extended key usage must be critical and have no other beside it"
    if route and route.extended is not None and purpose.extended not in route.extended:
        return "its issuers may not certify that usage"
    return None


def _extension_reasons(certificate: Certificate) -> Iterator[Reason]:
    for oid, extension in certificate.extensions.items():
        if oid in _CONSTRAINTS:
            yield reason(Finding.CONSTRAINT_NOT_PROCESSED, certificate, extension=_CONSTRAINTS[oid])
        elif extension.critical and oid not in _PROCESSED:
            yield reason(Finding.UNKNOWN_CRITICAL_EXTENSION, certificate, oid=oid)


def _authority_reasons(authority: Certificate) -> Iterator[Reason]:
    usage = authority.extension(oids.KEY_USAGE)
    if not authority.is_ca:
        yield reason(Finding.NOT_A_CA, authority, found="basicConstraints does not say CA")
    elif usage is None or not usage.key_cert_sign:
        yield reason(Finding.NOT_A_CA, authority, found="keyUsage does not say keyCertSign")


def _time_reason(certificate: Certificate, at: datetime) -> Reason:
    if at > certificate.not_after:
        return reason(Finding.EXPIRED, certificate, not_after=certificate.not_after, at=at)
    return reason(Finding.NOT_YET_VALID, certificate, not_before=certificate.not_before, at=at)


def _signature_reason(certificate: Certificate, issuer: Certificate, signed: bool | None) -> Reason | None:
    if signed:
        return None
    if signed is None:
        return reason(Finding.UNKNOWN_ALGORITHM, certificate)
    return reason(Finding.BAD_SIGNATURE, certificate, issuer=issuer.name)


def _other_key(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the certificate says that another key than this issuer's made it."""
    wanted, offered = certificate.issuer_key_identifier, issuer.key_identifier
    return wanted is not None and offered is not None and wanted != offered


def _limit(authority: Certificate) -> int:
    """Return how many authorities may stand below; without a limit, more than a path can hold."""
    length = authority.path_length
    return LONGEST_PATH if length is None else length


def _policies(certificate: Certificate) -> frozenset[str] | None:
    """Return the policies asserted; None when anyPolicy is among them.

    Raises:
        Malformed: one is written twice (RFC 5280 §4.2.1.4).
    """
    value = certificate.extension(oids.CERTIFICATE_POLICIES)
    written = [policy.policy_identifier.dotted_string for policy in value] if value is not None else []
    if len(set(written)) != len(written):
        raise Malformed("a certificate policy stands twice in one certificate (RFC 5280 §4.2.1.4)")
    return None if oids.ANY_POLICY in written else frozenset(written)


def _extended(certificate: Certificate) -> frozenset[str] | None:
    value = certificate.extension(oids.EXTENDED_KEY_USAGE)
    return frozenset(usage.dotted_string for usage in value) if value is not None else None


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """Intersect two sets in which None stands for everything."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
