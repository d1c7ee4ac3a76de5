"""Be told of several servers: which one this process migrates, or go to one after the other."""

from __future__ import annotations

import functools
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Result
from alembic_operator.contract.servers import INDEX_VARIABLE, SERVER_VARIABLES, merged, of_server, variable
from alembic_operator.contract.tenants import Tenants
from alembic_operator.runner.database import given
from alembic_operator.runner.process.failures import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

    from alembic_operator.contract import Invocation
    from alembic_operator.runner.database.address import Address
    from alembic_operator.runner.process.run_context import RunContext

    Command = Callable[[Invocation, Any], Result]

OF_ALL = ("check", "gate", "tenants")
"""Commands that go to every server, one after the other: their index, if any, is that of another Job."""


class Turning(Protocol):
    """What connects, and can turn to another server."""

    around: RunContext

    def turn(self, around: RunContext, address: Address | None) -> None:
        """Be of another server from now on."""
        ...


def among(invocation: Invocation) -> tuple[str, ...]:
    """Return the names of the servers; empty: there is one."""
    return Tenants.from_json(invocation.tenants).servers if invocation.tenants else ()


def chosen(invocation: Invocation, environ: MutableMapping[str, str]) -> str:
    """Return the server that an index names.

    Raises:
        Ending: it names none.
    """
    servers, index = among(invocation), environ.get(INDEX_VARIABLE, "")
    if index.isascii() and index.isdecimal() and int(index) < len(servers):
        return servers[int(index)]
    message = f"{INDEX_VARIABLE} is {index!r}, and the servers are {', '.join(servers)}"
    raise Ending(Reason.CONFIG_INVALID, message, f"Set it to the place of one, from 0 to {len(servers) - 1}.")


def turn(environ: MutableMapping[str, str], server: str) -> None:
    """Let libpq's names, and DATABASE_URL, be those of a server; what is not said of it stays."""
    if variable("DATABASE_URL", server) in environ:
        environ["PGHOST"] = ""  # which would be believed first
    for name in SERVER_VARIABLES:
        if (own := environ.get(variable(name, server))) is not None:
            environ[name] = own


def _each(servers: tuple[str, ...]) -> Iterator[str]:
    """Turn to one server after the other, and back."""
    before = dict(os.environ)
    for server in servers:
        turn(os.environ, server)
        try:
            yield server
        finally:
            for name in SERVER_VARIABLES:
                os.environ.pop(name, None)
            os.environ.update({name: before[name] for name in SERVER_VARIABLES if name in before})


def command(asked: Command, invocation: Invocation, access: Turning) -> Result:
    """Run a command on the server that an index names, or on each, and return what all say.

    Raises:
        Ending: no server is named; or as of one.
    """
    servers = among(invocation)
    if invocation.command not in OF_ALL:
        chosen(invocation, os.environ)
        return asked(invocation, access)
    around, found = access.around, {}
    for server in _each(servers):
        around.journal.info("turning to server", server=server)
        own = replace(around, answer=functools.partial(_answer, around, server))
        access.turn(own, given.address(invocation))
        found[server] = _result(asked, invocation, access)
    failed = [server for server, one in found.items() if one.error]
    behind = [server for server, one in found.items() if one.reason != Reason.UP_TO_DATE]
    return merged(found, (*failed, *behind, *servers)[0])


def _result(asked: Command, invocation: Invocation, access: Turning) -> Result:
    """Return what one server says, or why it says nothing: the others may say more."""
    try:
        return asked(invocation, access)
    except Ending as ending:
        if invocation.command == "gate" or access.around.stop.requested:
            raise
        return Result(str(ending.verdict.reason), error=ending.verdict.failure)


def _answer(around: RunContext, server: str, row: str) -> None:
    """Print the row of a tenant, with its server."""
    told = json.loads(row)
    told["tenant"] = of_server(server, told["tenant"])
    around.answer(json.dumps(told, ensure_ascii=False))
