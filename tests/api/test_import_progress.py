"""How far an import is, asked of its pod by an operator that may: in the status, and gone when it has ended."""

import time
from pathlib import Path

import pytest

from alembic_operator.contract import PROGRESS_VARIABLE
from alembic_operator.contract.import_progress import ImportProgress
from devcluster.controlplane import ApiServer
from tests.api.listener import listening
from tests.api.operator_process import OperatorProcess, account
from tests.api.rest import Rest
from tests.api.shop import Shop, message, until
from tests.api.test_imports import DATABASE, DONE, Importer

pytest_plugins = ["tests.api.operator_fixtures"]
pytestmark = pytest.mark.xdist_group("progress")  # who says how far it is listens at the same ports


def test_the_status_says_how_far_an_import_is_while_it_lasts(
    cluster: ApiServer, admin: Rest, empty_shop: Shop, tmp_path: Path
) -> None:
    kubeconfig = account(admin, cluster, empty_shop.namespace, tmp_path, empty_shop.namespace)
    process = OperatorProcess(kubeconfig, (f"--namespace={empty_shop.namespace}", "--progress")).start()
    past = Importer(empty_shop)
    try:
        empty_shop.migrate(database=DATABASE)
        empty_shop.succeeds()
        past.begin()
        pod = past.pod()
        (told,) = (one for one in pod["spec"]["containers"][0]["env"] if one["name"] == PROGRESS_VARIABLE)
        now = time.time()
        said = ImportProgress(now, now - 60, told["value"], "loads", "posts", 600, 6000)
        with listening(said):
            past.says(pod, "Running", ("copy", 0, ""), ("upgrade", 0, ""), running="load", address="127.0.0.1")
            until(lambda: "progress" in past.see()["status"], past.see)
        status = past.see()["status"]
        assert (status["progress"]["table"], status["progress"]["rows"], status["progress"]["total"]) == (
            "posts",
            600,
            6000,
        )
        assert "loads posts: 600 of 6000 rows" in message(status)
        past.ends(pod, DONE)
        assert "progress" not in past.becomes("Imported")
    finally:
        process.kill()
