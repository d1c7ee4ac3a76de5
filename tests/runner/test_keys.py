"""The keys of the lock, asked for by connections of this process: who has them, who is waited for, who may be ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.database import direct, holders, locks
from alembic_operator.runner.database.address import Address
from alembic_operator.runner.database.holders import Holder, Orphans
from alembic_operator.runner.database.locks import Lock, Waiting
from alembic_operator.runner.database.versions import LOCK_CLASS_A, LOCK_CLASS_B, VersionTable
from alembic_operator.runner.process.interrupt import Stop
from alembic_operator.runner.process.journal import Journal
from alembic_operator.runner.process.masking import Secrets
from tests.runner.rivals import users

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic_operator.runner.database.own import OwnConnection
    from tests.runner.server import Database

TABLE = VersionTable("public", "alembic_version")
JOURNAL = Journal(lambda _: None, Secrets())


def _own(database: Database) -> OwnConnection:
    where = Address(database.host, str(database.port), database.user, database.password, database.name)
    origin = direct.origin(where, "")
    assert origin
    return origin.open()


def _taken(database: Database, key: int) -> Lock:
    lock = Lock(_own(database), TABLE)
    assert lock.take(key)
    return lock


@dataclass
class _Meanwhile(Waiting):
    """Does something in place of each pause, and remembers whom it waited for."""

    then: Callable[[], Any] = lambda: None
    waited_for: str = ""

    def pause(self) -> None:
        self.waited_for = self.stop.waiting_for
        self.then()


class _Patient(Stop):
    """Does something in place of each pause."""

    def __init__(self, then: Callable[[], Any]) -> None:
        super().__init__(JOURNAL)
        self._then = then
        self.pauses = 0

    def pause(self, seconds: float) -> None:
        del seconds
        self.pauses += 1
        self._then()


def test_a_lock_is_held_only_while_the_server_says_so(database: Database) -> None:
    lock = Lock(_own(database), TABLE)
    assert not lock.held()
    assert lock.take(LOCK_CLASS_A)
    assert lock.held()
    lock.own.rows("select pg_advisory_unlock_all()")
    assert not lock.held()
    other = _taken(database, LOCK_CLASS_A)
    assert not lock.held(), "somebody else has it"
    other.give(LOCK_CLASS_A)
    other.own.close()
    assert lock.take(LOCK_CLASS_A)
    lock.own.close()
    assert not lock.held()


def test_who_has_the_same_key_in_another_database_is_no_holder(database: Database, postgresql: Database) -> None:
    elsewhere = _taken(postgresql, LOCK_CLASS_A)
    own = _own(database)
    assert holders.look(own, LOCK_CLASS_A, TABLE) == []
    assert len(holders.look(_own(postgresql), LOCK_CLASS_A, TABLE)) == 1
    elsewhere.own.close()
    own.close()


def test_a_user_that_becomes_a_role_when_it_logs_in_sees_whom_it_waits_for(database: Database) -> None:
    with users(database, "login", "owner") as (login, owner):
        database.rows(f"grant {owner.user} to {login.user}; alter role {login.user} set role = {owner.user}")
        other = _taken(login, LOCK_CLASS_A)
        other.own.rows("set application_name = 'alembic-operator/the-other/1'")
        waiting = _Meanwhile(Stop(JOURNAL), JOURNAL, "alembic-operator/me", then=lambda: other.give(LOCK_CLASS_A))
        lock = locks.acquire(_own(login), TABLE, waiting)
        assert re.search(r"pod the-other \(pid \d+, since 20", waiting.waited_for)
        assert lock.own.rows("select current_user::text") == [(owner.user,)]
        for one in (lock, other):
            one.own.close()


def test_a_connection_migrates_only_when_it_shares_the_key(database: Database) -> None:
    lock, other = _taken(database, LOCK_CLASS_A), _taken(database, LOCK_CLASS_B)
    migrating, stop = _own(database), _Patient(lambda: other.give(LOCK_CLASS_B))
    locks.share(migrating.rows, lock, stop)
    assert stop.pauses == 1
    assert len(holders.look(lock.own, LOCK_CLASS_B, TABLE)) == 1
    for one in (lock.own, other.own, migrating):
        one.close()


def test_a_session_that_took_the_process_id_of_an_orphan_is_not_ended(database: Database) -> None:
    with database.connect(application_name="by hand") as newcomer:
        orphan = Holder(newcomer.info.backend_pid, "alembic-operator/pod/1", "", 60.0)
        Orphans(_own(database), JOURNAL, 0.0).end([orphan], 60.0)
        assert newcomer.execute("select 1").fetchone() == (1,)
