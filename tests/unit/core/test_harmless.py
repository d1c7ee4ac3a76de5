"""What an operator takes from a jobTemplate where no policy looks at who writes it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from alembic_operator.api.reasons import Effect
from alembic_operator.core.manifests.harmless import complaint
from alembic_operator.core.plan import plan
from tests.unit.core.builders import created, ready, seen, told

EXAMPLES = Path(__file__).parents[3] / "examples"


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "migrate"} | fields])


TAKEN: dict[str, Any] = {
    "nothing": {},
    "none": None,
    "labels and annotations of the Job": {"metadata": {"labels": {"team": "a"}, "annotations": {"b/c": "d"}}},
    "times and tries": {"spec": {"activeDeadlineSeconds": 9, "backoffLimit": 1, "ttlSecondsAfterFinished": 5}},
    "a queue": {"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "q"}}, "spec": {"suspend": True}},
    "a place": pod(nodeSelector={"disk": "fast"}, tolerations=[{"operator": "Exists"}], affinity={"nodeAffinity": {}}),
    "a limit": container(resources={"requests": {"cpu": "1"}, "limits": {"memory": "1Gi", "ephemeral-storage": "1Gi"}}),
    "no limit": container(resources={"limits": {"memory": None}}),
    "variables": container(env=[{"name": "A", "value": "b"}], envFrom=[{"secretRef": {"name": "postgres"}}]),
    "no mesh": {
        "spec": {
            "template": {
                "metadata": {
                    "labels": {"sidecar.istio.io/inject": "false"},
                    "annotations": {"linkerd.io/inject": "disabled", "karpenter.sh/do-not-disrupt": "true"},
                }
            }
        }
    },
}

REFUSED: dict[str, Any] = {
    "kind": {"kind": "CronJob"},
    "metadata.name": {"metadata": {"name": "mine"}},
    "metadata.ownerReferences": {"metadata": {"ownerReferences": []}},
    "spec": {"spec": None},
    "spec.parallelism": {"spec": {"parallelism": 9}},
    "spec.podFailurePolicy": {"spec": {"podFailurePolicy": None}},
    "spec.template": {"spec": {"template": "all"}},
    "spec.template.metadata.labels.app": {"spec": {"template": {"metadata": {"labels": {"app": "web"}}}}},
    "spec.template.metadata.annotations['iam.amazonaws.com/role']": {
        "spec": {"template": {"metadata": {"annotations": {"iam.amazonaws.com/role": "admin"}}}}
    },
    "spec.template.spec.serviceAccountName": pod(serviceAccountName="other"),
    "spec.template.spec.automountServiceAccountToken": pod(automountServiceAccountToken=True),
    "spec.template.spec.hostPID": pod(hostPID=True),
    "spec.template.spec.hostNetwork": pod(nodeSelector={}, hostNetwork=True),
    "spec.template.spec.nodeName": pod(nodeName="control-plane"),
    "spec.template.spec.volumes": pod(volumes=[{"name": "root", "hostPath": {"path": "/"}}]),
    "spec.template.spec.securityContext": pod(securityContext=None),
    "spec.template.spec.initContainers[0]": pod(initContainers=[{"name": "first", "image": "any"}]),
    "spec.template.spec.priorityClassName": pod(priorityClassName="system-node-critical"),
    "spec.template.spec.runtimeClassName": pod(runtimeClassName="other"),
    "spec.template.spec.imagePullSecrets": pod(imagePullSecrets=[{"name": "others"}]),
    "spec.template.spec['$patch']": pod(**{"$patch": "replace"}),
    "spec.template.spec.containers": pod(containers=None),
    "spec.template.spec.containers[0]": pod(containers=[{"name": "sidecar", "image": "any"}]),
    "spec.template.spec.containers[1]": pod(containers=[{"name": "migrate"}, {"image": "any"}]),
    "spec.template.spec.containers[0].image": container(image="any"),
    "spec.template.spec.containers[0].command": container(command=["sh"]),
    "spec.template.spec.containers[0].securityContext": container(securityContext={"privileged": True}),
    "spec.template.spec.containers[0].volumeMounts": container(volumeMounts=[]),
    "spec.template.spec.containers[0].lifecycle": container(lifecycle={}),
    "spec.template.spec.containers[0]['$patch']": container(**{"$patch": "delete"}),
    "spec.template.spec.containers[0].resources.claims": container(resources={"claims": [{"name": "gpu"}]}),
    "spec.template.spec.containers[0].resources.limits['devices.example/kvm']": container(
        resources={"limits": {"devices.example/kvm": "1"}}
    ),
}


@pytest.mark.parametrize("template", TAKEN.values(), ids=TAKEN)
def test_it_is_taken(template: Any) -> None:
    assert complaint(template) == ""


@pytest.mark.parametrize(("path", "template"), REFUSED.items(), ids=REFUSED)
def test_it_is_named(path: str, template: Any) -> None:
    assert complaint(template).startswith(f"spec.jobTemplate.{path} is not taken: ")


@pytest.mark.parametrize("strange", [[], "x", 7, [None], [7], [[]], [{}], [{"name": None}], [{"name": {}}], {"a": 1}])
def test_whatever_stands_where_containers_should_is_named(strange: Any) -> None:
    said = complaint(pod(containers=strange))
    assert (said == "") == (strange == [])


def test_the_examples_ask_for_nothing_more() -> None:
    texts = [path.read_text() for path in EXAMPLES.glob("*.yaml")]
    objects = [one for text in texts for one in yaml.safe_load_all(text)]
    templates = [one["spec"]["jobTemplate"] for one in objects if "jobTemplate" in one.get("spec", {})]
    assert templates
    assert [complaint(one) for one in templates if complaint(one)] == []


def test_a_name_without_end_does_not_make_a_message_without_end() -> None:
    assert len(complaint({"x" * 100_000: 1})) < 1000


def test_a_migration_that_asks_for_more_is_stalled_and_says_what_to_do() -> None:
    asks = {"jobTemplate": pod(serviceAccountName="other")}
    planned = plan(seen(asks, limits_job_template=True))
    assert (told(planned), created(planned)) == ((Effect.STALLED, "InvalidSpec"), [])
    assert ready(planned).message == (
        "spec.jobTemplate.spec.template.spec.serviceAccountName is not taken: this operator runs with"
        " --limit-job-template, because no policy looks at who writes it; remove it, or have the chart installed with"
        " rights.policies=true or"
        " rights.limitJobTemplate=false"
    )


def test_without_the_flag_everything_is_taken_and_with_it_what_is_harmless() -> None:
    assert created(plan(seen({"jobTemplate": pod(hostPID=True)})))
    assert created(plan(seen({"jobTemplate": TAKEN["a limit"]}, limits_job_template=True)))
    assert created(plan(seen(limits_job_template=True)))
