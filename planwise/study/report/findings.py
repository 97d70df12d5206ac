"""Whether the answer can be trusted: constraints, risks, other seeds, slopes; what else there was."""

from planwise.study.report import search_charts
from planwise.study.report.blocks import Block, Chart, Section, Table, Text
from planwise.study.report.evidence import Evidence
from planwise.study.report.figures import NONE, PP, amount, number, percent, points

IMPORTANCE = {
    "ped-anova": "Importance: share by PED-ANOVA over {trials} distinct trials.",
    "linear": "Importance: {reason}.",
    "none": "Importance: {reason}.",
}


def constraints_section(evidence: Evidence) -> Section:
    """Return each constraint, what it limits and whether it holds, and what binds."""
    rows = [
        [
            str(one.get("text", one["name"])),
            "holds" if one["satisfied"] else "violated",
            number(one.get("actual"), 6),
            number(one.get("limit"), 6),
        ]
        for one in evidence.result["constraints"]
    ]
    binding = evidence.result["binding"]
    text = (
        f"At their limits: {', '.join(binding)}."
        if binding
        else "Neither a lever nor a constraint is at its limit."
    )
    return Section(
        "Constraints",
        [
            Table(
                "Gate and constraints at the answer.", ("constraint", "", "actual", "limit"), rows, texts=2
            ),
            Text(text),
        ],
    )


def risk_section(evidence: Evidence) -> Section:
    """Return the risk assessment, worst first."""
    found = evidence.found("risk")
    if found is None:
        return Section("Risk", [Text(f"Risk: {evidence.why_not('risk')}.")])
    target = f" A target of {percent(evidence.target)} {found['target']}." if found.get("target") else ""
    blocks: list[Block] = [Text(f"Level: {found['level']}.{target}")]
    if found["findings"]:
        rows = [
            [
                one["risk"],
                one["parameter"],
                "all" if one["year"] is None else str(one["year"]),
                one["message"],
            ]
            for one in found["findings"]
        ]
        blocks.append(
            Table("Findings, worst first.", ("risk", "parameter", "years", "finding"), rows, texts=4)
        )
    return Section("Risk", blocks)


def robustness_section(evidence: Evidence) -> Section:
    """Return how growth and payroll spread over other seeds."""
    title, found = "Under other seeds", evidence.found("robustness")
    if found is None:
        return Section(title, [Text(f"Robustness: {evidence.why_not('robustness')}.")])
    text = (
        f"The same levers under {found['seeds']} other seeds: other people leave, join and are promoted. The "
        "seed of the scenario, by which the answer was found, is not among them."
    )
    if found["seeds"] < found["seeds_asked"]:
        text += f" Of {found['seeds_asked']} asked; it was stopped before the others."
    caption = "Growth under each other seed."
    drawing = search_charts.robustness(
        found["growth_by_seed"], evidence.target, evidence.tolerance, evidence.result["growth"]
    )
    rows = [
        [
            "growth a year",
            *(percent(found["growth"][key], 3) for key in ("p10", "p50", "p90", "mean")),
            points(found["growth"]["sd"], 3).lstrip("+"),
        ],
        ["highest payroll", *(amount(found["payroll"][key]) for key in ("p10", "p50", "p90", "mean", "sd"))],
    ]
    blocks: list[Block] = [
        Text(text),
        Chart("robustness", caption, drawing),
        Table("Spread over seeds.", ("", "P10", "P50", "P90", "mean", "sd"), rows),
    ]
    if found["share_within_tolerance"] is not None:
        low, high = found["share_interval"]
        blocks.append(
            Text(
                f"{found['share_within_tolerance']:.0%} are within {PP * found['tolerance']:g} pp of the "
                f"target (95% interval {low:.0%} to {high:.0%})."
            )
        )
    if found["share_over_payroll"] is not None:
        limit = amount(found["payroll_limit"])
        blocks.append(Text(f"{found['share_over_payroll']:.0%} are over the payroll limit of {limit}."))
    return Section(title, blocks)


def sensitivity_section(evidence: Evidence) -> Section:
    """Return what growth answers to around the answer, and which levers decided the study."""
    title, found = "Sensitivity", evidence.found("sensitivity")
    if found is None or isinstance(found["by_lever"], str):
        why = evidence.why_not("sensitivity") if found is None else found["by_lever"]
        return Section(title, [Text(f"Sensitivity: {why}.")])
    by_lever, importance = found["by_lever"], found["importance"]
    moving = {name: slope for name, slope in by_lever.items() if slope["per_width"] is not None}
    ordered = sorted(by_lever.items(), key=lambda item: -abs(item[1]["per_width"] or 0.0))
    shares, drawn_shares = importance["shares"], importance["method"] == "ped-anova"
    rows = [
        [
            name,
            NONE if slope["slope"] is None else f"{slope['slope']:+.3f}".replace("-", "−"),
            points(slope["per_width"]),
            NONE if slope["share"] is None else f"{slope['share']:.1%}",
            *([f"{shares[name]:.1%}" if name in shares else NONE] if drawn_shares else []),
        ]
        for name, slope in ordered
    ]
    columns = ["lever", "∂growth/∂lever", "recommended width", "share"] + ["importance"] * drawn_shares
    told = IMPORTANCE.get(importance["method"], "").format(
        trials=importance["trials"], reason=importance["reason"]
    )
    caption = (
        "∂growth/∂lever: pp of growth a year for one pp of the lever, by a finite difference. Share: of the "
        f"sum of squares over the recommended width. {told}"
    )
    drawing = search_charts.sensitivity({name: slope["per_width"] for name, slope in moving.items()})
    seen = (
        "Growth gained when a lever rises by the width of its recommended range, all else as in the answer."
    )
    return Section(title, [Chart("sensitivity", seen, drawing), Table(caption, columns, rows)])


def front_section(evidence: Evidence) -> Section | None:
    """Return the trade-offs of a study with several objectives."""
    front, picks = evidence.result.get("front"), evidence.result.get("picks") or {}
    if not front:
        return None
    names = list(front[0]["values"])
    marks = {number: "pick" for number in picks.get("diverse", ())} | {picks.get("knee"): "knee"}
    rows = [
        [
            str(point["trial"]),
            marks.get(point["trial"], ""),
            *(number(point["values"][name]) for name in names),
            percent(point["growth"]),
        ]
        for point in front
    ]
    caption = (
        "Trials that no other beats in every objective. Green: the knee, where giving up more stops paying."
    )
    table = Table(
        "Objectives are scaled by the scenario as it is, which has 1; targets: squared tolerances, 0 is met.",
        ("trial", "", *names, "growth"),
        rows,
        texts=2,
        fold=len(rows) > 15,
    )
    return Section("Trade-offs", [Chart("front", caption, search_charts.front(front, picks)), table])
