"""Which operators there are, and whether one of them serves a namespace."""

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest

SELECTOR = "app.kubernetes.io/name=alembic-operator"
"""What the chart labels its Deployment with."""

_NAMESPACE = "--namespace="

_RELEASE = "app.kubernetes.io/instance"


@dataclass(frozen=True)
class Operator:
    """The Deployment of one."""

    namespace: str
    name: str
    release: str
    serves: tuple[str, ...]
    """Namespaces; empty: all."""
    ready: bool
    account: str = ""
    """The user as whom it asks the API server."""

    def __str__(self) -> str:
        """Return it as a part of a sentence."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Service:
    """Whether a namespace is served."""

    why: str
    """What is wrong with it; empty: one that is ready serves it."""
    next: str
    served: bool
    """There is one whose task it is."""


def read_operators(deployments: Iterable[Manifest]) -> tuple[Operator, ...]:
    """Read the Deployments that are operators."""
    return tuple(_read(one) for one in deployments)


def _read(raw: Manifest) -> Operator:
    containers = reading.items(raw, "spec", "template", "spec", "containers")
    words = [word for one in containers for word in reading.texts(one, "args")]
    namespace = reading.text(raw, "metadata", "namespace")
    account = reading.text(raw, "spec", "template", "spec", "serviceAccountName") or "default"
    return Operator(
        namespace=namespace,
        name=reading.text(raw, "metadata", "name"),
        release=reading.text(raw, "metadata", "labels", _RELEASE),
        serves=tuple(word.removeprefix(_NAMESPACE) for word in words if word.startswith(_NAMESPACE)),
        ready=bool(reading.number(raw, "status", "readyReplicas")),
        account=f"system:serviceaccount:{namespace}:{account}",
    )


def operators_of(namespace: str, operators: Iterable[Operator]) -> list[Operator]:
    """Return those that serve a namespace."""
    return [one for one in operators if not one.serves or namespace in one.serves]


def service(namespace: str, operators: Iterable[Operator], *, blind: bool = False) -> Service:
    """Return whether a namespace is served, and what to do when it is not; `blind`: it may not look there."""
    known = tuple(operators)
    if not known:
        return Service(
            "there is no operator in this cluster, so nothing migrates and nothing puts gates into pods",
            "install the chart alembic-operator",
            served=False,
        )
    theirs = operators_of(namespace, known)
    if not theirs:
        first = known[0]
        served = ",".join((*first.serves, namespace))
        return Service(
            f"no operator serves namespace {namespace}: {'; '.join(map(_task, known))};"
            " here the label does nothing, and pods with it start WITHOUT A GATE",
            f"helm upgrade {first.release} CHART -n {first.namespace} --reuse-values"
            f" --set 'watchNamespaces={{{served}}}'",
            served=False,
        )
    if blind:
        one = theirs[0]
        return Service(
            f"the operator {one} has no right to list DatabaseMigrations in namespace {namespace}: what is told is old,"
            " and nothing starts; install the chart again, which brings its Role and RoleBinding",
            f"kubectl get rolebindings -n {namespace}" if one.serves else "kubectl get clusterrolebindings",
            served=True,
        )
    if any(one.ready for one in theirs):
        return Service("", f"kubectl logs deployment/{theirs[0].name} -n {theirs[0].namespace}", served=True)
    one = theirs[0]
    why = f"no pod of the operator {one} is ready: what is told is old, and nothing starts"
    return Service(why, f"kubectl describe deployment {one.name} -n {one.namespace}", served=True)


def _task(one: Operator) -> str:
    return f"{one} serves {', '.join(one.serves)}"
