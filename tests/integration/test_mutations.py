# ruff: noqa: E501 - a mutant is read in one line
"""Mutation tests: each plausible mistake must be caught; a mutant that survives means that a rule is not tested.

A mutant of the models is one textual change of a copy of the project, rendered and run in memory; an audit or
the reference must catch it. Two worlds of two hundred people are compared: one grows, with the merit matrix and
both caps on; one of four levels shrinks, with its raises in another order.
A mutant of Python code is one textual change of a module; one of the named test files must fail with it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from reference.compare import differences, simulate
from sqlmesh.core.model import SqlModel
from sqlmesh.utils.errors import SQLMeshError
from worlds import AS_OF, Direct, Result, broken_rows, effective_for, frame_of, shared

from planwise.census import Census, SyntheticOptions, default_levels
from planwise.census.synthetic import synthetic_rows
from planwise.engine import incremental_loader
from planwise.engine.warehouse import MARTS
from planwise.parameters import EffectiveParameters, catalogue
from planwise.parameters.calibrated_rates import store_rates

ROOT = Path(__file__).parents[2]
RUNNER = Path(__file__).with_name("mutant_runner.py")
MATRIX = {"below_range": 1.8, "1": 1.3, "2": 1.1, "3": 0.8, "4": 0.5, "above_range": 0.2}
GROWING = {
    "years": 2,
    "headcount_growth": 0.3,
    "termination_rate": 0.3,
    "new_hire_termination_rate": 0.2345,
    "promotion_probability_level_1": 0.3,
    "promotion_raise_level_1": 0.05,
    "promotion_raise_level_3": 0.2,
    "merit_rate_level_1": 0.02,
    "merit_rate_level_2": 0.05,
    "range_adjustment": 0,
    "individual_raise_max": 0.06,
    "range_maximum_cap": True,
    "cola_rate": 0.031,
    "cola_date": "03-15",  # so that hires of the year are there
    "awards@2027": "department: Engineering=0.05; Sales=0.01",
    "drift_shift_level_2": 0.004,
    "drift_groups": "department: Sales=x1.5",
    "termination_multiplier_tenure_under_1": 15,
    **{f"new_hire_level_share_{level}": share for level, share in enumerate((0.4, 0.3, 0.15, 0.05, 0.1), 1)},
    **{f"merit_multiplier_quartile_{band}": m for band, m in MATRIX.items()},
}
SHRINKING = {
    "years": 1,
    "headcount_growth": -0.3,
    "termination_rate": 0.12,
    "promotion_probability_level_1": 0.3,
    "promotion_probability_level_4": 0.3,
    "merit_date": "03-02",
    "promotion_date": "06-15",
    "cola_date": "09-20",
}

RATES = pd.DataFrame(
    [("department", "Engineering", None, 1.5), ("department_tenure", "Sales", 0, 0.5)],
    columns=["dimension", "key", "lower_bound", "multiplier"],
).assign(upper_bound=None, heads=1, events=1)
# Of Engineering's level 1 there are just thirty of each tenure, of its level 2 too few; of everyone else thirty-five.
DONORS = pd.DataFrame(
    [
        (group, tenure, level, round(-0.031 + 0.0007 * ((37 * n + 11 * place) % 97), 6))
        for place, (tenure, group, level, people) in enumerate(
            (tenure, *of)
            for tenure in catalogue().bands["tenure"]
            for of in (
                ("department: Engineering", 1, 30),
                ("department: Engineering", 2, 9),
                ("", 1, 20),
                ("", 2, 15),
            )
        )
        for n in range(people)
    ],
    columns=["award_group", "tenure_band", "level_id", "drift"],
)

BASIS = "intermediate/int_pay_basis_year.sql"
PAY = "intermediate/int_pay_year.sql"
TOTALS = "intermediate/int_pay_totals.sql"
DYNAMICS = "intermediate/int_workforce_year.sql"
GROWTH = "marts/fct_compensation_growth.sql"
SNAPSHOT = "marts/fct_workforce_snapshot.sql"
EVENTS = "marts/fct_yearly_events.sql"
MUTANTS: dict[str, tuple[str, str, str]] = {
    "COLA with the wrong sign": (f"models/{PAY}", "1 + CAST(@cola_rate", "1 - CAST(@cola_rate"),
    "merit rate of the wrong level": (
        "macros/pay_steps.py",
        "ON g.level_id = s.merit_level_id",
        "ON g.level_id = s.level_id",
    ),
    "promotion raise of the level entered": (
        f"models/{PAY}",
        "WHEN 2\n      THEN @promotion_raise_level_1",
        "WHEN 2\n      THEN @promotion_raise_level_2",
    ),
    "hire pay without the market": (
        f"models/{PAY}",
        "CAST(@new_hire_salary_adjustment AS DOUBLE) * CAST(@market_index AS DOUBLE)",
        "CAST(@new_hire_salary_adjustment AS DOUBLE)",
    ),
    "hire spread on one side": (f"models/{PAY}", "2 * basis.range_position_draw - 1", "basis.range_position_draw"),
    "proration ignores FTE": (f"models/{PAY}", "* CAST(fte AS DOUBLE) / @days_in_year,\n    2", "/ @days_in_year,\n    2"),
    "proration off by a day": ("macros/calendar.py", 'f"{last} + 1"', 'f"{last} + 0"'),
    "promotion without the floor": (
        "macros/pay_steps.py",
        "GREATEST(ROUND(s.pay_{before} * s.promotion_factor, 2), {lifted_pay})",
        "ROUND(s.pay_{before} * s.promotion_factor, 2)",
    ),
    "merit not normalised": ("macros/pay_steps.py", "COALESCE(p.neutral, 0)", "1"),
    "merit normalised with those not eligible": ("macros/pay_steps.py", "  WHERE p.merit_due\n", "  WHERE TRUE\n"),
    "no rounding at the COLA": ("macros/pay_steps.py", "CAST(ROUND(s.pay_{before} * s.cola_factor, 2) AS {PAY})\n    ELSE", "CAST(FLOOR(s.pay_{before} * s.cola_factor) AS {PAY})\n    ELSE"),
    "no rounding between COLA and drift": ("macros/pay_steps.py", "CAST(ROUND(s.pay_{before} * s.cola_factor, 2) AS {PAY})\n      ELSE", "CAST(FLOOR(s.pay_{before} * s.cola_factor) AS {PAY})\n      ELSE"),
    "award on top of the COLA": (f"models/{PAY}", "1 + LIST_EXTRACT(CAST(@award_rates", "terms.cola_factor + LIST_EXTRACT(CAST(@award_rates"),
    "award of the next group": (f"models/{PAY}", "basis.award_place), terms.cola_factor)", "basis.award_place + 1), terms.cola_factor)"),
    "drift of the pay before the COLA": ("macros/pay_steps.py", "ROUND(c.pay_after_cola * CAST(1 + c.drift_rate", "ROUND(c.pay_{before} * CAST(1 + c.drift_rate"),
    "drift for the promoted": ("macros/pay_steps.py", "AND NOT p.promotion_due ", ""),
    "drift for hires of the year": ("macros/pay_steps.py", "AND NOT p.is_hire ", ""),
    "donors of everyone else": ("macros/pay_steps.py", "own.group_name = s.drift_group", "own.group_name = ''"),
    "thirty donors are too few": ("models/staging/stg_drift_cells.sql", "fine.donors >= 30", "fine.donors > 30"),
    "drift by the draw of exits": (f"models/{PAY}", "paid.employee_id, drift_donor", "paid.employee_id, person"),
    "drift without the level's shift": ("macros/pay_steps.py", " + t.drift_shift", ""),
    "drift without the group's factor": ("macros/pay_steps.py", "donors.drift * COALESCE(", "donors.drift * GREATEST(1, 0 * "),
    "drift counted as COLA": (f"models/{PAY}", "@cola_pay() END AS DECIMAL(14, 2)) AS cola_pay", "@pay_after(cola) END AS DECIMAL(14, 2)) AS cola_pay"),
    "range cap below pay": ("macros/pay_steps.py", "GREATEST(f.pay_{after - 1}, f.merit_range_maximum)", "f.merit_range_maximum"),
    "individual cap dropped": ("macros/pay_steps.py", "LEAST({merit_rate}, {caps['individual_raise_max']})", "LEAST({merit_rate}, {caps['individual_raise_max']} + 1)"),
    "a full year's rate above the range": ("macros/pay_steps.py", "ELSE g.above_range END", "ELSE g.quartile_4 END"),
    "merit for those who left before its date": (
        f"models/{BASIS}",
        "AND workforce.last_day >= CAST(@merit_date AS DATE)",
        "",
    ),
    "COLA for those hired later": (f"models/{BASIS}", "workforce.hire_date <= CAST(@cola_date AS DATE) AND ", ""),
    "exits not excluded from the next opening": (f"models/{DYNAMICS}", "  WHERE\n    is_active\n", ""),
    "hires rounded down": (f"models/{DYNAMICS}", "CEIL(ROUND(need", "FLOOR(ROUND(need"),
    "survivors counted with <=": (
        f"models/{DYNAMICS}",
        "termination_draw >= termination_probability THEN 1 END",
        "termination_draw > 0 THEN 1 END",
    ),
    "target from the survivors": (
        f"models/{DYNAMICS}",
        "CAST(ROUND(opening_headcount * (",
        "CAST(ROUND(survivors * (",
    ),
    "the highest draws are cut": (
        f"models/{DYNAMICS}",
        "ORDER BY exposed_to_exit.reduction_draw,",
        "ORDER BY exposed_to_exit.reduction_draw DESC,",
    ),
    "clipped excess not redistributed": (
        f"models/{DYNAMICS}",
        "MAX(CASE WHEN scale * weight <= 1 AND CAST(@termination_rate AS DECIMAL(9, 6)) < 1 THEN scale END) AS scale",
        "MIN(scale) AS scale",
    ),
    "an unknown age is an old one": (f"models/{DYNAMICS}", "      THEN -1\n", "      THEN 110\n"),
    "age hazard forgotten": (f"models/{DYNAMICS}", "* leave_age.multiplier * ", "* "),
    "promotion of those gone": (
        f"models/{DYNAMICS}",
        "termination_reason IS NULL OR exit_date >= CAST(@promotion_date AS DATE)",
        "TRUE",
    ),
    "promotion by two levels": (f"models/{DYNAMICS}", "THEN level_id + 1 ELSE", "THEN level_id + 2 ELSE"),
    "promotion out of the top level": (f"models/{DYNAMICS}", "MAX(level_id) AS level_id", "MAX(level_id) + 1 AS level_id"),
    "hires leave by their draw alone": (f"models/{DYNAMICS}", "-LN(1 - drawn.exit_draw)", "drawn.exit_draw * (CAST(@year_end AS DATE) - drawn.hire_date + 1)"),
    "department and title forgotten": (f"models/{DYNAMICS}", "* exposed.exit_factor AS DECIMAL", "AS DECIMAL"),
    "a department's own tenure forgotten": (f"models/{DYNAMICS}", "exposed.tenure_curve * 1000 + exposed.tenure_key", "exposed.tenure_key"),
    "scale of the year's own people": (f"models/{DYNAMICS}", "WHERE\n    NOT @rate_is_stated\n  UNION ALL", "WHERE\n    FALSE\n  UNION ALL\n  SELECT termination_weight AS weight, CAST(COUNT(*) AS DECIMAL(20, 0)) AS people FROM weighted GROUP BY termination_weight\n  UNION ALL"),
    "scale of the census a year later": ("models/intermediate/int_termination_weights.sql", "hire_date, @first_year_start()), 60)", "hire_date, @first_year_start()) + 1, 60)"),
    "hires copy pay without the market": (f"models/{PAY}", "CAST(@entry_factor AS DECIMAL(14, 8))", "1"),
    "every new hire stays": (
        f"models/{DYNAMICS}",
        "WHEN profiled.exit_place <= plan.hires - plan.hires_that_stay",
        "WHEN profiled.exit_place <= 0 * plan.hires",
    ),
    "a lane used twice": (
        "macros/draws.py",
        "lanes = {s: lane for lanes in STREAMS.values() for lane, s in enumerate(lanes)}",
        "lanes = {s: lane // 2 for lanes in STREAMS.values() for lane, s in enumerate(lanes)}",
    ),
    "the year left out of the key": ("macros/draws.py", "'|{year.sql(dialect)}|{name}|'", "'|{name}|'"),
    "tenure by calendar years": ("macros/calendar.py", "CASE WHEN {day(b)} < {day(a)} THEN 1", "CASE WHEN FALSE THEN 1"),
    "bridge without its hires": (
        f"models/{GROWTH}",
        "mean_base_pay - COALESCE(stayers_closing_mean, opening_mean)",
        "0 * mean_base_pay",
    ),
    "COLA of those who stay only": (
        f"models/{TOTALS}",
        "WHEN NOT is_hire THEN cola_cost ELSE",
        "WHEN stayed THEN cola_cost ELSE",
    ),
    "savings at opening pay": (f"models/{TOTALS}", "NOT is_hire THEN payroll ELSE 0 END) AS exit", "NOT is_hire THEN starting_payroll ELSE 0 END) AS exit"),
    "merit budget of the eligible only": (f"models/{PAY}", "WHEN on_merit_date THEN @pay_before", "WHEN merit_due THEN @pay_before"),
    "lump sums left out of the budget": ("models/marts/fct_budget.sql", "cola_cost + merit_cost + lump_sum_cost AS", "cola_cost + merit_cost AS"),
    "in-year cost from the wrong date": ("macros/pay_steps.py", "first = json.loads(evaluator.var(\"raise_order\")).index(kind.name) + 1", "first = 1"),
    "FTE-years off by a day": (f"models/{BASIS}", "workforce.last_day - workforce.first_day + 1", "workforce.last_day - workforce.first_day"),
    "promotions counted where they began": ("models/intermediate/int_workforce_totals.sql", "COUNT(promotion_date)", "COUNT(opening_level_id)"),
    "above the maximum without its boundary": (f"models/{TOTALS}", "base_pay >= range_maximum", "base_pay > range_maximum * 1.02"),
    "snapshot without exits": (f"models/{SNAPSHOT}", "THEN 'new_hire_active'", "THEN 'continuous_active'"),
    "snapshot with the midpoint as maximum": (
        f"models/{SNAPSHOT}",
        "CAST(range_maximum AS DECIMAL(14, 2))",
        "CAST(range_midpoint AS DECIMAL(14, 2))",
    ),
    "events in the order of their kind": (f"models/{EVENTS}", "ORDER BY effective_date, chain_order", "ORDER BY chain_order"),
    "gap within levels only": (
        "models/marts/fct_pay_equity.sql",
        "    AND reference_cells.tenure_band = cells.tenure_band\n",
        "",
    ),
    "drift left out of the groups' budget": ("models/marts/fct_increase_budget.sql", "COALESCE(pay.drift_pay - pay.drift_previous, 0)", "0"),
}  # fmt: skip

STUDY, COMPARISON, PAGES = "tests/unit/study", "tests/unit/comparison", "tests/ui"
PARETO = f"{STUDY}/test_study_result.py"
PEOPLE = f"{PAGES}/test_people.py"
# File, text, changed text, and the tests that concern it.
CODE_MUTANTS: dict[str, tuple[str, str, str, str]] = {
    "the lowest raise limited from above": (
        "planwise/study/constraints.py",
        'constraint.bound - value if constraint.relation == ">=" else value - constraint.bound',
        "value - constraint.bound",
        f"{STUDY}/test_study_objectives.py",
    ),
    "payroll risk by the luckiest seeds": (
        "planwise/study/constraints.py",
        "sorted(ratios, reverse=True)",
        "sorted(ratios)",
        f"{STUDY}/test_study_objectives.py",
    ),
    "dominated only if worse in every objective": (
        "planwise/study/pareto.py",
        "np.all(kept <= points[index] + near, axis=1)",
        "np.all(kept < points[index] - near, axis=1)",
        PARETO,
    ),
    "infeasible points on the front": ("planwise/study/pareto.py", "broken == broken.min()", "broken >= 0", PARETO),
    "knee on objectives in their own units": (
        "planwise/study/pareto.py",
        "(points - points.min(axis=0)) / _range(points)",
        "points - points.min(axis=0)",
        PARETO,
    ),
    "payroll bridge that counts everyone's pay as new": (
        "planwise/comparison/people.py",
        "WHERE matched.employee_id IS NULL",
        "WHERE TRUE",
        f"{COMPARISON}/test_comparison.py",
    ),
    "years of the base compared where others have none": (
        "planwise/comparison/compare.py",
        "set(sources[0].years).intersection(*(source.years for source in sources[1:]))",
        "set(sources[0].years)",
        f"{COMPARISON}/test_comparison.py",
    ),
    "difference relative to the other scenario": (
        "planwise/comparison/differences.py",
        "abs(float(base))",
        "abs(float(value))",
        f"{COMPARISON}/test_comparison.py",
    ),
    "department filter without effect": (
        "ui/queries/people_sql.py",
        'f"list_contains(?, {DEPARTMENT})"',
        'f"len(?) > 0"',
        PEOPLE,
    ),
    "turnover rate of the closing headcount": (
        "ui/queries/people_sql.py",
        'finished["experienced_exits"] / opening',
        'finished["experienced_exits"] / finished["people"]',
        PEOPLE,
    ),
    "growth from the year after": (
        "ui/queries/people_sql.py",
        '["mean_base_pay"].shift() - 1',
        '["mean_base_pay"].shift(-1) - 1',
        PEOPLE,
    ),
    "percentiles of opening pay": (
        "ui/queries/distributions.py",
        "CAST(base_pay AS DOUBLE) AS value",
        "CAST(opening_base_pay AS DOUBLE) AS value",
        PEOPLE,
    ),
    "live figures of the base instead of the draft": (
        "ui/pages/plan/live_figures.py",
        "previews.kpis(request.scenario, request.effective, purpose=PURPOSE)",
        "previews.kpis(request.scenario, request.base, purpose=PURPOSE)",
        f"{PAGES}/test_plan_live.py",
    ),
}  # fmt: skip


class World:
    """A world with its tables as the models make them: of a mutant only what it changes is made, and undone."""

    def __init__(
        self,
        engine: Direct,
        database: duckdb.DuckDBPyConnection,
        census: Census,
        effective: EffectiveParameters,
    ) -> None:
        self._engine, self._database, self._census, self._effective = engine, database, census, effective
        self._simulation = simulate(census, effective)
        self._made: frozenset[str] = frozenset()  # SQL of tables and audits
        self._frames: dict[str, pd.DataFrame] = {}
        made: set[str] = set()
        self.found = self._find(made)  # in the models as they are
        self._made = frozenset(made)
        self._frames = {mart: frame_of(database, mart) for mart in MARTS}

    def found_in_mutant(self) -> list[str]:
        """Return what gives the mutant away."""
        self._database.begin()
        try:
            return self._find(set())
        except (duckdb.Error, SQLMeshError, ValueError) as error:
            return [f"does not run: {error}"]
        finally:
            self._database.rollback()

    def _find(self, made: set[str]) -> list[str]:
        """Return the audits that fail, or else the differences from the reference; add the SQL that ran."""
        changed: set[str] = set()
        broken: list[str] = []

        def is_due(sql: str) -> bool:
            return sql not in self._made or any(name in sql for name in changed)

        for rendered in self._engine.order(self._census, self._effective):
            if is_due(rendered.table):
                self._engine.make(self._database, rendered, self._effective)
                changed.add(rendered.model.name.rpartition(".")[2])
                made.add(rendered.table)
            audits = {check: sql for check, sql in rendered.audits(True).items() if is_due(sql)}
            broken += broken_rows(self._database, audits)
            made |= set(audits.values())
        frames = {m: frame_of(self._database, m) if m in changed else self._frames[m] for m in MARTS}
        return broken or differences(Result(frames, {}), self._simulation)


@pytest.fixture(scope="module")
def mutable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Direct]:
    project = tmp_path_factory.mktemp("mutants") / "sqlmesh_project"
    shutil.copytree(
        shared().project, project, ignore=shutil.ignore_patterns("__pycache__", ".cache", "tests")
    )
    yield Direct(project)


@pytest.fixture(scope="module")
def worlds(mutable: Direct) -> Iterator[list[World]]:
    with ExitStack() as databases:
        found = []
        key, _ = (
            store_rates(engine.settings, {"exit_multipliers": RATES, "drift_donors": DONORS})
            for engine in (shared(), mutable)
        )
        for parameters, top, highest, seed in (
            (GROWING | {"calibrated_rates": key}, 4, 5, 5),  # the top level has nobody to copy
            (SHRINKING, 4, 4, 6),
        ):
            rows, levels = synthetic_rows(220, seed, SyntheticOptions()), default_levels()
            rows["birth_date"] = rows.birth_date.astype(object).where(rows.index % 5 != 0, None)
            census = mutable.census(rows[rows.level_id <= top], levels[levels.level_id <= highest], AS_OF)
            effective = effective_for(census, parameters)
            database = databases.enter_context(mutable.database(census, effective))
            found.append(World(mutable, database, census, effective))
        yield found


def test_the_models_as_they_are_survive(worlds: list[World]) -> None:
    assert [world.found for world in worlds] == [[], []]


def stored_unless_calling(changed: Path) -> Callable[..., list[SqlModel]]:
    """Return how a mutant's models are found: one that calls no macro of the changed file is unchanged.

    The loader makes all of them again after a change of any macro. Nothing is written to its cache.
    """
    macros = re.findall(r"@macro\(\)\ndef (\w+)", changed.read_text(encoding="utf-8"))
    called = re.compile(rf"@({'|'.join(macros)})\b", re.IGNORECASE)

    def found(_: Any, path: Path, state: str, make: Callable[[], list[SqlModel]]) -> list[SqlModel]:
        text, (_, *around), values = json.loads(state)
        if macros and not called.search(text):
            for known, models in incremental_loader.CREATED[path].items():
                known_text, (_, *known_around), known_values = json.loads(known)
                if [text, around, values] == [known_text, known_around, known_values]:
                    return models
        return make()

    return found


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutant_is_killed(mutable: Direct, worlds: list[World], mutant: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "sys.dont_write_bytecode", True
    )  # a macro changed twice in a second has one timestamp
    # What the loader made of the models as they are stays, however many mutants there are.
    monkeypatch.setattr(
        incremental_loader, "CREATED", {p: dict(s) for p, s in incremental_loader.CREATED.items()}
    )
    file, text, changed = MUTANTS[mutant]
    path: Path = mutable.project / file
    monkeypatch.setattr(incremental_loader.IncrementalLoader, "_stored", stored_unless_calling(path))
    original, written = path.read_text(encoding="utf-8"), path.stat()
    assert text in original, f"{file} no longer has {text!r}: write the mutant anew"
    path.write_text(original.replace(text, changed), encoding="utf-8")
    try:
        found = next(filter(None, (world.found_in_mutant() for world in worlds)), [])
    finally:
        path.write_text(original, encoding="utf-8")
        os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))  # SQLMesh knows it by its time

    assert found, "the mutant survived"
    assert not found[0].startswith("does not run"), found


@pytest.fixture(scope="module")
def run_tests_with(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., tuple[int, str]]]:
    """Return a function from a mutant to pytest's exit code and what it prints."""
    output = tmp_path_factory.mktemp("told") / "pytest.log"
    runner = subprocess.Popen(
        [sys.executable, str(RUNNER)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def run(file: str, text: str, changed: str, tests: str) -> tuple[int, str]:
        original = (ROOT / file).read_text(encoding="utf-8")
        assert text in original, f"{file} no longer has {text!r}: write the mutant anew"
        module = file.removesuffix(".py").replace("/", ".")
        assert runner.stdin and runner.stdout
        print(json.dumps([module, text, changed, tests, str(output)]), file=runner.stdin, flush=True)
        return int(runner.stdout.readline()), output.read_text(encoding="utf-8")

    yield run
    runner.communicate()


def test_unchanged_code_survives(run_tests_with: Callable[..., tuple[int, str]]) -> None:
    code, told = run_tests_with("planwise/study/pareto.py", "DUPLICATE = 1e-9", "DUPLICATE = 1e-9", PARETO)

    assert code == 0, told


@pytest.mark.parametrize("mutant", CODE_MUTANTS)
def test_code_mutant_is_killed(run_tests_with: Callable[..., tuple[int, str]], mutant: str) -> None:
    code, told = run_tests_with(*CODE_MUTANTS[mutant])

    assert code == 1, f"survived, or does not run: {told[-2000:]}"
    assert re.search(r"\d+ failed", told), told[-2000:]
    assert "duckdb." not in told, f"does not run: {told[-2000:]}"
