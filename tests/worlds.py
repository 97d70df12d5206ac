"""Tiny worlds and a direct runner: every model's own SQL on an in-memory DuckDB, without plan bookkeeping."""

import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from earlier_defaults import EARLIER
from sqlmesh import Context
from sqlmesh.core.model import SqlModel

from planwise.census import Census, load_census, market_key, register_census
from planwise.census.market import MARKET, NO_MARKET, store_market
from planwise.engine.preview import load_census_tables, load_parameter_table, load_rates
from planwise.engine.project import CATALOG, MEMORY, census_key, database_options, sqlmesh_config
from planwise.engine.variables import bindings, sqlmesh_variables
from planwise.engine.warehouse import MARTS
from planwise.enrichment.market import census_market
from planwise.parameters import EffectiveParameters, resolve, simulated_years
from planwise.settings import Settings

ANY = "any"  # one name for every world's census, so that another census renders nothing again
PLACEHOLDER = re.compile(r"\$(\w+)")
AS_OF = date(2025, 12, 31)
LEVELS = ((1, 40_000, 60_000), (2, 60_000, 90_000), (3, 90_000, 130_000))
# Nobody leaves, joins or rises, and no raise but the one a test turns on: what a test shows is what it sets.
STILL = EARLIER | {
    "years": 1,
    "headcount_growth": 0,
    "termination_rate": 0,
    "new_hire_termination_rate": 0,
    "market_movement": 0,
    "range_adjustment": 0,
    "merit_rate_level_1": 0.033,
    "new_hire_salary_adjustment": 1.15,
    "hire_range_position": 0.35,
    "hire_range_spread": 0.15,
    **{f"promotion_probability_level_{level}": 0 for level in (1, 2, 3, 4)},
}


def employee(employee_id: str = "A", **facts: Any) -> dict[str, Any]:
    """Return a census row; what a test does not say is unremarkable."""
    return {
        "employee_id": employee_id,
        "hire_date": date(2020, 1, 1),
        "base_pay": 50_000,
        "job_title": "Analyst",
        "department": "Ops",
        "level_id": 1,
        "birth_date": date(1985, 6, 15),
        "gender": None,
        "ethnicity": None,
        "performance_rating": 3,
        "fte": 1,
    } | facts


def levels_frame(levels: Iterable[tuple[int, float, float]] = LEVELS) -> pd.DataFrame:
    return pd.DataFrame(
        [{"level_id": i, "name": f"L{i}", "minimum": low, "maximum": high} for i, low, high in levels]
    )


def effective_for(census: Census, parameters: Mapping[str, Any]) -> EffectiveParameters:
    years = simulated_years(parameters.get("years", 5), census.first_year)
    return resolve(years, scenario={k: v for k, v in parameters.items() if k != "years"})


@dataclass
class Result:
    """The marts of one run, and what its audits found (audit name: rows)."""

    frames: dict[str, pd.DataFrame]
    broken: dict[str, int]

    def __getattr__(self, mart: str) -> pd.DataFrame:
        try:
            return self.frames[
                {"events": "fct_yearly_events", "snapshot": "fct_workforce_snapshot"}.get(mart, f"fct_{mart}")
            ]
        except KeyError:
            raise AttributeError(mart) from None

    def person(self, employee_id: str, year: int = 2026) -> dict[str, Any]:
        s = self.snapshot
        return s[(s.employee_id == employee_id) & (s.simulation_year == year)].iloc[0].to_dict()

    def pay(self, employee_id: str, year: int = 2026) -> float:
        return float(self.person(employee_id, year)["base_pay"])

    def chain(self, employee_id: str, year: int = 2026) -> list[tuple[str, str, float]]:
        """Return reason, effective date and pay after each event of a person's year."""
        e = self.events
        e = e[(e.employee_id == employee_id) & (e.simulation_year == year)].sort_values("event_sequence")
        return [
            (r.event_reason, str(r.effective_date)[:10], float(r.compensation_amount)) for r in e.itertuples()
        ]

    def kpi(self, year: int = 2026) -> dict[str, Any]:
        k = self.scenario_kpis
        return k[k.simulation_year == year].iloc[0].to_dict()


class Direct:
    """One SQLMesh context; runs a world's models in dependency order on a fresh in-memory DuckDB.

    `literal` renders numbers into the SQL, as a plan does; else they are bound, as in a preview, and a world
    that differs in numbers only is not rendered again.
    """

    def __init__(self, project: Path | None = None, literal: bool = False) -> None:
        session = Path(os.environ["PLANWISE_HOME"])  # conftest's own, removed at the end
        session.mkdir(parents=True, exist_ok=True)
        self.home = Path(tempfile.mkdtemp(dir=session))
        self.settings = Settings(home=self.home)
        self.project = project or self.settings.project
        self._literal = literal
        self._context: Context | None = None
        self._models: dict[int, Rendered] = {}

    def census(
        self,
        rows: Iterable[Mapping[str, Any]] | pd.DataFrame,
        levels: pd.DataFrame | None = None,
        as_of: date = AS_OF,
        market: Iterable[Mapping[str, Any]] | None = None,
    ) -> Census:
        """Register a census; `market` has its titles as the survey's matches: name, status, p10 to p90."""
        frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
        census = register_census(
            self.settings, "world", frame, levels_frame() if levels is None else levels, as_of=as_of
        )
        if market is None:  # content that is registered again is the same census
            (census.census_file.parent / MARKET).unlink(missing_ok=True)
        else:
            columns = ["name", "status", "matched_id", "matched_name", "p10", "p25", "p50", "p75", "p90"]
            store_market(census, census_market(pd.DataFrame(list(market), columns=columns)), {})
        return load_census(self.settings, "world")

    def context(self, census: Census, effective: EffectiveParameters) -> Context:
        as_of = census.as_of.isoformat()
        market = ANY if census.market else NO_MARKET
        variables = sqlmesh_variables(
            effective, census_hash=ANY, as_of=as_of, market_key=market, bound=self._literal
        )
        variables["parameters_key"] = ANY
        if self._context is None:
            config = sqlmesh_config(
                MEMORY,
                variables,
                database_options(self.settings),
                cache_dir=self.settings.cache_folder / "sqlmesh",
            )
            self._context = Context(paths=[self.project], config=config, load=False)
        else:
            self._context.config.variables.clear()
            self._context.config.variables.update(variables)
        self._context.load(update_schemas=False)
        return self._context

    def run(
        self,
        census: Census,
        effective: EffectiveParameters,
        *,
        audits: bool = True,
        marts: Iterable[str] = MARTS,
        threads: int = 1,
    ) -> Result:
        order = self.order(census, effective)
        with self.database(census, effective, threads) as database:
            broken: dict[str, int] = {}
            for rendered in order:
                self.make(database, rendered, effective)
                for check, count in broken_rows(database, rendered.audits(audits)).items():
                    broken[check] = broken.get(check, 0) + count
            return Result({m: frame_of(database, m) for m in marts}, broken)

    def order(self, census: Census, effective: EffectiveParameters) -> list["Rendered"]:
        """Return the models as SQL, each after those that it reads."""
        context = self.context(census, effective)
        return [self._rendered(context.models[n]) for n in context.dag.sorted if n in context.models]

    @contextmanager
    def database(
        self, census: Census, effective: EffectiveParameters, threads: int = 1
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a database that has what the models read."""
        with duckdb.connect(":memory:", config={"threads": threads}) as database:
            database.execute(f"ATTACH ':memory:' AS {CATALOG}; USE {CATALOG}")
            load_census_tables(database, census)
            load_rates(database, self.settings, effective)
            for part in ("census", "levels"):
                database.execute(f"ALTER TABLE raw.{part}_{census_key(census)} RENAME TO {part}_{ANY}")
            if census.market:
                database.execute(f"ALTER TABLE raw.market_{market_key(census)} RENAME TO market_{ANY}")
            parameters = load_parameter_table(database, effective)
            database.execute(f"ALTER TABLE {parameters} RENAME TO parameters_{ANY}")
            for schema in ("staging", "intermediate", "marts"):
                database.execute(f"CREATE SCHEMA {schema}")
            yield database

    def make(
        self, database: duckdb.DuckDBPyConnection, rendered: "Rendered", effective: EffectiveParameters
    ) -> None:
        """Make a model's table, or make it anew."""
        values = {} if self._literal else bindings(effective)
        database.execute(rendered.table, {n: values[n] for n in rendered.placeholders} or None)

    def macro(self, name: str) -> Callable[..., Any]:
        """Return the function of one of the project's macros."""
        if self._context is None:
            self.world([employee()], STILL)
        assert self._context is not None
        return self._context._macros[name].func

    def _rendered(self, model: SqlModel) -> "Rendered":
        """Return a model's SQL; the loader keeps the very object of one that has not changed."""
        if id(model) not in self._models:
            self._models[id(model)] = Rendered(model)
        return self._models[id(model)]

    def world(
        self,
        rows: Iterable[Mapping[str, Any]] | pd.DataFrame,
        parameters: Mapping[str, Any],
        levels: pd.DataFrame | None = None,
        as_of: date = AS_OF,
        market: Iterable[Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> Result:
        """Run a world and insist that no audit of the project finds a row."""
        census = self.census(rows, levels, as_of, market)
        result = self.run(census, effective_for(census, parameters), **options)
        assert result.broken == {}
        return result


class Rendered:
    """One model as SQL that runs, and its audits as counts of the rows they find."""

    def __init__(self, model: SqlModel) -> None:
        self.model = model  # kept, so that its id stays taken
        query = model.render_query_or_raise().sql(dialect="duckdb")
        self.table = f"CREATE OR REPLACE TABLE {model.name} AS {query}"
        self.placeholders = dict.fromkeys(PLACEHOLDER.findall(self.table))
        self._audits: dict[str, str] | None = None

    def audits(self, wanted: bool) -> dict[str, str]:
        if not wanted:
            return {}
        if self._audits is None:
            found = {  # with arguments, because a model may have one audit of several columns
                f"{check.name} {arguments}": self.model.render_audit_query(check, **arguments).sql("duckdb")
                for check, arguments in self.model.audits_with_args
            }
            self._audits = {key: f"SELECT COUNT(*) FROM ({sql}) AS found" for key, sql in found.items()}
        return self._audits


def broken_rows(database: duckdb.DuckDBPyConnection, audits: Mapping[str, str]) -> dict[str, int]:
    """Return how many rows break which audit, by its name."""
    found: Counter[str] = Counter()
    for check, sql in audits.items():
        ((count,),) = database.execute(sql).fetchall()
        found[check.split()[0]] += count
    return dict(+found)


def frame_of(database: duckdb.DuckDBPyConnection, mart: str) -> pd.DataFrame:
    """Return a mart, its rows in the order of its columns: the table itself has none."""
    return database.execute(f"SELECT * FROM marts.{mart} ORDER BY ALL").df()


@cache
def shared(literal: bool = False) -> Direct:
    """Return the runner of this session: one SQLMesh context for all worlds."""
    return Direct(literal=literal)


def world(
    rows: Iterable[Mapping[str, Any]] | pd.DataFrame, parameters: Mapping[str, Any], **options: Any
) -> Result:
    """Run a world on the session's runner; every audit must hold."""
    return shared().world(rows, parameters, **options)
