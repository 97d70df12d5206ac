"""What runs took and what gates and sweeps found, as the Pipeline page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from planwise.monitoring.gate_history import StoredGate
from planwise.monitoring.history import MeasuredRun

if TYPE_CHECKING:
    from planwise.app.benchmark import BenchmarkTrend
    from planwise.app.sweep_report import Sweep, SweepRow

MATCH_RATE = "match_rate"  # a fact of a measured run, or the start of one: match_rate_market
SAME_KIND: Mapping[str, str] = {"titles": "enrich market", "recipients": "enrich recipients"}
MATCHINGS: Mapping[str, str] = {"enrich market": "job titles", "enrich recipients": "companies"}
DAYS = 7  # of the headline figures
FINISHED = ("done", "cancelled")


@dataclass(frozen=True)
class PipelineOverview:
    """Measured runs and results of gates, newest first; the newest sweep and the one it was compared with.

    `flow_pages` are the addresses of Prefect's pages by run, for runs of the server that is configured;
    `match_limits` the match rates below which a run has a warning, and a critical alert.
    """

    at: datetime
    runs: tuple[MeasuredRun, ...]
    gates: tuple[StoredGate, ...]
    sweep: "Sweep | None"
    sweep_before: "Sweep | None"
    benchmark: "BenchmarkTrend"
    flow_pages: Mapping[int, str]
    match_limits: tuple[float, float]

    @property
    def recent_runs(self) -> tuple[MeasuredRun, ...]:
        """The runs of the last days."""
        return tuple(run for run in self.runs if run.started_at >= self.at - timedelta(days=DAYS))

    @property
    def recent_gates(self) -> tuple[StoredGate, ...]:
        """The gates of the last days."""
        return tuple(gate for gate in self.gates if gate.at >= self.at - timedelta(days=DAYS))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of runs, that of the newest first."""
        return tuple(dict.fromkeys(run.kind for run in self.runs))

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts of the runs, a row each, newest first."""
        return [
            {"run": run.id, "at": run.started_at, "kind": run.kind, "subject": run.subject, **one.as_json()}
            for run in self.runs
            for one in run.alerts
        ]

    def match_rates(self) -> list[dict[str, Any]]:
        """Return the share of records that each run linked, a row a run and rate, oldest first."""
        return [
            {"run": run.id, "at": run.started_at, "rate": _rate_of(run, name), "value": float(value)}
            for run in reversed(self.runs)
            for name, value in run.facts.items()
            if name.startswith(MATCH_RATE)
        ]


def kind_of(kind: str) -> str:
    """Return what a kind of run is called, whether the dashboard, a command or a deployment started it."""
    return SAME_KIND.get(kind, kind.replace("-", " "))


def _rate_of(run: MeasuredRun, name: str) -> str:
    return MATCHINGS.get(run.kind, run.kind) if name == MATCH_RATE else name


def name_of(run: MeasuredRun) -> str:
    """Return what a run is called in lists."""
    return f"#{run.id} {run.kind} {run.subject}".rstrip()


def infeasible(rows: "Sequence[SweepRow]") -> "list[SweepRow]":
    """Return the rows of a sweep that are not feasible."""
    return [row for row in rows if not row.feasible]
