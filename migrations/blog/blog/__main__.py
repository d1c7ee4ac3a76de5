"""Keep users and their posts: `python3 -m blog`, then `GET /`, or `POST /posts` with a list of them."""

import os
from datetime import datetime

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from blog.settings import database_url

ENGINE = web.AppKey("engine", AsyncEngine)

USERS = sa.table("users", sa.column("id", sa.Integer), sa.column("name", sa.String))
POSTS = sa.table(
    "posts",
    sa.column("id", sa.Integer),
    sa.column("author_id", sa.Integer),
    sa.column("title", sa.String),
    sa.column("body", sa.Text),
    sa.column("created_at", sa.DateTime),
)


async def counts(request: web.Request) -> web.Response:
    """Count them, and say who keeps them; an error until the tables are there."""
    engine = request.app[ENGINE]
    async with engine.connect() as connection:
        users = await connection.scalar(sa.select(sa.func.count()).select_from(USERS))
        posts = await connection.scalar(sa.select(sa.func.count()).select_from(POSTS))
    return web.json_response({"users": users, "posts": posts, "kept by": engine.dialect.name})


async def publish(request: web.Request) -> web.Response:
    """Add posts, and their authors when they are new."""
    posts = await request.json()
    async with request.app[ENGINE].begin() as connection:
        authors = await authors_of(connection, sorted({post["author"] for post in posts}))
        rows = [
            {
                "author_id": authors[post["author"]],
                "title": post["title"],
                "body": post["body"],
                "created_at": datetime.fromisoformat(post["created_at"]),
            }
            for post in posts
        ]
        await connection.execute(sa.insert(POSTS), rows)
    return web.json_response({"added": len(rows)})


async def authors_of(connection: AsyncConnection, names: list[str]) -> dict[str, int]:
    """Return the ids of users, who are added when they are new."""
    named = sa.select(USERS.c.name, USERS.c.id).where(USERS.c.name.in_(names))
    known = {name for name, _ in await connection.execute(named)}
    if new := [{"name": name} for name in names if name not in known]:
        await connection.execute(sa.insert(USERS), new)
    return dict((await connection.execute(named)).tuples().all())


def application() -> web.Application:
    """Build the application; it connects to the database with the first request."""
    app = web.Application(client_max_size=16 * 1024**2)
    app[ENGINE] = create_async_engine(database_url())
    app.add_routes([web.get("/", counts), web.post("/posts", publish)])
    return app


web.run_app(application(), port=int(os.environ.get("PORT", "8080")))
