"""Every reason that a condition or a Result can give, once, with its sentence.

The reference page is generated from this list. Standard library only, Python 3.9 or newer: the runner carries it.
"""

from __future__ import annotations

import enum


class Effect(str, enum.Enum):
    """What a reason means for the conditions."""

    READY = "Ready"
    """Ready=True."""
    RECONCILING = "Reconciling"
    """Ready=False and Reconciling=True: time, or somebody else's change, heals it; the operator keeps trying."""
    STALLED = "Stalled"
    """Ready=False and Stalled=True: waiting cannot heal it; the migration itself must change."""


class Reason(str, enum.Enum):
    """A reason, in the CamelCase of Kubernetes' conditions, with its effect and its sentence."""

    effect: Effect
    meaning: str

    def __new__(cls, value: str, effect: Effect, meaning: str) -> Reason:
        """Make the text itself the member, and hang effect and sentence on it."""
        reason = str.__new__(cls, value)
        reason._value_ = value
        reason.effect = effect
        reason.meaning = meaning
        return reason

    def __str__(self) -> str:
        return str(self.value)

    UP_TO_DATE = "UpToDate", Effect.READY, "The heads read back from the database contain the target."
    DATABASE_AHEAD = (
        "DatabaseAhead",
        Effect.READY,
        "The database contains a revision that this image does not know, as after a rollback; the policy allows it.",
    )

    IMPORTED = "Imported", Effect.READY, "Of a DatabaseImport: all rows are in the database, and were compared."

    WAITING_FOR_MIGRATION = (
        "WaitingForMigration",
        Effect.RECONCILING,
        "Of a DatabaseImport: the migration of spec.migrationRef does not exist or is not Ready.",
    )
    WAITING_FOR_VOLUME = (
        "WaitingForVolume",
        Effect.RECONCILING,
        "Of a DatabaseImport: its pod cannot have the volume: there is no such claim, or another node has it.",
    )
    WAITING_FOR_STOP = (
        "WaitingForStop",
        Effect.RECONCILING,
        "Of a DatabaseImport: the first of two passes is complete; the second follows when the application is stopped.",
    )
    IMPORTING = "Importing", Effect.RECONCILING, "Of a DatabaseImport: its pod is running."
    IMPORT_INTERRUPTED = (
        "ImportInterrupted",
        Effect.RECONCILING,
        "Of a DatabaseImport: the database could not be reached, or the pod was ended; nothing half is visible.",
    )
    PENDING = "Pending", Effect.RECONCILING, "The Job exists; its pod has not started yet."
    SETTLING = (
        "Settling",
        Effect.RECONCILING,
        "The workload has just changed; a run starts after policy.settlingTime, or when the migration changes too.",
    )
    MIGRATING = "Migrating", Effect.RECONCILING, "The migration pod is running."
    RETRYING = "Retrying", Effect.RECONCILING, "The migration pod ended without a Result; it is tried again."
    WAITING_FOR_PODS = (
        "WaitingForPods",
        Effect.RECONCILING,
        "spec.strategy is InitContainer, and no pod of the current workload has run the migration yet.",
    )
    STRATEGY_MISMATCH = (
        "StrategyMismatch",
        Effect.RECONCILING,
        "The pods were created for another spec.strategy; new pods are needed.",
    )
    SUSPENDED = "Suspended", Effect.RECONCILING, "spec.suspend is true: nothing new is started."
    WAITING_FOR_WORKLOAD = (
        "WaitingForWorkload",
        Effect.RECONCILING,
        "The workload or the container that spec.source.workloadRef names does not exist.",
    )
    WAITING_FOR_CONFIG_MAP = (
        "WaitingForConfigMap",
        Effect.RECONCILING,
        "The ConfigMap of spec.source.configMapRef does not exist, or lacks alembic's configuration or env.py.",
    )
    WAITING_FOR_DATABASE = (
        "WaitingForDatabase",
        Effect.RECONCILING,
        "The StatefulSet of spec.database.statefulSetRef does not exist or has no ready replica.",
    )
    WAITING_FOR_DEPENDENCY = (
        "WaitingForDependency",
        Effect.RECONCILING,
        "A migration that spec.dependsOn names does not exist or is not Ready.",
    )
    WAITING_FOR_PREVIOUS_JOB = (
        "WaitingForPreviousJob",
        Effect.RECONCILING,
        "An earlier Job, or a pod of one, is still there; the new one starts when its pods are gone.",
    )
    SECRET_NOT_FOUND = (
        "SecretNotFound",
        Effect.RECONCILING,
        "The kubelet cannot create the container: a Secret, a ConfigMap or a key in it is missing.",
    )
    CONTAINER_REFUSED = (
        "ContainerRefused",
        Effect.RECONCILING,
        "The kubelet cannot create or start the container; the message is the kubelet's.",
    )
    IMAGE_PULL_FAILED = "ImagePullFailed", Effect.RECONCILING, "The node cannot pull an image of the migration pod."
    POD_NOT_CREATED = (
        "PodNotCreated",
        Effect.RECONCILING,
        "The Job exists, but its pod is refused: a quota, Pod Security or a missing service account.",
    )
    JOB_FORBIDDEN = (
        "JobForbidden",
        Effect.RECONCILING,
        "The Job is refused: a quota, an admission policy, a webhook or a right that the operator lacks.",
    )
    RUNNER_FORBIDDEN = (
        "RunnerForbidden",
        Effect.RECONCILING,
        "The ConfigMap alembic-operator-runner is refused: a quota, an admission policy or a missing right.",
    )
    API_SERVER_REFUSES = (
        "ApiServerRefuses",
        Effect.RECONCILING,
        "The API server refuses a request of the operator, or does not answer; the message says which and since when.",
    )
    OPERATOR_FAILED = (
        "OperatorFailed",
        Effect.RECONCILING,
        "A bug of the operator that this object triggers: please report it. Other objects are not affected.",
    )
    UNSCHEDULABLE = "Unschedulable", Effect.RECONCILING, "No node accepts the migration pod."
    DATABASE_UNREACHABLE = (
        "DatabaseUnreachable",
        Effect.RECONCILING,
        "No connection to the database: unknown host, nothing listens, starting up or shutting down.",
    )
    DATABASE_NOT_FOUND = "DatabaseNotFound", Effect.RECONCILING, "The server has no database of that name."
    TENANT_NOT_FOUND = (
        "TenantNotFound",
        Effect.RECONCILING,
        "spec.tenants lists a tenant whose schema or database does not exist, and create is Never.",
    )
    TEMPLATE_IN_USE = (
        "TemplateInUse",
        Effect.RECONCILING,
        "Other sessions use the template of spec.database.create; to copy it, nobody else may. The message names them.",
    )
    AUTHENTICATION_FAILED = (
        "AuthenticationFailed",
        Effect.RECONCILING,
        "The server refused the user or the password: correct the Secret.",
    )
    PERMISSION_DENIED = "PermissionDenied", Effect.RECONCILING, "The user lacks a right that a statement needs."
    POOLED_CONNECTION = (
        "PooledConnection",
        Effect.RECONCILING,
        "A connection pooler shares sessions, so locks do not work, or it refuses how env.py connects.",
    )
    ROLE_NOT_FOUND = (
        "RoleNotFound",
        Effect.RECONCILING,
        "The server has no role of the name in spec.database.role or create.owner; the operator tries again.",
    )
    RESOURCES_EXHAUSTED = (
        "ResourcesExhausted",
        Effect.RECONCILING,
        "The server or the container is out of disk space, memory or connections; a retry succeeds when there is room.",
    )
    WAITING_FOR_LOCK = (
        "WaitingForLock",
        Effect.RECONCILING,
        "Another migration of the same version table, or its orphan, ran until this one's deadline.",
    )
    LOCK_TIMEOUT = (
        "LockTimeout",
        Effect.RECONCILING,
        "A revision did not get its table lock within policy.lockTimeout, in any of its attempts.",
    )
    STATEMENT_TIMEOUT = (
        "StatementTimeout",
        Effect.RECONCILING,
        "A statement took longer than policy.statementTimeout; it was cancelled and rolled back.",
    )
    TENANTS_BEHIND = (
        "TenantsBehind",
        Effect.RECONCILING,
        "The run ended well, but not all tenants contain the target; the next one goes on with them.",
    )
    CONFLICT = "Conflict", Effect.RECONCILING, "A deadlock or a serialization failure; the revision was rolled back."
    READ_ONLY_DATABASE = "ReadOnlyDatabase", Effect.RECONCILING, "The server is a standby or read-only."
    DEADLINE_EXCEEDED = "DeadlineExceeded", Effect.RECONCILING, "The run took longer than policy.deadline."
    INTERRUPTED = (
        "Interrupted",
        Effect.RECONCILING,
        "The migration pod was asked to stop; the running statement was cancelled.",
    )

    FINDINGS = (
        "Findings",
        Effect.STALLED,
        "Of a DatabaseImport: something in the file stands in the way; nothing was written, see status.findings.",
    )
    IMPORT_FAILED = (
        "ImportFailed",
        Effect.STALLED,
        "Of a DatabaseImport: no such file, no SQLite file, scripts that cannot upgrade it, or rows that differ.",
    )
    INVALID_SPEC = "InvalidSpec", Effect.STALLED, "The specification contradicts itself; the message names the field."
    DEPENDENCY_CYCLE = "DependencyCycle", Effect.STALLED, "spec.dependsOn leads back to this migration."
    JOB_INVALID = (
        "JobInvalid",
        Effect.STALLED,
        "The API server refuses the Job as invalid, mostly because of spec.jobTemplate.",
    )
    CONFIG_INVALID = (
        "ConfigInvalid",
        Effect.STALLED,
        "Alembic's configuration file or its section does not exist in the image or cannot be read.",
    )
    ALEMBIC_NOT_FOUND = (
        "AlembicNotFound",
        Effect.STALLED,
        "The image's Python cannot be started, or cannot import Alembic or SQLAlchemy.",
    )
    NOT_POSTGRESQL = "NotPostgreSQL", Effect.STALLED, "env.py connects to something that is not PostgreSQL."
    WRONG_DATABASE = "WrongDatabase", Effect.STALLED, "env.py is connected to another database than requested."
    MULTIPLE_HEADS = "MultipleHeads", Effect.STALLED, "The scripts have several heads and the target is `head`."
    UNKNOWN_TARGET = "UnknownTarget", Effect.STALLED, "The scripts have no revision, branch or step of that name."
    BROKEN_SCRIPTS = (
        "BrokenScripts",
        Effect.STALLED,
        "The revisions cannot be loaded, have no head, or do not form a chain.",
    )
    DATABASE_AHEAD_BLOCKED = (
        "DatabaseAheadBlocked",
        Effect.STALLED,
        "The database contains a revision that this image does not know, and policy.databaseAhead is Block.",
    )
    DIVERGED = (
        "Diverged",
        Effect.STALLED,
        "The database contains a revision that this image does not know, and lacks one that this image needs.",
    )
    VERSION_TABLE_SHARED = (
        "VersionTableShared",
        Effect.STALLED,
        "The version table contains only revisions that this image does not know, and nothing that it makes is there.",
    )
    UNKNOWN_REVISION = (
        "UnknownRevision",
        Effect.STALLED,
        "The database contains a revision that this image does not know, so its scripts cannot go down from it.",
    )
    VERSION_TABLE_MISSING = (
        "VersionTableMissing",
        Effect.STALLED,
        "The first revision failed on an object that exists: the schema has tables, but no version table.",
    )
    VERSION_TABLE_EMPTY = (
        "VersionTableEmpty",
        Effect.STALLED,
        "The first revision failed on an object that exists: the schema has tables, but its version table is empty.",
    )
    VERSION_TABLE_DAMAGED = (
        "VersionTableDamaged",
        Effect.STALLED,
        "The version table contains a revision twice, one beside another that follows it, or a row that names none.",
    )
    PARTLY_APPLIED = (
        "PartlyApplied",
        Effect.STALLED,
        "A revision failed after some of its statements were committed; somebody must look before it runs again.",
    )
    REVISION_FAILED = "RevisionFailed", Effect.STALLED, "A revision failed, and a retry will not help."
    ENV_FAILED = "EnvFailed", Effect.STALLED, "env.py raised an error of its own."
    NOT_COMMITTED = (
        "NotCommitted",
        Effect.STALLED,
        "Alembic ended without an error, but env.py or a script rolled back what was executed.",
    )
