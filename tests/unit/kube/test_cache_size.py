import json
import tracemalloc
from typing import Any

from alembic_operator.contract import Result
from alembic_operator.kube.cache import Cache
from alembic_operator.kube.cluster import JOBS, MIGRATIONS, PODS, Resource
from tests.unit.kube.objects import a_job, a_migration, a_pod

_MANY = 200

_HEAD = {"current": ["b2"], "target": ["b2"], "pending": 0}
_RUN = {"attempt": 1, "startedAt": "2026-03-01T12:00:01Z", "finishedAt": "2026-03-01T12:00:02Z", "from": ["a1"]}
_SAID = Result("UpToDate", ("a1",), ("b2",), ("b2",)).to_json()
_ENDED = {"name": "migrate", "image": "users:1", "state": {"terminated": {"exitCode": 0, "message": _SAID}}}


def settled(number: int) -> list[tuple[Resource, dict[str, Any]]]:
    name, job = f"tenant-{number}", f"tenant-{number}-0123456789"
    ready = {"type": "Ready", "status": "True", "reason": "UpToDate", "message": f"the database of {name} contains b2"}
    history = [{"finishedAt": "2026-03-01T12:00:02Z", "from": ["a1"], "to": ["b2"], "outcome": "UpToDate"}]
    status = {"conditions": [ready], "revisions": _HEAD, "lastRun": {"job": job, **_RUN}, "history": history}
    return [
        (MIGRATIONS, a_migration(name) | {"status": status}),
        (JOBS, a_job(job, of=name, startTime="2026-03-01T12:00:01Z")),
        (PODS, a_pod(f"{job}-x", of=name, job=job, phase="Succeeded", containerStatuses=[_ENDED])),
    ]


def test_a_thousand_settled_migrations_take_few_mebibytes_with_their_jobs_and_pods() -> None:
    texts = [(resource, json.dumps(raw)) for number in range(_MANY) for resource, raw in settled(number)]
    cache = Cache()
    tracemalloc.start()
    try:
        for resource, text in texts:
            cache.put(resource, json.loads(text))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept / _MANY < 4096
