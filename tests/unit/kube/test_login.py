"""How the operator logs in outside of a cluster, and what it says when it cannot."""

from pathlib import Path

import pytest

from alembic_operator.kube.client import connected
from alembic_operator.kube.errors import LoginError

CONTEXT = "current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\n"
CLUSTER = "clusters: [{name: b, cluster: {server: 'https://127.0.0.1:1'}}]\n"

KUBECONFIGS = {
    "no context": ("apiVersion: v1", "Expected key current-context"),
    "no such cluster": (CONTEXT + "clusters: []\nusers: [{name: c, user: {}}]", "Expected object with name b"),
    "no YAML": ("token: hunter2: {{", "cannot be read (ScannerError)"),
    "a list": ("[hunter2]", "the kubeconfig cannot be read"),
    "a text for a user": (CONTEXT + CLUSTER + "users: [hunter2]", "to have 'name' key"),
}


@pytest.mark.parametrize(("text", "said"), KUBECONFIGS.values(), ids=KUBECONFIGS)
async def test_a_kubeconfig_that_cannot_be_read_is_told_without_what_is_in_it(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))
    with pytest.raises(LoginError, match="set KUBECONFIG as for kubectl") as refused:
        async with connected():
            pass
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)
