"""What the plugin draws, as golden text at 80 and 120 columns; and that nothing in an object steers the terminal."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from alembic_operator.api.status import HistoryEntry
from alembic_operator.kubectl import screens
from alembic_operator.kubectl.diagnosis import answer, refusal
from alembic_operator.kubectl.diagnosis import migration as migrations
from alembic_operator.kubectl.diagnosis import pod as of_pods
from alembic_operator.kubectl.diagnosis.operators import read_operators
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings
from alembic_operator.kubectl.diagnosis.tree import branches
from tests.unit.kubectl.objects import (
    NOW,
    SINCE,
    WAITING,
    event,
    held_pod,
    migration,
    operator,
    owned,
    pod,
    replica_set,
    stalled,
)

GOLDENS = Path(__file__).parent / "goldens"
UNSEEN = migration() | {"status": {}}
AROUND = Surroundings(
    NOW,
    pods=(held_pod(owner="users-6d9f"), held_pod("users-3", owner="users-6d9f"), owned(pod(), "users-5c4d")),
    operators=read_operators([operator(ready=0)]),
)
UNSERVED = Surroundings(NOW, pods=(owned(pod(), "users-6d9f"),), operators=read_operators([operator("till")]))
RUN: dict[str, Any] = {
    "finishedAt": SINCE,
    "from": ["a1"],
    "to": ["b2", "c3"],
    "outcome": "UpToDate",
    "image": "shop:2",
}
PROGRESS: dict[str, Any] = {
    "revision": "b2",
    "index": 3,
    "of": 7,
    "since": "2026-11-30T03:26:00Z",
    "statement": "CREATE INDEX CONCURRENTLY mail ON person (email)",
    "waitingFor": {
        "pid": 4711,
        "application": "reporting",
        "user": "analyst",
        "state": "idle in transaction",
        "queryAge": "31m5s",
    },
    "build": {"command": "CREATE INDEX CONCURRENTLY", "phase": "building index", "done": 45, "total": 100},
    "at": "2026-11-30T03:29:55Z",
    "movedAt": "2026-11-30T03:28:00Z",
}
ROW = {
    "run": "users-3f9a1c22bd-x7k2p/0a1b2c",
    "versionTable": "alembic_version",
    "command": "upgrade",
    "image": "users:7",
    "from": ["f3a9c1e7b204"],
    "to": ["d25c8a41f7e6"],
    "startedAt": "2026-11-30T03:25:55Z",
    "seconds": 4.2,
    "outcome": "UpToDate",
    "error": None,
}
KILLED = ROW | {"startedAt": "2026-11-29T03:25:55Z", "seconds": None, "outcome": None, "to": None}
LOCKED_OUT = ROW | {"startedAt": "2026-11-28T03:25:55Z", "seconds": 25.0, "outcome": "WaitingForLock", "from": None}
LOG = ("print of env.py", '{"event": "ended"}', "[1]", *map(json.dumps, (ROW, KILLED, LOCKED_OUT)))
TRAIN = {
    "admin": ("rights",),
    "agents": ("users",),
    "chat": ("agents",),
    "rights": (),
    "tracing": ("chat",),
    "users": ("rights",),
}
"""Of examples/services: what each depends on."""
GROUP = {"count": 2, "names": ["ws_17", "ws_203"], "reason": "RevisionFailed", "revision": "d25c8a41f7e6"} | {
    "sqlstate": "23505",
    "statement": "CREATE UNIQUE INDEX mail ON person (email)",
    "message": 'could not create unique index "mail"',
    "hint": "Rows are there twice.",
}
MISSING = {"count": 1, "names": ["ws_9"], "reason": "TenantNotFound", "message": "schema ws_9 does not exist"}
FLEET: dict[str, Any] = {"shown": "120/128", "total": 128, "upToDate": 120, "behind": 5, "failed": 3}
FLEET |= {"failures": [GROUP, MISSING], "silent": ["us"], "drifted": 1, "driftedNames": ["ws_3"]}
TENANT = {"tenant": "ws_17", "heads": ["f3a9c1e7b204"], "outcome": "RevisionFailed", "revision": "d25c8a41f7e6"} | {
    "sqlstate": "23505",
    "message": 'could not create unique index "mail"',
    "seconds": 1.23,
    "at": "2026-11-30T03:25:55Z",
}
TENANTS = [TENANT, TENANT | {"tenant": "acme", "outcome": "UpToDate", "revision": "", "sqlstate": "", "message": ""}]
STEERING = "a\x1b[2Jb\u202ec\rd\u2028e\nNext  rm -rf /"


def train() -> dict[str, Any]:
    """Return the services of the example, whose chat has failed."""
    told = {"chat": stalled(), "tracing": migration("Reconciling", "WaitingForDependency")}
    found: dict[str, Any] = {}
    for name, needs in TRAIN.items():
        one = told.get(name, migration())
        spec = one["spec"] | {"dependsOn": [{"name": need} for need in needs]}
        found[name] = one | {"metadata": one["metadata"] | {"name": name}, "spec": spec}
    return found


def scenes() -> dict[str, RenderableType]:
    plain = Surroundings(NOW)
    of_it = {"status-around": AROUND, "status-unserved": UNSERVED}
    found: dict[str, RenderableType] = {
        name: screens.diagnoses([migrations.diagnose(UNSEEN if around is UNSERVED else stalled(), around)])
        for name, around in of_it.items()
    }
    ready = migration(message="nothing had to be applied", history=[RUN], knownImages=["sha256:0"])
    moving = migration("Reconciling", "Migrating", "revision 3 of 7", progress=PROGRESS)
    fleet = migration("Stalled", "RevisionFailed", "120 of 128 tenants are up to date", tenants=FLEET)
    under_way = FLEET | {"phase": "Tenants", "etaSeconds": 150, "slowest": "ws_7", "failures": [], "drifted": 0}
    moving_fleet = migration("Reconciling", "Migrating", "Tenants: 122 of 128 done", tenants=under_way)
    refused = refusal.refusals([event()])[0]
    return found | {
        "status": screens.diagnoses([migrations.diagnose(one, plain) for one in (ready, stalled())]),
        "status-progress": screens.diagnoses([migrations.diagnose(moving, plain)]),
        "status-wide": screens.diagnoses([migrations.diagnose(ready, plain, wide=True)]),
        "why": screens.diagnoses([of_pods.diagnose(pod(gate=WAITING), stalled(), plain)]),
        "why-unserved": screens.diagnoses([of_pods.diagnose(pod(), UNSEEN, UNSERVED)]),
        "why-refused": screens.diagnoses([refusal.diagnose(refused, replica_set(), None)]),
        "tree": screens.trees(branches(TRAIN, train())),
        "history": screens.history([HistoryEntry.model_validate(RUN)]),
        "history-database": screens.runs(answer.rows(LOG, "versionTable")),
        "tenants": screens.tenants(answer.rows(map(json.dumps, TENANTS), "tenant")),
        "status-tenants": screens.diagnoses([migrations.diagnose(one, plain) for one in (fleet, moving_fleet)]),
    }


def drawn(what: RenderableType, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(what)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "".join(f"{line.rstrip()}\n" for line in text.split("\n")[:-1])


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", scenes())
def test_a_screen_is_the_golden_text(name: str, width: int, request: pytest.FixtureRequest) -> None:
    written = drawn(scenes()[name], width)
    path = GOLDENS / f"{name}-{width}.txt"
    if request.config.getoption("update_goldens"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(written)
    assert written == (path.read_text() if path.exists() else ""), "look at it, or write it: --update-goldens"
    assert max(map(len, written.splitlines())) <= width


def test_no_text_of_an_object_steers_the_terminal_or_looks_like_a_line_of_ours() -> None:
    error = {"statement": STEERING}
    last = {"job": STEERING, "attempt": 1, "outcome": STEERING, "error": error}
    revisions = {"current": [STEERING], "target": [STEERING], "pending": 1}
    raw = migration("Stalled", STEERING, STEERING, image=STEERING, revisions=revisions, lastRun=last)
    raw["metadata"]["name"] = STEERING
    raw["status"]["tenants"] = FLEET | {"failures": [GROUP | {"names": [STEERING], "message": STEERING}]}
    raw["status"]["progress"] = PROGRESS | {"statement": STEERING, "waitingFor": {"pid": 1, "application": STEERING}}
    waits = pod(gate=WAITING)
    waits["metadata"]["name"] = STEERING
    run = RUN | {"outcome": STEERING, "image": STEERING}
    told = "".join(
        drawn(one, 80)
        for one in (
            screens.diagnoses([migrations.diagnose(raw, AROUND, wide=True), of_pods.diagnose(waits, raw, AROUND)]),
            screens.history([HistoryEntry.model_validate(run)]),
            screens.runs([ROW | {"outcome": STEERING, "image": STEERING, "to": [STEERING]}]),
            screens.tenants([TENANT | dict.fromkeys(("tenant", "outcome", "message", "at"), STEERING)]),
            screens.trees(
                branches(["it"], {"it": raw | {"spec": raw["spec"] | {"dependsOn": [{"name": "on"}]}}, "on": raw})
            ),
        )
    )
    assert all(one.isprintable() for line in told.split("\n") for one in line)
    assert not [line for line in told.split("\n") if line.lstrip().startswith("Next  rm")]
