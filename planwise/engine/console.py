"""SQLMesh's console, silenced: what failed is kept for a message of our own."""

from collections.abc import Callable
from typing import Any

from sqlmesh.core.console import NoopConsole, set_console
from sqlmesh.utils.concurrency import NodeExecutionFailedError
from sqlmesh.utils.errors import NodeAuditsErrors

from planwise.errors import GateBlocked, PlanWiseError

OnModel = Callable[[int, int, str], None]
"""Told after each model: how many have run, of how many, which one."""


class SimulationFailed(PlanWiseError):
    """A model could not be computed."""


class AuditFailed(GateBlocked):
    """An invariant does not hold in the simulated result; nothing of it is published."""


class QuietConsole(NoopConsole):
    """Prints nothing; remembers the errors of the last plan."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[NodeExecutionFailedError[Any]] = []
        self.on_model: OnModel | None = None
        self._total = self._done = 0

    def start_evaluation_progress(self, batched_intervals: Any, *_: Any, **__: Any) -> None:
        """Note how many models are to run."""
        self._total, self._done = len(batched_intervals), 0

    def update_snapshot_evaluation_progress(self, snapshot: Any, *_: Any, **__: Any) -> None:
        """Tell that one more model has run, its audits with it."""
        self._done += 1
        if self.on_model is not None:
            name = str(snapshot.name).replace('"', "").rpartition(".")[2]
            self.on_model(min(self._done, self._total), self._total, name)

    def log_failed_models(self, errors: list[NodeExecutionFailedError[Any]]) -> None:
        """Keep the errors of models that failed."""
        self.errors = list(errors)


def install() -> QuietConsole:
    """Make a quiet console the one that SQLMesh uses in this process."""
    console = QuietConsole()
    set_console(console)
    return console


def failure(errors: list[NodeExecutionFailedError[Any]], fallback: Exception) -> PlanWiseError:
    """Return the error that says which model failed, and why."""
    for error in errors:
        cause = error.__cause__
        if isinstance(cause, NodeAuditsErrors):
            found = "; ".join(
                f"{e.audit_name}: {e.count} rows of {e.model_name if e.model_name else 'the model'}"
                for e in cause.errors
            )
            return AuditFailed(
                f"The simulated result breaks an invariant: {found}.",
                remedy="Nothing was published. Run `planwise simulate` again with default parameters; if it "
                "still fails, the models are at fault, else the parameters that differ.",
            )
    if errors:
        first = errors[0]
        node = first.node[0] if isinstance(first.node, tuple) else first.node
        return SimulationFailed(f"Model {node} failed: {first.__cause__}", remedy="Nothing was published.")
    return SimulationFailed(f"The plan failed: {fallback}", remedy="Nothing was published.")
