"""Studies written by hand into a home: the journal as the runner writes it, no simulation."""

from planwise.engine.outcome import Kpis
from planwise.settings import Settings
from planwise.study.journal import Journal
from planwise.study.optuna_storage import open_storage
from planwise.study.space import TunedLever
from planwise.study.study_files import write_result, write_study, write_summary
from planwise.study.trial import Evaluation, Proposal, TrialOutcome, TrialPurpose

COLA = TunedLever("cola_rate", 0.01, 0.08, 0.025, 0.015, None, increasing=True, dynamics=False)
MERIT = TunedLever("merit_rate_level_1", 0.01, 0.1, 0.033, 0.02, 1, increasing=True, dynamics=False)
SPACE = (COLA, MERIT)
QUESTION = {
    "strategy": "balanced",
    "target_growth": 0.03,
    "tolerance": 0.001,
    "objectives": [],
    "constraints": [],
    "seeds": 0,
}


RESULT = {
    **{
        "scenario": "baseline",
        "strategy": "balanced",
        "target": {"measure": "growth", "value": 0.03},
        "kind": "real",
    },
    **{"reached": 0.03, "baseline_reached": 0.05, "nearest": None, "gap_pp": 0.0},
    **{"converged": True, "reachable": True, "stopped": "converged", "growth": 0.03},
    **{"levers": {}, "changes": {}, "kpis": [], "constraints": [], "binding": []},
}


def kpis(payroll=100.0, change=10.0, cv=0.2, gap=0.02) -> Kpis:
    """Return two years; the second has what is given, the first less payroll and the same change."""
    common = {"headcount": 300, "within_level_cv": cv, "adjusted_gap_max": gap, "below_minimum": 1}
    return [
        {
            "simulation_year": 2026,
            "payroll": payroll - change,
            "payroll_change": change,
            "raise_max": 0.1,
            **common,
        },
        {"simulation_year": 2027, "payroll": payroll, "payroll_change": change, "raise_max": 0.2, **common},
    ]


def begin(
    settings: Settings,
    name: str,
    *,
    kind="real",
    metrics=("score",),
    created="2026-11-20T12:00:00+00:00",
    **question,
):
    """Begin a study; returns its journal."""
    about = {
        "study": name,
        "question": {**QUESTION, **question},
        "scenario": "baseline",
        "census": "tiny",
        "kind": kind,
        "levers": [lever.name for lever in SPACE],
        "created_at": created,
        "request": '{"scenario": "baseline", "target_growth": 0.03}',
        "state": "running",
    }
    journal = Journal.create(open_storage(settings, name), name, SPACE, about, metrics=metrics)
    write_study(settings, name, {key: value for key, value in about.items() if key != "state"})
    write_summary(settings, name, {"study": name, "state": "running", "trials": 0})
    return journal


def reopen(settings: Settings, name: str) -> Journal:
    """Open the journal of a study once more, as another process would."""
    return Journal.reopen(open_storage(settings, name), name, SPACE)


def add(
    journal,
    growth,
    levers=None,
    *,
    kind="real",
    purpose="iteration",
    seed=None,
    values=None,
    limits=None,
    gate="passed",
    **of,
):
    """Write a finished trial; without growth one that broke."""
    levers = {"cola_rate": 0.03} if levers is None else levers
    proposal = Proposal(levers, kind, TrialPurpose(purpose), 1, seed)
    asked = journal.begin(proposal, levers, digest=f"{kind}{levers}{seed}", drawn=None, at_once=True)
    if growth is None:
        return journal.fail(asked, "it broke")
    found = Evaluation(levers, kpis(**of), growth, kind, gate_status=gate, seconds=0.5, seed=seed)
    for year in found.kpis:
        year.setdefault("growth_compound", growth)
    limits = {"gate": float(gate == "failed"), **(limits or {})}
    return journal.complete(asked, TrialOutcome(found, tuple(values or (abs(growth - 0.03),)), limits, None))


def end(settings: Settings, journal: Journal, name: str, state="converged", **result):
    """End a study with a result."""
    journal.note("state", state)
    write_summary(
        settings,
        name,
        {"study": name, "state": state, "trials": journal.count(), "trials_failed": 0, **result},
    )
    if result:
        write_result(settings, name, {**RESULT, **result})


def add_front(settings):
    """Five previews; payroll added and spread of the scenario as it is are 10 and .2."""
    asked = [["cost", None], ["equity", None]]
    journal = begin(settings, "front", kind="preview", metrics=("cost", "equity"), objectives=asked)
    told = (("baseline", 10.0, 0.2), ("sample", 5.0, 0.3), ("sample", 20.0, 0.1), ("sample", 7.5, 0.15))
    for purpose, change, cv in (*told, ("sample", 8.0, 0.32)):
        levers = {} if purpose == "baseline" else {"cola_rate": 0.01 + change / 1000}
        values = (change / 10, cv / 0.2)
        add(journal, 0.04, levers, kind="preview", purpose=purpose, values=values, change=change, cv=cv)
    return journal
