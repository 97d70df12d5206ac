"""SQLMesh's own commands on a home: its warehouse, or the same models on PostgreSQL."""

import atexit
import os
import sys
from contextlib import ExitStack
from typing import Any

import duckdb
from sqlmesh.core.config import Config

from planwise.census import Census, load_census, market_key
from planwise.engine.postgres import ENGINE, load_tables, postgres_connection
from planwise.engine.preview import check_against_census, load_census_tables, load_parameter_table, load_rates
from planwise.engine.project import (
    CATALOG,
    census_key,
    config_on,
    database_options,
    project_config,
    sqlmesh_config,
)
from planwise.engine.variables import sqlmesh_variables
from planwise.errors import InputError, PlanWiseError
from planwise.governance import Action, effective_parameters, open_ledger
from planwise.parameters import EffectiveParameters
from planwise.parameters.calibrated_rates import PARTS
from planwise.processes import keep_private
from planwise.settings import Settings
from planwise.storage import hold_lock

GATEWAY_VARIABLE = "PLANWISE_GATEWAY"
OWN_GATEWAY = "duckdb"
SCENARIO_VARIABLE = "PLANWISE_SCENARIO"
LOCKS = ExitStack()  # held as long as the process of SQLMesh runs


def command_line_config() -> Config:
    """Return the configuration of SQLMesh's commands: the home's, with the parameters of PLANWISE_SCENARIO.

    Without the variable it is the project's alone, as `lint`, `format` and `test` need it. Ends the process
    with the exit code and the message of a PlanWiseError, of which SQLMesh would print a traceback.
    """
    scenario = os.environ.get(SCENARIO_VARIABLE)
    if scenario:
        keep_private()
    try:
        return home_config(Settings(), scenario) if scenario else project_config()
    except PlanWiseError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from None


def home_config(settings: Settings, scenario: str) -> Config:
    """Lock the home's warehouse for this process; return its configuration with a scenario's parameters.

    With PLANWISE_GATEWAY=postgres it is that of the database of PLANWISE_WAREHOUSE_URL; nothing is locked.
    Raises Forbidden for a role that may not see pay, InputError for an unknown scenario or a home without a
    warehouse, and Busy, naming the holder, while another process has it.
    """
    with open_ledger(settings) as ledger:
        ledger.require(Action.SEE_PAY)
        stored = ledger.scenarios.get(scenario)
        census = load_census(settings, stored.census)
        effective = effective_parameters(ledger, stored, census.first_year)
    gateway = os.environ.get(GATEWAY_VARIABLE, OWN_GATEWAY)
    if gateway == ENGINE:
        return postgres_config(settings, census, effective)
    if gateway != OWN_GATEWAY:
        raise InputError(
            f"{GATEWAY_VARIABLE} is {gateway!r}.", remedy=f"Set it to {OWN_GATEWAY} or {ENGINE}, or unset it."
        )
    file = settings.warehouse_file
    if not file.exists():
        raise InputError(
            f"The home {settings.root} has no warehouse.",
            remedy=f"Run `planwise simulate --scenario {scenario}` first.",
        )
    LOCKS.enter_context(hold_lock(settings.warehouse_lock_file, f"sqlmesh on {scenario}", timeout_seconds=0))
    atexit.register(LOCKS.close)  # before the lock's own handler, which was registered above
    return sqlmesh_config(
        file,
        _variables(census, effective),
        database_options(settings, file),
        cache_dir=settings.cache_folder / "sqlmesh",
    )


def postgres_config(settings: Settings, census: Census, effective: EffectiveParameters) -> Config:
    """Load a scenario's inputs into PostgreSQL; return the configuration of the models on it.

    Raises InputError when the database cannot be used, or the parameters do not fit the census.
    """
    connection = postgres_connection(settings.warehouse_url)
    with duckdb.connect(config={"threads": settings.threads}) as database:
        database.execute(f"ATTACH ':memory:' AS {CATALOG}")
        load_census_tables(database, census)
        check_against_census(database, census, effective)
        parameters = load_parameter_table(database, effective)
        rates = load_rates(database, settings, effective)
        names = [f"{CATALOG}.raw.{part}_{census_key(census)}" for part in ("census", "levels")]
        names += [f"{CATALOG}.raw.{part}_{rates}" for part in PARTS]
        names.append(f"{CATALOG}.raw.market_{market_key(census)}")
        tables = [database.table(name).set_alias(name.split(".")[-1]) for name in (*names, parameters)]
        load_tables(connection, tables)
    cache = settings.cache_folder / "sqlmesh"
    return config_on(connection, _variables(census, effective) | {"engine": ENGINE}, cache_dir=cache)


def _variables(census: Census, effective: EffectiveParameters) -> dict[str, Any]:
    return sqlmesh_variables(
        effective,
        census_hash=census_key(census),
        as_of=census.as_of.isoformat(),
        market_key=market_key(census),
    )
