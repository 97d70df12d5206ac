"""Studies: search for the levers that meet a target; every evaluation is a trial in one journal.

A `StudySpec` is the question. `strategies` propose trials; `runner` and `session` evaluate them, in worker
processes with a `trial_pool`, and write them to the `journal`; `result` has the answer and `report` describes
it. The names below are imported on first use, so that a command or page that reads a spec does not load
Optuna.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planwise.study.evaluators import Gate as Gate
    from planwise.study.evaluators import PreviewEvaluator as PreviewEvaluator
    from planwise.study.evaluators import RealEvaluator as RealEvaluator
    from planwise.study.progress import Hooks as Hooks
    from planwise.study.progress import Progress as Progress
    from planwise.study.result import StudyResult as StudyResult
    from planwise.study.runner import run_study as run_study
    from planwise.study.space import census_levels as census_levels
    from planwise.study.spec import OptimizeRequest as OptimizeRequest
    from planwise.study.spec import StudyHeader as StudyHeader
    from planwise.study.spec import StudySpec as StudySpec
    from planwise.study.spec import study_name as study_name
    from planwise.study.strategies import STRATEGIES as STRATEGIES
    from planwise.study.trial import Evaluation as Evaluation
    from planwise.study.trial import Evaluator as Evaluator
    from planwise.study.trial_pool import TrialPool as TrialPool

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


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
