"""What is written down: runs, what depends on what, what a reason means."""

from collections.abc import Mapping, Sequence

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Reason
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl import screens
from alembic_operator.kubectl.commands import asking, selection
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.diagnosis.diagnosis import Standing, worst
from alembic_operator.kubectl.diagnosis.migration import stand
from alembic_operator.kubectl.diagnosis.tree import branches
from alembic_operator.kubectl.facts import IMPORTS, MIGRATIONS, KubectlError


def history(call: Call) -> int:
    """Say which runs there were."""
    if call.asked.database:
        return asking.runs(call)
    name = call.asked.name
    runs = read_migration(call.kubectl.get(MIGRATIONS, name)).status.history
    if not runs:
        raise KubectlError(f"no run of {name} has ended yet; `kubectl alembic status {name}` tells more")
    call.record([one.model_dump(mode="json", by_alias=True) for one in runs], screens.history(runs))
    return Standing.READY


def tree(call: Call) -> int:
    """Draw what migrations depend on."""
    selection.refuse_both(call.asked)
    named = _by_name(reading.items(call.kubectl.get(MIGRATIONS), "items"))
    names = _chosen(call, named)
    awaiting = any(reading.text(one, "spec", "policy", "awaitImport") for one in named.values())
    imports = call.allowed(IMPORTS) if awaiting else None
    past = reading.items(imports, "items") if imports is not None else None
    call.console.print(screens.trees(branches(names, named, past)), soft_wrap=True)
    return worst(stand(read_migration(named[one])) for one in names)


def _chosen(call: Call, named: Mapping[str, Manifest]) -> list[str]:
    name = call.asked.name
    if name and name not in named:
        raise KubectlError(f"there is no DatabaseMigration {name} here; check the name and the namespace (-n)")
    if name:
        return [name]
    found = _by_name(selection.selected(call)) if call.asked.selector else named
    names = [one for one in found if one in named]  # one that was made since is not drawn
    selection.demand_any(call.asked, names)
    return names


def _by_name(found: Sequence[Manifest]) -> dict[str, Manifest]:
    return {reading.text(one, "metadata", "name"): one for one in found}


def explain(call: Call) -> int:
    """Say what a reason means."""
    known = {str(one).lower(): one for kind in (Reason, Occasion) for one in kind}
    found = known.get(call.asked.reason.lower())
    if found is None:
        raise KubectlError(f"there is no reason {call.asked.reason}; docs/reference/reasons.md lists them")
    effect = f" ({found.effect.value})" if isinstance(found, Reason) else ""
    call.say(f"{found}{effect}: {found.meaning}")
    return Standing.READY
