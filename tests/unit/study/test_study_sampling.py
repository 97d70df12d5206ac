"""What samplers are asked to draw; that they learn is for the known answers."""

import pytest
from searching import LEVERS, problem_in

from benchmarks.analytic import World
from planwise.study.space import extreme, start_of
from planwise.study.strategies import STRATEGIES
from planwise.study.strategies.sampling import population, trials_of

SAMPLERS = ("tpe", "nsga2", "cmaes", "random")
WORLD = World(LEVERS)


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_search_is_one_batch_with_all_its_trials_and_begins_with_the_levers_as_they_are(name):
    problem = problem_in(WORLD, kind="real", strategy=name, trials=12)
    search = STRATEGIES[name].propose(problem, problem.baseline)
    batch = next(search)
    assert len(batch) == 12 and {proposal.kind for proposal in batch} == {"real"}
    assert batch[0].levers == start_of(problem.space) and batch[0].purpose == "start"
    assert all(proposal.levers is None and proposal.purpose == "sample" for proposal in batch[1:])
    assert [proposal.iteration for proposal in batch] == list(range(1, 13))
    with pytest.raises(StopIteration, match="trials"):
        search.send(())


def test_a_front_begins_with_the_least_and_the_most_pay_as_well():
    objectives = (("cost", None), ("equity", None))
    problem = problem_in(WORLD, strategy="nsga2", trials=12, objectives=objectives)
    batch = next(STRATEGIES["nsga2"].propose(problem, problem.baseline))
    begun = [proposal.levers for proposal in batch if proposal.levers is not None]
    ends = [extreme(problem.space, highest=highest) for highest in (False, True)]
    assert begun == [start_of(problem.space), *ends] and len(batch) == 12
    few = problem_in(WORLD, strategy="nsga2", trials=2, objectives=objectives)
    assert len(next(STRATEGIES["nsga2"].propose(few, few.baseline))) == 2


def test_the_number_of_trials_is_asked_or_recommended():
    assert trials_of(problem_in(WORLD, trials=7)) == 7
    assert trials_of(problem_in(WORLD)) == 100  # seven levers are a moderate problem
    assert trials_of(problem_in(World(LEVERS[:2]))) == 50
    assert trials_of(problem_in(WORLD, single_iteration=True)) == 2


@pytest.mark.parametrize(("trials", "members"), [(20, 10), (200, 20), (2000, 50)])
def test_a_population_lives_through_ten_generations_where_it_can(trials, members):
    assert population(trials) == members


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_is_made_from_the_seed_and_what_is_there(name):
    problem = problem_in(WORLD, strategy=name, sampler_seed=4)
    kinds = [type(STRATEGIES[name].sampler(problem, past)) for past in (0, 10)]
    assert kinds[0] is kinds[1]
