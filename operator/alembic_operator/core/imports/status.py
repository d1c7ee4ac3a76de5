"""Write a decision about an import as its status."""

from alembic_operator.api.imports import ImportFinding, ImportStatus
from alembic_operator.api.reasons import Reason
from alembic_operator.contract.imports import FIRST, ImportAnswer
from alembic_operator.core.imports import progress
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.decide import Decided
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.status import conditions


def status_after(case: Case, decided: Decided) -> ImportStatus:
    """Return the status that follows; what the decision does not speak of stays as it was."""
    seen, before = case.seen, case.seen.asked.status
    given = conditions.conditions(
        before.conditions,
        decided.reason,
        _message(case, decided),
        generation=seen.asked.generation,
        now=seen.now,
    )
    told = before.model_copy(
        update={
            "observed_generation": seen.asked.generation,
            "conditions": given,
            "progress": progress.told(seen.progress) if decided.reason is Reason.IMPORTING else None,
        }
    )
    if decided.reason is Reason.JOB_INVALID and seen.refusal:
        return told.model_copy(update={"job": case.name, "attempt": 1, "outcome": str(decided.reason)})
    if decided.job is None:
        return told
    told = told.model_copy(update=_of_job(decided.job, decided))
    return told.model_copy(update=_of_answer(case, decided.job, decided)) if decided.answer else told


def _message(case: Case, decided: Decided) -> str:
    """Return what is told; also that no pod waits for the import, as long as that matters."""
    ground, name = case.seen.ground, case.seen.asked.name
    unheld = f"; no pod waits for this import: set spec.policy.awaitImport: {name} in the migration"
    message = decided.message.removesuffix(unheld)  # which was remembered with it
    spec = ground.migration.spec if ground else None
    if decided.reason is Reason.IMPORTED or spec is None or spec.policy.await_import == name:
        return message
    return f"{message}{unheld}"


def _of_job(job: Job, decided: Decided) -> dict[str, object]:
    return {
        "job": job.name,
        "attempt": job.attempt,
        "started_at": job.started_at or None,
        "finished_at": job.finished_at or None if job.outcome else None,
        "outcome": str(decided.reason) if job.outcome else None,
    }


def _of_answer(case: Case, job: Job, decided: Decided) -> dict[str, object]:
    answer = decided.answer or ImportAnswer("")
    found = tuple(
        ImportFinding(
            kind=one.kind[:64],
            table=one.table[:253] or "?",
            column=one.column[:253] or None,
            rows=one.rows,
            row_ids=one.row_ids[:3],
            message=one.message,
        )
        for one in answer.findings[:10]
    )
    facts: dict[str, object] = {"findings": found, "findings_total": max(answer.total, len(found))}
    if answer.outcome == FIRST:
        return facts | {"first_pass_at": job.finished_at or job.started_at}
    if decided.reason is not Reason.IMPORTED:
        return facts
    speed = round(answer.rows / answer.seconds) if answer.seconds else None
    return facts | {
        "imported_at": job.finished_at or job.started_at,
        "imported_generation": case.seen.asked.generation,
        "sha256": answer.sha256[:64] or None,
        "tables": answer.tables,
        "rows": answer.rows,
        "rows_per_second": speed,
        "quarantined": answer.quarantined,
        "equal": answer.equal,
        "downtime_seconds": None if answer.earlier else _seconds(job),
    }


def _seconds(job: Job) -> float | None:
    begun, ended = moment(job.started_at), moment(job.finished_at)
    return (ended - begun).total_seconds() if begun and ended else None
