"""A study as the views see it: trials, target, how it ended. Read through the study's own code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from planwise.errors import InputError
from planwise.settings import Settings

if TYPE_CHECKING:
    from planwise.study.trials.trial import Trial

PP = 100.0


@dataclass(frozen=True)
class Study:
    """One study, running or ended.

    `trials` has one row per finished trial: trial, kind (real, preview), state (complete, infeasible,
    failed), purpose, growth (a rate; compound annual growth of mean base pay over the horizon),
    growth_minus_target_pp, best_growth_minus_target_pp (of the feasible trial of the asked kind that is
    nearest so far), seconds, cache_hit, fingerprint, error. `outcome` is what the study wrote at its end,
    None before.
    """

    name: str
    scenario: str
    strategy: str
    target: float
    tolerance: float
    kind: str
    state: str
    trials: pd.DataFrame
    outcome: Mapping[str, Any] | None


def study_names(settings: Settings) -> tuple[str, ...]:
    """Return the names of the studies, the newest first."""
    if not _is_there(settings):
        return ()
    from planwise.study.trials.views import list_studies

    return tuple(str(study["study"]) for study in list_studies(settings))


def study_files(settings: Settings, name: str | None = None) -> tuple[Path, ...]:
    """Return the files that change when a study does; of all studies, or of one."""
    if not _is_there(settings):
        return (settings.studies_dir,)
    from planwise.study.trials.files import JOURNAL_FILE, RESULT_FILE, SUMMARY_FILE

    if name is None:
        return (settings.studies_dir, *sorted(settings.studies_dir.glob(f"*/{SUMMARY_FILE}")))
    return tuple(settings.studies_dir / name / file for file in (JOURNAL_FILE, SUMMARY_FILE, RESULT_FILE))


def running_studies(settings: Settings) -> tuple[str, ...]:
    """Return the studies that a living process runs; no file changes when a process is killed."""
    if not _is_there(settings):
        return ()
    from planwise.study.trials.holding import held_studies

    return held_studies(settings)


def read_study(settings: Settings, name: str) -> Study:
    """Read a study; raises InputError when there is none of that name or it is damaged."""
    if not _is_there(settings):
        raise InputError(
            f"There is no study {name!r} in {settings.studies_dir}.",
            remedy="Run `planwise optimize --target-growth 0.03`.",
        )
    from planwise.study.trials.views import view_of

    view = view_of(settings, name)
    about = view.about
    try:
        question = about["question"]
        return Study(
            name=name,
            scenario=str(about.get("scenario", "")),
            strategy=str(question["strategy"]),
            target=float(question["target_growth"]),
            tolerance=float(question["tolerance"]),
            kind=str(about.get("kind", "real")),
            state=view.state,
            trials=trial_frame(view.trials, float(question["target_growth"]), str(about.get("kind", "real"))),
            outcome=view.result,
        )
    except (KeyError, TypeError, ValueError, json.JSONDecodeError) as error:
        raise InputError(
            f"The study {name!r} cannot be read: {error!r}",
            remedy="Run the study again under another name: `planwise optimize --target-growth 0.03`.",
        ) from error


def trial_frame(trials: "tuple[Trial, ...]", target: float, kind: str) -> pd.DataFrame:
    """Return one row per trial in order, with the distance to the target so far; empty without trials."""
    rows = []
    best: float | None = None
    for trial in trials:
        found = trial.evaluation
        gap = None if found is None else (found.growth - target) * PP
        if (
            gap is not None
            and trial.kind == kind
            and trial.state == "complete"
            and (best is None or abs(gap) < abs(best))
        ):
            best = gap
        rows.append(
            {
                "trial": trial.number,
                "kind": trial.kind,
                "state": trial.state,
                "purpose": trial.purpose,
                "growth": None if found is None else found.growth,
                "growth_minus_target_pp": gap,
                "best_growth_minus_target_pp": best,
                "seconds": None if found is None else found.seconds,
                "cache_hit": None if found is None else found.cache_hit,
                "fingerprint": None if found is None else found.fingerprint,
                "error": trial.error,
            }
        )
    return pd.DataFrame(rows, columns=TRIAL_COLUMNS)


TRIAL_COLUMNS = (
    "trial",
    "kind",
    "state",
    "purpose",
    "growth",
    "growth_minus_target_pp",
    "best_growth_minus_target_pp",
    "seconds",
    "cache_hit",
    "fingerprint",
    "error",
)


def _is_there(settings: Settings) -> bool:
    """Say whether there is a storage at all, without importing Optuna or making one."""
    return settings.study_storage_url is not None or settings.studies_dir.is_dir()
