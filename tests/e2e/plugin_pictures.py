"""Let a release fail on a real cluster, and draw what `kubectl alembic` says of it meanwhile.

`make plugin-pictures` draws docs/pictures/kubectl-alembic-status.svg and docs/pictures/kubectl-alembic-why.svg.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from demo import picture, setup
from demo.screen import Screen
from tests.e2e.evidence import Evidence
from tests.e2e.migration import PATIENCE
from tests.e2e.plugin import ask
from tests.e2e.shop import BROKEN, OpenShop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.access import Access
    from tests.e2e.shop import Shop

COLUMNS = "96"
OF_THIS_MACHINE = " --kubeconfig="
"""What is left out of the picture, to the end of its line: where the cluster's login lies."""


def main(folder: Path) -> None:
    """Play, and draw."""
    access = setup.set_up(Screen())
    access.apply("postgres.yaml")
    access.kubectl("rollout", "status", "statefulset/postgres", f"--timeout={PATIENCE:.0f}s")
    with TemporaryDirectory() as kept, closing(OpenShop(access, Evidence(access, Path(kept)))) as opener:
        draw(opener("users"), folder)


def draw(shop: Shop, folder: Path) -> None:
    """Play with a shop that is open, and draw."""
    for name, typed, said in _play(shop):
        lines = [f"$ kubectl alembic {typed}", *(line.partition(OF_THIS_MACHINE)[0] for line in said.splitlines())]
        drawn = picture.draw(lines, f"kubectl alembic {name}")
        (folder / f"kubectl-alembic-{name}.svg").write_text(drawn, encoding="utf-8")


def _play(shop: Shop) -> Iterator[tuple[str, str, str]]:
    """Yield of each picture its name, what is typed, and what is said then."""
    access, name = shop.app.access, shop.app.name
    shop.hold()
    shop.app.ship(BROKEN)
    shop.app.until_at_gate(BROKEN)
    shop.until_held()
    shop.migration.until(lambda raw: bool(raw["status"].get("progress")), "telling how far it is")
    yield "status", f"status {name} --watch", _said(access, "status", name)
    shop.release()
    shop.migration.until_stalled()
    (waiting,) = shop.app.until_at_gate(BROKEN)
    pod = waiting["metadata"]["name"]
    yield "why", f"why {pod}", _said(access, "why", pod)


def _said(access: Access, *words: str) -> str:
    os.environ |= {"FORCE_COLOR": "1"}
    return ask(access, *words, columns=COLUMNS)[1]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
