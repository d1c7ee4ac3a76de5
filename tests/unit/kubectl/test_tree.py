"""The tree of dependsOn: of a circle, of a name that is missing, of a specification that cannot be read."""

import io
from typing import Any

from rich.console import Console

from alembic_operator.kubectl import screens
from alembic_operator.kubectl.diagnosis.tree import Branch, branches


def migration(name: str, *needs: str, ready: bool = True, **spec: Any) -> dict[str, Any]:
    told = {"reason": "UpToDate" if ready else "Migrating", "lastTransitionTime": "2026-11-30T03:12:07Z"}
    condition = {"type": "Ready", "status": "True" if ready else "False", "message": "", "observedGeneration": 1}
    return {
        "metadata": {"namespace": "shop", "name": name, "generation": 1},
        "spec": {"source": {"image": "shop:2"}, "dependsOn": [{"name": one} for one in needs]} | spec,
        "status": {"observedGeneration": 1, "conditions": [condition | told]},
    }


def drawn(*all_of_them: dict[str, Any], of: tuple[str, ...] = ()) -> list[str]:
    """Return the lines of some of them; by default of the first."""
    named = {one["metadata"]["name"]: one for one in all_of_them}
    console = Console(file=io.StringIO(), width=100, highlight=False)
    console.print(screens.trees(branches(of or list(named)[:1], named)), soft_wrap=True)
    return [one.rstrip() for one in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_a_tree_goes_all_the_way_down_and_names_what_is_missing() -> None:
    unreadable = migration("chat", source=7)
    assert drawn(migration("shop", "users", "chat", ready=False), migration("users", "mail"), unreadable) == [
        "shop/shop: not ready yet (Migrating)",
        "├── shop/users: ready (UpToDate)",
        "│   └── mail: there is no such DatabaseMigration",
        "└── shop/chat: ready (UpToDate)",
    ]


def test_a_circle_ends_where_it_closes() -> None:
    assert drawn(migration("a", "b"), migration("b", "a")) == [
        "shop/a: ready (UpToDate)",
        "└── shop/b: ready (UpToDate)",
        "    └── a: a circle; take one dependsOn out of it",
    ]


def test_of_several_each_is_below_those_that_depend_on_it_and_the_others_begin_a_tree() -> None:
    shop = [migration("d", "c"), migration("c", "b"), migration("b", "a"), migration("a"), migration("e")]
    assert drawn(*shop, of=("a", "e", "d", "b")) == [
        "shop/d: ready (UpToDate)",
        "└── shop/c: ready (UpToDate)",
        "    └── shop/b: ready (UpToDate)",
        "        └── shop/a: ready (UpToDate)",
        "",
        "shop/e: ready (UpToDate)",
    ]
    assert drawn(*shop, of=("a", "b"))[0] == "shop/b: ready (UpToDate)"


def test_of_several_in_a_circle_the_first_begins_the_tree_unless_another_leads_into_it() -> None:
    circle = [migration("a", "b"), migration("b", "c"), migration("c", "a")]
    assert drawn(*circle, of=("c", "b", "a")) == [
        "shop/a: ready (UpToDate)",
        "└── shop/b: ready (UpToDate)",
        "    └── shop/c: ready (UpToDate)",
        "        └── a: a circle; take one dependsOn out of it",
    ]
    into = drawn(*circle, migration("z", "b"), of=("a", "b", "c", "z"))
    assert (into[0], len(into)) == ("shop/z: ready (UpToDate)", 5)
    assert into[-1].endswith("└── b: a circle; take one dependsOn out of it")


def test_what_many_depend_on_is_drawn_once() -> None:
    ladder = [migration(f"m{n}", *(f"{side}{n}" for side in "ab")) for n in range(40)]
    sides = [migration(f"{side}{n}", f"m{n + 1}") for n in range(39) for side in "ab"]
    named = {one["metadata"]["name"]: one for one in (*ladder, *sides, migration("a39"), migration("b39"))}
    assert len(flat(*branches(["m0"], named))) == 40 + 80 + 39


def test_a_deep_tree_loses_no_line_on_a_narrow_terminal() -> None:
    chain = [migration(f"m{n}", f"m{n + 1}") for n in range(40)]
    assert drawn(*chain)[-1].endswith("└── m40: there is no such DatabaseMigration")


def test_a_tree_of_thousands_ends_where_nobody_reads_further_and_says_how_to_see_the_rest() -> None:
    lines = drawn(*(migration(f"m{n}", f"m{n + 1}") for n in range(2000)))
    assert (len(lines), lines[-1].endswith("; see further with kubectl alembic tree m100")) == (101, True)


def flat(one: Branch) -> list[str]:
    return [one.headline, *(line for below in one.below for line in flat(below))]
