import logging

import pytest

from alembic_operator.shell.telemetry import configure_logging, is_news


def line(text: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("kopf", logging.ERROR, "api.py", 1, text, arguments, None)


FORBIDDEN = "will retry: GET https://here/apis -> APIForbiddenError('dbm is forbidden', {'code': 403})"
DOWN = "will retry: GET https://here/apis -> ClientConnectorError('refused')"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (f"Request attempt #1 failed; {FORBIDDEN}", True),
        (f"Request attempt #2 failed; {FORBIDDEN}", False),
        (f"Request attempt #10 failed; {FORBIDDEN}", False),
        (f"Request attempt #10 failed; {DOWN}", True),
    ],
)
def test_what_is_forbidden_is_logged_at_the_first_attempt_only(text: str, *, written: bool) -> None:
    assert is_news(line(text)) is written


def test_lines_of_libraries_pass_the_filter_on_their_way_to_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        configure_logging("json")
        for number in (1, 2, 3):
            logging.getLogger("kopf").error("Request attempt #%s failed; %s", number, FORBIDDEN)
        assert capsys.readouterr().err.count("APIForbiddenError") == 1
    finally:
        root.handlers[:] = before
        root.setLevel(level)
