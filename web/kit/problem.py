"""Errors as pages: what happened, in plain words, and what to do; the status that the protocol has for it.

A refusal cites the policy: the page says the rule in words of its own, by its number. What the code says in English stands below,
for whoever the person asks for help.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, current_app, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, TooManyRequests

from trust.errors import Alarm, Conflict, Malformed, Missing, Refused, SceauError, Unavailable
from web.kit.language import N_, _

STATUS: tuple[tuple[type[SceauError], int], ...] = (
    (Malformed, 400),
    (Refused, 403),
    (Missing, 404),
    (Conflict, 409),
    (Unavailable, 503),
    (Alarm, 503),
)
TITLES = {
    400: (N_("Ce qui a été envoyé ne peut pas être lu"), N_("Revenez à la page précédente et corrigez ce qui est indiqué.")),
    401: (N_("Votre session est terminée"), N_("Connectez-vous de nouveau : rien n'a été changé.")),
    403: (N_("C'est refusé"), N_("Rien n'a été changé.")),
    404: (N_("Il n'y a rien ici"), N_("L'adresse est fausse, ou ce qu'elle désignait n'est pas à vous.")),
    405: (N_("Cette adresse ne se consulte pas ainsi"), N_("Revenez à la page précédente.")),
    409: (N_("C'est déjà fait, ou cela a changé entre-temps"), N_("Rechargez la page pour voir où en sont les choses.")),
    413: (N_("C'est trop volumineux"), N_("Envoyez un fichier plus petit, ou en plusieurs fois.")),
    415: (N_("Ce format n'est pas accepté"), N_("Envoyez l'un des formats indiqués sur la page.")),
    429: (N_("C'est trop, trop vite"), N_("Attendez quelques minutes, puis recommencez.")),
    500: (
        N_("Une erreur de notre fait s'est produite"),
        N_("Rien n'a été changé. Elle est dans le journal ; réessayez plus tard."),
    ),
    503: (N_("Le service ne répond pas en ce moment"), N_("Rien n'est perdu. Réessayez dans une minute.")),
}
RULES = {
    "CP 3.2.1": N_("La clé n'est pas prouvée, ou n'est pas celle de la demande."),
    "CP 3.2.3": N_("Le registre national ne dit pas la même chose que cette demande, ou il est trop ancien."),
    "CP 3.2.5": N_("Cet ordre, ou cette personne, ne peut pas décider de cela."),
    "CP 4.2.2": N_("Ce qui a été signé n'est pas cette demande."),
    "CP 4.7.1": N_("Ce n'est pas le moment : un certificat se renouvelle dans le dernier tiers de sa vie, par une clé neuve."),
    "CP 4.7.2": N_("L'ordre ne l'a pas accordé, ou son accord ne vaut plus."),
    "CP 4.9.1": N_("Ce motif n'est pas permis pour ce certificat."),
    "CP 4.9.2": N_("Seuls l'ordre ou le titulaire peuvent demander cela."),
    "CP 4.9.12": N_("Cette clé a été compromise : elle ne sera plus jamais certifiée."),
    "CP 4.9.16": N_("Ce qui a suspendu ce certificat dure encore : seule sa fin lève la suspension."),
    "CP 5.2.1": N_("Aucun mandat ne donne ce pouvoir."),
    "CP 5.2.2": N_("Qui demande n'approuve pas, et nul ne décide pour soi-même : il faut une autre personne."),
    "CP 5.2.3": N_("La clé d'accès, le lien ou le code n'est pas (ou n'est plus) valable."),
    "CP 6.1.1": N_("Cette clé est déjà certifiée pour quelqu'un d'autre."),
    "CP 6.1.5": N_("Cette clé n'est pas d'un type ou d'une taille acceptés."),
    "CP 6.1.6": N_("Cette clé est faible."),
    "CP 6.2.1": N_(
        "Ce modèle de clé d'accès n'est pas accepté ici, ou son fabricant ne s'en porte pas garant. Prenez un appareil de la "
        "liste que l'on vous a donnée."
    ),
}
"""What a refusal means, by the paragraph of the policy that it cites."""
_CITATION = re.compile(r"CP \d+(?:\.\d+)*")


def install(app: Flask) -> None:
    """Give an application its words for errors."""
    app.register_error_handler(SceauError, _known)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unknown)


def explain(error: SceauError) -> str:
    """Say an error in the language of the page: by its rule if it cites one, else by its kind."""
    citation = _CITATION.search(str(error))
    if citation is not None and citation[0] in RULES:
        return _(RULES[citation[0]])
    return _(TITLES[status_of(error)][0]) + "."


def status_of(error: SceauError) -> int:
    """Return the HTTP status of an error's family."""
    return next((status for family, status in STATUS if isinstance(error, family)), 500)


def _known(error: SceauError) -> Any:
    status = status_of(error)
    if status >= 500:
        current_app.logger.error("%s: %s", type(error).__name__, error)
    if status in (403, 404) and g.get("session") is not None:
        # Somebody who is signed in asks for what is not theirs, or does not exist. Not who: the table of sessions tells.
        current_app.logger.warning(
            "refused (%d): %s %s, session %s", status, request.method, request.endpoint, g.session.id[:4].hex()
        )
    return _page(status, explain(error) if isinstance(error, Refused) else "", str(error))


def _of_http(error: HTTPException) -> Any:
    answer = make_response(_page(error.code or 500, "", ""))
    if isinstance(error, TooManyRequests):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _unknown(error: Exception) -> Any:
    current_app.logger.exception("a page failed")
    return _page(500, "", "")


def _page(status: int, rule: str, detail: str) -> Any:
    title, advice = map(_, TITLES.get(status, TITLES[500 if status >= 500 else 400]))
    if request.accept_mimetypes.best == "application/json":
        return jsonify(error=rule or title, advice=advice, detail=detail), status
    return render_template("problem.html", title=title, rule=rule, advice=advice, detail=detail, status=status), status
