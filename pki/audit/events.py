"""The closed list of what the journal records (RFC 3647 §5.4.1).

Each type says when it is written and which facts it carries, no more and no less: an event with an unknown, a missing or a
superfluous fact is refused before anything is stored. `VOCABULARY` gives every fact one meaning. The only personal data are
the national identifier of a person and the serial of a certificate; names, addresses, secrets and free text typed by people
have no place here. A fact that does not apply is given as None, never left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from types import MappingProxyType
from typing import NamedTuple

from trust.errors import Malformed

Fact = str | int | bool | list[str] | tuple[str, ...] | None
"""What a fact may be: text, whole number, truth, list of texts, or "does not apply"."""

LONGEST_TEXT = 500
"""Characters in one text: identifiers, hashes and reasons fit; a document, a request or a key does not."""
LONGEST_LIST = 100
_LARGEST_NUMBER = 1 << 63

VOCABULARY: Mapping[str, str] = MappingProxyType(
    {
        "access": "what a program comes in with, by its identifier",
        "account": "who signs in: officer, person or structure, and the identifier",
        "approvals": "officers who approved, by their identifiers",
        "back": "people whom the plan finds entitled again, a count",
        "backup": "SHA-256 of the manifest of a backup, hex",
        "by": "who acted: an officer's identifier, a person's national identifier, or the name of one of our processes",
        "ca": "certification authority, by its configuration identifier",
        "certificates": "certificates concerned, a count",
        "changed": "people whose entry changes, a count",
        "channel": "way in: board, portal, api, acme, est, cmp, scep or cli",
        "citation": "rule that decided, for instance CP 3.2.3",
        "config": "SHA-256 of the configuration as read, hex",
        "effective": "moment from which the decision holds, ISO 8601",
        "entries": "entries of a list, or of the journal, a count",
        "hash": "canonical SHA-256 of what was approved or ordered, hex",
        "key": "SHA-256 of a SubjectPublicKeyInfo, hex",
        "kind": "kind of decision, or of key, in one word",
        "label": "name of a key in custody",
        "lines": "lines of the register extraction, a count",
        "lists": "revocation lists concerned, a count",
        "made_at": "when a backup was made, ISO 8601",
        "mode": "demo, test or production",
        "new": "people who appear, a count",
        "next_update": "moment by which a newer list is due, ISO 8601",
        "not_after": "end of validity, ISO 8601",
        "number": "CRL number",
        "officer": "officer of an ordre, by identifier",
        "order": "certificate order, by identifier",
        "ordre": "code of the ordre",
        "organisation": "structure, by its national identifier",
        "people": "people in the register extraction, a count",
        "plan": "canonical SHA-256 of the plan, hex",
        "process": "name of one of our processes",
        "profile": "certificate profile, by identifier",
        "profiles": "certificate profiles, by identifier",
        "profile_hash": "canonical SHA-256 of the profile as loaded, hex",
        "reason": "reason, as a code: a CRLReason by its name, or the reason of a refusal",
        "refused_lines": "lines that could not be read, a count",
        "register_date": "date of the register extraction, ISO 8601",
        "request": "certificate request, by identifier",
        "responder": "serial of the OCSP responder's certificate, hex",
        "revoked": "certificates revoked again, a count",
        "revoked_at": "revocation time in the CRL and OCSP, ISO 8601",
        "role": "role of an officer",
        "scopes": "what a program may do, in single words",
        "script": "SHA-256 of the script of a ceremony, hex",
        "serial": "serial of a certificate, hex",
        "root": "root of the journal's tree, hex",
        "sha256": "SHA-256 of the file, certificate or list, hex",
        "shard": "part that a list speaks for, or whose delta it is; None is the whole list",
        "snapshot": "SHA-256 of the register extraction, hex",
        "struck_off": "people whom the plan finds no longer entitled, a count",
        "subject": "national identifier of the person or structure, or the name of the server",
        "tbs": "SHA-256 of the to-be-signed octets, hex",
        "this_update": "moment that a list speaks for, ISO 8601",
        "until": "moment at which the decision, or the access, ends, ISO 8601",
        "version": "version of Sceau",
        "was": "value before",
        "witnessed": "signatures that the witness knows, a count; None when it was lost",
        "what": "what was found wrong, in one short sentence of ours",
    }
)
"""Every fact by name, with its one meaning."""


class Event(NamedTuple):
    """One thing that happened, ready for the journal. Made by calling its `EventType`, which checks it."""

    type: str
    facts: Mapping[str, Fact]
    encoded: str
    """The facts in canonical JSON (`trust.canonical`)."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event: its name, when it is written, the facts it must carry."""

    name: str
    meaning: str
    facts: tuple[str, ...]
    """Names of the facts, sorted."""
    form: str
    """Their canonical JSON, with ``%s`` in the place of each value."""

    def __call__(self, **facts: Fact) -> Event:
        """Make an event of this type.

        Raises:
            Malformed: a fact is missing, superfluous, or not a value that has one canonical text.
        """
        try:
            values = [facts[name] for name in self.facts]
        except KeyError as missing:
            raise Malformed(f"{self.name} must carry the fact {missing}") from None
        if len(facts) != len(values):
            raise Malformed(f"{self.name} does not carry {', '.join(sorted(facts.keys() - set(self.facts)))}")
        # Most facts are short texts: they skip a call, half of what making an event costs.
        texts = [
            encode_basestring(value) if type(value) is str and len(value) <= LONGEST_TEXT else _encode(value) for value in values
        ]
        encoded = self.form % tuple(texts)
        if not encoded.isascii():
            _refuse_half_surrogates(encoded)
        return Event(self.name, facts, encoded)


def event(type: str, **facts: Fact) -> Event:
    """Make an event by the name of its type.

    Raises:
        Malformed: unknown type, or facts that are not those of the type.
    """
    known = EVENTS.get(type)
    if known is None:
        raise Malformed(f"not an event of this journal: {type!r}")
    return known(**facts)


def _encode(value: object) -> str:
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise Malformed(f"a fact of {len(value)} characters is a document; record its hash")
        return encode_basestring(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if abs(value) >= _LARGEST_NUMBER:
            raise Malformed("a number of more than 63 bits is written as text")
        return str(value)
    if isinstance(value, list | tuple) and len(value) <= LONGEST_LIST and all(isinstance(item, str) for item in value):
        return f"[{','.join([_encode(item) for item in value])}]"
    raise Malformed(f"not a value of a fact: {type(value).__name__}")


def _refuse_half_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Malformed("a fact holds half of a surrogate pair, which has no octets") from None


def _types(*declared: tuple[str, str, str]) -> Mapping[str, EventType]:
    types: dict[str, EventType] = {}
    for name, facts, meaning in declared:
        names = tuple(sorted(facts.split()))
        if name in types or len(set(names)) != len(names) or not VOCABULARY.keys() >= set(names):
            raise ValueError(f"event {name} is declared twice, or has a fact that is repeated or outside the vocabulary")
        form = ",".join([f'"{each}":%s' for each in names])
        types[name] = EventType(name, meaning, names, f"{{{form}}}")
    return MappingProxyType(types)


EVENTS: Mapping[str, EventType] = _types(
    # --- the register (RFC 3647 §3.2) -------------------------------------------------------------------------------------------
    ("snapshot.imported", "sha256 register_date lines people refused_lines by", "a register extraction was read and kept"),
    ("snapshot.refused", "sha256 reason by", "a file was refused as a register extraction"),
    ("plan.approved", "plan officer ordre", "an officer approved a plan"),
    ("plan.applied", "plan snapshot approvals new changed struck_off back", "the register in force became that of the plan"),
    ("sanction.recorded", "subject ordre kind effective until by", "a board's decision on a person, ahead of the register"),
    ("sanction.lifted", "subject ordre kind effective by", "a board's decision ended"),
    # --- officers and structures (§3.2.5, §5.3) ---------------------------------------------------------------------------------
    ("officer.registered", "officer ordre role key by", "an officer received the right to decide, with a signing key"),
    ("officer.withdrawn", "officer ordre reason by", "an officer lost the right to decide"),
    ("organisation.declared", "organisation subject by", "a structure was declared, with the person who answers for it"),
    ("organisation.approved", "organisation officer ordre hash", "an officer approved a structure"),
    ("organisation.proposed", "organisation hash by", "other domains were proposed for a structure"),
    ("organisation.amended", "organisation officer ordre hash certificates", "an officer approved other domains of a structure"),
    ("organisation.kept", "organisation officer ordre reason", "an officer refused other domains of a structure"),
    ("organisation.withdrawn", "organisation reason by", "a structure may ask for nothing more"),
    # --- who is in front of the screen (§5.2.3) ---------------------------------------------------------------------------------
    ("entry.made", "account by", "a one-time link was made, by which an account may register a passkey"),
    ("entry.failed", "account", "a wrong code was typed for a one-time link"),
    ("passkey.registered", "account key kind by", "a passkey was registered; `kind` is the model that the authenticator gave"),
    ("passkey.withdrawn", "account key by", "a passkey opens and signs nothing more"),
    ("recovery.made", "account", "a sheet of recovery codes was made; an earlier one ended"),
    ("recovery.closed", "account", "five wrong recovery codes came for an account within an hour"),
    ("recovery.used", "account certificates", "a recovery code ended the passkeys, sessions and certificates of its owner"),
    ("token.made", "access account scopes until by", "an access token was made, by which a program comes in an account's name"),
    ("token.withdrawn", "access account by", "an access token opens nothing more"),
    # --- requests and orders (§4.1, §4.2) ---------------------------------------------------------------------------------------
    ("request.submitted", "request profile subject key channel by", "a certificate was asked for, possession of its key proven"),
    ("request.approved", "request officer ordre hash", "an officer signed the canonical hash of the request"),
    ("request.refused", "request reason citation by", "a request was refused, by an officer or by a rule"),
    ("grant.given", "request subject ordre profiles approvals hash", "officers granted what a holder may obtain by passkey"),
    ("grant.withdrawn", "request subject ordre reason by", "nothing more is obtained under a grant"),
    ("order.written", "order request profile subject approvals hash", "the approved instruction was handed to the issuer"),
    ("order.failed", "order reason citation", "the issuer did not take the order"),
    # --- certificates (§4.3, §4.9) ----------------------------------------------------------------------------------------------
    ("certificate.prepared", "serial order ca profile profile_hash subject key tbs", "the intent to sign exactly these octets"),
    ("certificate.issued", "serial order ca sha256 not_after", "the signature is made, verified and kept"),
    (
        "certificate.imported",
        "serial ca profile subject key sha256 not_after by",
        "a certificate of an authority, which an offline one signed elsewhere, was verified and kept",
    ),
    ("certificate.abandoned", "serial order ca reason", "an intent that ends without a released certificate"),
    ("certificate.revoked", "serial ca reason revoked_at by", "a certificate is dead for ever"),
    ("certificate.held", "serial ca reason revoked_at by", "a certificate is on hold"),
    ("certificate.released", "serial ca reason by", "a hold ended, the certificate serves again"),
    ("certificate.reason_upgraded", "serial ca was reason by", "a revocation is now known to be a compromise; its date stays"),
    ("certificate.recovered", "serial ca tbs reason revoked_at by", "what a restore lost is entered: it is revoked"),
    ("key.blocked", "key reason certificates by", "a subject key may never be certified again"),
    # --- the authority itself (§4.9.7, §4.10, §5.6, §6.1) -----------------------------------------------------------------------
    ("key.created", "label key kind by", "a key of the authority was made by its custodian; `kind` is its algorithm"),
    ("key.found", "label key kind by", "a key of that name was there already: an attempt that died made it, or somebody else"),
    ("ca.created", "ca serial sha256 key not_after by", "a certification authority received its certificate"),
    ("responder.renewed", "ca responder sha256 key not_after", "an OCSP responder received its certificate"),
    ("crl.published", "ca shard number this_update next_update entries sha256", "a revocation list was signed and handed over"),
    (
        "crl.imported",
        "ca shard number this_update next_update entries sha256 by",
        "the list of an offline authority was verified and handed over as it is",
    ),
    ("ceremony.held", "script sha256 by", "a ceremony came to its end; `sha256` is that of its transcript"),
    ("crl.raised", "ca shard number was by", "after a restore, a list's number goes on above all that was published"),
    # --- running it (§5.4.1, §5.7) ----------------------------------------------------------------------------------------------
    ("authority.restored", "backup entries root made_at by", "the authority was put back from a backup; it issues nothing"),
    ("authority.reconciled", "witnessed certificates revoked lists by", "what a restore lost is known: it issues again"),
    ("config.loaded", "config mode version process", "a process read its configuration and took it as its law"),
    ("alarm.raised", "what process", "integrity was in doubt: what was under way stopped, and somebody was called"),
)
"""Every type of event, by name. Nothing else can be written."""
