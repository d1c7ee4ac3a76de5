"""Names, labels and annotations that this operator gives to things."""

import hashlib
import json
from typing import Any

from alembic_operator.api.v1alpha1 import GROUP

MANAGED_BY = "app.kubernetes.io/managed-by"
OPERATOR = "alembic-operator"

MIGRATION_LABEL = f"{GROUP}/migration"
"""On pods: the name of the DatabaseMigration that they wait for, or run."""

RUN_LABEL = f"{GROUP}/run"
"""On Jobs and their pods: the name of the DatabaseMigration that they run; such pods are never gated. Not
`app.kubernetes.io/instance`, by which Argo CD may track its own."""

IMPORT_LABEL = f"{GROUP}/import"
"""On Jobs and their pods: the name of the DatabaseImport that they run."""

GATE_ANNOTATION = f"{GROUP}/gate"
"""Of a pod: what became of its gate; without it there is one."""

SKIP = "Skip"
"""A person lets the pod through."""

STRATEGY_ANNOTATION = f"{GROUP}/strategy"
"""Of a pod: InitContainer, when its gate does not wait for the migration but runs it."""

GATE_CONTAINER = "alembic-gate"
"""The init container that waits."""

ATTEMPT = f"{GROUP}/attempt"
"""Annotation of a Job: 1 for the first of a specification."""

LOOKS = f"{GROUP}/looks-for-tenants"
"""Annotation of a Job that was made because spec.tenants.every had passed: it may find nothing to do."""

SERVERS = f"{GROUP}/servers"
"""Annotation of an Indexed Job and its pods: the names of the servers, in the order of its indexes."""

INDEX_LABEL = "batch.kubernetes.io/job-completion-index"
"""Kubernetes' own, on the pods of an Indexed Job."""

RETRY = f"{GROUP}/retry"
"""Annotation of a DatabaseMigration: any new value starts a new run."""

CONTAINER = "migrate"
"""The container that runs Alembic."""

COPY, UPGRADE, LOAD = "copy", "upgrade", "load"
"""The containers of an import, in their order."""

RUNNER_CONFIG_MAP = "alembic-operator-runner"
"""In every namespace with a DatabaseMigration: the runner, for migration pods and gates."""

RUNNER_DIGEST = f"{GROUP}/runner"
"""Annotation of that ConfigMap: which runner it holds."""

RUNNER_KEY = "runner.pyz"
RUNNER_VOLUME = "alembic-operator"
RUNNER_PATH = f"/alembic-operator/{RUNNER_KEY}"

PROJECT_VOLUME = "alembic-project"
PROJECT_PATH = "/alembic-project"
"""Where a ConfigMap source is mounted; its working directory."""

DIGITS = 10


def digest(what_matters: Any) -> str:
    """Return a hexadecimal digest of anything that JSON can say, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(what_matters, sort_keys=True, default=str).encode()).hexdigest()


def job_name(migration: str, what_matters: Any) -> str:
    """Return the one name that the Job of this migration and these inputs can have: creating it twice is harmless."""
    return f"{migration}-{digest(what_matters)[:DIGITS]}"
