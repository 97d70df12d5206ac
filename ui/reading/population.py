"""Whom a published result has: what filters can choose from."""

from collections.abc import Mapping

import duckdb
import pandas as pd

from planwise.census import load_census
from planwise.comparison.reading import path
from planwise.engine.publishing import Publication
from planwise.errors import InputError
from planwise.settings import Settings
from ui.reading.selecting import DEPARTMENT, GENDER, SNAPSHOT
from ui.values.people import NOT_GIVEN, Population


def population(
    connection: duckdb.DuckDBPyConnection, publication: Publication, settings: Settings
) -> Population:
    """Return levels, departments and genders of everybody in the result, from the census on."""
    found = connection.execute(
        f"SELECT level_id, {DEPARTMENT} AS department, {GENDER} AS gender, simulation_year, "
        "count(*) AS people FROM read_parquet(?) GROUP BY ALL",
        [path(publication, SNAPSHOT)],
    ).df()
    years = tuple(int(year) for year in publication.manifest["years"])
    last = found[found["simulation_year"] == years[-1]]
    sizes = last.groupby("department")["people"].sum()
    genders = tuple(sorted(found["gender"].unique(), key=lambda name: (name == NOT_GIVEN, name)))
    return Population(
        scenario=publication.scenario,
        fingerprint=publication.fingerprint,
        years=years,
        levels=tuple(sorted(int(level) for level in found["level_id"].unique())),
        level_names=level_names(publication, settings),
        departments=tuple(
            sorted(found["department"].unique(), key=lambda name: (-int(sizes.get(name, 0)), str(name)))
        ),
        genders=() if set(genders) <= {NOT_GIVEN} else genders,
    )


def level_names(publication: Publication, settings: Settings) -> Mapping[int, str]:
    """Return the census's names of its levels; none when that census is not in the home any more."""
    told = publication.manifest["census"]
    try:
        census = load_census(settings, str(told["name"]))
    except InputError:
        return {}
    if census.content_hash != told["content_hash"] or not census.levels_file.exists():
        return {}
    levels = pd.read_parquet(census.levels_file, columns=["level_id", "name"])
    return {int(number): str(name) for number, name in levels.itertuples(index=False)}
