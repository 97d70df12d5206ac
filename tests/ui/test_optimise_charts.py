"""Charts and tables of a study: known trials, known marks."""

import json

import pytest

from tests.ui import recorded_studies
from ui.pages.optimise import answer, charts, trial_charts
from ui.pages.optimise import trials as trial_rows
from ui.pages.optimise.labels import (
    OUTCOMES,
    SCORE,
    lever_change,
    lever_measure,
    lever_text,
    measures_of,
    reached_measure,
    study_state,
)
from ui.queries.studies import StudyReader
from ui.values.studies import StudyLever


@pytest.fixture
def studies(settings):
    return StudyReader(settings, plans=None)


@pytest.fixture
def front(settings, studies):
    recorded_studies.add_front(settings)
    return studies.get("front")


@pytest.fixture
def target(settings, studies):
    journal = recorded_studies.begin(settings, "one", trials=10)
    recorded_studies.add(journal, 0.05, {}, kind="preview", purpose="baseline")
    recorded_studies.add(journal, 0.01, kind="preview", purpose="lowest", levers={"cola_rate": 0.01})
    recorded_studies.add(journal, 0.04, {"cola_rate": 0.02})
    recorded_studies.add(journal, 0.0305, {"cola_rate": 0.015}, limits={"payroll": 0.1})
    recorded_studies.add(journal, 0.0302, {"cola_rate": 0.014})
    recorded_studies.add(journal, None)
    return studies.get("one")


def traces(content):
    return {trace["name"]: trace for trace in content.figure["data"]}


def test_convergence_has_the_band_the_best_so_far_and_what_is_infeasible(target):
    content = trial_charts.convergence(target, reached_measure(target))
    marks = traces(content)
    assert marks["Preview"]["x"] == [0]  # the bound is in the table only
    assert marks["Plan"]["x"] == [2, 4]
    assert marks["Plan, infeasible"]["x"] == [3]
    assert marks["Best so far"]["y"] == [0.04, 0.04, 0.0302]
    assert marks["The best: trial 4"]["y"] == [0.0302]
    band = content.figure["layout"]["shapes"][-1]
    assert (band["y0"], band["y1"]) == pytest.approx((0.029, 0.031))
    assert content.frame["trial"].tolist() == [0, 1, 2, 3, 4, 5]
    assert [one.column for one in trial_charts.convergence_measures(target)] == ["reached", SCORE.column]


def test_a_front_is_measured_by_its_objectives_and_marks_knee_and_picks(front):
    assert trial_charts.convergence_measures(front) == (SCORE,)
    offered = {one.column: one for one in measures_of(front)}
    x, y = trial_charts.first_axes(front)
    content = trial_charts.tradeoffs(front, offered[x], offered[y])
    marks = traces(content)
    assert marks["Knee"]["customdata"] == [3]
    assert marks["Picks"]["customdata"] == [1, 2]
    assert marks["Feasible"]["customdata"] == [4]
    assert marks["Front"]["x"] == [0.5, 0.75, 2.0]
    assert content.figure["layout"]["dragmode"] == "select"
    assert content.frame["on_front"].tolist() == ["pick", "knee", "", "pick"]


def test_a_chart_with_too_few_trials_message_how_many_it_needs(settings, studies):
    journal = recorded_studies.begin(settings, "few")
    recorded_studies.add(journal, 0.05, {}, kind="preview", purpose="baseline")
    few = studies.get("few")
    notes = [
        trial_charts.convergence(few, SCORE),
        trial_charts.tradeoffs(few, OUTCOMES[0], OUTCOMES[1]),
        trial_charts.levers_and_outcomes(few, ()),
        trial_charts.one_lever(few, few.levers[0], OUTCOMES[0]),
        charts.sensitivity(few),
        charts.importance(few, studies.importance(few)),
        charts.feasibility(few),
        charts.robustness(few),
    ]
    texts = [content.figure["layout"]["annotations"][0]["text"] for content in notes[1:]]
    assert "at least 2" in texts[0]
    assert "at least 2" in texts[1]
    assert "100" in texts[4]
    assert all(content.figure["layout"]["annotations"] or content.figure["data"] for content in notes)


def test_chosen_trials_and_the_best_have_lines_of_their_own(target):
    content = trial_charts.levers_and_outcomes(target, (2,))
    names = [trace["name"] for trace in content.figure["data"]]
    assert names == ["Infeasible", "Chosen", "Best so far"]
    assert len(json.dumps(content.figure)) < 20_000


def test_feasibility_counts_the_trials_that_exceed_each_constraint(target):
    content = charts.feasibility(target)
    rows = {row["constraint"]: (row["failed"], row["trials"]) for row in content.frame.to_dict("records")}
    assert rows == {"payroll": (1, 1), "quality gate": (0, 4)}
    assert "1 failed" in content.subtitle


@pytest.mark.parametrize(
    ("outcome", "message", "tone"),
    [
        ({"converged": True, "within_policy": True}, "Target met: growth of average pay 3.020%", "good"),
        ({"converged": True, "within_policy": False}, "Met outside policy", "warn"),
        (
            {"converged": True, "risk": {"level": "HIGH", "findings": []}},
            "Target met, risk HIGH",
            "bad",
        ),
        ({"converged": False, "stopped": "trials"}, "all trials are done", "warn"),
        (
            {"converged": False, "reachable": False, "nearest": 0.0412, "constraints": []},
            "nearest is 4.120%",
            "bad",
        ),
        (
            {
                "converged": False,
                "reachable": False,
                "constraints": [{"name": "payroll", "satisfied": False}],
            },
            "No trial meets payroll",
            "bad",
        ),
    ],
)
def test_the_answer_is_one_sentence(settings, studies, outcome, message, tone):
    journal = recorded_studies.begin(settings, "ended")
    recorded_studies.add(journal, 0.0302)
    known = {
        "reached": 0.0302,
        "growth": 0.0302,
        "baseline_reached": 0.05,
        "baseline_growth": 0.05,
        "kind": "real",
        "stopped": "converged",
        "reachable": True,
    }
    recorded_studies.end(settings, journal, "ended", **{**known, "gap_pp": -0.02, **outcome})
    text, found = answer.sentence(studies.get("ended"))
    assert message in text
    assert found == tone


def test_the_answer_and_its_levers_are_shown_also_where_nothing_was_computed(settings, studies):
    journal = recorded_studies.begin(settings, "cut")
    recorded_studies.add(journal, 0.05, {}, kind="preview", purpose="baseline")
    recorded_studies.add(journal, 0.0302, {"cola_rate": 0.0141})
    known = {"growth": 0.0302, "baseline_growth": 0.05, "kind": "real", "reachable": True, "constraints": []}
    not_computed = "not computed: cancelled"
    recorded_studies.end(
        settings,
        journal,
        "cut",
        state="cancelled",
        stopped="cancelled",
        converged=True,
        gap_pp=-0.02,
        trial=1,
        robustness=not_computed,
        cost_impact=not_computed,
        employee_impact=not_computed,
        warnings=["<b>odd</b>"],
        **known,
    )
    study = studies.get("cut")
    shown = answer.panel(study)
    assert "not computed: cancelled" in shown
    assert "<b>odd" not in shown
    rows = answer.levers(study).frame.set_index("name")
    assert rows.loc["cola_rate", "new"] == 0.0141
    assert rows.loc["cola_rate", "change"] == "−1.09\xa0pp"
    assert rows.loc["merit_rate_level_1", "change"] == "–"
    assert rows.loc["cola_rate", "proposed"] == "1.41%"
    assert study_state(study) == ("Cancelled", "warn")


def test_factors_and_limits_are_written_in_their_units():
    hiring = StudyLever("new_hire_salary_adjustment", "Hiring pay", "multiplier", 0.8, 1.5, 1.15, (1.0, 1.2))
    assert (lever_text(hiring, 1.1), lever_change(hiring, 1.1)) == ("1.10×", "−0.05")
    assert (lever_text(hiring, None), lever_change(hiring, None)) == ("–", "–")
    assert lever_measure(hiring).write(1.2) == "1.20×"
    limits = {"payroll_risk": 0.05, "below_minimum": 7, "increase_max": 0.035, "change.cola_rate": 0.01}
    assert [answer._limited(name, value) for name, value in limits.items()] == [
        "5.00%",
        "7",
        "3.50%",
        "0.0100",
    ]
    assert (
        answer._limited("payroll", 1_250_000.0).endswith("1,250,000") and answer._limited("gate", None) == "–"
    )


def test_the_table_of_trials_has_the_objectives_constraints_and_filters(target):
    names = [column.name for column in trial_rows.trial_columns(target, levers=True)]
    assert {"gap_pp", "part_targets", "score", "lever_cola_rate", "limit_payroll"} <= set(names)
    assert "lever_cola_rate" not in [column.name for column in trial_rows.trial_columns(target, levers=False)]
    shown = {
        which: len(trial_rows.trial_frame(target, which, (), only_chosen=False))
        for which in ("all", "candidate", "feasible", "not feasible")
    }
    assert shown == {"all": 6, "candidate": 5, "feasible": 3, "not feasible": 2}
    assert trial_rows.trial_frame(target, "all", (2, 4), only_chosen=True)["trial"].tolist() == [2, 4]
    assert trial_rows.trial_flags(target) == {4: "best"}
    assert trial_rows.trial_tones(target) == {0: "quiet", 3: "bad", 5: "bad"}


def test_progress_has_counts_rate_and_the_time_left(target):
    text, share = trial_rows.progress_text(target, elapsed=12.0)
    assert "6 trials" in text
    assert "30 a minute" in text
    assert "left for 10 trials" in text
    assert share == pytest.approx(0.4)  # 4 of the 10 that decide
    assert trial_rows.progress_text(target, None)[1] is None


def test_studies_are_compared_by_their_distance_to_their_own_targets(settings, studies, target):
    journal = recorded_studies.begin(settings, "two", target_growth=0.04)
    recorded_studies.add(journal, 0.0405)
    content = trial_charts.compared_studies([target, studies.get("two")])
    assert content.frame.groupby("study")["best"].last().round(6).to_dict() == {"one": 0.0002, "two": 0.0005}
    assert "target" in content.figure["layout"]["yaxis"]["title"]["text"]


def test_of_many_levers_those_that_go_most_with_growth_are_drawn(settings, studies, monkeypatch):
    monkeypatch.setattr(trial_charts, "AXES_MAX", 4)
    journal = recorded_studies.begin(settings, "many")
    for step in range(6):
        levers = {"cola_rate": 0.02 + 0.002 * step, "merit_rate_level_1": 0.03 + 0.001 * (step % 2)}
        recorded_studies.add(journal, 0.03 + 0.002 * step, levers)
    content = trial_charts.levers_and_outcomes(studies.get("many"), ())
    ticks = content.figure["layout"]["xaxis"]["ticktext"]
    assert [text.replace("<br>", " ") for text in ticks] == ["Cost-of-living raise", "Growth of average pay"]
    assert "the 1 of 2 levers" in content.subtitle
