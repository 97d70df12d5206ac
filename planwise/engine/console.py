"""SQLMesh's console, silenced: what failed is kept for a message of our own."""

from typing import Any

from sqlmesh.core.console import NoopConsole, set_console
from sqlmesh.utils.concurrency import NodeExecutionFailedError
from sqlmesh.utils.errors import NodeAuditsErrors

from planwise.errors import GateBlocked, PlanWiseError


class SimulationFailed(PlanWiseError):
    """A model could not be computed."""


class AuditFailed(GateBlocked):
    """An invariant does not hold in the simulated result; nothing of it is published."""


class QuietConsole(NoopConsole):
    """Prints nothing; remembers the errors of the last plan."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[NodeExecutionFailedError[Any]] = []

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
