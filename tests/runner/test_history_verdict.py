"""What the gate says of an image: whether the database contains its heads, as far as anybody can know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from alembic.script import ScriptDirectory

from alembic_operator.runner.commands.compare import compare
from alembic_operator.runner.project import revision_map, scripts
from alembic_operator.runner.project.state import Contents
from tests.runner.histories import Universe
from tests.runner.project import Project
from tests.runner.rivals import users
from tests.runner.server import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Run, Runner
    from tests.runner.server import Database

KEPT = ("--history", "Enabled")
WAYS = ("env.py", "environment")


@dataclass
class Shop:
    """Images of one application, and the database that they share."""

    runner: Runner
    database: Database
    folder: Path

    def image(self, name: str, *revisions: tuple[str, str | tuple[str, ...] | None]) -> Project:
        """Return the project of an image; each revision is given with what it comes after."""
        project = Project(self.folder / name, "psycopg2").begin()
        for revision, down in revisions:
            project.revision(revision, down=down)
        return project

    @property
    def environment(self) -> dict[str, str]:
        return {"APP_URL": self.database.url("psycopg2"), **self.database.environment()}

    def run(self, project: Project, *words: str) -> Run:
        return self.runner.run(project, *words, **self.environment)

    def waiting(self, project: Project, *words: str) -> str:
        """Start a gate and return what it waits for."""
        gate = self.runner.start(project, "gate", *words, **self.environment)
        (said,) = until(lambda: gate.said("waiting"))
        assert gate.popen.poll() is None
        return str(said["message"])


@pytest.fixture
def shop(runner: Runner, database: Database, tmp_path: Path) -> Shop:
    return Shop(runner, database, tmp_path)


@pytest.fixture
def v1(shop: Shop) -> Project:
    return shop.image("v1", ("one", None))


@pytest.fixture
def v2(shop: Shop) -> Project:
    return shop.image("v2", ("one", None), ("two", "one"))


@pytest.fixture
def hotfix(shop: Shop) -> Project:
    return shop.image("hotfix", ("one", None), ("fix", "one"))


@pytest.fixture(params=WAYS)
def each_way(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return ("--database", str(request.param))


@pytest.fixture
def way() -> tuple[str, ...]:
    """The quick one: it reads the history by itself; the other one does it as an upgrade does."""
    return ("--database", "environment")


def told(run: Run) -> tuple[int, str]:
    return run.code, run.result.reason


@pytest.mark.parametrize(("flags", "how"), [((), "env.py"), (KEPT, "environment")], ids=["without", "with"])
def test_an_old_pod_starts_at_once_before_and_after_the_rollout_of_the_next_version(
    shop: Shop, v1: Project, v2: Project, flags: tuple[str, ...], how: str
) -> None:
    each_way = ("--database", how)
    shop.run(v1, "upgrade", *flags)
    before = shop.run(v1, "gate", *flags, *each_way)
    assert (told(before), before.said("waiting")) == ((0, "UpToDate"), []), before.stderr
    shop.run(v2, "upgrade", *flags)
    after = shop.run(v1, "gate", *flags, *each_way)
    assert (told(after), after.said("waiting"), after.result.warnings) == ((0, "DatabaseAhead"), [], ()), after.stderr


@pytest.mark.parametrize("flags", [(), KEPT], ids=["without", "with"])
def test_an_undone_rollout_waits_with_the_reason_when_the_policy_blocks(
    shop: Shop, v1: Project, v2: Project, flags: tuple[str, ...], way: tuple[str, ...]
) -> None:
    shop.run(v2, "upgrade", *flags)
    message = shop.waiting(v1, "--database-ahead", "Block", *flags, *way)
    assert message == "waiting: the database contains two, which this image does not know"


def test_a_hotfix_of_another_branch_waits_with_a_history_and_is_let_through_without(
    shop: Shop, v2: Project, hotfix: Project, each_way: tuple[str, ...]
) -> None:
    shop.run(v2, "upgrade", *KEPT)
    without = shop.run(hotfix, "gate", *each_way)
    assert told(without) == (0, "DatabaseAhead"), without.stderr
    message = shop.waiting(hotfix, *KEPT, *each_way)
    assert message == (
        "waiting: the database contains two, which these scripts do not know, and not fix, as its history shows"
    )


def test_the_gate_of_a_hotfix_opens_when_an_image_with_both_lines_has_been_applied(
    shop: Shop, v2: Project, hotfix: Project, way: tuple[str, ...]
) -> None:
    shop.run(v2, "upgrade", *KEPT)
    gate = shop.runner.start(hotfix, "gate", *KEPT, *way, **shop.environment)
    until(lambda: gate.said("waiting"))
    both = shop.image("both", ("one", None), ("two", "one"), ("fix", "one"), ("merged", ("two", "fix")))
    assert told(shop.run(both, "upgrade", *KEPT)) == (0, "UpToDate")
    run = gate.finish()
    assert (told(run), run.result.to) == ((0, "DatabaseAhead"), ("merged",)), run.stderr


def test_upgrade_of_a_hotfix_says_what_to_do_and_runs_nothing(shop: Shop, v2: Project, hotfix: Project) -> None:
    shop.run(v2, "upgrade", *KEPT)
    for command in ("upgrade", "check"):
        run = shop.run(hotfix, command, *KEPT)
        assert (told(run), run.result.to, run.result.applied) == ((66, "Diverged"), ("two",), ()), run.stderr
        assert run.result.error
        assert "and not fix, as its history shows" in run.result.error.message
        assert "build an image that has the revisions of both" in run.result.error.hint
    assert told(shop.run(hotfix, "upgrade")) == (0, "DatabaseAhead")
    assert shop.database.heads() == ["two"]


def test_check_counts_what_the_history_lacks(shop: Shop, v2: Project, hotfix: Project, way: tuple[str, ...]) -> None:
    hotfix.revision("more")
    shop.run(v2, "upgrade", *KEPT)
    run = shop.run(hotfix, "check", *KEPT, *way)
    assert (told(run), run.result.pending, run.result.ahead) == ((66, "Diverged"), 2, True), run.stderr


def test_ready_after_an_upgrade_of_an_older_image_needs_the_history_to_show_its_heads(
    shop: Shop, v1: Project, v2: Project
) -> None:
    shop.run(v2, "upgrade", *KEPT)
    run = shop.run(v1, "upgrade", *KEPT)
    assert (told(run), run.result.warnings) == ((0, "DatabaseAhead"), ()), run.stderr


@pytest.mark.parametrize(("command", "how"), [("check", WAYS[1]), ("gate", WAYS[0]), ("upgrade", WAYS[0])])
def test_without_a_record_of_what_is_there_today_s_meaning_holds_and_is_said(
    shop: Shop, hotfix: Project, command: str, how: str
) -> None:
    shop.database.contain("two")
    run = shop.run(hotfix, command, *KEPT, "--database", how)
    assert told(run) == (0, "DatabaseAhead"), run.stderr
    (warning,) = run.result.warnings
    assert "does not hold two" in warning
    assert "only assumed" in warning


def test_what_plain_alembic_added_makes_the_history_unsure_until_a_run_catches_up(
    shop: Shop, v1: Project, v2: Project, hotfix: Project, way: tuple[str, ...]
) -> None:
    shop.run(v1, "upgrade", *KEPT)
    shop.run(v2, "upgrade")
    unsure = shop.run(hotfix, "check", *KEPT, *way)
    assert (told(unsure), len(unsure.result.warnings)) == ((0, "DatabaseAhead"), 1), unsure.stderr
    shop.run(v2, "upgrade", *KEPT)
    assert told(shop.run(hotfix, "check", *KEPT, *way)) == (66, "Diverged")


def test_what_a_downgrade_undid_is_missing_again(shop: Shop, v1: Project, v2: Project, way: tuple[str, ...]) -> None:
    shop.run(v2, "upgrade", *KEPT)
    shop.run(v2, "downgrade", "--target", "one", *KEPT)
    other = shop.image("other", ("one", None), ("else", "one"))
    shop.run(other, "upgrade", *KEPT)
    assert told(shop.run(v2, "check", *KEPT, *way)) == (66, "Diverged")
    assert told(shop.run(v1, "check", *KEPT, *way)) == (0, "DatabaseAhead")


def test_an_image_from_before_a_squash_starts_as_it_did(
    shop: Shop, v1: Project, v2: Project, way: tuple[str, ...]
) -> None:
    shop.run(v2, "upgrade", *KEPT)
    squashed = shop.image("squashed", ("two", None), ("three", "two"))
    assert told(shop.run(squashed, "upgrade", *KEPT)) == (0, "UpToDate")
    for image in (v1, v2):
        run = shop.run(image, "check", *KEPT, *way)
        assert (told(run), run.result.warnings) == ((0, "DatabaseAhead"), ()), run.stderr


def test_a_gate_that_may_not_read_the_history_says_so(
    shop: Shop, v1: Project, v2: Project, each_way: tuple[str, ...]
) -> None:
    shop.run(v2, "upgrade", *KEPT)
    with users(shop.database, "reader") as (reader,):
        shop.database.rows(f"grant select on alembic_version to {reader.user}")
        shop.database = reader
        assert "permission denied for table alembic_operator_history" in shop.waiting(v1, *KEPT, *each_way)
        assert told(shop.run(v1, "gate", *each_way)) == (0, "DatabaseAhead")


def _answers(folder: Path, contents: Contents) -> tuple[Any, Any]:
    quick = revision_map.read([str(folder / "versions")], recursive=False)
    slow = scripts.Loaded(ScriptDirectory(str(folder)))
    return compare(quick, "heads", [contents]), compare(slow, "heads", [contents])


@pytest.mark.parametrize("seed", range(5))
def test_with_a_history_the_verdict_is_the_truth_whatever_the_image_and_both_ways_agree(
    tmp_path: Path, seed: int
) -> None:
    wrongly_passed = 0
    for number in range(80):
        universe = Universe(1000 * seed + number)
        image, there = universe.image(), universe.image() | universe.image()
        universe.write(folder := tmp_path / str(number), image)
        rows = universe.rows(there)
        quick, slow = _answers(folder, Contents(rows, frozenset(there)))
        assert quick == slow, universe.seed
        assert (quick.reason in ("UpToDate", "DatabaseAhead")) == (image <= there), universe.seed
        blind, _ = _answers(folder, Contents(rows))
        wrongly_passed += blind.reason == "DatabaseAhead" and not image <= there
    assert wrongly_passed, "without a history some pass that should not, or this test shows nothing"


@pytest.mark.parametrize("seed", range(2))
def test_a_real_database_that_several_images_changed_is_told_truly_both_ways(shop: Shop, seed: int) -> None:
    universe, there = Universe(seed), set[str]()
    for number in range(2):
        image = universe.image()
        project = shop.image(f"applied{number}")
        universe.write(project.folder / "migrations", image)
        run = shop.run(project, "upgrade", *KEPT)
        there |= image if run.result.reason == "UpToDate" else set()
        asked = universe.image()
        project = shop.image(f"asked{number}")
        universe.write(project.folder / "migrations", asked)
        reasons = {shop.run(project, "check", *KEPT, "--database", how).result.reason for how in WAYS}
        assert len(reasons) == 1
        assert bool(reasons & {"UpToDate", "DatabaseAhead"}) == (asked <= there), (image, asked, there)
