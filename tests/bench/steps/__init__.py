"""Read how long the steps of the operator's event loop took; it notes them because of `sitecustomize.py` here."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One callback of the event loop, during which it does nothing else."""

    at: float
    """When it ended, on the monotonic clock."""
    ms: float
    """How long it took: also while the machine did something else."""
    cpu_ms: float
    """How much of a processor it took."""
    gc_ms: float
    """How much of that the collection of garbage took."""
    what: str


def noted_in(file: Path) -> dict[str, str]:
    """Return the environment of a process that is to note its long steps."""
    return {"PYTHONPATH": str(Path(__file__).parent), "STEPS": str(file)}


def read(file: Path, begin: float, end: float) -> list[Step]:
    """Return the long steps between two moments."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [step for step in (Step(**json.loads(line)) for line in lines) if begin <= step.at <= end]
