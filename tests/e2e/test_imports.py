"""A service leaves its SQLite file for PostgreSQL: the example, on a real node, with psql as its check."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from demo import setup
from demo.expectation import until
from demo.screen import Screen
from demo.setup import PROJECT
from devcluster.recipe import Recipe
from tests.e2e.database import Database
from tests.e2e.guide import Guide
from tests.e2e.migration import PATIENCE

if TYPE_CHECKING:
    from demo.access import Access

FOLDER = PROJECT / "examples" / "import"
TOGETHER = 300.0
BEGIN = datetime.fromisoformat("2024-01-01 08:00:00")
POSTS = [
    {
        "author": f"author {one % 20}",
        "title": f"Post {one}",
        "body": f"It's the {one}th\n\tday\\.",
        "created_at": str(BEGIN + timedelta(days=one)),
    }
    for one in range(1000)
]
LATER = [{"author": "later", "title": "Later", "body": "", "created_at": str(BEGIN)}]


@pytest.fixture(scope="module", autouse=True)
def _blog_image(access: Access) -> None:
    """Build the image of the folder `import`."""
    assert access
    blog = PROJECT / "migrations" / "blog"
    setup.build(Screen(colours=False), Recipe(blog / "Dockerfile", "localhost/blog:v1", blog))


def test_the_guide_leads_users_and_posts_to_postgresql_and_back_until_the_first_write(access: Access) -> None:
    guide, database = Guide(access, "import-in-the-cluster.md"), Database(access, "blog")
    guide.follow("The application on SQLite")
    _publish(access, POSTS)
    guide.follow("Phase 1: the database is up")
    guide.follow("Phase 2: the schema is there")
    assert database.rows("SELECT count(*) FROM posts") == ["0"]
    until(lambda: "waiting for import blog" in _gate_says(access) or None, PATIENCE, "the gate waits for no import")
    assert _counts(access) == {"users": 20, "posts": 1000, "kept by": "sqlite"}

    guide.follow("Phase 3: the rows go over")
    status = access.get("dbi", "blog")["status"]
    assert (status["tables"], status["rows"], status["equal"]) == (2, 1020, True)
    assert status["downtimeSeconds"] > 0
    *_, told = guide.follow("Phase 4: the application is switched")
    assert " 1000\n(1 row)" in told
    _is_what_sqlite_had(database)
    assert _counts(access) == {"users": 20, "posts": 1000, "kept by": "postgresql"}

    *_, file, remembered = guide.follow("The way back, until the first write")
    assert file.split()[0] == remembered == status["sha256"]
    assert _counts(access) == {"users": 20, "posts": 1000, "kept by": "sqlite"}


def test_after_the_way_back_two_passes_carry_over_what_came_to_sqlite_before_and_between_them(access: Access) -> None:
    guide, database = Guide(access, "import-in-the-cluster.md"), Database(access, "blog")
    _publish(access, LATER)
    guide.follow("Once more from the start")
    *first, stop, ready = guide.commands("A shorter stop: two passes")
    for command in first:
        guide.run(command)
    assert _counts(access) == {"users": 21, "posts": 1001, "kept by": "sqlite"}
    _publish(access, LATER)
    for command in (stop, ready):
        guide.run(command)
    guide.follow("Phase 4: the application is switched")
    assert _counts(access) == {"users": 21, "posts": 1002, "kept by": "postgresql"}
    _publish(access, LATER)  # the counters go on where SQLite's were
    assert database.rows("SELECT max(id), max(author_id) FROM posts") == ["1003|21"]


def test_what_is_not_there_or_is_no_file_of_sqlite_is_said_in_words_and_harms_nobody(access: Access) -> None:
    template = yaml.safe_load((FOLDER / "import.yaml").read_text())
    elsewhere = {"volume": {"persistentVolumeClaim": {"claimName": "nobody"}}}
    wrong: dict[str, tuple[dict[str, Any], str, str]] = {
        "no-file": ({"path": "none/app.db"}, "ImportFailed", "No such file or directory"),
        "no-sqlite": ({"path": "notes.txt"}, "ImportFailed", "is no SQLite file"),
        "not-aboard": ({"env": []}, "ImportFailed", "env.py connects to postgresql, not to SQLite"),
        "no-claim": (elsewhere, "WaitingForVolume", "nobody"),
        "filled": ({}, "Findings", "has rows in PostgreSQL"),
    }
    access.kubectl("wait", "--for=condition=Ready", "dbi/blog", f"--timeout={TOGETHER:.0f}s")
    access.apply_text(NOTES)
    access.kubectl("wait", "--for=condition=Complete", "job/notes", f"--timeout={TOGETHER:.0f}s")
    for name, (change, _, _) in wrong.items():
        sqlite = template["spec"]["from"]["sqlite"] | change
        spec = template["spec"] | {"from": {"sqlite": sqlite}}
        access.apply_text(json.dumps(template | {"metadata": {"name": name}, "spec": spec}))
    for name, (_, reason, words) in wrong.items():

        def told(name: str = name, reason: str = reason) -> str | None:
            conditions = access.get("dbi", name).get("status", {}).get("conditions", [])
            return next((one["message"] for one in conditions if one["reason"] == reason), None)

        assert words in until(told, TOGETHER, f"{name} is not {reason}")
    assert Database(access, "blog").rows("SELECT count(*) FROM posts") == ["1003"]


NOTES = """
apiVersion: batch/v1
kind: Job
metadata: {name: notes}
spec:
  template:
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: notes
          image: localhost/users:v1
          command: [sh, -c, "echo no database > /data/notes.txt"]
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
          volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: blog-data}}]
"""


def _is_what_sqlite_had(database: Database) -> None:
    count = "SELECT count(*), count(DISTINCT author_id), bool_and(published), max(created_at) FROM posts"
    assert database.rows(count) == ["1000|20|t|2026-09-26 08:00:00"]
    assert database.rows("SELECT body FROM posts WHERE title = 'Post 7'") == ["It's the 7th", "\tday\\."]
    indexes = "SELECT indexname FROM pg_indexes WHERE tablename = 'posts' ORDER BY 1"
    assert database.rows(indexes) == ["ix_posts_author_id", "ix_posts_created_at", "posts_pkey"]
    types = (
        "SELECT pg_get_serial_sequence('posts', 'id'), format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'posts'::regclass AND attname = 'title'"
    )
    assert database.rows(types) == ["public.posts_id_seq|character varying(200)"]


def _publish(access: Access, posts: list[dict[str, str]]) -> None:
    access.kubectl("create", f"--raw={_service(access)}/posts", "--filename=-", stdin=json.dumps(posts))


def _counts(access: Access) -> dict[str, Any]:
    """Ask whoever of both Deployments answers now."""
    answer: dict[str, Any] = json.loads(access.kubectl("get", f"--raw={_service(access)}/"))
    return answer


def _service(access: Access) -> str:
    return f"/api/v1/namespaces/{access.namespace}/services/blog:http/proxy"


def _gate_says(access: Access) -> str:
    pods: list[dict[str, Any]] = access.get("pods", "--selector=kept-in=postgresql")["items"]
    logs = [
        access.kubectl("logs", pod["metadata"]["name"], "--container=alembic-gate", "--ignore-errors") for pod in pods
    ]
    return json.dumps(logs)
