"""Pod templates that bring their gate themselves: by the library chart, and by the Kustomize component."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from devcluster.controlplane import ApiServer
from tests.api import chart

PROJECT = Path(__file__).parents[2]
LIBRARY, COMPONENTS = PROJECT / "charts" / "alembic-gate", PROJECT / "kustomize"
Manifest = dict[str, Any]

_POD = """
{{- $gate := dict
      "container" (first .Values.containers) "migration" .Values.migration
      "release" .Release "server" .Values.server
}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Values.name }}
  labels: {alembic-operator.dev/migration: {{ .Values.name }}}
  annotations: {{- include "alembic-gate.annotations" $gate | nindent 4 }}
spec:
  initContainers:
    {{- with .Values.first }}{{ toYaml . | nindent 4 }}{{ end }}
    {{- include "alembic-gate.initContainer" $gate | nindent 4 }}
    {{- with .Values.then }}{{ toYaml . | nindent 4 }}{{ end }}
  containers: {{- toYaml .Values.containers | nindent 4 }}
  volumes:
    {{- with .Values.volumes }}{{ toYaml . | nindent 4 }}{{ end }}
    {{- include "alembic-gate.volume" $gate | nindent 4 }}
"""
"""A team's own template."""


def by_helm(folder: Path, values: Manifest) -> Manifest:
    """Return the pod that a chart with the library in it renders of these values."""
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "charts").mkdir(exist_ok=True)
    (folder / "charts" / LIBRARY.name).symlink_to(LIBRARY)
    (folder / "Chart.yaml").write_text("{apiVersion: v2, name: team, version: 0.1.0}")
    (folder / "values.yaml").write_text(json.dumps(values))
    (folder / "templates" / "pod.yaml").write_text(_POD)
    (pod,) = (one for one in yaml.safe_load_all(_run(chart.helm(), "template", "release", folder, "--namespace=shop")))
    return dict(pod)


def without_gate(pod: Manifest) -> Manifest:
    """Return the pod as it would be written for an API server that adds the gate itself."""
    plain: Manifest = json.loads(json.dumps(pod))
    spec = plain["spec"]
    spec["initContainers"] = [one for one in spec["initContainers"] if one["name"] != "alembic-gate"]
    spec["volumes"] = [one for one in spec["volumes"] if one["name"] != "alembic-operator"]
    plain["metadata"].pop("annotations")
    return plain


def by_kustomize(server: ApiServer, folder: Path, workload: Manifest, *patches: Manifest) -> Manifest:
    """Return what a kustomization with the gate's component makes of a workload."""
    (found,) = kustomize(server, folder, [workload], components=["components/gate"], patches=list(patches))
    return found


def kustomize(server: ApiServer, folder: Path, objects: list[Manifest], **kustomization: Any) -> list[Manifest]:
    """Return what Kustomize makes of objects; the project's components are in `components`."""
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    (folder / "components").symlink_to(COMPONENTS)
    (folder / "kustomization.yaml").write_text(json.dumps({"resources": ["objects.yaml"], **kustomization}))
    made = _run(server.kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone", folder)
    return [one for one in yaml.safe_load_all(made) if one]


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
