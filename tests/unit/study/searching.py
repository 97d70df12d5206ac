"""A strategy driven to its end in closed form: no journal, no engine."""

from benchmarks.analytic import World
from planwise.study.lever_rules import merit_monotone
from planwise.study.problem import Problem
from planwise.study.spec import StudySpec
from planwise.study.trial import Trial

MERITS = tuple(f"merit_rate_level_{level}" for level in (1, 2, 3, 4, 5))
LEVERS = ("cola_rate", *MERITS, "new_hire_salary_adjustment")


def problem_in(world: World, target=0.03, kind="preview", **question) -> Problem:
    asked = StudySpec(target_growth=target, **question)
    rules = ()
    if asked.limit("merit_monotone") is not None:
        rules = merit_monotone(world.base, (1, 2, 3, 4, 5), world.space)
    problem = Problem(asked, world.space, kind, rules)
    return problem.with_baseline(world.evaluation({}, "preview"))


class Searched:
    """What a strategy asked, what it was told, and why it ended."""

    def __init__(self, strategy, problem, world, *, breaks=lambda proposal, number: False, stop_after=None):
        self.batches, self.trials, self.stopped = [], [], None
        search = strategy.propose(problem, problem.baseline)
        answers = None
        try:
            while True:
                batch = search.send(answers)
                self.batches.append(batch)
                if stop_after is not None and len(self.trials) >= stop_after:
                    search.close()
                    return
                answers = tuple(self._answer(proposal, world, breaks) for proposal in batch)
        except StopIteration as end:
            self.stopped = end.value

    def _answer(self, proposal, world, breaks):
        number = len(self.trials)
        broken = breaks(proposal, number)
        found = None if broken else world.evaluation(proposal.levers, proposal.kind)
        trial = Trial(number, proposal.kind, proposal.purpose, proposal.iteration, proposal.levers, "", found)
        self.trials.append(trial)
        return trial

    def of(self, purpose):
        return [trial for trial in self.trials if trial.purpose == purpose]

    def best(self, problem):
        found = [trial.evaluation for trial in self.trials if trial.evaluation is not None]
        return min(found, key=lambda one: (problem.violation(one), problem.score(one)))
