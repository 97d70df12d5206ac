"""SQLMesh's context, with the finished models of a plan recorded together."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlmesh import Context
from sqlmesh.core.scheduler import Scheduler
from sqlmesh.core.snapshot import Snapshot, SnapshotEvaluator, SnapshotIntervals
from sqlmesh.core.state_sync import StateSync
from sqlmesh.core.state_sync.base import DelegatingStateSync


class RecordsTogether(DelegatingStateSync):
    """Holds back what is recorded of each finished model until `record`, to write it as one."""

    def __init__(self, state_sync: StateSync) -> None:
        super().__init__(state_sync)
        self._held: list[SnapshotIntervals] = []

    def add_snapshots_intervals(self, snapshots_intervals: Sequence[SnapshotIntervals]) -> None:
        """Hold back intervals."""
        self._held += snapshots_intervals

    def record(self) -> None:
        """Write what was held back."""
        held, self._held = self._held, []
        if held:
            self.state_sync.add_snapshots_intervals(held)


class RecordingScheduler(Scheduler):
    """Runs models, and records those that finished when all have ended, whether well or not."""

    def run_merged_intervals(self, **options: Any) -> Any:
        """Run models in the order of their dependencies; record what finished."""
        recorded = RecordsTogether(self.state_sync)  # type: ignore[abstract]  # it delegates
        self.state_sync = recorded
        try:
            return super().run_merged_intervals(**options)
        finally:
            self.state_sync = recorded.state_sync
            recorded.record()


class PlanContext(Context):
    """A context whose plans write their state once, instead of once for every model.

    Each write of state is a table of its own that is created, read and dropped: a good part of a trial.
    """

    def create_scheduler(
        self, snapshots: Iterable[Snapshot], snapshot_evaluator: SnapshotEvaluator
    ) -> Scheduler:
        """Return SQLMesh's scheduler, recording together."""
        return RecordingScheduler(
            snapshots,
            snapshot_evaluator,
            self.state_sync,
            default_catalog=self.default_catalog,
            max_workers=self.concurrent_tasks,
            console=self.console,
            notification_target_manager=self.notification_target_manager,
        )
