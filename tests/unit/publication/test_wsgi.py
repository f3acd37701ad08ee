"""The WSGI entry point says what the worker says (PEP 3333)."""

from __future__ import annotations

import io
import threading
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.validate import validator

import pytest

from pki.status.answer import Policy
from tests.unit.publication.client import Response, get, post
from tests.unit.publication.conftest import Town
from tests.unit.publication.crls import crl, large_crl
from tests.unit.publication.test_status import LATER, MALFORMED, Issuer, status
from tests.unit.status import toy
from web.publication.ports import Signer
from web.publication.status import StoredStatus
from web.publication.wsgi import Publication


class Quiet(WSGIRequestHandler):
    """The standard library's server, without a line on stderr for each request."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def stock(town: Town) -> Iterator[Town]:
    """A town with one good certificate, published through a stock WSGI server, under a checker of the protocol."""
    serial = toy.serials(1)[0]
    town.shop.publish(toy.good(serial))
    town.publishes("crl/personnes.crl", crl(toy.NOON, toy.NOON + toy.DAY))
    town.publishes("crl/large.crl", large_crl(toy.NOON, 20_000))
    signer: Signer = Issuer(town, toy.good(serial))
    # Made by the thread that serves: the store's reader and the signer's loop belong to one thread.
    made: list[Publication] = []

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if not made:
            made.append(Publication(town.settings, StoredStatus(town.settings.store, signer, Policy()), signer, town.clock))
        return made[0](environ, start_response)

    server = make_server("127.0.0.1", 0, validator(application), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    town.port = server.server_port
    yield town
    server.shutdown()
    server.server_close()
    thread.join()


def test_status_and_files_are_answered_like_by_the_worker(stock: Town) -> None:
    """POST, GET, a nonce through the signer, files small and large, refusals."""
    serial = toy.serials(1)[0]
    nonce = toy.request(serial, extensions=(toy.nonce_extension(b"n" * 16),))
    in_url = quote(b64encode(toy.request(serial)).decode(), safe="").encode()

    plain = stock.ask(post(toy.request(serial)))
    assert (status(plain), plain.caching) == ("GOOD", "max-age=60,public,no-transform,must-revalidate")
    assert stock.ask(get(b"/ocsp/" + in_url)).body == plain.body
    live = stock.ask(post(nonce))
    assert (status(live), live.caching) == ("GOOD", "no-store")
    assert stock.ask(get(b"/crl/personnes.crl")).fields["content-type"] == "application/pkix-crl"
    assert stock.ask(get(b"/crl/large.crl")).body == large_crl(toy.NOON, 20_000)
    assert stock.ask(get(b"/crl/personnes.crl", more=b"If-None-Match: *\r\n")).status == 304
    assert stock.ask(get(b"/../secret")).status == 404
    assert stock.ask(post(b"x" * 20_000)).status == 413
    assert stock.ask(post(b"x", b"text/plain")).body == MALFORMED
    assert stock.ask(get(b"/metrics")).status == 200
    assert stock.ask(get(b"/healthz", more=b"X-Forwarded-For: 192.0.2.7\r\n")).status == 404


def test_a_signer_that_is_away_is_try_later(stock: Town) -> None:
    """The thread does not wait for ever."""
    serial = toy.serials(2, seed=4)[0]
    stock.shop.publish(toy.good(serial))
    asked = toy.request(serial, extensions=(toy.nonce_extension(b"n" * 16),))

    publication = Publication(stock.settings, StoredStatus(stock.settings.store, None, Policy()), None, stock.clock)
    assert isinstance(answer(publication, asked), Response)
    assert status(answer(publication, asked)) == "GOOD"  # no signer: the nonce is answered as if it were absent

    away = Issuer(stock)
    away.away = True
    publication = Publication(stock.settings, StoredStatus(stock.settings.store, away, Policy()), away, stock.clock)
    assert answer(publication, asked).body == LATER


def answer(publication: Publication, body: bytes) -> Response:
    """Call the application without a server."""
    said: list[Any] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/ocsp",
        "CONTENT_TYPE": "application/ocsp-request",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    octets = b"".join(publication(environ, lambda *arguments: said.extend(arguments)))
    return Response(int(said[0].split()[0]), {name.lower(): value for name, value in said[1]}, octets)
