"""The warehouse: plan and run a scenario's models in its environment, one writer at a time."""

import contextlib
import gc
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from sqlmesh import Context
from sqlmesh.core.context_diff import ContextDiff
from sqlmesh.core.plan import Plan, PlanBuilder
from sqlmesh.core.snapshot import SnapshotInfoLike
from sqlmesh.core.state_sync import StateReader
from sqlmesh.utils.concurrency import NodeExecutionFailedError
from sqlmesh.utils.errors import NodeAuditsErrors, PlanError, SQLMeshError

from planwise.census import Census, market_key
from planwise.engine.market_groups import kpi_models, kpis_with_groups, named_groups
from planwise.engine.outcome import ModelRun, PlanOutcome, PlanSummary, kpi_rows
from planwise.engine.preview import check_against_census, load_census_tables, load_parameter_table, load_rates
from planwise.engine.project import (
    CATALOG,
    EXECUTION_TIME,
    INTERVAL_END,
    INTERVAL_START,
    LOADING,
    MEMORY,
    OnModel,
    census_key,
    install,
    open_project,
    quoted_path,
)
from planwise.engine.publishing import GRAIN, comments
from planwise.engine.variables import sqlmesh_variables
from planwise.errors import DamagedStore, GateBlocked, InputError, PlanWiseError, machine_error
from planwise.governance.publications import PROD
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings
from planwise.storage import hold_lock, make_folder, print_wait

SIMULATE_AGAIN = "Run `planwise simulate` for the scenario again."
# `estimated_size` of a DuckDB table is its exact number of rows, without deletions.
ROWS_OF_TABLES = "SELECT table_name, estimated_size FROM duckdb_tables()"
# Environments that earlier versions made end a week after their last plan.
NO_EXPIRATION = f'UPDATE "{CATALOG}".sqlmesh._environments SET expiration_ts = NULL WHERE expiration_ts > 0'


class SimulationFailed(PlanWiseError):
    """A model could not be computed."""


class AuditFailed(GateBlocked):
    """The simulated result violates an invariant; nothing is published."""


def failure(errors: list[NodeExecutionFailedError[Any]], fallback: Exception) -> PlanWiseError:
    """Return the error that says which model failed, and why."""
    for error in errors:
        cause = error.__cause__
        if isinstance(cause, NodeAuditsErrors):
            found = "; ".join(
                f"{e.audit_name}: {e.count} row{'s'[: e.count != 1]} of {e.model_name or 'the model'}"
                for e in cause.errors
            )
            return AuditFailed(
                f"The simulated result breaks an invariant: {found}.",
                remedy="Nothing was published. Run `planwise simulate` again with default parameters; if it "
                "still fails, the models are defective; otherwise check the changed parameters.",
            )
    for cause in (*(error.__cause__ for error in errors), fallback):
        if cause is not None and (fault := machine_error(cause)) is not None:
            return fault
    if errors:
        first = errors[0]
        node = first.node[0] if isinstance(first.node, tuple) else first.node
        return SimulationFailed(f"Model {node} failed: {first.__cause__}", remedy="Nothing was published.")
    return SimulationFailed(f"The plan failed: {fallback}", remedy="Nothing was published.")


PARAMETERS = '"int_effective_parameters"'  # the one model that reads the table of parameters
MARTS = tuple(GRAIN)
PART_ROWS = 1_500_000  # of a mart in memory at once: a million of the widest take about 1 GB in a gate


class WarehouseUnusable(DamagedStore):
    """The warehouse file cannot be opened, read or written."""


# What DuckDB raises for blocks, a log or a header that are not as it wrote them, and for a full disk.
BROKEN = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
    duckdb.CatalogException,
)


@contextlib.contextmanager
def usable(database: str, *also: type[Exception]) -> Iterator[None]:
    """Raise WarehouseUnusable in place of DuckDB's errors about the warehouse's file."""
    broken: tuple[type[Exception], ...] = (*BROKEN, *also)
    try:
        yield
    except broken as error:
        raise _unusable(database, error) from error


def _unusable(database: str, error: BaseException) -> PlanWiseError:
    if (fault := machine_error(error)) is not None and not Path(database).is_dir():
        return fault
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return WarehouseUnusable(
        f"The warehouse {database} cannot be used: {reason}",
        remedy=f"If it is damaged, move {database} and the .wal file beside it away, then run the command "
        "again: published results and censuses are kept elsewhere, and the next simulation builds a new one.",
    )


class PlannedScenario:
    """A plan and its summary; `apply` runs it."""

    def __init__(
        self,
        warehouse: "Warehouse",
        plan: Plan,
        effective: EffectiveParameters,
        started: float,
        kpis_only: bool,
        market_groups: Sequence[str] = (),
    ) -> None:
        self._warehouse = warehouse
        self._plan = plan
        self._effective = effective
        self._started = started
        self._is_whole = not kpis_only
        self._market_groups = market_groups
        self._on_model: OnModel | None = None
        to_run = {interval.snapshot_id.name for interval in plan.missing_intervals}
        everything = {snapshot.name: snapshot for snapshot in plan.snapshots.values()}
        left_out = {name for name, s in everything.items() if name not in to_run and not s.intervals}
        self.summary = PlanSummary(
            environment=plan.environment.name,
            fingerprint=fingerprint(plan.snapshots.values()),
            models_to_run=_names(to_run),
            models_reused=_names(everything.keys() - to_run - left_out),
            models_left_out=_names(left_out),
        )

    def watch(self, on_model: OnModel) -> None:
        """Set a function that `apply` calls after every model."""
        self._on_model = on_model

    def apply(self) -> PlanOutcome:
        """Run the planned models and point the environment at the tables.

        Raises SimulationFailed, or AuditFailed when the result violates an invariant; the environment is
        then unchanged.
        """
        timings = self._warehouse._apply(self._plan, self._effective, self._on_model)
        if self._is_whole:  # a trial's views are not read
            self._warehouse.describe_marts(self._plan)
        return PlanOutcome(
            environment=self.summary.environment,
            fingerprint=self.summary.fingerprint,
            seconds=time.perf_counter() - self._started,
            models_run=self.summary.models_to_run,
            models_reused=self.summary.models_reused,
            kpis=self._warehouse.kpis(self.summary.environment, self._market_groups),
            timings=timings,
        )


class Warehouse:
    """Plans scenarios into environments of one database; never shared between threads or processes."""

    def __init__(self, database: Path | str, settings: Settings) -> None:
        self.database = str(database)
        self._settings = settings
        self._context: Context | None = None

    def plan(
        self,
        environment: str,
        census: Census,
        effective: EffectiveParameters,
        *,
        kpis_only: bool = False,
        market_groups: Sequence[str] = (),
    ) -> PlannedScenario:
        """Return the plan that makes an environment show a scenario; `kpis_only` leaves other marts out.

        The KPIs have the market position of the groups (`department=Police`) as well. Raises InputError when
        the parameters need levels that the census does not have.
        """
        started = time.perf_counter()
        with usable(self.database), without_collection(), LOADING:
            context = self._target(census, effective)
            plan = context.plan_builder(
                environment,
                start=INTERVAL_START,
                end=INTERVAL_END,
                execution_time=EXECUTION_TIME,
                skip_tests=True,
                skip_linter=True,
                include_unmodified=True,
                backfill_models=kpi_models(market_groups) if kpis_only else None,
            ).build()
        return PlannedScenario(self, plan, effective, started, kpis_only, market_groups)

    def kpis(self, environment: str, market_groups: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return an environment's KPIs, one object per simulated year, with the market position of groups."""
        kpis, market = (self.table(environment, m) for m in ("fct_scenario_kpis", "fct_market_position"))
        query = kpis_with_groups(kpis, market, market_groups).sql(dialect="duckdb")
        with usable(self.database):
            found = self.cursor().execute(f"{query} ORDER BY kpis.simulation_year")
            return named_groups(kpi_rows(found), market_groups)

    def frame(self, environment: str, mart: str) -> pd.DataFrame:
        """Return a mart of an environment as a pandas frame; decimals come as floats."""
        with usable(self.database):
            return self.cursor().execute(f"SELECT * FROM {self.table(environment, mart)}").df()

    def parts(self, environment: str, mart: str) -> Iterator[pd.DataFrame]:
        """Yield a mart as frames of whole years, each of at most PART_ROWS rows unless a year has more."""
        table = self.table(environment, mart)
        counted = f"SELECT simulation_year, count(*) FROM {table} GROUP BY 1 ORDER BY 1"
        groups: list[list[int]] = [[]]
        rows = 0
        for year, count in self.cursor().execute(counted).fetchall():
            if rows + count > PART_ROWS and groups[-1]:
                groups.append([])
                rows = 0
            groups[-1].append(int(year))
            rows += count
        for years in groups if len(groups) > 1 else ():
            query = f"SELECT * FROM {table} WHERE simulation_year BETWEEN {years[0]} AND {years[-1]}"
            yield self.cursor().execute(query).df()
        if len(groups) == 1:
            yield self.frame(environment, mart)

    def frames(self, environment: str, marts: Sequence[str] = MARTS) -> dict[str, pd.DataFrame]:
        """Return marts of an environment by name."""
        return {mart: self.frame(environment, mart) for mart in marts}

    def export(self, environment: str, mart: str, order: str, file: Path) -> int:
        """Write a mart of an environment to a Parquet file in a fixed order; return the number of rows."""
        query = f"SELECT * FROM {self.table(environment, mart)} ORDER BY {order}"
        with usable(self.database):
            row = self.cursor().execute(f"COPY ({query}) TO {quoted_path(file)} (FORMAT parquet)").fetchone()
        return int(row[0]) if row else 0

    def table(self, environment: str, mart: str) -> str:
        """Return the qualified name of a mart's view in an environment."""
        schema = "marts" if environment == PROD else f"marts__{environment}"
        return f'"{CATALOG}"."{schema}"."{mart}"'

    def open_state(self) -> None:
        """Open the database for its environments and tables alone; no model is loaded."""
        if self._context is None:
            self._context = self._open({}, load=False)

    def environments(self) -> list[str]:
        """Return the names of the environments."""
        return (
            [] if self._context is None else [e.name for e in self._context.state_reader.get_environments()]
        )

    @property
    def state(self) -> StateReader:
        """The environments and versions of models that are recorded."""
        assert self._context is not None
        return self._context.state_reader

    def environment_fingerprint(self, environment: str) -> str | None:
        """Return the fingerprint of what an environment shows; None without the environment."""
        found = self.state.get_environment(environment)
        return None if found is None else fingerprint(found.snapshots)

    def count_models(self, environment: str) -> int:
        """Return how many models an environment shows."""
        found = self.state.get_environment(environment)
        return 0 if found is None else len(found.snapshots)

    def is_whole(self, environment: str) -> bool:
        """Return whether an environment is finished and every model of it has been computed."""
        found = self.state.get_environment(environment)
        if found is None or found.finalized_ts is None:
            return False
        return all(
            one.intervals or one.is_symbolic for one in self.state.get_snapshots(found.snapshots).values()
        )

    def show(self, environment: str, source: str) -> None:
        """Make an environment show exactly the tables of another one: a virtual update, no model runs.

        Raises InputError when the source is missing, incomplete or not finished; nothing is then changed.
        """
        with usable(self.database), without_collection():
            plan = self._virtual_update(environment, source)
        if missing := sorted(interval.snapshot_id.name for interval in plan.missing_intervals):
            raise InputError(
                f"{len(missing)} models of {source} have not been computed; {environment} is unchanged.",
                remedy=SIMULATE_AGAIN,
            )
        self._apply(plan, None)
        self.describe_marts(plan)

    def describe_marts(self, plan: Plan) -> None:
        """Write the descriptions of marts and columns as comments on the environment's views.

        SQLMesh's own comments are a statement for each column of every table, and are not on these views.
        """
        models = {s.name: s.model for s in plan.snapshots.values() if s.is_model}
        with usable(self.database):
            statements = [
                statement
                for model in models.values()
                if (mart := model.view_name) in MARTS
                for statement in comments(
                    model, models, self.table(plan.environment.name, mart), self.cursor()
                )
            ]
            self.cursor().execute(f"BEGIN; {'; '.join(statements)}; COMMIT")

    def _virtual_update(self, environment: str, source: str) -> Plan:
        assert self._context is not None
        found = self.state.get_environment(source)
        if found is None or found.finalized_ts is None:
            raise InputError(
                f"The warehouse {self.database} has no complete environment {source}.", remedy=SIMULATE_AGAIN
            )
        snapshots = self.state.get_snapshots(found.snapshots)
        difference = ContextDiff.create(
            environment,
            snapshots={snapshot.name: snapshot for snapshot in snapshots.values()},
            create_from=source,
            state_reader=self.state,
            infer_python_dependencies=False,
        )
        in_development = environment != PROD  # the dates of production's plans are those of the models
        return PlanBuilder(
            difference,
            start=INTERVAL_START if in_development else None,
            end=INTERVAL_END if in_development else None,
            execution_time=EXECUTION_TIME,
            is_dev=in_development,
            include_unmodified=True,
            default_start=INTERVAL_START,
            end_bounded=True,
            console=install(),
        ).build()

    def checksum(self, relation: str) -> tuple[int, int]:
        """Return the number of rows of a table or query in brackets, and a hash of them in any order."""
        query = f"SELECT count(*), coalesce(sum(hash(found)), 0) FROM {relation} AS found"
        with usable(self.database):
            row = self.cursor().execute(query).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    def checksums(self, environment: str) -> dict[str, tuple[int, int]]:
        """Return the checksum of every mart of an environment."""
        return {mart: self.checksum(self.table(environment, mart)) for mart in MARTS}

    def drop(self, environment: str) -> None:
        """Drop an environment; its tables stay until `collect` finds them in no other environment."""
        if self._context is not None:
            with usable(self.database):
                self._context.invalidate_environment(environment, sync=True)

    def collect(self) -> None:
        """Free the tables that no environment shows, whatever their age."""
        if self._context is not None:
            if self.database != MEMORY:  # whose state is in a database of its own
                self.cursor().execute(NO_EXPIRATION)
            with usable(self.database):
                self._context.run_janitor(ignore_ttl=True)

    def close(self) -> None:
        """Close the database."""
        if self._context is not None:
            self._context.close()
            self._context = None

    def _target(self, census: Census, effective: EffectiveParameters) -> Context:
        variables = sqlmesh_variables(
            effective,
            census_hash=census_key(census),
            as_of=census.as_of.isoformat(),
            market_key=market_key(census),
        )
        if self._context is None:
            self._context = self._open(variables)
        elif self._context.config.variables != variables:
            self._context.config.variables.clear()
            self._context.config.variables.update(variables)
            self._context.load(update_schemas=False)
        load_census_tables(self.cursor(), census)
        load_rates(self.cursor(), self._settings, effective)
        check_against_census(self.cursor(), census, effective)
        return self._context

    def _open(self, variables: dict[str, Any], *, load: bool = True) -> Context:
        if self.database != MEMORY:
            make_folder(Path(self.database).parent)
        with usable(self.database, duckdb.Error, OSError):
            if self.database != MEMORY:  # SQLMesh would not say why it cannot be opened
                duckdb.connect(self.database).close()
            return open_project(self._settings, variables, self.database, load=load)

    def _apply(
        self, plan: Plan, effective: EffectiveParameters | None, on_model: OnModel | None = None
    ) -> tuple[ModelRun, ...]:
        assert self._context is not None
        quiet = install()
        quiet.on_model = on_model
        self._context.console = quiet
        records_parameters = any(PARAMETERS in i.snapshot_id.name for i in plan.missing_intervals)
        parameters = None
        if effective is not None and records_parameters:
            parameters = load_parameter_table(self.cursor(), effective)
        try:
            with without_collection():
                self._context.apply(plan)
        except (PlanError, SQLMeshError, duckdb.Error) as error:
            for cause in (error, *(one.__cause__ for one in quiet.errors)):
                if isinstance(cause, BROKEN):
                    raise _unusable(self.database, cause) from error
            raise failure(quiet.errors, error) from error
        finally:
            if parameters is not None:
                self.cursor().execute(f"DROP TABLE IF EXISTS {parameters}")
        rows = dict(self.cursor().execute(ROWS_OF_TABLES).fetchall()) if on_model is not None else {}
        return tuple(ModelRun(name, seconds, rows.get(table)) for name, table, seconds in quiet.timings)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return the cursor of the open database."""
        assert self._context is not None
        cursor: duckdb.DuckDBPyConnection = self._context.engine_adapter.cursor
        return cursor


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Pause the garbage collector, which would scan the parsed project repeatedly during a plan."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def fingerprint(snapshots: Iterable[SnapshotInfoLike]) -> str:
    """Return a hash of parameters, census and model code, over the marts' versions."""
    marts = sorted(
        f"{snapshot.name} {snapshot.fingerprint.data_hash} {snapshot.fingerprint.parent_data_hash}"
        for snapshot in snapshots
        if '"marts"' in snapshot.name
    )
    return hashlib.sha256("\n".join(marts).encode()).hexdigest()[:32]


def scenario_environment(scenario: str) -> str:
    """Return the environment of a named scenario."""
    return f"scenario_{scenario}"


@contextlib.contextmanager
def open_warehouse(
    settings: Settings,
    purpose: str,
    *,
    flow_run: str | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[Warehouse]:
    """Lock and open the main warehouse; raises Busy when another process keeps the lock."""
    with hold_lock(
        settings.warehouse_lock_file,
        purpose,
        timeout_seconds=settings.lock_timeout_seconds,
        flow_run=flow_run,
        on_wait=on_wait or print_wait,
    ):
        warehouse = Warehouse(settings.warehouse_file, settings)
        try:
            yield warehouse
        finally:
            warehouse.close()


def _names(fqns: set[str]) -> tuple[str, ...]:
    return tuple(sorted(fqn.replace('"', "").removeprefix(f"{CATALOG}.") for fqn in fqns))
