"""The Python API: `planwise.open(folder)` returns a home, whose methods are the use-cases of the commands.

Keyword arguments are the fields of a use-case's request, levers and assumptions by name: `cola_rate=0.02`, or
`**{"cola_rate@2028": 0.02}` for one year. Rates are 0 to 1. Errors are those of `planwise.errors`.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import ValidationError

from planwise.app.requests import GenerateRequest, IngestRequest, SimulateRequest
from planwise.app.runner import InProcessRunner, run_as_job
from planwise.console import settings_for
from planwise.errors import InputError, UnexpectedError, expected_error
from planwise.governance import Action, Scenario, open_ledger, require_role, years_of
from planwise.governance.publications import Publication, load_publication, published_scenarios
from planwise.governance.request import Request, ScenarioRequest
from planwise.governance.roles import acting_as
from planwise.jobs import JobKind
from planwise.masking import describe_error, masked_traceback
from planwise.parameters import BASELINE, canonical_overrides, catalogue, merged_overrides
from planwise.parameters.values import parse_key
from planwise.processes import PRIVATE_UMASK
from planwise.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from planwise.app.ensemble import EnsembleReport
    from planwise.app.ingest import IngestionReport
    from planwise.app.optimize import OptimizationReport
    from planwise.app.simulate import PreviewReport, SimulationReport
    from planwise.census import Census
    from planwise.comparison import Comparison
    from planwise.engine.preview import Preview

LOG = logging.getLogger("planwise")
AsRequest = TypeVar("AsRequest", bound=Request)
WHOLE_COMPANY = "simulation_year"  # the grain of the marts without groups and people


@dataclass(frozen=True)
class Mart:
    """A published table of a scenario; its columns are in docs/reference/models.md."""

    name: str
    publication: Publication

    def arrow(self) -> "pa.Table":
        """Return an Arrow table; money is decimal."""
        import pyarrow.parquet as pq

        file = self.publication.file(self.name)
        with self.publication.reading(file):
            return pq.read_table(file)

    def pandas(self) -> "pd.DataFrame":
        """Return a data frame of pandas; money is float."""
        return self.publication.frame(self.name)

    def polars(self) -> Any:
        """Return a data frame of Polars, which is not among PlanWise's requirements; money is decimal."""
        import duckdb

        with duckdb.connect() as connection:
            try:
                return connection.from_arrow(self.arrow()).pl()
            except ImportError as error:
                remedy = "Install it: pip install polars."
                raise InputError("Polars is not installed.", remedy=remedy) from error


class Home:
    """A home (`PLANWISE_HOME`), for one user. It keeps a prepared preview; `close` frees its memory.

    Progress is logged by the logger `planwise`. Every method raises Forbidden for a role that does not allow
    it, InputError for what does not exist or is out of bounds, and Busy while the warehouse is locked.
    """

    def __init__(self, settings: Settings, user: str | None = None) -> None:
        self.settings = settings
        self.user = user
        self._preview: tuple[str, Preview] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"planwise.open({str(self.settings.root)!r})"

    def close(self) -> None:
        """Free the prepared preview; the home can be used again."""
        if self._preview is not None:
            self._preview[1].close()
            self._preview = None

    def scenarios(self) -> list[Scenario]:
        """Return the baseline and all scenarios that are not archived."""
        with self._as_user(Action.READ), open_ledger(self.settings) as ledger:
            return ledger.scenarios.list()

    def published(self) -> tuple[str, ...]:
        """Return the names of the scenarios with a published result."""
        with self._as_user(Action.READ):
            return published_scenarios(self.settings)

    def create_scenario(
        self,
        name: str,
        source: str = BASELINE,
        *,
        title: str | None = None,
        census: str | None = None,
        **changes: Any,
    ) -> Scenario:
        """Store a scenario: the `source` with changes on top."""
        from planwise.census import load_census

        overrides = canonical_overrides(changes)
        with self._as_user(Action.EDIT), open_ledger(self.settings) as ledger:
            original = ledger.scenarios.get(source)
            first_year = load_census(self.settings, census or original.census).first_year
            years = years_of(merged_overrides(original.overrides, overrides), first_year)
            text = "" if source == BASELINE else None  # the baseline's does not apply to a copy
            return ledger.scenarios.clone(
                source, name, overrides, census=census, title=title, description=text, years=years
            )

    def import_census(self, file: Path | str, **options: Any) -> "IngestionReport":
        """Import a payroll file and put it in use; raises GateBlocked when its checks block it."""
        from planwise.app.ingest import ingest

        with self._as_user(Action.EDIT):
            request = _request(IngestRequest, {"file": Path(file).absolute(), **options})
            return ingest(self.settings, request, _runner())

    def generate_census(self, employees: int = 1000, **options: Any) -> "Census":
        """Generate a synthetic census and put it in use."""
        from planwise.app.ingest import generate

        with self._as_user(Action.EDIT):
            request = _request(GenerateRequest, {"employees": employees, **options})
            return generate(self.settings, request, _runner()).census

    def preview(self, scenario: str = BASELINE, **changes: Any) -> "PreviewReport":
        """Simulate in memory: `.kpis` has a dict a year. Nothing is stored, gated or published."""
        from planwise.app.simulate import preview_resolved, resolve_scenario
        from planwise.census import market_key
        from planwise.engine.preview import Preview

        with self._as_user(Action.READ):
            request = _scenario_request(ScenarioRequest, scenario, changes)
            resolved = resolve_scenario(self.settings, request)
            census = resolved.census
            key = f"{census.name} {census.content_hash} {market_key(census)}"
            if self._preview is None or self._preview[0] != key:
                self.close()
                self._preview = (key, Preview(self.settings, resolved.census))
            return preview_resolved(self._preview[1], resolved)

    def simulate(self, scenario: str = BASELINE, **changes: Any) -> "SimulationReport":
        """Simulate, gate and publish a scenario; raises SimulationBlocked when the gate blocks it."""
        from planwise.app.simulate import simulate

        with self._as_user(Action.RUN):
            request = _scenario_request(SimulateRequest, scenario, changes)
            report: SimulationReport = run_as_job(
                self.settings, JobKind.SIMULATE, request, simulate, _runner()
            )
            return report

    def optimize(self, scenario: str = BASELINE, **options: Any) -> "OptimizationReport":
        """Find the levers that meet a target, as `planwise optimize`: `target="increase=0.035"`."""
        from planwise.app.optimize import optimize
        from planwise.study.spec import OptimizeRequest

        with self._as_user(Action.RUN):
            request = _scenario_request(OptimizeRequest, scenario, options)
            report: OptimizationReport = run_as_job(
                self.settings, JobKind.OPTIMIZE, request, optimize, _runner()
            )
            return report

    def ensemble(self, scenario: str = BASELINE, **options: Any) -> "EnsembleReport":
        """Simulate under many `seeds`, alone or `against` another scenario."""
        from planwise.app.ensemble import EnsembleRequest, run_ensemble
        from planwise.risk.ensemble import UNWATCHED

        with self._as_user(Action.READ):
            request = _scenario_request(EnsembleRequest, scenario, options)
            return run_ensemble(self.settings, request, UNWATCHED)

    def compare(self, *scenarios: str) -> "Comparison":
        """Compare published scenarios, the first being the base; needs the right to see pay."""
        from planwise.app.compare import CompareRequest, compare_scenarios

        with self._as_user(Action.SEE_PAY):
            return compare_scenarios(self.settings, CompareRequest(scenarios=scenarios)).comparison

    def mart(self, name: str, scenario: str = BASELINE) -> Mart:
        """Return a published table; those by person or group need the right to see the pay of people."""
        from planwise.engine.publishing import GRAIN

        if name not in GRAIN:
            raise InputError(f"There is no mart {name!r}.", remedy=f"One of: {', '.join(GRAIN)}.")
        with self._as_user(Action.READ if GRAIN[name] == WHOLE_COMPANY else Action.SEE_PAY):
            return Mart(name, load_publication(self.settings, scenario))

    @contextmanager
    def _as_user(self, action: Action) -> Iterator[None]:
        """Act as the home's user, who must have the right; files are their owner's only."""
        with ExitStack() as stack:
            stack.callback(os.umask, os.umask(PRIVATE_UMASK))
            if self.user is not None:
                stack.enter_context(acting_as(self.user))
            try:
                require_role(self.settings, action)
                yield
            except Exception as error:
                known = expected_error(error)
                if known is error:
                    raise
                if known is None:
                    LOG.error("%s", masked_traceback(error))
                    known = UnexpectedError(f"Internal error: {describe_error(error)}")
                raise known from None  # a library's error may quote pay


def open(folder: Path | str | None = None, *, user: str | None = None, create: bool = False) -> Home:
    """Return a home: this folder, else PLANWISE_HOME, else `.planwise` here.

    `user` acts in place of the operating system's, as `--as` does. Raises InputError for a folder that does
    not exist, unless it is to be created, and Forbidden for a user without a role where others have one.
    """
    settings = settings_for(None if folder is None else Path(folder).expanduser().absolute())
    if not create and not settings.root.is_dir():
        raise InputError(
            f"There is no home {settings.root}.", remedy="Correct the path, or pass create=True."
        )
    home = Home(settings, user)
    home.scenarios()
    return home


def _runner() -> InProcessRunner:
    return InProcessRunner(LOG.info)


def _scenario_request(request: type[AsRequest], scenario: str, given: Mapping[str, Any]) -> AsRequest:
    """Return a request with levers and assumptions given by their names, beside its own fields."""
    fields = {name: value for name, value in given.items() if name in request.model_fields}
    kinds: dict[str, dict[str, Any]] = {"lever": {}, "assumption": {}}
    for name in given.keys() - fields.keys():
        parameter = parse_key(name).name
        catalogue().parameter(parameter)
        kinds[catalogue().kind(parameter)][name] = given[name]
    return _request(
        request,
        {
            **fields,
            "scenario": scenario,
            "levers": {**fields.get("levers", {}), **kinds["lever"]},
            "assumptions": {**fields.get("assumptions", {}), **kinds["assumption"]},
        },
    )


def _request(request: type[AsRequest], fields: Mapping[str, Any]) -> AsRequest:
    """Return a request; raises InputError for fields that it does not have, and values that do not fit."""
    try:
        return request(**fields)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(
            f"{problems}.", remedy=f"The arguments are: {', '.join(request.model_fields)}."
        ) from None
