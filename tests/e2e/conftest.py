"""A whole cluster for the tests of this folder, with one PostgreSQL and one operator in namespaces of their own.

Fixtures, all of the session; nothing that a test makes is deleted before the end, so that `test_secrets` can search it:

- `stage`: the cluster as `devcluster` chooses it, the images, a namespace with Pod Security "restricted", the
  PostgreSQL of `demo/manifests/postgres.yaml`, and the operator from its chart, serving that namespace alone. Each
  worker of xdist has a stage of its own on the one node.
- `access`: kubectl and helm there.
- `start`: call it with a name and the files of a project; it makes a database, a ConfigMap and a DatabaseMigration.
- `apply`: apply any manifest there.
- `operator`, of each test: kill it, stop it; it runs again afterwards.
- `open_shop`, of each test: call it with a name; it rolls out the users service, with a client that counts failures.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from demo import setup
from demo.clean import clean
from demo.expectation import until
from demo.operators import release_of
from demo.screen import Screen
from devcluster import lock, settings
from tests.e2e.database import Database
from tests.e2e.evidence import Evidence, describe
from tests.e2e.migration import PATIENCE, Manifest, Migration, database, manifest
from tests.e2e.operation import Operator
from tests.e2e.project import ENV, config_map
from tests.e2e.quick import Proxy, QuickAccess
from tests.e2e.shop import OpenShop

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from demo.access import Access

HERE = Path(__file__).parent
NAMESPACE = "-".join(("e2e", *filter(None, (os.environ.get("PYTEST_XDIST_WORKER"),))))
GROUPS = {
    "node: runs": (),
    "node: gates": (
        "test_gate_outages.py",
        "test_held.py",
        "test_init_container.py",
        "test_kubectl_alembic.py",
        "test_replicas.py",
    ),
    "node: rollouts": ("test_gitops.py", "test_rollouts.py", "test_services.py"),
}
"""Three workers, because on the node there is more to wait for than to do. What is not named belongs to the first."""
STAGE = pytest.StashKey[ExitStack]()
"""What is to be done when the last of these tests is over."""
LAST = "test_secrets.py"
LOCK = settings.from_environment(os.environ).cache / "e2e.lock"
"""Of the images and the definition, which all stages share."""
SECONDS = 1500
"""For one test; the first one builds the images when they are missing."""


@dataclass(frozen=True)
class Stage:
    """Where the tests play."""

    access: Access
    operator: Access
    """The same cluster, in the namespace of the operator."""
    evidence: Evidence


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run these tests in groups, each of them one after another. What searches everything of a group comes last."""
    for item in items:
        if item.path.is_relative_to(HERE):
            callspec = getattr(item, "callspec", None)
            own = next((group for group, files in GROUPS.items() if item.path.name in files), "node: runs")
            group = callspec.params.get("group", own) if callspec else own
            item.add_marker(pytest.mark.xdist_group(group))
            item.add_marker(pytest.mark.timeout(SECONDS))
    items.sort(key=lambda item: item.path == HERE / LAST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure how things stand on the cluster."""
    report = yield
    stage = getattr(item, "funcargs", {}).get("stage")
    if report.failed and isinstance(stage, Stage):
        report.sections += [(f"cluster: {title}", text) for title, text in describe(stage.access, stage.operator)]
    return report


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Clear the stage while the other workers still have something to do: it takes half a minute."""
    if STAGE in item.config.stash and not (nextitem and nextitem.path.is_relative_to(HERE)):
        item.config.stash[STAGE].close()


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Stage]:
    screen = Screen(colours=False)
    with lock.held(LOCK):
        access = setup.start_cluster(screen, NAMESPACE)
        for recipe in setup.recipes():
            setup.build(screen, recipe)
        clean(screen, NAMESPACE, stop_cluster=False)  # what a run that was interrupted has left
        setup.make_namespace(access)
        access.apply("postgres.yaml")
        setup.install_operator(screen, access)
    _wait_for_postgres(access)
    proxy = Proxy(access)
    access = QuickAccess(access.cluster, access.kubectl_path, access.helm_path, access.namespace, proxy)
    evidence = Evidence(access, tmp_path_factory.mktemp("evidence"), _others())
    evidence.begin()

    def clear() -> None:
        evidence.end()
        proxy.close()
        with lock.held(LOCK):
            clean(screen, NAMESPACE, stop_cluster=False)

    with request.config.stash.setdefault(STAGE, ExitStack()) as at_the_end:
        at_the_end.callback(clear)
        yield Stage(access, replace(access, namespace=release_of(NAMESPACE)), evidence)


@pytest.fixture(scope="session")
def access(stage: Stage) -> Access:
    return stage.access


@pytest.fixture(scope="session")
def apply(access: Access) -> Callable[[Manifest], None]:
    return lambda wanted: access.apply_text(json.dumps(wanted))


@dataclass(frozen=True)
class Start:
    """Makes migrations."""

    access: Access

    def __call__(
        self,
        name: str,
        files: dict[str, str],
        *,
        env: str = ENV,
        where: Database | None = None,
        **spec: Any,
    ) -> Migration:
        where = where or Database(self.access, name.replace("-", "_")).create()
        wanted = {"source": {"configMapRef": {"name": name}}, "database": database(where.name)} | spec
        for one in (config_map(name, files, env), manifest(name, wanted)):
            self.access.apply_text(json.dumps(one))
        return Migration(self.access, name, where)


@pytest.fixture(scope="session")
def start(access: Access) -> Start:
    return Start(access)


@pytest.fixture
def operator(stage: Stage) -> Iterator[Operator]:
    operator = Operator(stage.operator, stage.evidence)
    yield operator
    operator.start()


@pytest.fixture
def open_shop(stage: Stage) -> Iterator[OpenShop]:
    opener = OpenShop(stage.access, stage.evidence)
    yield opener
    opener.close()


def _others() -> tuple[str, ...]:
    """Name the namespaces of the other workers, who search them themselves."""
    own = os.environ.get("PYTEST_XDIST_WORKER", "")
    workers = (f"gw{number}" for number in range(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))))
    stages = [f"e2e-{worker}{more}" for worker in workers if worker != own for more in ("", "-shop")]
    return (*stages, *map(release_of, stages))


def _wait_for_postgres(access: Access) -> None:
    def ready() -> bool | None:
        return access.get("statefulset", "postgres")["status"].get("readyReplicas") == 1 or None

    until(ready, PATIENCE, "PostgreSQL does not become ready")
