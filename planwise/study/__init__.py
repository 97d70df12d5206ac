"""Studies: search for the levers that meet a target; every evaluation is a trial in one journal.

A `StudySpec` is the question. `strategies` propose trials on the ground of `search`; `running` evaluates
them (`trial_pool`: in worker processes) and stores them (`trials`); `answer` judges the best, `report`
describes it. The names below are imported when they are first used, so that a command or page that reads a
spec does not load Optuna.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planwise.study.answer.result import StudyResult
    from planwise.study.running.progress import Hooks, Progress
    from planwise.study.running.runner import run_study
    from planwise.study.space import census_levels
    from planwise.study.spec import OptimizeRequest, StudyHeader, StudySpec, study_name
    from planwise.study.strategies import STRATEGIES
    from planwise.study.trial_pool import TrialPool
    from planwise.study.trials.evaluation import Evaluation, Evaluator
    from planwise.study.trials.evaluators import Gate, PreviewEvaluator, RealEvaluator

_MODULES = {
    "STRATEGIES": "strategies",
    "Evaluation": "trials.evaluation",
    "Evaluator": "trials.evaluation",
    "Gate": "trials.evaluators",
    "Hooks": "running.progress",
    "OptimizeRequest": "spec",
    "PreviewEvaluator": "trials.evaluators",
    "Progress": "running.progress",
    "RealEvaluator": "trials.evaluators",
    "StudyHeader": "spec",
    "StudyResult": "answer.result",
    "StudySpec": "spec",
    "TrialPool": "trial_pool",
    "census_levels": "space",
    "run_study": "running.runner",
    "study_name": "spec",
}

__all__ = [
    "STRATEGIES",
    "Evaluation",
    "Evaluator",
    "Gate",
    "Hooks",
    "OptimizeRequest",
    "PreviewEvaluator",
    "Progress",
    "RealEvaluator",
    "StudyHeader",
    "StudyResult",
    "StudySpec",
    "TrialPool",
    "census_levels",
    "run_study",
    "study_name",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
