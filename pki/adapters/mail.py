"""Handing mail over: to a server by SMTP (RFC 5321, RFC 3207), or into a folder, where a demonstration shows it.

A folder holds one file a message, written whole or not at all, as a pickup directory of a mail server wants it.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from pki.settings import MailSettings
from trust.errors import Unavailable

PATIENCE_SECONDS = 20.0


def sender(settings: MailSettings, home: Path) -> Callable[[EmailMessage], None]:
    """Return what hands a message over, as configured."""
    if settings.smtp is not None:
        host, _, port = settings.smtp.rpartition(":")
        return lambda message: _by_smtp(message, host, int(port), starttls=settings.starttls)
    folder = home / (settings.directory or "mail")
    return lambda message: _into(folder, message)


def _by_smtp(message: EmailMessage, host: str, port: int, *, starttls: bool) -> None:
    try:
        with smtplib.SMTP(host, port, timeout=PATIENCE_SECONDS) as server:
            if starttls:
                server.starttls(context=ssl.create_default_context())
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"the mail server {host}:{port} does not take the message: {error}") from error


def _into(folder: Path, message: EmailMessage) -> None:
    content = message.as_bytes(policy=SMTP)
    name = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:32]
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        draft = folder / f".{name}"
        draft.write_bytes(content)
        draft.replace(folder / f"{name}.eml")
    except OSError as error:
        raise Unavailable(f"cannot write into {folder}: {error.strerror}") from error
