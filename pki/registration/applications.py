"""Applications for certificates, from a form, a command or a CSV file (RFC 3647 §4.1).

An application says what somebody claims; nothing here is believed yet. The CSV has a header line; columns are
recognised by name in French or English, in any order, separated by ``;`` or ``,``. Each line stands alone: a bad one is
reported with its number and reason, and the others go on.
"""

from __future__ import annotations

import base64
import csv
import io
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trust.errors import Malformed

MAX_LINES = 10_000
MAX_OCTETS = 64 * 1024 * 1024
_COLUMNS = {
    "rpps": "number",
    "idnat": "number",
    "numero": "number",
    "structure": "number",
    "nom": "family_name",
    "family name": "family_name",
    "prenom": "given_name",
    "given name": "given_name",
    "profil": "profile",
    "profile": "profile",
    "courriel": "email",
    "email": "email",
    "csr": "csr",
    "demande": "csr",
    "domaines": "dns_names",
    "dns names": "dns_names",
    "application": "common_name",
    "common name": "common_name",
}


@dataclass(frozen=True, slots=True)
class Application:
    """What is claimed, for one certificate."""

    number: str
    """RPPS or IdNat_PS of a person; Struct_IdNat of a structure."""
    profile: str
    csr: bytes
    family_name: str = ""
    given_name: str = ""
    email: str | None = None
    dns_names: tuple[str, ...] = ()
    common_name: str = ""
    line: int = 0
    """Where it stands in the file, for the report; 0 when there is no file."""


@dataclass(frozen=True, slots=True)
class LineError:
    """A line that cannot be taken, and why."""

    line: int
    number: str
    reason: str


def read_csv(content: bytes, default_profile: str, open_csr: Callable[[str], bytes]) -> Iterator[Application | LineError]:
    """Read a CSV of applications.

    Args:
        content: the file, UTF-8.
        default_profile: for lines without a profile column.
        open_csr: how to get a certification request that the column ``csr`` names by a file rather than carries in base64.

    Raises:
        Malformed: the file as a whole is not such a CSV (encoding, header, size).
    """
    if len(content) > MAX_OCTETS:
        raise Malformed(f"the file is larger than {MAX_OCTETS // 1024 // 1024} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"the file is not UTF-8 (octet {error.start})") from None
    header, _, _ = text.partition("\n")
    rows = csv.reader(io.StringIO(text), delimiter=";" if ";" in header else ",")
    try:
        columns = [_COLUMNS.get(_plain(name)) for name in next(rows)]
    except (StopIteration, csv.Error):
        raise Malformed("the file is empty or its header cannot be read") from None
    for needed in ("number", "csr"):
        if needed not in columns:
            raise Malformed(
                f"the header has no column for {'the RPPS' if needed == 'number' else 'the certification request (csr)'}"
            )
    yield from _lines(rows, columns, default_profile, open_csr)


def _lines(
    rows: Iterator[list[str]], columns: list[str | None], default_profile: str, open_csr: Callable[[str], bytes]
) -> Iterator[Application | LineError]:
    line = 1
    while True:
        line += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield LineError(line, "", f"cannot be read: {error}")
            continue
        if line > MAX_LINES + 1:
            raise Malformed(f"the file has more than {MAX_LINES} lines: cut it in two")
        if not any(row):
            continue
        filled = [(name, value.strip()) for name, value in zip(columns, row, strict=False) if name and value.strip()]
        values = dict(reversed(filled))
        number = values.get("number", "")
        try:
            if len(values) < len(filled):
                raise Malformed("this line says the same thing twice, in two columns")
            yield Application(
                number=number,
                profile=values.get("profile") or default_profile,
                csr=_csr(values.get("csr", ""), open_csr),
                family_name=values.get("family_name", ""),
                given_name=values.get("given_name", ""),
                email=values.get("email") or None,
                dns_names=tuple(values.get("dns_names", "").split()),
                common_name=values.get("common_name", ""),
                line=line,
            )
        except Malformed as error:
            yield LineError(line, number, str(error))


def _csr(value: str, open_csr: Callable[[str], bytes]) -> bytes:
    if not value:
        raise Malformed("no certification request")
    if value.startswith("MI"):  # A SEQUENCE of more than 127 octets begins so in base64.
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:
            raise Malformed("the certification request is not base64") from None
    return open_csr(value)


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.strip().casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).replace("_", " ").split())
