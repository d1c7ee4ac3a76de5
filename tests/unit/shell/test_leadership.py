"""The life of a leader, with a clock that the test sets; real processes are in tests/api."""

import asyncio
from dataclasses import replace

import pytest

from alembic_operator.core.lease import Terms
from alembic_operator.kube.cluster import LEASES
from alembic_operator.kube.errors import ApiError, LeaseLostError, UnreachableError
from alembic_operator.kube.lease import LeaseLock
from alembic_operator.shell.leadership import Leadership
from tests.unit.kube.twin import Twin

TERMS = Terms("operators", "operator", "me", 1)
AWAY = UnreachableError(0, "ClientConnectionError", "away")


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def candidate(cluster: Twin, clock: Clock, holder: str = "me") -> Leadership:
    return Leadership(LeaseLock(cluster, replace(TERMS, holder=holder)), clock)


async def leader(cluster: Twin, clock: Clock, holder: str = "me") -> Leadership:
    found = candidate(cluster, clock, holder)
    await found.win(lambda: None)
    return found


def holder_of(cluster: Twin) -> str:
    return str(cluster.objects[LEASES, "operators", "operator"]["spec"]["holderIdentity"])


def may_act(one: Leadership) -> bool:
    try:
        one.check()
    except LeaseLostError:
        return False
    return True


async def test_nobody_may_act_before_he_has_won() -> None:
    assert not may_act(candidate(Twin(), Clock()))


async def test_the_first_one_makes_the_lease_and_may_act_for_two_thirds_of_it() -> None:
    cluster, clock = Twin(), Clock()
    me = await leader(cluster, clock)
    assert holder_of(cluster) == "me"
    clock.now += 0.66
    assert may_act(me)
    clock.now += 0.01
    assert not may_act(me)


async def test_another_one_stands_by_while_the_lease_is_renewed_and_takes_it_when_it_has_run_out() -> None:
    cluster, clock, other_clock = Twin(), Clock(), Clock()
    me = await leader(cluster, clock)
    stood_by = asyncio.Event()
    other = asyncio.create_task(candidate(cluster, other_clock, "other").win(stood_by.set))
    await stood_by.wait()
    clock.now += 0.66
    assert may_act(me)
    assert holder_of(cluster) == "me"
    clock.now, other_clock.now = clock.now + 0.34, other_clock.now + 1.0
    await other
    assert holder_of(cluster) == "other"
    assert not may_act(me)


async def test_who_finds_that_another_one_leads_stops_at_once() -> None:
    cluster, clock = Twin(), Clock()
    me = await leader(cluster, clock)
    found = cluster.objects[LEASES, "operators", "operator"]
    cluster.store(LEASES, found | {"spec": found["spec"] | {"holderIdentity": "other"}})
    await me.keep()
    assert not may_act(me)
    assert holder_of(cluster) == "other"


@pytest.mark.parametrize("error", [AWAY, ApiError(500, "InternalError", "no")], ids=["no answer", "an error"])
async def test_who_cannot_renew_goes_on_until_the_time_is_over(error: ApiError) -> None:
    cluster, clock = Twin(), Clock()
    me = await leader(cluster, clock)
    cluster.answers["merge", LEASES] = error
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(me.keep(), 2.5 * TERMS.pause)
    assert cluster.calls.count(("merge", "leases")) > 2
    assert may_act(me)
    clock.now += 0.67
    await me.keep()
    assert not may_act(me)


async def test_a_lease_that_is_given_back_is_free_at_once() -> None:
    cluster, clock = Twin(), Clock()
    me = await leader(cluster, clock)
    await me.release()
    assert not may_act(me)
    await leader(cluster, clock, "other")
    assert holder_of(cluster) == "other"


async def test_a_lease_is_given_back_after_a_renewal_whose_answer_was_lost() -> None:
    cluster, clock = Twin(), Clock()
    me = await leader(cluster, clock)
    lock = LeaseLock(cluster, TERMS)
    await lock.take(await lock.read())  # as the end of the process cuts it off in the middle
    await me.release()
    assert not holder_of(cluster)


async def test_a_lost_lease_is_not_given_back() -> None:
    cluster, clock = Twin(), Clock()
    me = await leader(cluster, clock)
    clock.now += 1
    await leader(cluster, clock, "me")  # the same pod, started again
    await me.release()
    assert holder_of(cluster) == "me"
