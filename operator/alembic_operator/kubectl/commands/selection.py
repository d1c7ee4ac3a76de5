"""Which migrations a person asks about: one by its name, or those with some labels, or all."""

import argparse
from collections.abc import Sequence

from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.facts import MIGRATIONS, KubectlError


class NothingSelectedError(KubectlError):
    """No migration was asked about, which is not the same as: all of them are ready."""


def refuse_both(asked: argparse.Namespace) -> None:
    """Take a name or a selection, because one of the two would be passed over.

    Raises:
        KubectlError: both were given.
    """
    if asked.name and (asked.selector or _everywhere(asked)):
        raise KubectlError("give NAME alone, or -l and -A without it")


def everywhere(call: Call) -> list[str]:
    """Return kubectl's flag for all namespaces, where it was given."""
    return ["--all-namespaces"] if _everywhere(call.asked) else []


def selected(call: Call) -> list[Manifest]:
    """Return the migrations with the labels that were asked for; without labels all."""
    selector = [f"--selector={call.asked.selector}"] if call.asked.selector else []
    return reading.items(call.kubectl.get(MIGRATIONS, *selector, *everywhere(call)), "items")


def demand_any(asked: argparse.Namespace, found: Sequence[object]) -> None:
    """Go on with what was found.

    Raises:
        NothingSelectedError: that is nothing.
    """
    if found:
        return
    where = "in this cluster" if _everywhere(asked) else "here"
    then = [] if _everywhere(asked) else ["choose a namespace with -n"]
    if hasattr(asked, "all_namespaces") and then:
        then = [f"{then[0]}, or all with -A"]
    if asked.selector:
        said, then = f"no DatabaseMigration {where} has the labels {asked.selector}", ["check -l", *then]
    else:
        said = f"there is no DatabaseMigration {where}"
    raise NothingSelectedError("; ".join([said, *then]))


def _everywhere(asked: argparse.Namespace) -> bool:
    return bool(getattr(asked, "all_namespaces", False))
