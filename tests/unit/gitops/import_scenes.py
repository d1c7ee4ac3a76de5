"""What a DatabaseImport looks like in every state that a GitOps tool has to judge, made by the operator's own rules."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from alembic_operator.api.imports import KIND, ImportSpec, ImportStatus
from alembic_operator.api.v1alpha1 import API_VERSION
from alembic_operator.contract.imports import ImportAnswer, Told
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.decide import decide
from alembic_operator.core.imports.status import status_after
from alembic_operator.core.observation.reading import Manifest
from tests.unit.core.builders import at
from tests.unit.core.imports import DONE, SPEC, a_job, a_pod, an_import, ended, seen
from tests.unit.gitops.scenes import Health

FOUND = ImportAnswer(
    "findings", total=1, findings=(Told("orphans", "posts", "author", 3, (4, 5, 6), "refer to no row of users"),)
)


@dataclass
class Past:
    """An import, as it was left by the last look."""

    status: ImportStatus = field(default_factory=ImportStatus)
    generation: int = 1

    def look(self, **changes: Any) -> "Past":
        """Look at it once."""
        case = Case(seen(asked=an_import(status=self.status, generation=self.generation), **changes))
        self.status = status_after(case, decide(case))
        return self

    def change(self) -> "Past":
        """Change the specification."""
        self.generation += 1
        return self


SCENES: dict[str, tuple[Health, Callable[[], Past]]] = {
    "progressing_notLookedAt": (Health.PROGRESSING, Past),
    "progressing_waitingForMigration": (Health.PROGRESSING, lambda: Past().look(ground=None)),
    "progressing_importing": (Health.PROGRESSING, lambda: Past().look(jobs=(a_job(),), pods=(a_pod(),))),
    "progressing_interrupted": (
        Health.PROGRESSING,
        lambda: Past().look(**ended(ImportAnswer("again", "no", reason="DatabaseUnreachable"))),
    ),
    "progressing_oldFindings": (Health.PROGRESSING, lambda: Past().look(**ended(FOUND)).change()),
    "healthy_imported": (Health.HEALTHY, lambda: Past().look(**ended(DONE))),
    "healthy_changedAfterwards": (Health.HEALTHY, lambda: Past().look(**ended(DONE)).change().look(ground=None)),
    "degraded_findings": (Health.DEGRADED, lambda: Past().look(**ended(FOUND))),
}


def manifest(past: Past) -> Manifest:
    """Return the object as the API server would return it."""
    written = past.status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    about = {"name": "past", "namespace": "shop", "uid": "i-1", "generation": past.generation}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": about | {"creationTimestamp": at()},
        "spec": ImportSpec.model_validate(SPEC).model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "status": {"observedGeneration": past.status.observed_generation} | written,
    }
