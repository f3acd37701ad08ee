"""The administrator of a structure's servers: chosen by two officers, then asks, revokes and proposes alone (CP 3.2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki.authenticators.model import Account, Kind
from pki.bootstrap.office import Office
from pki.bootstrap.proof import evidence_of
from pki.inventory.model import Certificate, Reason, State
from pki.issuance.approvals import Act
from pki.issuance.order import OrderState
from pki.registration.amendments import Amended
from pki.registration.evidence import check
from pki.registration.selfservice import Asked
from tests.builders.authenticator import Authenticator
from tests.world import World, certification_request, nurse
from trust.errors import Conflict, Malformed, Missing, Refused

CLINIC = "1990000010"
DOMAIN, OTHER = "clinique.exemple-sante.fr", "labo.exemple-sante.fr"
SERVER = "serveur-tls-ec"


class Administrator:
    """Who administers the clinic, with a passkey."""

    def __init__(self, world: World, credential: bytes = b"credential-1") -> None:
        """Enter by the link and the code that the ordre hands over."""
        self.world, self.office = world, Office(world.home, "http://localhost:8400")
        self.account = Account(Kind.STRUCTURE, CLINIC)
        self.authenticator = Authenticator(credential_id=credential)
        made = self.office.mandates.invite("oni-1", CLINIC)
        options = self.office.passkeys.registration_options(self.account, "Clinique")
        self.office.passkeys.register_by_entry(made.token, made.code, self.authenticator.make(options), "Poste du service")

    def act(self, statement: str) -> Act:
        """Sign."""
        return Act.of(statement, self.authenticator.sign(statement).pack(), officer=str(self.account))

    def ask(self, *names: str, profile: str = SERVER, common_name: str = "") -> tuple[OrderState, str | None]:
        """Ask for one certificate with a new key, let the issuer work, and say how it ended."""
        csr = certification_request(ec.generate_private_key(ec.SECP256R1()))
        draft = self.office.selfservice.prepare(CLINIC, [Asked(profile, csr, names, common_name)])
        batch = self.office.selfservice.submit(self.act(draft.statement), draft.requests, [csr])
        self.world.issuer.turn_until_idle()
        (order,) = self.office.selfservice.state(batch, CLINIC)
        return order.state, order.failure

    def certificates(self) -> list[Certificate]:
        """What the clinic has, newest first."""
        return self.office.selfservice.credentials(CLINIC)

    def propose(self, *domains: str) -> None:
        """Propose that the clinic have these domains."""
        statement = self.office.amendments.proposal_statement(CLINIC, str(self.account), domains)
        self.office.amendments.propose(self.act(statement))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An authority whose nurses' ordre answers for a clinic."""
    world = World(tmp_path / "home")
    world.apply_register([nurse(1, "MARTIN")])
    approve(world)
    yield world
    world.close()


def approve(world: World) -> None:
    """Have one officer declare the clinic and another approve it."""
    organisations = Office(world.home, "http://localhost:8400").organisations
    draft = organisations.draft("oni-1", CLINIC, "CLINIQUE DES TILLEULS", "Rhône (69)", [DOMAIN])
    organisations.declare(draft, world.act("oni-1", organisations.declaration_statement(draft)))
    organisations.approve(world.act("oni-2", organisations.approval_statement(CLINIC, "oni-2")))


def choose(world: World) -> None:
    """Have two officers agree that the clinic's administrator may obtain its certificates."""
    mandates = Office(world.home, "http://localhost:8400").mandates
    draft = mandates.draft("oni-1", CLINIC)
    batch = mandates.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    world.decisions.approve(world.act("oni-2", world.decisions.approval_statement(batch.id, "oni-2")))


def decide(world: World, officer: str = "oni-1", *, reason: str | None = None) -> Amended:
    """Have an officer decide on what the clinic proposes."""
    amendments = Office(world.home, "http://localhost:8400").amendments
    return amendments.decide(world.act(officer, amendments.decision_statement(CLINIC, officer, reason=reason)))


@pytest.fixture
def clinic(world: World) -> Administrator:
    """The administrator, chosen and come in."""
    choose(world)
    return Administrator(world)


def test_the_administrator_obtains_a_server_s_certificate_and_the_evidence_shows_passkey_and_officers(
    clinic: Administrator,
) -> None:
    """Nobody else is asked: officers agreed once."""
    assert clinic.ask(f"www.{DOMAIN}", DOMAIN) == (OrderState.DONE, None)
    (certificate,) = clinic.certificates()
    read = x509.load_der_x509_certificate(certificate.der)
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    assert names == [f"www.{DOMAIN}", DOMAIN]
    steps = check(evidence_of(clinic.world.home, certificate.serial)).steps
    assert any("passkey" in step for step in steps)
    assert any("approval/1" in step for step in steps)


def test_servers_keep_their_certificates_beside_each_other(clinic: Administrator) -> None:
    """Unlike a person's, a new one ends none: two servers, two keys, and the administrator says when the old one ends."""
    for _ in range(2):
        assert clinic.ask(DOMAIN) == (OrderState.DONE, None)
    clinic.world.clock.advance(days=2)
    clinic.world.issuer.turn_until_idle()
    assert [each.state for each in clinic.certificates()] == [State.ISSUED, State.ISSUED]


@pytest.mark.parametrize("profile", ["org-authentification", "org-cachet"])
def test_applications_and_seals_are_obtained_likewise(clinic: Administrator, profile: str) -> None:
    """Under a name of theirs."""
    assert clinic.ask(profile=profile, common_name="LOGICIEL DE SOINS") == (OrderState.DONE, None)


def test_a_name_outside_the_approved_domains_is_refused(clinic: Administrator) -> None:
    """Neither a neighbour nor a domain that only ends alike."""
    for name in (OTHER, f"faux{DOMAIN}"):
        with pytest.raises(Refused, match="domain"):
            clinic.ask(name)


def test_a_server_has_names_and_an_application_has_none(clinic: Administrator) -> None:
    """One or the other."""
    with pytest.raises(Malformed, match="DNS"):
        clinic.ask()
    with pytest.raises(Malformed, match="DNS"):
        clinic.ask(DOMAIN, profile="org-cachet")


def test_nobody_comes_in_before_two_officers_agree(world: World) -> None:
    """The link is refused, and one officer alone does not make it."""
    mandates = Office(world.home, "http://localhost:8400").mandates
    with pytest.raises(Refused, match="agree"):
        mandates.invite("oni-1", CLINIC)
    draft = mandates.draft("oni-1", CLINIC)
    batch = mandates.submit(draft, world.act("oni-1", draft.statement(world.clock.now())))
    with pytest.raises(Refused, match="another officer"):
        world.decisions.approve(world.act("oni-1", world.decisions.approval_statement(batch.id, "oni-1")))
    assert mandates.of(CLINIC) is None


def test_another_ordre_neither_chooses_nor_invites(world: World) -> None:
    """For it the clinic does not exist."""
    mandates = Office(world.home, "http://localhost:8400").mandates
    for question in (mandates.draft, mandates.invite):
        with pytest.raises(Missing):
            question("cnom-1", CLINIC)


def test_it_is_chosen_once(world: World) -> None:
    """A second demand is the first."""
    choose(world)
    draft = Office(world.home, "http://localhost:8400").mandates.draft("oni-1", CLINIC)
    assert (len(draft.records), len(draft.known)) == (0, 1)


def test_a_withdrawn_structure_takes_its_administrator_along(clinic: Administrator) -> None:
    """Certificates end; the passkey signs nothing more, and approval anew does not bring it back."""
    assert clinic.ask(DOMAIN) == (OrderState.DONE, None)
    organisations, world = clinic.office.organisations, clinic.world
    organisations.withdraw(world.act("oni-1", organisations.withdrawal_statement(CLINIC, "oni-1", "fermée")))
    world.clock.advance(seconds=5)
    approve(world)
    assert clinic.office.mandates.of(CLINIC) is None
    assert clinic.office.passkeys.of(clinic.account) == []
    assert [each.state for each in clinic.certificates()] == [State.REVOKED]
    with pytest.raises(Refused, match="granted"):
        clinic.ask(DOMAIN)
    choose(world)
    assert Administrator(world, b"credential-2").ask(DOMAIN) == (OrderState.DONE, None)


def test_the_administrator_revokes_its_own_certificate_and_nobody_else_s(clinic: Administrator, world: World) -> None:
    """With a reason that the profile allows; a hold is the ordre's."""
    assert clinic.ask(DOMAIN) == (OrderState.DONE, None)
    (mine,) = clinic.certificates()
    theirs = world.enrol(nurse(1, "MARTIN"))
    revocation = clinic.office.revocation
    with pytest.raises(Missing):
        revocation.own_statement(theirs.serial, Reason.SUPERSEDED, CLINIC)
    statement = revocation.own_statement(mine.serial, Reason.SUPERSEDED, CLINIC)
    for forged, error in (
        (statement.replace(mine.serial.hex(), theirs.serial.hex()), Missing),
        (statement.replace("superseded", "certificateHold"), Refused),
    ):
        with pytest.raises(error):
            revocation.by_passkey(clinic.act(forged))
    done = revocation.by_passkey(clinic.act(statement))
    assert (done.certificate.state, done.certificate.reason, done.already) == (State.REVOKED, Reason.SUPERSEDED, False)
    assert revocation.by_passkey(clinic.act(statement)).already


def test_a_revocation_signed_by_an_officer_s_key_for_the_holder_is_refused(clinic: Administrator, world: World) -> None:
    """Only a passkey of the account counts, and only a fresh signature."""
    assert clinic.ask(DOMAIN) == (OrderState.DONE, None)
    (mine,) = clinic.certificates()
    statement = clinic.office.revocation.own_statement(mine.serial, Reason.SUPERSEDED, CLINIC)
    with pytest.raises(Refused, match="passkey"):
        clinic.office.revocation.by_passkey(
            Act.of(statement, Authenticator(credential_id=b"x").sign(statement).pack(), officer=str(clinic.account))
        )
    act = clinic.act(statement)
    world.clock.advance(minutes=11)
    with pytest.raises(Refused, match="too long ago"):
        clinic.office.revocation.by_passkey(act)


def test_a_domain_that_the_administrator_proposes_serves_once_an_officer_approved_it(clinic: Administrator, world: World) -> None:
    """Not before."""
    clinic.propose(DOMAIN, OTHER)
    with pytest.raises(Refused, match="domain"):
        clinic.ask(OTHER)
    waiting = clinic.office.amendments.pending(CLINIC)
    assert waiting is not None
    assert (waiting.added, waiting.dropped, waiting.by) == ((OTHER,), (), str(clinic.account))
    assert decide(world).certificates == 0
    assert clinic.office.amendments.pending(CLINIC) is None
    assert clinic.ask(OTHER) == (OrderState.DONE, None)


def test_a_domain_that_goes_takes_the_certificates_of_its_servers_along(clinic: Administrator, world: World) -> None:
    """And those alone."""
    clinic.propose(DOMAIN, OTHER)
    decide(world)
    for name in (DOMAIN, OTHER):
        assert clinic.ask(name) == (OrderState.DONE, None)
    clinic.propose(DOMAIN)
    assert decide(world, "oni-2").certificates == 1
    assert [(each.state, each.reason) for each in clinic.certificates()] == [
        (State.REVOKED, Reason.CESSATION_OF_OPERATION),
        (State.ISSUED, None),
    ]


def test_what_is_refused_is_over_and_what_was_replaced_is_not_approved(clinic: Administrator, world: World) -> None:
    """A decision answers one proposal."""
    amendments = clinic.office.amendments
    clinic.propose(DOMAIN, OTHER)
    late = world.act("oni-1", amendments.decision_statement(CLINIC, "oni-1"))
    world.clock.advance(seconds=5)
    clinic.propose(OTHER)
    with pytest.raises(Conflict):
        amendments.decide(late)
    decide(world, reason="ce domaine n'est pas le vôtre")
    with pytest.raises(Missing):
        amendments.decision_statement(CLINIC, "oni-1")
    assert clinic.office.organisations.seen_by(CLINIC, "oni-1").domains == (DOMAIN,)


def test_an_officer_who_proposes_does_not_decide(world: World) -> None:
    """And another ordre sees nothing of it."""
    amendments = Office(world.home, "http://localhost:8400").amendments
    amendments.propose(world.act("oni-1", amendments.proposal_statement(CLINIC, "oni-1", [DOMAIN, OTHER])))
    with pytest.raises(Refused, match="another officer"):
        decide(world, "oni-1")
    with pytest.raises(Missing):
        amendments.decision_statement(CLINIC, "cnom-1")
    assert decide(world, "oni-2").organisation.domains == (DOMAIN, OTHER)


@pytest.mark.parametrize("domains", [["*.exemple-sante.fr"], ["pas un nom"], [f"d{n}.exemple-sante.fr" for n in range(51)]])
def test_what_no_certificate_can_name_is_not_proposed(world: World, domains: list[str]) -> None:
    """Nor more than the policy allows."""
    with pytest.raises(Malformed):
        Office(world.home, "http://localhost:8400").amendments.proposal_statement(CLINIC, "oni-1", domains)


def test_a_link_is_for_one_structure_and_ends_with_the_week(world: World) -> None:
    """The account is the structure's; the link asks for the code."""
    choose(world)
    made = Office(world.home, "http://localhost:8400").mandates.invite("oni-1", CLINIC)
    assert made.entry.account == Account(Kind.STRUCTURE, CLINIC)
    assert made.code is not None
    assert made.entry.ends_at - made.entry.made_at == timedelta(days=7)
