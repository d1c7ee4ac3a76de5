"""Each alert reads metrics that exist, leads to a heading that exists, fires once and clears once."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from alembic_operator.shell.metrics.families import OF_IMPORTS, OF_MIGRATIONS, OF_THE_OPERATOR, PREFIX

ROOT = Path(__file__).parents[3]
FILE = ROOT / "charts" / "alembic-operator" / "files" / "alerts.yaml"
ALERTS: dict[str, Any] = {one["alert"]: one for one in yaml.safe_load(FILE.read_text())["groups"][0]["rules"]}
ONE = '{namespace="shop",name="users"}'
LIVES = {
    "AlembicMigrationStalled": (
        {'migration_reason{namespace="shop",name="users",reason="RevisionFailed",effect="Stalled"}': "0x5 1x9 0x9"},
        "9m",
    ),
    "AlembicImportStalled": (
        {'import_reason{namespace="shop",name="users",reason="Findings",effect="Stalled"}': "0x5 1x9 0x9"},
        "9m",
    ),
    "AlembicPodsHeld": ({f"migration_held_pods{ONE}": "0x4 2x15 0x9"}, "17m"),
    "AlembicTenantsFailed": (
        {'tenants{namespace="shop",name="users",state="failed"}': "0x5 2x9 0x9"},
        "9m",
    ),
    "AlembicMigrationWithoutProgress": (
        {f"migration_run_progress_timestamp_seconds{ONE}": "60+60x9 600x10 _x9"},
        "18m",
    ),
    "AlembicMigrationBlocked": ({f"migration_lock_timeouts_total{ONE}": "0x5 1x60"}, "10m"),
    "AlembicMigrationRetrying": ({f"migration_run_attempts{ONE}": "1x5 1+1x9 10x90"}, "20m"),
    "AlembicOperatorAbsent": ({"leader": "1x5 0x10 1x9"}, "13m"),
    "AlembicOperatorErrors": ({'reconcile_duration_seconds_count{result="error"}': "0x5 0+3x15 45x30"}, "20m"),
    "AlembicGatePoliciesAbsent": (
        {'gate_policy{policy="injection"}': "1x3 0x20 1x9", 'gate_policy{policy="validation"}': "1x5 0x9 1x9"},
        "12m",
    ),
    "AlembicPodsWithoutGate": ({f"migration_ungated_pods{ONE}": "0x5 1x9 0x9"}, "10m"),
    "AlembicWatchedNamespaceUnreadable": ({'unreadable{resource="jobs",namespace="shop"}': "0x5 1x10 0x9"}, "13m"),
}
"""By alert: what the metrics say each minute, and when it has fired; at the end it has cleared."""


def test_each_alert_is_complete_and_has_a_life_to_be_tried_with() -> None:
    assert set(LIVES) == set(ALERTS)
    for one in ALERTS.values():
        assert one["labels"]["severity"] in ("warning", "critical")
        assert set(one["annotations"]) == {"summary", "description", "runbook_url"}
        assert " Type: kubectl " in one["annotations"]["description"]


@pytest.mark.parametrize("alert", ALERTS)
def test_its_runbook_is_a_heading(alert: str) -> None:
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "howto" / "alerts.md").read_text(), re.MULTILINE)
    assert ALERTS[alert]["annotations"]["runbook_url"] in [f"RUNBOOKS#{one.lower()}" for one in headings]


@pytest.mark.parametrize("alert", ALERTS)
def test_it_reads_metrics_that_the_operator_has(alert: str) -> None:
    known = {PREFIX + one.name for one in (*OF_IMPORTS, *OF_MIGRATIONS, *OF_THE_OPERATOR)}
    asked = re.findall(rf"{PREFIX}\w+", ALERTS[alert]["expr"])
    assert asked
    assert {one.removesuffix("_count") for one in asked} <= known


@pytest.mark.timeout(120)  # two programs, and two hours of the alerts' lives
@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is in Debian's package prometheus")
def test_prometheus_fires_each_alert_once_and_clears_it(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(FILE.read_text())
    tried = tmp_path / "tests.yaml"
    tried.write_text(yaml.safe_dump({"rule_files": [str(rules)], "tests": [_life(one) for one in ALERTS]}))
    for command in (["check", "rules", str(rules)], ["test", "rules", str(tried)]):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def _life(alert: str) -> dict[str, Any]:
    series, fired = LIVES[alert]
    times = [("2m", 0), (fired, 1), ("119m", 0)]
    firing = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    return {
        "name": alert,
        "interval": "1m",
        "input_series": [
            {"series": PREFIX + name, "values": f"{values} {_after(values)}"} for name, values in series.items()
        ],
        "promql_expr_test": [
            {"expr": firing, "eval_time": at, "exp_samples": [{"labels": "{}", "value": value}]} for at, value in times
        ],
    }


def _after(values: str) -> str:
    """Go on as at the end for two hours."""
    last = values.rsplit(maxsplit=1)[-1].split("x", maxsplit=1)[0]
    return f"{last}x120"
