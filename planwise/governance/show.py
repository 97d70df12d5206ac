"""Scenarios as people read them: rich tables."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from planwise.governance.scenarios import Scenario
from planwise.parameters import EffectiveParameters, Finding, ParameterRow, Risk

TIER_MARKS = {"scenario": "*", "dynamic": "+", "default": "", "fallback": "!"}
LEGEND = "* scenario   + dynamic lever   ! fallback   no mark: default"
RISK_STYLES = {Risk.LOW: "dim", Risk.MEDIUM: "yellow", Risk.HIGH: "red", Risk.CRITICAL: "bold red"}


def render_list(scenarios: Iterable[Scenario]) -> RenderableType:
    """Return one row per scenario."""
    table = Table("scenario", "census", "overrides", "description", "from", "created (UTC)", "by")
    for scenario in scenarios:
        table.add_row(
            scenario.name,
            scenario.census or "(in use)",
            Text(", ".join(f"{key}={value}" for key, value in scenario.overrides.items())),
            Text(scenario.description),
            scenario.parent or "",
            f"{scenario.created_at:%Y-%m-%d %H:%M}" if scenario.created_at else "",
            Text(scenario.created_by or ""),
        )
    return table


def render_scenario(scenario: Scenario, effective: EffectiveParameters) -> RenderableType:
    """Return the levers by year, and the assumptions that differ from their defaults."""
    levers = Table("lever", *map(str, effective.years))
    for name in effective.declared.levers:
        levers.add_row(name, *(_cell(effective.row(name, year)) for year in effective.years))
    assumptions = Table("assumption", "year", "value")
    for row in effective.rows():
        if row.tier != "default" and row.parameter in effective.declared.assumptions:
            assumptions.add_row(row.parameter, str(row.year or "all"), _cell(row))
    head = Text(f"{scenario.name} on {scenario.census or 'the census in use'}", style="bold")
    others = [assumptions] if assumptions.row_count else [Text("All assumptions have their defaults.")]
    return Group(head, levers, *others, Text(LEGEND, style="dim"))


def render_findings(findings: Sequence[Finding]) -> RenderableType:
    """Return one line per finding, the worst first."""
    if not findings:
        return Text("Every lever is within its recommended range.")
    return Group(
        *(
            Text(f"{finding.risk} {finding.year or ''} {finding.message}", style=RISK_STYLES[finding.risk])
            for finding in findings
        )
    )


def _cell(row: ParameterRow) -> Text:
    value = f"{row.value:g}" if isinstance(row.value, float) else str(row.value)
    return Text(f"{value}{TIER_MARKS[row.tier]}")
