"""Makes the Flask application of one audience: templates, limits, safety headers, sessions, words for errors.

An application is mounted under its own path (``/ordre``, ``/moi``) with its own cookie, limited to that path: who is signed in as
an officer is nobody as a practitioner. Every page works as a plain form; scripts are ours, small, and only make it pleasant.
"""

from __future__ import annotations

import logging
from pathlib import Path

from flask import Flask
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined

from pki.authenticators.model import Kind
from pki.bootstrap.office import Office
from web.kit import language, limits, problem, safety, signin
from web.kit.writing import day, moment, number

LARGEST_BODY = 8 * 1024 * 1024
"""Octets: a list of ten thousand people fits."""
STATIC = Path(__file__).parent / "static"


def make(name: str, office: Office, kind: Kind | None, prefix: str, templates: Path) -> Flask:
    """Return the application of one audience, without its views.

    Args:
        name: of the application, for its log.
        office: what it stands on.
        kind: who signs in here; None where nobody does.
        prefix: where it is mounted, such as ``/ordre``.
        templates: folder of its own pages; those of the kit are found after them.
    """
    app = Flask(name, static_folder=None, template_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, MAX_FORM_MEMORY_SIZE=LARGEST_BODY, MAX_FORM_PARTS=2000)
    app.jinja_loader = ChoiceLoader([FileSystemLoader(templates), FileSystemLoader(Path(__file__).parent / "templates")])
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(day=day, moment=moment, number=number)
    app.jinja_env.globals.update(authority=office.home.settings.name, mode=office.home.settings.mode, prefix=prefix)
    app.logger.setLevel(logging.INFO)
    language.install(app)
    safety.install(app, office, kind, prefix)
    limits.install(app, limits.Limits())
    problem.install(app)
    if kind is not None:
        app.register_blueprint(signin.views(office, kind))
    return app
