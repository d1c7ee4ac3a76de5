"""The request itself cannot be carried out."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.manifests import harmless


def invalid_spec(case: Case) -> Decision | None:
    """The specification cannot be read, or its jobTemplate asks for what this operator does not take."""
    wrong = case.seen.migration.spec_error or harmless.refusal(case.seen)
    return Decision(Reason.INVALID_SPEC, wrong) if wrong or case.seen.migration.spec is None else None
