import json
import math
from dataclasses import asdict, fields, replace
from typing import Any

import pytest

from alembic_operator.contract import (
    COMMANDS,
    FINAL_EXIT_CODES,
    JOB_FAILING_EXIT_CODES,
    RESULT_BYTES,
    Applied,
    ExitCode,
    Failure,
    Invocation,
    Result,
    seconds,
)
from alembic_operator.contract.attribute_docs import attribute_docs

INVOCATIONS = [
    *(Invocation(command, tenant="ws_1" * (command == "tenant")) for command in COMMANDS),
    Invocation("upgrade", config="db/alembic.ini", section="users", target="users@head"),
    Invocation("upgrade", target="+2", x=("tenant=acme", "dry run=no")),
    Invocation("upgrade", x=("", "a=b=c", "ümlaut", "-1")),
    Invocation("upgrade", database="environment", schema='odd "schema"', role="shop_owner"),
    Invocation("check", lock_timeout="500ms", statement_timeout="1h30m", deadline="2h", database_ahead="Block"),
    Invocation("gate", result="/dev/termination-log"),
]


@pytest.mark.parametrize("invocation", INVOCATIONS, ids=str)
def test_a_command_line_reads_back_as_what_wrote_it(invocation: Invocation) -> None:
    assert Invocation.parse(invocation.argv()) == invocation


@pytest.mark.parametrize("name", [one.name for one in fields(Invocation) if one.name not in ("command", "tenant", "x")])
def test_every_field_has_a_flag_that_is_left_out_at_its_default(name: str) -> None:
    others = {"database": "environment", "database_ahead": "Block", "lock_timeout": "9s", "downgrade": "Allow"}
    others |= {"create_database": "IfMissing", "history": "Enabled", "tenants": '{"pattern":"ws%"}'}
    given: dict[str, Any] = {name: others.get(name, "5s")}
    changed = replace(Invocation("upgrade"), **given)
    assert Invocation("upgrade").argv() == ["upgrade"]
    assert changed.argv()[2:] == list(given.values())
    assert Invocation.parse(changed.argv()) == changed


@pytest.mark.parametrize("value", ["-", "-1", "--target=x", "-x"])
def test_a_value_that_looks_like_a_flag_stays_a_value(value: str) -> None:
    invocation = Invocation("upgrade", schema=value, x=(value, value))
    assert Invocation.parse(invocation.argv()) == invocation


WRONG = {
    "no command": [],
    "an unknown command": ["explode"],
    "an unknown flag": ["upgrade", "--colour=red"],
    "a flag without its value": ["upgrade", "--target"],
    "a word too many": ["upgrade", "heads"],
    "a duration without a unit": ["upgrade", "--deadline", "10"],
    "an unknown choice": ["upgrade", "--database-ahead", "Maybe"],
}


@pytest.mark.parametrize(
    "argv",
    [
        *(pytest.param(argv, id=name) for name, argv in WRONG.items()),
        pytest.param(["upgrade", "--stat", "1s"], id="an abbreviated flag"),
    ],
)
def test_a_wrong_command_line_ends_with_the_exit_code_for_wrong_usage(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        Invocation.parse(argv)
    assert ended.value.code == ExitCode.USAGE
    assert capsys.readouterr().err.startswith(("runner.pyz", "usage"))


def test_help_tells_what_each_command_and_each_flag_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        Invocation.parse(["--help"])
    assert ended.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(f"{command} {does}" in said for command, does in COMMANDS.items())
    assert "--lock-timeout LOCK_TIMEOUT PostgreSQL's lock_timeout of each attempt of a revision; 0s: none." in said
    assert all(meaning in said for name, meaning in attribute_docs(Invocation).items() if name != "command")


def test_a_wrong_duration_is_named_with_its_flag_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Invocation.parse(["upgrade", "--deadline", "10"])
    assert "argument --deadline: '10' is not a duration; write for example 500ms" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0s", 0), ("500ms", 0.5), ("2s", 2), ("15m", 900), ("1h", 3600), ("1h30m", 5400), ("1m1s1ms", 61.001)],
)
def test_a_duration_is_read_in_seconds(text: str, expected: float) -> None:
    assert math.isclose(seconds(text), expected)


@pytest.mark.parametrize("text", ["", "2", "s", "-1s", "1.5s", "1d", "2 s", " 2s", "2S", "2s,", "٢s", "2s\n"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="1h30m"):
        seconds(text)


def test_what_a_retry_cannot_heal_fails_the_job() -> None:
    assert set(FINAL_EXIT_CODES) < set(JOB_FAILING_EXIT_CODES)
    assert not {ExitCode.OK, ExitCode.TRY_AGAIN, ExitCode.TIME_LIMIT, ExitCode.TERMINATED} & set(JOB_FAILING_EXIT_CODES)


FULL = Result(
    reason="RevisionFailed",
    from_=("aa", "bb"),
    to=("cc",),
    target=("dd", "ee"),
    pending=2,
    ahead=True,
    applied=(Applied("bb", 12), Applied("cc", 3)),
    applied_count=2,
    lock_ms=700,
    read_back_ms=80,
    error=Failure("no such table", "42P01", "dd", "ALTER TABLE x", "create it first", ("SELECT ?",)),
    warnings=("an invalid index",),
    alembic="1.16.1",
    sqlalchemy="2.0.40",
    driver="asyncpg 0.30",
)
HEADS = tuple(f"{number:032x}" for number in range(400))
REVISIONS = tuple(Applied(head, 1000) for head in HEADS[:345])
TEXTS: Any = dict.fromkeys(("message", "sqlstate", "revision", "statement", "hint"), "y" * 1_000_000)
LONG = {
    "345 revisions": replace(FULL, applied=REVISIONS, applied_count=0),
    "an error of a megabyte": replace(FULL, error=Failure("x" * 1_000_000)),
    "a megabyte in every text": replace(FULL, error=Failure(**TEXTS)),
    "a long error in unicode": replace(FULL, error=Failure("ß€😀" * 9000)),
    "a long error of quotes": replace(FULL, error=Failure('"' * 50_000)),
    "a long error of control characters": replace(FULL, error=Failure("\x00\x1b\n" * 20_000)),
    "long warnings and statements": replace(
        FULL, warnings=("w" * 1_000_000,) * 9, error=Failure("no", committed=("c" * 9000,) * 9)
    ),
    "many heads": replace(FULL, from_=HEADS, to=HEADS, target=HEADS),
    "everything at once": replace(
        FULL, from_=HEADS, to=HEADS, target=HEADS, applied=REVISIONS, applied_count=0, error=Failure("😀" * 100_000)
    ),
}


def test_a_result_reads_back_as_what_was_written() -> None:
    assert Result.from_json(FULL.to_json()) == FULL
    assert Result.from_json(Result("UpToDate").to_json()) == Result("UpToDate")


def test_a_result_has_the_keys_that_the_design_names() -> None:
    names = "version reason from to target pending ahead applied appliedCount error warnings alembic sqlalchemy driver"
    names += " lockMs readBackMs tenants"
    assert set(json.loads(FULL.to_json())) == set(names.split())


@pytest.mark.parametrize("result", LONG.values(), ids=LONG)
def test_a_result_of_any_length_fits_the_termination_message(result: Result) -> None:
    text = result.to_json()
    assert len(text.encode()) <= RESULT_BYTES
    read = Result.from_json(text)
    assert read is not None
    assert (read.reason, read.pending, read.ahead) == (result.reason, result.pending, result.ahead)


@pytest.mark.parametrize("result", [one for name, one in LONG.items() if "control" not in name and "warn" not in name])
def test_a_result_is_not_cut_shorter_than_it_must_be(result: Result) -> None:
    assert len(result.to_json().encode()) > RESULT_BYTES / 3


def test_a_text_that_is_no_unicode_is_written_all_the_same() -> None:
    read = Result.from_json(replace(FULL, error=Failure("migrations/\udcff.py")).to_json())
    assert read is not None
    assert read.error == Failure("migrations/?.py")


def test_the_newest_revisions_are_kept_and_all_are_counted() -> None:
    read = Result.from_json(LONG["345 revisions"].to_json())
    assert read is not None
    assert 10 < len(read.applied) < 345
    assert read.applied[-1] == REVISIONS[-1]
    assert read.applied_count == 345


def test_lists_shrink_before_the_error_does() -> None:
    read = Result.from_json(replace(FULL, applied=REVISIONS, error=Failure("x" * 1500)).to_json())
    assert read is not None
    assert read.error == Failure("x" * 1500)


def test_a_text_that_was_cut_says_so() -> None:
    read = Result.from_json(LONG["an error of a megabyte"].to_json())
    assert read is not None
    assert read.error is not None
    assert read.error.message.endswith("...")


def test_a_result_that_cannot_shrink_is_an_error_and_no_endless_loop() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        replace(FULL, driver="z" * RESULT_BYTES).to_json()


def as_json(**changes: Any) -> str:
    return json.dumps(json.loads(FULL.to_json()) | changes)


JUNK = {
    "nothing": "",
    "a log line": "Traceback (most recent call last):",
    "half a result": FULL.to_json()[:100],
    "null": "null",
    "a number": "42",
    "a list": "[]",
    "a text": '"UpToDate"',
    "an empty object": "{}",
    "no reason": '{"version":1}',
    "a newer version": as_json(version=2),
    "a version that is a text": as_json(version="1"),
    "revisions that are no objects": as_json(applied=["aa"]),
    "revisions without a name": as_json(applied=[{"ms": 1}]),
    "heads that are a number": as_json(to=7),
    "a count that is a word": as_json(pending="many"),
    "an error that is a text": as_json(error="broken"),
    "heads that are one text": as_json(to="abcdef"),
    "a count without an end": as_json(pending=math.inf),
    "deep nesting": "[" * RESULT_BYTES,
}


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, id=name) for name, text in JUNK.items()],
)
def test_junk_is_no_result(text: str) -> None:
    assert Result.from_json(text) is None


def test_a_field_of_a_later_runner_is_ignored() -> None:
    assert Result.from_json(as_json(colour="red")) == FULL
    assert Result.from_json(as_json(error={**asdict(FULL)["error"], "colour": "red"})) == FULL


@pytest.mark.parametrize("name", [one.name for one in fields(Result) if one.name not in ("reason", "version")])
def test_a_field_that_an_earlier_runner_did_not_have_is_read_as_nothing(name: str) -> None:
    raw = json.loads(FULL.to_json())
    first, *others = name.rstrip("_").split("_")
    del raw[first + "".join(map(str.title, others))]
    assert Result.from_json(json.dumps(raw)) == replace(FULL, **{name: getattr(Result("", error=None), name)})


def test_the_name_of_a_tenant_follows_its_command_and_no_other() -> None:
    one = Invocation("tenant", tenant="ws 1", tenants='{"pattern":"%"}')
    assert one.argv()[:2] == ["tenant", "ws 1"]
    assert Invocation.parse(one.argv()) == one
    for words in (["tenant"], ["upgrade", "ws_1"]):
        with pytest.raises(SystemExit, match="64"):
            Invocation.parse(words)
