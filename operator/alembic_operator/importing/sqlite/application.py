"""Runs the application's own Alembic scripts on the copy: a process of its own, for env.py may do anything to one.

Every SQLite connection of env.py goes to the copy, wherever it leads by itself; another database is refused.
"""

import json
import sys
from pathlib import Path
from typing import Any

from alembic_operator.contract import Invocation
from alembic_operator.importing.facts.failures import ImportFailed
from alembic_operator.runner.process.failures import Ending, first_line
from alembic_operator.runner.project import environment, scripts


def main(argv: list[str]) -> int:
    """Upgrade a copy to a revision, and leave an answer in a file: `CONFIG SECTION COPY TARGET ANSWER [X …]`."""
    config, section, copy, target, answer, *x = argv
    invocation = Invocation("upgrade", config=config, section=section, target=target, x=tuple(x))
    try:
        told = _upgrade(invocation, copy)
    except (ImportFailed, Ending) as error:
        told = {"error": str(error)}
    except BaseException as error:  # noqa: BLE001  what env.py and the revisions raise is told
        told = {"error": f"{type(error).__name__}: {first_line(error)}"}
    Path(answer).write_text(json.dumps(told), encoding="utf-8")
    return 1 if "error" in told else 0


def _upgrade(invocation: Invocation, copy: str) -> dict[str, Any]:
    config = environment.open_config(invocation)
    script = environment.open_scripts(config, invocation)
    table = scripts.version_table(script)
    told: dict[str, Any] = {"heads": sorted(script.get_heads()), "table": table[1] if table else "alembic_version"}
    if not invocation.target:
        return told
    lead_to(copy)
    targets = scripts.parts(invocation.target)

    def steps(heads: Any, _context: Any) -> Any:
        return script._upgrade_revs(tuple(targets), heads)  # noqa: SLF001  as alembic.command does

    hooks = environment.Hooks(_only_sqlite, lambda _: None, steps)
    environment.run(config, script, hooks, invocation.target)
    if ending := environment.never_ran(hooks.calls, invocation.target):
        raise ending
    return told


def lead_to(copy: str) -> None:
    """Lead every connection of this process to the copy."""
    from sqlalchemy import event  # noqa: PLC0415
    from sqlalchemy.engine import Engine  # noqa: PLC0415

    def connecting(dialect: Any, _record: Any, positional: list[Any], named: dict[str, Any]) -> None:
        if dialect.name != "sqlite":
            raise ImportFailed(_elsewhere(dialect.name))
        positional[:] = [copy]
        named.pop("database", None)
        named.pop("uri", None)

    event.listen(Engine, "do_connect", connecting)


def _only_sqlite(connection: Any, _arguments: dict[str, Any]) -> None:
    if connection is None or connection.dialect.name != "sqlite":
        raise ImportFailed(_elsewhere(connection.dialect.name if connection is not None else "an URL"))


def _elsewhere(name: str) -> str:
    return (
        f"env.py connects to {name}, not to SQLite: run this with the settings with which the application used its file"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
