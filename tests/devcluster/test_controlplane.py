"""The API server for tests, on free ports and without root."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from devcluster import apiclient, binaries, settings
from devcluster.controlplane import ApiServer, api_server
from devcluster.failure import FailureError

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["etcd", "kube-apiserver", "kubectl"]


def is_built() -> bool:
    try:
        binaries.folder_of(settings.from_environment(os.environ), NAMES)
    except FailureError:
        return False
    return True


pytestmark = pytest.mark.skipif(not is_built(), reason="run: python3 -m devcluster build")


def test_an_api_server_is_there_in_the_block_and_gone_after_it(tmp_path: Path) -> None:
    with api_server(tmp_path) as kubeconfig:
        url = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        api = apiclient.connect(url, ApiServer.at(tmp_path).plane.pki, "admin")
        path = "/api/v1/namespaces/default/configmaps/one"
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "b"}}
        api.apply(path, manifest)
        assert (api.get(path) or {})["data"] == {"a": "b"}
        api.delete(path)
        api.delete(path)
        assert api.get(path) is None
        with pytest.raises(apiclient.ApiError, match="422"):
            api.apply(path.replace("one", "One_"), {**manifest, "metadata": {"name": "One_"}})
    assert not api.is_ready()
    assert list((tmp_path / "pids").iterdir()) == []
