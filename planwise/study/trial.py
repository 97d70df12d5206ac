"""Trials: what was proposed, how it was evaluated, and the record of both in the journal.

A trial has three user attributes in Optuna, each one JSON object. `request`: number, kind, purpose,
iteration, levers, digest, and a replicate's seed. `evaluation`: growth, kpis (a list per column),
fingerprint, environment, seconds, models_run, models_reused, gate, cache_hit, answered_by. `error`: why the
trial failed.
Further attributes are single figures, which Optuna's own tools can sort and plot.

Trials of the post-analysis (other seeds, steps around the answer) are in a second study of Optuna, whose name
ends with " checks": a sampler would take a dozen points around the answer for the best region. A trial's
number counts both studies. Before version 0.2 they were PRUNED trials of the first.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

import optuna
from optuna.trial import FrozenTrial, TrialState

from planwise.engine.outcome import Kpis
from planwise.errors import CheckFailed
from planwise.study.optuna_storage import parts_of
from planwise.study.target import MEASURES

Kind = Literal["real", "preview"]
GROWTH = "growth_compound"  # compound annual growth of mean base pay since the census
NOT_GATED = "not gated"
GATE_FAILED = "failed"


@dataclass(frozen=True)
class Evaluation:
    """The KPIs under some levers; `levers` are the tuned ones (none for the baseline), `growth` is annual.

    `seconds` is wall time. `cache_hit`: no model ran, because equal parameters had been evaluated before.
    `seed` is the seed of a replicate, None under the scenario's own.
    """

    levers: Mapping[str, float]
    kpis: Kpis
    growth: float
    kind: Kind
    fingerprint: str | None = None
    environment: str | None = None
    seconds: float = 0.0
    models_run: int = 0
    models_reused: int = 0
    gate_status: str = NOT_GATED
    cache_hit: bool = False
    seed: int | None = None

    @property
    def feasible(self) -> bool:
        """Whether its gate did not fail."""
        return self.gate_status != GATE_FAILED


class Evaluator(Protocol):
    """Evaluates levers on top of one scenario on one census."""

    @property
    def kind(self) -> Kind:
        """Whether it evaluates by plans or by previews."""
        ...

    def digest(self, levers: Mapping[str, float], seed: int | None = None) -> str:
        """Return a digest that is equal for equal effective parameters."""
        ...

    def evaluate(self, levers: Mapping[str, float], *, number: int, seed: int | None = None) -> Evaluation:
        """Return the evaluation for trial `number` of its study; raises the errors of the engine.

        With a `seed` it is in the world of that seed: other rates, where they are drawn, and other luck.
        """
        ...


def growth_of(kpis: Kpis) -> float:
    """Return the growth that a study targets; raises CheckFailed when no employees are left."""
    growth = kpis[-1][GROWTH] if kpis else None
    if growth is None or not math.isfinite(growth):
        raise CheckFailed(
            "Growth is undefined: no employees are left at the end of the horizon.",
            remedy="Check headcount_growth and the termination rates.",
        )
    return float(growth)


State = Literal["complete", "infeasible", "failed"]


class TrialPurpose(StrEnum):
    """What a trial is evaluated for; the values are those of the journal and of JSON."""

    BASELINE = "baseline"  # the scenario without changes
    LOWEST = "lowest"  # least growth within the bounds
    HIGHEST = "highest"  # most growth within the bounds
    REACH = "reach"  # steps of the reachability analysis
    NEAREST = "nearest"  # closest to a target out of reach
    REPLICATE = "seed"  # another world, by which payroll_risk is judged
    CHECK = "check"  # the answer in a world that nothing was fitted to
    START = "start"  # the first points of a sampler
    SAMPLE = "sample"  # a sampler's own points
    POINT = "point"  # a value that an optimizer of SciPy requests
    SLOPE = "slope"  # a neighbour for finite differences
    STEP = "step"  # a step of the solver
    ITERATION = "iteration"  # a step of a heuristic
    VERIFY = "verify"  # a plan of a candidate found by previews
    ROBUSTNESS = "robustness"  # the answer in another world
    SENSITIVITY = "sensitivity"  # a neighbour of the answer
    ALONE = "alone"  # one lever's change without the others
    ALTERNATIVE = "alternative"  # another answer than the study's own


POST_ANALYSIS = frozenset(
    {
        TrialPurpose.CHECK,
        TrialPurpose.ROBUSTNESS,
        TrialPurpose.SENSITIVITY,
        TrialPurpose.ALONE,
        TrialPurpose.ALTERNATIVE,
    }
)
NO_CANDIDATES = POST_ANALYSIS | {TrialPurpose.BASELINE}


@dataclass(frozen=True)
class Proposal:
    """Levers that a strategy proposes to evaluate; where they are None the study's sampler draws them.

    Empty levers are the scenario itself. `iteration` counts a strategy's own steps from 1 (0 before the
    first). A `seed` makes the trial a replicate under that seed instead of the scenario's own; a replicate is
    never itself the answer.
    """

    levers: Mapping[str, float] | None
    kind: Kind
    purpose: TrialPurpose
    iteration: int = 0
    seed: int | None = None


@dataclass(frozen=True)
class Trial:
    """A finished trial; when it failed, `evaluation` is None and `error` is the reason.

    `answered_by` is the trial with equal parameters whose evaluation this one uses. `seed` is the seed of a
    replicate, None under the scenario's own.
    """

    number: int
    kind: Kind
    purpose: TrialPurpose
    iteration: int
    levers: Mapping[str, float]
    digest: str
    evaluation: Evaluation | None
    error: str | None = None
    answered_by: int | None = None
    seed: int | None = None

    @property
    def state(self) -> State:
        """Complete, complete but infeasible, or failed."""
        if self.evaluation is None:
            return "failed"
        return "complete" if self.evaluation.feasible else "infeasible"


REQUEST, EVALUATION, ERROR = "request", "evaluation", "error"
GIVEN_UP = "interrupted, and not asked for again"  # an attempt that did not become a trial
# Fields of an evaluation that its record has under the same name.
RECORDED = ("growth", "fingerprint", "environment", "seconds", "models_run", "models_reused", "cache_hit")
FINISHED = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL


@dataclass(frozen=True)
class TrialOutcome:
    """A judged evaluation: objective values, constraints (feasible up to 0), the trial that answered it."""

    evaluation: Evaluation
    values: tuple[float, ...]
    constraints: Mapping[str, float]
    answered_by: int | None


def request_record(
    proposal: Proposal, levers: Mapping[str, float], digest: str, number: int
) -> dict[str, Any]:
    """Return the journal's record of a proposal."""
    record = {
        "number": number,
        "kind": proposal.kind,
        "purpose": proposal.purpose.value,
        "iteration": proposal.iteration,
        "levers": dict(levers),
        "digest": digest,
    }
    return record if proposal.seed is None else {**record, "seed": proposal.seed}


def proposal_of(request: Mapping[str, Any]) -> Proposal:
    """Return the proposal of a record."""
    return Proposal(
        dict(request["levers"]),
        request["kind"],
        TrialPurpose(request["purpose"]),
        request["iteration"],
        request.get("seed"),
    )


def evaluation_record(finding: TrialOutcome) -> dict[str, Any]:
    """Return the journal's record of an evaluation."""
    evaluation = finding.evaluation
    kpis = evaluation.kpis
    return {
        **{name: getattr(evaluation, name) for name in RECORDED},
        "kpis": {name: [row[name] for row in kpis] for name in (kpis[0] if kpis else ())},
        "gate": evaluation.gate_status,
        "answered_by": finding.answered_by,
    }


def plain_figures(proposal: Proposal, evaluation: Evaluation) -> dict[str, str | float | None]:
    """Return what Optuna's own tools show of a trial: its purpose and the measures of a target."""
    rows: list[tuple[str, float | None]] = []
    for measure in MEASURES.values():
        with suppress(CheckFailed):
            rows.append((measure.name, measure.of(evaluation.kpis)))
    seed = {} if proposal.seed is None else {"seed": float(proposal.seed)}
    return {"purpose": proposal.purpose.value, "gate": evaluation.gate_status, **dict(rows), **seed}


def finished_trials(study: optuna.Study) -> tuple[Trial, ...]:
    """Return the finished trials of a study and of its checks, in order."""
    found = [
        trial_of(frozen)
        for part in parts_of(study)
        for frozen in part.get_trials(deepcopy=False, states=FINISHED)
        if frozen.user_attrs.get(ERROR) != GIVEN_UP
    ]
    return tuple(sorted(found, key=lambda trial: trial.number))


def ranked_trials(study: optuna.Study) -> tuple[Trial, ...]:
    """Return the evaluated trials, the best first: feasible ones, then by the sum of the objectives."""

    def rank(frozen: FrozenTrial) -> tuple[bool, float, int]:
        infeasible = any(value > 0 for value in frozen.constraints.values())
        return infeasible, math.fsum(frozen.values), number_of(frozen)

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return tuple(trial_of(frozen) for frozen in sorted(complete, key=rank))


def unfinished(study: optuna.Study) -> int:
    """Return how many trials are running, or were when their process ended."""
    running = (TrialState.RUNNING,)
    return sum(len(part.get_trials(deepcopy=False, states=running)) for part in parts_of(study))


def number_of(frozen: FrozenTrial) -> int:
    """Return the number of a trial, which counts the checks too."""
    return int(frozen.user_attrs.get(REQUEST, {}).get("number", frozen.number))


def trial_of(frozen: FrozenTrial) -> Trial:
    """Return the trial of a finished Optuna trial; one that was killed while drawn has no request."""
    request = frozen.user_attrs.get(REQUEST, {})
    record = frozen.user_attrs.get(EVALUATION, {})
    levers = dict(request.get("levers", frozen.params))
    return Trial(
        number=number_of(frozen),
        kind=request.get("kind", "real"),
        purpose=TrialPurpose(request.get("purpose", TrialPurpose.SAMPLE)),
        iteration=request.get("iteration", 0),
        levers=levers,
        digest=request.get("digest", ""),
        evaluation=None if frozen.state == TrialState.FAIL else _evaluation(levers, request, record),
        error=frozen.user_attrs.get(ERROR),
        answered_by=record.get("answered_by"),
        seed=request.get("seed"),
    )


def _evaluation(
    levers: Mapping[str, float], request: Mapping[str, Any], record: Mapping[str, Any]
) -> Evaluation:
    columns: Mapping[str, list[Any]] = record["kpis"]
    return Evaluation(
        levers=levers,
        kpis=[dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
        kind=request["kind"],
        gate_status=record["gate"],
        seed=request.get("seed"),
        **{name: record[name] for name in RECORDED},
    )
