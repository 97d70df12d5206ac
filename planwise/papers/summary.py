"""The summary of a published scenario on one page, as HTML or PDF: budget, who gets what, risk, alternatives.

It has figures of groups only, so that every role may read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from planwise import formatting
from planwise.comparison.increases import IncreaseList
from planwise.comparison.sources import Row, Source, census_of, level_names, mart_rows, reader
from planwise.equity.reasons import gap_reason
from planwise.errors import DamagedStore
from planwise.formatting import is_missing
from planwise.governance.publications import PROD, Publication, load_publication, published_scenarios
from planwise.governance.scenarios import titled
from planwise.papers.layout import HTML, PDF, render_pdf, template_environment, write_as
from planwise.parameters import Finding, Risk, catalogue, resolve, validate
from planwise.parameters.values import Key
from planwise.settings import Settings

GROUPS_SHOWN, FINDINGS_SHOWN, LEVERS_SHOWN, ALTERNATIVES_SHOWN = 6, 4, 10, 5  # it stays one page
NO_TITLES: Mapping[str, str] = {}
NOT_MEASURED = "cannot be measured on this census"
# The first planned year's figures, in order: label, KPI, how it is written.
FIGURES = (
    ("Increase budget", "increase_rate", "rate"),
    ("Increases", "increase_cost", "money"),
    ("seen in the year", "increase_cost_in_year", "money"),
    ("of it lump sums", "lump_sum_cost", "money"),
    ("Promotion budget", "promotion_rate_of_payroll", "rate"),
    ("Payroll at year end", "payroll", "money"),
    ("Total cash", "total_cash", "money"),
    ("Employer cost", "employer_cost", "money"),
    ("Growth of those who stay", "growth_continuing", "rate"),
    ("Change in average pay (mix included)", "growth_all", "rate"),
    ("Headcount at year end", "headcount", "count"),
    ("Largest adjusted pay gap", "adjusted_gap_max", "rate"),
)
WRITERS = {
    "rate": lambda v: formatting.percent(v, 2),
    "money": formatting.money_short,
    "count": formatting.count,
}


@dataclass(frozen=True)
class ScenarioSummary:
    """Everything the page shows; figures are texts, or None where they cannot be measured."""

    scenario: str
    title: str
    description: str
    against: str | None
    titles: Mapping[str, str]
    year: int
    last_year: int
    census: str
    published: str
    figures: Sequence[Mapping[str, Any]]
    years: Sequence[Row]
    levers: Sequence[tuple[str, str]]
    groups: Sequence[Mapping[str, Any]]
    risk: Risk
    findings: Sequence[Finding]
    more_findings: int
    equity: Sequence[Row]
    alternatives: Sequence[Mapping[str, Any]]
    footer: str
    currency: str

    def called(self, name: str) -> str:
        """Return a scenario's title, cut where it is long, with its name; the name without a title."""
        return titled(name, {name: formatting.shortened(self.titles.get(name, ""))})

    @property
    def gap_reason(self) -> str | None:
        """Why the adjusted pay gap of the year cannot be measured; None where it can."""
        kpi = next(row for row in self.years if row["simulation_year"] == self.year)
        return gap_reason(kpi) if is_missing(kpi.get("adjusted_gap_max")) else None


def summarise(
    settings: Settings,
    scenario: str,
    *,
    against: str | None = None,
    titles: Mapping[str, str] = NO_TITLES,
    description: str = "",
    head: str = "",
) -> ScenarioSummary:
    """Return the summary of a result in force; `against` is another one, whose figures stand beside it.

    `titles` are those of scenarios, by name. Raises InputError for a scenario without a result, DamagedStore
    for a damaged one.
    """
    own = load_publication(settings, scenario)
    other = None if against is None else load_publication(settings, against)
    year, years = int(own.manifest["years"][0]), own.manifest["years"]
    kpis = _kpis(own)
    risk, findings = _risk(own)
    names = level_names(census_of(own, settings)) or None
    census = own.manifest["census"]
    with formatting.in_currency(own.currency):
        figures = _figures(kpis[0], None if other is None else _kpi_of(other, year))
    return ScenarioSummary(
        scenario=scenario,
        title=titles.get(scenario) or scenario,
        description=description,
        against=against,
        titles=titles,
        year=year,
        last_year=int(years[-1]),
        census=f"{census['name']}, {formatting.count(census['rows'])} people as of {census['as_of']}",
        published=formatting.moment(str(own.manifest["published_at"])),
        figures=figures,
        years=kpis,
        levers=_levers(own, year),
        groups=_groups(IncreaseList(own, settings), names),
        risk=risk,
        findings=findings[:FINDINGS_SHOWN],
        more_findings=max(len(findings) - FINDINGS_SHOWN, 0),
        equity=_equity(own, year),
        alternatives=alternatives(settings, own, year),
        footer=f"PlanWise {version('planwise')}. Money: annual base pay x FTE in the census's currency."
        + (f" Audit trail: {head}." if head else ""),
        currency=own.currency,
    )


def render_summary(summary: ScenarioSummary) -> str:
    """Return the page as HTML that loads no other file."""
    environment = template_environment(autoescape=True)
    environment.filters |= WRITERS
    template = environment.get_template("summary.html.jinja")
    with formatting.in_currency(summary.currency):
        return template.render(summary=summary, not_measured=NOT_MEASURED)


def write_summary(summary: ScenarioSummary, file: Path) -> None:
    """Write the page as its suffix says; raises InputError for another suffix or an unusable place."""
    html = partial(render_summary, summary)
    write_as(file, {HTML: lambda: html().encode(), PDF: lambda: render_pdf(html())})


def _kpis(publication: Publication) -> list[Row]:
    with reader() as connection:
        found = mart_rows(connection, publication, "fct_scenario_kpis")
    return sorted(found, key=lambda row: int(row["simulation_year"]))


def _kpi_of(publication: Publication, year: int) -> Row | None:
    return next((row for row in _kpis(publication) if row["simulation_year"] == year), None)


def _figures(own: Row, other: Row | None) -> list[dict[str, Any]]:
    found = []
    for label, name, kind in FIGURES:
        if name in ("total_cash", "employer_cost") and own.get(name) == own["payroll"]:
            continue  # no rate is set: it is the payroll
        value, beside = own.get(name), None if other is None else other.get(name)
        change = None
        if not (is_missing(value) or is_missing(beside)):
            difference = float(value) - float(beside)  # type: ignore[arg-type]
            change = formatting.points(difference) if kind == "rate" else _signed(kind, difference)
        texts = {"value": _text(kind, value), "other": _text(kind, beside), "change": change}
        found.append({"label": label, **texts})
    return found


def _signed(kind: str, difference: float) -> str:
    write = formatting.count if kind == "count" else formatting.money_short
    return write(difference, sign=True)


def _text(kind: str, value: Any) -> str | None:
    return None if is_missing(value) else WRITERS[kind](value)


def _levers(publication: Publication, year: int) -> list[tuple[str, str]]:
    """Return what differs from the defaults in the first year, by its label."""
    known = catalogue()
    found = []
    for (name, of_year), setting in Source(publication).settings.items():
        if setting.tier == "default" or of_year not in (year, None) or name not in known.levers:
            continue
        found.append((known.levers[name].label, formatting.exact_percent(setting.value)))
    return found[:LEVERS_SHOWN]


def _groups(increases: IncreaseList, names: Mapping[int, str] | None) -> list[dict[str, Any]]:
    """Return every level and the largest departments."""
    listed = []
    for attribute in ("level", "department"):
        own = [row for row in increases.groups() if row["attribute"] == attribute]
        shown = own if attribute == "level" else sorted(own, key=lambda r: -r["opening_payroll"])
        for row in shown[:GROUPS_SHOWN]:
            group = str(row["group"])
            named = formatting.level(int(group), names) if attribute == "level" and group.isdigit() else group
            listed.append({**row, "name": named})
    return listed


def _risk(publication: Publication) -> tuple[Risk, list[Finding]]:
    """Return the risk of the published levers, and the findings, the worst first."""
    own = {
        str(Key(name, year)): setting.value
        for (name, year), setting in Source(publication).settings.items()
        if setting.tier != "default"
    }
    measured = {int(kpi["simulation_year"]): kpi.get("increase_rate") for kpi in _kpis(publication)}
    findings = validate(resolve(tuple(publication.manifest["years"]), scenario=own), measured)
    return max((f.risk for f in findings), key=lambda risk: risk.rank, default=Risk.OK), findings


def _equity(publication: Publication, year: int) -> list[Row]:
    with reader() as connection:
        found = mart_rows(connection, publication, "fct_pay_equity")
    rows = [
        {
            **row,
            "gap": _text("rate", row["raw_gap"]),
            "adjusted": _text("rate", row["adjusted_gap"]),
            "why": gap_reason(row),
        }
        for row in found
        if row["simulation_year"] == year
    ]
    return sorted(rows, key=lambda row: (row["attribute"], -row["headcount"]))[:GROUPS_SHOWN]


def plan_figures(result: Publication, year: int) -> dict[str, Any] | None:
    """Return a result's figures of a year with its name and risk; None when it has no increase budget."""
    kpi = _kpi_of(result, year)
    if kpi is None or is_missing(kpi.get("increase_cost")):
        return None
    return {**kpi, "scenario": result.scenario, "risk": _risk(result)[0]}


def alternatives(settings: Settings, own: Publication, year: int) -> list[dict[str, Any]]:
    """Return other results on the same census, the cheapest first."""
    found = []
    for name in published_scenarios(settings):
        if name in (own.scenario, PROD):  # what is released is one of the others, or this one
            continue
        try:
            other = load_publication(settings, name)
            if other.manifest["census"]["content_hash"] != own.manifest["census"]["content_hash"]:
                continue
            figures = plan_figures(other, year)
        except DamagedStore:
            continue  # `planwise doctor` names it
        if figures is not None:
            found.append(figures)
    return sorted(found, key=lambda row: row["increase_cost"])[:ALTERNATIVES_SHOWN]
