"""What a module's errors mean for whoever asked (reliability: group K).

Three kinds. The session, the device or the way to it is in trouble: it may pass, and one more attempt on a new session
is safe, because the same octets are signed. The PIN is not the right one: never tried again. The module cannot do what
is asked: a fault of the configuration. Names are PKCS#11's own, so that an operator finds them in the maker's manual;
nothing here ever shows a PIN.
"""

from __future__ import annotations

from pkcs11 import exceptions as p11

from trust.errors import Refused, SceauError, Unavailable

PIN_FAULTS = (
    p11.PinIncorrect,
    p11.PinLocked,
    p11.PinExpired,
    p11.PinInvalid,
    p11.PinLenRange,
    p11.UserPinNotInitialized,
)
_INCAPABLE = (
    p11.MechanismInvalid,
    p11.MechanismParamInvalid,
    p11.FunctionNotSupported,
    p11.DomainParamsInvalid,
    p11.KeySizeRange,
    p11.KeyTypeInconsistent,
    p11.TemplateInconsistent,
    p11.TokenWriteProtected,
)


def name(error: p11.PKCS11Error) -> str:
    """Return the name of an error: ``DeviceError``."""
    return type(error).__name__


def may_pass(error: p11.PKCS11Error) -> bool:
    """Tell whether one more attempt on a new session makes sense."""
    return not isinstance(error, PIN_FAULTS + _INCAPABLE)


def translated(error: p11.PKCS11Error, where: str) -> SceauError:
    """Say it in our words: `Unavailable` for trouble, `Refused` for what the module cannot do."""
    if isinstance(error, _INCAPABLE):
        return Refused(f"{where} cannot do this ({name(error)})", citation="CP 6.1.5")
    if isinstance(error, PIN_FAULTS):
        return Refused(f"{where} refuses the PIN ({name(error)})", citation="CP 6.2.8")
    return Unavailable(f"{where} does not sign ({name(error)})")
