"""JSON, read and written as the standard library does it, whatever the quick parser thinks of it."""

import json
from typing import Any

import pytest

from alembic_operator.kube import codec

_DEEP: Any = 1
for _ in range(300):
    _DEEP = [_DEEP]

VALUES = (
    {"a": [1, 2.5, True, None, "é\u2028\x00"], "": {"b": {}}},
    123456789012345678901234567890,
    1e300,
    "\ud800 half a pair",
    {"\udfff": "as a key"},
    _DEEP,
)


@pytest.mark.parametrize("value", VALUES, ids=lambda one: str(type(one).__name__))
def test_what_is_written_says_the_same_to_the_standard_library(value: Any) -> None:
    assert json.loads(codec.write(value)) == value


@pytest.mark.parametrize("value", VALUES, ids=lambda one: str(type(one).__name__))
def test_what_the_standard_library_writes_is_read(value: Any) -> None:
    assert codec.read(json.dumps(value)) == value
    assert codec.read(json.dumps(value).encode()) == value


@pytest.mark.parametrize("text", ["", "{", '{"a":1,}', "[" * 300, b"\xff", "<html>"])
def test_what_is_no_json_is_an_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        codec.read(text)
