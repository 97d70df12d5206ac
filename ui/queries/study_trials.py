"""A study's trials as rows, read as its journal grows; importance of levers."""

import math
import os
from collections.abc import Hashable, Mapping
from threading import Lock
from typing import Any

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from planwise.engine.outcome import Kpis
from planwise.formatting import with_levels
from planwise.parameters import catalogue
from planwise.risk.sensitivity import importance
from planwise.settings import Settings
from planwise.study.constraints import highest_payroll
from planwise.study.objectives import (
    ADJUSTED_GAP,
    COST,
    EQUITY,
    TARGETS,
    adjusted_gap_part,
    cost_part,
    equity_part,
    targets_part,
)
from planwise.study.optuna_storage import load_study, named_limits, parts_of
from planwise.study.pareto import diverse, front, knee
from planwise.study.space import TunedLever, expanded, members
from planwise.study.spec import StudyHeader, StudySpec
from planwise.study.study_files import journal_file
from planwise.study.trial import (
    ERROR,
    FINISHED,
    GIVEN_UP,
    NO_CANDIDATES,
    Trial,
    TrialPurpose,
    number_of,
    trial_of,
)
from ui.values.studies import (
    ANALYSIS,
    BASELINE,
    CANDIDATE,
    FACTS,
    FAILED,
    FEASIBLE,
    INFEASIBLE,
    LEVER,
    LIMIT,
    PART,
    StudyLever,
    StudyTrials,
)

PP = 100.0
CHANGE = "change"
MERIT_BUDGET = "Merit budget, all levels"


class GrowingTrials:
    """The trials of one study, read as its journal grows; shared by all sessions, one read at a time."""

    def __init__(self, settings: Settings, name: str, header: StudyHeader) -> None:
        self._spec, self._names = header.spec, header.levers
        self._kind, self._target = header.kind, header.spec.sought
        self._study = load_study(settings, name)
        self._lock = Lock()
        self._rows: dict[int, Mapping[str, Any]] = {}
        self._given: dict[int, Mapping[str, float]] = {}
        self._bounds: dict[str, tuple[float, float]] = {}
        self._starts: dict[str, float] = {}
        self._baseline: Kpis | None = None

    def read(self) -> tuple[pd.DataFrame, int, dict[str, Any]]:
        """Return the finished trials, the number of running ones, and the values stored with the study."""
        with self._lock:
            trials = [  # reads only what the journal has gained
                frozen for part in parts_of(self._study) for frozen in part.get_trials(deepcopy=False)
            ]
            for frozen in trials:
                if frozen.state in FINISHED and number_of(frozen) not in self._rows:
                    self._take(frozen)
            unfinished = sum(frozen.state == TrialState.RUNNING for frozen in trials)
            rows = [self._rows[number] for number in sorted(self._rows) if self._rows[number]]
            return self._frame(rows), unfinished, dict(self._study.user_attrs)

    def given(self) -> Mapping[int, Mapping[str, float]]:
        """Return the levers that each finished trial set."""
        with self._lock:
            return dict(self._given)

    def levers(self) -> tuple[StudyLever, ...]:
        """Return the tuned levers with their bounds in this study."""
        with self._lock:
            return tuple(_lever(name, self._bounds.get(name), self._starts.get(name)) for name in self._names)

    def _take(self, frozen: FrozenTrial) -> None:
        if frozen.user_attrs.get(ERROR) == GIVEN_UP:
            self._rows[number_of(frozen)] = {}
            return
        trial = trial_of(frozen)
        if not self._bounds and frozen.distributions:
            self._bounds = {
                name: (float(one.low), float(one.high))
                for name, one in frozen.distributions.items()
                if isinstance(one, optuna.distributions.FloatDistribution)
            }
        if trial.purpose == TrialPurpose.BASELINE and trial.evaluation is not None:
            self._baseline = trial.evaluation.kpis
            self._starts = {name: float(value) for name, value in frozen.params.items()}
        self._given[trial.number] = expanded(trial.levers)
        self._rows[trial.number] = self._row(frozen, trial)

    def _row(self, frozen: FrozenTrial, trial: Trial) -> dict[str, Any]:
        found = trial.evaluation
        limits = named_limits(frozen)
        violated = [name for name, value in limits.items() if value > 0]
        row: dict[str, Any] = dict.fromkeys(FACTS)
        row |= {
            "trial": trial.number,
            "kind": trial.kind,
            "purpose": trial.purpose.value,
            "iteration": trial.iteration,
            "seed": trial.seed,
            "state": FAILED if found is None else INFEASIBLE if violated or not found.feasible else FEASIBLE,
            "role": _role(trial),
            "violated": ", ".join(violated),
            "answered_by": trial.answered_by,
            "error": trial.error,
        }
        row |= {LEVER + name: trial.levers.get(name, self._starts.get(name)) for name in self._names}
        if found is None:
            return row
        last = found.kpis[-1]
        values = frozen.values or []
        row |= {
            "growth": found.growth,
            "reached": self._spec.goal.measure.of(found.kpis) if self._target else None,
            "gap_pp": PP * (self._target.goal - self._target.share(found.kpis)) if self._target else None,
            "payroll": highest_payroll(found.kpis),
            "cost": math.fsum(float(year["payroll_change"]) for year in found.kpis),
            "within_level_cv": last["within_level_cv"],
            "adjusted_gap": last["adjusted_gap_max"],
            "below_minimum": last["below_minimum"],
            "raise_max": max(
                (float(y["raise_max"]) for y in found.kpis if y["raise_max"] is not None), default=None
            ),
            "score": float(values[0]) if len(values) == 1 else None,
            "gate": found.gate_status,
            "seconds": found.seconds,
            "cache_hit": found.cache_hit,
            "fingerprint": found.fingerprint,
        }
        row |= {LIMIT + name: value for name, value in limits.items()}
        return row | self._parts(trial, row["score"])

    def _parts(self, trial: Trial, score: float | None) -> dict[str, float]:
        """Return each objective before its weight; without objectives the target's part and the change's."""
        found, base = trial.evaluation, self._baseline
        if found is None or base is None:
            return {}
        target = self._target
        tolerance = self._spec.tolerance
        of_target = 0.0 if target is None else targets_part(target.share(found.kpis), target.goal, tolerance)
        if not self._spec.weights:
            change = None if score is None else max(score - of_target, 0.0)
            return {PART + TARGETS: of_target} | ({} if change is None else {PART + CHANGE: change})
        known = {
            COST: lambda: cost_part(found.kpis, base),
            EQUITY: lambda: equity_part(found.kpis, base),
            ADJUSTED_GAP: lambda: adjusted_gap_part(found.kpis, base),
            TARGETS: lambda: of_target,
        }
        return {PART + name: float(known[name]()) for name, _ in self._spec.weights}

    def _frame(self, rows: list[Mapping[str, Any]]) -> pd.DataFrame:
        extra = sorted({key for row in rows for key in row} - set(FACTS))
        order = [key for prefix in (PART, LIMIT, LEVER) for key in extra if key.startswith(prefix)]
        levers = [LEVER + name for name in self._names]
        columns = [*FACTS, *(key for key in order if not key.startswith(LEVER)), *levers]
        frame = pd.DataFrame(rows, columns=columns)
        for name in columns:
            if name not in TEXTS:
                frame[name] = pd.to_numeric(frame[name], errors="coerce")
        weights = {name: 1.0 if weight is None else weight for name, weight in self._spec.weights}
        if self._spec.multi_objective and len(frame):
            parts = [PART + name for name in weights if PART + name in frame]
            frame["score"] = frame[parts].sum(axis=1, skipna=False) if parts else math.nan
        return _with_best(frame, self._spec, self._kind)


TEXTS = frozenset(
    {"kind", "purpose", "state", "role", "violated", "gate", "fingerprint", "error", "cache_hit"}
)


def fronts(frame: pd.DataFrame, header: StudyHeader) -> tuple[tuple[int, ...], int | None, tuple[int, ...]]:
    """Return the trials of the front, its knee and its diverse picks; empty without several objectives."""
    if not header.spec.multi_objective:
        return (), None, ()
    columns = [PART + name for name, _ in header.spec.weights]
    if not set(columns) <= set(frame.columns):
        return (), None, ()
    rows = frame.loc[
        (frame["role"] == CANDIDATE) & (frame["kind"] == header.kind) & (frame["state"] == FEASIBLE)
    ].dropna(subset=columns)
    if rows.empty:
        return (), None, ()
    numbers = rows["trial"].astype(int).tolist()
    values = rows[columns].to_numpy().tolist()
    members = front(values)
    of_members = [values[index] for index in members]
    front_numbers = tuple(numbers[index] for index in members)
    return (
        front_numbers,
        front_numbers[knee(of_members)],
        tuple(front_numbers[i] for i in diverse(of_members)),
    )


def journal_stamp(settings: Settings, name: str) -> Hashable:
    """Return a value that changes when the journal is replaced, not when it grows."""
    try:
        return os.stat(journal_file(settings, name)).st_ino
    except OSError:
        return None


def _with_best(frame: pd.DataFrame, spec: StudySpec, kind: str) -> pd.DataFrame:
    """Fill in, trial by trial, the best value and lowest score so far of those that decide."""
    decides = (frame["role"] == CANDIDATE) & (frame["kind"] == kind) & (frame["state"] == FEASIBLE)
    frame["best_score"] = frame["score"].where(decides).cummin().ffill()
    missed = frame["gap_pp"].abs() > PP * spec.tolerance
    best: tuple[bool, float, float] | None = None  # off target, score, value
    reached: list[float | None] = []
    for counts, *found in zip(decides, missed, frame["score"], frame["reached"], strict=True):
        off, score, value = found
        if counts and (best is None or (off, score) < best[:2]):
            best = (off, score, value)
        reached.append(None if best is None else best[2])
    frame["best_reached"] = pd.to_numeric(pd.Series(reached, index=frame.index), errors="coerce")
    return frame


def _role(trial: Trial) -> str:
    if trial.purpose == TrialPurpose.BASELINE:
        return BASELINE
    return ANALYSIS if trial.seed is not None or trial.purpose in NO_CANDIDATES else CANDIDATE


def _lever(name: str, bounds: tuple[float, float] | None, start: float | None) -> StudyLever:
    several = len(members(name)) > 1
    plain, _, year = members(name)[0].partition("@")
    declared = catalogue().levers.get(plain)
    if declared is None:  # a lever that was declared when the study ran
        low, high = bounds or (math.nan, math.nan)
        return StudyLever(name, name, "rate", low, high, start, (low, high))
    low, high = bounds or declared.bounds
    label = MERIT_BUDGET if several else declared.label
    label = with_levels(f"{label}, {year}" if year else label)
    return StudyLever(name, label, declared.unit.value, low, high, start, declared.recommended)


def importance_of(study: StudyTrials) -> Mapping[str, Any]:
    """Return method, reason, number of distinct trials and each lever's share, over the trials so far."""
    tried = study.trials.loc[(study.trials["role"] == CANDIDATE) & study.trials["growth"].notna()]
    space = [
        TunedLever(
            lever.name,
            lever.low,
            lever.high,
            lever.start,
            lever.recommended[1] - lever.recommended[0],
            None,
            increasing=True,
            dynamics=False,
        )
        for lever in study.levers
        if lever.start is not None
    ]
    if not space:
        reason = "the unchanged scenario has not been evaluated yet"
        return {"method": "none", "reason": reason, "trials": 0, "shares": {}}
    points = tried[[LEVER + lever.name for lever in space]]
    values = [dict(zip((lever.name for lever in space), row, strict=True)) for row in points.to_numpy()]
    found = tried["growth"] if study.target is None else tried["reached"]
    return importance(space, values, found.tolist(), None).as_json()
