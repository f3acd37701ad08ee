"""What no profile may say, whatever the policy (RFC 5280 §4.2; RFC 3161 §2.3; RFC 6960 §4.2.2.2).

Each rule is a sentence about one profile: it yields the contradictions it finds and decides nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pki.profiles.model import AlternativeName, Profile, RevocationList

_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.ASCII)


def contradictions(profile: Profile) -> Iterator[str]:
    """Yield every contradiction of a profile, in words for its author."""
    if _ID.fullmatch(profile.id) is None:
        yield "id is lower-case words with hyphens"
    if not profile.subject_keys or not profile.key_usage:
        yield "subject_keys and [usage] key name at least one thing each"
    yield from _validity(profile)
    yield from _names(profile)
    yield from _authority(profile)
    yield from _usages(profile)
    yield from _status(profile)


def _validity(profile: Profile) -> Iterator[str]:
    if profile.validity_days < 1:
        yield "[validity] days is at least 1"
    if profile.backdate_seconds < 0:
        yield "[validity] backdate_seconds is not negative"
    if profile.private_key_margin_days is not None and not 0 < profile.private_key_margin_days < profile.validity_days:
        yield "[validity] private_key_margin_days is more than 0 and less than days"


def _names(profile: Profile) -> Iterator[str]:
    form = profile.alternative_name
    wanted = {AlternativeName.UPN: "person", AlternativeName.EMAIL: "person", AlternativeName.DNS: "server"}.get(form)
    if wanted is not None and profile.subject != wanted:
        yield f"[names] alternative {form.value!r} is for a {wanted}"
    if (profile.subject == "server") != (form is AlternativeName.DNS):
        yield "[names] a server, and nothing else, has its names in alternative 'dns' (RFC 9525 §2)"
    if (form is AlternativeName.UPN) != (profile.upn_domain is not None):
        yield "[names] upn_domain goes with alternative 'upn'"
    if profile.upn_domain is not None and _DOMAIN.fullmatch(profile.upn_domain) is None:
        yield "[names] upn_domain is a lower-case domain name"
    if (profile.wildcard or profile.bare_names) and form is not AlternativeName.DNS:
        yield "[names] wildcard and bare_names go with alternative 'dns'"
    if profile.profession and profile.subject != "person":
        yield "[health] profession is for a person"
    if profile.card_type is not None and not 0 <= profile.card_type <= 127:
        yield "[health] card_type is 0 to 127"


def _authority(profile: Profile) -> Iterator[str]:
    signs = "key_cert_sign" in profile.key_usage
    if not profile.authority == signs == (profile.subject == "authority"):
        yield "an authority has subject 'authority', a table [authority] and key_cert_sign: all three or none (RFC 5280 §4.2.1.9)"
    if profile.authority and profile.extended_usage:
        yield "[usage] the certificate of an authority has no extended usage: a CA that answers OCSP or signs mail is two things"
    if profile.path_length is not None and profile.path_length < 0:
        yield "[authority] path_length is not negative"
    if profile.any_policy and not profile.authority:
        yield "[policy] any_policy is for authorities (RFC 5280 §4.2.1.4)"
    if not profile.states_policy and not profile.authority:
        yield "[policy] only an authority may leave its policy unstated"
    if not profile.states_policy and not profile.any_policy and not profile.self_signed:
        yield "[policy] an issuing CA states a policy or anyPolicy: no path through it would have one (RFC 5280 §6.1.3)"


def _usages(profile: Profile) -> Iterator[str]:
    extended = profile.extended_usage
    if profile.extended_critical and not extended:
        yield "[usage] extended_critical without extended"
    if "time_stamping" in extended and (len(extended) > 1 or not profile.extended_critical):
        yield "[usage] time_stamping is alone and critical (RFC 3161 §2.3)"
    if "ocsp_signing" in extended and len(extended) > 1:
        yield "[usage] ocsp_signing is alone: whoever answers for status does nothing else"
    if profile.ocsp_no_check != ("ocsp_signing" in extended):
        yield "[status] ocsp_no_check goes with ocsp_signing (RFC 6960 §4.2.2.2.1)"
    if "key_encipherment" in profile.key_usage and not all(name.startswith("RSA-") for name in profile.subject_keys):
        yield "[usage] key_encipherment needs RSA subject keys (RFC 8813 §3)"


def _status(profile: Profile) -> Iterator[str]:
    unlisted = profile.revocation_list is RevocationList.NONE
    if profile.self_signed and not (unlisted and not profile.ocsp and not profile.ca_issuers):
        yield "[status] a root points at no list, no responder and no issuer"
    if profile.freshest and unlisted:
        yield "[status] freshest goes with a revocation_list"
    if unlisted and not (profile.ocsp or profile.self_signed or profile.ocsp_no_check):
        yield "[status] a certificate names a revocation list or an OCSP responder (CP 4.10)"
