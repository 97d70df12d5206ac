"""What is to be said about an edited set of parameters: risks, business rules, target and budget."""

from collections.abc import Sequence
from html import escape

from planwise.parameters import EffectiveParameters, Finding, Risk, validate_target
from ui.components import html
from ui.values.formatting import with_levels
from ui.views.whatif.strip import Side

TONES: dict[Risk, html.Tone] = {
    Risk.OK: "good",
    Risk.LOW: "",
    Risk.MEDIUM: "warn",
    Risk.HIGH: "warn",
    Risk.CRITICAL: "bad",
}


def found(levers: Sequence[Finding], effective: EffectiveParameters, now: Side) -> tuple[Finding, ...]:
    """Return findings about levers, target and budget, the worst first; what is in order is left out."""
    numbers = {name: effective.number_or_none(name) for name in ("target_growth", "payroll_budget")}
    about_target = (
        []
        if numbers["target_growth"] is None
        else validate_target(
            numbers["target_growth"],
            market_budget=effective.number_or_none("market_budget"),
            payroll=max(float(kpi["payroll"]) for kpi in now.kpis),
            payroll_budget=numbers["payroll_budget"],
        )
    )
    everything = [finding for finding in (*levers, *about_target) if finding.risk is not Risk.OK]
    return tuple(sorted(everything, key=lambda finding: -finding.risk.rank))


def as_html(findings: Sequence[Finding]) -> str:
    """Return the findings as a list; every text is escaped."""
    return f'<ul class="findings">{"".join(map(_item, findings))}</ul>'


def title(findings: Sequence[Finding]) -> str:
    """Return the heading with how many there are."""
    return f"Warnings ({len(findings)})"


def _item(finding: Finding) -> str:
    year = "" if finding.year is None else f"{finding.year}: "
    chip = html.chip(finding.risk.name.lower(), TONES[finding.risk])
    return f"<li>{chip} <span>{escape(year + with_levels(finding.message))}</span></li>"
