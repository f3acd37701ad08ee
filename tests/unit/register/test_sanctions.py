"""An ordre's file of decisions."""

from __future__ import annotations

from datetime import date

import pytest

from pki.register import BadLine, Decision, DecisionKind, Effect, read_decisions
from pki.register.sanctions import SIZE_LIMIT
from trust.errors import Malformed

FILE = """rpps;decision;date;reference
99700000013;radiation;2026-11-20;CNOM 2026-114
99700000021;Suspension;21/11/2026;CNOM 2026-115
99700000039;opposition;2026-11-20;CNOM 2026-116

99700000021;levée;2026-12-21;CNOM 2026-140
"""


def test_the_decisions_of_a_file_are_read_in_order() -> None:
    """Accents and case aside, dates in either form, blank lines skipped but counted."""
    assert read_decisions(FILE.encode()).whole() == (
        Decision(2, "899700000013", DecisionKind.RADIATION, date(2026, 11, 20), "CNOM 2026-114"),
        Decision(3, "899700000021", DecisionKind.SUSPENSION, date(2026, 11, 21), "CNOM 2026-115"),
        Decision(4, "899700000039", DecisionKind.OPPOSITION, date(2026, 11, 20), "CNOM 2026-116"),
        Decision(6, "899700000021", DecisionKind.LEVEE, date(2026, 12, 21), "CNOM 2026-140"),
    )


@pytest.mark.parametrize(
    ("decision", "effect"),
    [("radiation", Effect.REVOKE), ("opposition", Effect.REVOKE), ("suspension", Effect.HOLD), ("levee", Effect.RELEASE)],
)
def test_each_decision_has_one_effect(decision: str, effect: Effect) -> None:
    """A strike-off and an opposition revoke, a suspension holds, its lifting releases."""
    assert DecisionKind(decision).effect is effect


def test_columns_may_come_in_any_order_with_commas_and_idnat() -> None:
    """A spreadsheet's habits: byte order mark, CRLF, commas, quotes."""
    octets = '\ufeffRéférence,Date d’effet,IDNAT,Décision\r\n"Avis 3, section A",2026-11-20,899700000013,RADIATION\r\n'.encode()

    [decision] = read_decisions(octets).whole()

    assert (decision.idnat, decision.reference) == ("899700000013", "Avis 3, section A")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("99700000014;radiation;2026-11-20;R", "wrong key"),
        ("899700000013;radiation;2026-11-20;R", "11 characters, not 12"),
        ("99700000013;amende;2026-11-20;R", "none of radiation"),
        ("99700000013;;2026-11-20;R", "none of radiation"),
        ("99700000013;radiation;20-11-2026;R", "neither"),
        ("99700000013;radiation;2026-02-30;R", "neither"),
        ("99700000013;radiation;20261120;R", "neither"),
        ("99700000013;radiation;2026-W47-5;R", "neither"),
        ("99700000013;radiation;2026-11-20;", "reference"),
        ("99700000013;radiation;2026-11-20;A\x07B", "reference"),
        ("99700000013;radiation;2026-11-20", "3 cells"),
        ("99700000021;radiation;2026-11-20;again", "on line 2"),
    ],
)
def test_a_bad_line_is_named_by_its_number_and_the_file_is_not_whole(line: str, reason: str) -> None:
    """Half of an ordre's decisions is not what it decided."""
    found = read_decisions(f"rpps;decision;date;reference\n99700000021;radiation;2026-11-20;R\n{line}\n".encode())

    assert len(found.decisions) == 1
    [bad] = found.refused
    assert bad.number == 3
    assert reason in bad.reason
    with pytest.raises(Malformed, match="line 3"):
        found.whole()


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"rpps;decision;date;reference\n", "no decision"),
        (b"rpps;decision;date\n1;2;3\n", "has the columns"),
        (b"rpps;idnat;decision;date;reference\n", "has the columns"),
        (b"decision;date;reference\n", "has the columns"),
        (b"rpps;decision;date;reference;note\n", "'note' is unknown"),
        (b"rpps;rpps;decision;date;reference\n", "twice"),
        ("rpps;décision;date;reference\n".encode("latin-1"), "not UTF-8"),
        (b'rpps;decision;date;reference\n"99700000013;radiation;2026-11-20;R\n', "not CSV"),
        (b"x" * (SIZE_LIMIT + 1), "at most"),
    ],
)
def test_what_is_no_file_of_decisions_is_malformed(octets: bytes, reason: str) -> None:
    """The reason says what is missing."""
    with pytest.raises(Malformed, match=reason):
        read_decisions(octets)


def test_made_up_identifiers_are_read_in_test_mode_only() -> None:
    """As everywhere else."""
    octets = b"idnat;decision;date;reference\n00B6077602;radiation;2026-11-20;R\n"

    assert read_decisions(octets, test_mode=True).whole()[0].idnat == "00B6077602"
    assert read_decisions(octets).refused == (BadLine(2, "an ADELI number holds digits only"),)
