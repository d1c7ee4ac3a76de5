"""What a run looks like from outside: its Job, its status, its Events, and how little is written for it."""

from tests.api.kubelet import DIGEST
from tests.api.shop import BROKEN, MIGRATION, Shop, conditions, message, until

pytest_plugins = ["tests.api.operator_fixtures"]


def test_an_image_is_migrated_and_the_status_tells_each_step(shop: Shop) -> None:
    shop.migrate()
    status = shop.becomes("Pending")
    assert conditions(status) == {"Ready": "False", "Reconciling": "True"}
    job = shop.job()
    shop.kubelet.starts(shop.pod())
    status = shop.becomes("Migrating")
    assert status["lastRun"]["job"] == job["metadata"]["name"]
    status = shop.succeeds()
    assert conditions(status) == {"Ready": "True"}
    assert status["observedGeneration"] == 1
    assert status["image"] == DIGEST
    assert status["revisions"] == {"current": ["b2"], "target": ["b2"], "pending": 0, "databaseAhead": False}
    assert status["lastRun"]["applied"] == [{"revision": "a1", "seconds": 0.02}, {"revision": "b2", "seconds": 1.5}]
    assert [one["outcome"] for one in status["history"]] == ["UpToDate"]
    assert message(status) == "the database contains b2; 2 revisions applied in 1.5 s"
    assert until(lambda: shop.occasions() == ["Started", "Succeeded"])


def test_a_whole_run_is_three_status_writes_and_one_job(shop: Shop) -> None:
    created = shop.migrate()
    shop.succeeds()
    assert [one["type"] for one in shop.changes(MIGRATION, created)] == ["MODIFIED"] * 3


def test_a_broken_revision_stalls_and_a_corrected_image_heals_it(shop: Shop) -> None:
    shop.migrate()
    first = shop.job()
    shop.kubelet.ends(shop.pod(), 70, BROKEN)
    status = shop.becomes("RevisionFailed")
    assert conditions(status) == {"Ready": "False", "Stalled": "True"}
    assert message(status).startswith('revision b2: SQLSTATE 42P01: relation "user" does not exist')
    assert until(lambda: shop.occasions() == ["Started", "Failed"])
    shop.change(source={"image": "registry.test/users:2"})
    second = shop.job(besides=(first["metadata"]["uid"],))
    assert second["metadata"]["name"] != first["metadata"]["name"]
