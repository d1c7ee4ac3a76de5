"""Look around a migration or a pod, as far as the person may."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from alembic_operator.api.v1alpha1 import GROUP, PLURAL
from alembic_operator.core import names
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.commands.selection import everywhere
from alembic_operator.kubectl.diagnosis.operators import SELECTOR, operators_of, read_operators
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings
from alembic_operator.kubectl.facts import IMPORTS, MIGRATIONS, KubectlError

_POLICIES = "validatingadmissionpolicies", "mutatingadmissionpolicies"


def around(call: Call, *where: str) -> Surroundings:
    """Return the pods with a label of ours and the operators; `where` are flags for the pods' namespaces."""
    with ThreadPoolExecutor() as pool:
        of_pods = pool.submit(call.allowed, "pods", f"--selector={names.MIGRATION_LABEL}", *where)
        operators = call.allowed("deployments", "--all-namespaces", f"--selector={SELECTOR}")
        pods = of_pods.result()
    return Surroundings(
        now=datetime.now(UTC),
        pods=None if pods is None else tuple(reading.items(pods, "items")),
        operators=None if operators is None else read_operators(reading.items(operators, "items")),
    )


def with_dependencies(call: Call, seen: Surroundings, raw: Sequence[Manifest]) -> Surroundings:
    """Return the same with the migrations that these depend on."""
    if not any(reading.items(one, "spec", "dependsOn") for one in raw):
        return seen
    if not call.asked.name and not call.asked.selector:
        return replace(seen, migrations=tuple(raw))
    return replace(seen, migrations=tuple(reading.items(call.allowed(MIGRATIONS, *everywhere(call)), "items")))


def with_imports(call: Call, seen: Surroundings, raw: Sequence[Manifest]) -> Surroundings:
    """Return the same with the imports that pods of these wait for."""
    if not any(reading.text(one, "spec", "policy", "awaitImport") for one in raw):
        return seen
    found = call.allowed(IMPORTS, *everywhere(call))
    return seen if found is None else replace(seen, imports=tuple(reading.items(found, "items")))


def with_rights(call: Call, seen: Surroundings, raw: Sequence[Manifest]) -> Surroundings:
    """Return the same with the namespaces where an operator that serves them may not look.

    Asked is where a migration is behind, and of a migration by name.
    """
    behind = {_namespace(one) for one in raw if call.asked.name or _is_behind(one)}
    blind = frozenset(
        namespace
        for namespace in sorted(behind)
        for one in operators_of(namespace, seen.operators or ())[:1]
        if _may_not_look(call, one.account, namespace)
    )
    return replace(seen, blind=blind)


def _namespace(raw: Manifest) -> str:
    return reading.text(raw, "metadata", "namespace")


def _is_behind(raw: Manifest) -> bool:
    return reading.number(raw, "status", "observedGeneration") != reading.number(raw, "metadata", "generation")


def _may_not_look(call: Call, account: str, namespace: str) -> bool:
    """Ask the API server whether an operator may list migrations; who may not ask gets no answer."""
    wanted = {"namespace": namespace, "verb": "list", "group": GROUP, "resource": PLURAL}
    groups = [
        "system:authenticated",
        "system:serviceaccounts",
        account.rpartition(":")[0].replace("account", "accounts"),
    ]
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "LocalSubjectAccessReview"}
    asked: Manifest = kind | {"metadata": {"namespace": namespace}}
    asked["spec"] = {"user": account, "groups": groups, "resourceAttributes": wanted}
    path = f"/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews"
    try:
        answer = json.loads(call.kubectl.run("create", f"--raw={path}", "--filename=-", given=json.dumps(asked)))
    except KubectlError:
        return False
    return reading.fields(answer, "status").get("allowed") is False


def gate_policies(call: Call, namespace: str) -> tuple[Manifest, ...] | None:
    """Return the admission policies that look after gates in a namespace; None when nobody may look."""
    kinds = [(call.allowed(kind), call.allowed(f"{kind.removesuffix('ies')}ybindings")) for kind in _POLICIES]
    if all(policies is None or bindings is None for policies, bindings in kinds):
        return None
    return tuple(
        one
        for policies, bindings in kinds
        for one in reading.items(policies, "items")
        if _looks_after_gates(one) and _is_bound(one, reading.items(bindings, "items"), namespace)
    )


def _is_bound(policy: Manifest, bindings: Sequence[Manifest], namespace: str) -> bool:
    name = reading.text(policy, "metadata", "name")
    own = [one for one in bindings if reading.text(one, "spec", "policyName") == name]
    wanted = [reading.items(one, "spec", "matchResources", "namespaceSelector", "matchExpressions") for one in own]
    return any(all(namespace in reading.texts(part, "values") for part in parts) for parts in wanted)


def _looks_after_gates(policy: Manifest) -> bool:
    wanted = reading.items(policy, "spec", "matchConstraints", "objectSelector", "matchExpressions")
    return any(reading.text(one, "key") == names.MIGRATION_LABEL for one in wanted)
