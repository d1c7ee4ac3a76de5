import json
from dataclasses import replace

import pytest

from alembic_operator.contract import RESULT_BYTES, Invocation, Result
from alembic_operator.contract.fleet import Fleet, Group
from alembic_operator.contract.progress import Progress
from alembic_operator.contract.tenants import Tenants, of_total

TENANTS = [
    Tenants(names=("acme", 'odd "name"', "x" * 63)),
    Tenants(pattern=r"ws\_%", exclude=("ws_old",), canary=("1%",), soak="10m", max_parallel=4, max_failures="2%"),
    Tenants(kind="Databases", query="select name from customer", argument="tenant={}", shared="shared@head"),
]


@pytest.mark.parametrize("tenants", TENANTS, ids=str)
def test_tenants_read_back_from_the_command_line(tenants: Tenants) -> None:
    invocation = Invocation("upgrade", tenants=tenants.to_json())
    assert Invocation.parse(invocation.argv()) == invocation
    assert Tenants.from_json(invocation.tenants) == tenants


WRONG = {
    "nothing that names tenants": ("{}", "exactly one of names, pattern and query"),
    "two ways to name them": ('{"names": ["a"], "pattern": "b"}', "exactly one of"),
    "an unknown word": ('{"name": ["a"]}', "name: unknown; there are kind, names"),
    "no list": ('{"names": "a"}', "names: not a list of strings"),
    "a list of numbers": ('{"names": [1]}', "names: not a list of strings"),
    "an unknown kind": ('{"names": ["a"], "kind": "Tables"}', "kind: 'Tables' is none of Schemas, Databases"),
    "a number as text": ('{"names": ["a"], "maxParallel": "8"}', "maxParallel: not a number"),
    "no worker": ('{"names": ["a"], "maxParallel": 0}', "maxParallel: at least 1"),
    "an argument without the tenant": ('{"names": ["a"], "argument": "tenant="}', "has no {} for the name"),
    "no amount": ('{"names": ["a"], "maxFailures": "few"}', "maxFailures: 'few' is neither"),
    "no duration": ('{"names": ["a"], "soak": "soon"}', "soak: 'soon' is not a duration"),
    "no JSON": ("names: [a]", "not JSON"),
    "no object": ("[]", "not a JSON object"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_tenants_that_cannot_be_read_say_which_field(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Invocation.parse(["upgrade", "--tenants", text])
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("amount", "total", "many"), [("3", 128, 3), ("1%", 128, 2), ("100%", 7, 7), ("0", 5, 0)])
def test_an_amount_is_a_number_or_a_percentage_rounded_up(amount: str, total: int, many: int) -> None:
    assert of_total(amount, total) == many


GROUP = Group(12, ("ws_17", "ws_203"), "RevisionFailed", "d25c8a41f7e6", "23505", "INSERT INTO t", "duplicate", "Mend.")
FLEET = Fleet(10_000, 9_988, 0, 12, failures=(GROUP,))


def test_a_fleet_is_one_sentence() -> None:
    said = "9,988 of 10,000 tenants are up to date; 12 failed in d25c8a41f7e6 with 23505: ws_17, ws_203 and 10 more"
    assert str(FLEET) == said
    assert str(Fleet(3, 1, 2)) == "1 of 3 tenants are up to date; 2 were not begun"
    assert str(Fleet(3, 3, drifted=1, drifted_names=("a",))) == "3 of 3 tenants are up to date; 1 drifted: a"


def test_progress_of_a_fleet_says_how_long_it_will_take() -> None:
    fleet = replace(FLEET, phase="Canary", eta_seconds=150, slowest="ws_7")
    assert str(Progress(9.0, 1.0, 1.0, tenants=fleet)) == (
        "Canary: 10,000 of 10,000 done, 12 failed, 2 min left, slowest ws_7"
    )


def test_a_fleet_reads_back_from_a_result() -> None:
    result = Result("RevisionFailed", tenants=replace(FLEET, eta_seconds=7, slowest="a", drifted_names=("b",)))
    read = Result.from_json(result.to_json())
    assert read is not None
    assert read.tenants == result.tenants


def test_a_fleet_of_many_failures_fits_the_termination_message_and_keeps_its_numbers() -> None:
    many = tuple(replace(GROUP, names=tuple("x" * 63 for _ in range(10)), statement="s" * 900) for _ in range(50))
    text = Result("RevisionFailed", tenants=replace(FLEET, failures=many, drifted_names=("d" * 63,) * 10)).to_json()
    assert len(text.encode()) <= RESULT_BYTES
    assert json.loads(text)["tenants"]["failed"] == FLEET.failed
    assert json.loads(text)["tenants"]["failures"][0]["names"]


@pytest.mark.parametrize("raw", ['"all"', '{"failures": [{}]}', '{"failures": [{"count": 1, "names": "a"}]}', "[1]"])
def test_a_fleet_that_cannot_be_understood_makes_no_result(raw: str) -> None:
    assert Result.from_json(f'{{"version": 1, "reason": "UpToDate", "tenants": {raw}}}') is None
