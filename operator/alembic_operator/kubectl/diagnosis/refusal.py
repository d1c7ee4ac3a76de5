"""Why pods are refused: they do not exist, and only what should make them tells of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alembic_operator.api.v1alpha1 import KIND
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.jobs import end_of_job
from alembic_operator.core.observation.migrations import Migration, read_migration
from alembic_operator.core.observation.owners import controller
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.diagnosis.diagnosis import Diagnosis, Standing
from alembic_operator.kubectl.diagnosis.gated import label_of
from alembic_operator.kubectl.diagnosis.migration import stand

REASON = "FailedCreate"
"""Of the Events, and of a ReplicaSet's condition."""

_OURS = "alembic-operator.dev/"
_DENIED = "denied request: "
_WAITS = "this pod cannot wait for"


@dataclass(frozen=True)
class Refusal:
    """Pods of one owner that the API server does not take."""

    kind: str
    namespace: str
    name: str
    message: str
    last: str

    @property
    def by_us(self) -> bool:
        """Whether one of the operator's policies said it."""
        return _OURS in self.message


def refusals(events: Iterable[Manifest]) -> list[Refusal]:
    """Return the newest refusal of each owner."""
    found = sorted(map(_read, events), key=lambda one: one.last)
    return list({(one.kind, one.namespace, one.name): one for one in found if one.name}.values())


def _read(event: Manifest) -> Refusal:
    about = reading.fields(event, "involvedObject")
    last = (
        reading.text(event, "series", "lastObservedTime")
        or reading.text(event, "lastTimestamp")
        or reading.text(event, "eventTime")
    )
    return Refusal(
        kind=reading.text(about, "kind"),
        namespace=reading.text(about, "namespace"),
        name=reading.text(about, "name"),
        message=reading.text(event, "message"),
        last=last,
    )


def lacks_pods(owner: Manifest) -> bool:
    """Return whether something still wants more pods than it has: an Event stays for an hour, also when all is well."""
    if owner.get("kind") == "Job":
        has = sum(reading.number(owner, "status", name) or 0 for name in ("active", "succeeded"))
        return not has and not end_of_job(reading.items(owner, "status", "conditions"))
    wanted = reading.number(owner, "spec", "replicas")
    return (1 if wanted is None else wanted) > (reading.number(owner, "status", "replicas") or 0)


def is_called(owner: Manifest, name: str) -> bool:
    """Return whether a person who says `name` means the pods of this owner."""
    own, above = reading.text(owner, "metadata", "name"), reading.text(controller(owner), "name")
    return not name or name in (own, above) or name.startswith(f"{own}-")


def template_label(owner: Manifest) -> str:
    """Return which migration the pods of an owner belong to; empty without one."""
    return label_of(reading.fields(owner, "spec", "template"))


def diagnose(
    refusal: Refusal, owner: Manifest, migration: Manifest | None, policies: Sequence[Manifest] | None = None
) -> Diagnosis:
    """Return why pods are refused.

    Args:
        refusal: What was said.
        owner: What should make the pods.
        migration: That of the label in their template; None: there is no such.
        policies: Those that look after gates in the namespace; None: nobody may look.
    """
    label, whole = template_label(owner), refusal.message
    said = whole.partition(_DENIED)[2] or whole
    headline = f"pods of {_called(refusal, owner)} are REFUSED"
    since = (("Last tried", refusal.last), ("Refused", said))
    if not refusal.by_us or _WAITS not in said:
        look = f"kubectl describe {refusal.kind.lower()} {refusal.name} -n {refusal.namespace}"
        return Diagnosis(Standing.WAITS, headline, said, look, since[:1])
    if migration is None:
        why = f"there is no DatabaseMigration {label} in namespace {refusal.namespace}: create it, or correct the label"
        return Diagnosis(Standing.WAITS, headline, why, f"kubectl get dbm -n {refusal.namespace}", since[:1])
    found = read_migration(migration)
    told = stand(found)
    facts = (("Migration", told.headline), ("It says", told.why), *since)
    if _has_no_address(found):
        why = f"the address of the StatefulSet of {label} is not known yet"
        return Diagnosis(Standing.WAITS, headline, why, told.next, facts)
    why, then = _why_no_gate(label, policies, told.next)
    return Diagnosis(Standing.WAITS, headline, why, then, facts[:3])


def _why_no_gate(label: str, policies: Sequence[Manifest] | None, then: str) -> tuple[str, str]:
    """Return why nothing put a gate into a pod although its migration is there, and what to type."""
    if policies is None:
        why = (
            f"{label} is there, so the MutatingAdmissionPolicy that puts gates into pods is gone, or {label} is newer"
            " than the last try; it is tried again, less and less often"
        )
        return why, "kubectl get mutatingadmissionpolicies"
    if any(reading.text(one, "spec", "paramKind", "kind") == KIND for one in policies):
        return f"{label} is newer than the last try; it is tried again by itself, less and less often", then
    why = "the MutatingAdmissionPolicy that puts gates into pods is gone, or does not serve this namespace"
    return why, "install the chart again, with gate.policies=true"


def _called(refusal: Refusal, owner: Manifest) -> str:
    """Return what a person calls the owner: of a Deployment's ReplicaSet, both."""
    above = controller(owner)
    made_by = f"{reading.text(above, 'kind')} {reading.text(above, 'name')}, " if above else ""
    return f"{made_by}{refusal.kind} {refusal.name} in namespace {refusal.namespace},"


def _has_no_address(migration: Migration) -> bool:
    database = migration.spec.database if migration.spec else None
    return bool(database and database.stateful_set_ref) and migration.status.database is None
