"""What the commands that revoke, hold and release do, for officers and for holders (CP 4.9)."""

from __future__ import annotations

import argparse

from pki.bootstrap.home import Home, open_home
from pki.bootstrap.officers import open_key
from pki.bootstrap.registrar import revocation
from pki.cli import _officer
from pki.cli._output import emit
from pki.cli._text import at, count, day, short_name
from pki.cli.work.certificates import as_data
from pki.inventory import serials
from pki.inventory.model import Certificate, Reason
from pki.revocation.service import Revoked, holder_statement, reason_named
from trust.algorithms import algorithm_of
from trust.errors import Malformed


def _revoke(args: argparse.Namespace) -> int:
    return _by_officer(args, reason_named(args.reason))


def _hold(args: argparse.Namespace) -> int:
    return _by_officer(args, Reason.CERTIFICATE_HOLD)


def _by_officer(args: argparse.Namespace, reason: Reason) -> int:
    home, serial = open_home(args.home), serials.parse(args.serial)
    service, signer = revocation(home), _officer.open_signer(args, home)
    statement = service.officer_statement(serial, reason, signer.officer.id)
    verb = "put on hold" if reason is Reason.CERTIFICATE_HOLD else f"revoke for ever ({reason.standard_name})"
    words = f"{verb} the certificate of {_whom(_certificate(home, serial))}"
    return _report(args, home, service.by_officer(_officer.sign(args, signer, statement, words)))


def _release(args: argparse.Namespace) -> int:
    home, serial = open_home(args.home), serials.parse(args.serial)
    service, signer = revocation(home), _officer.open_signer(args, home)
    statement = service.release_statement(serial, signer.officer.id)
    words = f"release from hold the certificate of {_whom(_certificate(home, serial))}"
    released = service.release_by_officer(_officer.sign(args, signer, statement, words))
    emit(args, as_data(released, home.clock.now()), f"{serial.hex()} is released: it serves again.")
    return 0


def _with_key(args: argparse.Namespace) -> int:
    home, serial = open_home(args.home), serials.parse(args.serial)
    key = open_key(args.key, args.passphrase_file)
    algorithm = algorithm_of(key.public_key())
    if algorithm is None:
        raise Malformed(f"{args.key}: no certificate of this authority has a key of this kind")
    statement = holder_statement(serial, reason_named(args.reason), home.clock.now())
    return _report(args, home, revocation(home).by_holder(statement, algorithm.sign(key, statement.encode())))


def _report(args: argparse.Namespace, home: Home, done: Revoked) -> int:
    certificate = done.certificate
    data = as_data(certificate, home.clock.now()) | {"already": done.already, "cascade": done.cascade}
    reason = certificate.reason.standard_name if certificate.reason is not None else ""
    since = f"{at(certificate.revoked_at)} ({reason})"
    state = certificate.state.name.lower()
    said = "was {} already, since {}: that stands." if done.already else "is {} since {}."
    text = f"{certificate.serial.hex()} {said.format(state, since)}"
    if done.cascade:
        text += f" {count(done.cascade, 'other certificate')} of the same key went with it; the key is blocked."
    emit(args, data, text)
    return 0


def _certificate(home: Home, serial: bytes) -> Certificate:
    with home.store.read() as tx:
        return tx.certificates.get(serial)


def _whom(certificate: Certificate) -> str:
    until = day(certificate.not_after)
    return f"{short_name(certificate.subject)} ({certificate.profile}, {certificate.serial.hex()}, until {until})"


VERBS = {"revoke": _revoke, "hold": _hold, "release": _release, "revoke-with-key": _with_key}
