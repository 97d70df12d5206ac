"""Read what runs took, what gates found, the last sweep and the records of benchmarks."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from planwise.governance import open_ledger
from planwise.monitoring.gate_history import GateHistory, StoredGate
from planwise.monitoring.history import MeasuredRun, RunHistory
from planwise.monitoring.thresholds import thresholds_in_force
from planwise.prefect_server import orchestrator
from planwise.settings import Settings
from ui.values.pipeline import PipelineOverview, kind_of

RUNS_MAX, GATES_MAX = 200, 200


class PipelineReader:
    """Reads the history of one home; blocking, so to be called on a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def overview(self) -> PipelineOverview:
        """Return everything; raises DamagedStore for a report that cannot be read, LedgerUnusable, Busy."""
        from planwise.app.benchmark import benchmark_trend
        from planwise.app.sweep_report import newest_sweeps  # they bring the engine

        runs, gates = self._history()
        sweep, before = newest_sweeps(self._settings)
        server = orchestrator()
        matched = thresholds_in_force().alerts["match_rate"]
        return PipelineOverview(
            at=datetime.now(UTC),
            runs=runs,
            gates=gates,
            sweep=sweep,
            sweep_before=before,
            benchmark=benchmark_trend(),
            match_limits=(matched.warning, matched.critical),
            flow_pages={}
            if server is None
            else {
                run.id: server.flow_run(str(run.facts["flow_run"]))
                for run in runs
                if run.id is not None and "flow_run" in run.facts
            },
        )

    def _history(self) -> tuple[tuple[MeasuredRun, ...], tuple[StoredGate, ...]]:
        """Return runs and gates; none without a ledger, which is not created."""
        url = make_url(self._settings.ledger)
        if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
            return (), ()
        with open_ledger(self._settings) as ledger:
            return (
                tuple(
                    replace(run, kind=kind_of(run.kind))
                    for run in RunHistory(ledger.engine).list(limit=RUNS_MAX)
                ),
                tuple(GateHistory(ledger.engine).list(limit=GATES_MAX)),
            )
