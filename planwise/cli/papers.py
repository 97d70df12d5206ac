"""`planwise increases`, `summary`, `papers`: what people take away from a result or a proposal."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from planwise.app.papers import (
    IncreasesReport,
    IncreasesRequest,
    ProposalPaperRequest,
    SummaryRequest,
    list_increases,
    write_proposal_paper,
    write_scenario_summary,
)
from planwise.cli.options import Home, Json
from planwise.comparison.increases import LIST_NOTE, PROMOTION_NOTE
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.formatting import TERMINAL, in_currency
from planwise.governance import Action, require_role

count, money, percent = TERMINAL.count, TERMINAL.money, TERMINAL.percent
ALL, ONE_PAGE = IncreasesRequest(), SummaryRequest()  # the options' defaults


def increases(
    request: Annotated[IncreasesRequest, Parameter(name="*")] = ALL, home: Home = None, json: Json = False
) -> None:
    """Write the increase list of a published scenario's first year, and what leads to the increase budget."""
    settings = settings_for(home)
    require_role(settings, Action.SEE_PAY)
    report = list_increases(settings, request)
    if json:
        emit_json(report.as_json())
        return
    results().print(render_increases(report))
    if report.output is None:
        progress().print("Next: add --output FILE.csv or FILE.xlsx for the list of people.")
    else:
        rows = count(report.totals.rows)
        progress().print(f"{rows} people: {report.output}", markup=False, soft_wrap=True)


def render_increases(report: IncreasesReport) -> RenderableType:
    """Return the list's totals and the promotion budget."""
    with in_currency(report.increases.publication.currency):
        return _totals_and_groups(report)


def _totals_and_groups(report: IncreasesReport) -> RenderableType:
    listed, totals, bridge = report.increases, report.totals, report.bridge
    budget = listed.budget()
    sums = Table("", Column(str(listed.year), justify="right"), title=_title(report), **PLAIN)
    for label, text in (
        ("people", count(totals.rows)),
        ("base pay before, x FTE", money(totals.old, 2)),
        ("the list: COLA, merit and lump sums", money(totals.increase, 2)),
        ("of it lump sums", money(totals.lump_sum, 2)),
        ("base pay after, x FTE", money(totals.new, 2)),
        ("+ merit and COLA that come with a promotion", money(bridge.promotions, 2)),
        ("- raises of people who leave before their date", money(bridge.exits, 2)),
        ("+/- merit of all others, shared out among the paid", money(bridge.draws, 2)),
        ("increase budget", money(bridge.budget, 2)),
        ("increase budget, of pay at each date", percent(budget["increase_rate"], 2)),
        ("promotion raises, a budget of their own", money(budget["promotion_cost"], 2)),
    ):
        sums.add_row(label, text)
    right = [
        Column(name, justify="right")
        for name in ("people", "payroll", "list", "of payroll", "promotions", "of payroll", "with them")
    ]
    groups = Table("budget by", *right, **PLAIN)
    attribute = ""
    for group in listed.groups():
        if group["attribute"] != attribute:
            attribute = group["attribute"]
            groups.add_row(Text(attribute.replace("_", " "), style="bold"))
        listed_share, promotion = percent(group["list_share"], 2), percent(group["promotion_share"], 2)
        costs = [money(group["list_cost"]), listed_share, money(group["promotion_cost"]), promotion]
        costs.append(money(group["with_promotions_cost"]))
        people, payroll = count(group["headcount"]), money(group["opening_payroll"])
        groups.add_row(Text(f"  {group['group']}"), people, payroll, *costs)
    return Group(sums, groups, Text(f"{LIST_NOTE}\n{PROMOTION_NOTE}", style="dim"))


def _title(report: IncreasesReport) -> str:
    return f"Increase list of {report.increases.publication.scenario}"


def summary(
    request: Annotated[SummaryRequest, Parameter(name="*")] = ONE_PAGE, home: Home = None, json: Json = False
) -> None:
    """Write a published scenario on one page: question, budget, who gets what, risk, equity, alternatives."""
    found = write_scenario_summary(settings_for(home), request)
    if json:
        emit_json({"scenario": found.scenario, "against": found.against, "output": request.output})
    else:
        progress().print(f"Summary: {request.output}", markup=False, soft_wrap=True)


def papers(
    proposal: int,
    /,
    *,
    kind: Literal["decision", "executive"] = "executive",
    output: Path,
    home: Home = None,
    json: Json = False,
) -> None:
    """Write a proposal on one page, or its decision record, with the head of the audit trail.

    Parameters
    ----------
    proposal
        Number of the proposal; see `planwise proposals`.
    kind
        One page for those who decide, or the decision record.
    output
        File to write: .md, .html, .pdf or .csv.

    """
    request = ProposalPaperRequest(proposal=proposal, kind=kind, output=output)
    paper = write_proposal_paper(settings_for(home), request)
    if json:
        emit_json({"proposal": proposal, "kind": kind, "title": paper.title, "output": output})
    else:
        progress().print(f"{paper.title}: {output}", markup=False, soft_wrap=True)
