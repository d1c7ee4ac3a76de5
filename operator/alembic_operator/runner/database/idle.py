"""Let go of what env.py left idle in its pools: a gate that waits for hours must not keep what nobody uses."""

from __future__ import annotations

import gc
import socket
from contextlib import suppress
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool


class IdleConnections:
    """The pooled connections of this process; SQLAlchemy makes each anew when it is wanted again."""

    def __init__(self) -> None:
        self._records: list[Any] = []
        event.listen(Pool, "connect", lambda _, record: self._records.append(record))

    def close(self) -> None:
        """Close those that are in nobody's hands."""
        if not any(record.dbapi_connection is not None for record in self._records):
            self._records.clear()
            return
        gc.collect()  # what env.py forgot is closed with it
        for record in self._records:
            if record.dbapi_connection is not None and not record.in_use:
                with suppress(Exception):  # its event loop may be over
                    _close(record)
        self._records = [record for record in self._records if record.in_use]


def _close(record: Any) -> None:
    transport = getattr(getattr(record.dbapi_connection, "_connection", None), "_transport", None)
    if transport is None:
        record.close()
    else:
        record.invalidate(soft=True)
        transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
