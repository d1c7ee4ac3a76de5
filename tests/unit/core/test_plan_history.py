from dataclasses import replace

from alembic_operator.contract import Failure
from alembic_operator.core.plan import plan
from tests.unit.core.builders import BROKEN, IMAGE, LOCKED, UP_TO_DATE, deleted, later
from tests.unit.core.life import Life


def runs(*outcomes: int) -> Life:
    life = Life()
    for number, code in enumerate(outcomes):
        life.change(alembic={"target": f"r{number}"})
        life.run(code, {0: UP_TO_DATE, 70: BROKEN, 75: LOCKED}[code])
    return life


def test_the_history_has_the_newest_run_first() -> None:
    history = runs(0, 70, 0, 75).status.history
    assert [one.outcome for one in history] == ["LockTimeout", "UpToDate", "RevisionFailed", "UpToDate"]
    assert [one.finished_at for one in history] == sorted((one.finished_at for one in history), reverse=True)
    assert (history[1].from_, history[1].to, history[1].image) == (("a1",), ("b2",), IMAGE)


def test_the_history_keeps_ten_runs() -> None:
    life = runs(*([0] * 12))
    assert len(life.status.history) == 10
    assert life.status.last_run is not None
    assert life.status.history[0].finished_at == life.status.last_run.finished_at


def test_a_run_enters_the_history_once_however_often_it_is_seen() -> None:
    life = runs(0, 75)
    before = life.status.history
    for _ in range(3):
        life.pass_time(1)
        life.look()
    assert life.status.history == before


def test_a_run_enters_the_history_only_when_it_has_ended() -> None:
    life = runs(0)
    before = life.status.history
    life.change(alembic={"target": "other"})
    life.look()
    life.pod_runs()
    life.look()
    assert life.status.history == before


def test_of_the_same_failure_in_a_row_the_history_keeps_the_last() -> None:
    life = runs(0, 75)
    for _ in range(12):
        life.pass_time(600)
        assert deleted(life.look())
        life.run(75, LOCKED)
    assert [one.outcome for one in life.status.history] == ["LockTimeout", "UpToDate"]
    assert life.status.last_run is not None
    assert life.status.last_run.attempt == 13
    assert life.status.history[0].finished_at == life.status.last_run.finished_at


def test_another_failure_in_a_row_is_another_entry() -> None:
    life = runs(0, 75)
    life.pass_time(600)
    life.look()
    life.run(75, replace(LOCKED, reason="DatabaseUnreachable", error=Failure("refused")))
    assert [one.outcome for one in life.status.history] == ["DatabaseUnreachable", "LockTimeout", "UpToDate"]


def test_planning_a_finished_run_again_announces_nothing() -> None:
    life = runs(0)
    assert plan(later(life.seen, 9)).notices == ()
