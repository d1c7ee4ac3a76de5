"""Say how the operator is doing: structured logs, and /healthz and /readyz for the kubelet."""

import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from alembic_operator.shell.serving import serving


def configure_logging(log_format: str) -> None:
    """Write each log event as one line on standard error, those of libraries too."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.ExceptionRenderer(),
    ]
    renderer = structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.addFilter(is_news)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


_AGAIN = re.compile(r"Request attempt #(?!1\b)\d+.*APIForbiddenError", re.DOTALL)


def is_news(record: logging.LogRecord) -> bool:
    """Return whether a line is to be written: Kopf asks for ever for what is forbidden, and says it each time."""
    return not _AGAIN.match(record.getMessage())


@asynccontextmanager
async def health(port: int, ready: Callable[[], bool], troubles: Callable[[], list[str]]) -> AsyncIterator[None]:
    """Serve /healthz (the event loop turns) and /readyz (it works, or stands by for the one that does).

    `troubles` are said beside a yes: what they keep from being served is a part of the cluster.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        if not ready():
            return web.Response(text="not ready\n", status=503)
        return web.Response(text="\n".join(["ok", *troubles(), ""]))

    async with serving(port, [web.get("/healthz", healthz), web.get("/readyz", readyz)]):
        yield
