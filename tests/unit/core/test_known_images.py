"""Which images need no gate: those that a run has proved, until there is any doubt."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.contract import Applied, Failure, Result
from alembic_operator.core.observation import source
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import Missing
from tests.unit.core.builders import BROKEN, DATABASE, ON_POSTGRES, POSTGRES, UP_TO_DATE, seen
from tests.unit.core.gates import through
from tests.unit.core.life import Life

ON_HOST = {"database": DATABASE | {"host": "postgres"}}

V1, V2, V3 = (f"sha256:{digit * 64}" for digit in "123")
"""Digests of images, of which each has one revision more: a1, b2, c3."""


def of(digest: str) -> str:
    return f"registry/users@{digest}"


def upgrade(before: str, after: str, **changes: Any) -> Result:
    applied = () if before == after else (Applied(after, 20),)
    result = Result("UpToDate", (before,), (after,), (after,), applied=applied, applied_count=len(applied))
    return replace(result, **changes)


NOTHING_TO_DO = upgrade("b2", "b2")


class Story(Life):
    """A life whose source is an image by digest."""

    def __init__(self, spec: Manifest | None = None, **changes: Any) -> None:
        super().__init__(ON_HOST if spec is None else spec, **changes)
        self.spec = ON_HOST if spec is None else spec

    def known(self) -> tuple[str, ...]:
        return self.status.known_images

    def roll_out(self, digest: str) -> "Story":
        """Have the workload run another image, which changes nothing of the specification."""
        self.seen = replace(self.seen, source=source.of_image(of(digest)))
        return self

    def runs(self, digest: str, result: Result = UP_TO_DATE, exit_code: int = 0, ran: str = "") -> "Story":
        """Live through a run of an image; `ran` is the digest that the kubelet tells."""
        self.roll_out(digest)
        self.look()
        self.pod_runs()
        self.look()
        self.job_ends(exit_code, result)
        told = replace(self.seen.pods[-1], image_named=of(digest), image=of(ran or digest))
        self.seen = replace(self.seen, pods=(*self.seen.pods[:-1], told))
        self.look()
        return self

    def reloads(self, **spec: Any) -> "Story":
        self.change(**(self.spec | spec))
        self.look()
        return self


def at_v2(spec: Manifest | None = None, **changes: Any) -> Story:
    """Return the story of two images: the database contains b2."""
    story = Story(spec, **changes)
    return story.runs(V1, upgrade("", "a1", from_=())).runs(V2, upgrade("a1", "b2"))


def test_each_image_that_ran_well_is_known_the_newest_first() -> None:
    story = at_v2()
    assert story.known() == (V2, V1)
    assert story.runs(V3, upgrade("b2", "c3")).known() == (V3, V2, V1)
    for _ in range(3):
        story.pass_time(60)
        story.look()
    assert story.known() == (V3, V2, V1)


def test_an_image_is_not_known_before_its_run_has_ended_well() -> None:
    story = at_v2().roll_out(V3)
    story.look()
    assert story.known() == (V2, V1)
    story.pod_runs()
    story.look()
    assert story.known() == (V2, V1)
    story.job_ends(70, replace(BROKEN, from_=("b2",), to=("b2",)))
    story.look()
    assert story.known() == (V2, V1)


def test_a_failed_run_that_applied_a_part_leaves_known_what_was_there() -> None:
    story = at_v2().runs(V3, replace(BROKEN, from_=("b2",), to=("c3",)), 70)
    assert story.known() == (V2, V1)
    story.change(**ON_HOST, retry="1")
    assert story.runs(V3, upgrade("c3", "d4")).known() == (V3,)


def test_a_rollback_leaves_all_known_that_the_database_contains() -> None:
    story = at_v2().roll_out(V1)
    for _ in range(3):
        story.look()
        assert story.known() == (V2, V1)
    assert story.runs(V1, upgrade("b2", "b2", reason="DatabaseAhead", target=("a1",), ahead=True)).known() == (V1, V2)


def test_an_image_that_the_database_is_ahead_of_does_not_become_known() -> None:
    assert at_v2().runs(V3, upgrade("b2", "b2", reason="DatabaseAhead", target=("h1",), ahead=True)).known() == (V2, V1)


def test_an_image_for_several_architectures_is_known_by_both_of_its_digests() -> None:
    assert Story().runs(V1, upgrade("", "a1", from_=()), ran=V2).known() == (V1, V2)


def test_an_image_by_tag_is_known_by_the_digest_that_ran() -> None:
    assert named("users:1.4", of(V1)).known() == (V1,)


def named(image: str, ran: str) -> Story:
    """Return the story of one run of an image, in the words of the manifest and in those of the kubelet."""
    story = Story()
    story.look()
    story.job_ends()
    story.seen = replace(story.seen, pods=(replace(story.seen.pods[-1], image_named=image, image=ran),))
    story.look()
    return story


@pytest.mark.parametrize("image", ["users:1.4", "sha256:4242", "", "registry/users@md5:11"])
def test_what_is_no_digest_of_a_registry_is_never_known(image: str) -> None:
    assert named(image, image).known() == ()


def test_sixteen_are_kept() -> None:
    story = Story()
    before = ""
    for number in range(20):
        digest, after = f"sha256:{number:064x}", f"r{number}"
        story.runs(digest, upgrade(before, after, from_=(before,) if before else ()))
        before = after
    assert story.known() == tuple(f"sha256:{number:064x}" for number in range(19, 3, -1))


NOT_BY_IMAGE = {
    "env.py decides by the pod's environment": {"source": {"image": "users:1.4"}},
    "the scripts are in a ConfigMap": ON_HOST | {"source": {"configMapRef": {"name": "project"}}},
}


@pytest.mark.parametrize("spec", NOT_BY_IMAGE.values(), ids=NOT_BY_IMAGE)
def test_where_an_image_alone_does_not_decide_none_is_known(spec: Manifest) -> None:
    assert at_v2(spec).known() == ()


def retried(story: Story) -> None:
    story.seen = replace(story.seen, migration=replace(story.seen.migration, retry="1"))


def moved(story: Story) -> None:
    story.seen = replace(story.seen, server=replace(POSTGRES, host="other.shop.svc"))


DOUBTS: dict[str, Callable[[Story], object]] = {
    "another target": lambda story: story.reloads(alembic={"target": "a1"}),
    "another database": lambda story: story.reloads(database=ON_POSTGRES["database"] | {"name": "other"}),
    "another schema": lambda story: story.reloads(database=ON_POSTGRES["database"] | {"schema": "other"}),
    "a specification that cannot be read": lambda story: setattr(
        story, "seen", replace(story.seen, migration=replace(story.seen.migration, spec=None, spec_error="no"))
    ),
    "a database that moved": moved,
    "a database that moved while another image came": lambda story: moved(story.roll_out(V3)),
    "a database that is deleted": lambda story: setattr(
        story, "seen", replace(story.seen, server=Missing("StatefulSet postgres does not exist"))
    ),
    "somebody asks for another run": retried,
    "somebody asks for another run, in a pause": lambda story: retried(story.reloads(suspend=True)),
    "a run that found less": lambda story: story.runs(V3, upgrade("a1", "c3")),
    "a run that found nothing": lambda story: story.runs(V3, upgrade("", "c3", from_=())),
    "a run that found more": lambda story: story.runs(V3, upgrade("x9", "c3")),
    "a run that went down": lambda story: story.runs(V3, upgrade("b2", "a1", applied=(Applied("b2"),))),
    "a run that failed on an empty database": lambda story: story.runs(V3, replace(BROKEN, from_=(), to=()), 70),
    "a run that saw nothing": lambda story: story.runs(
        V3, Result("DatabaseUnreachable", error=Failure("connection refused")), 75
    ),
    "a run without a report": lambda story: story.runs(V3, None, 137),  # type: ignore[arg-type]
    "a gate that saw other heads": lambda story: setattr(
        story,
        "seen",
        replace(story.seen, gated=(through(result=replace(NOTHING_TO_DO, to=("a1",)), seconds=-3600),)),
    ),
}


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_none_is_known_any_more_as_soon_as_there_is_a_doubt(doubt: Callable[[Story], object]) -> None:
    story = at_v2(ON_POSTGRES)
    assert story.known() == (V2, V1)
    doubt(story)
    story.look()
    assert not {V1, V2} & set(story.known())


NO_DOUBTS: dict[str, Callable[[Story], object]] = {
    "a pause": lambda story: story.reloads(suspend=True),
    "another time to live": lambda story: story.reloads(ttlSecondsAfterFinished=60),
    "a database that is down": lambda story: setattr(
        story, "seen", replace(story.seen, server=replace(POSTGRES, ready=False))
    ),
    "a Job that is gone": lambda story: story.job_goes(),
    "a gate that saw the same heads": lambda story: setattr(
        story, "seen", replace(story.seen, gated=(through(result=NOTHING_TO_DO, seconds=-3600),))
    ),
    "a gate that saw other heads before the run": lambda story: setattr(
        story, "seen", replace(story.seen, gated=(through(result=replace(NOTHING_TO_DO, to=("a1",)), seconds=60),))
    ),
    "a gate of an operator that says nothing": lambda story: setattr(
        story, "seen", replace(story.seen, gated=(through(seconds=-3600),))
    ),
}


@pytest.mark.parametrize("change", NO_DOUBTS.values(), ids=NO_DOUBTS)
def test_what_says_nothing_about_the_database_leaves_them_known(change: Callable[[Story], object]) -> None:
    story = at_v2(ON_POSTGRES)
    change(story)
    story.look()
    assert story.known() == (V2, V1)


def test_a_doubt_is_ended_by_a_run_and_by_nothing_else() -> None:
    story = at_v2()
    retried(story)
    for _ in range(3):
        story.look()
        assert story.known() == ()
    story.runs(V2, NOTHING_TO_DO)
    assert story.known() == (V2,)


def test_a_doubt_of_a_gate_stays_when_the_pod_is_gone() -> None:
    story = at_v2()
    otherwise = through(result=replace(NOTHING_TO_DO, to=("a1",)), seconds=-3600)
    story.seen = replace(story.seen, gated=(otherwise,))
    story.look()
    story.seen = replace(story.seen, gated=())
    story.look()
    assert story.known() == ()


def test_a_pause_does_not_end_a_doubt() -> None:
    story = at_v2()
    retried(story)
    story.look()
    assert story.reloads(suspend=True).known() == ()


def test_where_a_database_ahead_is_refused_only_the_image_of_now_is_known_and_none_while_a_run_is_under_way() -> None:
    block = ON_HOST | {"policy": {"databaseAhead": "Block"}}
    story = at_v2(block)
    assert story.known() == (V2,)
    story.pass_time(60)
    story.look()
    assert story.known() == (V2,)
    story.roll_out(V3)
    story.look()
    assert story.known() == ()
    story.runs(V3, replace(BROKEN, from_=("b2",), to=("b2",)), 70)
    assert story.known() == ()


def test_a_first_look_knows_nothing() -> None:
    assert Story().known() == ()
    assert isinstance(seen(ON_POSTGRES).server, DatabaseServer)
