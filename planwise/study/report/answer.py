"""The answer in one sentence, and the figures that are read first."""

from collections.abc import Iterator, Mapping
from typing import Any

from planwise.study.report.blocks import Fact, Facts, Section, Text, Tone
from planwise.study.report.evidence import Evidence
from planwise.study.report.figures import PP, change, millions, millions_change, percent, points

RISK_TONES: Mapping[str, Tone] = {
    "OK": "good",
    "LOW": "good",
    "MEDIUM": "warn",
    "HIGH": "bad",
    "CRITICAL": "bad",
}
MOSTLY = 0.5


def answer_of(evidence: Evidence) -> tuple[str, Tone]:
    """Return what was found, in one sentence, and whether that is good news."""
    result, target = evidence.result, evidence.target
    growth, was = percent(result["growth"]), percent(result["baseline_growth"])
    changed = len(result["changes"])
    moves = f"{changed} lever{'' if changed == 1 else 's'} changed"
    verified = (
        "verified by a full plan" if result["kind"] == "real" else "on previews, not verified by a plan"
    )
    if target is None:
        return f"With {moves}, growth is {growth} a year instead of {was}, {verified}.", ""
    if result["nearest_growth"] is not None:
        nearest = percent(result["nearest_growth"])
        violated = [
            str(one.get("text", one["name"])) for one in result["constraints"] if not one["satisfied"]
        ]
        if violated:
            return f"Nothing meets {', '.join(violated)}; shown is what comes nearest, with {nearest}.", "bad"
        return (
            f"The target of {percent(target)} a year is out of reach: the nearest that bounds and "
            f"constraints allow is {nearest}.",
            "bad",
        )
    if result["converged"]:
        return (
            f"Yes: with {moves}, mean base pay grows by {growth} a year instead of {was}, within "
            f"{PP * evidence.tolerance:g} pp of the target of {percent(target)}, {verified}.",
            "good",
        )
    gap = points(result["growth"] - target)
    why = (
        "a constraint or the gate is violated" if not result["feasible"] else f"it ended: {result['stopped']}"
    )
    return (
        f"Not met: the best found grows by {growth} a year, {gap} from the target of {percent(target)}; "
        f"{why}.",
        "warn",
    )


def facts_of(evidence: Evidence) -> Section:
    """Return the figures that are read first, and the warnings."""
    facts = [*_growth(evidence), *_cost(evidence), *_people(evidence), *_trust(evidence)]
    warnings = [Text(text, "warn") for text in evidence.result.get("warnings", ())]
    advice = (evidence.result.get("advice") or {}).get("strategy")
    return Section("", [Facts(facts), *warnings, *([Text(advice, "warn")] if advice else [])])


def _growth(evidence: Evidence) -> Iterator[Fact]:
    result, target = evidence.result, evidence.target
    remark = f"was {percent(result['baseline_growth'], 3)}"
    if target is not None:
        near = abs(result["growth"] - target) <= evidence.tolerance
        gap = points(result["growth"] - target, 3)
        yield Fact(
            "growth a year",
            percent(result["growth"], 3),
            f"{remark}; {gap} from the target",
            "good" if near else "warn",
        )
    else:
        yield Fact("growth a year", percent(result["growth"], 3), remark)
    quality = result.get("quality_score")
    if quality is not None:
        yield Fact("quality score", f"{quality:.0%}", "of the scenario's gap closed")


def _cost(evidence: Evidence) -> Iterator[Fact]:
    found = evidence.found("cost_impact")
    if found is None:
        return
    payroll = found["horizon"]["payroll"]
    difference = payroll["difference"]
    yield Fact(
        "payroll over the horizon",
        millions_change(difference),
        f"{change(payroll['difference_rate'])}, to {millions(payroll['after'])}",
    )


def _people(evidence: Evidence) -> Iterator[Fact]:
    found = evidence.found("employee_impact")
    if found is None:
        return
    share = f"{found['share']:.0%}"
    remark = f"{found['winners']:,} earn more, {found['losers']:,} less, in {found['year']}"
    yield Fact("people whose pay differs", f"{found['differ']:,} ({share})", remark)
    if found["differ"]:
        rate: Mapping[str, Any] = found["difference_rate"]
        yield Fact(
            f"median difference of pay in {found['year']}",
            change(rate["median"]),
            f"P10 to P90: {change(rate['p10'])} to {change(rate['p90'])}",
        )


def _trust(evidence: Evidence) -> Iterator[Fact]:
    found = evidence.found("robustness")
    if found is not None and found["share_within_tolerance"] is not None:
        share, (low, high) = found["share_within_tolerance"], found["share_interval"]
        yield Fact(
            "other seeds on target",
            f"{share:.0%} of {found['seeds']}",
            f"95% interval {low:.0%} to {high:.0%}",
            "good" if share >= MOSTLY else "warn",
        )
    risk = evidence.found("risk")
    if risk is not None:
        count = len(risk["findings"])
        remark = f"{count} finding{'' if count == 1 else 's'}"
        yield Fact("risk of the levers", risk["level"], remark, RISK_TONES.get(risk["level"], ""))
