"""The API server can go away for a while: the operator stays, and goes on where it was."""

from contextlib import closing
from pathlib import Path

from alembic_operator.contract import ExitCode
from tests.api.job_controller import connect, running_cluster
from tests.api.operator_process import OperatorProcess, account, allow_lease, lease_flags
from tests.api.shop import SUCCESS, Shop, until

NAMESPACE = "default"


def test_an_outage_of_the_api_server_is_survived_and_nothing_is_done_twice(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as server, closing(connect(server)) as rest:
        kubeconfig = account(rest, server, "operator", tmp_path)
        allow_lease(rest, "operator", "operator")
        operator = OperatorProcess(kubeconfig, tuple(lease_flags("operator", seconds=60))).start()
        shop = Shop(rest, NAMESPACE)
        shop.migrate()
        job, pod, process = shop.job(), shop.pod(), operator.pid
        shop.kubelet.starts(pod)
        shop.becomes("Migrating")
        before = len(operator.log.read_text())
        server._processes.stop("kube-apiserver", grace=0)
        until(lambda: len(operator.log.read_text()) > before)
        rest.close()
        server.start()
        shop.kubelet.ends(pod, ExitCode.OK, SUCCESS)
        shop.becomes("UpToDate")
        assert [one["metadata"]["uid"] for one in shop.jobs()] == [job["metadata"]["uid"]]
        assert (operator.is_ready(), operator.pid) == (True, process)
        assert operator.stop() == 0
