"""How imports stand; and `dbi/NAME`, by which other commands name one."""

from alembic_operator.core.observation import reading
from alembic_operator.kubectl.commands import selection
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.diagnosis.diagnosis import worst
from alembic_operator.kubectl.diagnosis.imports import diagnose
from alembic_operator.kubectl.facts import IMPORTS, KubectlError

_PREFIXES = ("dbi/", "databaseimport/", "databaseimports/")


def imports(call: Call) -> int:
    """Say how imports stand."""
    if call.asked.name and call.asked.all_namespaces:
        raise KubectlError("give NAME alone, or -A without it")
    if call.asked.name:
        raw = [call.kubectl.get(IMPORTS, call.asked.name)]
    else:
        raw = reading.items(call.kubectl.get(IMPORTS, *selection.everywhere(call)), "items")
    if not raw:
        raise KubectlError("there is no DatabaseImport here; choose a namespace with -n, or all with -A")
    told = sorted(map(diagnose, raw), key=lambda one: (-one.standing, one.headline))
    call.answer(told)
    return worst(told)


def named(name: str) -> str:
    """Return which import a person names by `dbi/NAME`; empty: it is a migration."""
    return next((name.removeprefix(one) for one in _PREFIXES if name.startswith(one)), "")
