"""What the form says becomes the request of a job, and a past study's question becomes the form again."""

import pytest

from planwise.errors import InputError
from planwise.study.spec import OptimizeRequest, StudyHeader, StudySpec
from ui.pages.optimise.ask import command_of
from ui.pages.optimise.asking import LIMITS, StudyForm, study_form_of
from ui.pages.optimise.form import NumberField


def test_an_untouched_form_asks_for_the_target_alone():
    assert StudyForm(target_pct=3.0).request() == OptimizeRequest(target_growth=0.03)


def test_every_field_reaches_the_request_in_the_units_of_a_study():
    study_form = StudyForm(
        scenario="top_heavy",
        changes={"cola_rate": 0.03, "merit_rate_level_1@2027": 0.05, "termination_rate": 0.08},
        target_pct=3.3,
        aim="weights",
        weights={"cost": 0.4, "equity": 0.0, "targets": 0.6},
        strategy="cobyqa",
        limits={
            "payroll": 1250.5,
            "payroll_risk": 5.0,
            "merit_monotone": None,
            "raise": 20.0,
            "below_minimum": 12.0,
        },
        further=" change.cola_rate<=1% ,, raise>=0 ",
        levers=("cola_rate", "merit_rate_level_1"),
        locks=("merit_rate_level_5",),
        by_year=True,
        tolerance_pp=0.05,
        iterations=4,
        trials=30,
        seconds=90.0,
        stagnation=9,
        seeds=30,
        workers=2,
        save_as=" winner ",
    )
    request = study_form.request()
    assert request.model_dump(mode="json", exclude_defaults=True) == {
        "scenario": "top_heavy",
        "levers": {"cola_rate": 0.03, "merit_rate_level_1@2027": 0.05},
        "assumptions": {"termination_rate": 0.08},
        "target_growth": 0.033,
        "strategy": "cobyqa",
        "objectives": "cost=0.4,targets=0.6",
        "constraints": [
            "payroll<=1250500000",
            "payroll_risk<=0.05",
            "merit_monotone",
            "raise<=0.2",
            "below_minimum<=12",
            "change.cola_rate<=1%",
            "raise>=0",
        ],
        "tolerance": 0.0005,
        "max_iterations": 4,
        "trials": 30,
        "timeout_seconds": 90.0,
        "stagnation": 9,
        "seeds": 30,
        "workers": 2,
        "tune": ["cola_rate", "merit_rate_level_1"],
        "by_year": True,
        "lock": ["merit_rate_level_5"],
        "save_as": "winner",
    }
    assert request.changes() == {"cola_rate": 0.03, "merit_rate_level_1@2027": 0.05, "termination_rate": 0.08}
    assert request.chosen_strategy == "cobyqa"


def test_a_front_has_no_weights_and_a_preview_no_name():
    study_form = StudyForm(
        aim="front", front=("cost", "equity"), preview=True, save_as="x", weights={"cost": 1.0}
    )
    request = study_form.request()
    assert (request.objectives, request.preview, request.save_as) == ("cost,equity", True, None)
    assert not study_form.seeks_target
    assert request.chosen_strategy == "auto"


@pytest.mark.parametrize(
    ("study_form", "says"),
    [
        (StudyForm(aim="front", front=("cost",)), "two objectives"),
        (StudyForm(aim="weights", weights={"cost": 0.0}), "Every weight is 0"),
        (StudyForm(limits={"payroll": None}), "Payroll at most"),
    ],
)
def test_a_form_that_asks_nothing_is_refused_with_a_remedy(study_form, says):
    with pytest.raises(InputError, match=says) as refused:
        study_form.request()
    assert refused.value.remedy


def test_every_limit_of_the_form_is_a_constraint_that_a_study_reads():
    from planwise.study.constraints import parse_constraint

    for limit in LIMITS:
        assert parse_constraint(limit.text(7.0)).name == limit.name


def test_a_past_study_is_asked_again_with_the_same_question():
    question = StudySpec(
        target_growth=0.031,
        strategy="tpe",
        tolerance=0.0005,
        objectives=(("cost", 0.4), ("targets", 0.6)),
        constraints=("payroll<=1.5e9", "merit_monotone", "raise>=0", "change.cola_rate<=1%"),
        tune=("merit_rate_level_1",),
        lock=("cola_rate",),
        trials=40,
        timeout_seconds=60.0,
        seeds=0,
    )
    request = (
        '{"scenario": "top_heavy", "strategy": "tpe", "tune": ["merit_rate_level_1"], "save_as": "mine"}'
    )
    about = {"question": question.as_json(), "scenario": "top_heavy", "kind": "real", "request": request}
    study_form = study_form_of(StudyHeader.from_json(about))
    assert study_form.limits == {"payroll": 1500.0, "merit_monotone": None}
    assert study_form.further == "change.cola_rate<=0.01, raise>=0"
    again = study_form.request()
    assert again.identity == question.identity
    assert (again.trials, again.timeout_seconds, again.save_as) == (40, 60.0, "mine")


@pytest.mark.parametrize(
    ("text", "number"), [("", None), ("1,250", 1250), ("0.05", 0.05), ("5 %", 5), (" 7 ", 7)]
)
def test_a_field_reads_numbers_as_people_write_them(text, number):
    told = []
    field = NumberField("Trials", lambda: told.append(1))
    field.widget.value_input = text
    assert field.value == number
    assert not field.widget.error_state
    assert told == ([1] if text else [])


@pytest.mark.parametrize("text", ["many", "1.5", "nan", "1e999", "=1+1"])
def test_a_field_refuses_what_is_no_whole_number(text):
    field = NumberField("Trials", lambda: None, whole=True)
    field.widget.value_input = text
    assert field.widget.error_state
    with pytest.raises(InputError, match="Trials"):
        _ = field.value


def test_the_command_says_the_same_as_the_request():
    study_form = StudyForm(
        target_pct=3.0, limits={"merit_monotone": None}, trials=9, preview=True, locks=("cola_rate",)
    )
    assert command_of(study_form.request()) == (
        "planwise optimize --target-growth 0.03 --constraint merit_monotone --trials 9 --lock cola_rate "
        "--preview"
    )
