"""The application of practitioners."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from pki.authenticators.model import Kind
from pki.bootstrap.office import Office
from web.kit.application import make as make_application
from web.portal import activation, contact, credentials, loss

PREFIX = "/moi"


def make(office: Office) -> Flask:
    """Return the application of practitioners over an office."""
    app = make_application("sceau.portal", office, Kind.PERSON, PREFIX, Path(__file__).parent / "templates")
    for pages in (activation, contact, credentials, loss):
        app.register_blueprint(pages.views(office))
    return app
