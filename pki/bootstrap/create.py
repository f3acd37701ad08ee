"""Creating an authority: `sceau init` (RFC 3647 §6.1.1, §4.3).

Copies a template, makes keys and a passphrase, creates the schema, then issues the root and the issuing CAs through the
one issuance path; of a CA whose root is offline it makes the key and a request to carry there. Resumable: each step looks
whether it was done, so that a creation that was interrupted is finished by running it again.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from hsm import passphrase
from hsm.api import Custodian, KeyUse
from pki.bootstrap.custody import create_custodian, open_authority
from pki.bootstrap.hierarchy import create_ca
from pki.bootstrap.home import Home, open_home, shipped
from pki.bootstrap.keyfigures import Tally
from pki.bootstrap.keys import make_key
from pki.bootstrap.sealing import JOURNAL_KEY
from pki.bootstrap.trial import try_authority
from pki.settings import CustodySettings, load
from trust.algorithms import ALGORITHMS
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing

Tell = Callable[[str], None]
INIT = "init"
"""Who acts here, in the journal's words."""
_SHARED = "dev"
"""Whose profiles a template has that brings none."""


def create(
    path: Path,
    template: str,
    base_url: str,
    *,
    algorithm: str | None = None,
    database_url: str | None = None,
    custody: CustodySettings | None = None,
    pin_file: Path | None = None,
    ceremony: bool = False,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    tell: Tell = lambda _line: None,
) -> Home:
    """Create an authority in a directory, or finish creating it.

    Args:
        path: the home.
        template: name of a folder of `ca_config`.
        base_url: where this home will publish; baked in every certificate.
        algorithm: replaces the algorithm of every CA, responder and subordinate (``"ML-DSA-65"``).
        database_url: replaces the embedded SQLite.
        custody: replaces the software keystore; the token is there already.
        pin_file: holds the token's PIN, of which the home keeps a copy; without it, it is in the home or is a credential.
        ceremony: leave the CAs to a ceremony: neither key nor certificate of theirs is made.
        clock: for tests.
        entropy: for tests.
        tell: called with one line of news at each step.

    Raises:
        Missing: no such template.
        Malformed: no such algorithm.
        Conflict: an authority with another address, other algorithms, another database or other keys is there, or the token
            holds another authority's keys.
        Refused: the configuration is looser than the CP, or a profile fails its trial (`trial`).
    """
    if algorithm is not None and algorithm not in ALGORITHMS:
        raise Malformed(f"no algorithm is called {algorithm!r}; known: {', '.join(ALGORITHMS)}")
    _copy_template(path, template, base_url, algorithm, database_url, custody)
    home = open_home(path, clock=clock, entropy=entropy, create_schema=True)
    if pin_file is not None:
        passphrase.keep(home.settings.pin_file, passphrase.from_file(pin_file, shortest=passphrase.SHORTEST_PIN))
    keystore = create_custodian(home, tell)
    _refuse_keys_of_another(home, keystore)
    tally = Tally(path, INIT, keystore.counts, home.clock)
    make_key(home, keystore, JOURNAL_KEY, "Ed25519", KeyUse.CHECKPOINT, by=INIT)
    for ca in () if ceremony else home.settings.cas:
        create_ca(home, keystore, ca, by=INIT, tell=tell)
    tally.look()
    try_authority(path, open_authority(home), tell)
    return home


def _copy_template(
    path: Path,
    template: str,
    base_url: str,
    algorithm: str | None,
    database_url: str | None,
    custody: CustodySettings | None,
) -> None:
    source = shipped("ca_config") / template
    if not (source / "authority.toml").is_file():
        raise Missing(f"no template is called {template!r}")
    config = path / "config"
    if config.exists():
        _check_same(path, base_url, algorithm, database_url, custody)
        return
    for folder in (path, path / "secrets", path / "run"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    draft = path / ".config"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source, draft)
    if not (draft / "profiles").exists():
        shutil.copytree(shipped("ca_config") / _SHARED / "profiles", draft / "profiles")
    authority = draft / "authority.toml"
    text = re.sub(r'(?m)^base_url = ".*"$', f'base_url = "{base_url}"', authority.read_text(encoding="utf-8"))
    if algorithm is not None:
        text = re.sub(r'(?m)^algorithm = ".*"$', f'algorithm = "{algorithm}"\nresponder_algorithm = "{algorithm}"', text)
    if database_url is not None:
        text = f'[database]\nurl = "{database_url}"\n\n' + text
    if custody is not None:
        said = {"kind": custody.kind, "token": custody.token, "module": custody.module, "socket": custody.socket}
        text = "[custody]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in said.items() if value) + "\n" + text
    authority.write_text(text, encoding="utf-8")
    draft.rename(config)


def _check_same(
    path: Path, base_url: str, algorithm: str | None, database_url: str | None, custody: CustodySettings | None
) -> None:
    """Refuse to finish an authority as another one: what was said at its creation stands (its certificates carry it)."""
    settings = load(path)
    there = {
        "address": (base_url.rstrip("/"), settings.base_url),
        "algorithm": (algorithm, algorithm if all(algorithm == ca.algorithm for ca in settings.cas) else "another"),
        "database": (database_url, settings.database_url),
        "token": (custody and custody.token, settings.custody.token or "none"),
    }
    for what, (asked, found) in there.items():
        if asked is not None and asked != found:
            raise Conflict(f"{path} holds an authority with another {what} ({found}): choose another directory")


def _refuse_keys_of_another(home: Home, custodian: Custodian) -> None:
    """A token may hold keys already: of another authority, which a home that knows nothing of them must not sign with.

    Raises:
        Conflict: it does.
    """
    with home.store.read() as tx:
        if tx.journal_table.head() is not None:
            return
    wanted = {JOURNAL_KEY, *(ca.key for ca in home.settings.cas)}
    if there := sorted(wanted.intersection(custodian.labels())):
        raise Conflict(f"{custodian.describe()} holds keys of an authority already ({', '.join(there)}): choose an empty token")
