"""Studies as they are read back: from the storage alone, so that every machine of a team sees the same."""

import csv
from dataclasses import dataclass
from typing import Any, TextIO

from planwise.settings import Settings
from planwise.study.files import read_result
from planwise.study.problem import PP
from planwise.study.record import finished_trials
from planwise.study.storage import existing_storage, load_study
from planwise.study.trial import Trial

UNKNOWN = "unknown"
TRIAL_COLUMNS = (
    "trial",
    "kind",
    "purpose",
    "iteration",
    "state",
    "growth",
    "gap_pp",
    "seconds",
    "models_run",
    "cache_hit",
    "gate",
    "fingerprint",
    "environment",
    "error",
)


@dataclass(frozen=True)
class StudyView:
    """One study: what it was asked (`about`), its finished trials, and its result when it has ended."""

    name: str
    about: dict[str, Any]
    trials: tuple[Trial, ...]
    result: dict[str, Any] | None

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row a trial, but for the levers, which stay a mapping."""
        target = self.about["question"]["target_growth"]
        return [_row(trial, target) for trial in self.trials]

    def as_json(self) -> dict[str, Any]:
        """Return the study as JSON values."""
        about = {key: value for key, value in self.about.items() if key != "result"}
        return {"study": self.name, **about, "trials": self.rows(), "result": self.result}


def list_studies(settings: Settings) -> list[dict[str, Any]]:
    """Return one summary a study, newest first; only what PlanWise made."""
    storage = existing_storage(settings)
    if storage is None:
        return []
    found = []
    for study in storage.get_all_studies():
        about = storage.get_study_user_attrs(study._study_id)
        if "question" not in about:
            continue
        answer = about.get("result") or {}
        found.append(
            {
                "study": study.study_name,
                "strategy": about["question"]["strategy"],
                "scenario": about["scenario"],
                "target_growth": about["question"]["target_growth"],
                "kind": about["kind"],
                "state": about.get("state", UNKNOWN),
                "created_at": about["created_at"],
                "trials": storage.get_n_trials(study._study_id),
                "converged": answer.get("converged"),
                "gap_pp": answer.get("gap_pp"),
            }
        )
    return sorted(found, key=lambda summary: summary["created_at"], reverse=True)


def view_of(settings: Settings, name: str) -> StudyView:
    """Return a study to look at; raises InputError when there is none of that name."""
    study = load_study(settings, name)
    return StudyView(name, dict(study.user_attrs), finished_trials(study), read_result(settings, name))


def csv_of(view: StudyView, output: TextIO) -> None:
    """Write one row a trial: its facts, its levers, and the last year's KPIs."""
    levers = list(view.about["levers"])
    kpis = list(next((t.evaluation.kpis[-1] for t in view.trials if t.evaluation is not None), {}))
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([*TRIAL_COLUMNS, *levers, *(f"kpi_{name}" for name in kpis)])
    for trial, row in zip(view.trials, view.rows(), strict=True):
        last = trial.evaluation.kpis[-1] if trial.evaluation is not None else {}
        writer.writerow(
            [
                *(row[name] for name in TRIAL_COLUMNS),
                *(trial.levers.get(name) for name in levers),
                *(last.get(name) for name in kpis),
            ]
        )


def _row(trial: Trial, target: float) -> dict[str, Any]:
    found = trial.evaluation
    return {
        "trial": trial.number,
        "kind": trial.kind,
        "purpose": trial.purpose,
        "iteration": trial.iteration,
        "state": trial.state,
        "growth": None if found is None else found.growth,
        "gap_pp": None if found is None else PP * (target - found.growth),
        "seconds": None if found is None else found.seconds,
        "models_run": None if found is None else found.models_run,
        "cache_hit": None if found is None else found.cache_hit,
        "gate": None if found is None else found.gate_status,
        "fingerprint": None if found is None else found.fingerprint,
        "environment": None if found is None else found.environment,
        "error": trial.error,
        "levers": dict(trial.levers),
    }
