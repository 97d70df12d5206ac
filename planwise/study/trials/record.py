"""What a trial is in the storage: three user attributes, each one JSON object and one write.

`request`: kind, purpose, iteration, levers, digest, and a replicate's seed. `evaluation`: growth, kpis (a
list a column), fingerprint, environment, seconds, models_run, models_reused, gate, cache_hit, answered_by.
Or `error`: what broke.

A trial about an answer (a replicate, a step to its side) is PRUNED in Optuna and without parameters: it was
evaluated, but a sampler would take a dozen points around the answer for the best region there is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from planwise.engine.outcome import Kpis
from planwise.study.trials.evaluation import Evaluation
from planwise.study.trials.trial import Proposal, Trial, TrialPurpose

REQUEST, EVALUATION, ERROR = "request", "evaluation", "error"
GIVEN_UP = "interrupted, and not asked for again"  # an attempt, of which no trial came
FINISHED = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL


@dataclass(frozen=True)
class Finding:
    """An evaluation as it is told: objective values, constraints (feasible up to 0), who answered it."""

    evaluation: Evaluation
    values: tuple[float, ...]
    constraints: Mapping[str, float]
    answered_by: int | None


def request_record(proposal: Proposal, levers: Mapping[str, float], digest: str) -> dict[str, Any]:
    """Return what was proposed as JSON values."""
    record = {
        "kind": proposal.kind,
        "purpose": proposal.purpose.value,
        "iteration": proposal.iteration,
        "levers": dict(levers),
        "digest": digest,
    }
    return record if proposal.seed is None else {**record, "seed": proposal.seed}


def proposal_of(request: Mapping[str, Any]) -> Proposal:
    """Return what was proposed, from the record."""
    return Proposal(
        dict(request["levers"]),
        request["kind"],
        TrialPurpose(request["purpose"]),
        request["iteration"],
        request.get("seed"),
    )


def evaluation_record(finding: Finding) -> dict[str, Any]:
    """Return what came of it as JSON values."""
    evaluation = finding.evaluation
    return {
        "growth": evaluation.growth,
        "kpis": _columns(evaluation.kpis),
        "fingerprint": evaluation.fingerprint,
        "environment": evaluation.environment,
        "seconds": evaluation.seconds,
        "models_run": evaluation.models_run,
        "models_reused": evaluation.models_reused,
        "gate": evaluation.gate_status,
        "cache_hit": evaluation.cache_hit,
        "answered_by": finding.answered_by,
    }


def finished_trials(study: optuna.Study) -> tuple[Trial, ...]:
    """Return the finished trials of a study, in order."""
    return tuple(
        trial_of(frozen)
        for frozen in study.get_trials(deepcopy=False, states=FINISHED)
        if frozen.user_attrs.get(ERROR) != GIVEN_UP
    )


def ranked_trials(study: optuna.Study) -> tuple[Trial, ...]:
    """Return the evaluated trials, the best first: feasible ones, then by the sum of the objectives."""

    def rank(frozen: FrozenTrial) -> tuple[bool, float, int]:
        infeasible = any(value > 0 for value in frozen.constraints.values())
        return infeasible, math.fsum(frozen.values), frozen.number

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return tuple(trial_of(frozen) for frozen in sorted(complete, key=rank))


def unfinished(study: optuna.Study) -> int:
    """Return how many trials are under way, or were when their process ended."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))


def trial_of(frozen: FrozenTrial) -> Trial:
    """Return a finished Optuna trial as ours; one that was killed as it was drawn has no request."""
    request = frozen.user_attrs.get(REQUEST, {})
    record = frozen.user_attrs.get(EVALUATION, {})
    levers = dict(request.get("levers", frozen.params))
    return Trial(
        number=frozen.number,
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
    return Evaluation(
        levers=levers,
        kpis=_rows(record["kpis"]),
        growth=record["growth"],
        kind=request["kind"],
        fingerprint=record["fingerprint"],
        environment=record["environment"],
        seconds=record["seconds"],
        models_run=record["models_run"],
        models_reused=record["models_reused"],
        gate_status=record["gate"],
        cache_hit=record["cache_hit"],
        seed=request.get("seed"),
    )


def _columns(kpis: Kpis) -> dict[str, list[Any]]:
    return {name: [row[name] for row in kpis] for name in (kpis[0] if kpis else ())}


def _rows(columns: Mapping[str, list[Any]]) -> Kpis:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
