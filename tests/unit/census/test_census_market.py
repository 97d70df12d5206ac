"""The market reference of a census: what it is made of, where it is kept, and what it survives."""

from datetime import date

import pandas as pd
import pyarrow.parquet as pq
import pytest

from planwise.census import generate_census, load_census, market_file, market_key
from planwise.census.market import NO_MARKET, store_market
from planwise.census.registry import rename_levels
from planwise.enrichment.market import aged_by, census_market, survey_name
from planwise.errors import DamagedStore
from planwise.settings import Settings

TITLES = pd.DataFrame(
    [
        {"name": "Clerk", "status": "linked", "matched_id": "43-9061", "occupation": "Office Clerks",
         "p10": 30_000, "p25": None, "p50": 40_000, "p75": 50_000, "p90": None},
        {"name": "Cook", "status": "linked", "matched_id": "35-2014", "occupation": "Cooks", "p10": 20_000},
        {"name": "Wizard", "status": "review", "matched_id": "27-2011", "occupation": "Actors"},
    ],
    columns=["name", "status", "matched_id", "occupation", "p10", "p25", "p50", "p75", "p90"],
)  # fmt: skip


def test_wages_are_aged_and_a_gap_between_percentiles_is_filled():
    """30,000 and 40,000 x 1.1; P25 is 3/8 of the way between them: 33,750 x 1.1."""
    rows = census_market(TITLES, 1.1).to_pylist()
    clerk, cook, wizard = rows
    assert [float(clerk[f"p{p}"]) for p in (10, 25, 50, 75)] == [33_000, 37_125, 44_000, 55_000]
    assert clerk["p90"] is None and clerk["market_reason"] is None
    assert (cook["market_reason"], cook["p10"], cook["occupation"]) == ("no_wages", None, "Cooks")
    assert (wizard["market_reason"], wizard["occupation"]) == ("review", None)


def test_four_years_at_three_per_cent():
    assert aged_by(date(2021, 12, 31), None, date(2025, 12, 31), 0.03, None)[1] == 1.12550881  # 1,461 days
    assert aged_by(None, None, date(2025, 12, 31), None, TITLES)[1] == 1.0  # a survey of one's own
    rate, factor, since = aged_by(None, 2019, date(2019, 5, 1), None, None)
    assert (rate, factor, since, survey_name(None, 2019)) == (0.03, 1.0, date(2019, 5, 1), "BLS OEWS 2019")


@pytest.fixture
def matched(tmp_path):
    settings = Settings(home=tmp_path)
    census = generate_census(settings, employees=10)
    assert (market_key(census), market_file(census)) == (NO_MARKET, None)
    store_market(census, census_market(TITLES), {"survey": "ours"})
    return settings, load_census(settings, census.name)


def test_it_is_kept_beside_the_census_and_named_by_its_content(matched):
    settings, census = matched
    first = market_key(census)
    assert census.market["survey"] == "ours" and first != NO_MARKET
    assert pq.read_table(market_file(census))["job_title"].to_pylist() == ["Clerk", "Cook", "Wizard"]
    store_market(census, census_market(TITLES, 1.1), {})
    again = load_census(settings, census.name)
    assert market_key(again) != first and again.content_hash == census.content_hash
    assert market_file(census).is_file()  # a simulation that began with it goes on


def test_it_stays_when_levels_are_renamed(matched):
    settings, census = matched
    renamed = rename_levels(settings, census.name, {1: "Entry"})
    assert renamed.content_hash != census.content_hash
    assert market_key(renamed) == market_key(census) and market_file(renamed).is_file()


def test_a_damaged_reference_says_what_to_run(matched):
    _, census = matched
    market_file(census).write_bytes(b"no table")
    with pytest.raises(DamagedStore) as damaged:
        market_file(census)
    assert "planwise enrich market" in damaged.value.remedy
