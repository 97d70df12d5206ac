"""The form of a new study: its values are a request, a past study fills it, and it starts that request."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from planwise.errors import InputError
from planwise.study.constraints import parse_constraint
from planwise.study.spec import OptimizeRequest, StudyHeader, StudySpec
from ui.draft import Draft
from ui.pages.optimise.fields import LIMITS, ConstraintRows, NumberField
from ui.pages.optimise.form import StudyForm
from ui.pages.optimise.new_study import NewStudy, command_of
from ui.selection import Selection
from ui.values.results import ScenarioLabels
from ui.values.studies import Preflight, PreflightCheck


def form(**values):
    """Return a form with these widgets set; a name in `ticks` is a constraint with its figure."""
    made = StudyForm(lambda: None)
    for name, figure in values.pop("ticks", {}).items():
        made.constraints._ticks[name].value = True
        if figure is not None:
            made.constraints._figures[name].widget.value = figure
    for name, value in values.items():
        if name in made.numbers:
            made.numbers[name].widget.value = value
        elif name == "weights":
            for objective, slider in made.weights.items():
                slider.value = value.get(objective, 0.0)
        elif name == "further":
            made.constraints.further.value_input = value
        else:
            getattr(made, name).value = value
    return made


def test_an_untouched_form_has_the_target_and_defaults():
    assert form().request({}) == OptimizeRequest(target="increase=0.035")


def test_every_widget_reaches_the_request_in_the_units_of_a_study():
    edited = form(
        ticks={"payroll": "1,250.5", "payroll_risk": "5", "merit_monotone": None, "raise": "20"},
        measure="growth",
        target=3.3,
        tie=False,
        grid=False,
        allow_risk=True,
        aim="weights",
        weights={"cost": 0.4, "targets": 0.6},
        strategy="cobyqa",
        further=" change.cola_rate<=1% ,, below_minimum<=12 ",
        levers=["cola_rate", "merit_rate_level_1"],
        locks=["merit_rate_level_5"],
        by_year=True,
        tolerance="0.05",
        max_iterations="4",
        trials="30",
        timeout_seconds="90",
        stagnation="9",
        seeds="30",
        workers="2",
        save_as=" winner ",
    )
    edited.offer({"Baseline": "baseline", "Top heavy": "top_heavy"}, "top_heavy")
    edited.edits.param.update(visible=True, value=True)
    draft = {"cola_rate": 0.03, "merit_rate_level_1@2027": 0.05, "termination_rate": 0.08}
    request = edited.request(draft)
    assert request.model_dump(mode="json", exclude_defaults=True) == {
        "scenario": "top_heavy",
        "levers": {"cola_rate": 0.03, "merit_rate_level_1@2027": 0.05},
        "assumptions": {"termination_rate": 0.08},
        "target": "growth=0.033",
        "tie": "none",
        "grid": "off",
        "allow_risk": True,
        "strategy": "cobyqa",
        "objectives": "cost=0.4,targets=0.6",
        "constraints": [
            "payroll<=1250500000",
            "payroll_risk<=0.05",
            "merit_monotone",
            "raise<=0.2",
            "change.cola_rate<=1%",
            "below_minimum<=12",
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
    assert request.changes() == draft
    assert request.chosen_strategy == "cobyqa"
    edited.edits.value = False
    assert edited.request(draft).changes() == {}


def test_a_front_has_no_weights_and_a_preview_no_name():
    request = form(aim="front", front=["cost", "equity"], preview=True, save_as="x").request({})
    assert (request.objectives, request.preview, request.save_as) == ("cost,equity", True, None)
    assert not request.seeks_target
    assert request.chosen_strategy == "auto"


def test_a_preset_sets_the_weights_and_other_weights_are_their_own():
    edited = form(aim="weights", preset="growth")
    assert edited.request({}).weights == (("cost", 0.2), ("equity", 0.3), ("targets", 0.5))
    edited.weights["cost"].param.update(value=0.9, value_throttled=0.9)
    assert edited.preset.value == "own"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"aim": "front", "front": ["cost"]}, "two objectives"),
        ({"aim": "weights", "weights": {}}, "Every weight is 0"),
        ({"ticks": {"payroll": ""}}, "Payroll at most"),
        ({"trials": "many"}, "Trials at most"),
    ],
)
def test_an_incomplete_form_is_refused_with_a_remedy(values, message):
    with pytest.raises(InputError, match=message) as refused:
        form(**values).request({})
    assert refused.value.remedy


def test_every_limit_of_the_form_is_a_constraint_that_a_study_reads():
    rows = ConstraintRows(lambda: None)
    for limit in LIMITS:
        rows._ticks[limit.name].value = True
        if limit.name in rows._figures:
            rows._figures[limit.name].value = 0.07 if limit.scale != 1.0 else 7.0
    assert [parse_constraint(text).name for text in rows.texts()] == [limit.name for limit in LIMITS]


def test_a_past_study_fills_the_form_with_the_same_question():
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
    started = {"scenario": "top_heavy", "strategy": "tpe", "tune": ["merit_rate_level_1"], "save_as": "mine"}
    about = {"question": question.as_json(), "scenario": "top_heavy", "request": json.dumps(started)}
    changes = []
    filled = StudyForm(lambda: changes.append(1))
    filled.offer({"baseline": "baseline", "top_heavy": "top_heavy"})
    filled.fill(StudyHeader.from_json(about))
    assert changes == [1]  # one change, however many widgets
    assert filled.constraints._figures["payroll"].widget.value == "1,500"
    assert filled.constraints.further.value == "change.cola_rate<=0.01, raise>=0"
    request = filled.request({})
    assert request.identity == question.identity
    assert (request.scenario, request.trials, request.timeout_seconds, request.save_as) == (
        "top_heavy",
        40,
        60.0,
        "mine",
    )


@pytest.mark.parametrize(
    ("text", "number"), [("", None), ("1,250", 1250), ("0.05", 0.05), ("5 %", 5), (" 7 ", 7)]
)
def test_a_field_reads_numbers_as_people_write_them(text, number):
    changes = []
    field = NumberField("Trials", lambda: changes.append(1))
    field.widget.value_input = text
    assert field.value == number
    assert not field.widget.error_state
    assert changes == ([1] if text else [])


@pytest.mark.parametrize("text", ["many", "1.5", "nan", "1e999", "=1+1"])
def test_a_field_refuses_what_is_no_whole_number(text):
    field = NumberField("Trials", lambda: None, whole=True)
    field.widget.value_input = text
    assert field.widget.error_state
    with pytest.raises(InputError, match="Trials"):
        _ = field.value


def test_the_command_has_the_options_of_the_request():
    request = form(ticks={"merit_monotone": None}, trials="9", preview=True, locks=["cola_rate"]).request({})
    assert command_of(request) == (
        "planwise optimize --target increase=0.035 --constraint merit_monotone --trials 9 --lock cola_rate "
        "--preview"
    )


@pytest.fixture
def new_study():
    """A new study whose targets above 9 % are not ready, and the studies that were started, in order."""
    started = []

    def check(request, growth=None):
        tone = "bad" if request.goal.value > 0.09 else "ok"
        return Preflight((PreflightCheck("Target", tone, "…"),))

    async def offload(work, *args):
        return work(*args)

    def start(kind, request, *, title):
        started.append((request["target"], title))

    plans = SimpleNamespace(list=lambda: [SimpleNamespace(name="baseline")], effective=None)
    session = SimpleNamespace(
        store=SimpleNamespace(
            plans=plans,
            labels=lambda: ScenarioLabels({}),
            studies=SimpleNamespace(check=check),
            censuses=SimpleNamespace(version=tuple),
        ),
        actions=SimpleNamespace(jobs=SimpleNamespace(start=start)),
        draft=Draft(lambda *_: None),
        selection=Selection(),
        previews=None,
        can_run=True,
        user=SimpleNamespace(role="analyst"),
        offload=offload,
        on_end=lambda _: None,
    )
    return NewStudy(session, lambda job: None), started


def test_a_target_typed_just_before_the_start_is_the_one_that_is_sought(new_study):
    page, started = new_study
    page.form.target.value = 5.0
    asyncio.run(page._begin())
    assert started == [("increase=0.05", "Study of baseline: increase budget 5.00%")]


def test_a_question_that_fails_its_checks_is_not_started_though_the_one_before_was_ready(new_study):
    page, started = new_study
    page.form.target.value = 12.0
    asyncio.run(page._begin())
    assert started == []
    assert page._failure.visible and "was not started" in page._failure.object
