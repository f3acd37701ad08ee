"""Requests that holders make for themselves, under what officers granted (RFC 3647 §4.6, §4.7; CP 4.7.2).

Officers approved that a person, or the administrator of a structure's servers, may obtain certificates; the holder makes the
keys, and signs the requests with a passkey. The
issuer checks both, as it checks everything: the grant with its approvals, the passkey's signature, and that the one covers the
other. An officer who approved may leave long before the certificate is renewed: then the authority's own signature stands for the
approvals, on a certificate that it issued to this person under this board, and which is not over for more than a month.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from pki.inventory.model import Certificate
from pki.issuance.approvals import ACT_CLOCK_TOLERANCE, Act, ApprovedBatch, OfficerKey, check_approval, covered, signed_at
from pki.issuance.authority import Authority
from pki.issuance.order import HOLDER_TYPE, CertificateOrder, Grant, Request, read_request
from pki.issuance.ports import IssuanceTransaction
from pki.settings import Settings
from trust.errors import Missing, Refused
from trust.transparency.merkle import InclusionProof, leaf_hash

GRACE = timedelta(days=30)
"""After the end of a certificate, in which it can still be renewed (CP 4.7.1)."""
OLDEST_ANSWER = timedelta(minutes=10)
"""Between the moment that a page writes into a statement and the signature's arrival."""
CITATION = "CP 4.7.2"
PEOPLE = "8"
"""How the national identifier of a practitioner begins (IdNat_PS of an RPPS number); structures' begin otherwise."""


def is_person(holder: str) -> bool:
    """Tell whether a national identifier is a practitioner's; a structure's otherwise."""
    return holder.startswith(PEOPLE)


def account_of(holder: str) -> str:
    """Return the account under which a holder signs: the practitioner, or who administers the structure."""
    return f"person:{holder}" if is_person(holder) else f"structure:{holder}"


def check_signed_by(act: Act, account: str, keys: Sequence[OfficerKey], now: datetime) -> None:
    """Check that an account signed an act just now, with a passkey that stands.

    Raises:
        Refused: somebody else signed, or too long ago.
        Malformed: the statement of the act is not one.
    """
    said = act.record()
    if act.officer != account:
        raise Refused("the signature is over something else than this", citation="CP 4.2.2")
    if not now - OLDEST_ANSWER <= signed_at(said) <= now + OLDEST_ANSWER:
        raise Refused("this was signed too long ago: ask again", citation="CP 4.2.2")
    if not any(key.withdrawn_at is None and key.signed(act.statement, act.signature) for key in keys):
        raise Refused("no passkey of the holder made this signature", citation="CP 5.2.3")


class HolderRequests:
    """Checks requests of holders, inside one transaction."""

    def __init__(
        self,
        tx: IssuanceTransaction,
        settings: Settings,
        authority: Authority,
        approvals: Callable[[str], ApprovedBatch | Refused],
        now: datetime,
    ) -> None:
        """`approvals` gives what the acts about a batch say together now."""
        self._tx = tx
        self._settings = settings
        self._authority = authority
        self._approvals = approvals
        self._now = now

    def check(self, order: CertificateOrder, request: Request) -> None:
        """Check who asks, and that officers granted it.

        Raises:
            Refused: with the rule that is not met.
            Malformed: a statement on the way is not one.
        """
        if request.requester != account_of(request.holder):
            raise Refused("only the holder asks under a grant", citation=CITATION)
        self._check_signature(order, request)
        try:
            grant = self._tx.grants.get(request.grant)
        except Missing:
            raise Refused("no officer granted this", citation=CITATION) from None
        self._check_grant(grant, request)

    def _check_signature(self, order: CertificateOrder, request: Request) -> None:
        # Locked until the intent is there: a loss that is reported meanwhile waits, and then finds it (`pki.registration.loss`).
        keys = self._tx.authenticators.keys_of(request.requester, lock=True)
        place = InclusionProof.from_bytes(order.proof)
        for act in self._tx.acts.of_target(HOLDER_TYPE, order.batch):
            said = act.record()
            signed = covered(said)
            if act.officer != request.requester or signed.board != request.board or signed.size != place.size:
                continue
            if place.root(leaf_hash(order.statement.encode())) != signed.root:
                continue
            at = signed_at(said)
            if at > self._now + ACT_CLOCK_TOLERANCE:
                continue
            for key in keys:
                known = key.withdrawn_at is None and key.registered_at <= at + ACT_CLOCK_TOLERANCE
                if known and key.signed(act.statement, act.signature):
                    return
        raise Refused("no passkey of the holder signed this request", citation=CITATION)

    def _check_grant(self, grant: Grant, request: Request) -> None:
        said = read_request(grant.statement)
        agreed = (said.id, said.holder, said.board) == (grant.id, request.holder, request.board)
        if not agreed or grant.withdrawn_at is not None or request.profile not in said.profiles:
            raise Refused("the grant is not for this, or was withdrawn", citation=CITATION)
        batch = self._approvals(grant.batch)
        if isinstance(batch, Refused):
            self._check_earlier(request, said.profiles, batch)
        else:
            board = self._settings.board(request.board)
            check_approval(batch, board, grant.statement, grant.proof, said.requester, said.holder)

    def _check_earlier(self, request: Request, profiles: tuple[str, ...], refusal: Refused) -> None:
        """Find a certificate of this person that we signed, and that is not long over; else the approvals' refusal stands."""
        for certificate in self._tx.certificates.of_holder(request.holder):
            if certificate.board == request.board and certificate.profile in profiles and self._is_ours(certificate):
                return
        raise refusal

    def _is_ours(self, certificate: Certificate) -> bool:
        if certificate.signature is None or certificate.not_after + GRACE < self._now:
            return False
        view = self._authority.ca(certificate.ca).view
        return view.algorithm.verifies(view.public_key, certificate.signature, certificate.tbs)
