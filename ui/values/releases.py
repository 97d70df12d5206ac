"""What is in force and what could be, as a page shows it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from planwise.governance.permissions import Action
from planwise.governance.proposals import ReleaseProposal
from planwise.jobs import Job
from planwise.release.releases import Checkpoint, Release
from planwise.release.rollout import PACES
from planwise.release.rollout import PHASES_MAX as PHASES_MAX
from ui.values.user import User

Called = Callable[[str], str]  # what a scenario is called, by its name

if TYPE_CHECKING:  # they bring DuckDB, which takes half a second
    from planwise.app.monitor import MonitorReport


@dataclass(frozen=True)
class ReleaseOverview:
    """The release in force (None before the first), what can be released or rolled back to, all changes.

    `monitoring` is None before any plan is published.
    """

    in_force: Release | None
    approved: tuple[ReleaseProposal, ...]
    checkpoints: tuple[Checkpoint, ...]
    history: tuple[Release, ...]
    recovered: str
    monitoring: "MonitorReport | None"
    scenarios: tuple[str, ...] = ()  # those that can be released in phases
    rehearsal: Job | None = None  # the last one


def why_not_release(user: User) -> str:
    """Return why the user may not release or roll back; empty when the role allows it."""
    return user.why_not(Action.RELEASE)


def why_not_rehearse(user: User) -> str:
    """Return why the user may not rehearse a rollout, which stores scenarios and runs them."""
    return user.why_not(Action.EDIT) or user.why_not(Action.RUN)


def why_not_monitor(user: User) -> str:
    """Return why the user may not record actuals; empty when the role allows it."""
    return user.why_not(Action.MONITOR)


HISTORY = ("id", "what", "scenario", "state", "at", "by", "checkpoint", "reason")


def history_frame(releases: Sequence[Release], called: Called) -> pd.DataFrame:
    """Return one row per release and rollback."""
    rows = [
        {
            "id": one.id,
            "what": f"Rollback to {one.target}" if one.target else f"Release of proposal {one.proposal}",
            "scenario": called(one.scenario),
            "state": str(one.state),
            "at": one.ended_at or one.started_at,
            "by": one.by,
            "checkpoint": one.checkpoint,
            "reason": one.reason,
        }
        for one in releases
    ]
    return pd.DataFrame(rows, columns=list(HISTORY))


EQUAL = "equal"
PACE_OPTIONS: Mapping[str, str] = {
    **{
        f"{name.capitalize()} risk: {pace.phases} phases of up to {pace.change_max:.0%}": name
        for name, pace in PACES.items()
    },
    "Equal phases": EQUAL,
}
PHASES = ("phase", "scenario", "share", "levers", "increase_rate", "increase_cost", "payroll", "gate")


def phase_frame(rollout: Mapping[str, Any], write: Callable[[str, Any], str], called: Called) -> pd.DataFrame:
    """Return one row per phase of a rehearsed rollout; `write` writes a lever with its value.

    Increases are of the first simulated year, payroll is that at the end of the last.
    """
    rows = [
        {
            "phase": one["phase"],
            "scenario": called(one["scenario"]),
            "share": one["share"],
            "levers": ", ".join(write(lever["lever"], lever["value"]) for lever in one["levers"]),
            "increase_rate": one["kpis"][0]["increase_rate"],
            "increase_cost": one["kpis"][0]["increase_cost"],
            "payroll": one["kpis"][-1]["payroll"],
            "gate": one["gate"],
        }
        for one in rollout["phases"]
    ]
    return pd.DataFrame(rows, columns=list(PHASES))


CHECKPOINTS = ("name", "scenario", "fingerprint", "released_at", "levers")


def checkpoint_frame(checkpoints: Sequence[Checkpoint], called: Called) -> pd.DataFrame:
    """Return one row per checkpoint, with the levers that it puts in force."""
    rows = [
        {
            "name": one.name,
            "scenario": called(one.scenario),
            "fingerprint": one.fingerprint,
            "released_at": one.released_at,
            "levers": ", ".join(f"{key} {value}" for key, value in one.levers.items()) or "defaults",
        }
        for one in checkpoints
    ]
    return pd.DataFrame(rows, columns=list(CHECKPOINTS))


def actuals_frame(report: "MonitorReport") -> pd.DataFrame:
    """Return one row per actual that was compared."""
    rows = [
        {
            "on": one.on.isoformat(),
            "metric": one.metric.replace("_", " "),
            "actual": one.actual,
            "planned": one.planned,
            "deviation": one.deviation,
            "result": _result(one),
        }
        for one in report.checks
    ]
    return pd.DataFrame(rows, columns=["on", "metric", "actual", "planned", "deviation", "result"])


def _result(one: object) -> str:
    why, fired, trigger = (getattr(one, name) for name in ("why", "fired", "trigger"))
    if why is not None:
        return f"not compared: {why}"
    return f"{trigger.severity}: {trigger.name}" if fired and trigger else "within its limit"
