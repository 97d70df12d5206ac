"""What can be asked of which strategy, and what is said about each."""

from pathlib import Path

import pytest

from planwise.errors import InputError
from planwise.study.spec import StudySpec
from planwise.study.strategies import STRATEGIES, STRATEGY_INFO, check_spec, markdown, sampling, strategy_info

FRONT = (("cost", None), ("equity", None))
WEIGHTED = (("cost", 0.5), ("equity", 0.5))


def test_the_table_has_every_strategy_once():
    assert sorted(one.name for one in STRATEGY_INFO) == sorted(STRATEGIES)
    assert all(strategy.name == name for name, strategy in STRATEGIES.items())


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"gp"}))
def test_every_strategy_takes_a_target(name):
    check_spec(StudySpec(target_growth=0.03, strategy=name))


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"gp"}))
def test_what_cannot_be_answered_is_refused_before_anything_runs(name):
    for objectives, answers in ((WEIGHTED, {"objective", "front"}), (FRONT, {"front"})):
        question = StudySpec(target_growth=0.03, strategy=name, objectives=objectives)
        if strategy_info(name).answers in answers:
            check_spec(question)
        else:
            with pytest.raises(InputError, match="cost, equity") as refused:
                check_spec(question)
            assert "tpe" in refused.value.remedy


def test_cmaes_has_no_constraints_and_no_single_lever():
    with pytest.raises(InputError, match="payroll<=1000000"):
        check_spec(StudySpec(target_growth=0.03, strategy="cmaes", constraints=("payroll<=1e6",)))
    with pytest.raises(InputError, match="two levers"):
        check_spec(StudySpec(target_growth=0.03, strategy="cmaes", tune=("cola_rate",)))
    check_spec(StudySpec(target_growth=0.03, strategy="cmaes", tune=("cola_rate",), by_year=True))


@pytest.mark.parametrize("there", [False, True])
def test_gp_needs_torch(monkeypatch, there):
    monkeypatch.setattr(sampling, "has_torch", lambda: there)
    if there:
        check_spec(StudySpec(target_growth=0.03, strategy="gp"))
    else:
        with pytest.raises(InputError, match="PyTorch") as refused:
            check_spec(StudySpec(target_growth=0.03, strategy="gp"))
        assert "tpe" in refused.value.remedy


def test_gp_without_torch_makes_no_sampler(monkeypatch):
    monkeypatch.setattr(sampling, "has_torch", lambda: False)
    with pytest.raises(InputError, match="PyTorch"):
        sampling.GP.make(0, 10)


def test_an_unknown_strategy_names_the_nearest():
    with pytest.raises(InputError, match="differential") as refused:
        check_spec(StudySpec(target_growth=0.03, strategy="differential_evolution"))
    assert "differential-evolution" in refused.value.remedy


def test_the_table_in_the_docs_is_this_one():
    docs = Path(__file__).parents[3] / "docs" / "studies.md"
    assert markdown() in docs.read_text(encoding="utf-8")
