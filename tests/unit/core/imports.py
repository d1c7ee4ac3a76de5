"""Imports, their Jobs and pods, as the tests of decisions about them need these."""

from dataclasses import replace
from typing import Any

from alembic_operator.api.imports import ImportSpec, ImportStatus
from alembic_operator.api.status import RevisionsStatus, Status
from alembic_operator.contract.imports import ImportAnswer
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.decide import Decided, decide
from alembic_operator.core.imports.observation import Ground, Import, ImportPod, ImportSeen
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.source import PodParts
from tests.unit.core.builders import IMAGE, NOW, ON_POSTGRES, POSTGRES, RUNNER_IMAGE, a_migration, at

SQLITE = {"volume": {"persistentVolumeClaim": {"claimName": "data"}}, "path": "app.db"}
SPEC: dict[str, Any] = {"migrationRef": {"name": "users"}, "from": {"sqlite": SQLITE}}
DONE = ImportAnswer("imported", tables=2, rows=30, seconds=3.0, equal=True)


def an_import(**changes: Any) -> Import:
    plain = Import("shop", "past", "i-1", 1, "", ImportSpec.model_validate(SPEC), "", ImportStatus())
    return replace(plain, **changes)


def ground(**changes: Any) -> Ground:
    revisions = RevisionsStatus(current=("b2",), target=("b2",), pending=0)
    migration = a_migration(ON_POSTGRES, status=Status(revisions=revisions))
    plain = Ground(migration, ready=True, source=PodParts({"image": IMAGE}, {}), server=POSTGRES)
    return replace(plain, **changes)


def seen(**changes: Any) -> ImportSeen:
    return replace(ImportSeen(NOW, an_import(), ground(), (), (), RUNNER_IMAGE), **changes)


NAME = Case(seen()).name


def a_job(**changes: Any) -> Job:
    plain = Job(NAME, "j-1", "i-1", 1, at(-60), deleting=False, outcome="", finished_at="", failure="")
    return replace(plain, **changes)


def a_pod(**changes: Any) -> ImportPod:
    plain = ImportPod("pod", NAME, at(-50), "Running", "load", "", "", "", None, None, "")
    return replace(plain, **changes)


def ended(answer: ImportAnswer | None, ago: float = 5, code: int = 70, **changes: Any) -> dict[str, Any]:
    outcome = "Complete" if answer and answer.outcome == "imported" else "Failed"
    pod = a_pod(exit_code=0 if outcome == "Complete" else code, answer=answer, ended_as="Error", phase=outcome)
    return {"jobs": (a_job(outcome=outcome, finished_at=at(-ago), **changes),), "pods": (pod,)}


def look(**changes: Any) -> Decided:
    return decide(Case(seen(**changes)))
