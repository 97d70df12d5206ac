"""What is in force and what could be, as a page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from planwise.governance.permissions import Action
from planwise.governance.proposals import ReleaseProposal
from planwise.release.releases import Checkpoint, Release
from ui.values.user import User

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


def why_not_release(user: User) -> str:
    """Return why the user may not release or roll back; empty when the role allows it."""
    return user.why_not(Action.RELEASE)


def why_not_monitor(user: User) -> str:
    """Return why the user may not record actuals; empty when the role allows it."""
    return user.why_not(Action.MONITOR)


HISTORY = ("id", "what", "scenario", "state", "at", "by", "checkpoint", "reason")


def history_frame(releases: Sequence[Release]) -> pd.DataFrame:
    """Return one row per release and rollback."""
    rows = [
        {
            "id": one.id,
            "what": f"Rollback to {one.target}" if one.target else f"Release of proposal {one.proposal}",
            "scenario": one.scenario,
            "state": str(one.state),
            "at": one.ended_at or one.started_at,
            "by": one.by,
            "checkpoint": one.checkpoint,
            "reason": one.reason,
        }
        for one in releases
    ]
    return pd.DataFrame(rows, columns=list(HISTORY))


CHECKPOINTS = ("name", "scenario", "fingerprint", "released_at", "levers")


def checkpoint_frame(checkpoints: Sequence[Checkpoint]) -> pd.DataFrame:
    """Return one row per checkpoint, with the levers that it puts in force."""
    rows = [
        {
            "name": one.name,
            "scenario": one.scenario,
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
