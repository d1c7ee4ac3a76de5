"""Run the service until SIGTERM, and then until nobody sends requests here any more: `python3 -m users`."""

import asyncio
import logging
import os
import signal

from aiohttp import web

from users.app import DRAINING, RELEASE, application

log = logging.getLogger("users")

PORT = int(os.environ.get("PORT", "8080"))
DRAIN_SECONDS = float(os.environ.get("DRAIN_SECONDS", "3"))


async def serve() -> None:
    """Serve; after the first signal go on answering while the endpoints of the Service are being updated."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    app = application()
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=PORT).start()
    log.info("release %s listens on port %d", RELEASE, PORT)
    await stop.wait()
    log.info("asked to stop; answering for another %g s", DRAIN_SECONDS)
    app[DRAINING].add("stopping")
    await asyncio.sleep(DRAIN_SECONDS)
    await runner.cleanup()


logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
asyncio.run(serve())
