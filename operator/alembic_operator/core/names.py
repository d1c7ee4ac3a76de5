"""Names, labels and annotations that this operator gives to things."""

import hashlib
import json
from typing import Any

from alembic_operator.api.v1alpha1 import GROUP

MANAGED_BY = "app.kubernetes.io/managed-by"
OPERATOR = "alembic-operator"

RUN_LABEL = f"{GROUP}/run"
"""On Jobs and their pods: the name of the DatabaseMigration. Not `app.kubernetes.io/instance`, by which Argo CD may
track its own."""

ATTEMPT = f"{GROUP}/attempt"
"""Annotation of a Job: 1 for the first of a specification."""

RETRY = f"{GROUP}/retry"
"""Annotation of a DatabaseMigration: any new value starts a new run."""

CONTAINER = "migrate"
"""The container that runs Alembic."""

INSTALL_CONTAINER = "install-runner"
"""The init container that brings the runner into the image's pod."""

RUNNER_VOLUME = "alembic-operator"
RUNNER_PATH = "/alembic-operator/runner.pyz"

PROJECT_VOLUME = "alembic-project"
PROJECT_PATH = "/alembic-project"
"""Where a ConfigMap source is mounted; its working directory."""

_DIGITS = 10


def digest(what_matters: Any) -> str:
    """Return a hexadecimal digest of anything that JSON can say, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(what_matters, sort_keys=True, default=str).encode()).hexdigest()


def job_name(migration: str, what_matters: Any) -> str:
    """Return the one name that the Job of this migration and these inputs can have: creating it twice is harmless."""
    return f"{migration}-{digest(what_matters)[:_DIGITS]}"
