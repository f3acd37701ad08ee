"""A root on one machine, its authorities on another: ceremonies, and the files that are carried between the two (CP 6.1.1).

The judge of what is made is openssl. Nothing is patched: two homes, two clocks that are one, the scripts that ship.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hsm.api import KeyRef
from pki.adapters.publication_files import pem
from pki.bootstrap import quarantine
from pki.bootstrap.ceremony.record import Record
from pki.bootstrap.ceremony.script import read
from pki.bootstrap.ceremony.transcript import SEALED
from pki.bootstrap.checks.custody import judge_keys
from pki.bootstrap.checks.status import judge_answers, judge_lists, judge_responders
from pki.bootstrap.issuer import Issuer
from pki.bootstrap.verification import judge
from pki.cli.main import main
from pki.inventory.model import State
from tests.builders.ceremonies import DAY, EXAMPLE, MORNING, Place, TwoHomes, masked
from tests.builders.keystore import make_keystore
from tests.databases import swift_directory
from tests.tokens import tokens
from trust import der
from trust.clock import SystemClock
from trust.errors import Conflict, Malformed, Missing, Refused
from trust.testing import FixedClock
from trust.validation.certificate import Certificate as Read
from trust.validation.findings import Outcome

RENEWED = """
[[ca]]
id = "personnes-2"
issuer = "racine"
common_name = "SCEAU EXEMPLE PERSONNES 2"
issues = ["ps-authentification", "ps-signature", "ps-chiffrement"]
profile = "ca-emettrice"
key = "personnes-2"
algorithm = "P-256"
years = 10
shards = 4
delta = true
"""
SECOND_ROOT = """
[[ca]]
id = "racine-2"
common_name = "SCEAU EXEMPLE RACINE 2"
profile = "ca-racine"
key = "racine-2"
algorithm = "P-384"
years = 20
crl_hours = 1080
"""
ISSUES = 'issues = ["ps-authentification", "ps-signature", "ps-chiffrement"]\n'


@pytest.fixture(scope="module")
def kept() -> Iterator[Path]:
    """Two homes whose first ceremonies were held, made once: each test begins from a copy."""
    with TemporaryDirectory(prefix="sceau-ceremony-", dir=swift_directory()) as place:
        made = TwoHomes(Path(place) / "homes").born()
        for each in (made.root, made.online):
            each.home.store.engine.dispose()
        yield Path(place) / "homes"


@pytest.fixture
def homes(kept: Path) -> Iterator[TwoHomes]:
    """Copies of the two, and their clock an hour later."""
    with TemporaryDirectory(prefix="sceau-ceremony-", dir=swift_directory()) as place:
        shutil.copytree(kept, Path(place) / "homes")
        yield TwoHomes(Path(place) / "homes", FixedClock(MORNING + timedelta(hours=1)))


def openssl(*arguments: str | Path) -> str:
    """Ask openssl; return what it says, and whether it agreed: ``OK`` or ``KO``."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    return f"{'OK' if done.returncode == 0 else 'KO'} {done.stdout} {done.stderr}"


def at(homes: TwoHomes) -> list[str]:
    """Have openssl judge at the moment of the test."""
    return ["-attime", str(int(homes.clock.now().timestamp()))]


def as_pem(path: Path) -> Path:
    """Write a certificate or a list in PEM beside itself."""
    octets, target = path.read_bytes(), path.with_suffix(f"{path.suffix}.pem")
    if path.suffix == ".crl":
        target.write_bytes(x509.load_der_x509_crl(octets).public_bytes(Encoding.PEM))
    else:
        target.write_text(pem(octets))
    return target


def served(place: Place) -> Issuer:
    """Have the issuer of a home do what is due."""
    issuer = Issuer(place.home, place.custodian)
    issuer.turn_until_idle()
    issuer.close()
    return issuer


def root_script(*steps: str, title: str = "Essai") -> bytes:
    """Return a script for the root's home with steps of one's own."""
    head = (EXAMPLE / "ceremonies" / "liste.toml").read_text(encoding="utf-8").split("[[step]]")[0]
    return (head.replace("Liste mensuelle de la racine", title) + "".join(f"[[step]]\n{step}\n" for step in steps)).encode()


def test_openssl_verifies_what_the_ceremonies_made(homes: TwoHomes) -> None:
    """Chain, lists and purposes, strictly; and an authority of another home is of no such chain."""
    root, crl = as_pem(homes.birth / "racine.cer"), as_pem(homes.issue / "racine-2.crl")
    for name in ("personnes", "organisations"):
        leaf = as_pem(homes.issue / f"{name}.cer")
        said = openssl("verify", "-x509_strict", "-crl_check", *at(homes), "-CAfile", root, "-CRLfile", crl, leaf)
        assert said.startswith("OK"), said
    assert openssl("req", "-verify", "-noout", "-in", homes.online.path / "requests" / "personnes.csr").startswith("OK")


def test_the_online_home_issues_and_publishes_without_the_root_s_key(homes: TwoHomes) -> None:
    """Responders, lists, the root's list as it came; `sceau doctor` is content; the root's key is nowhere here."""
    served(homes.online)
    www = homes.online.home.settings.publication / "www"

    assert (www / "crl" / "racine.crl").read_bytes() == (homes.issue / "racine-2.crl").read_bytes()
    assert (www / "aia" / "racine.cer").read_bytes() == (homes.birth / "racine.cer").read_bytes()
    assert "racine" not in homes.online.custodian.labels()
    for found in (judge_lists, judge_answers, judge_responders, judge_keys):
        said = found(homes.online.home)
        assert {each.state.value for each in said} == {"ok"}, said
    (www / "crl" / "racine.crl").unlink()
    served(homes.online)  # What is published may be lost: it is written again, from what came.
    assert (www / "crl" / "racine.crl").read_bytes() == (homes.issue / "racine-2.crl").read_bytes()


def test_the_root_s_list_alarms_at_half_of_its_validity(homes: TwoHomes) -> None:
    """Nobody here can sign the next one: `doctor` says what to do, and the next one is taken in."""
    served(homes.online)
    homes.clock.advance(hours=560)
    served(homes.online)
    late = [each for each in judge_lists(homes.online.home) if each.state.value == "failed"]
    assert ["racine/full is past half" in each.text for each in late] == [True]
    assert "sceau ca import" in late[0].fix

    homes.root.play("liste.toml", homes.directory / "liste")
    assert homes.online.bring(homes.directory / "liste" / "racine.crl")[0].number == 3
    assert {each.state.value for each in judge_lists(homes.online.home)} == {"ok"}


def test_a_list_only_goes_forward(homes: TwoHomes) -> None:
    """An older one is refused; the same one again changes nothing; one that is over, of tomorrow, or too long is refused."""
    with pytest.raises(Conflict, match="list number 1 of racine does not follow number 2"):
        homes.online.bring(homes.birth / "racine.crl")
    assert homes.online.bring(homes.issue / "racine-2.crl")[0].already
    homes.clock.advance(hours=-5)
    with pytest.raises(Refused, match="and it is"):
        homes.online.bring(homes.issue / "racine-2.crl")
    homes.clock.advance(hours=1100)
    with pytest.raises(Refused, match="over since"):
        homes.online.bring(homes.issue / "racine-2.crl")


def test_what_an_intruder_s_root_of_the_same_name_signed_is_refused(homes: TwoHomes) -> None:
    """Its certificate, its authorities, its list: the names are right and the key is another."""
    other = TwoHomes(homes.directory / "intruder", homes.clock).born()

    for certificate, said in (("personnes.cer", "signed by no authority"), ("organisations.cer", "signed by no authority")):
        with pytest.raises(Refused, match=said):
            homes.online.bring(other.issue / certificate)
    with pytest.raises(Refused, match="by none of the offline authorities here; racine: it names another key"):
        homes.online.bring(other.issue / "racine-2.crl")
    with pytest.raises(Conflict, match="another certificate of racine is here"):
        homes.online.bring(other.birth / "racine.cer", pinned=True)
    # At a home that has no root yet, the hash tells the two apart; what was certified for another home's keys is not for it.
    fresh = Place(homes.directory / "fresh", "example/emettrices", homes.clock, ceremony=False)
    with pytest.raises(Refused, match="its SHA-256 is to be given"):
        fresh.bring(other.birth / "racine.cer")
    with pytest.raises(Refused, match="signed by no authority whose certificate is here: bring its root first"):
        fresh.bring(homes.issue / "personnes.cer")
    fresh.bring(homes.birth / "racine.cer", pinned=True)
    with pytest.raises(Refused, match="its key is not the one of personnes that is in custody here"):
        fresh.bring(homes.issue / "personnes.cer")


def test_a_file_that_was_altered_on_the_way_is_refused(homes: TwoHomes) -> None:
    """One bit, wherever it is: unreadable, or not signed by the root."""
    for name in ("personnes.cer", "racine-2.crl"):
        original = (homes.issue / name).read_bytes()
        for at in (60, len(original) // 2, len(original) - 3):
            altered = homes.directory / name
            altered.write_bytes(original[:at] + bytes((original[at] ^ 1,)) + original[at + 1 :])
            with pytest.raises((Refused, Malformed, Conflict)):
                homes.online.bring(altered)
    for name, content in (("empty.crl", b""), ("text.cer", b"hello"), ("list.cer", (homes.issue / "racine-2.crl").read_bytes())):
        (homes.directory / name).write_bytes(content)
        with pytest.raises(Malformed):
            homes.online.bring(homes.directory / name)


def test_a_revocation_by_the_root_reaches_the_online_home_by_its_list(homes: TwoHomes) -> None:
    """There the authority is revoked too, and certifies nothing more; a list that forgets it is refused."""
    shutil.copytree(homes.root.path, homes.directory / "root-before")
    revoke = 'do = "revoke"\nissuer = "racine"\nca = "personnes"\nreason = "cACompromise"\n'
    crl = 'do = "crl"\nissuer = "racine"\nhours = 1080\nfile = "racine-3.crl"\n'
    homes.root.play(root_script(revoke, crl), homes.directory / "revocation")
    root, listed = as_pem(homes.birth / "racine.cer"), as_pem(homes.directory / "revocation" / "racine-3.crl")
    leaf = as_pem(homes.issue / "personnes.cer")
    said = openssl("verify", "-crl_check", *at(homes), "-CAfile", root, "-CRLfile", listed, leaf)
    assert said.startswith("KO"), said
    assert "revoked" in said

    at_work = Issuer(homes.online.home, homes.online.custodian)
    at_work.turn_until_idle()
    assert not at_work.authority.ca("personnes").revoked
    assert homes.online.bring(homes.directory / "revocation" / "racine-3.crl")[0].number == 3
    assert homes.online.home.ca_certificates()["personnes"].state is State.REVOKED
    homes.clock.advance(minutes=2)
    at_work.turn_until_idle()  # The process that is at work hears of it by itself.
    at_work.close()
    assert at_work.authority.ca("personnes").revoked
    assert not at_work.authority.ca("organisations").revoked

    # A home of the root that was put back from before the revocation makes lists of higher numbers that do not know it.
    before = Place(homes.directory / "root-before", "example/racine", homes.clock, ceremony=True)
    forgetful = [f'do = "crl"\nissuer = "racine"\nhours = 1080\nfile = "oubli-{number}.crl"\n' for number in (3, 4)]
    before.play(root_script(*forgetful), homes.directory / "oubli")
    with pytest.raises(Refused, match="the list forgets"):
        homes.online.bring(homes.directory / "oubli" / "oubli-4.crl")


def test_a_new_generation_takes_over_while_the_old_one_goes_on_answering(homes: TwoHomes) -> None:
    """Its own name, key, addresses; the shards that old certificates name are still published, and both chains verify."""
    served(homes.online)
    homes.online.configure(RENEWED, (ISSUES, ""))
    assert homes.online.home.settings.issuer_of("ps-signature").id == "personnes-2"
    renewal = homes.directory / "renouvellement"
    renewal.mkdir()
    homes.online.request("personnes-2", renewal / "personnes-2.csr")
    homes.root.play("renouvellement.toml", renewal)
    homes.online.bring(renewal / "personnes-2.cer", renewal / "racine-3.crl")
    homes.clock.advance(hours=13)  # every list is due
    issuer = served(homes.online)

    assert {"personnes", "personnes-2", "organisations"} == set(issuer.authority.cas)
    with homes.online.home.store.read() as tx:
        shards = {record.scope for record in tx.crls.all() if record.ca == "personnes" and record.number > 1}
    assert {"0", "1", "2", "3", "full"} <= shards
    for judged in (judge_lists, judge_answers, judge_responders, judge_keys):
        said = judged(homes.online.home)
        assert {each.state.value for each in said} == {"ok"}, said
    for name in ("personnes", "personnes-2"):
        assert judge(homes.online.home, Read(homes.online.home.ca_certificates()[name].der)).outcome is Outcome.VALID
    old, new = (Read(homes.online.home.ca_certificates()[name].der) for name in ("personnes", "personnes-2"))
    assert old.subject != new.subject
    assert old.key_identifier != new.key_identifier


def test_a_root_vouches_for_its_successor(homes: TwoHomes) -> None:
    """Who trusts the old root reaches what the new one certified, and the other way round; the online home publishes it."""
    homes.root.configure(SECOND_ROOT)
    cross = homes.directory / "croisee"
    homes.root.play("croisee.toml", cross)
    request = homes.online.path / "requests" / "organisations.csr"
    below = cross / "below.cer"
    below.write_bytes(homes.root.certify(request, "organisations", "racine-2"))

    with pytest.raises(Refused, match="the request is in another name"):
        homes.root.certify(request, "racine-2", "racine")
    assert homes.root.home.ca_certificates()["racine-2"].der == (cross / "racine-2.cer").read_bytes()

    def verifies(anchor: Path, between: Path, leaf: Path) -> str:
        options = ["-x509_strict", "-partial_chain", *at(homes)]
        return openssl("verify", *options, "-CAfile", as_pem(anchor), "-untrusted", as_pem(between), as_pem(leaf))

    old, new = homes.birth / "racine.cer", cross / "racine-2.cer"
    assert verifies(old, cross / "racine-2-par-racine.cer", below).startswith("OK")
    assert verifies(new, cross / "racine-par-racine-2.cer", homes.issue / "personnes.cer").startswith("OK")
    assert verifies(old, cross / "racine-par-racine-2.cer", below).startswith("KO")

    homes.online.configure(SECOND_ROOT + "offline = true\n")
    homes.online.bring(new, pinned=True)
    (found,) = homes.online.bring(cross / "racine-2-par-racine.cer")
    assert (found.kind, found.ca) == ("cross", "racine-2")
    homes.online.bring(cross / "racine-2.crl")
    served(homes.online)
    www = homes.online.home.settings.publication / "www"
    assert (www / "aia" / "racine-2.racine.cer").read_bytes() == (cross / "racine-2-par-racine.cer").read_bytes()
    assert (www / "aia" / "racine-2.cer").read_bytes() == new.read_bytes()


def test_an_interrupted_ceremony_goes_on_where_it_stopped(homes: TwoHomes) -> None:
    """A file was bad; once it is mended the same script is played again, and nothing is made twice. Held, it stays so."""
    script = homes.root.today("renouvellement.toml")
    folder = homes.directory / "interrompue"
    folder.mkdir()
    (folder / "personnes-2.csr").write_bytes((homes.online.path / "requests" / "organisations.csr").read_bytes())
    with pytest.raises(Refused, match="the request is in another name"):
        homes.root.play(script, folder)

    homes.online.configure(RENEWED, (ISSUES, ""))
    homes.online.request("personnes-2", folder / "personnes-2.csr")
    homes.root.play(script, folder)
    with pytest.raises(Conflict, match="this ceremony was held on 2026-03-02"):
        homes.root.play(script, folder)

    # As after a power cut between the certificate and the note of it: the certificate that was made is found.
    record = Record(homes.root.path, read(script).sha256)
    lines = record.path.read_text().splitlines(keepends=True)
    record.path.write_text("".join(line for line in lines if '"began"' in line or '"started"' in line) + '{"torn')
    before = (folder / "personnes-2.cer").read_bytes()
    homes.root.play(script, folder)
    assert (folder / "personnes-2.cer").read_bytes() == before
    assert "après une interruption" in (folder / "transcript.md").read_text(encoding="utf-8")
    with homes.root.home.store.read() as tx:
        assert len(tx.certificates.of_holder("ca:personnes-2")) == 1
    with pytest.raises(Conflict, match="this ceremony was held on 2026-03-02"):
        homes.root.play(script, folder)


def test_the_keys_of_authorities_are_born_before_witnesses_too(homes: TwoHomes) -> None:
    """The script of their home does what `sceau init` would: keys, and requests that prove them."""
    fresh = Place(homes.directory / "fresh", "example/emettrices", homes.clock, ceremony=True)
    assert fresh.custodian.labels() == ["journal"]
    made = fresh.play("demandes.toml", homes.directory / "demandes")

    assert fresh.custodian.labels() == ["journal", "organisations", "personnes"]
    assert [each.file for each in made.made] == [None, "personnes.csr", None, "organisations.csr"]
    said = openssl("req", "-verify", "-noout", "-subject", "-in", homes.directory / "demandes" / "personnes.csr")
    assert said.startswith("OK")
    assert "CN = SCEAU EXEMPLE PERSONNES" in said


def test_a_responder_elsewhere_is_certified_by_its_request(homes: TwoHomes) -> None:
    """Made by openssl, with string types of its own: the certificate has our name, and openssl finds it good for OCSP."""
    folder = homes.directory / "repondeur"
    folder.mkdir()
    name = "/C=FR/O=SCEAU EXEMPLE/CN=SCEAU EXEMPLE PERSONNES OCSP SECOURS"
    key: list[str | Path] = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        folder / "repondeur.pem",
    ]
    assert openssl("req", "-new", *key, "-subj", name, "-out", folder / "repondeur.csr").startswith("OK")
    homes.online.play("repondeur.toml", folder)

    chain = as_pem(homes.issue / "personnes.cer")
    options: list[str | Path] = ["-partial_chain", "-purpose", "ocsphelper", *at(homes), "-CAfile", chain]
    assert openssl("verify", *options, as_pem(folder / "repondeur.cer")).startswith("OK")
    parsed = x509.load_der_x509_certificate((folder / "repondeur.cer").read_bytes())
    assert parsed.extensions.get_extension_for_class(x509.OCSPNoCheck).critical is False
    assert len(list(parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)) == 1


def test_nothing_is_done_by_a_script_that_is_refused(homes: TwoHomes) -> None:
    """Its last step is wrong: its first one made no key."""
    generate = 'do = "generate"\nkey = "autre"\nalgorithm = "P-256"\nuses = ["crl"]\n'
    crl = 'do = "crl"\nissuer = "racine"\nhours = 9999\nfile = "racine.crl"\n'
    with pytest.raises(Refused, match="at most 1080 hours"):
        homes.root.play(root_script(generate, crl), homes.directory / "rien")

    assert "autre" not in homes.root.custodian.labels()
    assert not (homes.directory / "rien").exists()


def test_a_home_put_back_from_a_backup_holds_no_ceremony_before_it_is_reconciled(homes: TwoHomes) -> None:
    """It does not know what it signed since: no certificate, no list, by ceremony or by command."""
    quarantine.begin(homes.root.path, quarantine.Quarantine("0" * 64, "", "", 0, ""))
    with pytest.raises(Refused, match="sceau audit reconcile"):
        homes.root.play("liste.toml", homes.directory / "liste")
    with pytest.raises(Refused, match="sceau audit reconcile"):
        homes.root.certify(homes.online.path / "requests" / "personnes.csr", "personnes", "racine")


def test_no_issuer_opens_a_home_that_waits_for_its_root(tmp_path: Path) -> None:
    """Nothing could be signed: it says so, instead of working on nothing."""
    place = Place(tmp_path / "waits", "example/emettrices", FixedClock(MORNING), ceremony=False)
    with pytest.raises(Missing, match="no authority of this home has a certificate yet"):
        Issuer(place.home, place.custodian)


def test_the_same_script_gives_the_same_structure(homes: TwoHomes, tmp_path: Path) -> None:
    """Keys, serials, dates and signatures apart, what two runs make is the same to the octet, transcript included."""
    again = Place(tmp_path / "root", "example/racine", FixedClock(MORNING + timedelta(minutes=7)), ceremony=True)
    again.play("racine.toml", tmp_path / "out")

    for name in ("racine.cer", "racine.crl"):
        assert shape((tmp_path / "out" / name).read_bytes()) == shape((homes.birth / name).read_bytes())
    first, second = ((folder / "transcript.md").read_text("utf-8") for folder in (homes.birth, tmp_path / "out"))
    assert first != second
    assert masked(first) == masked(second)


def shape(encoded: bytes) -> object:
    """Return DER without what is a key, a serial, a date or a signature: in its place, only its tag."""
    found: list[object] = []
    for tag, content, _ in der.children(encoded):
        drawn = (tag == der.INTEGER and len(content) == 16) or (tag == der.BIT_STRING and len(content) > 4) or len(content) == 20
        if tag in (der.UTC_TIME, der.GENERALIZED_TIME) or (drawn and tag != der.SEQUENCE):
            found.append((tag, "…"))
        elif tag & 0x20 or (tag == der.OCTET_STRING and content[:1] in (b"\x30", b"\x04")):
            found.append((tag, shape(content)))
        else:
            found.append((tag, content))
    return found


def test_a_transcript_holds_no_secret(homes: TwoHomes) -> None:
    """Neither the passphrase nor anything of a private key; its last line is its hash."""
    secret = (homes.root.path / "secrets" / "keystore-passphrase").read_text().strip()
    for folder in (homes.birth, homes.issue):
        text = (folder / "transcript.md").read_text(encoding="utf-8")
        body, _, digest = text.rpartition(SEALED)
        assert hashlib.sha256(body.encode()).hexdigest() == digest.strip()
        assert secret not in text
        assert "PRIVATE" not in text
        assert (folder / "transcript.pdf").read_bytes().startswith(b"%PDF-")


def test_the_journal_tells_the_ceremonies_and_agrees_with_the_tables(homes: TwoHomes, capsys: pytest.CaptureFixture[str]) -> None:
    """Each home's own; `sceau audit verify` finds nothing to say against either."""
    served(homes.online)
    kept = homes.issue / "checkpoint"  # which the ceremony left with its files: somebody keeps it elsewhere
    assert main(["audit", "verify", "--checkpoint", str(kept), "--home", str(homes.root.path)]) == 0, capsys.readouterr()
    for place, expected in ((homes.root, "ceremony.held"), (homes.online, "certificate.imported")):
        assert main(["audit", "verify", "--home", str(place.path)]) == 0, capsys.readouterr()
        capsys.readouterr()
        assert main(["audit", "show", "--type", expected, "--json", "--home", str(place.path)]) == 0
        assert json.loads(capsys.readouterr().out)


def test_a_ceremony_is_rehearsed_on_a_token_that_vanishes(
    homes: TwoHomes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SoftHSM, throw-away keys, stand-ins for what comes from elsewhere; the home it is for is not touched."""
    tokens()  # skips where there is no SoftHSM
    homes.root.configure(SECOND_ROOT)
    certify = (EXAMPLE / "ceremonies" / "renouvellement.toml").read_bytes().split(b"[[step]]")[1]
    script = tmp_path / "croisee.toml"
    text = (EXAMPLE / "ceremonies" / "croisee.toml").read_bytes().replace(DAY, b"2126-11-23")
    script.write_bytes(text + b"[[step]]" + certify)
    labels, before = homes.root.custodian.labels(), homes.root.home.ca_certificates()
    arguments = ["ceremony", "run", str(script), "--rehearse", "--out", str(tmp_path / "out"), "--home", str(homes.root.path)]
    assert main([*arguments, "--json"]) == 0, capsys.readouterr()

    said = json.loads(capsys.readouterr().out)
    assert said["rehearsal"] is True
    assert len(said["files"]) == 5
    for made in said["files"]:
        assert hashlib.sha256((tmp_path / "out" / made["file"]).read_bytes()).hexdigest() == made["sha256"]
    text_made = (tmp_path / "out" / "transcript.md").read_text(encoding="utf-8")
    assert "RÉPÉTITION" in text_made
    assert "jeton PKCS#11" in text_made
    assert (labels, before) == (homes.root.custodian.labels(), homes.root.home.ca_certificates())


def test_what_cannot_be_played_cannot_be_rehearsed(homes: TwoHomes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rehearsal finds what the ceremony would have: a list that is too long, of a root whose key is not here."""
    tokens()
    script = tmp_path / "liste.toml"
    text = (EXAMPLE / "ceremonies" / "liste.toml").read_text(encoding="utf-8").replace(DAY.decode(), "2126-11-23")
    text = text.replace("Sceau, racine d'exemple", "Sceau, autorités d'exemple").replace("hours = 1080", "hours = 8760")
    script.write_text(text, encoding="utf-8")
    arguments = ["ceremony", "run", str(script), "--rehearse", "--out", str(tmp_path / "out"), "--home", str(homes.online.path)]
    assert main([*arguments, "--json"]) == 1
    said = json.loads(capsys.readouterr().err)
    assert "at most 1080 hours, not 8760" in said["reason"]
    assert "racine is not an authority of this configuration whose key is here" in said["reason"]
    assert said["citation"] == "CP 6.1.1"


def test_the_home_of_the_root_has_the_root_s_key_and_no_other(homes: TwoHomes) -> None:
    """And the home of its authorities theirs: nothing but files went between them."""
    assert homes.root.custodian.labels() == ["journal", "racine"]
    with pytest.raises(Missing):
        homes.online.custodian.public_key(KeyRef("racine"))


def test_an_operator_brings_an_authority_to_life_by_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two homes and what is carried between them, by commands alone; each says what is still to come."""
    racine, home, out = tmp_path / "racine", tmp_path / "sceau", tmp_path / "usb"
    for each in (racine, home):
        make_keystore(each)

    def sceau(*words: str | Path, code: int = 0) -> str:
        assert main([str(word) for word in words]) == code, capsys.readouterr()
        said = capsys.readouterr()
        return said.out + said.err

    common = ["--base-url", "http://pki.sceau.example.com", "--home"]
    assert "sceau ceremony run" in sceau("init", "--template", "example/racine", "--ceremony", *common, racine)
    assert "carry its request to racine" in sceau("init", "--template", "example/emettrices", *common, home)
    script = tmp_path / "racine.toml"
    today = str(SystemClock().now().date()).encode()
    script.write_bytes((EXAMPLE / "ceremonies" / "racine.toml").read_bytes().replace(DAY, today))
    assert "The ceremony was held. 2 files" in sceau("ceremony", "run", script, "--out", out, "--home", racine)
    assert "this ceremony was held on" in sceau("ceremony", "run", script, "--out", out, "--home", racine, code=1)
    for name in ("personnes", "organisations"):
        options = ["--ca", name, "--common-name", f"SCEAU EXEMPLE {name.upper()}", "-o", out / f"{name}.cer", "--home", racine]
        assert "certified by racine until" in sceau("ca", "sign-csr", home / "requests" / f"{name}.csr", *options)
    assert "its SHA-256 is to be given" in sceau("ca", "import", out / "racine.cer", "--home", home, code=1)
    digest = hashlib.sha256((out / "racine.cer").read_bytes()).hexdigest()
    spaced = " ".join(digest[start : start + 8].upper() for start in range(0, 64, 8))
    assert "Still to come by file: personnes, organisations" in sceau(
        "ca", "import", out / "racine.cer", "--sha256", spaced, "--home", home
    )
    sceau("ca", "import", out / "personnes.cer", "--home", home)
    assert "the list of racine" in sceau("ca", "import", out / "organisations.cer", "--home", home)
    assert "Nothing more is to come" in sceau("ca", "import", out / "racine.crl", "--home", home)
    assert "is offline: its key is not here" in sceau("ca", "request", "racine", "-o", out / "r.csr", "--home", home, code=1)
    assert "has no certificate yet" not in sceau("ca", "list", "--home", home)
    options = ["--ca", "x", "--common-name", "SCEAU EXEMPLE PERSONNES", "--profile", "ps-signature", "-o", out / "x.cer"]
    said = sceau("ca", "sign-csr", home / "requests" / "personnes.csr", *options, "--home", racine, code=1)
    assert "is not a profile by which an authority is certified" in said
    options = ["--common-name", "SCEAU EXEMPLE PERSONNES", "-o", out / "x.cer", "--home", racine]
    for name, answer in (("racine", "does not certify itself"), ("../racine", "small letters"), ("", "small letters")):
        assert answer in sceau("ca", "sign-csr", home / "requests" / "personnes.csr", "--ca", name, *options, code=1)
    assert not (out / "x.cer").exists()
