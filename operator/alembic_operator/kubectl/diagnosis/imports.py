"""How a DatabaseImport stands."""

from collections.abc import Iterable, Iterator

from alembic_operator.api.imports import ImportFinding
from alembic_operator.api.reasons import Reason
from alembic_operator.core import names
from alembic_operator.core.imports.observation import Import, read_import
from alembic_operator.core.observation import conditions, reading
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.diagnosis.diagnosis import WORDS, Diagnosis, Standing
from alembic_operator.kubectl.diagnosis.operators import SELECTOR

_KEPT = (
    Reason.SECRET_NOT_FOUND,
    Reason.CONTAINER_REFUSED,
    Reason.IMAGE_PULL_FAILED,
    Reason.UNSCHEDULABLE,
    Reason.WAITING_FOR_VOLUME,
)
"""There is no log yet."""

_UNHELD = "; no pod waits for this import: "
"""What a condition says behind all else, and here stands in a line of its own."""

_NEXT = {
    Reason.WAITING_FOR_MIGRATION: "kubectl alembic status {migration} {namespace}",
    Reason.WAITING_FOR_PREVIOUS_JOB: f"kubectl get jobs,pods {{namespace}} -l {names.IMPORT_LABEL}",
    Reason.FINDINGS: "kubectl edit dbi {at}",
    Reason.INVALID_SPEC: "kubectl edit dbi {at}",
    Reason.JOB_INVALID: "kubectl edit dbi {at}",
    Reason.DEADLINE_EXCEEDED: "kubectl edit dbi {at}",
    Reason.JOB_FORBIDDEN: "kubectl describe dbi {at}",
    Reason.POD_NOT_CREATED: "kubectl describe jobs {namespace} -l {pods}",
    **dict.fromkeys(_KEPT, "kubectl describe pods {namespace} -l {pods}"),
}


def diagnose(raw: Manifest) -> Diagnosis:
    """Return how a DatabaseImport stands, with what it has found and done."""
    found = read_import(raw)
    name, namespace = f"{found.namespace}/{found.name}", f"-n {found.namespace}"
    if found.status.observed_generation < 0:
        why = "none serves this namespace, or none runs"
        then = f"kubectl get deployments -A -l {SELECTOR}"
        return Diagnosis(Standing.WAITS, f"import {name}: no operator has looked at it", why, then, tuple(_from(found)))
    standing, reason = _standing(found), conditions.reason_of(found.status.conditions)
    old = "" if found.status.observed_generation == found.generation else "; its latest change was not looked at yet"
    said = next((one.message for one in found.status.conditions if one.type == conditions.READY), "")
    why, _, unheld = said.partition(_UNHELD)
    gate = (("Gate", f"{_UNHELD[2:]}{unheld}"),) if unheld else ()
    then = "" if standing is Standing.READY else _next(found, reason, namespace)
    headline = f"import {name}: {WORDS[standing]} ({reason}){old}"
    return Diagnosis(
        standing, headline, why, then, (*_from(found), *gate, *_came_of_it(found), *_remedy(found, standing))
    )


def awaited(migration: Migration, all_of_them: Iterable[Manifest] | None) -> Diagnosis | None:
    """Return how the import stands that a migration's pods wait for; None: they wait for none, or nobody may look."""
    name = migration.spec.policy.await_import if migration.spec else None
    if not name or all_of_them is None:
        return None
    for raw in all_of_them:
        if (reading.text(raw, "metadata", "namespace"), reading.text(raw, "metadata", "name")) == (
            migration.namespace,
            name,
        ):
            return _of_another(raw, migration) or diagnose(raw)
    why = "create it; or, when it was imported long ago, pods pass by its mark in the database"
    return Diagnosis(Standing.WAITS, f"import {migration.namespace}/{name}: there is no such DatabaseImport", why)


def _of_another(raw: Manifest, migration: Migration) -> Diagnosis | None:
    """Return that an import fills another database than the one whose gates wait for it; None: it does not."""
    into = reading.text(raw, "spec", "migrationRef", "name")
    if into == migration.name:
        return None
    why = f"it fills the database of DatabaseMigration {into}, so the pods of {migration.name} wait for ever"
    then = f"kubectl edit dbm {migration.name} -n {migration.namespace}"
    facts = (("Remedy", "correct spec.policy.awaitImport, or remove it"),)
    name = f"{migration.namespace}/{reading.text(raw, 'metadata', 'name')}"
    return Diagnosis(Standing.STALLED, f"import {name}: is another migration's", why, then, facts)


def _standing(found: Import) -> Standing:
    if found.status.observed_generation != found.generation:
        return Standing.WAITS
    told = {one.type for one in found.status.conditions if one.status == "True"}
    if conditions.READY in told:
        return Standing.READY
    return Standing.STALLED if conditions.STALLED in told else Standing.WAITS


def _next(found: Import, reason: str, namespace: str) -> str:
    at = f"{found.name} {namespace}"
    known = next((then for one, then in _NEXT.items() if str(one) == reason), "")
    if known:
        into = found.spec.migration_ref.name if found.spec else ""
        return known.format(at=at, namespace=namespace, migration=into, pods=f"{names.IMPORT_LABEL}={found.name}")
    if not found.status.job:
        return f"kubectl alembic explain {reason}"
    return f"kubectl alembic logs dbi/{at}{'' if found.status.finished_at else ' --follow'}"


def _from(found: Import) -> Iterator[tuple[str, str]]:
    if found.spec:
        sqlite = found.spec.from_.sqlite
        yield "From", f"{sqlite.path} of PersistentVolumeClaim {sqlite.volume.persistent_volume_claim.claim_name}"
        yield "Into", f"the database of DatabaseMigration {found.spec.migration_ref.name}"


def _came_of_it(found: Import) -> Iterator[tuple[str, str]]:
    status = found.status
    if status.imported_at:
        pace = f", {status.rows_per_second} in a second" if status.rows_per_second else ""
        yield "Imported", f"{status.rows or 0} rows of {status.tables or 0} tables{pace}, at {status.imported_at}"
    if status.downtime_seconds is not None:
        yield "Took", f"{status.downtime_seconds:.0f} s, with the start of its pods"
    if status.quarantined:
        yield "Put aside", f"{status.quarantined} rows and values, in the table alembic_operator_rejects"
    yield from (("Finding", _finding(one)) for one in status.findings)
    if (more := status.findings_total - len(status.findings)) > 0:
        yield "Finding", f"and {more} more"


def _finding(one: ImportFinding) -> str:
    where = ".".join(filter(None, (one.table, one.column)))
    ids = f", row ids {', '.join(map(str, one.row_ids))}{', ...' if one.rows > len(one.row_ids) else ''}"
    rows = f" ({one.rows} rows{ids if one.row_ids else ''})" if one.rows else ""
    return f"{where}{rows}: {one.message}"


def _remedy(found: Import, standing: Standing) -> Iterator[tuple[str, str]]:
    if standing is Standing.STALLED and found.status.job:
        again = f"kubectl alembic retry dbi/{found.name} -n {found.namespace}"
        yield "Remedy", f"a change of the object begins again; when you have mended the file: {again}"
