"""What the answer rests on: the question, every trial, versions, and how to have it all again."""

from collections.abc import Mapping
from typing import Any

from planwise.study.report import search_charts
from planwise.study.report.again import ask, simulate
from planwise.study.report.blocks import Block, Chart, Code, Section, Table, Text
from planwise.study.report.evidence import Evidence
from planwise.study.report.figures import NONE, number, percent, points
from planwise.study.trials.trial import Trial

LEVERS_SHOWN = 3  # of a trial, those that moved; all of them are in the export
FINGERPRINT = 12  # digits that tell one from another
COUNTS = (
    ("evaluations", "evaluations"),
    ("real_plans", "plans"),
    ("cache_hits", "answered without running a model"),
    ("trials_failed", "failed"),
    ("iterations", "iterations"),
)


def question_section(evidence: Evidence) -> Section:
    """Return what was asked."""
    asked, result = evidence.question, evidence.result
    objectives = asked.get("objectives") or ()
    sought = ", ".join(name if weight is None else f"{name} {weight:g}" for name, weight in objectives)
    rows = [
        ["target growth a year", percent(evidence.target) if evidence.target is not None else "none"],
        ["tolerance", points(evidence.tolerance).lstrip("+")],
        ["objectives", sought or "meet the target with the least change"],
        ["constraints", ", ".join(asked.get("constraints") or ()) or "none"],
        ["locked levers", ", ".join(asked.get("locked") or ()) or "none"],
        ["levers", ", ".join(evidence.about.get("levers", ())) or NONE],
        ["strategy", str(result["strategy"]) + _because(evidence)],
        ["decided on", "full plans" if evidence.about.get("kind") == "real" else "previews"],
        ["ended", f"{result['stopped']}, after {result['seconds']:.1f} s"],
    ]
    rows += [["objective at the answer", _objective(result["objective"])]]
    rows += [[label, number(result[key])] for key, label in COUNTS]
    return Section("Question", [Table("What was asked, and what it took.", ("", ""), rows, texts=2)])


def convergence_section(evidence: Evidence) -> Section | None:
    """Return how the search came to the answer."""
    tried = [trial for trial in evidence.search if trial.evaluation is not None]
    if evidence.target is None or not tried:
        return None
    drawing = search_charts.convergence(
        tried, evidence.target, evidence.tolerance, evidence.result.get("trial")
    )
    caption = (
        "Growth minus the target, trial by trial; linear within two tolerances, logarithmic beyond. Shaded: "
        "the tolerance."
    )
    table = _table(evidence, tried, "The trials of the search.")
    return Section("How it was found", [Chart("convergence", caption, drawing), table])


def trials_section(evidence: Evidence) -> Section | None:
    """Return the trials that did not look for the answer: the scenario, and those about the answer."""
    shown = (
        set() if evidence.target is None else {t.number for t in evidence.search if t.evaluation is not None}
    )
    others = [trial for trial in evidence.trials if trial.number not in shown]
    if not others:
        return None
    return Section("Further trials", [_table(evidence, others, "Trials about the scenario and the answer.")])


def reproduction_section(evidence: Evidence) -> Section:
    """Return how to have the same again, with the versions and digests that it depends on."""
    about, result = evidence.about, evidence.result
    rows = [[name, text] for name, text in (result.get("versions") or {}).items()]
    digests = (("census content (SHA-256)", "census_hash"), ("scenario's parameters (SHA-256)", "base"))
    rows += [[label, str(about[key])] for label, key in digests if about.get(key)]
    rows += [["plan of the answer", result["fingerprint"]]] if result.get("fingerprint") else []
    blocks: list[Block] = [
        Text("Ask the same again, and simulate the answer with every mart:"),
        Code("\n".join((ask(evidence), simulate(evidence)))),
        Text("The same versions, census and parameters give the same figures, byte for byte:"),
        Table("Versions and digests.", ("", ""), rows, texts=2),
        Text(f"All trials with every lever and the last year's KPIs: planwise study export {evidence.name}"),
    ]
    return Section("To have it again", blocks)


def _objective(objective: Mapping[str, Any]) -> str:
    """Return the score and what it is made of: part × weight."""
    weights = objective.get("weights") or {}
    parts = (f"{name} {number(objective[name])} × {weight:g}" for name, weight in weights.items())
    made_of = " + ".join(parts)
    return f"{number(objective['value'])}" + (f" = {made_of}" if made_of else "")


def _because(evidence: Evidence) -> str:
    reason = evidence.result.get("strategy_reason")
    return f": {reason}" if reason else ""


def _table(evidence: Evidence, trials: list[Trial], caption: str) -> Table:
    columns = (
        "trial",
        "kind",
        "for",
        "state",
        "moved most",
        "growth",
        "off target",
        "seconds",
        "gate",
        "fingerprint",
    )
    rows = [_row(evidence, trial) for trial in trials]
    return Table(f"{caption} {len(rows)} rows.", columns, rows, texts=5, fold=len(rows) > 12)


def _row(evidence: Evidence, trial: Trial) -> list[str]:
    mark = " (the answer)" if trial.number == evidence.result.get("trial") else ""
    purpose = trial.purpose if trial.seed is None else f"{trial.purpose}, seed {trial.seed}"
    words = [
        f"{trial.number}{mark}",
        trial.kind,
        purpose,
        trial.error or trial.state,
        _moved(evidence, trial),
    ]
    found = trial.evaluation
    if found is None:
        return [*words, NONE, NONE, NONE, NONE, NONE]
    gap = NONE if evidence.target is None else points(found.growth - evidence.target, 3)
    print_ = (found.fingerprint or NONE)[:FINGERPRINT]
    return [*words, percent(found.growth, 3), gap, f"{found.seconds:.2f}", found.gate_status, print_]


def _moved(evidence: Evidence, trial: Trial) -> str:
    """Return the levers that moved most, in widths of their recommended ranges."""
    if not trial.levers:
        return "the scenario as it is"
    moves = []
    for name, value in trial.levers.items():
        change = evidence.result["changes"].get(name)
        lever = evidence.lever(name)
        old = change["old"] if change else evidence.result["levers"].get(name)
        if lever is not None and old is not None and value != old:
            low, high = lever.recommended
            moves.append((abs(value - old) / (high - low), f"{name} {value:.4g}"))
    moves.sort(reverse=True)
    more = f" and {len(moves) - LEVERS_SHOWN} more" if len(moves) > LEVERS_SHOWN else ""
    return (", ".join(text for _, text in moves[:LEVERS_SHOWN]) + more) or "as it is"
