"""The public check (RFC 5280 §6; CP 4.9.6): a certificate file, or a serial number, and how it stands.

A file is judged whole: its path to our root, its dates, its status in the inventory, octet for octet. A serial number alone says
nothing about the file that somebody holds: the page gives state, dates and profile, and no name. What is not certain is never
called valid. The file is read in memory and forgotten.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Flask, render_template, request

from pki.bootstrap.office import Office
from trust.errors import Malformed
from web.kit.application import make as make_application
from web.kit.language import _
from web.verify import judgement

PREFIX = "/verifier"
LARGEST = 64 * 1024
"""Octets of a file; a certificate has two thousand."""
_AROUND = 16 * 1024
"""Octets of a form around its file."""
LONGEST_SERIAL = 100


def make(office: Office) -> Flask:
    """Return the application of everybody over an office."""
    app = make_application("sceau.verify", office, None, PREFIX, Path(__file__).parent / "templates")
    app.config.update(MAX_CONTENT_LENGTH=LARGEST + _AROUND, MAX_FORM_MEMORY_SIZE=LARGEST + _AROUND, MAX_FORM_PARTS=10)
    app.register_blueprint(views(office))
    return app


def views(office: Office) -> Blueprint:
    """Return the views."""
    pages = Blueprint("check", __name__)

    @pages.get("/")
    def form() -> str:
        return render_template("check.html", serial="", error="", wrong="")

    @pages.post("/fichier")
    def file() -> str | tuple[str, int]:
        sent = request.files.get("certificat")
        octets = b"" if sent is None else sent.stream.read(LARGEST + 1)
        if not octets:
            return _again(_("Choisissez d'abord un fichier."), "certificat")
        if len(octets) > LARGEST:
            return _again(_("Ce fichier est trop grand pour un certificat (64 Ko au plus)."), "certificat")
        try:
            found = judgement.of_file(office, octets)
        except Malformed:
            return _again(_("Ce fichier n'est pas un certificat, seul, en PEM ou en DER (.pem, .crt, .cer)."), "certificat")
        return render_template("verdict.html", found=found)

    @pages.post("/numero")
    def number() -> str | tuple[str, int]:
        typed = request.form.get("numero", "").strip()[:LONGEST_SERIAL]
        serial = judgement.read_serial(typed)
        if serial is None:
            return _again(
                _("Un numéro de série s'écrit en hexadécimal : 32 chiffres de 0 à 9 et lettres de A à F."), "numero", typed
            )
        return render_template("number.html", found=judgement.of_serial(office, serial), serial=serial.hex())

    return pages


def _again(error: str, field: str, serial: str = "") -> tuple[str, int]:
    return render_template("check.html", serial=serial, error=error, wrong=field), 400
