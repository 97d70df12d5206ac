"""What a sweep found, kept as JSON, and what changed since the one before."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from planwise.settings import Settings
from planwise.storage import write_json

FOLDER = "sweeps"
MOVED_RATE = 0.001  # 0.1 pp of growth: a study's tolerance
PP = 100


@dataclass(frozen=True)
class SweepRow:
    """One scenario or variant: growth is compound to the last year, payroll and headcount are that year's."""

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

    @classmethod
    def failed(cls, scenario: str, variant: str, why: str) -> "SweepRow":
        """Return the row of what could not be simulated or was not let pass."""
        return cls(scenario, variant, feasible=False, reasons=(why,))

    @property
    def label(self) -> str:
        """Scenario and variant in one name."""
        return f"{self.scenario} ({self.variant})"

    @property
    def verdict(self) -> str:
        """Say feasible, or why not."""
        return "feasible" if self.feasible else f"infeasible: {'; '.join(self.reasons)}"

    def as_table(self) -> dict[str, Any]:
        """Return a flat row for a table artifact."""
        return {
            "scenario": self.scenario,
            "variant": self.variant,
            "verdict": self.verdict,
            "growth %": None if self.growth is None else round(PP * self.growth, 3),
            "target %": None if self.target_growth is None else round(PP * self.target_growth, 3),
            "payroll": None if self.payroll is None else round(self.payroll),
            "headcount": self.headcount,
            "gate": self.gate or "",
            "published": self.published,
        }


@dataclass(frozen=True)
class Sweep:
    """All rows of one sweep; the lists name rows that differ from the sweep before (None: there was none).

    `asked` is the request; sweeps are compared with the last one that was asked the same. `complete` is false
    when it was stopped before its end.
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

    def as_json(self) -> dict[str, Any]:
        """Return the sweep as JSON values."""
        return asdict(self)


def compared(
    rows: Sequence[SweepRow], previous: Sweep | None, *, asked: str, complete: bool, at: datetime
) -> Sweep:
    """Return the sweep with what changed since the last one; each change says from what to what."""
    before = {row.label: row for row in previous.rows} if previous else {}
    now = {row.label: row for row in rows}
    both = [(before[label], row) for label, row in now.items() if label in before]
    return Sweep(
        at=at.isoformat(timespec="milliseconds"),
        asked=asked,
        previous_at=previous.at if previous else None,
        complete=complete,
        rows=tuple(rows),
        became_infeasible=tuple(
            f"{new.label}: {'; '.join(new.reasons)}" for old, new in both if old.feasible and not new.feasible
        ),
        became_feasible=tuple(new.label for old, new in both if new.feasible and not old.feasible),
        moved=tuple(
            f"{new.label}: growth {old.growth:.3%} → {new.growth:.3%}"
            for old, new in both
            if old.growth is not None and new.growth is not None and abs(new.growth - old.growth) > MOVED_RATE
        ),
        gone=tuple(label for label in before if label not in now) if complete else (),
    )


def last_sweep(settings: Settings, asked: str) -> Sweep | None:
    """Return the newest complete sweep that was asked the same, None when there is none."""
    for file in sorted((settings.root / FOLDER).glob("*.json"), reverse=True):
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["complete"] and data["asked"] == asked:
            rows = tuple(SweepRow(**{**row, "reasons": tuple(row["reasons"])}) for row in data.pop("rows"))
            return Sweep(rows=rows, **data)
    return None


def write_sweep(settings: Settings, sweep: Sweep) -> Path:
    """Write the sweep, whole or not at all."""
    stamp = datetime.fromisoformat(sweep.at)
    file = settings.root / FOLDER / f"{stamp:%Y%m%dT%H%M%S}{stamp.microsecond // 1000:03d}.json"
    write_json(file, sweep.as_json(), indent=1)
    return file


def page(sweep: Sweep) -> str:
    """Return the report that operators see beside the run."""
    feasible = sum(row.feasible for row in sweep.rows)
    lines = [
        f"# Sweep of {sweep.at}",
        "",
        f"{len(sweep.rows)} scenarios and variants, {feasible} feasible"
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
    return "\n".join(lines)
