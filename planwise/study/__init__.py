"""Studies: search for the levers that meet a target; every evaluation is a trial in one journal.

A `StudySpec` says what is sought, `strategies` on the ground of `search` propose trials, `running` has them
evaluated (`trial_pool`: by worker processes) and written (`trials`), `answer` judges the best, `report` makes
it readable.
"""

from planwise.study.answer.result import StudyResult
from planwise.study.running.progress import Hooks, Progress
from planwise.study.running.runner import run_study
from planwise.study.space import census_levels
from planwise.study.spec import StudySpec, study_name
from planwise.study.strategies import STRATEGIES
from planwise.study.trial_pool import TrialPool
from planwise.study.trials.evaluation import Evaluation, Evaluator
from planwise.study.trials.evaluators import Gate, PreviewEvaluator, RealEvaluator

__all__ = [
    "STRATEGIES",
    "Evaluation",
    "Evaluator",
    "Gate",
    "Hooks",
    "PreviewEvaluator",
    "Progress",
    "RealEvaluator",
    "StudyResult",
    "StudySpec",
    "TrialPool",
    "census_levels",
    "run_study",
    "study_name",
]
