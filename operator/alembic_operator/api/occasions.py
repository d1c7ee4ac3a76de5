"""Every reason of an Event, once, with its sentence; the reference page is generated from this list."""

from __future__ import annotations

import enum
from typing import Self


class Occasion(enum.StrEnum):
    """The reason of an Event on the migration or import, or on a workload whose pods wait for it."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make the text itself the member, and hang its sentence on it."""
        occasion = str.__new__(cls, value)
        occasion._value_ = value
        occasion.meaning = meaning
        return occasion

    STARTED = "Started", "A Job was created."
    SUCCEEDED = "Succeeded", "A run ended, and the database contains the target; of an import: its rows."
    FAILED = "Failed", "A run or an import ended with an error or with findings, or is stalled."
    HELD = (
        "Held",
        "The migration or import waits, and the note says for what. For another object it is told after 10 s.",
    )
    PODS_HELD = "PodsHeld", "Pods of a workload wait at their gate; the note says for which revision and since when."
    GATE_SKIPPED = "GateSkipped", "A pod was let through by the annotation alembic-operator.dev/gate."
    STRATEGY_MISMATCH = (
        "StrategyMismatch",
        "The pods were created for another spec.strategy; the note says how to get new ones.",
    )
    UNREADABLE = (
        "Unreadable",
        "A field of an object that belongs to the migration cannot be read, and counts as absent; the note says which.",
    )
    RUNNER_REPLACED = (
        "RunnerReplaced",
        "The ConfigMap alembic-operator-runner had other content than the operator's, and was replaced.",
    )
    ROLLOUT_AT_RISK = "RolloutAtRisk", "A workload's settings do not suit a gate; the note says what to change."
