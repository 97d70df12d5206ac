"""SQLMesh's own command line on the project, and on the warehouse of a home."""

import atexit
import os
import sys
from contextlib import ExitStack

from sqlmesh.core.config import Config

from planwise.census import load_census
from planwise.engine.preview import census_key
from planwise.engine.project import database_options, project_config, sqlmesh_config
from planwise.engine.variables import sqlmesh_variables
from planwise.errors import InputError, PlanWiseError
from planwise.governance import Action, effective_parameters, open_ledger
from planwise.processes import keep_private
from planwise.settings import Settings
from planwise.storage import hold_lock

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

    Raises Forbidden for a role that may not see pay, InputError for an unknown scenario or a home without a
    warehouse, and Busy, naming the holder, while another process has it.
    """
    with open_ledger(settings) as ledger:
        ledger.require(Action.SEE_PAY)
        stored = ledger.scenarios.get(scenario)
        census = load_census(settings, stored.census)
        effective = effective_parameters(ledger, stored, census.first_year)
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
        sqlmesh_variables(effective, census_hash=census_key(census), as_of=census.as_of.isoformat()),
        database_options(settings, file),
        cache_dir=settings.root / "cache" / "sqlmesh",
    )
