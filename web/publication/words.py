"""The words of the pages that publication makes, in French and in English: both say the same, and every sentence is here."""

from __future__ import annotations

from dataclasses import dataclass

TITLES = {
    "LISEZMOI.md": ("Pour commencer", "Getting started (in French)"),
    "CP.md": ("Politique de certification (CP)", "Certificate policy (CP)"),
    "CPS.md": ("Déclaration des pratiques (CPS)", "Certification practice statement (CPS)"),
    "disclosure.md": ("Déclaration d'information (PDS)", "Disclosure statement (PDS)"),
    "limits.toml": ("Limites promises, lisibles par machine", "Promised limits, machine-readable"),
    "oid-arc.md": ("Identifiants (OID)", "Identifiers (OID)"),
}
"""Title of each policy document in French and in English, in the order in which one reads them."""


@dataclass(frozen=True)
class Words:
    """What the pages say, in one language."""

    code: str
    file: str
    other_code: str
    other_name: str
    other_file: str
    skip: str
    demo: str
    intro: str
    authorities: str
    root: str
    issued_by: str
    until: str
    fingerprint: str
    certificate: str
    chain: str
    crl: str
    delta: str
    shards: str
    check: str
    check_intro: str
    openssl: str
    sceau: str
    certificate_file: str
    chain_file: str
    status: str
    status_text: str
    documents: str
    documents_text: str
    start: str
    journal: str
    journal_text: str
    no_journal: str
    journal_link: str
    key_link: str
    written: str
    months: tuple[str, ...]


FRENCH = Words(
    code="fr",
    file="index.html",
    other_code="en",
    other_name="English",
    other_file="index.en.html",
    skip="Aller au contenu",
    demo="Autorité de démonstration. Ses certificats ne prouvent rien et ne valent pour personne.",
    intro="Ici se trouvent les certificats de cette autorité, ses listes de révocation, ses politiques, et l'état de chacun.",
    authorities="Autorités de certification",
    root="Autorité racine",
    issued_by="Certifiée par",
    until="Valable jusqu'au",
    fingerprint="Empreinte SHA-256",
    certificate="Certificat",
    chain="Chaîne",
    crl="Liste de révocation",
    delta="Liste delta",
    shards="Listes partielles",
    check="Vérifier un certificat",
    check_intro="Comparez d'abord l'empreinte de l'autorité racine avec celle que l'ordre vous a remise par une autre voie.",
    openssl="Avec OpenSSL",
    sceau="Avec Sceau\u00a0: chemin, état et politique, avec les raisons",
    certificate_file="certificat.pem",
    chain_file="chaine.pem",
    status="État d'un certificat en ligne (OCSP)",
    status_text="Adresse du répondeur, par POST ou par GET (RFC 6960, RFC 5019)\u00a0:",
    documents="Politiques",
    documents_text="Les règles que suit cette autorité, et ce que l'on peut en attendre. Ces documents sont du texte.",
    start="Page d'accueil de l'autorité",
    journal="Journal de l'autorité",
    journal_text="Dernier point de contrôle signé\u00a0: il engage l'autorité sur tout ce qu'elle a consigné jusque-là.",
    no_journal="Aucun point de contrôle n'a encore été publié.",
    journal_link="Point de contrôle, tel que signé",
    key_link="Clé qui le vérifie",
    written="Page écrite le",
    months=tuple("janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()),
)
ENGLISH = Words(
    code="en",
    file="index.en.html",
    other_code="fr",
    other_name="Français",
    other_file="index.html",
    skip="Skip to content",
    demo="Demonstration authority. Its certificates prove nothing and count for nobody.",
    intro="Here are this authority's certificates, its revocation lists, its policies, and the status of each certificate.",
    authorities="Certification authorities",
    root="Root authority",
    issued_by="Certified by",
    until="Valid until",
    fingerprint="SHA-256 fingerprint",
    certificate="Certificate",
    chain="Chain",
    crl="Revocation list",
    delta="Delta list",
    shards="Partial lists",
    check="Check a certificate",
    check_intro="First compare the root authority's fingerprint with the one that the ordre gave you by another way.",
    openssl="With OpenSSL",
    sceau="With Sceau: path, status and policy, with reasons",
    certificate_file="certificate.pem",
    chain_file="chain.pem",
    status="Status of a certificate online (OCSP)",
    status_text="Address of the responder, by POST or by GET (RFC 6960, RFC 5019):",
    documents="Policies",
    documents_text="The rules that this authority follows, and what may be expected of it. These documents are plain text.",
    start="Start page of the authority",
    journal="The authority's journal",
    journal_text="Last signed checkpoint: it binds the authority to everything that it recorded until then.",
    no_journal="No checkpoint has been published yet.",
    journal_link="Checkpoint, as signed",
    key_link="Key that verifies it",
    written="Page written on",
    months=tuple("January February March April May June July August September October November December".split()),
)
