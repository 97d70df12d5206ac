"""What differs between two sets of parameters, as rows that people read, and warnings about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from planwise.formatting import count, with_levels
from planwise.parameters import EffectiveParameters, Finding, Risk, Value, validate_target
from planwise.parameters.values import HORIZON
from ui.components import html
from ui.components.html import Tone
from ui.values.parameter_text import full_label, risk_in, written

TONES: dict[Risk, Tone] = {
    Risk.OK: "good",
    Risk.LOW: "good",
    Risk.MEDIUM: "warn",
    Risk.HIGH: "warn",
    Risk.CRITICAL: "bad",
}
LINE = (
    "display:grid;grid-template-columns:78px 1fr;gap:8px;align-items:baseline;font-size:13px;line-height:1.45"
)


@dataclass(frozen=True)
class LeverDifference:
    """One parameter in neighbouring years that change alike; texts as people read them."""

    name: str
    label: str
    years: str
    before: str
    after: str
    risk: str


def differences(before: EffectiveParameters, after: EffectiveParameters) -> tuple[LeverDifference, ...]:
    """Return what differs, by parameter as declared; neighbouring years that change alike are one row."""
    years = [year for year in after.years if year in before.years]
    found: list[LeverDifference] = []
    for name, parameter in after.declared.parameters.items():
        if name == HORIZON and before.years != after.years:
            spelled = _span(before.years), _span(after.years)
            found.append(LeverDifference(name, "Simulated years", "", *spelled, ""))
            continue
        spans: list[tuple[list[int], Value, Value]] = []
        for year in years if parameter.yearly else years[:1]:
            old, new = before.value(name, year), after.value(name, year)
            if old == new:
                continue
            if spans and spans[-1][1:] == (old, new) and spans[-1][0][-1] == year - 1:
                spans[-1][0].append(year)
            else:
                spans.append(([year], old, new))
        for span, old, new in spans:
            whole = not parameter.yearly or span == list(after.years)
            found.append(
                LeverDifference(
                    name,
                    full_label(parameter),
                    "all years" if whole else _span(span),
                    written(parameter, old),
                    written(parameter, new),
                    risk_in(parameter, new),
                )
            )
    return tuple(found)


def difference_table(rows: Sequence[LeverDifference], caption: str) -> str:
    """Return differences as a table; caption is what a screen reader says of it."""
    columns = (
        html.TableColumn("label", "Parameter"),
        html.TableColumn("years", "Years", is_text=True),
        html.TableColumn("before", "From"),
        html.TableColumn("after", "To"),
        html.TableColumn("risk", "Risk", is_text=True),
    )
    return html.table(pd.DataFrame([vars(row) for row in rows]), columns, caption)


def finding_list(findings: Sequence[Finding]) -> str:
    """Return findings, worst first, each with its risk as a word and its year."""
    if not findings:
        return '<p class="card-subtitle">No warnings.</p>'
    items = "".join(
        f'<li style="{LINE}"><span>{html.chip(finding.word, TONES[finding.risk])}</span>'
        f"<span>{escape(_when(finding))}{escape(with_levels(finding.message))}</span></li>"
        for finding in findings
    )
    return f'<ul style="list-style:none;display:grid;gap:6px;margin-top:8px">{items}</ul>'


def finding_title(findings: Sequence[Finding]) -> str:
    """Return how many warnings there are, and the worst."""
    warnings = [finding for finding in findings if finding.risk is not Risk.OK]
    if not warnings:
        return "Warnings"
    return f"Warnings: {count(len(warnings))}, worst {warnings[0].risk}"


def warnings_of(
    effective: EffectiveParameters, levers: Sequence[Finding], payroll: float | None
) -> tuple[Finding, ...]:
    """Return warnings about levers, target and budget, the worst first; `payroll` is of the highest year."""
    target = effective.number_or_none("target_growth")
    about_target = (
        []
        if target is None or payroll is None
        else validate_target(
            target,
            market_budget=effective.number_or_none("market_budget"),
            payroll=payroll,
            payroll_budget=effective.number_or_none("payroll_budget"),
        )
    )
    about_target = [finding for finding in about_target if finding.risk is not Risk.OK]
    return tuple(sorted((*levers, *about_target), key=lambda finding: -finding.risk.rank))


def _when(finding: Finding) -> str:
    return "" if finding.year is None else f"{finding.year}: "


def _span(years: Sequence[int]) -> str:
    return str(years[0]) if len(years) == 1 else f"{years[0]}–{years[-1]}"
