"""What certificates of structures are asked for: the use, the names typed, the request pasted; and the same again to renew.

For officers who ask in a structure's name, and for its administrator.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509

from pki.inventory.model import Certificate
from pki.registration.possession import LARGEST, ProvenKey, prove_possession
from pki.registration.selfservice import Asked
from trust.errors import Malformed
from web.kit.forms import text
from web.kit.language import N_

SERVER = "serveur"
KINDS = {
    SERVER: N_("Serveur (site, messagerie, API)"),
    "org-authentification": N_("Application qui s'identifie (authentification de structure)"),
    "org-cachet": N_("Cachet de documents (cachet de structure)"),
}
"""What may be asked for a structure. Of a server's two profiles, the key of the request says which."""
LONGEST_NAMES = 20_000


def names_typed(body: dict[str, Any], name: str) -> list[str]:
    """Read names typed one by line, or with spaces or commas between them.

    Raises:
        Malformed: it is no text, or a very long one.
    """
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST_NAMES:
        raise Malformed(f"{name} is a list of names")
    return value.replace(",", " ").replace(";", " ").lower().split()


def asked(body: dict[str, Any]) -> Asked:
    """Read the form of a request. A server's names are those typed, else those of the request itself.

    Raises:
        Malformed: it is not what our page sends, the request is not one, or a server has no name.
        Refused: the key of the request is not acceptable, or did not sign it.
    """
    kind, csr = body.get("kind"), body.get("csr")
    if kind not in KINDS or not isinstance(csr, str):
        raise Malformed("this is not what our page sends")
    octets = csr.strip().encode()[: LARGEST + 1]
    proven = prove_possession(octets)
    if kind != SERVER:
        return Asked(str(kind), proven.csr_der, common_name=text(body, "common_name", 100))
    names = names_typed(body, "names") or [name.lower() for name in proven.asked_dns_names]
    if not names:
        raise Malformed("no server name was given, and the request holds none")
    return Asked(_server_profile(proven), proven.csr_der, tuple(dict.fromkeys(names)))


def asked_before(certificate: Certificate) -> dict[str, str]:
    """Return the fields of a request for the same again."""
    server = certificate.profile.startswith(SERVER)
    return {
        "kind": SERVER if server else certificate.profile,
        "names": "\n".join(_hosts(certificate)),
        "common_name": "" if server else _common_name(certificate),
        "not_after": certificate.not_after.isoformat(),
    }


def what(certificate: Certificate) -> str:
    """Say what a structure's certificate names: its servers, or its application."""
    return ", ".join(_hosts(certificate)) or _common_name(certificate)


def _server_profile(proven: ProvenKey) -> str:
    return "serveur-tls-rsa" if proven.algorithm.startswith("RSA") else "serveur-tls-ec"


def _hosts(certificate: Certificate) -> list[str]:
    try:
        names = x509.load_der_x509_certificate(certificate.der).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.DNSName)


def _common_name(certificate: Certificate) -> str:
    found = x509.load_der_x509_certificate(certificate.der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""
