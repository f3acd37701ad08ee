"""What to think of a key, and what to do about it: rules over what was seen, which touch nothing (CP 6.2.1, CP 6.3.2, CP 5.6).

Two kinds of them. The custodian's word against that of configuration and database: the key is there, once, safe, the one of its
certificate, made for what it serves. And the calendar: what ends, what can no longer be issued for its full length, what should
have signed and did not.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from pki.bootstrap.keylist import Concern, Judgement, Key, Place, Role
from trust.errors import Alarm, Conflict, Malformed, Missing, SceauError

SOON = timedelta(days=90)
"""How long before it must be replaced an operator is told: a ceremony takes weeks to gather people."""
GRACE = timedelta(days=1)
"""In a day of counting, each key that is at work signs: lists, answers and checkpoints are made anew more often."""
_SERVE = "sceau serve"
_SUCCESSOR = "prepare its successor: a new [[ca]], by `sceau init` or a ceremony (`sceau ceremony`)"
_BACK = {
    Place.SOFTWARE: "put the keystore and its passphrase back as they were saved (`sceau restore`): a key cannot be made again",
    Place.TOKEN: "connect the token that holds it, or restore it with its maker's tools: a key cannot be made again",
    Place.PROCESS: "put back what the custody process has, as it was saved: a key cannot be made again",
    Place.OFFLINE: "nothing here: its own home holds it",
}
_AGAIN = {
    Place.SOFTWARE: f"`{_SERVE}` says why; {_BACK[Place.SOFTWARE]}",
    Place.TOKEN: "connect the token; its PIN is in the home's secrets, and `[custody]` names its module and its slot",
    Place.PROCESS: "start the custody process (`sceau custody serve FOLDER`), and see what its log says",
    Place.OFFLINE: "nothing here: its own home holds it",
}


def of_error(error: SceauError, label: str, place: Place) -> Judgement:
    """Say what an error of the custodian means for a key."""
    match error:
        case Missing():
            return Judgement(Concern.MISSING, f"there is no key {label} in custody", _BACK[place])
        case Conflict():
            remedy = "stop the issuer, find out with the token's own tools which one is the certificate's, and remove the other"
            return Judgement(Concern.TWICE, str(error), remedy)
        case Alarm() | Malformed():
            remedy = "stop the issuer and find out who touched it; " + _BACK[place]
            return Judgement(Concern.UNSAFE, str(error), remedy)
        case _:
            return unreachable(str(error), place)


def unreachable(why: str, place: Place) -> Judgement:
    """Say that a key could not be looked at."""
    return Judgement(Concern.UNREACHABLE, why, _AGAIN[place])


def remedy_of_custody(place: Place) -> str:
    """Say what to do about a custodian that does not answer."""
    return _AGAIN[place]


def against_certificate(key: Key, expected: str | None) -> list[Judgement]:
    """Compare a key in custody with the public half that its certificate, or the journal's readers, know."""
    if expected is None or key.sha256 == expected:
        return []
    known = "the one that is published" if key.role is Role.JOURNAL else "the one of its certificate"
    remedy = "stop the issuer: nothing may be signed with it; " + _BACK[key.place]
    return [Judgement(Concern.MISMATCH, f"key {key.label} in custody is not {known}", remedy)]


def against_uses(key: Key, needed: Collection[str]) -> list[Judgement]:
    """Compare what a key was made for with what it is to serve (CP 6.1.7)."""
    lacking = sorted(set(needed) - set(key.uses))
    if not lacking:
        return []
    text = f"key {key.label} was not made for {', '.join(lacking)}, which it is to serve"
    return [Judgement(Concern.USES, text, "give it another label in the configuration, so that a key is made for that")]


def of_stranger(key: Key, *, readable: bool) -> Judgement:
    """Say what to think of a key that nothing names."""
    if not readable:
        text = "another program made it: its identifier is none of ours"
        return Judgement(Concern.FOREIGN, text, "find out whose it is: a token of an authority should hold nothing else")
    serials = ", ".join(each.serial for each in key.certificates)
    text = "nothing of this authority names it" + (f", but it stands behind {serials}" if serials else "")
    return Judgement(Concern.UNNAMED, text, "find out whose it is; what nothing needs any more is better removed")


def by_calendar(key: Key, *, now: datetime, renewal: timedelta | None, counting: datetime | None) -> list[Judgement]:
    """Judge by dates.

    Args:
        key: with its certificates and its signatures.
        now: the moment.
        renewal: how long before its end a responder should have been replaced; None when another has replaced it.
        counting: since when signatures are counted; None when nobody counts.
    """
    found = _ends(key, now, renewal)
    if key.role is Role.CA and not any(each.concern in (Concern.ENDED, Concern.REVOKED) for each in found):
        found += _falls_short(key, now)
    return found + _never(key, now, counting)


def _ends(key: Key, now: datetime, renewal: timedelta | None) -> list[Judgement]:
    if key.role is Role.CA and not key.certificates:
        remedy = "carry its request to its root, and take the certificate in: `sceau ca import FILE`"
        return [Judgement(Concern.WAITING, "it has no certificate yet", remedy)]
    if key.certificates and all(each.status == "revoked" for each in key.certificates):
        text = "its certificate is revoked: it signs lists until it ends, and nothing else"
        return [Judgement(Concern.REVOKED, text, _SUCCESSOR if key.role is Role.CA else _SERVE)]
    if key.retires is None:
        return []
    if key.role is Role.RESPONDER:
        late = renewal is not None and key.retires - now < renewal
        text = f"its certificate {'ended' if key.retires < now else 'ends'} on {key.retires:%Y-%m-%d}, and was not renewed"
        return [Judgement(Concern.LATE, text, f"{_SERVE}, and read log/issuer.out in the home")] if late else []
    if key.retires < now:
        return [Judgement(Concern.ENDED, f"its certificate ended on {key.retires:%Y-%m-%d}", _SUCCESSOR)]
    if key.retires - now <= SOON:
        return [Judgement(Concern.RETIRES, f"it retires in {(key.retires - now).days} days", _SUCCESSOR)]
    return []


def _falls_short(key: Key, now: datetime) -> list[Judgement]:
    if key.full_until is None or key.full_until - now > SOON:
        return []
    text = f"after {key.full_until:%Y-%m-%d}, a {key.full_profile} of {key.full_days} days outlives it, and is refused"
    return [Judgement(Concern.SHORT, text, _SUCCESSOR)]


def _never(key: Key, now: datetime, counting: datetime | None) -> list[Judgement]:
    if key.last is not None or counting is None or key.place is Place.OFFLINE or (key.role is Role.CA and not key.certificates):
        return []
    begun = max([counting, *(each.not_before for each in key.certificates)])
    if now - begun < GRACE:
        return []
    return [
        Judgement(Concern.NEVER, f"no signature of it was seen since {begun:%Y-%m-%d}", f"see that the issuer works: {_SERVE}")
    ]
