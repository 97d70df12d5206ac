"""A home made with the earlier defaults keeps them; its scenarios keep what their values meant."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from worlds import employee, shared

from planwise.engine.variables import same_year_share
from planwise.governance import effective_parameters, open_ledger
from planwise.governance.connection import MIGRATIONS
from planwise.settings import Settings

PEOPLE = [
    employee(
        f"E{n:02}",
        base_pay=41_000 + 1_437 * n,
        level_id=1 + (n >= 14) + (n >= 35),
        hire_date=date(2012, 1, 15) + timedelta(days=79 * n),
        performance_rating=1 + n % 5,
        department=("Ops", "Sales", "Care")[n % 3],
        fte=1 if n % 4 else 0.8,
    )
    for n in range(60)
]
CHANGES = {"cola_rate@2027": 0.03, "merit_rate_level_1": 0.04, "headcount_growth": 0.1, "years": 3}
IN_FORCE = (("cola_rate", None, 0.02), ("promotion_probability_level_1", 2026, 0.2))
# With the rules of now: turnover by who is there, exits of hires by exposure, pay of hires as of recent ones.
# payroll, mean base pay, hires, promotions, increase budget, by year
WITHOUT_CHANGES = [
    (5473389.322, 92939.430323, 14, 3, 271873.94),
    (6167000.57, 101112.978906, 10, 3, 311371.6),
    (6960697.542, 110379.057727, 17, 2, 345715.578),
]
WITH_CHANGES = [
    (5963352.876, 94741.983636, 19, 4, 251958.696),
    (7268860.324, 104801.39411, 17, 3, 375233.168),
    (8718989.386, 114379.4, 26, 2, 376885.738),
]


def old_home(home, scenarios, in_force=()):
    """Return the settings of a home with a ledger of the first revision."""
    settings = Settings(home=home)
    home.mkdir()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = sa.create_engine(f"sqlite:///{home / 'ledger.sqlite'}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        tables = sa.MetaData()
        tables.reflect(connection)
        for name, overrides in scenarios.items():
            row = {"name": name, "overrides": overrides, "description": "", "created_by": "me"}
            connection.execute(tables.tables["scenario"].insert().values(created_at=sa.func.now(), **row))
        for name, year, value in in_force:
            row = {"parameter": name, "year": year, "value": value, "set_by": "me"}
            connection.execute(tables.tables["dynamic_lever"].insert().values(set_at=sa.func.now(), **row))
    engine.dispose()
    return settings


def figures(effective):
    runner = shared()
    kpis = runner.run(runner.census(PEOPLE), effective, audits=False).scenario_kpis
    return [
        (float(y.payroll), pytest.approx(y.mean_base_pay, abs=1e-6), y.hires, y.promotions, y.increase_cost)
        for y in kpis.itertuples()
    ]


def test_scenarios_and_the_baseline_keep_their_figures(tmp_path, caplog):
    settings = old_home(tmp_path / "home", {"plain": {"years": 3}})
    with open_ledger(settings) as ledger:
        plain, kept = (ledger.scenarios.get(name) for name in ("plain", "earlier_defaults"))
        assert plain.overrides == {**kept.overrides, "years": 3}
        assert figures(effective_parameters(ledger, plain, 2026)) == WITHOUT_CHANGES
    assert "The 1 stored scenarios keep the earlier ones" in caplog.text
    caplog.clear()
    with open_ledger(settings):
        assert not caplog.text


def test_levers_in_force_and_changes_by_year_keep_theirs(tmp_path):
    with open_ledger(old_home(tmp_path / "home", {"changed": CHANGES}, IN_FORCE)) as ledger:
        changed = ledger.scenarios.get("changed")
        assert figures(effective_parameters(ledger, changed, 2026)) == WITH_CHANGES
        assert ledger.dynamic_levers.current()["promotion_raise_level_1"] == 0.085


def test_a_new_home_has_nothing_to_keep(tmp_path, caplog):
    with open_ledger(Settings(home=tmp_path / "home")) as ledger:
        assert [scenario.name for scenario in ledger.scenarios.list()] == ["baseline"]
        assert ledger.dynamic_levers.current() == {}
    assert not caplog.text


def test_rates_are_written_for_the_bands_and_the_exposure_of_now(tmp_path, caplog):
    own = {
        "termination_multiplier_tenure_over_10": 0.5,
        "promotion_multiplier_age_over_64": 0.3,
        "new_hire_termination_rate@2027": 0.13,
    }
    with open_ledger(old_home(tmp_path / "home", {"banded": own})) as ledger:
        found = ledger.scenarios.get("banded").overrides

    longest = ("10_to_14", "15_to_19", "20_to_24", "25_to_29", "30_to_34", "over_34")
    assert {found[f"termination_multiplier_tenure_{band}"] for band in longest} == {0.5}
    assert {found[f"promotion_multiplier_age_{band}"] for band in ("65_to_69", "over_69")} == {0.3}
    assert not own.keys() & found.keys() - {"new_hire_termination_rate@2027"}
    # the share of hires who leave in the year of the hire is the same as before
    assert same_year_share(found["new_hire_termination_rate@2027"]) == pytest.approx(0.13, abs=1e-6)
    assert same_year_share(found["new_hire_termination_rate"]) == pytest.approx(0.25, abs=1e-6)
    assert "2 stored scenarios were changed" in caplog.text
