"""Play three releases of the demo and some troubles on a real cluster, and draw the dashboard as it is then.

`make dashboard-picture` draws docs/pictures/dashboard.svg.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from demo import setup, story
from demo.operators import release_of
from demo.screen import Screen
from tests.e2e.conftest import Start
from tests.e2e.database import OWNER, Database
from tests.e2e.monitoring import Monitoring
from tests.e2e.project import chain, revision
from tests.prometheus import as_grafana_asks
from tools.dashboard.picture import draw

if TYPE_CHECKING:
    from demo.access import Access
    from tests.prometheus import Prometheus
    from tools.dashboard.shapes import Answers

DASHBOARD = setup.PROJECT / "charts" / "alembic-operator" / "files" / "dashboard.json"
STEP = 3
LOCKED_SECONDS = 20


def main(picture: Path) -> None:
    """Play, ask and draw."""
    screen = Screen()
    access = setup.set_up(screen)
    monitoring = Monitoring(access, replace(access, namespace=release_of(access.namespace)))
    with TemporaryDirectory() as context:
        monitoring.build(Path(context))
    begun = time.time()
    prometheus = monitoring.start()
    _play(access, screen)
    time.sleep(60)  # so that the alert fires, and the end of the story is a part of the picture
    seconds = int(time.time() - begun)
    dashboard = json.loads(DASHBOARD.read_text())
    picture.write_text(draw(dashboard, lambda panel: _answers(prometheus, panel, seconds)), encoding="utf-8")
    screen.line(str(picture), f"shows {seconds} s")


def _play(access: Access, screen: Screen) -> None:
    """Release v1, v2, and a broken v3; let others wait for a lock, be slow, find no server, fail for a tenant."""
    teller, start = story.Teller.at(access, screen), Start(access)
    story.database(teller)
    story.first_release(teller)
    story.broken_release(teller, story.second_release(teller))
    _wait_for_a_lock(access, start)
    start("agents", chain("r1", "r2", held=("r2",)))
    start("tracing", chain("r1"), database=_nowhere())
    _fail_in_a_tenant(access, start)


def _wait_for_a_lock(access: Access, start: Start) -> None:
    database = Database(access, "chat").create()
    database.rows("CREATE TABLE messages (id int)")
    sql = f"BEGIN; LOCK TABLE messages; SELECT pg_sleep({LOCKED_SECONDS})"
    words = [str(access.kubectl_path), f"--kubeconfig={access.cluster.kubeconfig}", f"--namespace={access.namespace}"]
    psql = ["exec", "postgres-0", "--", "psql", f"--username={OWNER}", "--dbname=chat", f"--command={sql}"]
    with subprocess.Popen([*words, *psql], stdout=subprocess.DEVNULL):
        slow = revision("r1", None, "ALTER TABLE messages ADD COLUMN read boolean", "SELECT pg_sleep(2)")
        start("chat", slow, where=database, policy={"lockTimeout": "1s"}).until_ready()


def _fail_in_a_tenant(access: Access, start: Start) -> None:
    """Migrate six tenants, of which one has a table in the way."""
    database = Database(access, "ledger").create()
    for number in range(1, 7):
        database.rows(f"CREATE SCHEMA ws_{number}")
    database.rows("CREATE TABLE ws_2.ledger (id int)")
    made = revision("r1", None, "CREATE TABLE ledger (id int)")
    start("ledger", made, where=database, tenants={"pattern": r"ws\_%"}).until_stalled()


def _nowhere() -> dict[str, Any]:
    user = {"userFrom": {"name": "postgres", "key": "POSTGRES_USER"}}
    return {
        "host": "nowhere",
        "name": "tracing",
        "passwordFrom": {"name": "postgres", "key": "POSTGRES_PASSWORD"},
    } | user


def _answers(prometheus: Prometheus, panel: dict[str, Any], seconds: int) -> Answers:
    found = {}
    for target in panel.get("targets", ()):
        expression = as_grafana_asks(target["expr"])
        if target["instant"]:
            found[target["refId"]] = prometheus.ask("query", query=expression)["result"]
        else:
            found[target["refId"]] = prometheus.course(expression, seconds, STEP)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
