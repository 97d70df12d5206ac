"""Studies as they are read back: the list from their summaries, one study from its journal."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from planwise.formatting import escape_formula
from planwise.settings import Settings
from planwise.study.problem import PP
from planwise.study.trials.files import read_result, read_study, read_summary, study_folders
from planwise.study.trials.holding import state_of
from planwise.study.trials.record import finished_trials, unfinished
from planwise.study.trials.storage import load_study, stored_studies
from planwise.study.trials.trial import Trial

UNKNOWN = "unknown"
TRIAL_COLUMNS = (
    "trial",
    "kind",
    "purpose",
    "iteration",
    "seed",
    "state",
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
    """One study: what it was asked (`about`), how it stands, its finished trials, its result at its end.

    `unfinished` counts trials that are under way, or were when the study's process ended.
    """

    name: str
    about: dict[str, Any]
    state: str
    trials: tuple[Trial, ...]
    unfinished: int
    result: dict[str, Any] | None

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row a trial, but for the levers, which stay a mapping."""
        target = self.about["question"]["target_growth"]
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
    """Return one summary a study, newest first; no journal is read.

    A database that several homes may share is asked itself, so that every machine of a team sees the same.
    """
    if settings.study_storage_url:
        found = [
            _listed(settings, name, about, {**about, **(about.get("result") or {}), "trials": trials})
            for name, about, trials in stored_studies(settings)
        ]
    else:
        read = {name: read_study(settings, name) for name in study_folders(settings)}
        found = [
            _listed(settings, name, about, read_summary(settings, name) or {})
            for name, about in read.items()
            if about is not None
        ]
    return sorted(found, key=lambda listed: str(listed["created_at"]), reverse=True)


def view_of(settings: Settings, name: str) -> StudyView:
    """Return a study to look at; raises InputError when there is none of that name."""
    study = load_study(settings, name)
    about = dict(study.user_attrs)
    return StudyView(
        name,
        about,
        state_of(settings, name, about.get("state", UNKNOWN)),
        finished_trials(study),
        unfinished(study),
        read_result(settings, name),
    )


def csv_of(view: StudyView, output: TextIO) -> None:
    """Write one row a trial: its facts, its levers, and the last year's KPIs; no text in it calculates."""
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
    settings: Settings, name: str, about: Mapping[str, Any], stands: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "study": name,
        "strategy": about["question"]["strategy"],
        "scenario": about["scenario"],
        "target_growth": about["question"]["target_growth"],
        "kind": about["kind"],
        "state": state_of(settings, name, stands.get("state") or UNKNOWN),
        "created_at": about["created_at"],
        "trials": stands.get("trials", 0),
        "trials_failed": stands.get("trials_failed"),
        "converged": stands.get("converged"),
        "gap_pp": stands.get("gap_pp"),
    }


def _row(trial: Trial, target: float) -> dict[str, Any]:
    found = trial.evaluation
    return {
        "trial": trial.number,
        "kind": trial.kind,
        "purpose": trial.purpose.value,
        "iteration": trial.iteration,
        "seed": trial.seed,
        "state": trial.state,
        "growth": None if found is None else found.growth,
        "gap_pp": None if found is None else PP * (target - found.growth),
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
