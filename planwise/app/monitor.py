"""Compare actuals with the released plan, and record what has to be looked at; nothing is rolled back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from planwise.app.runner import Runner
from planwise.governance import Action, EventType, Ledger, open_ledger
from planwise.governance.chain import AuditEvent
from planwise.governance.publications import fingerprint_in_force, published_scenarios
from planwise.governance.request import NO_OPTION, Request
from planwise.parameters import Risk
from planwise.release.actuals import (
    ActualCheck,
    Actuals,
    ReleasedFigures,
    check_actuals,
    load_plan_figures,
    plan_in_force,
    read_actuals,
    review_date,
    rollback_recommended,
)
from planwise.settings import Settings

TRIGGER, IN_FORCE = "TRIGGER", ("COMPLETION", "ROLLBACK")
KEY = ("fingerprint", "on", "metric", "actual", "planned")  # a trigger is recorded once


class MonitorRequest(Request):
    """A file of actuals; without one, what has fired so far."""

    actuals: Annotated[Path | None, NO_OPTION] = Field(
        default=None, description="CSV file with payroll, headcount, turnover, satisfaction, market position."
    )


@dataclass(frozen=True)
class MonitorReport:
    """What was compared; `recorded` are the triggers that fired now, `fired` all of the plan so far."""

    plan: ReleasedFigures
    released_at: datetime | None
    today: date
    checks: tuple[ActualCheck, ...]
    recorded: tuple[ActualCheck, ...]
    fired: tuple[Mapping[str, Any], ...]

    @property
    def review_on(self) -> date | None:
        """When the release is to be reviewed; None before the first release."""
        return None if self.released_at is None else review_date(self.released_at)

    @property
    def review_due(self) -> bool:
        """Whether that day has come."""
        return self.review_on is not None and self.today >= self.review_on

    @property
    def rollback_recommended(self) -> bool:
        """Whether a trigger of high severity fired, now or before."""
        return rollback_recommended(self.checks) or any(one["severity"] == Risk.HIGH for one in self.fired)

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise monitor --json` prints."""
        return {
            "scenario": self.plan.scenario,
            "fingerprint": self.plan.fingerprint,
            "released_at": self.released_at,
            "review_on": self.review_on,
            "review_due": self.review_due,
            "checks": [one.as_json() for one in self.checks],
            "recorded": len(self.recorded),
            "fired": [dict(one) for one in self.fired],
            "rollback_recommended": self.rollback_recommended,
            "models_run": 0,
        }


def monitor(settings: Settings, request: MonitorRequest, run: Runner) -> MonitorReport:
    """Compare the actuals of a file with the released plan, and record the triggers that fired.

    Raises Forbidden for a role that may not, InputError for a file that cannot be used or without a
    published plan.
    """
    with open_ledger(settings) as ledger:
        ledger.require(Action.READ if request.actuals is None else Action.MONITOR)
        today = ledger.clock().date()
        plan = load_plan_figures(settings)
        actuals = None if request.actuals is None else read_actuals(request.actuals, today=today)
        checks = () if actuals is None else check_actuals(actuals.observations, plan)
        recorded = () if actuals is None else run(record_actuals, ledger, plan, actuals, checks)
        events = ledger.events.list(kind=EventType.IMPLEMENTATION_EVENT)
    report = MonitorReport(
        plan, _released_at(events), today, checks, recorded, _fired(events, plan.fingerprint)
    )
    for one in recorded:
        run.log(f"{describe(one)}.")
    return report


def record_actuals(
    ledger: Ledger, plan: ReleasedFigures, actuals: Actuals, checks: Sequence[ActualCheck]
) -> tuple[ActualCheck, ...]:
    """Record that actuals were loaded, and each trigger that had not fired before; return these."""
    known = {
        tuple(event.payload.get(name) for name in KEY)
        for event in ledger.events.list(kind=EventType.IMPLEMENTATION_EVENT)
    }
    loaded = {"change": "loaded", "rows": len(actuals.observations), "sha256": actuals.sha256}
    ledger.events.record(
        EventType.DATA_LOADED,
        scenario=plan.scenario,
        subject="actuals",
        payload={**loaded, "fired": sum(one.fired for one in checks)},
    )
    recorded = []
    for one in checks:
        payload = _payload(one, plan)
        if one.fired and tuple(payload[name] for name in KEY) not in known:
            ledger.events.record(
                EventType.IMPLEMENTATION_EVENT,
                scenario=plan.scenario,
                subject=payload["trigger"],
                payload=payload,
            )
            recorded.append(one)
    return tuple(recorded)


def _payload(one: ActualCheck, plan: ReleasedFigures) -> dict[str, Any]:
    trigger = one.trigger
    return {
        "action": TRIGGER,
        "trigger": trigger.name if trigger else None,
        "severity": trigger.severity if trigger else None,
        "limit": trigger.limit if trigger else None,
        "fingerprint": plan.fingerprint,
        "on": one.on.isoformat(),
        "metric": one.metric,
        "actual": one.actual,
        "planned": one.planned,
        "deviation": one.deviation,
        "recommended": "rollback" if trigger and trigger.severity is Risk.HIGH else "review",
    }


def _released_at(events: Sequence[AuditEvent]) -> datetime | None:
    """Return when the plan in force was released, by the newest release or rollback that was not undone."""
    return next(
        (e.at for e in events if e.payload.get("action") in IN_FORCE and not e.payload.get("undone")), None
    )


def fired_triggers(settings: Settings) -> tuple[Mapping[str, Any], ...]:
    """Return the triggers that fired on the plan in force, else on the baseline, the newest first."""
    plan = plan_in_force(settings)
    if plan not in published_scenarios(settings):
        return ()
    with open_ledger(settings) as ledger:
        events = ledger.events.list(kind=EventType.IMPLEMENTATION_EVENT)
    return _fired(events, fingerprint_in_force(settings, plan))


def _fired(events: Sequence[AuditEvent], fingerprint: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        event.payload
        for event in events
        if event.payload.get("action") == TRIGGER and event.payload["fingerprint"] == fingerprint
    )


def describe(one: ActualCheck) -> str:
    """Return a check in words."""
    label = one.metric.replace("_", " ")
    if one.deviation is None:
        return f"{one.on} {label}: not compared, {one.why}"
    side = "over" if one.deviation > 0 else "under"
    text = f"{one.on} {label}: {abs(one.deviation):.1%} {side} the plan"
    if not one.fired or one.trigger is None:
        return text
    return f"{text}, {one.trigger.severity} (from {abs(one.trigger.limit):.0%} on)"
