"""Write the reference page of `kubectl alembic`, from its command line."""

import argparse

from alembic_operator.kubectl.arguments import parser
from tools.tables import table

INTRO = """\
What `kubectl alembic COMMAND --help` says. [The guide](../howto/kubectl-alembic.md) shows the screens.

| Exit code | Means |
| --- | --- |
| 0 | ready: all that was asked about; of `plan`: there is nothing to run |
| 1 | an error: the question was not answered, or the command line is wrong |
| 2 | not ready yet; of `plan`: there is something to run |
| 3 | stalled: waiting does not help |

Of several migrations or pods the worst counts: 1, then 3, then 2."""

COMMON = "Every command takes these:"


def page(origin: str) -> str:
    """Return every command with its arguments."""
    commands = _commands()
    first = next(iter(commands.values()))
    common = {one.dest for one in first._actions} & {"namespace", "context", "kubeconfig"}  # noqa: SLF001
    parts = [f"<!-- {origin} -->", "# kubectl alembic", INTRO, COMMON, _table(first, common, inside=True)]
    for name, command in commands.items():
        parts += [f"## `{name}`", command.description or "", _table(command, common, inside=False)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _commands() -> dict[str, argparse.ArgumentParser]:
    (found,) = (one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))  # noqa: SLF001
    return dict(found.choices)


def _table(command: argparse.ArgumentParser, common: set[str], *, inside: bool) -> str:
    actions = [one for one in command._actions if (one.dest in common) is inside and one.dest != "help"]  # noqa: SLF001
    rows = [(f"`{_words(one)}`", (one.help or "its name").replace("|", "/")) for one in actions]
    return table(("Argument", "What it does"), rows) if rows else ""


def _words(one: argparse.Action) -> str:
    if not one.option_strings:
        return str(one.metavar or one.dest) if one.nargs != "?" else f"[{one.metavar or one.dest}]"
    words = ", ".join(one.option_strings)
    if one.nargs == 0:
        return words
    return f"{words} {'/'.join(one.choices) if one.choices else str(one.metavar or one.dest).upper()}"
