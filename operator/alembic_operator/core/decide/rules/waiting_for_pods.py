"""No pod has migrated yet."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core import names
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.gates.made_for import anew


def waiting_for_pods(case: Case) -> Decision | None:
    """Nothing of this applies: the first pod with this image and specification migrates."""
    return Decision(Reason.WAITING_FOR_PODS, _missing(case))


def _missing(case: Case) -> str:
    there = [pod for pod in case.seen.gated if not pod.ended]
    pods = [pod for pod in case.pods if not pod.ended]
    name, inputs = case.seen.migration.name, case.inputs
    if not there:
        return (
            f"{inputs.workload} must have a pod with the label {names.MIGRATION_LABEL}={name}: the first one migrates"
        )
    if coming := [pod for pod in pods if pod.gate and pod.gate.exit_code is None]:
        return f"pod {coming[0].name} has not come to its gate yet"
    if pods:
        return f"another run has followed since the pods of {pods[0].workload} reported; {anew(pods[0].workload)}"
    same = [pod for pod in there if pod.gate is None or pod.gate.image == inputs.image]
    if same:
        return f"pods of {same[0].workload} were made for another specification; {anew(same[0].workload)}"
    return f"no pod has the image {inputs.image} yet; the first one migrates"
