"""`sceau check`, as a relying party types it, on certificates of the running authority: good, revoked, held, expired, a
stranger's, tampered with. The verdict, its words, its JSON and its exit code; and OpenSSL, which must be of the same mind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.builders.judges import Chain, fetched_chain, joined, openssl, read, to_pem
from tests.builders.served import Served, serving
from tests.world import World, nurse
from trust.testing import FixedClock

pytestmark = pytest.mark.xdist_group("check")

PAST = datetime(2020, 3, 2, 8, 0, tzinfo=UTC)


@dataclass
class Relying:
    """A relying party in front of the authority."""

    served: Served
    chain: Chain
    folder: Path

    def one(self, state: str) -> Path:
        """The certificate of a practitioner of the demonstration in a state, in PEM, alone."""
        listed = json.loads(self.served.says("cert", "list", "--profile", "ps-authentification", "--state", state, "--json"))
        return self.served.certificate(listed[0]["serial"], self.folder / f"{state}.pem")

    def check(self, certificate: Path, *options: object) -> tuple[int, str, Any]:
        """Check it, twice: exit code, words, and the verdict in JSON; both must agree, and nothing is said on standard error."""
        spoken, told = (
            self.served.here("check", certificate, *options),
            self.served.here("check", certificate, *options, "--json"),
        )
        assert (spoken.returncode, spoken.stderr) == (told.returncode, told.stderr)
        assert spoken.stderr == ""
        verdict = json.loads(told.stdout)
        assert f"\n{verdict['outcome'].upper()} " in spoken.stdout
        assert (told.returncode == 0) == (verdict["outcome"] == "valid")
        for reason in verdict["reasons"]:
            assert reason["citation"] in spoken.stdout
        return spoken.returncode, spoken.stdout, verdict

    def openssl_accepts(self, certificate: Path) -> bool:
        """What OpenSSL thinks, with the list that the certificate names, which it fetches by itself."""
        return openssl("verify", *self.chain.openssl, "-crl_check", "-crl_download", certificate).code == 0


@pytest.fixture(scope="module")
def relying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relying]:
    """The demonstration, served."""
    folder = tmp_path_factory.mktemp("check")
    with serving(folder) as served:
        yield Relying(served, fetched_chain(served.publication, "personnes", folder / "chain"), folder)


def test_a_good_certificate_is_valid_online_with_the_root_alone(relying: Relying) -> None:
    """The path is built with the chain of the file, the status asked where the certificate says; exit code 0. In a process of its
    own, as it is typed."""
    certificate = joined(relying.folder / "with-chain.pem", [relying.one("issued"), relying.chain.issuing])
    code, words, verdict = relying.check(certificate, "--anchor", relying.chain.root, "--purpose", "tls-client")
    assert (code, verdict["outcome"], verdict["reasons"]) == (0, "valid", [])
    assert [each["subject"].split(",")[0] for each in verdict["path"]][1:] == ["CN=SCEAU DEMO PERSONNES", "CN=SCEAU DEMO RACINE"]
    assert [each["status"] for each in verdict["statuses"]] == ["good", "good"]
    assert f"OCSP at {relying.served.publication}/ocsp" in words
    assert relying.openssl_accepts(certificate)
    typed = relying.served.run("check", certificate, "--anchor", relying.chain.root, "--purpose", "tls-client")
    assert (typed.returncode, typed.stdout.splitlines()[0], typed.stderr) == (0, words.splitlines()[0], "")


def test_a_good_certificate_is_valid_offline_with_its_lists(relying: Relying) -> None:
    """With the full list and the root's; and indeterminate when a list lacks."""
    certificate, publication = relying.one("issued"), relying.served.www / "crl"
    known = ("--anchor", relying.chain.root, "--chain", relying.chain.issuing)
    full, root = ("--offline", publication / "personnes.crl"), ("--offline", publication / "racine.crl")
    assert relying.check(certificate, *known, *full, *root)[2]["outcome"] == "valid"
    code, _, verdict = relying.check(certificate, *known, *full)
    assert (code, verdict["outcome"]) == (1, "indeterminate")


@pytest.mark.parametrize(("state", "finding", "words"), [("revoked", "revoked", "revoked on"), ("held", "held", "on hold since")])
def test_a_revoked_and_a_held_certificate_are_invalid(relying: Relying, state: str, finding: str, words: str) -> None:
    """With the date, the reason and who said so; by OCSP and by the lists alike; exit code 1."""
    certificate, lists = relying.one(state), relying.served.www / "crl"
    offline = ("--offline", lists / "personnes.crl", "--offline", lists / "racine.crl")
    for how in ((), ("--anchor", relying.chain.root, "--chain", relying.chain.issuing, *offline)):
        code, said, verdict = relying.check(certificate, *how)
        assert (code, verdict["outcome"], verdict["reasons"][0]["code"]) == (1, "invalid", finding)
        assert words in said
    assert not relying.openssl_accepts(certificate)


def test_an_expired_certificate_is_invalid(relying: Relying) -> None:
    """Issued by an authority of six years ago, which is judged by its own lists: expired today, valid on its first day."""
    world = World(relying.folder / "past", clock=FixedClock(PAST))
    world.apply_register([nurse(1)])
    issued = world.enrol(nurse(1))
    world.close()
    www = world.directory / "publication" / "www"
    leaf = relying.folder / "expired.der"
    leaf.write_bytes(issued.der)
    lists = [part for name in ("personnes", "racine") for part in ("--offline", www / "crl" / f"{name}.crl")]
    known = ("--anchor", www / "aia" / "racine.cer", "--chain", www / "aia" / "personnes.cer", *lists)
    code, said, verdict = relying.check(leaf, *known)
    assert (code, verdict["outcome"], verdict["reasons"][0]["code"]) == (1, "invalid", "expired")
    assert "expired on 2023-03-0" in said
    assert relying.check(leaf, *known, "--at", PAST.isoformat())[2]["outcome"] == "valid"
    root, issuing = (to_pem(copied(www / "aia" / f"{ca}.cer", relying.folder)) for ca in ("racine", "personnes"))
    verified = openssl("verify", "-CAfile", root, "-untrusted", issuing, to_pem(leaf))
    assert "certificate has expired" in verified.words


def copied(path: Path, folder: Path) -> Path:
    """Copy a file to where its PEM may be written beside it."""
    copy = folder / f"past-{path.name}"
    copy.write_bytes(path.read_bytes())
    return copy


def test_a_strangers_certificate_has_no_path(relying: Relying) -> None:
    """A CA of the same name, made with OpenSSL: its certificates lead nowhere, by whatever anchor of ours."""
    folder = relying.folder
    ca, key, csr, leaf = (folder / f"stranger{suffix}" for suffix in (".pem", ".key", ".csr", "-leaf.pem"))
    name, new = "/C=FR/O=SCEAU DEMONSTRATION/CN=SCEAU DEMO PERSONNES", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    assert openssl("req", "-x509", *new, "-nodes", "-subj", name, "-keyout", key, "-out", ca).code == 0
    made = (*new, "-nodes", "-subj", "/C=FR/CN=899700000039", "-keyout", folder / "other.key", "-out", csr)
    assert openssl("req", "-new", *made).code == 0
    assert openssl("x509", "-req", "-in", csr, "-CA", ca, "-CAkey", key, "-set_serial", "1", "-out", leaf).code == 0
    code, said, verdict = relying.check(leaf)
    assert (code, verdict["outcome"], verdict["reasons"][0]["code"]) == (1, "invalid", "bad-signature")
    assert "its signature is not by" in said
    code, said, verdict = relying.check(leaf, "--anchor", relying.chain.root, "--chain", ca)
    assert (code, verdict["outcome"], verdict["reasons"][0]["code"]) == (1, "indeterminate", "no-path")
    assert "no path leads from it to a trust anchor" in said
    assert not relying.openssl_accepts(leaf)


@pytest.mark.parametrize("what", ["signature", "serial", "name", "key"])
def test_a_tampered_certificate_is_never_valid(relying: Relying, what: str) -> None:
    """One octet of the signature, of the serial, of the name or of the key: the signature no longer stands."""
    leaf = read(relying.one("issued"))
    octets = bytearray(leaf.public_bytes(Encoding.DER))
    place = {
        "signature": len(octets) - 1,
        "serial": octets.index(leaf.serial_number.to_bytes(16, "big")) + 15,
        "name": octets.index(common_name(leaf)) + 11,
        "key": octets.index(leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)) + 90,
    }[what]
    octets[place] ^= 1
    tampered = relying.folder / f"tampered-{what}.der"
    tampered.write_bytes(octets)
    code, _, verdict = relying.check(tampered, "--anchor", relying.chain.root, "--chain", relying.chain.issuing)
    assert (code, verdict["outcome"], verdict["reasons"][0]["code"]) == (1, "invalid", "bad-signature")
    assert not relying.openssl_accepts(to_pem(tampered))


def common_name(leaf: x509.Certificate) -> bytes:
    """The octets of the national identifier in the subject."""
    (name,) = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(name.value).encode()


@pytest.mark.parametrize(("purpose", "fits"), [("tls-client", True), ("tls-server", False)])
def test_a_certificate_serves_its_own_purpose_only(relying: Relying, purpose: str, fits: bool) -> None:
    """A practitioner's authenticates a client, not a server; OpenSSL says the same."""
    certificate = relying.one("issued")
    code, _, verdict = relying.check(certificate, "--purpose", purpose)
    assert (code == 0) == fits
    assert [each["code"] for each in verdict["reasons"]] == ([] if fits else ["wrong-purpose"])
    asked = {"tls-client": "sslclient", "tls-server": "sslserver"}[purpose]
    assert (openssl("verify", *relying.chain.openssl, "-purpose", asked, certificate).code == 0) == fits
