"""Show the SQL that `upgrade` would run, revision by revision, and change nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.commands.inspection import Inspection
from alembic_operator.runner.database import option
from alembic_operator.runner.database.own import quoted
from alembic_operator.runner.process.failures import Ending, first_line
from alembic_operator.runner.project import environment, scripts, state, ways
from alembic_operator.runner.project.offline import Offline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.commands.inspection import Access

_APPROXIMATE = (
    "Approximate: it was rendered without a database. What a script reads from there is missing, a parameter without",
    "a value is NULL and marked, and what a script does on connections of its own is not here.",
)


@dataclass(frozen=True)
class Rendered:
    """One revision of the plan."""

    revision: str
    message: str
    sql: str = ""
    failure: str = ""
    """Why there is no SQL of it."""


def command(invocation: Invocation, access: Access) -> Result:
    """Print the plan and return what `check` returns."""
    inspection = Inspection(invocation, access)
    result = inspection.compare(invocation.target)
    pending = result.reason in (Reason.PENDING, Reason.PARTLY_APPLIED)
    rendered = list(_rendered(invocation, access, inspection.script, result)) if pending else []
    for line in _page(invocation, result, rendered):
        access.around.answer(access.around.secrets.mask(line))
    return result


def _rendered(invocation: Invocation, access: Access, known: Any, result: Result) -> Iterator[Rendered]:
    static = known or environment.open_scripts(environment.open_config(invocation), invocation)
    if known is None:
        scripts.read_statically(static)
    graph, there = scripts.graph(static), set(result.to)
    connections = access()
    connections.session = replace(connections.session, read_only=True)  # for an env.py that connects all the same
    script = environment.open_scripts(environment.open_config(invocation), invocation)
    offline = Offline(
        invocation,
        script,
        access.around.secrets.learn,
        lambda config: option.give_url(config, script, connections.address),
    )
    for revision in ways.up(static, result.target, result.to):
        access.around.stop.check()
        sql, failure = "", ""
        try:
            sql = offline.render(revision, state.tops(graph, state.contained(graph, there)))
        except BaseException as error:  # noqa: BLE001  env.py may raise anything, also SystemExit
            access.around.stop.check()
            failure = str(error) if isinstance(error, Ending) else first_line(error)
        yield Rendered(revision, offline.message(revision), sql, failure)
        there.add(revision)


def _page(invocation: Invocation, result: Result, rendered: list[Rendered]) -> Iterator[str]:
    yield from _head(invocation, result, rendered)
    for number, one in enumerate(rendered, 1):
        yield ""
        yield _comment(f"Revision {one.revision} ({number} of {len(rendered)}): {one.message}")
        yield _comment(f"It cannot be rendered: {one.failure}") if one.failure else one.sql


def _head(invocation: Invocation, result: Result, rendered: list[Rendered]) -> Iterator[str]:
    yield _comment(f"What `upgrade --target {invocation.target}` would run: {len(rendered)} revision(s).")
    yield _comment(f"The database contains {', '.join(result.to) or 'no revision'}.")
    if not rendered:
        return
    for line in _APPROXIMATE:
        yield _comment(line)
    if failed := sum(1 for one in rendered if one.failure):
        yield _comment(f"Incomplete: {failed} of them cannot be rendered. Do not run this as it is.")
    if invocation.role:
        yield f"SET ROLE {quoted(invocation.role)};"
    if invocation.schema:
        yield f"CREATE SCHEMA IF NOT EXISTS {quoted(invocation.schema)};"
        yield f"SET search_path TO {quoted(invocation.schema)}, public;"


def _comment(text: str) -> str:
    return "\n".join(f"-- {line}".rstrip() for line in text.splitlines() or [""])
