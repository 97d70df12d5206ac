"""The rows of a sweep, what differs from the last sweep and why, and the report on it."""

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from planwise.formatting import counted
from planwise.parameters import Value
from planwise.settings import Settings
from planwise.storage import reading, write_json, write_text

FOLDER = "sweeps"
OWN = "as it is"  # the stored variant of a scenario with its saved values
SAVED = "saved values"
MOVED_RATE = 0.001  # 0.1 pp of growth: a study's tolerance
PP = 100
NOISE_DEVIATIONS = 2  # some 95 % of a normal distribution


@dataclass(frozen=True)
class SweepInputs:
    """What a row was computed from: the census, the scenario's parameters, and the version of PlanWise."""

    census: str
    census_hash: str
    parameters: Mapping[str, Value]
    version: str


@dataclass(frozen=True)
class SweepRow:
    """One scenario or variant: growth is compound to the last year, payroll and headcount are that year's.

    `point` and `seed` are the changes of a variant.
    """

    scenario: str
    variant: str
    feasible: bool
    reasons: tuple[str, ...]
    growth: float | None = None
    target_growth: float | None = None
    payroll: float | None = None
    headcount: int | None = None
    fingerprint: str | None = None
    gate: str | None = None
    published: bool = False
    currency: str = ""
    point: Mapping[str, float] = field(default_factory=dict)
    seed: int | None = None
    inputs: SweepInputs | None = None

    @classmethod
    def failed(cls, scenario: str, variant: str, why: str) -> "SweepRow":
        """Return the row of a scenario that could not be simulated or was blocked."""
        return cls(scenario, variant, feasible=False, reasons=(why,))

    @property
    def label(self) -> str:
        """Scenario and, for a variant, its changes in one name."""
        return self.scenario if self.variant == OWN else f"{self.scenario} ({self.variant})"

    @property
    def variant_text(self) -> str:
        """The changes of a variant; `saved values` for the scenario itself."""
        return SAVED if self.variant == OWN else self.variant

    @property
    def verdict(self) -> str:
        """The text `feasible`, or the reasons why not."""
        return "feasible" if self.feasible else f"infeasible: {'; '.join(self.reasons)}"

    def as_table(self) -> dict[str, Any]:
        """Return a flat row for a table artifact."""
        return {
            "scenario": self.scenario,
            "variant": self.variant_text,
            "verdict": self.verdict,
            "growth %": None if self.growth is None else round(PP * self.growth, 3),
            "target %": None if self.target_growth is None else round(PP * self.target_growth, 3),
            "payroll": None if self.payroll is None else round(self.payroll),
            "headcount": self.headcount,
            "gate": self.gate or "",
            "published": self.published,
        }


ChangeKind = Literal["infeasible", "feasible", "moved"]


@dataclass(frozen=True)
class SweepChange:
    """A row that differs from the previous sweep: how, and `why`, the inputs that differ."""

    kind: ChangeKind
    scenario: str
    variant: str
    what: str
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.what} (because of {', '.join(self.why)})" if self.why else self.what


@dataclass(frozen=True)
class Sweep:
    """All rows of one sweep; the lists name rows that differ from the previous sweep (None if there is none).

    `asked` is the request; a sweep is compared with the last complete one with the same request. `complete`
    is false when it was stopped before its end.
    """

    at: str
    asked: str
    previous_at: str | None
    complete: bool
    rows: tuple[SweepRow, ...]
    became_infeasible: tuple[str, ...]
    became_feasible: tuple[str, ...]
    moved: tuple[str, ...]
    gone: tuple[str, ...]
    changes: tuple[SweepChange, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the sweep as JSON values."""
        return asdict(self)


def compared(
    rows: Sequence[SweepRow], previous: Sweep | None, *, asked: str, complete: bool, at: datetime
) -> Sweep:
    """Return the sweep with the changes since the previous one, as text."""
    before = {row.label: row for row in previous.rows} if previous else {}
    now = {row.label: row for row in rows}
    noise = seed_noise(rows)
    changes = tuple(
        SweepChange(kind, new.scenario, new.variant, what, causes(before[label], new))
        for label, new in now.items()
        if label in before
        for kind, what in _differences(before[label], new, noise.get(_replicates_of(new)))
    )

    def texts(kind: ChangeKind) -> tuple[str, ...]:
        return tuple(str(change) for change in changes if change.kind == kind)

    return Sweep(
        at=at.isoformat(timespec="milliseconds"),
        asked=asked,
        previous_at=previous.at if previous else None,
        complete=complete,
        rows=tuple(rows),
        became_infeasible=texts("infeasible"),
        became_feasible=texts("feasible"),
        moved=texts("moved"),
        gone=tuple(label for label in before if label not in now) if complete else (),
        changes=changes,
    )


def _differences(old: SweepRow, new: SweepRow, deviation: float | None) -> Iterator[tuple[ChangeKind, str]]:
    if old.feasible and not new.feasible:
        yield "infeasible", f"{new.label}: {'; '.join(new.reasons)}"
    if new.feasible and not old.feasible:
        yield "feasible", new.label
    if old.growth is not None and new.growth is not None and abs(new.growth - old.growth) > MOVED_RATE:
        beside = _beside_noise(abs(new.growth - old.growth), deviation)
        yield "moved", f"{new.label}: growth {old.growth:.3%} → {new.growth:.3%}{beside}"


def causes(old: SweepRow, new: SweepRow) -> tuple[str, ...]:
    """Return the inputs that differ between two results of one row; empty where one has no record of them."""
    then, now = old.inputs, new.inputs
    if then is None or now is None:
        return ()
    names = sorted({*then.parameters, *now.parameters})
    found = [
        f"{name} {_setting(then.parameters, name)} → {_setting(now.parameters, name)}"
        for name in names
        if then.parameters.get(name) != now.parameters.get(name)
    ]
    if then.census != now.census:
        found.append(f"census {then.census} → {now.census}")
    elif then.census_hash != now.census_hash:
        found.append(f"census {now.census}, imported again")
    if then.version != now.version:
        found.append(f"PlanWise {then.version} → {now.version}")
    elif not found and old.fingerprint != new.fingerprint:
        found.append("the models or the defaults of parameters")
    return tuple(found)


def _setting(parameters: Mapping[str, Value], name: str) -> str:
    if name not in parameters:
        return "default"
    value = parameters[name]
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


def _replicates_of(row: SweepRow) -> tuple[str, tuple[tuple[str, float], ...]]:
    return row.scenario, tuple(sorted(row.point.items()))


def seed_noise(rows: Sequence[SweepRow]) -> dict[tuple[str, tuple[tuple[str, float], ...]], float]:
    """Return the standard deviation of growth over the seeds, by scenario and point, where two have run."""
    growths = defaultdict(list)
    for row in rows:
        if row.growth is not None:
            growths[_replicates_of(row)].append(row.growth)
    return {key: statistics.stdev(found) for key, found in growths.items() if len(found) > 1}


def _beside_noise(moved: float, deviation: float | None) -> str:
    """Return how a move compares with random variation: two standard deviations of the seeds."""
    if deviation is None:
        return ""
    side = "within" if moved <= NOISE_DEVIATIONS * deviation else "beyond"
    return f", {side} the seeds' ±{PP * NOISE_DEVIATIONS * deviation:.2f} pp"


STORED = TypeAdapter(Sweep)


def newest_sweeps(settings: Settings) -> tuple[Sweep | None, Sweep | None]:
    """Return the newest sweep, complete or not, and the one that it was compared with, where they are."""
    files = sorted((settings.root / FOLDER).glob("*.json"), reverse=True)
    newest = _stored(files[0]) if files else None
    if newest is None or newest.previous_at is None:
        return newest, None
    before = _file(settings, newest.previous_at).with_suffix(".json")
    return newest, _stored(before) if before.is_file() else None


def _stored(file: Path) -> Sweep:
    with reading("The report of a sweep", file, "Delete it, then run `planwise sweep` again."):
        return STORED.validate_json(file.read_bytes())


def last_sweep(settings: Settings, asked: str) -> Sweep | None:
    """Return the newest complete sweep with the same request, None when there is none."""
    for file in sorted((settings.root / FOLDER).glob("*.json"), reverse=True):
        found = _stored(file)
        if found.complete and found.asked == asked:
            return found
    return None


def report_file(settings: Settings, sweep: Sweep) -> Path:
    """Return the file of a sweep's report in the home; its JSON is beside it."""
    return _file(settings, sweep.at)


def _file(settings: Settings, at: str) -> Path:
    stamp = datetime.fromisoformat(at)
    return settings.root / FOLDER / f"{stamp:%Y%m%dT%H%M%S}{stamp.microsecond // 1000:03d}.md"


def write_sweep(settings: Settings, sweep: Sweep) -> Path:
    """Write the sweep and its report, each atomically; return the report's file."""
    file = report_file(settings, sweep)
    write_json(file.with_suffix(".json"), sweep.as_json(), indent=1)
    write_text(file, page(sweep))
    return file


def page(sweep: Sweep) -> str:
    """Return the Markdown report that is shown with the run."""
    feasible = sum(row.feasible for row in sweep.rows)
    lines = [
        f"# Sweep of {sweep.at}",
        "",
        f"{counted(len(sweep.rows), 'scenario or variant', 'scenarios and variants')}, {feasible} feasible"
        f"{'' if sweep.complete else '; **stopped before its end**'}. "
        + (f"Compared with the sweep of {sweep.previous_at}." if sweep.previous_at else "The first sweep."),
    ]
    for title, found in (
        ("Became infeasible", sweep.became_infeasible),
        ("Became feasible", sweep.became_feasible),
        ("Growth moved by more than 0.1 pp", sweep.moved),
        ("No longer swept", sweep.gone),
    ):
        lines += ["", f"## {title}", "", *([f"- {line}" for line in found] or ["None."])]
    lines += ["", "## Infeasible now", ""]
    lines += [f"- {row.label}: {'; '.join(row.reasons)}" for row in sweep.rows if not row.feasible] or [
        "None."
    ]
    lines += ["", "## Scenarios and variants", "", *_markdown_table(sweep.rows)]
    return "\n".join(lines) + "\n"


def _markdown_table(rows: Sequence[SweepRow]) -> Iterator[str]:
    yield "| scenario | variant | growth | target | headcount | verdict |"
    yield "|---|---|---:|---:|---:|---|"
    for row in rows:
        figures = ("" if rate is None else f"{rate:.3%}" for rate in (row.growth, row.target_growth))
        cells = (row.scenario, row.variant_text, *figures, row.headcount or "", row.verdict)
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
