"""The start page of the repository (RFC 3647 §2.2): what is published, and how to check a certificate with it.

Pure functions from plain facts to pages. The issuer publishes the facts (``authority.json``); publication turns them into pages,
which run no script and load nothing but their style sheet. Each page is French, with an English twin that says the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from typing import Any

from trust.clock import parse
from trust.clock import text as moment_text
from trust.errors import Malformed
from web.publication.words import ENGLISH, FRENCH, TITLES, Words

_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class PublishedAuthority:
    """A CA and what is published about it."""

    ca_id: str
    """As in its addresses: ``aia/{ca_id}.cer``."""
    common_name: str
    fingerprint: bytes
    """SHA-256 of its certificate, 32 octets."""
    not_after: datetime
    issuer: str | None = None
    """Common name of the CA above it; None for a root."""
    shards: int = 0
    """How many partial lists its CRL is cut into, numbered from 0; 0 when it is not."""
    delta: bool = False


@dataclass(frozen=True)
class Repository:
    """Everything that the page tells."""

    name: str
    organisation: str
    mode: str
    """``"demo"``, ``"test"`` or ``"production"``: the first two carry a warning."""
    base_url: str
    authorities: Sequence[PublishedAuthority]
    documents: Sequence[str]
    """Names of the files under ``policies/``."""
    written: datetime
    checkpoint: str = ""
    """The last signed checkpoint of the journal, as published under ``journal/checkpoint``; empty before the first."""


def read_description(content: bytes, documents: Sequence[str], checkpoint: str, written: datetime) -> Repository:
    """Read what the issuer publishes about itself (``authority.json``).

    Raises:
        Malformed: it is not that.
    """
    try:
        facts = json.loads(content)
        names = {ca["id"]: ca["common_name"] for ca in facts["cas"]}
        return Repository(
            name=str(facts["name"]),
            organisation=str(facts["organisation"]),
            mode=str(facts["mode"]),
            base_url=str(facts["ocsp"]).removesuffix("/ocsp"),
            authorities=[_read_authority(ca, names) for ca in facts["cas"]],
            documents=documents,
            written=written,
            checkpoint=checkpoint,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Malformed(f"authority.json does not describe an authority: {error!r}") from None


def _read_authority(ca: dict[str, Any], names: dict[str, str]) -> PublishedAuthority:
    if not _IDENTIFIER.fullmatch(ca["id"]):
        raise ValueError(ca["id"])
    return PublishedAuthority(
        ca_id=ca["id"],
        common_name=str(ca["common_name"]),
        fingerprint=bytes.fromhex(ca["sha256"].replace(":", "")),
        not_after=parse(ca["not_after"]),
        issuer=None if ca["issuer"] is None else names[ca["issuer"]],
        shards=len(ca["shards"]),
        delta=ca["delta"] is not None,
    )


def pages(repository: Repository) -> dict[str, bytes]:
    """Write the pages, by their name under ``www/``."""
    written: dict[str, bytes] = {"style.css": files("web.publication").joinpath("style.css").read_bytes()}
    for words in (FRENCH, ENGLISH):
        written[words.file] = _start_page(repository, words).encode()
        written["policies/" + words.file] = _policies_page(repository, words).encode()
    return written


def _start_page(repository: Repository, words: Words) -> str:
    parts = (
        _authorities(repository, words),
        _checking(repository, words),
        _status(repository, words),
        _documents(repository, words),
        _journal(repository, words),
    )
    return _page(repository, words, "/", repository.name, words.intro, "\n".join(parts))


def _policies_page(repository: Repository, words: Words) -> str:
    start = f'<p><a href="/{words.file}">{escape(words.start)}</a></p>'
    return _page(
        repository, words, "/policies/", words.documents, words.documents_text, _document_links(repository, words) + start
    )


def _page(repository: Repository, words: Words, folder: str, heading: str, intro: str, main: str) -> str:
    name, twin = escape(repository.name), folder + words.other_file
    title = name if heading == repository.name else f"{escape(heading)} — {name}"
    other = f'lang="{words.other_code}" hreflang="{words.other_code}"'
    warning = f'<p class="warning" role="note">{escape(words.demo)}</p>\n' if repository.mode != "production" else ""
    return f"""<!doctype html>
<html lang="{words.code}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="/style.css">
<link rel="alternate" hreflang="{words.other_code}" href="{twin}">
</head>
<body>
<a class="skip" href="#contenu">{escape(words.skip)}</a>
{warning}<header>
<div class="top">
<p>{escape(repository.organisation)}</p>
<p><a class="language" href="{twin}" {other}>{words.other_name}</a></p>
</div>
<h1>{escape(heading)}</h1>
<p>{escape(intro)}</p>
</header>
<main id="contenu">
{main}
</main>
<footer>
<p>{escape(words.written)} {_moment(repository.written, words)}</p>
</footer>
</body>
</html>
"""


def _authorities(repository: Repository, words: Words) -> str:
    cards = "\n".join(_authority(authority, words) for authority in repository.authorities)
    return f"""<section aria-labelledby="ac">
<h2 id="ac">{escape(words.authorities)}</h2>
<div class="cards">
{cards}
</div>
</section>"""


def _authority(authority: PublishedAuthority, words: Words) -> str:
    ca_id, above = escape(authority.ca_id), words.root
    if authority.issuer is not None:
        above = f"{words.issued_by} {authority.issuer}"
    fingerprint = " ".join(f"{octet:02X}" for octet in authority.fingerprint)  # as `openssl x509 -fingerprint` shows it, nearly
    links = [
        (f"/aia/{ca_id}.cer", f"{words.certificate} (DER)"),
        (f"/chain/{ca_id}.pem", f"{words.chain} (PEM)"),
        (f"/crl/{ca_id}.crl", f"{words.crl} (CRL)"),
    ]
    if authority.delta:
        links.append((f"/crl/{ca_id}-delta.crl", f"{words.delta} (CRL)"))
    items = "\n".join(f'<li><a href="{href}">{escape(label)}</a></li>' for href, label in links)
    return f"""<article aria-labelledby="ac-{ca_id}">
<h3 id="ac-{ca_id}">{escape(authority.common_name)}</h3>
<p>{escape(above)}</p>
<dl>
<dt>{escape(words.until)}</dt>
<dd>{_day(authority.not_after, words)}</dd>
<dt>{escape(words.fingerprint)}</dt>
<dd><code>{fingerprint}</code></dd>
</dl>
<ul class="links">
{items}
</ul>
{_shards(authority, words)}</article>"""


def _shards(authority: PublishedAuthority, words: Words) -> str:
    if not authority.shards:
        return ""
    ca_id = escape(authority.ca_id)
    links = "\n".join(f'<li><a href="/crl/{ca_id}/{shard}.crl">{shard}</a></li>' for shard in range(authority.shards))
    title = f"{escape(words.shards)} ({authority.shards})"
    return f'<details>\n<summary>{title}</summary>\n<ul class="links">\n{links}\n</ul>\n</details>\n'


def _checking(repository: Repository, words: Words) -> str:
    issuing = [authority for authority in repository.authorities if authority.issuer is not None] or repository.authorities
    chain, certificate = words.chain_file, words.certificate_file
    base = repository.base_url
    ca_id = issuing[0].ca_id if issuing else "…"
    commands = _commands(
        f"curl -o {chain} {base}/chain/{ca_id}.pem",
        f"openssl verify -CAfile {chain} {certificate}",
        f"openssl ocsp -CAfile {chain} -issuer {chain} -cert {certificate} -url {base}/ocsp",
    )
    return f"""<section aria-labelledby="check">
<h2 id="check">{escape(words.check)}</h2>
<p>{escape(words.check_intro)}</p>
<h3>{escape(words.openssl)}</h3>
{commands}
<h3>{escape(words.sceau)}</h3>
{_commands(f"sceau check {certificate}")}
</section>"""


def _status(repository: Repository, words: Words) -> str:
    return f"""<section aria-labelledby="ocsp">
<h2 id="ocsp">{escape(words.status)}</h2>
<p>{escape(words.status_text)}</p>
{_commands(f"{repository.base_url}/ocsp")}
</section>"""


def _documents(repository: Repository, words: Words) -> str:
    if not repository.documents:
        return ""
    return f"""<section aria-labelledby="policies">
<h2 id="policies">{escape(words.documents)}</h2>
{_document_links(repository, words)}</section>"""


def _document_links(repository: Repository, words: Words) -> str:
    known = list(TITLES)
    names = sorted(repository.documents, key=lambda name: (known.index(name) if name in known else len(known), name))
    items = "\n".join(
        f'<li><a href="/policies/{escape(name)}">{escape(TITLES.get(name, (name, name))[words.code == "en"])}</a></li>'
        for name in names
    )
    return f'<ul class="links">\n{items}\n</ul>\n'


def _journal(repository: Repository, words: Words) -> str:
    title = f'<section aria-labelledby="journal">\n<h2 id="journal">{escape(words.journal)}</h2>\n'
    if not repository.checkpoint:
        return f"{title}<p>{escape(words.no_journal)}</p>\n</section>"
    return f"""{title}<p>{escape(words.journal_text)}</p>
<pre><samp>{escape(repository.checkpoint.strip())}</samp></pre>
<ul class="links">
<li><a href="/journal/checkpoint">{escape(words.journal_link)}</a></li>
<li><a href="/journal/key">{escape(words.key_link)}</a></li>
</ul>
</section>"""


def _commands(*commands: str) -> str:
    """Write commands one to a block, so that a long one that wraps on a phone is still seen to be one."""
    return "<pre>" + "".join(f"<code>{escape(command)}</code>" for command in commands) + "</pre>"


def _day(moment: datetime, words: Words) -> str:
    day = moment.astimezone(UTC)
    return f'<time datetime="{day:%Y-%m-%d}">{day.day} {words.months[day.month - 1]} {day.year}</time>'


def _moment(moment: datetime, words: Words) -> str:
    day = moment.astimezone(UTC)
    return f'<time datetime="{moment_text(day)}">{day.day} {words.months[day.month - 1]} {day.year}, {day:%H:%M} UTC</time>'
