"""The resource DatabaseMigration, version v1alpha1."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from alembic_operator.api.meta import (
    Deadline,
    Duration,
    Label,
    LocalReference,
    Model,
    Name,
    SecretKey,
    Target,
    Text,
    rule,
)
from alembic_operator.api.tenants import RULES, Tenants
from alembic_operator.contract import Ahead, Downgrade, History, Invocation

GROUP = "alembic-operator.dev"
VERSION = "v1alpha1"
KIND = "DatabaseMigration"
PLURAL = "databasemigrations"
SHORT_NAME = "dbm"
API_VERSION = f"{GROUP}/{VERSION}"


class WorkloadRef(Model):
    """A workload whose pod template says how the application runs."""

    api_version: Literal["apps/v1", "argoproj.io/v1alpha1"] = "apps/v1"
    """apps/v1, or argoproj.io/v1alpha1 for a Rollout."""
    kind: Literal["Deployment", "StatefulSet", "Rollout"] = "Deployment"
    """Deployment, StatefulSet or Rollout."""
    name: Name
    """Its name, in the migration's namespace."""
    container: Label | None = None
    """The container that holds the Alembic project. Default: the first."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "(self.kind == 'Rollout') == (self.apiVersion == 'argoproj.io/v1alpha1')",
                    "apiVersion must be argoproj.io/v1alpha1 for a Rollout, and apps/v1 for anything else",
                )
            ]
        }
    )


class Source(Model):
    """Where the Alembic project comes from: exactly one of the three."""

    image: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^\S+$")] | None = None
    """An image that holds the project, its Python, Alembic and the driver."""
    workload_ref: WorkloadRef | None = None
    """The workload that runs the application. Image, environment, volumes, service account and node placement of one
    of its containers are used as they are, and followed when they change."""
    config_map_ref: LocalReference | None = None
    """A ConfigMap with `alembic.ini`, `env.py` and the revision files, for small projects; the operator's own image
    runs it, with the drivers asyncpg, psycopg and psycopg2."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "[has(self.image), has(self.workloadRef), has(self.configMapRef)].filter(given, given).size() == 1",
                    "give exactly one of image, workloadRef and configMapRef",
                )
            ]
        }
    )


class Alembic(Model):
    """How Alembic is called, in Alembic's own words."""

    config: Text = Invocation.config
    """Alembic's configuration file in the image, relative to the working directory; also a `pyproject.toml`."""
    section: Text = Invocation.section
    """Section of that file, like `alembic -n`."""
    target: Target = Invocation.target
    """`heads`, `head`, a revision, `BRANCH@head`, or `+N` for the next N revisions, counted
    from where the database is when a run starts: a run that is repeated goes further. Several are separated by commas
    and reached one after the other, as `gxy@head,tsi@head`: for branches that know nothing of each other."""
    x_arguments: Annotated[
        tuple[Annotated[str, Field(max_length=1024, description="Such as `tenant=acme`.")], ...],
        Field(max_length=32, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """Arguments for env.py, like `alembic -x`. Visible to whoever can read the object: no secrets here."""
    python: Text = "python3"
    """The interpreter in the image: a name on its PATH, or a path."""


class Create(Model):
    """Make the database when the server has none of that name."""

    if_missing: bool
    """Whether to. The user of the migration needs the right CREATEDB. Only with strategy Job, and only until the
    object has migrated a database: one that is missed after that is lost, and not made anew."""
    template: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """The database that it is a copy of; nobody else may be connected to that one meanwhile. The user must own it,
    unless it is marked as a template. What its version table lacks is applied to the copy. Default: template1."""
    owner: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """The role that it belongs to; the user must be a member of it. Default: role, else the user."""


class Database(Model):
    """The database that is migrated. Without it, env.py connects as it always does."""

    stateful_set_ref: LocalReference | None = None
    """A StatefulSet that runs PostgreSQL in this namespace. Its headless Service and port are the address, and the
    migration waits until a replica is ready."""
    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9:.%_-]+$")] | None = None
    """Host name or address."""
    url_from: SecretKey | None = None
    """A Secret key that holds a whole URL, such as `postgresql://user:password@host:5432/name`."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Port. Default: that of the StatefulSet's container, else 5432."""
    name: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """Name of the database."""
    user_from: SecretKey | None = None
    """A Secret key that holds the user."""
    password_from: SecretKey | None = None
    """A Secret key that holds the password."""
    create: Create | None = None
    """Make the database when it is missing. Default: never."""
    schema_: Annotated[Annotated[str, Field(min_length=1, max_length=63)] | None, Field(alias="schema")] = None
    """Schema that the migration lives in: created when missing; search_path and schema of the version table. It cannot
    be changed afterwards, because the tables would stay where they are."""
    role: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """Role that owns what is created: `SET ROLE` on every connection."""
    history: History = Invocation.history
    """Whether to keep a table of every revision that was ever applied, `alembic_operator_history`, beside the version
    table. With it, an image is known to be missing a revision even when the database is ahead of it, as a hotfix from
    another branch is; without it, a database that is ahead is taken to contain what the image needs."""
    ssl_mode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = None
    """TLS, as libpq means it. Default: prefer."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "[has(self.statefulSetRef), has(self.host), has(self.urlFrom)].filter(given, given).size() == 1",
                    "give exactly one of statefulSetRef, host and urlFrom",
                ),
                rule(
                    "!has(self.urlFrom) || !(has(self.port) || has(self.name) || has(self.userFrom)"
                    " || has(self.passwordFrom) || has(self.sslMode))",
                    "urlFrom holds port, name, user, password and sslmode: give none of them beside it",
                ),
                rule(
                    "has(self.urlFrom) || (has(self.name) && has(self.userFrom))",
                    "name and userFrom are required with statefulSetRef and host",
                ),
            ]
        }
    )


class Policy(Model):
    """Limits and permissions of a run."""

    lock_timeout: Duration = Invocation.lock_timeout
    """How long one attempt of a revision waits for a table lock. Readers queue behind it for as long; then it is tried
    again, with jitter. `0s`: no limit."""
    statement_timeout: Duration = Invocation.statement_timeout
    """Limit of each statement; `0s`: no limit."""
    deadline: Deadline = Invocation.deadline
    """Limit of the whole run, with all attempts."""
    backoff_limit: Annotated[int, Field(ge=0, le=100)] = 3
    """How many pods of one Job may fail with an error that a retry can heal, before the operator creates the Job again,
    more slowly."""
    settling_time: Duration = "2s"
    """How long the workload of source.workloadRef must be unchanged before a run starts: kubectl, Helm, Argo CD and
    Flux apply a workload some tenths of a second before the migration that was changed with it. A change of this
    object, or of its retry annotation, ends the wait at once. The first run does not wait. `0s`: no wait."""
    database_ahead: Ahead = Invocation.database_ahead
    """Whether to accept a database with a revision that this image does not know, as after a rollback of the
    application."""
    downgrade: Downgrade = Invocation.downgrade
    """Whether a run may downgrade. Allow: if spec.alembic.target is one revision and the database is after it, the
    later revisions are undone, newest first, with the scripts of this image; what they drop is lost. Forbid: the
    database stays as it is. Never for heads, a branch or a number of steps, and never from a revision that this image
    does not know."""
    await_import: Name | None = None
    """Name of a DatabaseImport: pods wait, beside their revisions, until its rows are in the database. They ask the
    database itself, which remembers a complete import. Only with strategy Job and spec.database."""


class Spec(Model):
    """What should be migrated, and how."""

    source: Source
    """Where the Alembic project comes from."""
    alembic: Alembic = Alembic()
    """How Alembic is called."""
    database: Database | None = None
    """The database that is migrated: every connection that env.py makes goes there. Without it, env.py connects as it
    always does."""
    tenants: Tenants | None = None
    """Schemas or databases that are all migrated alike, each with a version table of its own. Needs spec.database and
    strategy Job; not with `+N` as the target, nor with downgrade: Allow."""
    strategy: Literal["Job", "InitContainer"] = "Job"
    """What runs the migration. Job: a Job, and the gates of the pods wait for it. InitContainer: the gate of the first
    pod, and the gates of the others wait for it; the workload's pods must have the label
    `alembic-operator.dev/migration`. Only with Job: a ConfigMap, dependsOn, suspend, jobTemplate, `+N` as the target,
    database.create, and downgrade: Allow."""
    policy: Policy = Policy()
    """Limits and permissions of a run."""
    depends_on: Annotated[
        tuple[LocalReference, ...],
        Field(
            max_length=32,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()
    """Migrations of the same namespace that must be Ready first."""
    suspend: bool = False
    """Start no new run. A Job whose pod has not started is deleted, and created again when this is false. A pod that
    runs is left to finish, and reported."""
    job_template: (
        Annotated[dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})] | None
    ) = None
    """Merged last into the Job, like the jobTemplate of a CronJob: `metadata` and `spec`. As by a strategic merge
    patch, containers, env and volumes are merged by name, volumeMounts by mountPath; command, args, envFrom,
    tolerations and other lists are replaced; null and `$patch: delete` remove. The migration's container is
    called `migrate`."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=2147483647)] = 86400
    """How long a finished Job and its logs are kept, in seconds; at least 60, also in jobTemplate, so that the operator
    sees how the Job has ended. A failed Job that is gone is created again at once. The status keeps the result."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                *RULES,
                rule(
                    "!has(self.policy.awaitImport) || (has(self.database) && !has(self.tenants))",
                    "policy.awaitImport: an import fills the database of spec.database, without spec.tenants",
                ),
                *(
                    rule(
                        f"self.strategy != 'InitContainer' || {given}",
                        f"{why}; use strategy Job",
                    )
                    for given, why in (
                        (
                            "!has(self.source.configMapRef)",
                            "the workload's pods do not have the project of a ConfigMap",
                        ),
                        ("!has(self.dependsOn) || self.dependsOn.size() == 0", "pods wait for no other migration"),
                        ("!self.alembic.target.contains('+')", "each pod would go further by steps"),
                        ("self.policy.downgrade == 'Forbid'", "an old pod that starts again would go down again"),
                        (
                            "!has(self.database) || !has(self.database.create) || !self.database.create.ifMissing",
                            "an old pod that starts again would make a lost database anew",
                        ),
                        ("!has(self.policy.awaitImport)", "the first pod would migrate and start before the import"),
                        ("!self.suspend", "pods that migrate by themselves cannot be held: scale the workload to zero"),
                    )
                ),
            ]
        }
    )
