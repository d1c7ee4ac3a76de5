"""Tell how many conversations there are, and who keeps them: `python3 -m chat`, then `GET /`."""

import os

from aiohttp import web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chat.settings import database_url

ENGINE = web.AppKey("engine", AsyncEngine)


async def conversations(request: web.Request) -> web.Response:
    """Count them; an error until the table is there."""
    engine = request.app[ENGINE]
    async with engine.connect() as connection:
        count = await connection.scalar(text("SELECT count(*) FROM conversations WHERE NOT archived"))
    return web.json_response({"conversations": count, "kept by": engine.dialect.name})


def application() -> web.Application:
    """Build the application; it connects to the database with the first request."""
    app = web.Application()
    app[ENGINE] = create_async_engine(database_url())
    app.add_routes([web.get("/", conversations)])
    return app


web.run_app(application(), port=int(os.environ.get("PORT", "8080")))
