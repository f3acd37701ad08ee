"""Two hundred people of three ordres: from a table to certificates that OpenSSL, GnuTLS and curl accept.

The register is the sample that ships; officers work on the command line; `sceau serve` issues and publishes. What is accepted
here is accepted by software that we did not write, with what it fetched from the addresses that the certificates name.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.builders.judges import Chain, addresses, ask, download, fetched_chain, openssl, program, read, to_pem, write
from tests.builders.served import Served, report, serving
from tests.builders.tables import BY_OTHERS, ORDRES, Table, claims, enrol, people_of_the_sample, written

pytestmark = pytest.mark.xdist_group("enrolment")

LOOKED_AT = 4
"""Certificates of each ordre that every judge looks at."""


@dataclass
class Enrolled:
    """The authority with its two hundred new certificates."""

    served: Served
    tables: dict[str, Table]
    folder: Path
    chain: Chain

    def certificate(self, board: str, rank: int) -> Path:
        """The certificate of the n-th of an ordre, in PEM."""
        path = self.folder / f"{board}-{rank}.pem"
        return path if path.exists() else self.served.certificate(self.tables[board].serials[rank], path)


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enrolled]:
    """Two hundred people, asked for by tables with bad lines in them, approved by second officers, issued."""
    folder = tmp_path_factory.mktemp("enrolment")
    with serving(folder) as served:
        chain = fetched_chain(served.publication, "personnes", folder / "chain")
        known = people_of_the_sample(served)
        tables = {board: written(folder, board, claims(known, board, folder)) for board in ORDRES}
        for table in tables.values():
            enrol(served, table)
        yield Enrolled(served, tables, folder, chain)


@pytest.fixture(params=[(board, rank) for board in ORDRES for rank in range(LOOKED_AT)], ids=lambda each: f"{each[0]}-{each[1]}")
def certificate(request: pytest.FixtureRequest, enrolled: Enrolled) -> Path:
    """One of the certificates that every judge looks at, in PEM."""
    return enrolled.certificate(*request.param)


def test_a_dry_run_reports_every_bad_line_by_its_number_and_keeps_nothing(enrolled: Enrolled) -> None:
    """The header is line 1; each refusal says why, and the good lines around it stay acceptable."""
    table = enrolled.tables["CNOM"]
    told = {each["line"]: each for each in table.dry_run["lines"]}
    assert list(told) == list(range(2, len(table.claims) + 2))
    for number, each in enumerate(table.claims, start=2):
        assert told[number]["outcome"] == ("refused" if each.wrong else "acceptable"), (number, told[number])
        assert each.wrong in (told[number]["reason"] or ""), told[number]
    assert (table.dry_run["batch"], table.dry_run["acceptable"], table.dry_run["refused"]) == (None, 80, 12)
    assert [each.batches_after_dry_run for each in enrolled.tables.values()] == [0, 0, 0]


def test_the_report_of_a_submission_says_the_same_and_can_be_opened_in_a_spreadsheet(enrolled: Enrolled) -> None:
    """A line for each line, the good ones submitted; what a stranger wrote as a formula is text."""
    table = enrolled.tables["CNOM"]
    assert [int(each["line"]) for each in table.report] == list(range(2, len(table.claims) + 2))
    assert {each["outcome"] for each, was in zip(table.report, table.claims, strict=True) if was.wrong} == {"refused"}
    assert sum(each["outcome"] == "submitted" for each in table.report) == table.submission["submitted"] == 80
    assert "'=1+1" in [each["number"] for each in table.report]
    assert not [cell for each in table.report for cell in each.values() if cell.startswith(("=", "+", "-", "@"))]


def test_two_hundred_people_of_three_ordres_have_their_certificates(enrolled: Enrolled, request: pytest.FixtureRequest) -> None:
    """Each under the number of the line that asked; no serial twice."""
    serials = [serial for table in enrolled.tables.values() for serial in table.serials]
    assert len(set(serials)) == len(serials) == 200
    for table in enrolled.tables.values():
        asked = ["8" + each.rpps for each in table.claims if not each.wrong]
        assert [each["holder"] for each in table.requests] == asked
    times = ", ".join(f"{len(table.serials)} for {table.board} {table.seconds:.1f} s" for table in enrolled.tables.values())
    report(request, f"200 certificates, from the command of the last approval to all seen as issued: {times}")


def test_openssl_says_that_each_of_the_two_hundred_is_good(enrolled: Enrolled) -> None:
    """Asked by serial number, one request each, answers verified under the root."""
    chain, url = enrolled.chain, f"{enrolled.served.publication}/ocsp"

    def status(serial: str) -> str:
        said = openssl("ocsp", "-CAfile", chain.root, "-issuer", chain.issuing, "-serial", f"0x{serial}", "-url", url)
        return said.words if "Response verify OK" in said.words else f"not verified: {said.words}"

    serials = [serial for table in enrolled.tables.values() for serial in table.serials]
    with ThreadPoolExecutor(4) as pool:
        for serial, words in zip(serials, pool.map(status, serials), strict=True):
            assert f"0x{serial}: good" in words


def test_the_certificate_is_the_one_of_the_person_and_of_the_key(enrolled: Enrolled) -> None:
    """The name is the register's, the key is that of the request, whoever's software made it."""
    table = enrolled.tables["ONI"]
    for rank, each in enumerate(table.claims[: len(BY_OTHERS) + 1]):
        issued = ("x509", "-in", enrolled.certificate("ONI", rank), "-noout")
        subject = " ".join(openssl(*issued, "-subject", "-nameopt", "multiline,utf8,-esc_msb").words.split())
        assert f"surname = {each.family_name} " in subject
        assert f"commonName = 8{each.rpps}" in subject
        asked = openssl("req", "-in", table.path.with_name(each.request), "-noout", "-pubkey").words
        assert openssl(*issued, "-pubkey").words == asked
        assert asked.startswith("-----BEGIN PUBLIC KEY-----")


def test_openssl_accepts_it_with_the_list_that_it_names(enrolled: Enrolled, certificate: Path, tmp_path: Path) -> None:
    """The shard of its own distribution point; then every list of the path; then with the delta that it names, and full list and
    delta; then OpenSSL fetches the shard by itself (no certificate names a list for the root: it is given)."""
    publication, chain = enrolled.served.publication, enrolled.chain.openssl
    (named,), (freshest,) = addresses(read(certificate)).lists, addresses(read(certificate)).deltas
    assert named.startswith(f"{publication}/crl/personnes/")
    shard, newer = (to_pem(download(url, tmp_path / f"{name}.der"), "crl") for url, name in ((named, "a"), (freshest, "b")))
    root, full, delta = (
        to_pem(download(f"{publication}/crl/{name}.crl", tmp_path / f"{name}.der"), "crl")
        for name in ("racine", "personnes", "personnes-delta")
    )
    for how in (
        ("-crl_check", "-CRLfile", shard),
        ("-crl_check_all", "-CRLfile", shard, "-CRLfile", root),
        ("-crl_check_all", "-use_deltas", "-CRLfile", shard, "-CRLfile", newer, "-CRLfile", root),
        ("-crl_check_all", "-use_deltas", "-CRLfile", full, "-CRLfile", delta, "-CRLfile", root),
        ("-crl_check_all", "-crl_download", "-CRLfile", root),
        ("-x509_strict", "-crl_check", "-CRLfile", shard, "-purpose", "sslclient"),
    ):
        said = openssl("verify", *chain, *how, certificate)
        assert (said.code, said.words) == (0, f"{certificate}: OK\n"), how


def test_openssl_does_not_accept_it_with_another_shard(enrolled: Enrolled, certificate: Path, tmp_path: Path) -> None:
    """The issuing distribution point binds each certificate to its own list: no other says that it is good."""
    (named,) = addresses(read(certificate)).lists
    for shard in {f"{named.rpartition('/')[0]}/{number}.crl" for number in range(4)} - {named}:
        other = to_pem(download(shard, tmp_path / "other.der"), "crl")
        said = openssl("verify", *enrolled.chain.openssl, "-crl_check", "-CRLfile", other, certificate)
        assert said.code != 0
        assert "different CRL scope" in said.words


def test_openssl_asks_by_post_and_is_told_good(enrolled: Enrolled, certificate: Path) -> None:
    """With SHA-1 and SHA-256, with a nonce that comes back and without; every answer verifies under the root."""
    chain, url = enrolled.chain, addresses(read(certificate)).ocsp
    for digest in ("-sha1", "-sha256"):
        for nonce in ("-nonce", "-no_nonce"):
            about = ("-issuer", chain.issuing, digest, "-cert", certificate, nonce)
            said = openssl("ocsp", "-CAfile", chain.root, *about, "-url", url).words
            assert "Response verify OK" in said
            assert f"{certificate}: good" in said
            assert "nonce" not in said.lower(), "OpenSSL complains of a nonce that is absent or another's"
            assert "WARNING" not in said


def test_curl_asks_by_get_and_openssl_believes_the_answer(enrolled: Enrolled, certificate: Path, tmp_path: Path) -> None:
    """RFC 6960 appendix A.1: the request in base64 after the address, percent-encoded or hardly, a slash too many."""
    chain, url = enrolled.chain, addresses(read(certificate)).ocsp
    about = ("-issuer", chain.issuing, "-cert", certificate)
    assert openssl("ocsp", *about, "-no_nonce", "-reqout", tmp_path / "request").code == 0
    encoded = base64.b64encode((tmp_path / "request").read_bytes()).decode()
    bodies = set()
    for spelling in (quote(encoded, safe=""), quote(encoded, safe="/+="), "/" + quote(encoded, safe="")):
        answer = download(f"{url}/{spelling}", tmp_path / "answer")
        bodies.add(answer.read_bytes())
        said = openssl("ocsp", "-CAfile", chain.root, *about, "-no_nonce", "-respin", answer).words
        assert "Response verify OK" in said
        assert f"{certificate}: good" in said
    assert len(bodies) == 1


def test_gnutls_asks_and_is_told_good(enrolled: Enrolled, certificate: Path, tmp_path: Path) -> None:
    """`ocsptool --ask` finds the address in the certificate; with a nonce and without. GnuTLS wants the responder's own issuer
    among the certificates that it trusts."""
    chain = enrolled.chain
    about = ("--load-cert", certificate, "--load-issuer", chain.issuing, "--load-trust", chain.issuing)
    for nonce in ("--nonce", "--no-nonce"):
        said = ask("ocsptool", "--ask", *about, nonce, "--outfile", tmp_path / "answer")
        assert said.code == 0, said.words
        assert "Verifying OCSP Response: Success." in said.words
        shown = ask("ocsptool", "--response-info", "--infile", tmp_path / "answer").words
        assert "Certificate Status: good" in shown
        assert ("Nonce:" in shown) == (nonce == "--nonce")


def test_gnutls_verifies_the_chain_and_every_list(enrolled: Enrolled, certificate: Path, tmp_path: Path) -> None:
    """`certtool` verifies path and lists of the certificate, and of its issuer."""
    chain, publication = enrolled.chain, enrolled.served.publication
    (named,) = addresses(read(certificate)).lists
    path = tmp_path / "path.pem"
    path.write_bytes(b"".join(each.read_bytes() for each in (write(tmp_path / "leaf.pem", read(certificate)), chain.issuing)))
    verified = ask("certtool", "--verify", "--load-ca-certificate", chain.root, "--infile", path)
    assert (verified.code, "Chain verification output: Verified. The certificate is trusted." in verified.words) == (0, True)
    lists = {named: chain.issuing, f"{publication}/crl/personnes.crl": chain.issuing, f"{publication}/crl/racine.crl": chain.root}
    for url, issuer in lists.items():
        crl = to_pem(download(url, tmp_path / "list.der"), "crl")
        said = ask("certtool", "--verify-crl", "--load-ca-certificate", issuer, "--infile", crl)
        assert (said.code, "Verified. The certificate is trusted." in said.words) == (0, True), said.words


def test_the_issuer_that_a_certificate_names_is_its_issuer(enrolled: Enrolled, certificate: Path, tmp_path: Path) -> None:
    """caIssuers gives the DER that signed it, up to the root, and the chain in PEM gives the same."""
    fetched, leaf = [], read(certificate)
    while leaf.issuer != leaf.subject:
        der = download(addresses(leaf).ca_issuers, tmp_path / "issuer.der").read_bytes()
        issuer = x509.load_der_x509_certificate(der)
        leaf.verify_directly_issued_by(issuer)
        fetched.append(der)
        leaf = issuer
    chain = download(f"{enrolled.served.publication}/chain/personnes.pem", tmp_path / "chain.pem").read_bytes()
    assert [each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(chain)] == fetched
    assert fetched[-1] == read(enrolled.chain.root).public_bytes(Encoding.DER)


def test_gnutls_and_curl_are_here_to_judge() -> None:
    """The tests above skip what is not installed: on a machine where `make test` may install, nothing is skipped."""
    for name in ("openssl", "certtool", "ocsptool", "curl"):
        assert program(name)
