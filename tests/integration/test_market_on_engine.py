"""The market position on the real engine: previews as plans have it, studies that limit it for a group."""

import pandas as pd
import pytest
from engines import Engine

from planwise.app.enrich import MarketRequest, enrich_market
from planwise.app.runner import InProcessRunner
from planwise.census import generate_census, load_census
from planwise.census.market import store_market
from planwise.engine.preview import Preview
from planwise.engine.warehouse import open_warehouse
from planwise.enrichment.market import census_market
from planwise.parameters import resolve, simulated_years
from planwise.settings import Settings
from planwise.study.optuna_storage import load_study
from planwise.study.trial import finished_trials

GROUP = "department=Engineering"
POSITION = f"mean_market_position[{GROUP}]"


def market_of(census):
    """Return a market in which every title's median is 3 % over its mean pay in the census."""
    people = pd.read_parquet(census.census_file).astype({"base_pay": float})
    medians = 1.03 * people.groupby("job_title")["base_pay"].mean()
    spread = {"p10": 0.7, "p25": 0.85, "p50": 1.0, "p75": 1.2, "p90": 1.4}
    wages = [{name: median * factor for name, factor in spread.items()} for median in medians]
    titles = pd.DataFrame(wages).assign(name=medians.index, status="linked", matched_id="x", matched_name="y")
    return census_market(titles)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    store_market(census := generate_census(settings, employees=400, seed=7), market_of(census), {})
    with open_warehouse(settings, "test") as warehouse:
        yield Engine(settings, employees=400, years=2, warehouse=warehouse, market_groups=(GROUP,))


def test_a_study_lifts_a_group_to_a_percentile_and_its_plan_is_its_preview(engine):
    before = engine.baseline.kpis[-1][POSITION]
    wanted = round(before + 4, 1)
    limit = f"market_position[{GROUP}]>=P{wanted}"
    result = engine.study("lift", engine.baseline.growth + 0.03, constraints=(limit,))
    assert result.converged and result.kind == "real"
    assert result.kpis[-1][POSITION] >= wanted > before
    trials = finished_trials(load_study(engine.settings, "lift"))
    verified = next(trial for trial in trials if trial.kind == "real")
    same = next(t for t in trials if t.kind == "preview" and t.digest == verified.digest)
    assert same.evaluation.kpis == verified.evaluation.kpis
    assert {"mean_market_ratio", "market_share", POSITION} <= set(verified.evaluation.kpis[0])


def test_a_percentile_out_of_reach_is_infeasible_and_named(engine):
    limit = f"market_position[{GROUP}]>=P90"
    result = engine.study("out_of_reach", engine.baseline.growth, constraints=(limit,), preview=True)
    assert not result.converged and result.stopped.startswith("infeasible")
    assert f"market_position_min[{GROUP}] cannot be met" in result.stopped


def test_matched_titles_of_a_census_are_its_market_from_then_on(tmp_path):
    settings = Settings(home=tmp_path)
    census = generate_census(settings, employees=200)
    effective = resolve(simulated_years(1, census.first_year), scenario={})
    none = Preview(settings, census).evaluate(effective).kpis[0]
    assert (none["market_reason"], none["mean_market_ratio"]) == ("no_survey", None)
    titles = sorted(set(pd.read_parquet(census.census_file)["job_title"]))
    survey = tmp_path / "survey.csv"
    rows = [f"{title},{50_000 + 1_000 * n},{60_000 + 1_000 * n}" for n, title in enumerate(titles)]
    survey.write_text("\n".join(["title,p50,p75", *rows]), encoding="utf-8")
    report = enrich_market(settings, MarketRequest(survey=survey), InProcessRunner(lambda _: None))
    matched = load_census(settings)
    assert report.market["key"] == matched.market["key"] and matched.market["aging_factor"] == 1.0
    found = Preview(settings, matched).evaluate(effective).kpis[0]
    assert found["market_reason"] is None and 0.3 < found["mean_market_ratio"] < 3
    assert found["market_share"] == report.totals["match_rate"] == 1
    market = {"market_people", "market_share", "mean_market_ratio", "mean_market_position", "market_reason"}
    assert {n: v for n, v in found.items() if n not in market} == {
        n: v for n, v in none.items() if n not in market
    }  # nothing of it changes what anyone is paid
