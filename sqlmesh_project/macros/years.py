"""Blueprints: one model per simulated year, each with its own year's parameter values.

The values arrive as one JSON variable per chain, so that a change in one year's value re-versions the models
of that year and those after it, and nothing else.
"""

import json

from sqlmesh import macro


def _blueprints(years: list[dict]) -> str:
    """Return one tuple per year in an outer pair of parentheses, which a single year needs too."""
    bound = ["(" + ", ".join(f"{k} := {v}" for k, v in year.items()) + ")" for year in years]
    return "(" + ", ".join(bound) + ")"


@macro()
def dynamics_years(evaluator):
    """Return the blueprints of the dynamics chain: who leaves, joins and is promoted, by year."""
    return _blueprints(json.loads(evaluator.var("dynamics_years")))


@macro()
def pay_basis_years(evaluator):
    """Return the blueprints of what is due to whom and when, by year."""
    return _blueprints(json.loads(evaluator.var("pay_basis_years")))


@macro()
def pay_years(evaluator):
    """Return the blueprints of the pay chain, by year."""
    return _blueprints(json.loads(evaluator.var("pay_years")))


@macro()
def first_pay_year(evaluator):
    """Return the one blueprint of the first simulated year: its calendar of raises and its values."""
    calendar = json.loads(evaluator.var("pay_basis_years"))[0]
    return _blueprints([calendar | json.loads(evaluator.var("pay_years"))[0]])


@macro()
def union_years(evaluator, stem):
    """Return the union of a yearly blueprint's models over the simulated years."""
    years = json.loads(evaluator.var("simulated_years"))
    return " UNION ALL ".join(f"SELECT * FROM intermediate.{stem.name}_{year}" for year in years)


@macro()
def first_year_start(evaluator):
    """Return the first day of the first simulated year."""
    return f"'{json.loads(evaluator.var('simulated_years'))[0]}-01-01'"


@macro()
def target_growth_rows(evaluator):
    """Return the target growth of headcount by year."""
    rows = json.loads(evaluator.var("target_growth_by_year"))
    values = ", ".join(f"({year}, {growth})" for year, growth in rows)
    return f"(SELECT simulation_year, growth FROM (VALUES {values}) AS t(simulation_year, growth))"


@macro()
def simulated_year_rows(evaluator):
    """Return the simulated years as a derived table, so that an empty year keeps its row."""
    years = json.loads(evaluator.var("simulated_years"))
    values = ", ".join(f"({year})" for year in years)
    return f"(SELECT simulation_year FROM (VALUES {values}) AS t(simulation_year))"
