"""The register of health professionals (RPPS) as the registration authority sees it (RFC 3647 §3.2.3 and §3.2.5; CP 3.2.3).

A public extraction becomes one immutable snapshot file, one person a line in canonical order (`snapshot`); two snapshots
become a plan of what changed (`plan`); a person's line becomes an `entry`, which says what they may practise. Decisions that
an ordre states outright (radiation, suspension, opposition) are read by `sanctions`. `generator` writes extractions of
invented people.

Nothing here decides a revocation, keeps a database or speaks to a network: files in, values out, with memory that does not
grow with the register.
"""

from __future__ import annotations

from pki.register.entry import (
    Activity,
    Exercice,
    RegisterEntry,
    Standing,
    WhyNot,
    authority_ordre,
    authority_ordres,
    standing,
)
from pki.register.plan import Change, ChangeKind, ChangeReason, Comparison, PlanSummary, Tally, compare
from pki.register.sanctions import Decision, DecisionFile, DecisionKind, Effect, read_decisions
from pki.register.snapshot import (
    BadLine,
    Contradiction,
    ImportResult,
    Progress,
    Snapshot,
    import_extraction,
    lookup,
    open_snapshot,
    people,
    verify,
)

__all__ = [
    "Activity",
    "BadLine",
    "Change",
    "ChangeKind",
    "ChangeReason",
    "Comparison",
    "Contradiction",
    "Decision",
    "DecisionFile",
    "DecisionKind",
    "Effect",
    "Exercice",
    "ImportResult",
    "PlanSummary",
    "Progress",
    "RegisterEntry",
    "Snapshot",
    "Standing",
    "Tally",
    "WhyNot",
    "authority_ordre",
    "authority_ordres",
    "compare",
    "import_extraction",
    "lookup",
    "open_snapshot",
    "people",
    "read_decisions",
    "standing",
    "verify",
]
