"""Read studies: the list, one study from its journal, its trials as a table or CSV."""

import csv
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TextIO

from rich.table import Table

from planwise.errors import DamagedStore
from planwise.formatting import TERMINAL, counted, escape_formula
from planwise.settings import Settings
from planwise.storage import read_each
from planwise.study.optuna_storage import load_study, stored_studies
from planwise.study.problem import PP
from planwise.study.spec import StudySpec
from planwise.study.study_files import (
    journal_file,
    read_result,
    read_study,
    read_summary,
    reading_study,
    state_of,
    study_folders,
)
from planwise.study.target import RATE_MAX, Target
from planwise.study.trial import POST_ANALYSIS, Trial, TrialPurpose, finished_trials, unfinished

UNKNOWN = "unknown"
TRIAL_COLUMNS = (
    "trial",
    "kind",
    "purpose",
    "iteration",
    "seed",
    "state",
    "reached",
    "growth",
    "gap_pp",
    "seconds",
    "models_run",
    "cache_hit",
    "answered_by",
    "gate",
    "fingerprint",
    "environment",
    "error",
)


@dataclass(frozen=True)
class StudyView:
    """One study: its question (`about`), its state, its finished trials, and its result once it has ended.

    `unfinished` counts trials that are running, or were when the study's process ended.
    """

    name: str
    about: dict[str, Any]
    state: str
    trials: tuple[Trial, ...]
    unfinished: int
    result: dict[str, Any] | None

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row per trial; the levers stay a mapping."""
        target = StudySpec.from_json(self.about["question"]).sought
        return [_row(trial, target) for trial in self.trials]

    def as_json(self) -> dict[str, Any]:
        """Return the study as JSON values."""
        about = {key: value for key, value in self.about.items() if key not in ("result", "state")}
        return {
            "study": self.name,
            **about,
            "state": self.state,
            "unfinished": self.unfinished,
            "trials": self.rows(),
            "result": self.result,
        }


def list_studies(settings: Settings) -> list[dict[str, Any]]:
    """Return one summary per study, newest first; raises DamagedStore when one is damaged."""
    found, damaged = read_studies(settings)
    if damaged:
        raise damaged[0]
    return found


def read_studies(settings: Settings) -> tuple[list[dict[str, Any]], tuple[DamagedStore, ...]]:
    """Return one summary per study, newest first, and the errors of damaged ones; no journal is read.

    With a database, which several homes may share, the list is read from it.
    """
    found: Iterable[dict[str, Any]]
    damaged: tuple[DamagedStore, ...] = ()
    if settings.study_storage_url:
        found = [
            _listed(settings, name, about, {**about, **(about.get("result") or {}), "trials": trials})
            for name, about, trials in stored_studies(settings)
        ]
    else:

        def listed(name: str) -> dict[str, Any]:
            about = read_study(settings, name) or {}
            return _listed(settings, name, about, read_summary(settings, name) or {})

        found, damaged = read_each(study_folders(settings), listed)
    return sorted(found, key=lambda study: str(study["created_at"]), reverse=True), damaged


def load_view(settings: Settings, name: str) -> StudyView:
    """Return a study for reading; raises InputError for an unknown name."""
    study = load_study(settings, name)
    about = dict(study.user_attrs)
    with reading_study(settings, name, journal_file(settings, name)):
        trials = finished_trials(study)
    state = state_of(settings, name, about.get("state", UNKNOWN))
    return StudyView(name, about, state, trials, unfinished(study), read_result(settings, name))


def write_csv(view: StudyView, output: TextIO) -> None:
    """Write one row per trial: its facts, levers, and KPIs of the last year; formulas are escaped."""
    levers = list(view.about["levers"])
    kpis = list(next((t.evaluation.kpis[-1] for t in view.trials if t.evaluation is not None), {}))
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([*TRIAL_COLUMNS, *levers, *(f"kpi_{name}" for name in kpis)])
    for trial, row in zip(view.trials, view.rows(), strict=True):
        last = trial.evaluation.kpis[-1] if trial.evaluation is not None else {}
        writer.writerow(
            [
                *(escape_formula(row[name]) for name in TRIAL_COLUMNS),
                *(trial.levers.get(name) for name in levers),
                *(last.get(name) for name in kpis),
            ]
        )


def _listed(
    settings: Settings, name: str, about: Mapping[str, Any], summary: Mapping[str, Any]
) -> dict[str, Any]:
    spec = StudySpec.from_json(about["question"])
    return {
        "study": name,
        "strategy": spec.chosen_strategy,
        "scenario": about["scenario"],
        "target": spec.goal.as_json(),
        "seeks_target": spec.seeks_target,
        "kind": about["kind"],
        "state": state_of(settings, name, summary.get("state") or UNKNOWN),
        "created_at": about["created_at"],
        "trials": summary.get("trials", 0),
        "trials_failed": summary.get("trials_failed"),
        "converged": summary.get("converged"),
        "reachable": summary.get("reachable"),
        "within_policy": summary.get("within_policy"),
        "gap_pp": summary.get("gap_pp"),
    }


def _row(trial: Trial, target: Target | None) -> dict[str, Any]:
    found = trial.evaluation
    return {
        "trial": trial.number,
        "kind": trial.kind,
        "purpose": trial.purpose.value,
        "iteration": trial.iteration,
        "seed": trial.seed,
        "state": trial.state,
        "reached": target.measure.of(found.kpis) if found and target else None,
        "growth": None if found is None else found.growth,
        "gap_pp": PP * (target.goal - target.share(found.kpis)) if found and target else None,
        "seconds": None if found is None else found.seconds,
        "models_run": None if found is None else found.models_run,
        "cache_hit": None if found is None else found.cache_hit,
        "answered_by": trial.answered_by,
        "gate": None if found is None else found.gate_status,
        "fingerprint": None if found is None else found.fingerprint,
        "environment": None if found is None else found.environment,
        "error": trial.error,
        "levers": dict(trial.levers),
    }


FOLDED = POST_ANALYSIS | {TrialPurpose.REPLICATE}  # alike, and many


def trial_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Return the table of the rows of `StudyView.rows`."""
    table = Table("trial", "kind", "purpose", "iteration", "state", "reached", "gap pp", "seconds", "levers")
    for purpose, group in groupby(rows, key=lambda row: str(row["purpose"])):
        members = list(group)
        if purpose in FOLDED and len(members) > 1:
            table.add_row(*_folded(purpose, members))
        else:
            for row in members:
                table.add_row(*_line(row))
    return table


def objectives_text(question: Mapping[str, Any]) -> list[str]:
    """Return each objective, with its weight where it has one."""
    return [
        name if weight is None else f"{name} {weight:g}" for name, weight in question.get("objectives", ())
    ]


def resume_hint(study: str) -> str:
    """Return the command that resumes a study."""
    return f"`planwise optimize --resume {study}`"


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    state = row["state"] if row["error"] is None else f"{row['state']}: {row['error']}"
    if row["answered_by"] is not None:
        state += f", as trial {row['answered_by']}"
    return (
        str(row["trial"]),
        row["kind"],
        row["purpose"] if row["seed"] is None else f"{row['purpose']} {row['seed']}",
        str(row["iteration"]),
        state,
        _figure(row["reached"]),
        "" if row["gap_pp"] is None else f"{row['gap_pp']:+.3f}",
        "" if row["seconds"] is None else f"{row['seconds']:.2f}",
        ", ".join(f"{name} {value:g}" for name, value in row["levers"].items()) or "unchanged",
    )


def _figure(value: float | None) -> str:
    """Return what a trial reaches: an amount, or a rate in per cent."""
    if value is None:
        return ""
    return TERMINAL.money(value) if abs(value) > RATE_MAX else f"{value:.3%}"


def _folded(purpose: str, rows: list[Mapping[str, Any]]) -> tuple[str, ...]:
    reached = [row["reached"] for row in rows if row["reached"] is not None]
    failed = sum(row["growth"] is None for row in rows)
    seeds = [row["seed"] for row in rows if row["seed"] is not None]
    what = counted(len(rows), "other seed") if seeds else f"{len(rows)} around the answer"
    return (
        f"{rows[0]['trial']}–{rows[-1]['trial']}",
        str(rows[0]["kind"]),
        purpose,
        "",
        f"{failed} failed" if failed else "complete",
        f"{_figure(min(reached))} to {_figure(max(reached))}" if reached else "",
        "",
        f"{statistics.fmean(row['seconds'] or 0.0 for row in rows):.2f}",
        what,
    )
