"""MLflow's past: experiments, runs with metrics, parameters and tags, a model. Run by the project's own Python."""

import json
import os
import sys
import time

from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.tracking import MlflowClient

URL = os.environ["URL"]
CLIENT = MlflowClient(tracking_uri=URL, registry_uri=URL)
VALUES = (1.0, float("inf"), float("-inf"), float("nan"), 0.1, 1e300)


def write() -> None:
    """Fill the database."""
    for number in range(2):
        experiment = CLIENT.create_experiment(f"experiment {number} Ωμέγα", tags={"team": "it's\n\tours"})
        for turn in range(4):
            run = CLIENT.create_run(experiment, tags={"long": "x" * 4000}, run_name=f"run {turn}").info.run_id
            now = int(time.time() * 1000)
            metrics = [Metric("loss", value, now, step) for step, value in enumerate(VALUES)]
            CLIENT.log_batch(run, metrics, [Param("lr", "0.1"), Param("note", "p" * 5000)], [RunTag("k", "v")])
            CLIENT.set_terminated(run, "FINISHED" if turn % 2 else "FAILED")
        CLIENT.delete_run(run)
    CLIENT.create_registered_model("model", tags={"a": "b"}, description="it's")


def read() -> None:
    """Say everything that the database keeps."""
    told = []
    for experiment in sorted(CLIENT.search_experiments(view_type=ViewType.ALL), key=lambda one: one.experiment_id):
        runs = CLIENT.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL)
        for run in sorted(runs, key=lambda one: one.info.run_id):
            history = CLIENT.get_metric_history(run.info.run_id, "loss")
            told.append([dict(experiment), dict(run.info), run.data.to_dictionary(), [dict(one) for one in history]])
    told.append([dict(one) for one in CLIENT.search_registered_models()])
    sys.stdout.write(json.dumps(told, default=repr, indent=1, sort_keys=True))


def more() -> None:
    """Go on where the past ended."""
    CLIENT.create_run(CLIENT.create_experiment("later"))


def make() -> None:
    """Make the tables."""
    CLIENT.search_experiments()


{"write": write, "read": read, "more": more, "make": make}[sys.argv[1]]()
