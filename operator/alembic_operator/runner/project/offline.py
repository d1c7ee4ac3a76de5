"""Render single revisions as SQL: env.py runs in Alembic's offline mode, once for each."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from alembic.runtime.migration import MigrationStep
from sqlalchemy.engine import make_url

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import environment, ways

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation


_NO_WORD = re.compile(r"\W")


@dataclass
class Offline:
    """One project; its revisions are loaded once."""

    invocation: Invocation
    script: Any
    learn: Callable[[object], None]
    """Is given every password that env.py names."""
    prepare: Callable[[Any], None]
    """Is given Alembic's configuration before env.py is."""

    def render(self, revision: str, start: tuple[str, ...]) -> str:
        """Return the SQL of one revision for a database with these heads.

        Raises:
            BaseException: whatever env.py or the revision raises, and Ending.
        """
        buffer = io.StringIO()

        def steps(_heads: Any, _context: Any) -> list[Any]:
            ways.require_upgrades(self.script, (revision,))
            one = self.script.get_revision(revision)
            return [MigrationStep.upgrade_from_script(self.script.revision_map, one)]

        def configuring(_connection: Any, arguments: dict[str, Any]) -> None:
            arguments.update(output_buffer=buffer, transaction_per_migration=True, literal_binds=True)
            if self.invocation.schema:
                arguments.setdefault("version_table_schema", self.invocation.schema)
            if url := arguments.get("url"):
                self.learn(make_url(url).password)

        hooks = environment.Hooks(configuring, _prepare, steps)
        config = environment.open_config(self.invocation)
        config.cmd_opts.sql = True
        config.output_buffer = buffer
        self.prepare(config)
        environment.run(config, self.script, hooks, revision, as_sql=True, starting_rev=start or None)
        if ending := environment.never_ran(hooks.calls, revision):
            raise ending
        return buffer.getvalue().strip()

    def message(self, revision: str) -> str:
        """Return the first line of what the author says about a revision; empty when it cannot be loaded."""
        try:
            text = str(self.script.get_revision(revision).doc or "")
        except Exception:  # noqa: BLE001  a revision may import whatever only env.py prepares
            return ""
        return text.strip().split("\n", 1)[0]


def _prepare(context: Any) -> None:
    if context.dialect.name != "postgresql":
        message = f"env.py renders for {context.dialect.name}, not for PostgreSQL"
        raise Ending(Reason.NOT_POSTGRESQL, message)
    # for a driver with %s as its parameters SQLAlchemy would write %% for each %
    context.dialect.identifier_preparer._double_percents = False  # noqa: SLF001  there is no public name
    if not hasattr(context.dialect.statement_compiler, "marks"):  # env.py may keep its engine
        context.dialect.statement_compiler = _marking(context.dialect.statement_compiler)


def _marking(compiler: Any) -> Any:
    """Return a compiler that says of which parameters nobody gave the value, where SQLAlchemy writes NULL."""

    def render_literal_bindparam(self: Any, bindparam: Any, **arguments: Any) -> str:
        text = str(super(marking, self).render_literal_bindparam(bindparam, **arguments))
        return f"{text} /* no value for :{_NO_WORD.sub('_', str(bindparam.key))} */" if bindparam.required else text

    names = {"marks": True, "render_literal_bindparam": render_literal_bindparam}
    marking: Any = type(compiler.__name__, (compiler,), names)
    return marking
