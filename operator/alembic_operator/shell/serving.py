"""Answer HTTP requests on a port of the pod: what the health checks and the metrics have in common."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def serving(port: int, routes: Iterable[web.RouteDef]) -> AsyncIterator[None]:
    """Serve the routes on a port of every address, without an access log."""
    application = web.Application()
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()
