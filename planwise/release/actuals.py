"""Actuals after a release against the plan's figures: what has to be looked at, and when.

A trigger recommends; it changes nothing. Payroll, headcount and market position are compared with the plan's
at the end of the year of the actuals, turnover with that of the year.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any

from planwise.census.reader import read_bytes, read_csv
from planwise.comparison.sources import ACTIVE, damage_named, mart_rows, path, reader, require_columns, rows
from planwise.errors import InputError
from planwise.governance.publications import PROD, Publication, load_publication, published_scenarios
from planwise.parameters import BASELINE, Risk
from planwise.release.assessment import ROUNDED
from planwise.settings import Settings

FILE_BYTES_MAX = 5_000_000
REVIEW_DAYS = 30
DATE, METRIC, VALUE, BEFORE = "date", "metric", "value", "baseline"
# What is observed: a share where it says so, and the KPI of the plan that it is compared with.
METRICS: Mapping[str, str | None] = {
    "payroll": "payroll",
    "headcount": "headcount",
    "turnover": "turnover_total",
    "satisfaction": None,
    "market_position": "market_position",
}
RATES = frozenset({"turnover"})
LONG = (METRIC, VALUE)
NUMBER = re.compile(
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.?\d+(?:e[+-]?\d+)?) ?(?P<percent>%?)", re.I
)
LAYOUT = (
    f"Write the columns {METRIC},{VALUE} (and {DATE}, {BEFORE} if there are any), or one row per {DATE} "
    f"with the columns {', '.join(METRICS)}."
)


@dataclass(frozen=True)
class Observation:
    """One observed figure; `before` is the figure to compare it with where the file gives one."""

    on: date
    metric: str
    value: float
    before: float | None = None


@dataclass(frozen=True)
class Actuals:
    """The observations of a file, by date, and its SHA-256."""

    observations: tuple[Observation, ...]
    sha256: str


@dataclass(frozen=True)
class ReleasedFigures:
    """The figures of the plan in force, by year and metric; None where the plan cannot give one."""

    scenario: str
    fingerprint: str
    years: Mapping[int, Mapping[str, float | None]]


@dataclass(frozen=True)
class Trigger:
    """A deviation from the plan, as a share of it, from which on people have to look."""

    name: str
    metric: str
    limit: float
    severity: Risk


TRIGGERS = (
    Trigger("budget overrun", "payroll", 0.10, Risk.HIGH),
    Trigger("turnover", "turnover", 0.20, Risk.HIGH),
    Trigger("satisfaction", "satisfaction", -0.15, Risk.MEDIUM),
    Trigger("market position", "market_position", -0.10, Risk.MEDIUM),
)


@dataclass(frozen=True)
class ActualCheck:
    """One observation beside the plan; `why` says why it cannot be compared. Headcount has no trigger."""

    on: date
    metric: str
    actual: float
    planned: float | None
    trigger: Trigger | None
    why: str | None = None

    @property
    def deviation(self) -> float | None:
        """Actual minus plan, as a share of the plan."""
        return round((self.actual - self.planned) / self.planned, ROUNDED) if self.planned else None

    @property
    def fired(self) -> bool:
        """Whether the deviation has reached the trigger's limit."""
        if self.trigger is None or self.deviation is None:
            return False
        limit = self.trigger.limit
        return self.deviation >= limit if limit > 0 else self.deviation <= limit

    def as_json(self) -> dict[str, Any]:
        """Return the check as JSON values."""
        trigger = None if self.trigger is None else asdict(self.trigger)
        own = {"on": self.on.isoformat(), "metric": self.metric, "actual": self.actual}
        compared = {"planned": self.planned, "deviation": self.deviation, "why": self.why}
        return own | compared | {"trigger": trigger, "fired": self.fired}


def rollback_recommended(checks: Iterable[ActualCheck]) -> bool:
    """Return whether a trigger of high severity fired."""
    return any(one.fired and one.trigger is not None and one.trigger.severity is Risk.HIGH for one in checks)


def review_date(released_at: datetime) -> date:
    """Return the day on which a release is reviewed."""
    return (released_at.astimezone(UTC) + timedelta(days=REVIEW_DAYS)).date()


def check_actuals(observations: Sequence[Observation], plan: ReleasedFigures) -> tuple[ActualCheck, ...]:
    """Compare every observation with the file's own earlier figure, else with the plan's of its year."""
    by_metric = {trigger.metric: trigger for trigger in TRIGGERS}
    return tuple(_check(one, plan, by_metric.get(one.metric)) for one in observations)


def _check(one: Observation, plan: ReleasedFigures, trigger: Trigger | None) -> ActualCheck:
    planned, why = one.before, None
    if planned is None and one.on.year not in plan.years:
        years = ", ".join(map(str, plan.years))
        why = f"the plan of {plan.scenario} has no year {one.on.year}, only {years}"
    elif planned is None:
        planned = plan.years[one.on.year][one.metric]
        if planned is None:
            why = f"the plan has no figure; give one in a column or a row `{BEFORE}`"
    if planned == 0:
        why = "the figure to compare with is 0"
    return ActualCheck(one.on, one.metric, one.value, planned, trigger, why)


def plan_in_force(settings: Settings) -> str:
    """Return what actuals are compared with: what is released, else the baseline."""
    return PROD if PROD in published_scenarios(settings) else BASELINE


def load_plan_figures(settings: Settings) -> ReleasedFigures:
    """Return the figures of the released plan, else of the baseline; raises InputError without either."""
    publication = load_publication(settings, plan_in_force(settings))
    with reader() as connection:
        kpis = mart_rows(connection, publication, "fct_scenario_kpis")
    positions = _market_positions(publication)
    years = {
        int(row["simulation_year"]): {
            metric: _number(row.get(kpi) if kpi else None) for metric, kpi in METRICS.items()
        }
        | {"market_position": positions.get(row["simulation_year"])}
        for row in sorted(kpis, key=lambda row: int(row["simulation_year"]))
    }
    return ReleasedFigures(publication.scenario, publication.fingerprint, years)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _market_positions(publication: Publication) -> dict[int, float | None]:
    """Return the mean of pay / market reference of the active, by year: 1 is at the market."""
    with reader() as connection, damage_named(publication):
        require_columns(connection, publication, "fct_workforce_snapshot", "market_reference")
        found = rows(
            connection,
            "SELECT simulation_year, avg(CAST(base_pay AS DOUBLE) / CAST(market_reference AS DOUBLE)) "
            "AS mean FROM read_parquet(?) WHERE list_contains(?, employment_status) GROUP BY 1",
            [path(publication, "fct_workforce_snapshot"), list(ACTIVE)],
        )
    return {int(row["simulation_year"]): row["mean"] for row in found}


def read_actuals(file: Path, *, today: date) -> Actuals:
    """Read a CSV file in one of the two layouts; figures without a date are of `today`.

    Raises InputError that names the line and column of what cannot be used.
    """
    content = read_bytes(file, FILE_BYTES_MAX)
    records, _ = read_csv(content, file.name)
    written = [
        (line, [cell.strip() for cell in cells]) for line, cells in records if any(map(str.strip, cells))
    ]
    if len(written) < 2:
        raise InputError(f"{file.name} has no row of actuals.", remedy=LAYOUT)
    headers = [_key(cell) for cell in written[0][1]]
    _check_headers(headers, file.name)
    lines = []
    for line, cells in written[1:]:
        if len(cells) > len(headers) and any(cells[len(headers) :]):
            raise InputError(
                f"{file.name}, line {line}: {len(cells)} fields, the header has {len(headers)}.",
                remedy="Put amounts with commas in quotes, or write them without.",
            )
        lines.append(_Line(file.name, line, dict(zip(headers, cells, strict=False))))
    read = _long(lines, today) if METRIC in headers else _wide(lines)
    found = tuple(sorted(read, key=lambda one: (one.on, list(METRICS).index(one.metric))))
    places = [(one.on, one.metric) for one in found]
    if twice := sorted({f"{metric} of {on}" for on, metric in places if places.count((on, metric)) > 1}):
        raise InputError(f"{file.name} has {twice[0]} twice.", remedy="Leave one of them out.")
    if not found:
        raise InputError(f"{file.name} has no figure.", remedy=LAYOUT)
    return Actuals(found, sha256(content).hexdigest())


def _key(text: str) -> str:
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def _check_headers(headers: Sequence[str], file_name: str) -> None:
    known = (METRIC, VALUE, DATE, BEFORE) if METRIC in headers else (DATE, *METRICS)
    needed = LONG if METRIC in headers else (DATE,)
    if missing := [name for name in needed if name not in headers]:
        raise InputError(f"{file_name} has no column {missing[0]}.", remedy=LAYOUT)
    for header in headers:
        if header not in known:
            near = get_close_matches(header, known, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise InputError(f"{file_name} has an unknown column {header[:40]!r}.", remedy=f"{hint}{LAYOUT}")
        if headers.count(header) > 1:
            raise InputError(f"{file_name} has the column {header} twice.", remedy="Leave one of them out.")


@dataclass(frozen=True)
class _Line:
    """One row of a file, by header."""

    file_name: str
    number: int
    cells: Mapping[str, str]

    def error(self, what: str, remedy: str) -> InputError:
        return InputError(f"{self.file_name}, line {self.number}: {what}", remedy=remedy)

    def figure(self, column: str, metric: str) -> float | None:
        """Return a figure of the line; None for an empty cell."""
        text = self.cells.get(column, "")
        if not text:
            return None
        found = NUMBER.fullmatch(text)
        if found is None:  # the text is not quoted: it may be pay
            raise self.error(
                f"{column} is not a number of at least 0.",
                "Write it with a decimal point, such as 81250000 or 0.14; a share may be 14%.",
            )
        value = float(found["number"].replace(",", "")) / (100 if found["percent"] else 1)
        if metric in RATES and value > 1:
            raise self.error(f"{metric} is over 100 % a year.", "It is a share: write 0.14, or 14%.")
        if metric == "payroll" and found["percent"]:
            raise self.error("payroll is an amount, not a share.", "Write what is paid a year.")
        return value

    def day(self) -> date:
        """Return the date of the line."""
        text = self.cells.get(DATE, "")
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise self.error(f"{DATE} {text[:20]!r} is not a date.", "Write YYYY-MM-DD.") from error


def _long(lines: Sequence[_Line], today: date) -> Iterator[Observation]:
    for line in lines:
        metric = _key(line.cells.get(METRIC, ""))
        if metric not in METRICS:
            near = get_close_matches(metric, METRICS, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise line.error(f"unknown metric {metric[:40]!r}.", f"{hint}Metrics: {', '.join(METRICS)}.")
        value = line.figure(VALUE, metric)
        if value is None:
            raise line.error(f"{metric} has no value.", "Leave the line out, or fill it in.")
        on = line.day() if line.cells.get(DATE) else today
        yield Observation(on, metric, value, line.figure(BEFORE, metric))


def _wide(lines: Sequence[_Line]) -> Iterator[Observation]:
    """Yield a row's figures; one whose date is the word `baseline` has what to compare with."""
    first = [line for line in lines if _key(line.cells.get(DATE, "")) == BEFORE]
    if len(first) > 1:
        raise first[1].error(f"a second row `{BEFORE}`.", "Leave one of them out.")
    before = {metric: first[0].figure(metric, metric) if first else None for metric in METRICS}
    for line in lines:
        if line in first:
            continue
        on = line.day()
        for metric in METRICS:
            value = line.figure(metric, metric)
            if value is not None:
                yield Observation(on, metric, value, before[metric])
