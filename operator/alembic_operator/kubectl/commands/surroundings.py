"""Look around a migration or a pod, as far as the person may."""

from datetime import UTC, datetime

from alembic_operator.core import names
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.diagnosis.operators import SELECTOR, read_operators
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings

_POLICIES = "validatingadmissionpolicies", "mutatingadmissionpolicies"


def around(call: Call, *where: str) -> Surroundings:
    """Return the pods with a label of ours and the operators; `where` are flags for the pods' namespaces."""
    pods = call.allowed("pods", f"--selector={names.MIGRATION_LABEL}", *where)
    operators = call.allowed("deployments", "--all-namespaces", f"--selector={SELECTOR}")
    return Surroundings(
        now=datetime.now(UTC),
        pods=None if pods is None else tuple(reading.items(pods, "items")),
        operators=None if operators is None else read_operators(reading.items(operators, "items")),
    )


def gate_policies(call: Call) -> tuple[Manifest, ...] | None:
    """Return the admission policies that look after gates; None when nobody may look."""
    found = [call.allowed(kind) for kind in _POLICIES]
    if all(one is None for one in found):
        return None
    return tuple(one for listed in found for one in reading.items(listed, "items") if _looks_after_gates(one))


def _looks_after_gates(policy: Manifest) -> bool:
    wanted = reading.items(policy, "spec", "matchConstraints", "objectSelector", "matchExpressions")
    return any(reading.text(one, "key") == names.MIGRATION_LABEL for one in wanted)
