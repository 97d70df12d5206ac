"""Estimate parameters from yearly censuses, and backtest them: the requests, and what runs them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter
from pydantic import Field

from planwise.app.exports import record_export
from planwise.app.runner import Runner
from planwise.calibration import (
    Backtest,
    Basis,
    Calibration,
    Raises,
    YearlyCensus,
    backtest,
    backtest_json,
    backtest_markdown,
    calibrate,
    calibration_json,
    calibration_markdown,
    description,
    given_of_last,
    join_rekeyed,
    parameters_yaml,
    parse_given,
    read_years,
)
from planwise.calibration.awards import DEFAULT_ATTRIBUTE
from planwise.calibration.backtest import CENSUSES_MIN, SEEDS_MIN
from planwise.census import register_census
from planwise.census.registry import check_name
from planwise.errors import InputError
from planwise.formatting import counted
from planwise.governance import Scenario, open_ledger
from planwise.governance.request import NO_OPTION, Bounds, Request
from planwise.governance.scenarios import check_new_name
from planwise.parameters.calibrated_rates import store_rates
from planwise.settings import Settings

CENSUS_SUFFIX = "_census"
Progress = Callable[[str], None]


class CensusesRequest(Request):
    """Yearly censuses, oldest first, and the file for a report on them."""

    formats: ClassVar[frozenset[str]] = frozenset()
    sources: Annotated[tuple[str, ...], NO_OPTION] = Field(
        default=(), description="Payroll files or census names, oldest first."
    )
    mapping: Annotated[tuple[Path, ...], Parameter(negative="")] = Field(
        default=(), description="Mapping YAML: one for all files, or one per file."
    )
    as_of: str | None = Field(
        default=None, description="Census dates, one per file, e.g. 2013-06-30,2014-06-30."
    )
    levels: str | None = Field(default=None, description="pay-quantiles or ranges; overrides the mapping.")
    row_filter: Annotated[str | None, Parameter(name="--filter")] = Field(
        default=None,
        description="Boolean SQL over the files' columns, in addition to the mapping's filter.",
    )
    join_rekeyed: bool = Field(
        default=False,
        description="Take those who left and came in under another id, with the same hire date, department "
        "or title and about the same pay, for one person. They are always counted and listed.",
    )
    given: Annotated[tuple[str, ...], Parameter(negative="")] = Field(
        default=(),
        description="What is known of the year to forecast: `award.GROUP=0.03` for a group, `award=0.02` for "
        "everyone else, `headcount=13900` at its end. A backtest also takes `award=actual` and "
        "`headcount=actual`.",
    )
    award_by: str = Field(
        default=DEFAULT_ATTRIBUTE,
        description="Attribute whose groups have awards: department, job_family (such as a bargaining unit), "
        "location or manager_id.",
    )
    raises: Raises = Field(
        default="auto",
        description="merit: COLA and merit; awards: awards by group, and drift beyond them; auto: COLA and "
        "merit where their rules explain the raises.",
    )

    def dates(self) -> tuple[date, ...]:
        """Return the census dates; raises InputError for a text that is not a list of dates."""
        try:
            return tuple(date.fromisoformat(part.strip()) for part in (self.as_of or "").split(",") if part)
        except ValueError as error:
            raise InputError(
                f"--as-of {self.as_of!r} is not a list of dates.",
                remedy="Write it as 2013-06-30,2014-06-30.",
            ) from error


class CalibrateRequest(CensusesRequest):
    """Estimate the parameters; with `scenario`, save them as a new scenario."""

    formats = frozenset({".md", ".json", ".yaml"})
    basis: Basis = Field(default="mean", description="mean: all years; last: the last year only.")
    cola: float | None = Field(
        default=None, description="The COLA, if known (0.02); merit is the rest of the raise."
    )
    scenario: str | None = Field(default=None, description="Save the parameters as this new scenario.")
    output: Path | None = Field(
        default=None, description="File for the report (.md, .json) or the parameters (.yaml)."
    )


class BacktestRequest(CensusesRequest):
    """Calibrate without the last years, simulate them, and compare with the actual years."""

    formats = frozenset({".md", ".json"})
    seeds: Annotated[int, Bounds(1, 100_000)] = Field(
        default=SEEDS_MIN, description="Simulations of each held-out year."
    )
    basis: Basis = Field(default="mean", description="Rates: mean of the training years, or the last year's.")
    growth: Basis = Field(
        default="mean",
        description="Headcount growth (an input): mean of the training years, or the last year's.",
    )
    rolling: bool = Field(
        default=True, description="Also hold out earlier years, each calibrated on the years before it."
    )
    split_half: bool = Field(
        default=False,
        description="Also forecast one half of each year's people from the rates of the other half; two "
        "censuses are enough.",
    )
    output: Path | None = Field(default=None, description="File for the report: .md or .json.")


@dataclass(frozen=True)
class CalibrationReport:
    """A calibration, and the scenario that it was saved as."""

    calibration: Calibration
    saved: Scenario | None
    output: Path | None

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise calibrate --json` prints."""
        return calibration_json(self.calibration) | {
            "scenario": self.saved.name if self.saved else None,
            "census": self.saved.census if self.saved else None,
            "output": self.output,
        }


def calibrate_censuses(
    settings: Settings, request: CalibrateRequest, on_progress: Progress
) -> CalibrationReport:
    """Estimate the parameters, save the scenario and write the report; raises InputError."""
    given = parse_given(request.given)  # before files are read: a typing error is known at once
    found = calibrate(
        _read(settings, request, on_progress),
        basis=request.basis,
        cola=request.cola,
        raises=request.raises,
        award_by=request.award_by,
        given=given,
    )
    store_rates(settings, found.rates)
    saved = None if request.scenario is None else save_as_scenario(settings, found, request.scenario)
    if request.output is not None:
        _write(request.output, _written(found, request.output.suffix))
        record_export(settings, request.output, "calibration")
    return CalibrationReport(found, saved, request.output)


@dataclass(frozen=True)
class JobReport:
    """What a job of the dashboard found: the JSON that the command prints, and its report as Markdown."""

    found: dict[str, Any]
    markdown: str

    def as_json(self) -> dict[str, Any]:
        """Return both as one object."""
        return self.found | {"markdown": self.markdown}


def calibrate_job(settings: Settings, request: CalibrateRequest, run: Runner) -> JobReport:
    """Estimate the parameters as a job that reports its progress."""
    done: CalibrationReport = run(calibrate_censuses, settings, request, run.log)
    report = JobReport(done.as_json(), calibration_markdown(done.calibration, with_people=False))
    run.page("calibration", report.markdown, "The estimated parameters")
    return report


def backtest_job(settings: Settings, request: BacktestRequest, run: Runner) -> JobReport:
    """Run the backtest as a job that reports its progress."""

    def advance(share: float, message: str) -> None:
        run.advance("simulations", share, message)

    found: Backtest = run(backtest_censuses, settings, request, run.log, advance)
    report = JobReport(backtest_json(found), backtest_markdown(found))
    run.page("backtest", report.markdown, "Forecasts against what happened")
    return report


def _written(found: Calibration, suffix: str) -> str:
    if suffix == ".json":
        return _json_file(calibration_json(found))
    return parameters_yaml(found) if suffix == ".yaml" else calibration_markdown(found)


def backtest_censuses(
    settings: Settings,
    request: BacktestRequest,
    on_progress: Progress,
    on_share: Callable[[float, str], None] | None = None,
) -> Backtest:
    """Run the backtest and write its report; raises InputError.

    Each simulation is reported to `on_share` with the share of its held-out year that is done, else as a
    text.
    """

    def on_step(year: str, done: int, total: int) -> None:
        text = f"{year}: {done} of {total} simulations"
        on_progress(text) if on_share is None else on_share(done / total, text)

    given = parse_given(request.given)
    years = _read(settings, request, on_progress)
    known = (
        given_of_last(years, given, basis=request.basis, award_by=request.award_by)
        if given and len(years) >= CENSUSES_MIN
        else None
    )
    found = backtest(
        settings,
        years,
        given=known,
        raises=request.raises,
        award_by=request.award_by,
        seeds=request.seeds,
        basis=request.basis,
        growth=request.growth,
        rolling=request.rolling,
        split_half=request.split_half,
        on_step=on_step,
    )
    if request.output is not None:
        is_json = request.output.suffix == ".json"
        _write(request.output, _json_file(backtest_json(found)) if is_json else backtest_markdown(found))
        record_export(settings, request.output, "backtest")
    return found


def save_as_scenario(settings: Settings, calibration: Calibration, name: str) -> Scenario:
    """Store the levers and assumptions as scenario `name` in the ledger and return it.

    It is bound to the last census. Unless that is a census of the home with the same levels, it is
    registered as `<name>_census`, without putting it in use. Raises InputError when the name is bad or taken.
    """
    check_new_name(name)
    store_rates(settings, calibration.rates)
    last = calibration.years[-1]
    registered = last.ids_in_file is None and not calibration.scale.by_pay and not last.renamed
    census = last.name if registered else check_name(f"{name}{CENSUS_SUFFIX}")
    with open_ledger(settings) as ledger:
        if name in {scenario.name for scenario in ledger.scenarios.list(archived=True)}:
            raise InputError(
                f"The scenario {name} exists already.",
                remedy=f"Choose another name, or delete it: `planwise scenario delete {name}`.",
            )
        if not registered:
            register_census(
                settings,
                census,
                last.people.reset_index(),
                last.ranges,
                as_of=last.as_of,
                source={"kind": "calibration", "from": last.name, "currency": last.currency or None},
                availability=dict(last.availability),
                levels_from=calibration.scale.rule,
                use=False,
            )
        return ledger.scenarios.create(
            name,
            {**calibration.levers, **calibration.assumptions},
            census=census,
            description=description(calibration),
        )


def _read(
    settings: Settings, request: CalibrateRequest | BacktestRequest, on_progress: Progress
) -> tuple[YearlyCensus, ...]:
    output = request.output
    if output is not None and output.suffix not in request.formats:
        raise InputError(
            f"--output {output}: {output.suffix!r} is not a report format.",
            remedy=f"Use one of {', '.join(sorted(request.formats))}.",
        )
    on_progress(f"Reading {counted(len(request.sources), 'census', 'censuses')}")
    years = read_years(
        settings,
        request.sources,
        mappings=request.mapping,
        as_of=request.dates(),
        levels=request.levels,
        row_filter=request.row_filter,
    )
    return join_rekeyed(years) if request.join_rekeyed else years


def _json_file(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _write(output: Path, text: str) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{output} cannot be written: {error}.", remedy="Choose another --output."
        ) from error
