"""The signer: database truth, its own choice of key, and a door that stays open for others when one thing hangs."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import uvloop
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from pki.adapters.signer_client import SignerClient
from pki.adapters.signer_socket import SignerServer
from pki.status import wire
from pki.status.model import SHA1, HashForm, StatusFact
from pki.status.presign import ResponseSigner, Sign
from pki.status.signer import TRY_LATER, LivePolicy, SignerService
from pki.status.wire import Asked, Outcome, Reply
from tests.unit.status import toy
from trust.errors import Conflict, Malformed, Unavailable
from trust.testing import FixedClock

SERIALS = toy.serials(8)
FACTS = {SERIALS[0]: toy.good(SERIALS[0]), SERIALS[1]: toy.revoked(SERIALS[1], 1)}
ASKED = Asked("personnes", SHA1, SERIALS[0], b"n" * 32)


def service(policy: LivePolicy | None = None, sign: Sign | None = None, clock: FixedClock | None = None) -> SignerService:
    """Make the signer of the toy authority."""
    made = SignerService(lambda _, serial: FACTS.get(serial), clock or FixedClock(toy.NOON), policy or LivePolicy(toy.DAY))
    who = toy.responder("personnes")
    made.use(ResponseSigner(toy.authority(), who, sign or toy.signing(who)))
    return made


# -- The service -----------------------------------------------------------------------------------------------------------------


def test_the_truth_of_the_database_is_signed() -> None:
    """Good, revoked with its moment and reason, as `fact` says now."""
    for serial, status in zip(SERIALS[:2], (ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED), strict=True):
        reply = service().answer(ASKED._replace(serial=serial))
        decoded = ocsp.load_der_ocsp_response(reply.body)
        assert decoded.certificate_status is status
        assert (reply.this_update, reply.next_update) == (toy.NOON, toy.NOON + toy.DAY)
        assert decoded.produced_at_utc == toy.NOON
        assert reply.outcome == (Outcome.GOOD if status is ocsp.OCSPCertStatus.GOOD else Outcome.REVOKED)


@pytest.mark.parametrize(("sign_unknown", "outcome"), [(True, Outcome.UNKNOWN), (False, Outcome.NO_RECORD)])
def test_what_was_never_issued_is_unknown_or_nothing(sign_unknown: bool, outcome: Outcome) -> None:
    """I9: an intent, a void or a foreign serial gets no good, and costs no signature unless policy says so."""
    reply = service(LivePolicy(toy.DAY, sign_unknown=sign_unknown)).answer(ASKED._replace(serial=SERIALS[7]))

    assert reply.outcome is outcome
    assert bool(reply.body) is sign_unknown


def test_the_archive_cutoff_follows_the_retention() -> None:
    """With a retention, every live answer carries the extension."""
    reply = service(LivePolicy(toy.DAY, retention=timedelta(days=3650))).answer(ASKED)

    assert len(list(ocsp.load_der_ocsp_response(reply.body).single_extensions)) == 1


def test_renewal_takes_effect_at_the_next_question() -> None:
    """The new responder signs; the asker need not know."""
    made = service()
    second = toy.responder("personnes", 2)
    made.use(ResponseSigner(toy.authority(), second, toy.signing(second)))

    certificate = ocsp.load_der_ocsp_response(made.answer(ASKED).body).certificates[0]

    assert certificate.public_key() == second.public_key


def test_an_expired_responder_signs_nothing() -> None:
    """Try later: better no answer than one that nobody can verify."""
    clock = FixedClock(toy.END)

    assert wire.read_reply(service(clock=clock).reply(wire.write_asked(ASKED))).outcome is Outcome.TRY_LATER


@pytest.mark.parametrize(
    "payload", [b"", b"noise", wire.write_asked(ASKED._replace(ca_id="nobody")), wire.write_asked(ASKED) + b"!"]
)
def test_a_question_that_is_none_is_not_signed(payload: bytes) -> None:
    """Noise, a CA that is not ours, trailing octets: try later, and no exception."""
    assert service().reply(payload) == TRY_LATER


def test_a_custodian_or_a_database_that_is_away_means_try_later() -> None:
    """Whatever family the error is of."""

    def away(data: bytes) -> bytes:
        raise Unavailable("the token is away")

    assert service(sign=away).reply(wire.write_asked(ASKED)) == TRY_LATER

    def no_database(ca_id: str, serial: bytes) -> StatusFact | None:
        raise Unavailable("the database is away")

    assert SignerService(no_database, FixedClock(toy.NOON), LivePolicy(toy.DAY)).reply(wire.write_asked(ASKED)) == TRY_LATER


@given(
    ca_id=st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=30),
    form=st.builds(HashForm, st.sampled_from(["sha1", "sha256"]), st.booleans()),
    serial=st.binary(min_size=16, max_size=16),
    nonce=st.none() | st.binary(min_size=1, max_size=128),
)
def test_questions_survive_the_wire(ca_id: str, form: HashForm, serial: bytes, nonce: bytes | None) -> None:
    """What is written is read."""
    asked = Asked(ca_id, form, serial, nonce)

    assert wire.read_asked(wire.write_asked(asked)) == asked


@given(octets=st.binary(max_size=64))
def test_noise_on_the_wire_is_malformed_or_harmless(octets: bytes) -> None:
    """Both readers: a value or `Malformed`."""
    for read in (wire.read_asked, wire.read_reply):
        try:
            read(octets)
        except Malformed:
            continue


def test_replies_survive_the_wire() -> None:
    """With and without a body."""
    for reply in (Reply(Outcome.GOOD, b"body", toy.NOON, toy.NOON + toy.DAY), Reply(Outcome.NO_RECORD)):
        assert wire.read_reply(wire.write_reply(reply)) == reply


# -- The socket ------------------------------------------------------------------------------------------------------------------


@contextmanager
def listening(path: Path, reply: Callable[[bytes], bytes], **options: float) -> Iterator[SignerServer]:
    """Run a signer beside the test."""
    server = SignerServer(path, reply, **options)  # type: ignore[arg-type]
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a socket."""
    return tmp_path / "signer.sock"


def test_a_thousand_questions_at_once_each_get_their_own_answer(path: Path) -> None:
    """Pipelined on one connection, on uvloop, answered out of order."""

    async def ask() -> list[bytes]:
        client = SignerClient(path, deadline=10.0)
        questions = [wire.write_asked(ASKED._replace(nonce=number.to_bytes(2, "big"))) for number in range(1000)]
        replies = await asyncio.gather(*map(client.ask, questions))
        client.close()
        return replies

    with listening(path, service().reply, waiting=2000, deadline=10.0):
        replies = uvloop.run(ask())

    for number, reply in enumerate(replies):
        assert number.to_bytes(2, "big") in wire.read_reply(reply).body
        assert wire.read_reply(reply).outcome is Outcome.GOOD


def test_a_signer_that_is_not_there_is_unavailable_at_once(path: Path) -> None:
    """And asked again, not more often than its pause allows; once it is back, it answers."""

    async def ask() -> None:
        client = SignerClient(path, deadline=5.0)
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(Unavailable):
                await client.ask(b"x")
        assert time.monotonic() - began < 1.0
        with listening(path, lambda payload: payload[::-1]):
            await asyncio.sleep(0.2)
            assert await client.ask(b"abc") == b"cba"
        client.close()

    asyncio.run(ask())


def test_a_signer_that_dies_is_found_again(path: Path) -> None:
    """Questions in flight hear Unavailable at once, not at their deadline; the next ones reconnect."""
    gate = threading.Event()

    def slow(payload: bytes) -> bytes:
        gate.wait(5)
        return payload

    async def ask() -> None:
        client = SignerClient(path, deadline=20.0)
        server = SignerServer(path, slow, workers=1)
        server.start()
        waiting = asyncio.ensure_future(client.ask(b"x"))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        server.stop()
        with pytest.raises(Unavailable):
            await waiting
        assert time.monotonic() - began < 2.0
        gate.set()
        with listening(path, lambda payload: payload):
            assert await client.ask(b"y") == b"y"
        client.close()

    asyncio.run(ask())


def test_a_token_that_hangs_costs_a_deadline_and_no_more(path: Path) -> None:
    """K04: askers hear of it at their deadline; the queue is bounded, refuses at once when full, and recovers when the token
    does."""
    gate = threading.Event()
    signed: list[bytes] = []

    def hanging(payload: bytes) -> bytes:
        gate.wait(10)
        signed.append(payload)
        return payload

    async def ask() -> None:
        client = SignerClient(path, deadline=0.3)
        began = time.monotonic()
        first = await asyncio.gather(*(client.ask(b"%d" % number) for number in range(50)), return_exceptions=True)
        assert time.monotonic() - began < 2.0
        refused = [reply for reply in first if reply == TRY_LATER]
        late = [reply for reply in first if isinstance(reply, Unavailable)]
        assert (len(refused), len(late)) == (40, 10)
        gate.set()
        await asyncio.sleep(0.3)
        assert await client.ask(b"after") == b"after"
        client.close()

    with listening(path, hanging, workers=2, waiting=10, deadline=0.2):
        asyncio.run(ask())
    # Only what the two threads held when the token woke, and what came after, was signed: nobody waited for the rest any more.
    assert len(signed) <= 2 + 1


def test_too_many_questions_of_one_worker_are_refused_at_once(path: Path) -> None:
    """The client bounds what it keeps in flight."""
    gate = threading.Event()

    async def ask() -> None:
        client = SignerClient(path, deadline=5.0, waiting=3)
        waiting = [asyncio.ensure_future(client.ask(b"x")) for _ in range(3)]
        await asyncio.sleep(0.05)
        with pytest.raises(Unavailable):
            await client.ask(b"y")
        gate.set()
        await asyncio.gather(*waiting)
        client.close()

    with listening(path, lambda payload: payload if gate.wait(5) else b""):
        asyncio.run(ask())


def test_a_fault_of_ours_answers_try_later_and_the_thread_lives(path: Path) -> None:
    """An exception that nobody foresaw is logged; the next question is answered."""

    def faulty(payload: bytes) -> bytes:
        if payload == b"trap":
            raise ZeroDivisionError
        return payload

    async def ask() -> list[bytes]:
        client = SignerClient(path)
        replies = [await client.ask(b"trap"), await client.ask(b"fine")]
        client.close()
        return replies

    with listening(path, faulty, workers=1):
        assert asyncio.run(ask()) == [TRY_LATER, b"fine"]


def test_noise_on_the_socket_closes_that_connection_only(path: Path) -> None:
    """A length beyond any question: the asker is cut off, others are served; a question in pieces is put together."""
    with listening(path, lambda payload: payload[::-1]):
        with socket.socket(socket.AF_UNIX) as noisy:
            noisy.settimeout(5)
            noisy.connect(str(path))
            noisy.sendall(b"\xff" * 64)
            assert noisy.recv(100) == b""
        with socket.socket(socket.AF_UNIX) as slow:
            slow.settimeout(5)
            slow.connect(str(path))
            for octet in wire.FRAME.pack(3, 77) + b"abc":
                slow.sendall(bytes((octet,)))
                time.sleep(0.001)
            assert slow.recv(100) == wire.FRAME.pack(3, 77) + b"cba"


def test_a_reply_beyond_any_response_closes_the_connection(path: Path) -> None:
    """The client trusts lengths no more than the server does."""

    async def ask() -> None:
        async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(b"\xff" * 64)
            await writer.drain()

        server = await asyncio.start_unix_server(flood, path)
        client = SignerClient(path, deadline=5.0)
        with pytest.raises(Unavailable):
            await client.ask(b"x")
        client.close()
        server.close()

    asyncio.run(ask())


def test_one_signer_to_a_socket(path: Path) -> None:
    """A second is refused; a socket left behind by a death is taken over; a file that is no socket is left alone."""
    with listening(path, lambda payload: payload), pytest.raises(Conflict):
        SignerServer(path, lambda payload: payload).start()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with listening(path, lambda payload: payload):
        assert path.stat().st_mode & 0o777 == 0o660
    path.write_text("not a socket")
    with pytest.raises(Conflict):
        SignerServer(path, lambda payload: payload).start()
