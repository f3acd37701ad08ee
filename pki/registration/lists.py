"""Lists of people to enrol, from a spreadsheet or a CSV, as an ordre has them (RFC 3647 §4.1.2; CP 4.1.2).

The first line names the columns, in any order: RPPS, name, given name; a mail address for the link, where the ordre has one; the
certificates wanted, if they differ from line to line.
Each line stands alone: a bad one is reported with its number and reason. A spreadsheet is read as data: a formula is refused, for
what it shows depends on who opens it. Nothing here is believed yet.
"""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from xml.parsers import expat

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from pki.registration.applications import MAX_LINES, LineError
from pki.registration.grants import GrantApplication
from trust.errors import Malformed

LARGEST = 8 * 1024 * 1024
"""Octets of a list as it is sent."""
LARGEST_INSIDE = 24 * 1024 * 1024
"""Octets of all that a spreadsheet unfolds to: it is a zip, and a small one can hold a very large one."""
MOST_MEMBERS = 200
MOST_COLUMNS = 50
LONGEST_VALUE = 200
_COLUMNS = {
    "rpps": "number",
    "numero rpps": "number",
    "n° rpps": "number",
    "no rpps": "number",
    "identifiant pp": "number",
    "idnat": "number",
    "numero": "number",
    "nom": "family_name",
    "nom d'exercice": "family_name",
    "family name": "family_name",
    "prenom": "given_name",
    "prenom d'exercice": "given_name",
    "given name": "given_name",
    "courriel": "email",
    "email": "email",
    "e-mail": "email",
    "mail": "email",
    "adresse electronique": "email",
    "profil": "profiles",
    "profils": "profiles",
    "certificats": "profiles",
    "profiles": "profiles",
}
_PROFILES = {
    "authentification": "ps-authentification",
    "signature": "ps-signature",
    "chiffrement": "ps-chiffrement",
}
_NEEDED = {"number": "RPPS", "family_name": "Nom", "given_name": "Prénom"}
Row = tuple[int, list[str] | str]
"""The number of a line, with its values, or with why it has none."""


def read_list(content: bytes, profiles: Sequence[str]) -> list[GrantApplication | LineError]:
    """Read a list: an XLSX by its first octets, a CSV otherwise.

    Args:
        content: the file.
        profiles: for lines that name none.

    Raises:
        Malformed: the file as a whole is no such list (form, header, size).
    """
    if len(content) > LARGEST:
        raise Malformed(f"the file is larger than {LARGEST // 1024 // 1024} MiB")
    if not content:
        raise Malformed("the file is empty")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Malformed("this is a spreadsheet of the old form (.xls): save it as .xlsx")
    rows = _sheet(content) if content.startswith(b"PK") else _text(content)
    first = next(rows, None)
    if first is None or isinstance(first[1], str):
        raise Malformed("the file is empty or its header cannot be read")
    columns = [_COLUMNS.get(_plain(name)) for name in first[1]]
    lacking = [title for name, title in _NEEDED.items() if name not in columns]
    if lacking:
        raise Malformed(f"the header has no column for {', '.join(lacking)}")
    found: list[GrantApplication | LineError] = []
    for line, values in rows:
        if isinstance(values, str):
            found.append(LineError(line, "", values))
        elif any(values):
            found.append(_application(line, values, columns, profiles))
        if len(found) > MAX_LINES:
            raise Malformed(f"the file has more than {MAX_LINES} lines: cut it in two")
    return found


def _application(
    line: int, row: Sequence[str], columns: Sequence[str | None], profiles: Sequence[str]
) -> GrantApplication | LineError:
    filled = [(name, value) for name, value in zip(columns, row, strict=False) if name and value]
    values = dict(reversed(filled))
    number = values.get("number", "")[:LONGEST_VALUE]
    if len(values) < len(filled):
        return LineError(line, number, "this line says the same thing twice, in two columns")
    if not all(len(value) <= LONGEST_VALUE and value.isprintable() for value in values.values()):
        return LineError(line, number, "this line cannot be read: a value is too long, or holds what cannot be shown")
    if not number:
        return LineError(line, "", "this line has no RPPS number")
    wanted = tuple(_profile(each) for each in values.get("profiles", "").replace(",", " ").replace(";", " ").split())
    names = (values.get("family_name", ""), values.get("given_name", ""))
    return GrantApplication("".join(number.split()), wanted or tuple(profiles), *names, line, address(values.get("email", "")))


def address(typed: str) -> str:
    """Return a mail address as it is kept: the domain in small letters."""
    local, at, domain = typed.strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def _profile(word: str) -> str:
    return _PROFILES.get(_plain(word), word)


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.strip().casefold().replace("’", "'").replace("º", "°"))
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).replace("_", " ").split())


# --- CSV ----------------------------------------------------------------------------------------------------------------------


def _text(content: bytes) -> Iterator[Row]:
    text = _decoded(content)
    header, _, _ = text.partition("\n")
    separator = max(";,\t", key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield rows.line_num, f"this line cannot be read: {error}"
            continue
        yield rows.line_num, [value.strip() for value in row[:MOST_COLUMNS]]


def _decoded(content: bytes) -> str:
    """Read text as spreadsheets write it: UTF-8, UTF-16 with its mark, or the encoding of Windows in western Europe."""
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise Malformed(f"the file is neither UTF-8 nor Windows-1252 (octet {error.start})") from None


# --- XLSX ---------------------------------------------------------------------------------------------------------------------


# What the readers of zip, XML and openpyxl raise on octets that are no spreadsheet.
_UNREADABLE = (
    ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError, RuntimeError, SyntaxError, TypeError,
    ValueError, InvalidFileException, expat.ExpatError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class _Begun(Exception):
    """The first element of a document was reached."""


def _sheet(content: bytes) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    except Malformed:
        raise
    except _UNREADABLE as error:
        raise Malformed(f"this spreadsheet cannot be read: {type(error).__name__}") from None
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its own size may be false
        for line, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), 1):
            if line > 2 * MAX_LINES:
                raise Malformed(f"the file has more than {MAX_LINES} lines: cut it in two")
            if any(cell.data_type == "f" for cell in row):
                yield line, "this line holds a formula: paste its value instead"
            else:
                yield line, [_value(cell.value) for cell in row]
    except Malformed:
        raise
    except _UNREADABLE as error:
        raise Malformed(f"this spreadsheet cannot be read: {type(error).__name__}") from None
    finally:
        book.close()


def _check_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS or sum(each.file_size for each in members) > LARGEST_INSIDE:
        raise Malformed("this spreadsheet unfolds to too much")
    for each in members:
        if each.flag_bits & 1:
            raise Malformed("this spreadsheet is locked by a password")
        if each.filename.endswith((".bin", ".xlsb")) and "vba" in each.filename.lower():
            raise Malformed("this spreadsheet holds macros: save it as .xlsx")
        if each.filename.endswith((".xml", ".rels")):
            _refuse_declarations(archive, each)


def _refuse_declarations(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse a document that declares a type: no spreadsheet does, and entities are how a small one becomes large."""
    parser = expat.ParserCreate()

    def declared(*_: object) -> None:
        raise Malformed("this spreadsheet declares entities")

    def begun(*_: object) -> None:
        raise _Begun

    parser.StartDoctypeDeclHandler = declared
    parser.StartElementHandler = begun
    try:
        with archive.open(member) as stream:
            parser.ParseFile(stream)
    except _Begun:
        return


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a spreadsheet has no whole numbers of its own
    return str(value).strip()
