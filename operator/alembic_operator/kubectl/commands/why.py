"""Why a pod does not start, or is not there at all."""

from dataclasses import replace

from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.commands.surroundings import around, gate_policies, with_imports
from alembic_operator.kubectl.diagnosis import pod, refusal
from alembic_operator.kubectl.diagnosis.diagnosis import Diagnosis, worst
from alembic_operator.kubectl.diagnosis.gated import has_no_gate, label_of
from alembic_operator.kubectl.facts import KubectlError

_MOST = 16
"""Pods, and owners of refused ones, that are asked for: each one takes a kubectl."""

_SHOWN = 3
"""Pods of one workload."""


def why(call: Call) -> int:
    """Say why a pod, or the pods of a workload, do not start."""
    told = _of_workload(call) if "/" in call.asked.pod else _of_pod(call)
    call.answer(told)
    return worst(told)


def _of_pod(call: Call) -> list[Diagnosis]:
    raw = call.found("pod", call.asked.pod)
    if raw is not None:
        return [_diagnose(call, raw)]
    if told := refused(call, name=call.asked.pod):  # it has no name yet: a person types that of its workload
        return told
    raise KubectlError(
        f"there is no pod {call.asked.pod} here, and none of a workload of that name was refused lately;"
        " check the name and the namespace (-n), or name a workload: deployment/NAME"
    )


def _of_workload(call: Call) -> list[Diagnosis]:
    """Tell of the pods that a workload does not get, and of those that it has."""
    owner = call.kubectl.get(call.asked.pod)
    told = refused(call, name=reading.text(owner, "metadata", "name"))
    if selector := reading.fields(owner, "spec", "selector", "matchLabels"):
        words = ",".join(f"{key}={value}" for key, value in selector.items())
        pods = reading.items(call.kubectl.get("pods", f"--selector={words}"), "items")
        told += _worst_first([_diagnose(call, one) for one in pods[:_MOST]], len(pods))
    if not told:
        raise KubectlError(f"{call.asked.pod} has no pods, and none was refused lately; see kubectl describe")
    return told


def _worst_first(told: list[Diagnosis], all_of_them: int) -> list[Diagnosis]:
    """Return some of many pods, because those of a workload mostly have the same to tell."""
    told = sorted(told, key=lambda one: -one.standing)
    shown = [one for one in told if one.standing][:_SHOWN] or told[:1]
    more = all_of_them - len(shown)
    return [*shown, *([Diagnosis(shown[-1].standing, f"and {more} pods more")] if more else [])]


def _diagnose(call: Call, raw: Manifest) -> Diagnosis:
    label = label_of(raw)
    migration = call.named(label) if label else None
    seen = with_imports(call, around(call), [migration] if migration else [])
    if has_no_gate(raw):
        seen = replace(seen, policies=gate_policies(call, reading.text(raw, "metadata", "namespace")))
    return pod.diagnose(raw, migration, seen)


def refused(call: Call, *where: str, name: str = "", label: str = "", ours: bool = False) -> list[Diagnosis]:
    """Return why pods are refused that are still wanted.

    Args:
        call: The call.
        where: Flags for the namespaces.
        name: Of their workload, of its ReplicaSet, or the beginning of their own; empty: any.
        label: Only those of this migration.
        ours: Only what the operator's own policies refuse.
    """
    events = call.allowed("events", f"--field-selector=reason={refusal.REASON}", *where)
    found = [one for one in refusal.refusals(reading.items(events, "items")) if one.by_us or not ours]
    owners = [(one, call.found(one.kind.lower(), one.name, f"--namespace={one.namespace}")) for one in found[-_MOST:]]
    wanted = ((one, owner) for one, owner in owners if owner and refusal.lacks_pods(owner))
    return [
        _refused(call, one, owner)
        for one, owner in wanted
        if refusal.is_called(owner, name) and (own := refusal.template_label(owner)) and label in ("", own)
    ]


def _refused(call: Call, one: refusal.Refusal, owner: Manifest) -> Diagnosis:
    migration = call.named(refusal.template_label(owner), f"--namespace={one.namespace}")
    policies = gate_policies(call, one.namespace) if migration and one.by_us else None
    return refusal.diagnose(one, owner, migration, policies)
