"""The application of structures' administrators."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, g

from pki.authenticators.model import Kind
from pki.bootstrap.office import Office
from web.kit import wording
from web.kit.application import make as make_application
from web.structure import certificates, domains, requests
from web.structure.own import structure_of

PREFIX = "/structure"


def make(office: Office) -> Flask:
    """Return the application of administrators over an office."""
    app = make_application("sceau.structure", office, Kind.STRUCTURE, PREFIX, Path(__file__).parent / "templates")
    app.context_processor(lambda: {} if g.get("session") is None else {"structure": structure_of(office)})
    wording.install(app, lambda said: wording.said_by(wording.SERVERS, said))
    for pages in (certificates, requests, domains):
        app.register_blueprint(pages.views(office))
    return app
