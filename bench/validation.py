"""An access decision (P12): path, purpose, policy and status of a practitioner's certificate, from its octets.

Ours asks `trust.validation` the whole question, with the published lists as status source. The peers are asked for less: whether
the chain holds, with no look at status. Each of them must accept every certificate and refuse one with a flipped bit.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError

from bench.population import CA
from bench.sizes import Size, chosen
from bench.table import against, cpu_of
from tests.world import BASE_URL, World, nurse
from trust.validation.certificate import Certificate
from trust.validation.chain import Validator
from trust.validation.check import Checker
from trust.validation.crl_client import CrlClient
from trust.validation.findings import Outcome
from trust.validation.purpose import Wanted

Verify = Callable[[bytes], bool]
ROUNDS = 5


def ours(world: World, root: bytes, authority: bytes, at: datetime) -> Verify:
    """Return the check that a service of ours makes at each access."""
    www = world.home.settings.publication / "www"
    client = CrlClient(lambda url: (www / url.removeprefix(f"{BASE_URL}/")).read_bytes())
    checker = Checker(Validator([Certificate(root)], [Certificate(authority)]), client)
    policy = world.home.profiles["ps-authentification"].policy
    wanted = Wanted.of("tls-client", policy)
    return lambda leaf: checker.check(leaf, at, wanted).outcome is Outcome.VALID


def pyca(root: bytes, authority: bytes, at: datetime) -> Verify:
    """Return `cryptography`'s client verifier, told to accept the extensions that our certificates have."""
    store, between = Store([x509.load_der_x509_certificate(root)]), [x509.load_der_x509_certificate(authority)]
    leaves = ExtensionPolicy.permit_all().require_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
    builder = PolicyBuilder().store(store).time(at.replace(tzinfo=None))
    builder = builder.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=leaves)
    verifier = builder.build_client_verifier()

    def verify(leaf: bytes) -> bool:
        try:
            verifier.verify(x509.load_der_x509_certificate(leaf), between)
        except VerificationError:
            return False
        return True

    return verify


def pyhanko(root: bytes, authority: bytes, at: datetime) -> Verify:
    """Return pyhanko-certvalidator, one context for all."""
    context = ValidationContext(
        trust_roots=[asn1.Certificate.load(root)], moment=at, allow_fetching=False, revocation_mode="soft-fail"
    )
    between = [asn1.Certificate.load(authority)]
    loop = asyncio.new_event_loop()  # one for all: making one takes longer than an answer

    def verify(leaf: bytes) -> bool:
        validator = CertificateValidator(asn1.Certificate.load(leaf), intermediate_certs=between, validation_context=context)
        try:
            judging = validator.async_validate_usage({"digital_signature"}, {"client_auth"})  # type: ignore[no-untyped-call]
            loop.run_until_complete(judging)
        except (PathValidationError, PathBuildingError):
            return False
        return True

    return verify


def main(size: Size) -> None:
    """Measure and print."""
    count = size.of(tiny=5, usual=200, full=500)
    with tempfile.TemporaryDirectory(prefix="sceau-bench-") as folder:
        world = World(Path(folder) / "home")
        people = [nurse(rank) for rank in range(1, count + 1)]
        world.apply_register(people)
        batch = world.order([world.application(person) for person in people])
        world.issuer.turn_until_idle()
        leaves = [certificate.der for certificate in world.certificates_of_batch(batch)]
        authorities = world.home.ca_certificates()
        chain = authorities["racine"].der, authorities[CA].der
        at = world.clock.now()
        verifiers = {
            "ours": ours(world, *chain, at),
            "cryptography's verifier, no status": pyca(*chain, at),
            "pyhanko-certvalidator, no status": pyhanko(*chain, at),
        }
        costs = measure(verifiers, leaves)
        world.close()
    mine = costs.pop("ours")
    what = "access decision: path, purpose, policy, status"
    for (peer, theirs), at_most in zip(costs.items(), (1.3, 0.2), strict=True):
        against("P12", what, "µs CPU", mine, peer, theirs, at_most).emit()


def measure(verifiers: dict[str, Verify], leaves: list[bytes]) -> dict[str, float]:
    """Return the CPU µs of each verifier for one leaf: medians of rounds in turn, once each was seen to judge rightly."""
    flipped = leaves[0][:-1] + bytes((leaves[0][-1] ^ 1,))
    for name, verify in verifiers.items():
        assert all(map(verify, leaves)), name
        assert not verify(flipped), name
    costs: dict[str, list[float]] = {name: [] for name in verifiers}
    for _ in range(ROUNDS):
        for name, verify in verifiers.items():
            costs[name].append(cpu_of(partial(list, map(verify, leaves))) / len(leaves) * 1e6)
    return {name: statistics.median(each) for name, each in costs.items()}


if __name__ == "__main__":
    main(chosen("validation"))
