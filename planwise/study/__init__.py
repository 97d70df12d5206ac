"""Studies: search for the levers that meet a target; every evaluation is a trial in one journal.

A `StudySpec` is the question. `strategies` propose trials; `runner` and `session` evaluate them, in worker
processes with a `trial_pool`, and write them to the `journal`; `result` has the answer and `report` describes
it. The names below are imported on first use, so that a command or page that reads a spec does not load
Optuna.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planwise.study.evaluators import Gate, PreviewEvaluator, RealEvaluator
    from planwise.study.progress import Hooks, Progress
    from planwise.study.result import StudyResult
    from planwise.study.runner import run_study
    from planwise.study.space import census_levels
    from planwise.study.spec import OptimizeRequest, StudyHeader, StudySpec, study_name
    from planwise.study.strategies import STRATEGIES
    from planwise.study.trial import Evaluation, Evaluator
    from planwise.study.trial_pool import TrialPool

_MODULES = {
    "STRATEGIES": "strategies",
    "Evaluation": "trial",
    "Evaluator": "trial",
    "Gate": "evaluators",
    "Hooks": "progress",
    "OptimizeRequest": "spec",
    "PreviewEvaluator": "evaluators",
    "Progress": "progress",
    "RealEvaluator": "evaluators",
    "StudyHeader": "spec",
    "StudyResult": "result",
    "StudySpec": "spec",
    "TrialPool": "trial_pool",
    "census_levels": "space",
    "run_study": "runner",
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
