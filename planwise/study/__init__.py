"""Studies: search for the levers that meet a target; every evaluation is a trial in one journal."""

from planwise.study.evaluation import Evaluation, Evaluator
from planwise.study.evaluators import Gate, PreviewEvaluator, RealEvaluator
from planwise.study.parallel import TrialPool
from planwise.study.progress import Hooks, Progress
from planwise.study.question import Question, study_name
from planwise.study.result import StudyResult
from planwise.study.runner import run_study
from planwise.study.space import census_levels
from planwise.study.strategies import STRATEGIES

__all__ = [
    "STRATEGIES",
    "Evaluation",
    "Evaluator",
    "Gate",
    "Hooks",
    "PreviewEvaluator",
    "Progress",
    "Question",
    "RealEvaluator",
    "StudyResult",
    "TrialPool",
    "census_levels",
    "run_study",
    "study_name",
]
