"""Optuna's past: studies with everything that a trial can keep. Run by the project's own Python."""

import json
import os
import sys

import optuna

URL = os.environ["URL"]
ODD = (1e308, float("inf"), float("-inf"), float("nan"))


def objective(trial: optuna.Trial) -> float:
    """Try what a database could lose: infinities, a NaN, odd texts, values of several kinds."""
    x = trial.suggest_float("x", -10, 10)
    trial.suggest_categorical("kind", ["ada", None, True, 3, "Ωμέγα"])
    trial.set_user_attr("note", {"a": [1, 2.5, None], "text": "it's\n\t\\N"})
    for step in range(4):
        trial.report(ODD[step] if trial.number % 7 == 0 else x * step, step)
    if trial.number % 5 == 0:
        raise optuna.TrialPruned
    return float("inf") if trial.number % 6 == 0 else x


def write() -> None:
    """Fill the database."""
    study = optuna.create_study(storage=URL, study_name="one")
    study.set_user_attr("who", "Ada")
    study.optimize(objective, n_trials=15)
    two = optuna.create_study(storage=URL, study_name="two", directions=["minimize", "maximize"])
    two.optimize(lambda trial: (trial.suggest_float("y", 1e-8, 1e8, log=True), trial.number), n_trials=3)
    two.enqueue_trial({"y": 1.0})


def read() -> None:
    """Say everything that the database keeps."""
    told = []
    for name in optuna.get_all_study_names(URL):
        study = optuna.load_study(study_name=name, storage=URL)
        told.append([name, study.directions, study.user_attrs, [vars(trial) for trial in study.trials]])
    sys.stdout.write(json.dumps(told, default=repr, indent=1))


def more() -> None:
    """Go on where the past ended."""
    study = optuna.load_study(study_name="one", storage=URL)
    before = len(study.trials)
    study.optimize(objective, n_trials=2)
    assert len(study.trials) == before + 2


def make() -> None:
    """Make the tables."""
    optuna.storages.RDBStorage(URL)


optuna.logging.set_verbosity(optuna.logging.ERROR)
{"write": write, "read": read, "more": more, "make": make}[sys.argv[1]]()
