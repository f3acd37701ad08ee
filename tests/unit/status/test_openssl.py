"""openssl, as a relying party: it asks, we answer, it verifies; and a whole round from its request to its verdict."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pki.protocols.ocsp import read_request
from pki.status.answer import Answerer, Policy
from pki.status.presign import ResponseSigner
from pki.status.signer import LivePolicy, SignerService
from tests.unit.status import toy
from trust.clock import SystemClock

SERIALS = toy.serials(4)
FACTS = {SERIALS[0]: toy.good(SERIALS[0]), SERIALS[1]: toy.revoked(SERIALS[1], 1), SERIALS[2]: toy.revoked(SERIALS[2], 6)}


class Signer:
    """The signer of the issuer process, without a socket."""

    def __init__(self) -> None:
        self.service = SignerService(lambda _, serial: FACTS.get(serial), SystemClock(), LivePolicy(toy.DAY, sign_unknown=True))
        who = toy.responder("personnes")
        self.service.use(ResponseSigner(toy.authority(), who, toy.signing(who)))

    async def ask(self, payload: bytes) -> bytes:
        """Sign."""
        return self.service.reply(payload)


def openssl(*arguments: object) -> str:
    """Run `openssl ocsp`; return what it printed."""
    done = subprocess.run(["openssl", "ocsp", *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


@pytest.fixture
def answerer(tmp_path: Path) -> Answerer:
    """Publish the facts as of the machine's time, which openssl judges by."""
    shop = toy.Shop(tmp_path / "status", now=SystemClock().now())
    shop.publish(*FACTS.values())
    (tmp_path / "ca.pem").write_bytes(x509.load_der_x509_certificate(toy.ca_certificate("personnes")).public_bytes(Encoding.PEM))
    return Answerer(tmp_path / "status", Signer(), Policy(missing="ask"), read_request)


@pytest.mark.parametrize("nonce", ["-nonce", "-no_nonce"])
@pytest.mark.parametrize("digest", ["-sha1", "-sha256"])
@pytest.mark.parametrize(
    ("serial", "verdict"),
    [
        (SERIALS[0], "good"),
        (SERIALS[1], "revoked\n\tThis Update"),
        (SERIALS[2], "revoked\n\tThis Update"),
        (SERIALS[3], "unknown"),
    ],
)
def test_openssl_believes_us(answerer: Answerer, tmp_path: Path, serial: bytes, verdict: str, digest: str, nonce: str) -> None:
    """Its request with or without nonce, SHA-1 or SHA-256; our answer verified under the CA, status, reason and nonce as
    meant."""
    ca, name = tmp_path / "ca.pem", "0x" + serial.hex()
    openssl("-issuer", ca, digest, "-serial", name, nonce, "-reqout", tmp_path / "request.der")

    answer = asyncio.run(answerer.respond((tmp_path / "request.der").read_bytes(), SystemClock().now()))
    (tmp_path / "answer.der").write_bytes(answer.body)
    said = openssl(
        "-no_nonce",  # to add: the request has its own
        "-reqin",
        tmp_path / "request.der",
        "-respin",
        tmp_path / "answer.der",
        "-CAfile",
        ca,
        "-issuer",
        ca,
        digest,
        "-serial",
        name,
    )

    assert "Response verify OK" in said
    assert f"{name}: {verdict}" in said.replace(name.upper(), name)
    assert "WARNING" not in said
    assert "nonce" not in said.lower()  # it complains of one that is absent or another's


def test_openssl_reads_the_reason_and_the_moment(answerer: Answerer, tmp_path: Path) -> None:
    """keyCompromise since noon, in its words."""
    (tmp_path / "answer.der").write_bytes(answerer.answer(toy.request(SERIALS[1]), SystemClock().now()).body)

    said = openssl("-respin", tmp_path / "answer.der", "-noverify", "-resp_text")

    assert "Revocation Time: Mar  2 12:00:00 2026 GMT" in said
    assert "Revocation Reason: keyCompromise (0x1)" in said


def test_openssl_does_not_believe_a_changed_answer(answerer: Answerer, tmp_path: Path) -> None:
    """The check above can fail: one octet of the serial, and the signature no longer stands."""
    body = answerer.answer(toy.request(SERIALS[0]), SystemClock().now()).body
    (tmp_path / "answer.der").write_bytes(body.replace(SERIALS[0], SERIALS[1]))

    assert "Response Verify Failure" in openssl("-respin", tmp_path / "answer.der", "-CAfile", tmp_path / "ca.pem")
