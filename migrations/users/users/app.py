"""Serve the users over HTTP: `/users` from the database, `/healthz` for the kubelet."""

import logging
import os
from collections.abc import Awaitable, Callable
from importlib.resources import files

from aiohttp import web
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from users.settings import database_url

log = logging.getLogger(__name__)

RELEASE = os.environ.get("RELEASE", "unknown")
USERS = (files("users") / "users.sql").read_text()  # each release has its own
REVISION = "SELECT version_num FROM alembic_version ORDER BY version_num"

ENGINE = web.AppKey("engine", AsyncEngine)
DRAINING = web.AppKey("draining", set[str])

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def healthz(request: web.Request) -> web.Response:
    """Say that the process is alive and wants requests; no longer so when it is about to stop."""
    return web.Response(status=503, text="stopping\n") if request.app[DRAINING] else web.Response(text="ok\n")


async def users(request: web.Request) -> web.Response:
    """Return all users, with the release that asked and the revision that the database is at."""
    try:
        async with request.app[ENGINE].connect() as connection:
            revision = (await connection.scalars(text(REVISION))).all()
            rows = (await connection.execute(text(USERS))).mappings().all()
    except (OSError, DBAPIError) as error:
        log.warning("the database did not answer: %s", error)
        return web.json_response({"release": RELEASE, "error": "the database did not answer"}, status=503)
    return web.json_response({"release": RELEASE, "revision": list(revision), "users": [dict(row) for row in rows]})


@web.middleware
async def let_go(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ask clients that keep their connection to open a new one elsewhere, once this process is about to stop."""
    response = await handler(request)
    if request.app[DRAINING]:
        response.force_close()
    return response


async def close_engine(app: web.Application) -> None:
    """Close the connections to the database."""
    await app[ENGINE].dispose()


def application() -> web.Application:
    """Build the application; it connects to the database with the first request."""
    app = web.Application(middlewares=[let_go])
    app[ENGINE] = create_async_engine(database_url(), pool_size=5, pool_pre_ping=True)
    app[DRAINING] = set()
    app.add_routes([web.get("/healthz", healthz), web.get("/users", users)])
    app.on_cleanup.append(close_engine)
    return app
