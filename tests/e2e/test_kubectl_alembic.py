"""`kubectl alembic` on a real node, found by kubectl as a plugin: a run that is watched, and a release that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.migration import PATIENCE, database
from tests.e2e.plugin import ask, begin
from tests.e2e.shop import BROKEN, REVISIONS

if TYPE_CHECKING:
    from tests.e2e.shop import OpenShop


def test_a_person_sees_with_the_plugin_what_waits_why_and_what_would_run(open_shop: OpenShop) -> None:
    shop = open_shop("seen", database=database("seen") | {"history": "Enabled"})
    access = shop.app.access
    shop.hold()
    shop.app.ship(BROKEN)
    shop.until_held()
    with begin(access, "logs", "seen", "--follow") as following, begin(access, "status", "seen", "--exit") as decided:
        assert (following.poll(), decided.poll()) == (None, None)
        shop.release()
        shop.migration.until_stalled()
        (waiting,) = shop.app.until_at_gate(BROKEN)
        assert decided.wait(PATIENCE) == 3
        followed, _ = following.communicate(timeout=PATIENCE)
    assert following.returncode == 0
    assert [line for line in followed.splitlines() if " ERROR " in line], followed
    assert "    Traceback (most recent call last):" in followed

    told = shop.migration.until(lambda raw: raw["status"].get("heldPods") == 1, "holding a pod")
    code, said = ask(access, "why", waiting["metadata"]["name"])
    assert (code, f"for revision {REVISIONS[BROKEN]}" in said, told.message.partition(";")[0] in said) == (
        3,
        True,
        True,
    ), said
    code, said = ask(access, "status")
    assert (code, "1 pod of Deployment seen held since" in said) == (3, True), said

    before = shop.migration.raw()["status"]["lastRun"]
    code, said = ask(access, "check", "seen")
    assert (code, "1 revision to apply" in said) == (2, True), said
    code, said = ask(access, "plan", "seen")
    assert (code, said.startswith("-- What `upgrade"), "ALTER TABLE" in said) == (2, True, True), said
    assert '"event"' not in said
    code, said = ask(access, "history", "seen", "--database")
    newest, first = [line.split() for line in said.splitlines()[1:]]
    assert code == 0
    assert (newest[2:4], newest[-1]) == (["upgrade", "RevisionFailed"], f"localhost/users:{BROKEN}"), said
    assert (first[2:6], first[-1]) == (["upgrade", "UpToDate", "no", "revision"], "localhost/users:v1"), said
    assert shop.migration.raw()["status"]["lastRun"] == before
    assert access.get("jobs", "--selector=alembic-operator.dev/question")["items"] == []
