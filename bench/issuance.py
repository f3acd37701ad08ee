"""Issuance end to end (P7, P8, W1): ours through the whole real path, beside `openssl ca` and Debian's `cfssl serve`.

Ours counts everything: requests verified, register and approval checks, blocking lint, intents and results committed,
read-back and signature check, journal, OCSP pre-signing. The peers sign what they are given; cfssl keeps nothing,
openssl a line in an index. P7 alone counts less, as its goal says: the proof of possession, and the issuer's run over orders
that are approved already, without OCSP and lists.
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.sizes import Size, chosen
from bench.table import against, cpu_of, cpu_of_children, cpu_of_pid, median_of, note, within
from pki.bootstrap.custody import issuance
from pki.bootstrap.issuer import settle
from pki.registration.applications import Application
from pki.registration.possession import prove_possession
from pki.signing.door import SigningDoor
from tests.world import Person, World, certification_request, nurse

PEER_REQUESTS = 400
PORT = 18888


def floor(requests: list[bytes]) -> float:
    """Return the CPU µs of one CSR verification and one P-256 signature: what nobody can do without."""
    key = ec.generate_private_key(ec.SECP256R1())
    some = requests[:500]

    def work() -> None:
        for request in some:
            assert x509.load_der_x509_csr(request).is_signature_valid
            key.sign(request, ec.ECDSA(hashes.SHA256()))

    return median_of(3, lambda: cpu_of(work)) / len(some) * 1e6


def ours(directory: Path, count: int) -> tuple[float, dict[str, float], list[bytes]]:
    """Return CPU µs per certificate of the whole path, its parts, and the requests used."""
    world = World(directory / "home")
    people = [nurse(rank) for rank in range(1, count + 1)]
    world.apply_register(people)
    world.issuer.turn_until_idle()
    applications = applied(people)
    parts: dict[str, float] = {}

    def timed(name: str, start: float) -> None:
        parts[name] = (time.process_time() - start) / count * 1e6

    start = time.process_time()
    draft = world.enrolment.draft("oni-1", applications)
    assert not draft.refused, draft.refused[:3]
    batch = world.enrolment.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    timed("requests: proof of possession, register, keys", start)
    start = time.process_time()
    world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2")))
    timed("approval and orders", start)
    start = time.process_time()
    world.issuer.turn_until_idle()
    timed("issuance, lint, journal, OCSP", start)
    with world.store.read() as tx:
        issued = sum(order.serial is not None for order in tx.orders.of_batch(batch.id))
    assert issued == count, f"{issued} of {count} issued"
    world.close()
    return sum(parts.values()), parts, [each.csr for each in applications]


def applied(people: list[Person]) -> list[Application]:
    """Return an application for each person, with a new key."""
    requests = [certification_request(ec.generate_private_key(ec.SECP256R1())) for _ in people]
    return [
        Application(person.rpps, "ps-authentification", request, person.family_name, person.given_name)
        for person, request in zip(people, requests, strict=True)
    ]


def from_request(directory: Path, count: int) -> float:
    """Return CPU µs per certificate of what P7 is about: the request's proof, then preparing, signing and recording."""
    world = World(directory / "requests")
    people = [nurse(rank) for rank in range(1, count + 1)]
    world.apply_register(people)
    applications = applied(people)
    draft = world.enrolment.draft("oni-1", applications)
    batch = world.enrolment.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2")))
    authority = world.issuer.authority
    world.issuer.close()  # nothing publishes beside this
    service = issuance(world.home, authority, SigningDoor(world.custodian), instance="issuer")
    issued = 0

    def work() -> None:
        nonlocal issued
        for application in applications:
            prove_possession(application.csr, ("P-256",))
        while done := service.run_once().issued:
            issued += done

    cost = cpu_of(work) / count * 1e6
    assert issued == count, f"{issued} of {count} issued"
    return cost


def openssl_ca(directory: Path, requests: list[bytes]) -> float:
    """Return the CPU µs per certificate of one `openssl ca -batch` process."""
    folder = directory / "openssl"
    folder.mkdir()
    peer_ca(folder)
    config = folder / "ca.cnf"
    config.write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndir={folder}\ndatabase={folder}/index.txt\nserial={folder}/serial\nnew_certs_dir={folder}\n"
        f"certificate={folder}/ca.pem\nprivate_key={folder}/ca.key\ndefault_md=sha256\ndefault_days=1000\npolicy=p\n"
        "unique_subject=no\nrand_serial=yes\nemail_in_dn=no\n[p]\ncommonName=optional\n",
        encoding="ascii",
    )
    (folder / "index.txt").touch()
    names = []
    for number in range(PEER_REQUESTS):
        path = folder / f"{number}.csr"
        path.write_bytes(_named_request(number))
        names.append(str(path))
    command = ["openssl", "ca", "-config", str(config), "-batch", "-notext", "-infiles", *names]
    return cpu_of_children(lambda: subprocess.run(command, check=True, capture_output=True)) / PEER_REQUESTS * 1e6


def cfssl(directory: Path) -> float | None:
    """Return the CPU µs per certificate of `cfssl serve`, over one kept connection; None when it is not installed."""
    if shutil.which("cfssl") is None:
        note("cfssl is not installed (apt-get install golang-cfssl): left out")
        return None
    folder = directory / "cfssl"
    folder.mkdir()
    peer_ca(folder)
    bodies = [
        json.dumps({"certificate_request": _named_request(n).decode(), "hosts": ["a.example"]}) for n in range(PEER_REQUESTS)
    ]
    server = subprocess.Popen(
        ["cfssl", "serve", "-address=127.0.0.1", f"-port={PORT}", f"-ca={folder}/ca.pem", f"-ca-key={folder}/ca.key"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        connection = _connect()

        def sign(body: str) -> None:
            connection.request("POST", "/api/v1/cfssl/sign", body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
            assert answer["success"], answer

        for body in bodies[:50]:
            sign(body)
        before = cpu_of_pid(server.pid)
        for _ in range(3):
            for body in bodies:
                sign(body)
        return (cpu_of_pid(server.pid) - before) / (3 * len(bodies)) * 1e6
    finally:
        server.terminate()
        server.wait(10)


def _connect() -> http.client.HTTPConnection:
    for _ in range(100):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
        try:
            connection.connect()
            return connection
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("cfssl does not answer")


def peer_ca(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3000"]
    subprocess.run(
        [*command, "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem"), "-subj", "/CN=peer"],
        check=True,
        capture_output=True,
    )
    key = subprocess.run(["openssl", "ec", "-in", str(folder / "ca.key")], check=True, capture_output=True).stdout
    (folder / "ca.key").write_bytes(key)


def _named_request(number: int) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"holder {number}")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return request.public_bytes(Encoding.PEM)


def main(size: Size) -> None:
    """Measure and print."""
    settle()  # as the issuer's process does
    count = size.of(tiny=100, usual=2_000, full=10_000)
    with tempfile.TemporaryDirectory(prefix="sceau-bench-") as folder:
        directory = Path(folder)
        rounds = []
        for attempt in range(3):
            place = directory / str(attempt)
            place.mkdir()
            total, parts, requests = ours(place, count)
            alone = from_request(place, count)
            rounds.append((total, parts, alone, floor(requests), openssl_ca(place, requests), cfssl(place)))
    total, parts, alone, least, by_openssl, by_cfssl = sorted(rounds, key=lambda each: each[0])[1]
    for name, cost in parts.items():
        note(f"  {name}: {cost:.0f} µs")
    what = f"issuance, whole path, P-256, {count} people"
    within("W1", what, "µs CPU", total, 400).emit()
    against("P7", "from a request: proof, lint, records, read-back", "µs CPU", alone, "CSR check + signature", least, 2.3).emit()
    against("P8", what, "µs CPU", total, "openssl ca -batch, 400 in one process", by_openssl, 1.0).emit()
    if by_cfssl is not None:
        against("W1", what, "µs CPU", total, "cfssl serve (signs only)", by_cfssl, 1.0).emit()
        against("P8", what, "µs CPU", total, "cfssl serve, 1.8 times its rate", by_cfssl, 1 / 1.8).emit()


if __name__ == "__main__":
    main(chosen("issuance"))
