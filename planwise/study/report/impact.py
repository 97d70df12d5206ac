"""What the answer changes: levers, the growth bridge, cost, people."""

from planwise.study.report import charts
from planwise.study.report.blocks import Block, Chart, Section, Table, Text
from planwise.study.report.evidence import Evidence
from planwise.study.report.figures import (
    NONE,
    amount,
    amount_change,
    change,
    percent,
    points,
)

GROWTH = "growth_compound"
# What adds to payroll, and what takes away from it.
PARTS = (
    ("cola_cost", 1),
    ("merit_cost", 1),
    ("promotion_cost", 1),
    ("hire_cost", 1),
    ("exit_savings", -1),
    ("payroll_change", 1),
)


def levers_section(evidence: Evidence) -> Section:
    """Return the changed levers, from old to new, within their ranges."""
    changes = evidence.result["changes"]
    if not changes:
        return Section("Levers", [Text("No lever changes: the scenario stays as it is.")])
    impact, risk = evidence.found("parameter_impact") or {}, evidence.found("risk") or {}
    alone, risks = impact.get(GROWTH, {}), risk.get("levers", {})
    rows, drawn = [], []
    for name, moved in changes.items():
        lever = evidence.lever(name)
        old, new = float(moved["old"]), float(moved["new"])
        ranges = [NONE, NONE]
        if lever is not None:
            ranges = [f"{low:g} to {high:g}" for low, high in (lever.recommended, lever.bounds)]
            drawn.append(charts.LeverRow(name, old, new, lever.bounds, lever.recommended))
        effect = points(alone["alone"][name]) if name in alone.get("alone", {}) else NONE
        row = [name, f"{old:.4f}", f"{new:.4f}", points(new - old), effect, *ranges]
        rows.append([*row, risks.get(name, risks.get(name.partition("@")[0], NONE))])
    blocks: list[Block] = []
    if drawn:
        caption = (
            "Each lever within its hard bounds, from the value in force to the new one; shaded: recommended."
        )
        blocks.append(Chart("levers", caption, charts.levers(drawn)))
    columns = ("lever", "old", "new", "change", "growth, alone", "recommended", "hard bounds", "risk")
    if alone:
        blank = [""] * 3
        rows.append(["together, beyond the sum", *blank, points(alone["remainder"]), "", "", ""])
        rows.append(["all changes", *blank, points(alone["total"]), "", "", ""])
    caption = "Growth, alone: what the change of this lever alone does to growth a year, simulated."
    blocks.append(Table(caption, columns, rows, total=bool(alone)))
    if not alone:
        blocks.append(Text(f"What each lever does alone: {evidence.why_not('parameter_impact')}."))
    by_year = {name: moved["old_by_year"] for name, moved in changes.items() if "old_by_year" in moved}
    for name, values in by_year.items():
        told = ", ".join(f"{year}: {value:g}" for year, value in values.items())
        blocks.append(Text(f"{name} differed by year and has one value now; it was {told}.", "warn"))
    return Section("Levers", blocks)


def bridge_section(evidence: Evidence) -> Section | None:
    """Return what growth is made of, by year, before and after."""
    before, after = evidence.baseline, evidence.kpis
    if not before or not after or "bridge_cola" not in after[0]:
        return None
    rows = [
        [
            str(year["simulation_year"]),
            label,
            *(points(year[f"bridge_{part}"]) for part in charts.BRIDGE),
            points(year["growth_all"]),
            percent(year["growth_compound"]),
        ]
        for old, new in zip(before, after, strict=True)
        for label, year in (("before", old), ("after", new))
    ]
    caption = "Parts of each year's growth of mean base pay; they sum to it exactly. Pale: before."
    columns = ("year", "", *charts.BRIDGE_LABELS, "growth", "compound")
    table = Table("Compound: growth a year since the census.", columns, rows, texts=2)
    return Section("Growth, year by year", [Chart("bridge", caption, charts.bridge(before, after)), table])


def cost_section(evidence: Evidence) -> Section | None:
    """Return payroll and what changes it, by year and over the horizon."""
    found, before, after = evidence.found("cost_impact"), evidence.baseline, evidence.kpis
    if found is None or not before:
        return Section("Cost", [Text(f"Cost: {evidence.why_not('cost_impact')}.")])
    limits = [c["limit"] for c in evidence.result["constraints"] if c["name"] == "payroll" and c.get("limit")]
    rows = [
        [str(year["simulation_year"]), *_amounts(year["payroll"]), *_amounts(year["payroll_change"])[:3]]
        for year in found["years"]
    ]
    horizon = found["horizon"]
    rows.append(["sum", *_amounts(horizon["payroll"]), *_amounts(horizon["payroll_change"])[:3]])
    columns = (
        "year",
        "payroll before",
        "after",
        "difference",
        "%",
        "added, before",
        "added, after",
        "added, difference",
    )
    blocks: list[Block] = [
        Chart(
            "cost", "Annual payroll at year end.", charts.cost(before, after, limits[0] if limits else None)
        ),
        Table("Payroll, and what the year adds to it.", columns, rows, total=True),
    ]
    if all(part in after[0] for part, _ in PARTS):
        kinds = ("year", "", "COLA", "merit", "promotion", "hires", "exits", "payroll change")
        parts = [
            [str(year["simulation_year"]), label, *(amount_change(sign * year[part]) for part, sign in PARTS)]
            for old, new in zip(before, after, strict=True)
            for label, year in (("before", old), ("after", new))
        ]
        blocks.append(Table("What changes payroll in each year.", kinds, parts, texts=2, fold=True))
    return Section("Cost", blocks)


def people_section(evidence: Evidence) -> Section:
    """Return how many people's pay differs, and by how much, by level."""
    found = evidence.found("employee_impact")
    if found is None:
        return Section("People", [Text(f"Impact on people: {evidence.why_not('employee_impact')}.")])
    groups = [*((str(group["level_id"]), group) for group in found["by_level"]), ("all", found)]
    rows = []
    for label, group in groups:
        counts = [f"{group[key]:,}" for key in ("compared", "winners", "losers")]
        money, rate = group["difference"], group["difference_rate"]
        if group["differ"]:
            spread = [
                amount_change(money["median"]),
                change(rate["median"]),
                change(rate["p10"]),
                change(rate["p90"]),
            ]
            spread += [amount_change(money["low"]), amount_change(money["high"])]
        else:
            spread = [NONE] * 6
        rows.append([label, *counts, *spread])
    columns = (
        "level",
        "compared",
        "earn more",
        "less",
        "median",
        "median %",
        "P10 %",
        "P90 %",
        "least",
        "most",
    )
    text = (
        f"Base pay at the end of {found['year']} of everybody active both before and after, by the level "
        f"before; {found['only_before']:,} are there only before, {found['only_after']:,} only after. "
        "Median, percentiles and range are of those whose pay differs."
    )
    return Section("People", [Text(text), Table("Difference of annual base pay.", columns, rows, total=True)])


def _amounts(difference: dict[str, float | None]) -> list[str]:
    return [
        amount(difference["before"]),
        amount(difference["after"]),
        amount_change(difference["difference"]),
        change(difference["difference_rate"]),
    ]
