"""Whom and what the policies of rights leave alone: other namespaces, other releases, and what was asked for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.api.gates import new_namespace
from tests.api.people import MIGRATIONS, RUNNER, Person, anybody, forbidden, named, operator, policy
from tests.api.rest import Rest
from tests.api.shop import MIGRATION

USERS = named(MIGRATION, "users") | {"spec": {"source": {"image": "registry.test/users:1"}}}
OTHER = RUNNER | {"binaryData": {"runner.pyz": "b3RoZXI="}}


def own(rest: Rest, home: str, asked_for: Callable[[Rest], None], *arguments: str) -> None:
    """Ask for a migration in the operator's own namespace, where somebody without a right on Jobs may not."""
    nobody = anybody(rest, home, MIGRATIONS)
    with policy(rest, "migrations", lambda: nobody.create(USERS, home, dryRun="All"), "--namespace", home, *arguments):
        asked_for(rest)


@pytest.mark.parametrize("value", ["rights.ownNamespace=true", "watchNamespaces={HOME}"])
def test_one_in_the_operators_own_namespace_is_accepted_when_that_is_asked_for_by(rest: Rest, value: str) -> None:
    home = new_namespace(rest)
    own(rest, home, lambda rest: rest.create(USERS, home), "--set", value.replace("HOME", home))


def test_one_that_was_there_before_can_be_taken_away_but_not_be_changed(rest: Rest) -> None:
    home = new_namespace(rest)
    rest.create(USERS, home)

    def try_it(rest: Rest) -> None:
        rest.merge(USERS, {"metadata": {"labels": {"team": "shop"}}}, home)
        forbidden(lambda: rest.merge(USERS, {"spec": {"suspend": True}}, home))
        rest.delete(USERS, home)

    own(rest, home, try_it)


def test_an_operator_of_some_namespaces_says_nothing_about_others(rest: Rest) -> None:
    served, other, home = (new_namespace(rest) for _ in range(3))
    nobody = anybody(rest, served, MIGRATIONS)
    elsewhere = anybody(rest, other, MIGRATIONS)
    serves = ("--namespace", home, "--set", f"watchNamespaces={{{served}}}")
    with policy(rest, "migrations", lambda: nobody.create(USERS, served, dryRun="All"), *serves):
        elsewhere.create(USERS, other)
        rest.create(USERS, home)


def test_the_account_that_the_chart_is_told_of_is_the_operator(rest: Rest) -> None:
    home, served = new_namespace(rest), new_namespace(rest)
    values = ("--namespace", home, "--set", f"serviceAccount.name=migrator,watchNamespaces={{{served}}}")
    with policy(rest, "runner", lambda: rest.create(RUNNER, served, dryRun="All"), *values):
        operator(rest, home, "migrator").apply(RUNNER, served)


def test_releases_of_some_namespaces_each_keep_their_own_and_no_others(rest: Rest) -> None:
    one, other, unserved = (new_namespace(rest) for _ in range(3))
    with served(rest, one) as operator_of_one, served(rest, other) as operator_of_other:
        operator_of_one.apply(RUNNER, one)
        operator_of_other.apply(RUNNER, other)
        forbidden(lambda: operator_of_one.apply(OTHER, other))
        forbidden(lambda: operator_of_other.apply(OTHER, one))
        rest.create(RUNNER, unserved)


@contextmanager
def served(rest: Rest, namespace: str) -> Iterator[Person]:
    """Have the policy of a release that serves one namespace, and its operator."""
    home = new_namespace(rest)
    values = ("--namespace", home, "--set", f"watchNamespaces={{{namespace}}}")
    with policy(rest, "runner", lambda: rest.create(RUNNER, namespace, dryRun="All"), *values):
        yield operator(rest, home)
