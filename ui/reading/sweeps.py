"""What the sweeps found: the last one, and the one that it is compared with."""

import json
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

from planwise.settings import Settings
from ui.cache import BoundedCache
from ui.values.news import Sweep, Sweeps, SweptState
from ui.values.results import Unreadable

FOLDER = "sweeps"
KEPT = 4


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
