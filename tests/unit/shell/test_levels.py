"""That Python reads whatever the API server lets be nested."""

import json
import sys

import pytest

from alembic_operator.shell.run import LEVELS

MOST = 10_000
"""Levels that the API server takes."""


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="the image has Python 3.11; 3.12 reads 1,500 levels")
def test_json_of_as_many_levels_as_the_api_server_takes_is_read_and_written() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(LEVELS)
    try:
        read = json.loads('{"a":' * (MOST + 100) + "1" + "}" * (MOST + 100))
        assert read == json.loads(json.dumps(read))
    finally:
        sys.setrecursionlimit(before)
