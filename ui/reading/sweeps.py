"""What the sweeps found: the last one, the one before it, and what differs between two states of a scenario."""

import json
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planwise.settings import Settings
from ui.cache import BoundedCache
from ui.results import Unreadable

FOLDER = "sweeps"
AS_IT_IS = "as it is"  # the variant of a scenario that is its own definition, and is published
KEPT = 4


@dataclass(frozen=True)
class SweptState:
    """What one scenario (or variant) came to: compound growth and payroll of the last year, as published.

    `growth`, `payroll`, `headcount` and `gate` are None where it could not be simulated; `reasons` say why it
    is not feasible.
    """

    scenario: str
    variant: str
    feasible: bool
    reasons: tuple[str, ...]
    growth: float | None
    payroll: float | None
    headcount: int | None
    fingerprint: str | None
    gate: str | None

    @property
    def label(self) -> str:
        """The scenario, with the variant where there is one."""
        return self.scenario if self.variant == AS_IT_IS else f"{self.scenario} ({self.variant})"


@dataclass(frozen=True)
class Sweep:
    """One sweep: `at` is ISO, UTC; `complete` is false when it was stopped before its end."""

    at: str
    asked: str
    complete: bool
    rows: tuple[SweptState, ...]

    @property
    def by_label(self) -> Mapping[str, SweptState]:
        """The rows by what they are called."""
        return {row.label: row for row in self.rows}

    @property
    def published(self) -> Mapping[str, SweptState]:
        """The rows of scenarios as they are, by scenario: those that the sweep published."""
        return {row.scenario: row for row in self.rows if row.variant == AS_IT_IS}


@dataclass(frozen=True)
class Sweeps:
    """The newest sweep, the complete one before it that was asked the same, and files that cannot be read."""

    last: Sweep | None
    before: Sweep | None
    unreadable: tuple[Unreadable, ...] = ()


class SweepReader:
    """Reads the reports that sweeps leave in one home."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.root / FOLDER
        self._cache: BoundedCache[Sweeps] = BoundedCache(KEPT)

    def version(self) -> Hashable:
        """Return a value that changes with every sweep that ends; costs one `stat`."""
        try:
            return self._folder.stat().st_mtime_ns  # reports are renamed into it
        except OSError:
            return None

    def latest(self) -> Sweeps:
        """Return the last sweep and what it is compared with; files are read until both are found."""
        return self._cache.get(self.version(), self._read)

    def _read(self) -> Sweeps:
        unreadable: list[Unreadable] = []
        found = _readable(sorted(self._folder.glob("*.json"), reverse=True), unreadable)
        last = next(found, None)
        before = None
        if last is not None:
            before = next((sweep for sweep in found if sweep.complete and sweep.asked == last.asked), None)
        return Sweeps(last, before, tuple(unreadable))


def _readable(files: list[Path], unreadable: list[Unreadable]) -> Iterator[Sweep]:
    for file in files:
        try:
            yield _sweep(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            unreadable.append(
                Unreadable(
                    file.name,
                    f"The sweep report {file} cannot be read: {type(error).__name__}: {error}",
                    "Delete it, and run `planwise sweep`.",
                )
            )


def _sweep(data: Mapping[str, Any]) -> Sweep:
    return Sweep(
        at=str(data["at"]),
        asked=str(data["asked"]),
        complete=bool(data["complete"]),
        rows=tuple(_row(row) for row in data["rows"]),
    )


def _row(row: Mapping[str, Any]) -> SweptState:
    return SweptState(
        scenario=str(row["scenario"]),
        variant=str(row["variant"]),
        feasible=bool(row["feasible"]),
        reasons=tuple(str(reason) for reason in row["reasons"]),
        growth=None if row["growth"] is None else float(row["growth"]),
        payroll=None if row["payroll"] is None else float(row["payroll"]),
        headcount=None if row["headcount"] is None else int(row["headcount"]),
        fingerprint=row["fingerprint"],
        gate=row["gate"],
    )
