"""The only reader of the dashboard: published Parquet, censuses and the studies' files, no warehouse."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from planwise.errors import InputError
from planwise.formatting import Local, currency_mark, natural_order
from planwise.gate import GateResult
from planwise.governance.proposals import ReleaseProposal
from planwise.governance.publications import (
    CURRENT,
    MANIFEST,
    PROD,
    Publication,
    fingerprint_in_force,
    load_publication,
    published_scenarios,
)
from planwise.settings import Settings
from ui.cache import BoundedCache
from ui.queries.approvals import ApprovalReader
from ui.queries.audit import AuditReader
from ui.queries.comparisons import ComparisonReader
from ui.queries.individual_pay import IndividualPay
from ui.queries.jobs import JobsReader
from ui.queries.learning import LearningReader
from ui.queries.matches import MatchReader
from ui.queries.people import PeopleReader
from ui.queries.pipeline import PipelineReader
from ui.queries.releases import ReleaseReader
from ui.queries.scenario_status import StatusReader, SweepReader
from ui.queries.scenarios import CensusReader, ScenarioNames, ScenarioReader
from ui.queries.studies import StudyReader
from ui.values.results import Result, ScenarioLabels, Unreadable, suppress_small_groups
from ui.values.user import User

BASELINE = "baseline"
RESULTS_KEPT = 64  # a result is a few hundred rows
Item = TypeVar("Item")


class Store:
    """Reads one home; shared by all sessions. Results are cached by fingerprint; all else has its reader."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.plans = ScenarioReader(settings)
        self.censuses = CensusReader(settings, self.plans)
        self.names = ScenarioNames(settings, self.plans)
        self.people = PeopleReader(settings)
        self.approvals = ApprovalReader(settings)
        self.releases = ReleaseReader(settings)
        self.jobs = JobsReader(settings)
        self.pipeline = PipelineReader(settings)
        self.learning = LearningReader(settings)
        self.matches = MatchReader(settings)
        self.studies = StudyReader(settings, self.plans)
        self.comparisons = ComparisonReader(settings)
        self.sweeps = SweepReader(settings)
        self.statuses = StatusReader(settings, censuses=self.censuses.version)
        self._locals: BoundedCache[Local] = BoundedCache(RESULTS_KEPT)
        self._results: BoundedCache[Result] = BoundedCache(RESULTS_KEPT)  # as published
        self._named: BoundedCache[Result] = BoundedCache(RESULTS_KEPT)  # as shown

    @property
    def home(self) -> Path:
        """The folder that holds everything."""
        return self._settings.root

    @property
    def has_census(self) -> bool:
        """Whether a census is in use."""
        return any(name == "current" for name, _ in self.censuses.version())

    @property
    def is_new(self) -> bool:
        """Whether the home has neither a census nor a published result."""
        return not self.censuses.version() and not self.scenarios()

    def individual_pay(self, user: User) -> IndividualPay:
        """Return the reader of single people; raises InputError unless the user may see their pay."""
        return IndividualPay(self._settings, self.people, user)

    def audit(self, user: User) -> AuditReader:
        """Return the reader of the audit trail; raises Forbidden unless the user's role may read it."""
        return AuditReader(self._settings, user)

    def version(self) -> Hashable:
        """Return a value that changes whenever there is something new to see; costs a few `stat` calls."""
        published = self._settings.published_dir
        results = tuple((name, _stamp(published / name / CURRENT)) for name in self.scenarios())
        others = (self.studies, self.sweeps, self.jobs, self.censuses, self.plans, self.matches)
        return results, *(reader.version() for reader in others)

    def labels(self) -> ScenarioLabels:
        """Return what scenarios are called."""
        return self.plans.labels()

    def scenarios(self, *, archived: bool = False) -> tuple[str, ...]:
        """Return the published scenarios: the baseline first, then by label, those that are gone last."""
        labels = self.labels()
        names = [
            name for name in published_scenarios(self._settings) if archived or not labels.is_archived(name)
        ]

        def place(name: str) -> tuple[Any, ...]:
            gone = labels.is_archived(name) or labels.is_deleted(name)
            return name != BASELINE, gone, natural_order(labels.of(name)), name

        return tuple(sorted(names, key=place))

    def local(self, census: str | None = None, content_hash: str = "", currency: str | None = None) -> Local:
        """Return how figures of a census are written, by default of the one in use.

        One that is gone or has other content now has no names of levels; `currency` is its result's.
        """
        key = census, content_hash, self.censuses.version()
        return self._locals.get(key, lambda: self._read_local(census, content_hash, currency))

    def _read_local(self, census: str | None, content_hash: str, currency: str | None) -> Local:
        try:
            found = self.plans.census(census)
        except InputError:
            return Local(currency_mark(currency or ""))
        if content_hash and found.content_hash != content_hash:
            return Local(currency_mark(currency or ""))
        return Local(currency_mark(found.currency if currency is None else currency), found.levels or None)

    def why_not_proposed(self, scenario: str, proposals: Sequence[ReleaseProposal] | None = None) -> str:
        """Return why a scenario cannot be put up for approval; empty when it can be."""
        labels = self.labels()
        if scenario in (BASELINE, PROD):
            return "It is what is in force; choose a scenario with other levers."
        if scenario not in labels.stored:
            return "The scenario was deleted; only its result is left."
        if labels.is_archived(scenario):
            return "The scenario is archived; restore it first."
        if scenario not in published_scenarios(self._settings):
            return "It has no published result; run it first."
        if (stale := self.statuses.stale(scenario)) is not None:
            return f"Its result is out of date; run it again. {stale.why}"
        found = self.approvals.open_of(scenario, proposals)
        return "" if found is None else f"Proposal {found.id} of it is {found.status}."

    def proposable(self, proposals: Sequence[ReleaseProposal]) -> tuple[str, ...]:
        """Return the scenarios that can be put up for approval."""
        return tuple(name for name in self.scenarios() if not self.why_not_proposed(name, proposals))

    def rehearsable(self) -> tuple[str, ...]:
        """Return the scenarios whose rollout in phases can be rehearsed, by label."""
        from planwise.release.rollout import is_phase

        labels = self.labels()
        names = [
            name
            for name in labels.stored
            if name not in (BASELINE, PROD) and not labels.is_archived(name) and not is_phase(name)
        ]
        return tuple(sorted(names, key=lambda name: labels.of(name).casefold()))

    def study_of(self, scenario: str) -> str | None:
        """Return the study that found a scenario's levers, which its description names."""
        about = self.plans.get(scenario).description
        return next((one.name for one in self.studies.list() if one.name in about), None)

    def results(self, *, archived: bool = False) -> tuple[tuple[Result, ...], tuple[Unreadable, ...]]:
        """Return the results in force, and those that cannot be read with the remedy."""
        return _sort_out(self.scenarios(archived=archived), self.result)

    def result(self, scenario: str) -> Result:
        """Return a scenario's result in force; raises InputError when there is none or it is damaged."""
        try:
            return self._result(scenario)
        except InputError:
            # Two publications in a row remove the folder that was in force a moment ago.
            return self._result(scenario)

    def _result(self, scenario: str) -> Result:
        fingerprint = fingerprint_in_force(self._settings, scenario)
        stamp = _stamp(self._settings.published_dir / scenario / fingerprint / MANIFEST)
        key = scenario, fingerprint, stamp
        found = self._results.get(key, lambda: _read(load_publication(self._settings, scenario)))
        census = found.manifest["census"]
        local, label = (
            self.local(census["name"], census["content_hash"], census.get("currency")),
            self.labels().of(scenario),
        )
        return self._named.get((*key, label, local.mark), lambda: replace(found, label=label, local=local))


def _sort_out(
    names: tuple[str, ...], read: Callable[[str], Item]
) -> tuple[tuple[Item, ...], tuple[Unreadable, ...]]:
    items, unreadable = [], []
    for name in names:
        try:
            items.append(read(name))
        except InputError as error:
            unreadable.append(Unreadable(name, error.what, error.remedy or ""))
    return tuple(items), tuple(unreadable)


def _read(publication: Publication) -> Result:
    with publication.reading(publication.folder, pa.ArrowException):
        result = Result(
            scenario=publication.scenario,
            fingerprint=publication.fingerprint,
            manifest=publication.manifest,
            kpis=_mart(publication, "fct_scenario_kpis"),
            growth=_mart(publication, "fct_compensation_growth"),
            budget=_mart(publication, "fct_budget"),
            levels=suppress_small_groups(_mart(publication, "fct_level_summary")),
        )
        _ = (publication.manifest["versions"], GateResult.from_json(publication.manifest["gate"]))
        if not result.years:
            raise ValueError("no simulated year in it")
        _ = (result.target, result.payroll_budget)
        return result


def _mart(publication: Publication, mart: str) -> pd.DataFrame:
    """Read a mart by its grain's order; decimals come as floats."""
    table = pq.read_table(publication.file(mart), partitioning=None)
    fields = [
        field.with_type(pa.float64()) if pa.types.is_decimal(field.type) else field for field in table.schema
    ]
    frame: pd.DataFrame = table.cast(pa.schema(fields)).to_pandas()
    return frame.sort_values("simulation_year", kind="stable")


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size
