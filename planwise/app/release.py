"""Release an approved proposal, roll back to a checkpoint, and plan a rollout in phases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Any

from pydantic import Field

from planwise.app.gates import record_gate
from planwise.app.proposals import check_open
from planwise.app.runner import InProcessRunner, Runner
from planwise.app.simulate import gate_simulation, resolve_scenario, simulate_in, warehouse_for
from planwise.engine.outcome import Kpis
from planwise.engine.warehouse import open_warehouse
from planwise.errors import Busy, InputError
from planwise.gate import GateResult
from planwise.governance import Action, Ledger, effective_parameters, open_ledger
from planwise.governance.publications import PROD
from planwise.governance.request import Bounds, Request, ScenarioRequest
from planwise.governance.scenarios import baseline
from planwise.monitoring.gate_history import GateOf
from planwise.release.releases import Change, Release, ReleaseKind, Releases
from planwise.release.rollout import PHASES_MAX, Phase, Tolerance, pace_of, plan_phases
from planwise.release.switch import Switch
from planwise.settings import Settings

TITLE_SHOWN = 160  # characters of the scenario's title in that of a phase
PHASE_OF = "Phase of the rollout of "  # the description of a scenario that a later rollout may replace


class ReleaseRequest(Request):
    """Release an approved proposal."""

    proposal: Annotated[int, Bounds(low=1)] = Field(description="Number of the proposal.")
    apply: bool = Field(default=False, description="Do it; else only show what changes.")


class RollbackRequest(Request):
    """Put a checkpoint in force again."""

    checkpoint: str = Field(description="Name of a checkpoint.")
    apply: bool = Field(default=False, description="Do it; else only show what changes.")


class RolloutRequest(Request):
    """Plan a rollout of a scenario in phases: of equal size, or at the pace of a risk tolerance."""

    scenario: str = Field(description="Name of a scenario.")
    phases: Annotated[int | None, Bounds(low=1, high=PHASES_MAX)] = Field(
        default=None, description="Number of phases, each with the same change."
    )
    tolerance: Tolerance | None = Field(default=None, description="Risk tolerance: 4, 3 or 2 phases.")


@dataclass(frozen=True)
class ReleaseReport:
    """A release or rollback that was made, would be (`applied` is false), or is in force already."""

    change: Change
    applied: bool
    checkpoint: str
    models_reused: int
    seconds: float
    gate: GateResult | None
    recovered: str

    @property
    def is_in_force(self) -> bool:
        """Whether it was in force already, so that nothing was changed."""
        return isinstance(self.change, Release) and not self.applied

    @property
    def status(self) -> str:
        """What has been done."""
        if self.is_in_force:
            return "in force already"
        if not self.applied:
            return "dry run"
        return "released" if self.change.kind is ReleaseKind.RELEASE else "rolled back"

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise release --json` and `planwise rollback --json` print."""
        change = self.change
        return {
            "release": change.id if isinstance(change, Release) else None,
            "kind": change.kind,
            "proposal": change.proposal,
            "rolled_back_to": change.target,
            "status": self.status,
            "applied": self.applied,
            "scenario": change.scenario,
            "fingerprint": change.fingerprint,
            "environment": PROD,
            "checkpoint": self.checkpoint,
            "before": {"scenario": change.scenario_before, "fingerprint": change.fingerprint_before},
            "levers": change.lever_changes(),
            "models_run": 0,  # a plan with any is refused
            "models_reused": self.models_reused,
            "gate": None if self.gate is None else {"status": self.gate.status, "failed": self.gate.failed},
            "seconds": round(self.seconds, 3),
            "recovered": self.recovered,
        }


def release(settings: Settings, request: ReleaseRequest, run: Runner) -> ReleaseReport:
    """Make `prod` show an approved scenario's result, set its levers and publish it; without `apply`, say so.

    Raises Forbidden for a role that may not, InputError for a proposal that is not approved or a result that
    is no longer there, GateBlocked, and Busy: what was in force before is then still in force.
    """

    def find(switch: Switch, ledger: Ledger) -> Change:
        done = switch.releases.in_force()
        if done is not None and (done.kind, done.proposal) == (ReleaseKind.RELEASE, request.proposal):
            return done
        check_open(settings, ledger, ledger.proposals.get(request.proposal))
        proposal = ledger.proposals.require_releasable(request.proposal)
        change: Change = run(switch.plan_release, proposal.scenario, proposal.fingerprint, proposal.id)
        return change

    purpose = f"release proposal {request.proposal}"
    with open_ledger(settings) as ledger:
        ledger.require(Action.RELEASE)
        ledger.proposals.get(request.proposal)
        return _put_in_force(settings, ledger, purpose, find, run, apply=request.apply, gated=True)


def rollback(settings: Settings, request: RollbackRequest, run: Runner) -> ReleaseReport:
    """Put a checkpoint in force again: levers, `prod` and its files as they were; raises like `release`."""

    def find(switch: Switch, _: Ledger) -> Change:
        checkpoint = switch.releases.checkpoint(request.checkpoint)
        done = switch.releases.in_force()
        if done is not None and done.target == checkpoint.name:
            return done
        change: Change = run(switch.plan_rollback, checkpoint)
        return change

    purpose = f"roll back to {request.checkpoint}"
    with open_ledger(settings) as ledger:
        ledger.require(Action.RELEASE)
        Releases(ledger).checkpoint(request.checkpoint)
        return _put_in_force(settings, ledger, purpose, find, run, apply=request.apply, gated=False)


def _put_in_force(
    settings: Settings,
    ledger: Ledger,
    purpose: str,
    find: Callable[[Switch, Ledger], Change],
    run: Runner,
    *,
    apply: bool,
    gated: bool,
) -> ReleaseReport:
    """Make the change that `find` returns, with `apply`; a release that it returns is in force already."""
    with warehouse_for(settings, purpose, run) as warehouse:
        warehouse.open_state()
        switch = Switch(settings, ledger, warehouse, run)
        recovered = run(recover_release, switch, run)
        if other := switch.releases.unfinished_elsewhere():
            raise Busy(other, remedy="Nothing was changed here.")
        started = perf_counter()
        change = find(switch, ledger)
        is_made = apply and not isinstance(change, Release)
        gates: list[GateResult] = []

        def gate(environment: str) -> GateResult:
            gates.append(run(gate_simulation, settings, warehouse, environment))
            record_gate(settings, run, gates[-1], GateOf.RELEASE, change.scenario, change.fingerprint)
            return gates[-1]

        if isinstance(change, Release):
            run(switch.repair, change)
        else:
            switch.check(change)
        if is_made:
            change = switch.make(change, gate if gated else None)
        return ReleaseReport(
            change=change,
            applied=is_made,
            checkpoint=getattr(change, "checkpoint", "") or switch.releases.next_checkpoint(),
            models_reused=switch.models_of(change),
            seconds=perf_counter() - started,
            gate=gates[-1] if gates else None,
            recovered=recovered,
        )


def recover_release(switch: Switch, run: Runner) -> str:
    """Finish or undo a change that was interrupted."""
    recovered = switch.recover()
    if recovered:
        run.log(recovered)
    return recovered


def recover_now(settings: Settings, ledger: Ledger) -> str:
    """Finish or undo an interrupted change at once, unless it is being made; return what was done."""
    try:
        with open_warehouse(
            settings.model_copy(update={"lock_timeout_seconds": 0}), "checkpoints"
        ) as warehouse:
            warehouse.open_state()
            return Switch(settings, ledger, warehouse, InProcessRunner()).recover()
    except Busy:  # the change is being made
        return ""


@dataclass(frozen=True)
class PhaseReport:
    """A phase that was simulated."""

    phase: Phase
    levers: Sequence[Mapping[str, Any]]
    fingerprint: str
    gate: str
    kpis: Kpis

    def as_json(self) -> dict[str, Any]:
        """Return the phase as one object, with what is kept before it and how it is taken back."""
        name, number = self.phase.scenario, self.phase.number
        before = "the release in force" if number == 1 else f"phase {number - 1}"
        back = f"`planwise rollback CHECKPOINT --apply` puts {before} in force again"
        return {
            "phase": number,
            "scenario": name,
            "share": self.phase.share,
            "levers": list(self.levers),
            "fingerprint": self.fingerprint,
            "gate": self.gate,
            "kpis": self.kpis,
            "checkpoint": f"The release of {name} keeps {before} as a checkpoint, which it names.",
            "rollback": f"{back}; no model runs.",
        }


@dataclass(frozen=True)
class RolloutReport:
    """A rollout: its phases in order, each proposed, approved and released by itself."""

    scenario: str
    tolerance: str | None
    change_max: float
    phases: Sequence[PhaseReport]
    currency: str

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise rollout --json` prints."""
        return {
            "scenario": self.scenario,
            "tolerance": self.tolerance,
            "change_max_per_phase": self.change_max,
            "currency": self.currency,
            "phases": [phase.as_json() for phase in self.phases],
        }


def rollout(settings: Settings, request: RolloutRequest, run: Runner) -> RolloutReport:
    """Store each phase of a rollout as a scenario, and simulate it.

    Raises InputError for a scenario without changed levers, or when a phase's name is another scenario's.
    """
    pace = pace_of(request.phases, request.tolerance)
    resolved = resolve_scenario(settings, ScenarioRequest(scenario=request.scenario))
    with open_ledger(settings) as ledger:
        ledger.require(Action.RUN)
        horizon = {
            key: resolved.effective.value(key) for key in ("years",) if key in resolved.scenario.overrides
        }
        in_force = effective_parameters(ledger, baseline(), resolved.census.first_year, horizon)
        phases = plan_phases(request.scenario, in_force, resolved.effective, pace)
        others = {one.name: one.description for one in ledger.scenarios.list(archived=True)}
        about = f"{PHASE_OF}{request.scenario}"
        if taken := [one.scenario for one in phases if not others.get(one.scenario, about).startswith(about)]:
            raise InputError(
                f"The scenario {taken[0]} exists already, and is no phase of {request.scenario}.",
                remedy="Delete it, or copy the scenario to another name.",
            )
        of = resolved.scenario.title or request.scenario
        for phase in phases:
            ledger.scenarios.create(
                phase.scenario,
                phase.overrides,
                census=resolved.census.name,
                title=f"{of[:TITLE_SHOWN]}, phase {phase.number} of {len(phases)}",
                description=f"{about}: {phase.share:.0%} of the change.",
                parent=request.scenario,
                years=resolved.effective.years,
                replace=True,
            )
    reports = []
    with warehouse_for(settings, f"rollout of {request.scenario}", run) as warehouse:
        for phase in phases:
            found = resolve_scenario(settings, ScenarioRequest(scenario=phase.scenario))
            done = simulate_in(settings, warehouse, found, run)
            own = {key: value for key, value in found.scenario.overrides.items()}
            reports.append(
                PhaseReport(
                    phase,
                    [{"lever": key, "value": value} for key, value in own.items()],
                    done.outcome.fingerprint,
                    done.gate.status,
                    done.kpis,
                )
            )
    return RolloutReport(
        request.scenario, request.tolerance, pace.change_max, reports, resolved.census.currency
    )
