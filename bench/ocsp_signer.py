"""The OCSP signer alone, for `bench.publication`: the product's service behind its socket, with facts from memory.

python -m bench.ocsp_signer FOLDER    FOLDER is what `bench.ocsp_fixture` made
"""

from __future__ import annotations

import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from bench.ocsp_fixture import CA_ID, P256
from pki.adapters.signer_socket import SignerServer
from pki.status.model import Authority, Responder, Status, StatusFact
from pki.status.presign import ResponseSigner
from pki.status.signer import LivePolicy, SignerService
from trust.clock import SystemClock


def main() -> int:
    """Serve until told to stop."""
    folder = Path(sys.argv[1])
    key = load_pem_private_key((folder / "responder.key").read_bytes(), None)
    ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    certificate = x509.load_pem_x509_certificate((folder / "responder.pem").read_bytes())
    authority = Authority.of(CA_ID, ca.public_bytes(Encoding.DER))
    responder = Responder(CA_ID, 1, certificate.public_bytes(Encoding.DER), "ocsp", certificate.not_valid_after_utc)

    def fact(ca_id: str, serial: bytes) -> StatusFact:
        if serial[-1] % 50 == 0:
            return StatusFact(serial, Status.REVOKED, certificate.not_valid_before_utc, 1)
        return StatusFact(serial, Status.GOOD)

    service = SignerService(fact, SystemClock(), LivePolicy(timedelta(hours=1)))
    service.use(ResponseSigner(authority, responder, lambda data: P256.sign(key, data)))
    (folder / "run").mkdir(exist_ok=True)
    server = SignerServer(folder / "run" / "signer.sock", service.reply)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server.start()
    print("listening", flush=True)
    stop.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
