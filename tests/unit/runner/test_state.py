"""Where a database stands, as a table: the graph of the scripts, what is wanted, the database heads, and the answer."""

import pytest

from alembic_operator.runner.project import state

GRAPH: state.Graph = {
    "a1": (),
    "a2": ("a1",),
    "a3": ("a2",),
    "b1": (),
    "b2": ("b1", "a1"),  # depends on a1
}
HEADS = ("a3", "b2")


@pytest.mark.parametrize(
    ("wanted", "heads", "unknown", "behind"),
    [
        (HEADS, (), (), ()),
        (HEADS, ("a3", "b2"), (), ()),
        (HEADS, ("a1",), (), ("a1",)),
        (HEADS, ("x",), ("x",), ()),
        (HEADS, ("x", "b2"), ("x",), ()),  # an ordinary rollback: the other branch is complete
        (HEADS, ("x", "b1"), ("x",), ("b1",)),
        (HEADS, ("x", "a2", "b2"), ("x",), ("a2",)),
        (("a3",), ("x", "b1"), ("x",), ()),  # only the other branch is wanted
        (("a1",), ("x", "a2"), ("x",), ()),  # what is wanted is there
        ((), ("x", "a1"), ("x",), ()),
    ],
)
def test_a_database_has_diverged_only_when_one_wanted_lineage_is_behind_and_another_unknown(
    wanted: tuple[str, ...], heads: tuple[str, ...], unknown: tuple[str, ...], behind: tuple[str, ...]
) -> None:
    found = state.standing(GRAPH, wanted, heads)
    assert (found.unknown, found.behind) == (unknown, behind)
    assert found.diverged == bool(unknown and behind)


@pytest.mark.parametrize(
    ("heads", "recorded", "missing", "exact"),
    [
        (("x",), {"x", "a1", "a2", "a3", "b1", "b2"}, (), True),
        (("x",), {"x", "a1", "a2", "b1", "b2"}, ("a3",), True),
        (("x",), {"x"}, ("a1", "a2", "a3", "b1", "b2"), True),
        (("x",), {"x", "a3", "b2"}, (), True),  # before a squash it began with others
        (("x",), {"y", "a3", "b2"}, ("a1", "a2", "a3", "b1", "b2"), False),  # not all of the heads: it is not believed
        (("x",), set(), ("a1", "a2", "a3", "b1", "b2"), False),
        (("x", "b2"), {"x", "a2", "a1", "b1"}, ("a2", "a3"), False),
        (("a2", "b2"), {"a1", "a2", "a3", "b1", "b2"}, ("a3",), False),  # the scripts know all heads: it is not needed
    ],
)
def test_a_history_is_believed_when_it_is_needed_and_holds_every_head(
    heads: tuple[str, ...], recorded: set[str], missing: tuple[str, ...], exact: bool
) -> None:
    found = state.standing(GRAPH, HEADS, heads, frozenset(recorded))
    assert (found.missing, found.exact) == (missing, exact)
    assert found.diverged == (exact and bool(missing))
    assert found.assumed == ("x" in heads and not exact)


def test_a_diverged_database_with_a_history_is_told_what_it_lacks() -> None:
    refusal = state.standing(GRAPH, HEADS, ("x",), frozenset({"x", "a1", "b1"})).refusal("Allow")
    assert str(refusal) == (
        "the database contains x, which these scripts do not know, and not a3, b2, as its history shows"
    )


def test_neither_policy_passes_a_diverged_database_and_the_message_names_both_lines() -> None:
    found = state.standing(GRAPH, HEADS, ("x", "b1"))
    for policy in ("Allow", "Block"):
        refusal = found.refusal(policy)
        assert refusal is not None
        assert str(refusal.verdict.reason) == "Diverged"
        assert str(refusal) == (
            "the database contains x, which these scripts do not know, beside b1, from which they lead on to b2"
        )


def test_only_block_refuses_a_database_that_is_ahead() -> None:
    found = state.standing(GRAPH, HEADS, ("x",))
    assert found.refusal("Allow") is None
    assert str(found.refusal("Block")) == "the database contains x, which these scripts do not know"
    assert state.standing(GRAPH, HEADS, ("a1",)).refusal("Block") is None


def test_a_head_that_is_needed_by_depends_on_is_contained_and_no_top() -> None:
    assert state.contained(GRAPH, ["b2"]) == {"b1", "b2", "a1"}
    assert state.missing(GRAPH, HEADS, ("b2",)) == ("a2", "a3")
    assert state.tops(GRAPH, ["b2", "b1", "a1", "a2"]) == ("a2", "b2")
    assert state.tops(GRAPH, ["a3", "a1"]) == ("a3",)
