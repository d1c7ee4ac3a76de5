"""Set the stage: a cluster, the images, the operator."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from demo import operators
from demo.access import MANIFESTS, NAMESPACE, Access, access
from demo.access import cluster as chosen_cluster
from demo.clean import clean
from demo.commands import run
from demo.operators import release_of
from demo.screen import Screen, Tone
from devcluster.failure import FailureError
from devcluster.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devcluster.cluster import Cluster

PROJECT = Path(__file__).parents[1]
OPERATOR_IMAGE = "localhost/alembic-operator:dev"
QUICK = 2.0
"""Seconds within which nothing can have been built."""
RELEASES = ("v1", "v2", "v3", "v4")


def set_up(screen: Screen, namespace: str = NAMESPACE) -> Access:
    """Do what is missing; with everything there it takes seconds."""
    screen.chapter(
        "Setting the stage",
        "A Kubernetes node, the images of the operator and of four releases of a service called users, and the "
        "operator itself from its Helm chart. The first time this builds everything; then it takes seconds.",
    )
    cluster = start_cluster(screen, namespace)
    if cluster.kubectl("get", "namespace", namespace, "--ignore-not-found", "--output=name").strip():
        screen.line(namespace, "an earlier demo is there; it is removed first")
        clean(screen, namespace, stop_cluster=False)
    wanted = tuple(recipes())
    screen.line(
        "images", f"{len(wanted)}; those that are missing or out of date are built, the first in about a minute"
    )
    for number, recipe in enumerate(wanted, start=1):
        build(screen, recipe, f" ({number} of {len(wanted)})")
    make_namespace(cluster)
    install_operator(screen, cluster)
    return cluster


def start_cluster(screen: Screen, namespace: str = NAMESPACE) -> Access:
    """Start the cluster that devcluster chooses, or find it running."""
    chosen = chosen_cluster()
    if not is_up(chosen):
        chosen.up()
    cluster = access(namespace)
    version = cluster.kubectl("get", "nodes", "--output=jsonpath={.items[0].status.nodeInfo.kubeletVersion}")
    screen.line("cluster", f"Kubernetes {version} is up", Tone.GOOD)
    return cluster


def is_up(cluster: Cluster) -> bool:
    """Tell whether the cluster is ready, without the report for which `devcluster status` is there."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return cluster.status()
    except FailureError:  # not even its programs are there
        return False


def build(screen: Screen, recipe: Recipe, which: str = "") -> None:
    """Build an image and bring it to the node; nothing is done when it is there already."""
    begun, name = screen.elapsed, recipe.reference.removeprefix("localhost/")

    def still() -> None:
        screen.line(name, f"is being built{which}, {int(screen.elapsed - begun) // 60} min so far", Tone.WAITING)

    arguments = [f"--build-arg={name}={value}" for name, value in recipe.arguments]
    what = [f"--file={recipe.dockerfile}", f"--tag={recipe.reference}", f"--context={recipe.context}"]
    run([sys.executable, "-m", "devcluster", "build-image", *what, *arguments], still=still)
    took = screen.elapsed - begun
    how = "is there" if took < QUICK else f"built in {took:.0f} s"
    screen.line(name, f"the image {how}")


def recipes() -> Iterator[Recipe]:
    """List the images to build."""
    yield operator_recipe()
    users = PROJECT / "migrations" / "users"
    for release in RELEASES:
        yield Recipe(users / "Dockerfile", f"localhost/users:{release}", users, (("RELEASE", release),))


def operator_recipe() -> Recipe:
    """Describe the operator's image."""
    return Recipe(PROJECT / "Dockerfile", OPERATOR_IMAGE, PROJECT)


def make_namespace(cluster: Access) -> None:
    """Make the namespace, with Pod Security enforced."""
    text = (MANIFESTS / "namespace.yaml").read_text()
    cluster.apply_text(text.replace(f"name: {NAMESPACE} ", f"name: {cluster.namespace} "))


def install_operator(screen: Screen, cluster: Access) -> None:
    """Install the chart, or upgrade it to what is in the working tree."""
    name = release_of(cluster.namespace)
    repository, tag = cluster.cluster.reference(OPERATOR_IMAGE).rsplit(":", 1)
    values = {
        "image.repository": repository,
        "image.tag": tag,
        "watchNamespaces[0]": cluster.namespace,
        # The tag stays the same when the code changes; this makes the pod change with it.
        "podAnnotations.built-from": operator_recipe().key(()),
    }
    chart = str(PROJECT / "charts" / "alembic-operator")
    command = ["upgrade", "--install", name, chart, f"--namespace={name}", "--create-namespace", "--wait"]
    screen.command("helm", *command[:3], "charts/alembic-operator", *command[4:])
    shared = operators.crd_arguments(cluster, name)
    settings = (f"--set-string={key}={value}" for key, value in values.items())
    cluster.helm(*command, "--timeout=180s", *shared, *settings)
    screen.line(name, f"ready; it serves the namespace {cluster.namespace}", Tone.GOOD)
