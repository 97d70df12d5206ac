"""Four scenarios of a simulated workforce: compared, exported, followed person by person; a trial kept."""

import json

import duckdb
import numpy as np
import pytest

from planwise.app.optimize import optimize
from planwise.app.requests import SimulateRequest
from planwise.app.runner import InProcessRunner
from planwise.app.simulate import simulate
from planwise.cli.commands import run as planwise_cli
from planwise.comparison import compare
from planwise.comparison.employee import timeline
from planwise.comparison.workbook import write_workbook
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.governance.publications import load_publication
from planwise.study.queries import load_view
from planwise.study.scenario_from_trial import promote_trial
from planwise.study.space import expanded
from planwise.study.spec import OptimizeRequest
from tests.unit.comparison.formulas import Workbook

HORIZON = {"years": 2}  # fewer models to run than the default's five
SCENARIOS = {
    "lean": {"cola_rate": 0.015, "merit_rate_level_3@2027": 0.02},
    "generous": {"cola_rate": 0.03, "new_hire_salary_adjustment": 1.2},
    "moving": {"promotion_probability_level_1": 0.2, "termination_rate": 0.1},
}
NAMES = ("base", *SCENARIOS)
YEARS = (2026, 2027)
QUIET = InProcessRunner(lambda message: None)


@pytest.fixture(scope="module")
def home(settings):
    with open_ledger(settings) as ledger:
        for name in NAMES:
            ledger.scenarios.create(name, HORIZON | SCENARIOS.get(name, {}))
    for name in NAMES:
        simulate(settings, SimulateRequest(scenario=name), QUIET)
    return settings


@pytest.fixture(scope="module")
def compared(home):
    return compare(home, NAMES, employees=10_000)


@pytest.fixture(scope="module")
def book(compared, tmp_path_factory):
    return Workbook(write_workbook(compared, tmp_path_factory.mktemp("book") / "four.xlsx"))


def marts(home, scenario, query):
    """Query a scenario's Parquet files as anybody would, without the code under test."""
    published = load_publication(home, scenario)
    return duckdb.connect().execute(query.format(folder=published.folder)).fetchall()


def rows(book, sheet):
    return list(book.cached[sheet].iter_rows(values_only=True))


def test_the_workbook_calculates_what_it_shows(book):
    book.check(at_least=1_500, rel=1e-9, near=1e-6)


def test_its_totals_equal_the_marts(home, book):
    kpis = {(row[0], row[2]): row[3:7] for row in rows(book, "KPIs per year")}
    for column, name in enumerate(NAMES):
        budget = marts(
            home,
            name,
            "SELECT sum(cola_cost), sum(merit_cost), sum(promotion_cost), sum(hire_cost), sum(exit_savings), "
            "sum(payroll_change) FROM '{folder}/fct_budget.parquet'",
        )[0]
        labels = (
            "Cost of COLA",
            "Cost of merit",
            "Cost of promotions",
            "Pay of hires",
            "Pay of those who left",
        )
        for label, amount in zip((*labels, "Change of payroll"), budget, strict=True):
            assert kpis[label, "total"][column] == pytest.approx(float(amount), abs=1e-3), (name, label)
        for year, *growth in marts(
            home,
            name,
            "SELECT simulation_year, growth_all, growth_compound, termination_rate, payroll, headcount "
            "FROM '{folder}/fct_scenario_kpis.parquet'",
        ):
            told = (
                "Change in average pay",
                "Change in average pay a year since the census",
                "Voluntary turnover",
            )
            for label, figure in zip(
                (*told, "Payroll at year end", "Headcount at year end"), growth, strict=True
            ):
                assert kpis[label, year][column] == pytest.approx(float(figure), rel=1e-12), (name, label)
    levels = {(row[0], row[1]): row for row in rows(book, "Levels") if row[2] == "all"}
    for name in NAMES:
        for year, heads, mean in marts(
            home,
            name,
            "SELECT simulation_year, headcount, mean_base_pay FROM '{folder}/fct_scenario_kpis.parquet'",
        ):
            assert levels[name, year][3] == heads
            assert levels[name, year][7] == pytest.approx(mean, rel=1e-9)


def test_every_kpi_is_compared(home, compared):
    columns = marts(home, "base", "DESCRIBE SELECT * FROM '{folder}/fct_scenario_kpis.parquet'")
    reasons_and_repeats = {
        *("median_gap_reason", "adjusted_gap_reason", "market_reason"),
        "turnover_voluntary",
    }
    assert {metric.name for metric in compared.metrics} == {name for name, *_ in columns} - {
        "simulation_year",
        *reasons_and_repeats,  # voluntary turnover is termination_rate
    }


def test_its_checks_hold(book):
    assert len(book.checks()) == 15
    assert all(abs(row[3]) < 1e-4 for row in book.checks())


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_winners_and_losers_are_those_of_the_snapshots(home, compared, scenario):
    last = (
        "SELECT employee_id, CAST(base_pay AS DOUBLE) FROM '{folder}/fct_workforce_snapshot.parquet' "
        "WHERE simulation_year = 2027 AND employment_status LIKE '%_active'"
    )
    base, other = dict(marts(home, "base", last)), dict(marts(home, scenario, last))
    both = sorted(base.keys() & other.keys())
    change = np.round([other[one] - base[one] for one in both], 2)
    (pair,) = [pair for pair in compared.people if pair.scenario == scenario]
    told = pair.overall
    assert (told.people, told.gain, told.lose) == (len(both), (change > 0).sum(), (change < 0).sum())
    assert float(told.net) == pytest.approx(change.sum(), abs=0.005)
    expected = np.percentile(change, [10, 50, 90])
    assert (told.p10, told.median, told.p90) == pytest.approx(tuple(expected), abs=0.005)
    assert [(row["employee_id"], float(row["difference"])) for row in pair.employees[:1]] == [
        max(zip(both, change, strict=True), key=lambda entry: (abs(entry[1]), [-ord(c) for c in entry[0]]))
    ]
    for attribute in ("level", "department", "gender"):
        groups = [group.statistics for group in pair.groups if group.attribute == attribute]
        assert sum(group.people for group in groups) == told.people
        assert sum(group.net for group in groups) == told.net
    payroll = [marts(home, name, "SELECT payroll FROM '{folder}/fct_scenario_kpis.parquet' ORDER BY "
                     "simulation_year DESC LIMIT 1")[0][0] for name in (scenario, "base")]  # fmt: skip
    assert pair.payroll.difference == payroll[0] - payroll[1]


def test_every_kind_of_person_replays(home):
    sample = (
        "SELECT DISTINCT employee_id FROM (SELECT employee_id, row_number() OVER (PARTITION BY event_reason "
        "ORDER BY event_id) AS n FROM '{folder}/fct_yearly_events.parquet') WHERE n <= 3 ORDER BY 1"
    )
    for name in ("base", "moving"):
        people = [one for (one,) in marts(home, name, sample)]
        assert len(people) > 10
        assert [timeline(home, name, one).problems for one in people] == [()] * len(people)


def test_a_trial_becomes_a_scenario_that_grows_as_the_trial_did(home):
    request = OptimizeRequest(
        scenario="base",
        target_growth=0.045, strategy="balanced", max_iterations=2, preview=True, seeds=0,
        levers={"merit_rate_level_2@2027": 0.05},
    )  # fmt: skip
    study = optimize(home, request, QUIET).result.study
    trial = next(one for one in load_view(home, study).trials if one.iteration == 1)
    made = promote_trial(home, study, trial.number, "tried")
    assert made.parent == "base"
    assert f"Trial {trial.number} of study {study}" in made.description
    assert expanded(trial.levers).items() <= made.overrides.items()
    report = simulate(home, SimulateRequest(scenario="tried"), QUIET)
    assert report.kpis[-1]["growth_compound"] == trial.evaluation.growth
    with open_ledger(home) as ledger:
        ledger.dynamic_levers.replace({"promotion_probability_level_1": 0.15})
        try:
            with pytest.raises(InputError, match="has changed since study"):
                promote_trial(home, study, trial.number, "tried_again")
        finally:
            ledger.dynamic_levers.replace({})


def test_the_command_simulates_what_is_due_and_prints_one_object(home, tmp_path, capsys):
    where = ["--home", str(home.root)]
    assert (
        planwise_cli(["scenario", "create", "fresh", "--from", "base", "--set", "cola_rate=0.02", *where])
        == 0
    )
    assert planwise_cli(["compare", "base", "fresh", *where]) == 2
    assert "planwise simulate --scenario fresh" in capsys.readouterr().err
    file = tmp_path / "out.xlsx"
    asked = ["compare", "base", "fresh", "--simulate", "--no-flow", "--json", "--xlsx", str(file)]
    assert planwise_cli([*asked, *where]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["workbook"] == str(file) and file.exists()
    assert [row["parameter"] for row in answer["levers"]] == ["cola_rate"]
    assert answer["levers"][0]["differences"] == {"fresh": 0.02}
    assert answer["people"][0]["gain"] > 300 and answer["people"][0]["lose"] == 0
    payroll = [row for row in answer["kpis"] if row["metric"] == "payroll"]
    assert [row["simulation_year"] for row in payroll] == list(YEARS)
    assert all(row["differences"]["fresh"] > 0 for row in payroll)
    assert planwise_cli(["compare", "base", "fresh", *where]) == 0
    shown = capsys.readouterr().out
    assert "cola_rate" in shown and "People" not in shown.splitlines()[0]
