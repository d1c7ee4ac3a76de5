"""A service leaves its SQLite file for PostgreSQL: the example, on a real node, with psql as its check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from demo.expectation import until
from demo.setup import PROJECT
from tests.e2e.database import OWNER, Database
from tests.e2e.migration import PATIENCE, Migration

if TYPE_CHECKING:
    from demo.access import Access

FOLDER = PROJECT / "examples" / "import"
TOGETHER = 300.0


def test_users_and_posts_move_while_the_new_pods_wait_and_nothing_is_imported_twice(access: Access) -> None:
    past, application, rows = (path.read_text() for path in sorted(FOLDER.iterdir()))
    database = Database(access, OWNER)
    access.apply_text(past)
    access.kubectl("wait", "--for=condition=Complete", "job/blog-past", f"--timeout={TOGETHER:.0f}s")
    access.apply_text(application)
    Migration(access, "blog", database).until_ready(TOGETHER)
    assert database.rows("SELECT count(*) FROM blog.posts") == ["0"]
    until(lambda: "waiting for import blog" in _gate_says(access) or None, PATIENCE, "the gate waits for no import")

    access.apply_text(rows)
    access.kubectl("wait", "--for=condition=Ready", "dbi/blog", f"--timeout={TOGETHER:.0f}s")
    access.kubectl("rollout", "status", "deployment/blog", f"--timeout={TOGETHER:.0f}s")
    status = access.get("dbi", "blog")["status"]
    assert (status["tables"], status["rows"], status["equal"]) == (2, 1020, True)
    assert status["downtimeSeconds"] > 0
    count = "SELECT count(*), count(DISTINCT author_id), bool_and(published), max(created_at) FROM blog.posts"
    assert database.rows(count) == ["1000|20|t|2026-09-26 08:00:00"]
    assert database.rows("SELECT body FROM blog.posts WHERE title = 'Post 7'") == ["It's the 7th", "\tday\\."]
    indexes = "SELECT indexname FROM pg_indexes WHERE schemaname = 'blog' AND tablename = 'posts' ORDER BY 1"
    assert database.rows(indexes) == ["ix_posts_author_id", "ix_posts_created_at", "posts_pkey"]
    later = "INSERT INTO blog.users (name) VALUES ('later') RETURNING id"
    assert database.rows(later)[0] == "21"  # the counter goes on where SQLite's was

    access.kubectl("delete", "dbi", "blog", "--cascade=foreground")
    access.apply_text(rows)
    access.kubectl("wait", "--for=condition=Ready", "dbi/blog", f"--timeout={TOGETHER:.0f}s")
    again = access.get("dbi", "blog")["status"]
    assert again["rows"] == 1020
    assert "an earlier import has left its mark" in again["conditions"][0]["message"]
    assert database.rows("SELECT count(*) FROM blog.users") == ["21"]


def test_what_is_not_there_or_is_no_file_of_sqlite_is_said_in_words_and_harms_nobody(access: Access) -> None:
    template = yaml.safe_load((FOLDER / "3-import.yaml").read_text())
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
    assert Database(access, OWNER).rows("SELECT count(*) FROM blog.users") == ["21"]


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


def _gate_says(access: Access) -> str:
    pods: list[dict[str, Any]] = access.get("pods", "--selector=app=blog")["items"]
    logs = [
        access.kubectl("logs", pod["metadata"]["name"], "--container=alembic-gate", "--ignore-errors") for pod in pods
    ]
    return json.dumps(logs)
