"""The SQLMesh projects and their configuration."""

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlmesh import Context
from sqlmesh.core.config import (
    AutoCategorizationMode,
    CategorizerConfig,
    Config,
    ConnectionConfig,
    DuckDBConnectionConfig,
    GatewayConfig,
    ModelDefaultsConfig,
    PlanConfig,
)
from sqlmesh.core.config.format import FormatConfig
from sqlmesh.core.config.linter import LinterConfig
from sqlmesh.core.console import NoopConsole, set_console
from sqlmesh.core.constants import IGNORE_PATTERNS
from sqlmesh.utils.concurrency import NodeExecutionFailedError

from planwise.census import Census
from planwise.engine.incremental_loader import IncrementalLoader
from planwise.engine.sqlmesh_adapter import (
    PlanContext,
    cache_schedules,
    without_file_caches,
)
from planwise.engine.variables import sqlmesh_variables
from planwise.parameters import resolve, simulated_years
from planwise.processes import memory_bytes, raise_if_stopped
from planwise.settings import Settings

CATALOG = "planwise"
MEMORY = ":memory:"
SPILLED = ".tmp"  # behind a database's name: the folder of what does not fit in its memory
GATEWAY = "warehouse"
EXAMPLE_HASH = "example"  # the project is linted and unit-tested without any census
EXAMPLE_AS_OF = "2025-12-31"
EXAMPLE_YEARS = simulated_years(2, 2026)
SQL_WIDTH = 100
LINTER_RULES = [  # all of SQLMesh's own; a model that one does not fit says so in its `ignored_rules`
    "ambiguousorinvalidcolumn",
    "invalidselectstarexpansion",
    "noambiguousprojections",
    "nomissingaudits",
    "nomissingexternalmodels",
    "nomissingunittest",
    "noselectstar",
]
CHECKPOINT_AFTER = "256MB"  # of log: the default of 16 MB stops every third trial for a rewrite of the file

UNIT_TESTS = ["tests/*.yaml"]  # a plan does not run them; parsing them all would be a good part of a trial

# Full models have one fixed interval: what is current is decided by the fingerprint, never by today's date.
INTERVAL_START = "2020-01-01"
INTERVAL_END = "2020-01-01"
EXECUTION_TIME = "2020-01-02"


def quoted_path(file: Path) -> str:
    """Return a path as a literal of SQL."""
    return "'" + str(file).replace("'", "''") + "'"


GIB, MIB = 2**30, 2**20
MEMORY_SHARE = 1 / 6  # of the machine; Python and its frames take as much again at a million people
MEMORY_MAX_GIB = 4.0  # a million people over five years need no more


def database_options(settings: Settings, database: Path | str = MEMORY) -> dict[str, Any]:
    """Return DuckDB's options: threads, and the memory beyond which it writes to a folder of the home.

    Two databases never share the folder, and DuckDB deletes it when the database is closed.
    """
    if database == MEMORY:
        folder = settings.root / f"memory-{os.getpid()}-{secrets.token_hex(4)}{SPILLED}"
    else:
        folder = Path(f"{database}{SPILLED}")
    limit = settings.memory_limit_gib or min(memory_bytes() / GIB * MEMORY_SHARE, MEMORY_MAX_GIB)
    return {
        "threads": settings.threads,
        "memory_limit": f"{limit * GIB / MIB:.0f}MiB",
        "temp_directory": str(folder),
        "preserve_insertion_order": False,
    }


def sqlmesh_config(
    database: str | Path,
    variables: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    cache_dir: Path | None = None,
    check_columns: bool = False,
) -> Config:
    """Return the configuration of one warehouse: a DuckDB file, or `:memory:`.

    `check_columns` resolves every column against the models it comes from, which the linter's rules need and
    a plan does not: it costs more than running the models.
    """
    connection = DuckDBConnectionConfig(
        catalogs={CATALOG: str(database).replace("'", "''")},  # SQLMesh puts it in quotes
        concurrent_tasks=1,
        register_comments=False,  # a statement for each column of each table; marts have their own
        connector_config={**_escaped(options), "checkpoint_threshold": CHECKPOINT_AFTER},
    )
    return config_on(connection, variables, cache_dir=cache_dir, check_columns=check_columns)


def config_on(
    connection: ConnectionConfig,
    variables: Mapping[str, Any],
    *,
    cache_dir: Path | None = None,
    check_columns: bool = False,
) -> Config:
    """Return the configuration of the project on a database."""
    return Config(
        gateways={GATEWAY: GatewayConfig(connection=connection)},
        default_gateway=GATEWAY,
        default_test_connection=DuckDBConnectionConfig(catalogs={CATALOG: ":memory:"}),
        model_defaults=ModelDefaultsConfig(
            dialect="duckdb", start=INTERVAL_START, optimize_query=check_columns
        ),
        variables=dict(variables),
        loader=IncrementalLoader,
        ignore_patterns=[*IGNORE_PATTERNS, *([] if check_columns else UNIT_TESTS)],
        cache_dir=str(cache_dir) if cache_dir else None,
        environment_ttl=None,  # what the product keeps does not expire; `maintain` says and lists what ends
        disable_anonymized_analytics=True,
        infer_python_dependencies=False,
        plan=PlanConfig(
            auto_categorize_changes=CategorizerConfig(
                external=AutoCategorizationMode.FULL,
                python=AutoCategorizationMode.FULL,
                sql=AutoCategorizationMode.FULL,
                seed=AutoCategorizationMode.FULL,
            )
        ),
        format=FormatConfig(append_newline=True, no_rewrite_casts=True, max_text_width=SQL_WIDTH),
        linter=LinterConfig(enabled=check_columns, rules=LINTER_RULES),
    )


def _escaped(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options whose texts SQLMesh may put in quotes."""
    return {k: v.replace("'", "''") if isinstance(v, str) else v for k, v in options.items()}


def project_config() -> Config:
    """Return the configuration of the project alone: default parameters, no census, a warehouse in memory."""
    settings = Settings()
    effective = resolve(EXAMPLE_YEARS, scenario={})
    variables = sqlmesh_variables(
        effective, census_hash=EXAMPLE_HASH, as_of=EXAMPLE_AS_OF, market_key=EXAMPLE_HASH
    )
    for key in ("parameters_key", "rates_key"):  # a test names these tables; the real key follows the values
        variables[key] = EXAMPLE_HASH
    cache = settings.cache_folder / "sqlmesh"
    options = database_options(settings)
    return sqlmesh_config(MEMORY, variables, options, cache_dir=cache, check_columns=True)


HASH_DIGITS = 16


def census_key(census: Census) -> str:
    """Return the part of the content hash that names a census's tables."""
    return census.content_hash[:HASH_DIGITS]


LOADING = threading.Lock()  # the macros of a project are modules: one thread at a time loads and renders


def open_project(
    settings: Settings,
    variables: Mapping[str, Any],
    database: Path | str = MEMORY,
    *,
    load: bool = True,
    project: Path | None = None,
) -> Context:
    """Return a context with every model loaded, or without models for the state alone.

    It owns a connection and must be closed. `project` is another one than the simulation's.
    """
    cache = settings.cache_folder / "sqlmesh"
    config = sqlmesh_config(database, variables, database_options(settings, database), cache_dir=cache)
    cache_schedules()
    context = PlanContext(paths=[project or settings.require_project()], config=config, load=False)
    if load:
        context.load(update_schemas=False)
    without_file_caches(context)
    return context


def rendered_queries(settings: Settings, project: Path, variables: Mapping[str, Any]) -> dict[str, str]:
    """Return the SQL of every model of a project by its name, in an order that can run."""
    with LOADING, contextlib.closing(open_project(settings, variables, project=project)) as context:
        return {
            context.models[fqn].name: context.models[fqn].render_query_or_raise().sql(dialect="duckdb")
            for fqn in context.dag.sorted
            if fqn in context.models
        }


def standalone_config(variables: Mapping[str, Any]) -> Config:
    """Return the configuration of SQLMesh's commands on a project without a home: in memory, checked."""
    settings = Settings()
    cache = settings.cache_folder / "sqlmesh"
    config = sqlmesh_config(
        MEMORY, variables, database_options(settings), cache_dir=cache, check_columns=True
    )
    rules = [
        "ambiguousorinvalidcolumn",
        "invalidselectstarexpansion",
    ]  # nothing is planned, so audits never run
    return config.copy(update={"linter": LinterConfig(enabled=True, rules=rules)})


OnModel = Callable[[int, int, str], None]
"""Called after each model with the number run, the total, and its name."""


class QuietConsole(NoopConsole):
    """Prints nothing; remembers the errors of the last plan."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[NodeExecutionFailedError[Any]] = []
        self.on_model: OnModel | None = None
        self.timings: list[tuple[str, str, float]] = []  # model, its table, seconds
        self._total = self._done = 0

    def start_evaluation_progress(self, batched_intervals: Any, *_: Any, **__: Any) -> None:
        """Record how many models will run."""
        self._total, self._done = len(batched_intervals), 0

    def start_snapshot_evaluation_progress(self, *_: Any, **__: Any) -> None:
        """Stop before a model when a query was interrupted, which SQLMesh takes for a failed model."""
        raise_if_stopped()

    def update_snapshot_evaluation_progress(
        self, snapshot: Any, interval: Any, batch_idx: int, duration_ms: int | None, *_: Any, **__: Any
    ) -> None:
        """Report that one more model has run, including its audits."""
        self._done += 1
        if self.on_model is not None:
            name, table = (
                str(n).replace('"', "").rpartition(".")[2] for n in (snapshot.name, snapshot.table_name())
            )
            self.timings.append((name, table, (duration_ms or 0) / 1000))
            self.on_model(min(self._done, self._total), self._total, name)

    def log_failed_models(self, errors: list[NodeExecutionFailedError[Any]]) -> None:
        """Keep the errors of models that failed."""
        self.errors = list(errors)


def install() -> QuietConsole:
    """Set a quiet console for SQLMesh in this process."""
    console = QuietConsole()
    set_console(console)
    return console
