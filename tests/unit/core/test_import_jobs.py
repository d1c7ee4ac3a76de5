"""What the Job of an import looks like, and what a person may change of it."""

from typing import Any

from alembic_operator.api.imports import ImportSpec
from alembic_operator.core.actions import CreateJob
from alembic_operator.core.imports.case import Case
from alembic_operator.core.observation.reading import Manifest
from tests.unit.core.imports import NAME, SPEC, an_import, look, seen

PLACE: Manifest = {
    "nodeSelector": {"disk": "fast"},
    "tolerations": [{"operator": "Exists"}],
    "serviceAccountName": "importer",
    "imagePullSecrets": [{"name": "registry"}],
    "securityContext": {"fsGroup": 10},
}
LIMITS: Manifest = {"resources": {"limits": {"memory": "1Gi"}}}
TEMPLATE: Manifest = {
    "metadata": {"name": "mine", "labels": {"team": "a"}, "ownerReferences": []},
    "spec": {
        "ttlSecondsAfterFinished": 1,
        "backoffLimit": 1,
        "template": {
            "metadata": {
                "annotations": {"sidecar.istio.io/inject": "false"},
                "labels": {"alembic-operator.dev/import": ""},
            },
            "spec": PLACE | {"containers": [{"name": "load"} | LIMITS], "initContainers": [{"name": "copy"} | LIMITS]},
        },
    },
}


def asking(**spec: Any) -> dict[str, Any]:
    return {"asked": an_import(spec=ImportSpec.model_validate(SPEC | spec))}


def made(**spec: Any) -> Manifest:
    action = look(**asking(**spec)).action
    assert isinstance(action, CreateJob)
    return action.manifest


def test_a_job_template_is_merged_last_and_cannot_rename_or_disown_the_job() -> None:
    job, plain = made(jobTemplate=TEMPLATE), made()
    spec, pod = job["spec"], job["spec"]["template"]
    assert (spec["backoffLimit"], spec["ttlSecondsAfterFinished"]) == (1, 60)
    assert {name: pod["spec"][name] for name in PLACE} == PLACE | {
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 10}
    }
    assert pod["metadata"]["annotations"] == {"sidecar.istio.io/inject": "false"}
    assert pod["metadata"]["labels"] == plain["metadata"]["labels"]
    containers = [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]
    assert [(one["name"], "resources" in one) for one in containers] == [
        ("copy", True),
        ("upgrade", False),
        ("load", True),
    ]
    assert job["metadata"]["labels"] == plain["metadata"]["labels"] | {"team": "a"}
    assert job["metadata"]["ownerReferences"] == plain["metadata"]["ownerReferences"]
    assert job["metadata"]["name"] not in ("mine", NAME)


def test_the_deadline_counts_and_how_long_a_job_is_kept_makes_no_other_one() -> None:
    assert made(deadline="90s")["spec"]["activeDeadlineSeconds"] == 90
    assert made(ttlSecondsAfterFinished=7)["spec"]["ttlSecondsAfterFinished"] == 60
    assert Case(seen(**asking(ttlSecondsAfterFinished=600))).name == NAME != Case(seen(**asking(deadline="9h"))).name


def test_where_no_policy_looks_at_who_writes_it_only_what_is_harmless_is_taken() -> None:
    limited = {"spec": {"template": {"spec": {"containers": [{"name": "load"} | LIMITS]}}}}
    assert look(**asking(jobTemplate=limited), limits_job_template=True).action is not None
    found = look(**asking(jobTemplate={"spec": {"template": {"spec": PLACE}}}), limits_job_template=True)
    assert str(found.reason) == "InvalidSpec"
    assert "spec.jobTemplate.spec.template.spec.serviceAccountName is not taken" in found.message
