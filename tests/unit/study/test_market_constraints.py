"""Limits of the market position: their grammar, what they measure, and what a census cannot answer."""

from types import SimpleNamespace

import pytest

from planwise.errors import InputError
from planwise.study.constraints import (
    excess,
    market_unmeasured,
    measured,
    parse_constraint,
    parse_constraints,
    require_market,
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("market_position>=P50", "market_position>=50"),
        ("market_position >= p47.5", "market_position>=47.5"),
        ("market_position[department = Police & Fire]>=50", "market_position[department=Police & Fire]>=50"),
        ("market_ratio[job family=IT, data]<=1.1", "market_ratio[job_family=IT, data]<=1.1"),
        ("market_ratio[level=3]>=95%", "market_ratio[level=3]>=0.95"),
    ],
)
def test_the_grammar_has_percentiles_and_groups(text, canonical):
    assert str(parse_constraint(text)) == canonical
    assert parse_constraint(canonical) == parse_constraint(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("market_position>=P5", "no limit for market_position"),
        ("market_position>=150", "no limit for market_position"),
        ("market_ratio>=100", "no limit for market_ratio"),
        ("market_position[gender=F]>=50", "takes no group of gender"),
        ("payroll[level=3]<=5", "takes no group of level"),
        ("market_position", "not a valid limit"),
    ],
)
def test_what_cannot_be_limited_is_refused(text, what):
    with pytest.raises(InputError, match=what.replace("[", r"\[")):
        parse_constraint(text)


def test_groups_are_limited_apart_and_one_group_once():
    both = ("market_position[level=1]>=50", "market_position[level=2]>=50", "market_position[level=1]<=60")
    assert len(parse_constraints(both)) == 3
    with pytest.raises(InputError, match="limited twice"):
        parse_constraints(("market_position[level=1]>=50", "market_position[level=1]>=55"))


KPIS = [
    {"mean_market_position": 40.0, "mean_market_ratio": 0.9, "mean_market_position[level=1]": 30.0},
    {"mean_market_position": 45.0, "mean_market_ratio": 0.97, "mean_market_position[level=1]": None},
]


def test_the_last_year_counts_and_a_percentile_is_a_share():
    everyone = parse_constraint("market_position>=P50")
    assert measured(everyone, KPIS) == 45.0
    assert excess(everyone, KPIS) == pytest.approx(0.05)
    assert excess(parse_constraint("market_position<=P50"), KPIS) == pytest.approx(-0.05)
    assert excess(parse_constraint("market_ratio>=1"), KPIS) == pytest.approx(0.03)


def test_what_cannot_be_measured_is_over_the_limit_and_named():
    one = parse_constraint("market_position[level=1]>=P50")
    assert excess(one, KPIS) > 0
    assert market_unmeasured([parse_constraint("raise<=0.2"), one], KPIS) == one
    assert market_unmeasured([one], KPIS[:1]) is None


def census(tmp_path, market):
    import pandas as pd

    file = tmp_path / "census.parquet"
    pd.DataFrame(
        {"department": ["Police", "Fire"], "level_id": [1, 2], "job_family": [None, None]}
    ).to_parquet(file)
    return SimpleNamespace(name="town", market=market, census_file=file)


def test_a_census_without_survey_or_group_is_refused_with_what_to_do(tmp_path):
    police = parse_constraint("market_position[department=Police]>=P50")
    with pytest.raises(InputError, match="no market survey is matched") as refused:
        require_market([police], census(tmp_path, {}))
    assert "planwise enrich market" in refused.value.remedy
    matched = census(tmp_path, {"key": "k"})
    require_market([police, parse_constraint("market_ratio>=1"), parse_constraint("raise<=1")], matched)
    with pytest.raises(InputError, match="no department 'Polise'") as refused:
        require_market([parse_constraint("market_position[department=Polise]>=P50")], matched)
    assert "Police" in refused.value.remedy
    with pytest.raises(InputError, match="no level '3'"):
        require_market([parse_constraint("market_position[level=3]>=P50")], matched)
    with pytest.raises(InputError, match="no job_family") as refused:
        require_market([parse_constraint("market_position[job_family=IT]>=P50")], matched)
    assert "has no job_family" in refused.value.remedy
    require_market([parse_constraint("raise<=1")], census(tmp_path, {}))
