"""The application of those who run the machine: pages over all ordres, counts and dates, nobody's data, nothing to decide."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from pki.authenticators.model import Kind
from pki.bootstrap.office import Office
from web.admin import custody, dashboard
from web.kit.application import make as make_application

PREFIX = "/admin"


def make(office: Office) -> Flask:
    """Return the application of administrators over an office."""
    app = make_application("sceau.admin", office, Kind.ADMINISTRATOR, PREFIX, Path(__file__).parent / "templates")
    app.jinja_env.filters.update(rate=dashboard.rate)
    app.register_blueprint(dashboard.views(office))
    app.register_blueprint(custody.views(office))
    return app
