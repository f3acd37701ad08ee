"""`sceau doctor` on a whole authority: what is right is said to be, and each thing that goes wrong is seen, with its fix."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from pki.bootstrap.checks import Finding, State
from pki.bootstrap.checks.authority import configuration, database, judge_queues, waiting
from pki.bootstrap.checks.custody import judge_journal, judge_keys
from pki.bootstrap.checks.machine import LEAST_FREE, LITTLE_FREE, judge_disk
from pki.bootstrap.checks.register import judge_register
from pki.bootstrap.checks.status import judge_answers, judge_lists, judge_responders
from tests.world import World, nurse


@pytest.fixture
def served(world: World) -> World:
    """An authority with a certificate, everything published, and the issuer at rest."""
    world.apply_register([nurse(1), nurse(2)])
    world.enrol(nurse(1))
    world.issuer.turn_until_idle()
    return world


def all_findings(world: World) -> list[Finding]:
    """Return what every check of a home finds by the world's clock."""
    home = world.home
    findings = [*judge_keys(home), judge_journal(home), judge_register(home)]
    findings += [*judge_lists(home), *judge_answers(home), *judge_responders(home)]
    for found in (configuration(world.directory), database(world.directory), waiting(world.directory)):
        findings += found if isinstance(found, list) else [found]
    return findings


def wrong(found: Finding | Sequence[Finding]) -> str:
    """Return the texts of what is wrong; each comes with a fix."""
    findings = [found] if isinstance(found, Finding) else found
    failed = [finding for finding in findings if finding.state is State.FAILED]
    assert all(finding.fix for finding in failed)
    return "; ".join(finding.text for finding in failed)


def test_a_sound_authority_is_found_sound(served: World) -> None:
    """By every check, in one line each; looking changes nothing."""
    before = {path: path.stat().st_mtime_ns for path in (served.directory / "publication").rglob("*") if path.is_file()}

    findings = all_findings(served)

    assert [finding for finding in findings if finding.state is not State.OK] == []
    assert len(findings) == 9 and all("\n" not in finding.text for finding in findings)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_an_authority_that_never_worked_is_no_fault(tmp_path: Path) -> None:
    """Nothing is published yet: worth a word. Where there is no authority at all, nothing is said, nor made."""
    world = World(tmp_path / "home")
    states = {finding.state for finding in all_findings(world)}
    world.close()

    assert states == {State.OK, State.WARNING}
    assert configuration(tmp_path) == database(tmp_path) == waiting(tmp_path) == []
    assert not list(tmp_path.glob("*.db"))


def test_lists_are_in_alarm_from_half_of_their_validity_on(served: World) -> None:
    """Twelve hours of twenty-four for the issuing CAs, long before they end (CP 4.9.7)."""
    served.clock.advance(hours=12)
    assert wrong(judge_lists(served.home)) == ""
    served.clock.advance(seconds=1)

    said = wrong(judge_lists(served.home))

    assert "organisations/0 is past half of its validity" in said and "more lists" in said and "racine" not in said
    served.clock.advance(hours=12)
    assert "it is no longer served" in wrong(judge_lists(served.home))


def test_a_list_that_is_lost_or_another_is_seen(served: World) -> None:
    """Each by its name."""
    folder = served.directory / "publication" / "www" / "crl"
    (folder / "racine.crl").unlink()
    shutil.copy(folder / "organisations.crl", folder / "personnes.crl")

    said = wrong(judge_lists(served.home))

    assert "racine/full is not published" in said and "personnes/full is not the last one made" in said


def test_answers_that_age_are_seen_before_they_end(served: World) -> None:
    """At half of their validity, and when there are none any more."""
    served.clock.advance(hours=13)
    assert "past half of its validity" in wrong(judge_answers(served.home))
    served.clock.advance(hours=12)

    said = wrong(judge_answers(served.home))

    assert said.count("nobody is told of") == 3


def test_an_answer_that_contradicts_the_inventory_is_seen(served: World) -> None:
    """A revocation that never reached the status store."""
    with served.store.write() as tx:
        statement = "UPDATE certificates SET state = 3, revoked_at = changed_at, reason = 4 WHERE ca = 'personnes'"
        tx.connection.execute(text(statement))

    assert "is said to be good, and is revoked" in wrong(judge_answers(served.home))


def test_a_responder_that_was_not_renewed_is_seen(served: World) -> None:
    """Two thirds of its fourteen days are over: it should have been renewed at half."""
    served.clock.advance(days=9)
    assert wrong(judge_responders(served.home)) == ""
    served.clock.advance(days=1)
    assert wrong(judge_responders(served.home)).count("was not renewed") == 3
    served.clock.advance(days=5)
    assert wrong(judge_responders(served.home)).count("ended on") == 3


def test_an_old_register_is_seen(served: World) -> None:
    """A day before nothing can be decided any more, and from then on."""
    served.clock.advance(days=6, hours=12)
    assert judge_register(served.home).state is State.WARNING
    served.clock.advance(days=1)

    assert "past 7 days nothing is decided" in wrong(judge_register(served.home))


def test_a_key_that_is_lost_or_another_is_seen(served: World) -> None:
    """And a passphrase, or a PIN, that opens nothing. (The keys of a token are other tests' too: none is lost here.)"""
    settings = served.home.settings
    secret = settings.passphrase_file
    if settings.custody.kind == "pkcs11":
        secret = settings.pin_file
    else:
        for path in sorted(settings.keystore.glob("personnes*")):
            path.rename(path.with_name(f"lost-{path.name}"))
        assert "key personnes" in wrong(judge_keys(served.home))
    secret.chmod(0o644)
    assert "CP 6.4.2" in wrong(judge_keys(served.home))
    secret.unlink()

    assert secret.name in wrong(judge_keys(served.home))


def test_a_journal_that_was_rewritten_or_is_not_sealed_is_seen(served: World) -> None:
    """An hour after the first entry that no checkpoint covers (CP 5.4.2); and at once when an entry is not what was written."""
    served.revoke(served.certificates_of_batch(_batch(served))[0])
    assert wrong(judge_journal(served.home)) == ""
    served.clock.advance(hours=1, seconds=1)
    assert "are not sealed" in wrong(judge_journal(served.home))

    with served.store.write() as tx:
        tx.connection.execute(text("UPDATE journal SET entry = replace(entry, 'superseded', 'unspecified')"))

    assert "not those that were written" in wrong(judge_journal(served.home))


def _batch(world: World) -> str:
    with world.store.read() as tx:
        return tx.requests.batches()[0].id


def test_a_database_that_went_back_is_seen(served: World) -> None:
    """What is published knows more than the database."""
    with served.store.write() as tx:
        tx.connection.execute(text("DELETE FROM checkpoints"))

    assert "the last checkpoint says 0" in wrong(judge_journal(served.home))


def test_a_configuration_that_exceeds_the_policy_is_seen(served: World) -> None:
    """As a start would refuse it; checks that need the home say nothing more."""
    authority = served.directory / "config" / "authority.toml"
    authority.write_text(authority.read_text().replace("threshold = 50", "threshold = 51"))

    assert "CP 4.9.3" in wrong(configuration(served.directory))
    assert waiting(served.directory) == []


def test_a_database_that_is_lost_or_of_another_schema_is_seen(served: World) -> None:
    """Nothing is made in its place."""
    with served.store.write() as tx:
        tx.connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert "schema 0000" in wrong(database(served.directory))
    file = served.directory / "sceau.db"
    if file.exists():
        file.unlink()
        assert "there is no database" in wrong(database(served.directory))
        assert waiting(served.directory) == [] and not file.exists()


def test_queues_that_stand_still_are_seen(tmp_path: Path) -> None:
    """With an issuer at work that takes nothing; without one, it is only said."""
    depths = iter([(3, 5), (3, 5), (2, 5)])

    assert judge_queues(lambda: (0, 0), working=True, home=tmp_path).state is State.OK
    assert judge_queues(lambda: (1, 0), working=False, home=tmp_path).state is State.WARNING
    assert judge_queues(lambda: next(depths), working=True, home=tmp_path).state is State.OK
    assert "does not take them" in wrong(judge_queues(lambda: (1, 2), working=True, home=tmp_path, patience=0.05))


def test_a_disk_that_fills_up_is_seen(tmp_path: Path) -> None:
    """First as a warning."""
    states = [judge_disk(free, 10**12, tmp_path).state for free in (LITTLE_FREE, LITTLE_FREE - 1, LEAST_FREE - 1)]

    assert states == [State.OK, State.WARNING, State.FAILED]
