"""May this script be played on this authority (CP 6.1.1)? Everything is asked before the first step acts.

The steps are followed in thought, in their order: what each needs must be there or be made by one before it, what each makes
must be new, and nothing may be looser than the policy. Pure: what is there comes as an argument, and every fault is named at
once, by the number of its step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from hsm.api import KeyUse
from hsm.uses import refuse_mixed_uses
from pki.bootstrap.ceremony.script import Certify, Crl, Generate, Import, Request, Revoke, Script, SelfSign, Step
from pki.bootstrap.lists import has_shards
from pki.profiles.limits import Limits
from pki.profiles.model import Profile
from pki.settings import CaSettings
from trust.algorithms import ALGORITHMS
from trust.errors import Refused

CITATION = "CP 6.1.1"
_SERVED = ("authority", "service")
"""The kinds of subjects that a ceremony certifies: subscribers are ordered, approved and issued elsewhere."""


@dataclass(frozen=True)
class Stage:
    """What is there before the ceremony."""

    authority: str
    custody: str
    configuration: str
    """SHA-256 of the configuration, hex."""
    today: date
    cas: Mapping[str, CaSettings]
    profiles: Mapping[str, Profile]
    limits: Limits
    list_hours: int
    root_list_hours: int
    """The longest validity of lists (CP 4.9.7)."""
    witnesses: int
    """How many there are at least (CP 6.1.1)."""
    keys: Mapping[str, str]
    """Keys in custody: label → algorithm."""
    ends: Mapping[str, date]
    """CAs that have a certificate, and when it ends."""
    files: frozenset[str]
    """Names of the files in the ceremony's folder."""
    begun: int = 0
    """Steps that an earlier run of the same script began: what they made may be there."""
    rehearsal: bool = False
    """A rehearsal comes before the day, and brings stand-ins for files that come from elsewhere."""


def check(script: Script, stage: Stage) -> None:
    """Refuse a script that cannot, or may not, be played.

    Raises:
        Refused: with every fault.
    """
    faults = [*_about(script, stage), *_steps(script, stage)]
    if faults:
        raise Refused("; ".join(faults), citation=CITATION)


def _about(script: Script, stage: Stage) -> Iterator[str]:
    if script.authority != stage.authority:
        yield f"the script is for {script.authority!r}, and this is {stage.authority!r}"
    if script.custody != stage.custody:
        yield f"the script is for custody {script.custody!r}, and this authority has {stage.custody!r}"
    if script.configuration not in (None, stage.configuration):
        yield f"the configuration is not the one that was reviewed: its SHA-256 is {stage.configuration}"
    late = stage.today - script.date
    if late > timedelta(days=1):  # A ceremony may end after midnight, or be taken up the next morning.
        yield f"the script was for {script.date}, which is over: have it reviewed for another day"
    elif late < timedelta(0) and not stage.rehearsal:
        yield f"the script is for {script.date}: until then it can be rehearsed"
    if len(script.witnesses) < stage.witnesses:
        yield f"{len(script.witnesses)} witnesses are named, at least {stage.witnesses} are needed"
    if len({each.name for each in script.witnesses}) != len(script.witnesses):
        yield "a witness is named twice"


def _steps(script: Script, stage: Stage) -> Iterator[str]:
    plan = _Plan(stage)
    for number, step in enumerate(script.steps, 1):
        plan.fresh = number > stage.begun
        for fault in plan.faults(step):
            yield f"step {number} ({step.do}): {fault}"


class _Plan:
    """What would be there, step after step. `fresh` says that what the step makes must not be there yet."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._keys = dict(stage.keys)
        self._ends = dict(stage.ends)
        self._made: set[str] = set()
        """Keys, CAs and files that steps made so far, each with its kind before it."""
        self._certified: set[tuple[str, str]] = {(ca.issuer, ca.id) for ca in stage.cas.values() if ca.issuer is not None}
        self.fresh = True

    def faults(self, step: Step) -> Iterator[str]:
        """Yield what is wrong with a step, and take its effects for done."""
        match step:
            case Generate():
                yield from self._generate(step)
            case SelfSign():
                yield from self._self_sign(step)
            case Request():
                yield from self._request(step)
            case Certify():
                yield from self._certify(step)
            case Revoke():
                yield from self._revoke(step)
            case Crl():
                yield from self._crl(step)
            case Import():
                yield from self._import(step)

    def _generate(self, step: Generate) -> Iterator[str]:
        yield from self._new("key", step.key, step.key in self._stage.keys)
        if step.algorithm not in ALGORITHMS:
            yield f"no algorithm is called {step.algorithm!r}; known: {', '.join(ALGORITHMS)}"
        known = {use.value: use for use in KeyUse}
        if strange := [use for use in step.uses if use not in known]:
            yield f"no use is called {strange[0]!r}; known: {', '.join(known)}"
        else:
            try:
                refuse_mixed_uses(step.key, [known[use] for use in step.uses])
            except Refused as refusal:
                yield str(refusal)
        self._keys[step.key] = step.algorithm

    def _self_sign(self, step: SelfSign) -> Iterator[str]:
        ca = self._stage.cas.get(step.ca)
        yield from self._new("certificate of", step.ca, step.ca in self._stage.ends)
        yield from self._output(step.file, ".cer")
        if ca is None or ca.issuer is not None or ca.offline:
            yield f"{step.ca} is not a root of this configuration whose key is here"
        else:
            yield from self._as_configured(ca, step.key, step.common_name)
            if step.profile != ca.profile:
                yield f"the configuration gives {ca.id} the profile {ca.profile}, not {step.profile}"
        yield from self._within(step.profile, step.days, self._keys.get(step.key), None)
        profile = self._stage.profiles.get(step.profile)
        if profile is not None and not profile.self_signed:
            yield f"the profile {step.profile} is not a root's"
        self._ends[step.ca] = self._stage.today + timedelta(days=step.days)

    def _request(self, step: Request) -> Iterator[str]:
        yield from self._output(step.file, ".csr")
        ca = self._stage.cas.get(step.ca)
        if ca is None or ca.offline:
            yield f"{step.ca} is not an authority of this configuration whose key is here"
        else:
            yield from self._as_configured(ca, step.key, step.common_name)

    def _certify(self, step: Certify) -> Iterator[str]:
        yield from self._output(step.file, ".cer")
        yield from self._signer(step.issuer)
        profile = self._stage.profiles.get(step.profile)
        if profile is not None and (profile.subject not in _SERVED or profile.self_signed):
            yield f"the profile {step.profile} is not certified in a ceremony"
        elif profile is not None and (profile.subject == "authority") != (step.ca is not None):
            yield "ca is said for an authority, and for nothing else"
        if (step.request is None) == (step.key is None):
            yield "what is certified is either a request or a key"
        algorithm = None
        if step.request is not None:
            yield from self._input(step.request, ".csr")
        elif step.key is not None and (algorithm := self._keys.get(step.key)) is None:
            yield f"there is no key {step.key}"
        yield from self._within(step.profile, step.days, algorithm, step.issuer)
        if step.ca is not None:
            yield from self._hierarchy(step, step.ca, profile)

    def _hierarchy(self, step: Certify, ca_id: str, profile: Profile | None) -> Iterator[str]:
        ca = self._stage.cas.get(ca_id)
        if ca is not None and ca.common_name != step.common_name:
            yield f"the configuration calls {ca_id} {ca.common_name!r}, not {step.common_name!r}"
        if profile is None or profile.path_length == 0:  # A cross-certificate goes both ways between roots.
            self._certified.add((step.issuer, ca_id))
            if circle := self._circle(ca_id):
                yield f"authorities would certify each other in a circle: {' → '.join(circle)}"

    def _circle(self, start: str) -> list[str]:
        """Return a way of certifications from an authority back to itself."""
        ways, seen = [[start]], {start}
        while ways:
            way = ways.pop()
            for above, below in sorted(self._certified):
                if above == way[-1] and below == start:
                    return [*way, start]
                if above == way[-1] and below not in seen:
                    seen.add(below)
                    ways.append([*way, below])
        return []

    def _revoke(self, step: Revoke) -> Iterator[str]:
        yield from self._signer(step.issuer)
        allowed = {
            reason
            for name, profile in self._stage.profiles.items()
            if profile.subject == "authority"
            for reason in self._stage.limits.of(name).revocation_reasons
        }
        if step.reason not in allowed:
            yield f"{step.reason!r} is no reason for the certificate of an authority; allowed: {', '.join(sorted(allowed))}"

    def _crl(self, step: Crl) -> Iterator[str]:
        yield from self._output(step.file, ".crl")
        yield from self._signer(step.issuer)
        ca, stage = self._stage.cas.get(step.issuer), self._stage
        if ca is None:
            return
        most = stage.root_list_hours if ca.issuer is None else stage.list_hours
        if step.hours > most:
            yield f"a list of {ca.id} lasts at most {most} hours, not {step.hours} [CP 4.9.7]"
        if has_shards(ca):
            yield f"the lists of {ca.id} are made by its issuer process, as they are due"

    def _import(self, step: Import) -> Iterator[str]:
        yield from self._input(step.file, ".cer", ".crl")
        if step.sha256 is not None and not step.file.endswith(".cer"):
            yield "sha256 is said of a certificate; a list is believed by its signature"

    # --- what several steps ask ---------------------------------------------------------------------------------------------

    def _new(self, kind: str, name: str, there: bool) -> Iterator[str]:
        if f"{kind} {name}" in self._made:
            yield f"the {kind} {name} is made twice"
        elif there and self.fresh:
            yield f"the {kind} {name} exists already"
        self._made.add(f"{kind} {name}")

    def _output(self, file: str, suffix: str) -> Iterator[str]:
        if not file.endswith(suffix):
            yield f"{file} is to end in {suffix}"
        yield from self._new("file", file, file in self._stage.files)

    def _input(self, file: str, *suffixes: str) -> Iterator[str]:
        if not file.endswith(suffixes):
            yield f"{file} is to end in {' or '.join(suffixes)}"
        elif f"file {file}" not in self._made and file not in self._stage.files and not self._stage.rehearsal:
            yield f"there is no file {file} in the folder of the ceremony"

    def _as_configured(self, ca: CaSettings, key: str, common_name: str) -> Iterator[str]:
        for what, said, found in (("key", key, ca.key), ("common_name", common_name, ca.common_name)):
            if said != found:
                yield f"the configuration gives {ca.id} the {what} {found!r}, not {said!r}"
        algorithm = self._keys.get(key)
        if algorithm is None:
            yield f"there is no key {key}"
        elif algorithm != ca.algorithm:
            yield f"the configuration gives {ca.id} a key of kind {ca.algorithm}, not {algorithm}"

    def _signer(self, issuer: str) -> Iterator[str]:
        ca = self._stage.cas.get(issuer)
        if ca is None or ca.offline:
            yield f"{issuer} is not an authority of this configuration whose key is here"
        elif issuer not in self._ends:
            yield f"{issuer} has no certificate yet"

    def _within(self, name: str, days: int, algorithm: str | None, issuer: str | None) -> Iterator[str]:
        """Hold a certificate against its profile, the policy and the end of its issuer."""
        profile = self._stage.profiles.get(name)
        if profile is None:
            yield f"the configuration has no profile {name}"
            return
        ceiling = self._stage.limits.of(name)
        if days > (most := min(profile.validity_days, ceiling.max_validity_days)):
            yield f"{name} lasts at most {most} days, not {days} [CP 6.3.2]"
        if algorithm is not None and algorithm not in (set(profile.subject_keys) & ceiling.key_algorithms):
            yield f"{name} does not certify a key of kind {algorithm} [CP 6.1.5]"
        end = None if issuer is None else self._ends.get(issuer)
        if end is not None and self._stage.today + timedelta(days=days) > end:
            yield f"it would outlive {issuer}, which ends on {end} [CP 6.3.2]"
