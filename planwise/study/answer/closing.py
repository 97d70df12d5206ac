"""What is asked about an answer once it is found: its robustness, its sensitivity, the impact of each lever.

All of it on previews. Under other seeds: the same levers, whoever leaves, joins and is promoted. For
sensitivity: one step a lever around the answer. For parameter impact: each changed lever alone.
"""

from planwise.risk.impact import one_at_a_time
from planwise.risk.sensitivity import stepped
from planwise.study.problem import Problem
from planwise.study.space import Space
from planwise.study.strategies.protocol import Batch, Search
from planwise.study.trials.evaluation import Evaluation
from planwise.study.trials.trial import Proposal, TrialPurpose

CLOSED = "closed"


def closing(problem: Problem, best: Evaluation) -> Search:
    """Evaluate what a result says about its best; the best stays what it is."""
    yield questions(problem, best)
    return CLOSED


def questions(problem: Problem, best: Evaluation) -> Batch:
    """Return the proposals about an answer, none of which depends on another; the cheap ones first."""
    here = at(problem.space, best)
    around = [here, *stepped(problem.space, here).values()]
    alone = one_at_a_time(changed(problem.space, best))
    return (
        *(Proposal(levers, "preview", TrialPurpose.SENSITIVITY) for levers in around),
        *(Proposal(levers, "preview", TrialPurpose.ALONE) for levers in alone.values()),
        *(
            Proposal(dict(best.levers), "preview", TrialPurpose.ROBUSTNESS, seed=seed)
            for seed in problem.replicate_seeds
        ),
    )


def at(space: Space, best: Evaluation) -> dict[str, float]:
    """Return every tuned lever where the answer has it, or where it starts."""
    return {lever.name: best.levers.get(lever.name, lever.start) for lever in space}


def changed(space: Space, best: Evaluation) -> dict[str, float]:
    """Return the tuned levers that the answer has elsewhere than the scenario in any year."""
    return {
        lever.name: best.levers[lever.name]
        for lever in space
        if lever.name in best.levers and lever.change(best.levers[lever.name]) > 0
    }
