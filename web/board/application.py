"""The application of officers."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from pki.authenticators.model import Kind
from pki.bootstrap.office import Office
from web.board import (
    administrators,
    certificates,
    compare,
    dashboard,
    frame,
    letters,
    live,
    people,
    queue,
    register,
    rights,
    structures,
    words,
)
from web.board.work import Workshop
from web.kit.application import make as make_application

PREFIX = "/ordre"


def make(office: Office) -> Flask:
    """Return the application of officers over an office."""
    app = make_application("sceau.board", office, Kind.OFFICER, PREFIX, Path(__file__).parent / "templates")
    app.jinja_env.filters.update(profile=compare.profile_name, explain=words.problem, state=live.state_of)
    frame.install(app, office)
    frame.install_words(app)
    for pages in (queue, certificates, rights, structures, administrators, dashboard):
        app.register_blueprint(pages.views(office))
    workshop = Workshop(app, office.home.clock, office.home.entropy)
    for long in (register, people, letters, live):
        app.register_blueprint(long.views(office, workshop))
    return app
