"""A study's answer: a sentence, key figures, caveats, levers and constraints."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import pandas as pd

from planwise.formatting import (
    count,
    counted,
    is_missing,
    money,
    money_short,
    percent,
    points,
    ratio,
    seconds,
    with_levels,
)
from planwise.parameters import catalogue
from planwise.study.constraints import held_text, violated
from planwise.study.spec import RISKY, added_risk, stop_reason
from ui.components import html
from ui.components.card import Content
from ui.components.html import Kpi, TableColumn, Tone
from ui.pages.optimise import labels
from ui.pages.optimise.labels import lever_change, lever_text
from ui.values.comparison import LUCK_ALONE
from ui.values.parameter_text import full_label, written
from ui.values.studies import StudyTrials

GROWTH = "growth_compound"
BOTH_WAYS = ("increase", "growth", "raise")
RATES = frozenset(  # constraints that limit a rate, by their keys
    {
        "payroll_risk",
        "adjusted_gap",
        "merit_step",
        *(f"{one}_{end}" for one in BOTH_WAYS for end in ("max", "min")),
    }
)


def sentence(study: StudyTrials) -> tuple[str, Tone]:
    """Return the result in one sentence, or the best so far while the study runs."""
    outcome = study.outcome
    if outcome is None:
        return _so_far(study), "" if study.is_running else labels.study_state(study)[1]
    measure, of = labels.reached_measure(study), "baseline_growth"
    of = of if study.target is None else "baseline_reached"
    growth = f"{measure.name.lower()} {measure.write(outcome[measure.column])} ({_kind(outcome['kind'])})"
    before = f"before: {measure.write(outcome[of])}"
    why = stop_reason(str(outcome["stopped"]))
    if not outcome["reachable"]:
        nearest = outcome.get("nearest")
        near = "" if nearest is None else f" The nearest is {measure.write(nearest)}."
        if broken := violated(outcome["constraints"]):
            near = f" No trial meets {', '.join(broken)}; the nearest one is shown."
        return f"Out of reach: {labels.target_text(study.target)} cannot be met.{near}", "bad"
    if study.spec.multi_objective:
        return (
            f"{len(study.front)} trade-offs found; the knee has {growth}, {before}. Stopped: {why}.",
            "good",
        )
    if study.target is None:
        return f"Best found: {growth}, {before}. Stopped: {why}.", "good" if outcome["converged"] else "warn"
    gap = points(outcome["gap_pp"] / 100, 3)
    if outcome["converged"]:
        state, tone = labels.study_state(study)
        state = "Target met" if study.is_running else state
        text = f"{state}: {growth}, {gap} from the target {labels.target_text(study.target)}; {before}."
        return f"{text} The evidence follows." if study.is_running else text, tone
    return (
        f"Best found: {growth}, {gap} from the target {labels.target_text(study.target)}; {before}. "
        f"Stopped: {why}.",
        "warn",
    )


def panel(study: StudyTrials) -> str:
    """Return the answer's headline, key figures and caveats as HTML."""
    text, tone = sentence(study)
    outcome = study.outcome
    if outcome is None:
        return html.notice(text, tone=tone)
    remedy = str((outcome.get("advice") or {}).get("strategy") or "")
    reason = outcome.get("strategy_reason")
    parts = [html.notice(text, remedy, tone), answer_cards(study), html.kpi_strip(kpis(study))]
    notes = [*([f"Strategy: {reason}"] if reason else []), *caveats(study)]
    if notes:
        parts.append(f'<ul class="caveats">{"".join(f"<li>{escape(one)}</li>" for one in notes)}</ul>')
    return f'<div class="answer">{"".join(parts)}</div>'


def answer_cards(study: StudyTrials) -> str:
    """Return the answers side by side as HTML; nothing where policy meets the target."""
    answers = (study.outcome or {}).get("answers") or ()
    if not answers:
        return ""
    cards = "".join(f"<li>{_answer_card(study, one)}</li>" for one in answers)
    head = '<p class="card-subtitle">Policy does not meet the target. The answers, side by side:</p>'
    return f'{head}<ul class="answers">{cards}</ul>'


def _answer_card(study: StudyTrials, one: Mapping[str, Any]) -> str:
    measure = labels.reached_measure(study)
    level = added_risk(one["risk"])
    tone: Tone = "bad" if level in RISKY else "good" if one["met"] and one["within_policy"] else "warn"
    who = (
        f"{with_levels('Level ' + str(row['level_id']))}: {percent(row['increase'], 2)}" for row in one["who"]
    )
    others = {
        full_label(declared := catalogue().levers[name]): written(declared, value)
        for name, value in one["levers"].items()
        if not name.startswith(("merit_rate_level_", "cola_rate"))
    }
    difference = money_short(one["payroll_difference"], sign=True)
    facts = {
        measure.name: f"{measure.write(one['reached'])}{'' if one['met'] else ' (missed)'}",
        "Increase budget": f"{percent(one['increase_rate'], 2)}, {money_short(one['increase_cost'])}",
        "Payroll, first year": f"{money_short(one['payroll'])} ({difference})",
        "Who gets what (COLA and merit)": "; ".join(who),
        **others,
    }
    note = f'<p class="quiet">{escape(one["note"])}</p>' if one["note"] else ""
    title = escape(str(one["name"]).capitalize())
    return f"<h3>{title}</h3>{html.chip(f'Risk {level}', tone)}{html.facts(facts)}{note}"


def kpis(study: StudyTrials) -> list[Kpi]:
    """Return the target's measure, cost, people and robustness of the answer."""
    outcome = study.outcome or {}
    gap = None if outcome.get("quality_score") is None else outcome["gap_pp"]
    measure = labels.reached_measure(study)
    before = "baseline_growth" if study.target is None else "baseline_reached"
    growth = Kpi(
        measure.name,
        measure.write(outcome.get(measure.column)),
        f"before: {measure.write(outcome.get(before))}",
        "" if gap is None else "on target" if outcome.get("converged") else f"{points(gap / 100, 3)} to go",
        _tone(outcome),
    )
    return [growth, _cost(outcome), _people(outcome), _robust(study)]


def _tone(outcome: Mapping[str, Any]) -> Tone:
    """Return good only for a target that is met without a high risk."""
    risk = outcome.get("risk")
    if isinstance(risk, Mapping) and "level" in risk and added_risk(risk) in RISKY:
        return "bad"
    return "good" if outcome.get("converged") else "warn"


def caveats(study: StudyTrials) -> Iterator[str]:
    """Yield warnings, levers at their limits, risks, and findings that were not computed."""
    outcome = study.outcome or {}
    yield from (str(text) for text in outcome.get("warnings", ()))
    if isinstance(check := outcome.get("chance"), Mapping) and check["holds"]:
        low, high = (percent(end, 0) for end in check["share_interval"])
        yield (
            f"Payroll is over the limit in {percent(check['share'], 0)} of {check['worlds']} draws that the "
            f"answer was not found by (95%: {low} to {high}); {percent(check['allowed'], 0)} may be."
        )
    said = [str(text) for text in outcome.get("at_bounds", ())]  # none in results of earlier versions
    yield from said
    if limits := [
        str(name) for name in outcome.get("binding", ()) if not said or name not in outcome["levers"]
    ]:
        yield f"At their limits: {', '.join(limits)}."
    if outcome.get("kind") == "preview" and study.header.kind == "real":
        yield "This is a preview: no plan has verified it."
    risk = outcome.get("risk")
    if isinstance(risk, Mapping):
        for finding in risk.get("findings", ())[:4]:
            year = "" if finding["year"] is None else f" in {finding['year']}"
            yield f"{str(finding['risk']).capitalize()} risk{year}: {with_levels(finding['message'])}"
        more = len(risk.get("findings", ())) - 4
        if more > 0:
            yield f"{counted(more, 'more finding')} in the evidence report."
    for name in ("robustness", "cost_impact", "employee_impact"):
        if isinstance(outcome.get(name), str):
            yield f"{name.replace('_', ' ').capitalize()}: {outcome[name]}."


def levers(study: StudyTrials) -> Content:
    """Return the answer's levers: value in force, new value, change, effect alone, risk."""
    outcome = study.outcome or {}
    number = study.best
    row = None if number is None else study.trial(number)
    impact = outcome.get("parameter_impact")
    figures = impact if isinstance(impact, Mapping) else {}
    alone = figures.get("target", figures.get(GROWTH, {})).get("alone", {})
    risk = outcome.get("risk")
    risks = risk.get("levers", {}) if isinstance(risk, Mapping) else {}
    rows = []
    for lever in study.levers:
        new = None if row is None else row.get(lever.column)
        moved = new is not None and lever.start is not None and new == new and new != lever.start
        rows.append(
            {
                "lever": lever.label,
                "name": lever.name,
                "old": lever.start,
                "new": new,
                "in_force": lever_text(lever, lever.start),
                "proposed": lever_text(lever, new),
                "change": lever_change(lever, new) if moved else "–",
                "change_widths": None
                if not moved or new is None or lever.start is None
                else (float(new) - lever.start) / (lever.recommended[1] - lever.recommended[0]),
                "alone": alone.get(lever.name),
                "risk": str(risks.get(lever.name, risks.get(lever.name.partition("@")[0], "–"))),
            }
        )
    frame = pd.DataFrame(rows)
    columns = (
        TableColumn("lever", "Lever", is_text=True),
        TableColumn("in_force", "In force"),
        TableColumn("proposed", "New"),
        TableColumn("change", "Change"),
        TableColumn("alone", "Alone", lambda v: "–" if v is None or v != v else points(v)),
        TableColumn("risk", "Risk", lambda v: v.capitalize() if len(v) > 2 else v, is_text=True),
    )
    which = "no feasible trial yet" if number is None else f"trial {number}"
    of = "the answer" if study.outcome is not None else "the best so far"
    subtitle = f"Levers of {of}, {which} · raises as a share of pay, hiring pay as a factor on it"
    return Content("Levers: in force and new", subtitle, frame, columns, f"answer_{study.name}.csv")


def constraints(study: StudyTrials) -> Content:
    """Return each constraint at the answer: actual value, limit, and whether it is met."""
    found = (study.outcome or {}).get("constraints", ())
    rows = [
        {
            "constraint": str(one.get("text", one["name"])),
            "actual": one.get("actual"),
            "limit": one.get("limit"),
            "actual_text": _limited(str(one["name"]), one.get("actual")),
            "limit_text": _limited(str(one["name"]), one.get("limit")),
            "holds": held_text(one),
        }
        for one in found
    ]
    names = ["constraint", "actual", "limit", "actual_text", "limit_text", "holds"]
    frame = pd.DataFrame(rows, columns=names)
    columns = (
        TableColumn("constraint", "Constraint", is_text=True),
        TableColumn("actual_text", "Actual"),
        TableColumn("limit_text", "Limit"),
        TableColumn("holds", "", is_text=True),
    )
    subtitle = "At the answer; the quality gate is one of them"
    return Content("Constraints", subtitle, frame, columns, f"constraints_{study.name}.csv")


def _so_far(study: StudyTrials) -> str:
    number = study.best
    row = None if number is None else study.trial(number)
    if row is None:
        return "No feasible candidate yet."
    measure = labels.reached_measure(study)
    text = f"Best so far: trial {number}, {measure.name.lower()} {measure.write(row[measure.column])}"
    if study.target is not None:
        text += f", {points(row['gap_pp'] / 100, 3)} from the target {labels.target_text(study.target)}"
    return f"{text}."


def _cost(outcome: Mapping[str, Any]) -> Kpi:
    found = outcome.get("cost_impact")
    if not isinstance(found, Mapping):
        return Kpi("Payroll over the horizon", "n/a", str(found or "not computed"))
    payroll = found["horizon"]["payroll"]
    rate = payroll["difference_rate"]
    return Kpi(
        "Payroll over the horizon, against the unchanged scenario",
        money_short(payroll["difference"], sign=True),
        f"{percent(rate, 1, sign=True)} of {money_short(payroll['before'])}",
    )


def _people(outcome: Mapping[str, Any]) -> Kpi:
    found = outcome.get("employee_impact")
    if not isinstance(found, Mapping):
        return Kpi("People whose pay differs", "n/a", str(found or "not computed"))
    more, less = count(found["winners"]), count(found["losers"])
    note = f"in {found['year']}, {more} earn more and {less} less than unchanged"
    if found["differ"]:
        note += f"; median {percent(found['difference_rate']['median'], 1, sign=True)}"
    return Kpi("People whose pay differs", f"{count(found['differ'])} of {count(found['compared'])}", note)


def _robust(study: StudyTrials) -> Kpi:
    outcome = study.outcome or {}
    found = outcome.get("robustness")
    took = f"{count(outcome.get('evaluations'))} evaluations, {count(outcome.get('real_plans'))} plans, "
    took += f"{count(outcome.get('cache_hits'))} cache hits, {seconds(outcome.get('seconds'))}"
    if not isinstance(found, Mapping) or found.get("share_within_tolerance") is None:
        return Kpi("Time", seconds(outcome.get("seconds")), took)
    share = found["share_within_tolerance"]
    tone: Tone = "good" if share >= 0.5 else "warn"
    measure = labels.reached_measure(study)
    spread = " to ".join(measure.write(found["reached"][name]) for name in ("p10", "p90"))
    return Kpi(
        f"Within tolerance in {found['seeds']} other draws",
        percent(share, 0),
        f"P10 to P90 {spread}, {found.get('drawn', LUCK_ALONE)}; {took}",
        "robust" if tone == "good" else "fragile",
        tone,
    )


def _kind(kind: str) -> str:
    return "verified by a plan" if kind == "real" else "preview"


def _limited(constraint: str, value: Any) -> str:
    """Return the quantity that a constraint limits in its unit; an en dash where there is none."""
    if is_missing(value):
        return "–"
    if constraint == "payroll":
        return money(value)
    if constraint == "below_minimum":
        return count(value)
    if constraint.startswith("market_position"):
        return f"P{ratio(value, 1)}"
    return percent(value, 2) if constraint in RATES else ratio(value, 4)
