"""Structures, and the certificates of their servers and applications (CP 3.2.2, 4.1).

An officer declares a structure, another approves it, each with a signature. The administrator of its servers then has requests
judged and hands them in, with the signature of an officer of the ordre: who carries a request is not who answers for it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cryptography import x509
from msgspec import Meta

from pki.authenticators.tokens import Scope
from pki.bootstrap import registrar
from pki.inventory.model import Certificate
from pki.issuance.approvals import Act
from pki.registration.applications import Application
from pki.registration.model import Organisation
from pki.registration.organisations import DECLARATION, ORGANISATION_APPROVAL, WITHDRAWAL
from pki.registration.possession import ProvenKey, prove_possession
from trust.errors import Malformed, Missing
from web.api.acts import officer_named, on_record, signed, to_sign
from web.api.certificates import own as own_certificate
from web.api.requests import CHANNEL, LARGE, DnsName, DraftShape, draft_of, keep
from web.api.route import BASE, Call, Created, For, Nothing, Number, Route, Sent, Serial, Shape
from web.api.shapes import Line, Moment, Pem, Reasoned, SignedAct, Statement

StructureStatus = Literal["declared", "approved", "withdrawn"]
Kind = Literal["server", "org-authentification", "org-cachet"]
SERVER_PROFILES = ("serveur-tls-ec", "serveur-tls-rsa")


class StructureShape(Shape):
    """A structure that the ordre answers for."""

    number: str
    board: str
    name: str
    department: str
    domains: list[str]
    status: StructureStatus
    declared_by: str
    declared_at: Moment
    approved_at: Moment | None
    withdrawn_at: Moment | None


class StructureList(Shape):
    """Structures, by number."""

    structures: list[StructureShape]


class Declaration(Sent):
    """A structure, declared."""

    number: Number
    name: Line
    department: Line
    """Name and number: ``Paris (75)``."""
    domains: Annotated[tuple[DnsName, ...], Meta(max_length=50)] = ()


class ServerRequest(Sent):
    """One certificate asked for a structure. To renew one: a new key, and the serial number of the one that it follows."""

    csr: Pem
    kind: Kind = "server"
    names: Annotated[tuple[DnsName, ...], Meta(max_length=100)] = ()
    """Of the servers; those of the certification request when there are none here."""
    common_name: Line = ""
    """Of an application, or of a seal."""
    renews: Serial | None = None
    """Kind and names are then those of that certificate."""
    officer: Line | None = None
    """Who will sign, when it is a structure that asks."""


class Withdrawal(Shape):
    """A structure that was withdrawn, and how many of its certificates ended."""

    structure: StructureShape
    certificates: int


def _shape(found: Organisation) -> StructureShape:
    status: StructureStatus = "withdrawn" if found.withdrawn_at else "approved" if found.approved_at else "declared"
    return StructureShape(
        number=found.id,
        board=found.board,
        name=found.name,
        department=found.department,
        domains=list(found.domains),
        status=status,
        declared_by=found.declared_by,
        declared_at=found.declared_at,
        approved_at=found.approved_at,
        withdrawn_at=found.withdrawn_at,
    )


def own(call: Call) -> Organisation:
    """Return the structure of the address: of the officer's ordre, or the very one that calls."""
    number = call.path["number"]
    with call.office.home.store.read() as tx:
        found = tx.organisations.of_ids([number])
    if not found or found[0].board != call.who.board or not (call.who.is_officer or number == call.who.account.id):
        raise Missing(f"no structure is registered under {number}")
    return found[0]


def _listed(call: Call) -> StructureList:
    return StructureList(structures=[_shape(each) for each in call.office.organisations.of_board(call.who.board)])


def _shown(call: Call) -> StructureShape:
    return _shape(own(call))


def _declaration_statement(call: Call) -> Statement:
    asked: Declaration = call.body
    call.require_role("register")
    service = call.office.organisations
    draft = service.draft(call.who.account.id, asked.number, asked.name, asked.department, asked.domains)
    return to_sign(call, service.declaration_statement(draft))


def _declare(call: Call) -> Created:
    act = signed(call, DECLARATION)
    draft = _declared(call, act)
    if not on_record(call, act):
        call.office.organisations.declare(draft, act)
    kept = call.office.organisations.seen_by(draft.id, call.who.account.id)
    return Created(_shape(kept), f"{BASE}/structures/{kept.id}")


def _declared(call: Call, act: Act) -> Organisation:
    """Make again what was declared, from what the signature is over: the service compares them."""
    said = act.record().get("organisation")
    if not isinstance(said, dict) or not isinstance(said.get("domains"), list):
        raise Malformed("this statement declares no structure")
    number, name, department = (str(said.get(each, "")) for each in ("id", "name", "department"))
    return call.office.organisations.draft(act.officer, number, name, department, [str(each) for each in said["domains"]])


def _approval_statement(call: Call) -> Statement:
    found = own(call)
    call.require_role("approve")
    return to_sign(call, call.office.organisations.approval_statement(found.id, call.who.account.id))


def _approve(call: Call) -> StructureShape:
    act = signed(call, ORGANISATION_APPROVAL, target=own(call).id)
    if not on_record(call, act):
        call.office.organisations.approve(act)
    return _shown(call)


def _withdrawal_statement(call: Call) -> Statement:
    asked: Reasoned = call.body
    found = own(call)
    call.require_role("revoke")
    return to_sign(call, call.office.organisations.withdrawal_statement(found.id, call.who.account.id, asked.reason))


def _withdraw(call: Call) -> Withdrawal:
    act = signed(call, WITHDRAWAL, target=own(call).id)
    ended = 0 if on_record(call, act) else call.office.organisations.withdraw(act).certificates
    return Withdrawal(structure=_shown(call), certificates=ended)


def _request_statement(call: Call) -> DraftShape:
    asked: ServerRequest = call.body
    structure = own(call)
    return draft_of(call, officer_named(call, asked.officer), [_application(call, structure, asked)])


def _administrator_statement(call: Call) -> DraftShape:
    structure = own(call)
    draft = registrar.mandates(call.office.home, channel=CHANNEL).draft(call.who.account.id, structure.id)
    return keep(call, draft, [0])


def _application(call: Call, structure: Organisation, asked: ServerRequest) -> Application:
    octets, proven = asked.csr.encode(), prove_possession(asked.csr.encode())
    kind, names, common_name = asked.kind, [name.lower() for name in asked.names], asked.common_name
    if asked.renews is not None:
        if names or common_name:
            raise Malformed("a renewal has the names of the certificate that it follows: give none")
        old = own_certificate(call, asked.renews)
        if old.holder != structure.id:
            raise Missing(f"no certificate of this structure has the serial number {asked.renews}")
        kind, names, common_name = _as_before(old)
    if kind != "server":
        return Application(structure.id, kind, octets, common_name=common_name, line=1)
    names = names or [name.lower() for name in proven.asked_dns_names]
    if not names:
        raise Malformed("no server name was given, and the certification request holds none")
    return Application(structure.id, _server_profile(proven), octets, dns_names=tuple(dict.fromkeys(names)), line=1)


def _server_profile(proven: ProvenKey) -> str:
    """Of a server's two profiles, the key says which."""
    return SERVER_PROFILES[proven.algorithm.startswith("RSA")]


def _as_before(old: Certificate) -> tuple[Kind, list[str], str]:
    parsed = x509.load_der_x509_certificate(old.der)
    if old.profile in SERVER_PROFILES:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return "server", names.get_values_for_type(x509.DNSName), ""
    (common_name,) = parsed.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    kind: Kind = "org-cachet" if old.profile == "org-cachet" else "org-authentification"
    return kind, [], str(common_name.value)


_ONE = "/structures/{number}"
_TAG: dict[str, Any] = {"tag": "structures"}
_ASKS: dict[str, Any] = {"scope": Scope.REQUEST, **_TAG}
_DECIDES: dict[str, Any] = {"scope": Scope.DECIDE, **_TAG}
ROUTES = (
    Route("GET", "/structures", "listStructures", "List the structures of the ordre", _listed, StructureList, **_TAG),
    Route("GET", _ONE, "showStructure", "Show a structure", _shown, StructureShape, audience=For.BOTH, **_TAG),
    Route("POST", "/structures/statement", "prepareDeclaration", "What to sign to declare a structure", _declaration_statement,
          Statement, body=Declaration, **_ASKS),
    Route("POST", "/structures", "declare", "Declare a structure: another officer approves it", _declare, StructureShape,
          body=SignedAct, status=201, conflicts=True, **_ASKS),
    Route("POST", f"{_ONE}/approval/statement", "prepareStructureApproval", "What to sign to approve it", _approval_statement,
          Statement, body=Nothing, **_DECIDES),
    Route("POST", f"{_ONE}/approval", "approveStructure", "Approve it", _approve, StructureShape, body=SignedAct, conflicts=True,
          **_DECIDES),
    Route("POST", f"{_ONE}/withdrawal/statement", "prepareWithdrawal", "What to sign to withdraw it", _withdrawal_statement,
          Statement, body=Reasoned, **_DECIDES),
    Route("POST", f"{_ONE}/withdrawal", "withdraw", "Withdraw it: its certificates end", _withdraw, Withdrawal, body=SignedAct,
          conflicts=True, **_DECIDES),
    Route("POST", f"{_ONE}/administrator/statement", "prepareAdministrator",
          "Ask that its administrator may obtain its certificates", _administrator_statement, DraftShape, body=Nothing, **_ASKS),
    Route("POST", f"{_ONE}/requests/statement", "prepareServerRequest", "Have a request or a renewal judged",
          _request_statement, DraftShape, body=ServerRequest, audience=For.BOTH, largest=LARGE, **_ASKS),
)  # fmt: skip
