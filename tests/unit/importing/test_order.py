"""The order in which tables are filled."""

from alembic_operator.importing.facts.shapes import Reference, Table
from alembic_operator.importing.tables.order import by_references


def tables(**parents: str) -> list[Table]:
    return [
        Table(name, (), references=tuple(Reference(f"{name}_{one}", (one,), one, ("id",), "") for one in said.split()))
        for name, said in parents.items()
    ]


def test_parents_come_before_their_children_and_a_table_may_refer_to_itself() -> None:
    ordered = by_references(tables(answers="posts users", posts="users posts", users=""))
    assert [one.name for one in ordered] == ["users", "posts", "answers"]


def test_a_circle_is_broken_at_one_of_its_own_tables() -> None:
    ordered = by_references(tables(attached="teams", users="teams", teams="users plans", plans=""))
    assert [one.name for one in ordered] == ["plans", "teams", "attached", "users"]


def test_a_parent_that_is_not_imported_counts_for_nothing() -> None:
    assert [one.name for one in by_references(tables(posts="elsewhere"))] == ["posts"]
