"""Words for what services refuse: they speak English, with the rule that they apply; people read a sentence of ours.

Each table goes from what the English says to the French, which may take parts of it (``\\1``). A refusal that has no sentence is
said by its rule, with the English below for whoever helps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Flask, jsonify, render_template, request

from trust.errors import SceauError
from web.kit.language import N_, _
from web.kit.problem import TITLES, status_of

Table = tuple[tuple[str, str], ...]

SERVERS: Table = (
    (
        r"is not in a domain (?:declared|approved)",
        N_("Un nom de serveur n'est pas dans un domaine approuvé pour cette structure. Proposez d'abord ce domaine."),
    ),
    (
        r"neither a DER request nor one PEM|not a PKCS#10 request",
        N_("Ce n'est pas une demande de certificat (CSR) en PEM, seule et entière."),
    ),
    (r"not signed by its own key", N_("La demande de certificat n'est pas signée par sa propre clé.")),
    (
        r"signed with an algorithm that proves nothing",
        N_("La demande est signée avec un algorithme périmé : refaites-la avec SHA-256."),
    ),
    (r"no server name was given", N_("Donnez les noms du serveur : la demande n'en contient pas.")),
    (r"this key was certified before", N_("Cette clé a déjà un certificat : faites-en une nouvelle, sur le serveur.")),
    (r"known to be compromised", N_("Cette clé est connue pour être compromise.")),
    (r"a server has DNS names", N_("Seul un serveur a des noms de domaine : laissez-les vides pour un autre usage.")),
    (r"without a wildcard", N_("Un domaine se déclare sans étoile.")),
    (r"are the domains of this structure already", N_("Ce sont déjà les domaines de la structure : rien ne change.")),
    (r"^dns_names: the same name twice", N_("Le même nom de serveur est donné deux fois.")),
    (r"^dns_names: the first one", N_("Le premier nom de serveur est trop long : mettez le plus court en tête.")),
    (r"^dns_names", N_("Un nom de serveur ou de domaine n'a pas la forme attendue.")),
    (
        r"^(?:name|common_name|organisation)",
        N_("Le nom est vide, trop long, ou a des caractères qu'un certificat ne peut pas porter."),
    ),
    (r"this is not what waits any more", N_("Autre chose est proposé depuis : relisez la page.")),
)
"""About servers, domains and requests pasted in."""


def said_by(table: Table, english: str) -> str | None:
    """Say in the language of the page what the English says, if the table knows it."""
    found = ((re.search(pattern, english), french) for pattern, french in table)
    return next((match.expand(_(french)) for match, french in found if match is not None), None)


def install(app: Flask, say: Callable[[str], str | None]) -> None:
    """Have an application tell people why something is refused, where `say` knows the words; all else is said as everywhere."""
    otherwise: Callable[[SceauError], Any] = app.error_handler_spec[None][None][SceauError]

    def told(error: SceauError) -> Any:
        answer, status, said = otherwise(error), status_of(error), say(str(error))
        if said is None:
            return answer
        if request.accept_mimetypes.best == "application/json":
            return jsonify(error=said, advice="", detail=str(error)), status
        title, advice = map(_, TITLES[status])
        return render_template("problem.html", title=title, rule=said, advice=advice, detail=str(error), status=status), status

    app.register_error_handler(SceauError, told)
