"""The configuration of one authority, read once and frozen (`HOME/config/`).

Complete, checked at start, never searched for: the home directory is given. `model.py` has the values, `authority.py`
reads `authority.toml`, `boards.py` the ordres, `passkeys.py` the models of authenticators, `toml.py` how tables become values.
"""

from pki.settings.authority import custody_of, load
from pki.settings.model import (
    MODES,
    Administrator,
    ApiSettings,
    Board,
    CaSettings,
    CustodySettings,
    MailSettings,
    Officer,
    PasskeySettings,
    RegisterSettings,
    Settings,
)
from pki.settings.passkeys import MAKERS

__all__ = [
    "MAKERS",
    "MODES",
    "Administrator",
    "ApiSettings",
    "Board",
    "CaSettings",
    "CustodySettings",
    "MailSettings",
    "Officer",
    "PasskeySettings",
    "RegisterSettings",
    "Settings",
    "custody_of",
    "load",
]
