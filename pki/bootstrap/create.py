"""Creating an authority: `sceau init` (RFC 3647 §6.1.1, §4.3).

Copies a template, makes keys and a passphrase, creates the schema, then issues the root and the issuing CAs through the
one issuance path. Resumable: each step looks whether it was done, so that a creation that was interrupted is finished
by running it again.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from hsm.api import Custodian, KeyUse
from pki.audit.events import event
from pki.bootstrap.custody import create_custodian, issuance, issuer_view, open_authority
from pki.bootstrap.home import Home, open_home, shipped
from pki.bootstrap.keys import make_key
from pki.bootstrap.sealing import JOURNAL_KEY
from pki.bootstrap.trial import try_authority, try_profiles
from pki.inventory.model import Certificate
from pki.issuance.authority import Authority, IssuingCa
from pki.profiles.compiled import CompiledProfile
from pki.profiles.keyid import key_identifier
from pki.profiles.model import IssuerView
from pki.settings import CaSettings, load
from pki.signing.door import SigningDoor
from trust import clock as clock_text
from trust.algorithms import ALGORITHMS, PublicKey, spki
from trust.clock import Clock
from trust.entropy import Entropy
from trust.errors import Conflict, Malformed, Missing
from trust.naming import AuthoritySubject

Tell = Callable[[str], None]
INIT = "init"
"""Who acts here, in the journal's words."""


def create(
    path: Path,
    template: str,
    base_url: str,
    *,
    algorithm: str | None = None,
    database_url: str | None = None,
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
        clock: for tests.
        entropy: for tests.
        tell: called with one line of news at each step.

    Raises:
        Missing: no such template.
        Malformed: no such algorithm.
        Conflict: an authority with another address, other algorithms or another database is there.
        Refused: the configuration is looser than the CP, or a profile fails its trial (`trial`).
    """
    if algorithm is not None and algorithm not in ALGORITHMS:
        raise Malformed(f"no algorithm is called {algorithm!r}; known: {', '.join(ALGORITHMS)}")
    _copy_template(path, template, base_url, algorithm, database_url)
    home = open_home(path, clock=clock, entropy=entropy, create_schema=True)
    keystore = create_custodian(home, tell)
    make_key(home, keystore, JOURNAL_KEY, "Ed25519", KeyUse.CHECKPOINT, by=INIT)
    for ca in home.settings.cas:
        if ca.id in home.ca_certificates():
            continue
        public = make_key(home, keystore, ca.key, ca.algorithm, KeyUse.CERTIFICATE, KeyUse.CRL, by=INIT)
        certificate = _certify(home, keystore, ca, public, tell)
        tell(f"{ca.common_name}: {ca.algorithm}, until {certificate.not_after:%Y-%m-%d}")
    try_authority(path, open_authority(home), tell)
    return home


def _copy_template(path: Path, template: str, base_url: str, algorithm: str | None, database_url: str | None) -> None:
    source = shipped("ca_config") / template
    if not (source / "authority.toml").is_file():
        raise Missing(f"no template is called {template!r}")
    config = path / "config"
    if config.exists():
        _check_same(path, base_url, algorithm, database_url)
        return
    for folder in (path, path / "secrets", path / "run"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    draft = path / ".config"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source, draft)
    authority = draft / "authority.toml"
    text = re.sub(r'(?m)^base_url = ".*"$', f'base_url = "{base_url}"', authority.read_text(encoding="utf-8"))
    if algorithm is not None:
        text = re.sub(r'(?m)^algorithm = ".*"$', f'algorithm = "{algorithm}"\nresponder_algorithm = "{algorithm}"', text)
    if database_url is not None:
        text = f'[database]\nurl = "{database_url}"\n\n' + text
    authority.write_text(text, encoding="utf-8")
    draft.rename(config)


def _check_same(path: Path, base_url: str, algorithm: str | None, database_url: str | None) -> None:
    """Refuse to finish an authority as another one: what was said at its creation stands (its certificates carry it)."""
    settings = load(path)
    there = {
        "address": (base_url.rstrip("/"), settings.base_url),
        "algorithm": (algorithm, algorithm if all(algorithm == ca.algorithm for ca in settings.cas) else "another"),
        "database": (database_url, settings.database_url),
    }
    for what, (asked, found) in there.items():
        if asked is not None and asked != found:
            raise Conflict(f"{path} holds an authority with another {what} ({found}): choose another directory")


def _certify(home: Home, keystore: Custodian, ca: CaSettings, public: PublicKey, tell: Tell) -> Certificate:
    """Issue a CA's certificate: by itself for a root, by its issuer otherwise."""
    key = spki(public)
    subject = AuthoritySubject(common_name=ca.common_name, organisation=home.settings.organisation)
    if ca.issuer is None:
        view = _root_view(home, ca, subject, public)
        certificate = b""
    else:
        issuer = home.settings.ca(ca.issuer)
        issuer_certificate = home.ca_certificates()[issuer.id]
        view, certificate = issuer_view(home.settings, issuer, issuer_certificate), issuer_certificate.der
    signing = IssuingCa(view.ca_id, view, home.settings.ca(view.ca_id).key, certificate)
    compiled = CompiledProfile(home.profiles[ca.profile], view)
    try_profiles(home.settings.home, [compiled], tell)
    authority = Authority({view.ca_id: signing}, {(view.ca_id, ca.profile): compiled})
    service = issuance(home, authority, SigningDoor(keystore), instance=INIT)
    service.recover()
    issued = service.issue_own(view.ca_id, ca.profile, subject, f"ca:{ca.id}", key, days=_days(ca))
    with home.store.write() as tx:
        facts = {"ca": ca.id, "serial": issued.serial.hex(), "key": issued.spki_hash.hex(), "by": INIT}
        tx.journal.append(
            event("ca.created", sha256=_fingerprint(issued), not_after=clock_text.text(issued.not_after), **facts),
            at=home.clock.now(),
        )
    return issued


def _root_view(home: Home, ca: CaSettings, subject: AuthoritySubject, public: PublicKey) -> IssuerView:
    now = home.clock.now()
    return IssuerView(
        ca_id=ca.id,
        name_der=subject.name_der(),
        key_id=key_identifier(spki(public)),
        algorithm=ALGORITHMS[ca.algorithm],
        not_before=now,
        # A day too much: its certificate, which says the real end, is made some seconds from now.
        not_after=now + timedelta(days=_days(ca) + 1),
        base_url=home.settings.base_url,
        shards=ca.shards,
        delta=ca.delta,
        public_key=public,
    )


def _days(ca: CaSettings) -> int:
    return ca.years * 365


def _fingerprint(certificate: Certificate) -> str:
    return hashlib.sha256(certificate.der).hexdigest()
