"""The file that a benchmark leaves: what was measured, where, when."""

import os
import platform
import resource
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from planwise.monitoring.history import machine_description
from planwise.storage import write_json

PACKAGES = ("planwise", "sqlmesh", "duckdb", "pandas")


def peak_memory_mb() -> float:
    """Return the most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in kB


def record(
    by_employees: Mapping[int, Mapping[str, float]],
    *,
    suite: str,
    runs: int,
    samples: Mapping[int, Mapping[str, Sequence[float]]] | None = None,
) -> dict[str, Any]:
    """Return the record: `metrics` has the figures of the first size, and of every size under its number.

    `samples` are the single values behind medians that are compared.
    """
    first = next(iter(by_employees.values()))
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "suite": suite,
        "runs": runs,
        "environment": {
            "python": platform.python_version(),
            "machine": machine_description(),
            "cpus": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
            **{name: version(name) for name in PACKAGES},
        },
        "metrics": {
            **first,
            "peak_memory_mb": peak_memory_mb(),
            "by_employees": {str(employees): dict(found) for employees, found in by_employees.items()},
        },
        "samples": {str(employees): dict(found) for employees, found in (samples or {}).items()},
    }


def default_output(folder: Path) -> Path:
    """Return the name of a new record in a folder."""
    return folder / f"benchmark_{datetime.now(UTC):%Y%m%d_%H%M%S}.json"


def write(result: Mapping[str, Any], file: Path) -> None:
    """Write a record atomically."""
    write_json(file, result, indent=1)
