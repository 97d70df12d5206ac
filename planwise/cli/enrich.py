"""`planwise enrich`: match awards with recipients and titles with the market, decide what is for review."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import cyclopts
from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from flows.launch import run_use_case
from planwise.app.enrich import (
    EnrichmentBlocked,
    EnrichmentReport,
    MarketRequest,
    RecipientsRequest,
    enrich_market,
    enrich_recipients,
    evaluate_recipients,
    evaluate_reported_titles,
)
from planwise.app.match_decisions import decide_match, match_review, review_queue
from planwise.cli.options import PARAMETERS, AsFlow, Home, Json
from planwise.console import PLAIN, emit_blocked, emit_json, print_gate, progress, results, settings_for
from planwise.enrichment.decisions import MatchDecision
from planwise.enrichment.evaluation import ALL, FITTED
from planwise.formatting import TERMINAL, counted

app = cyclopts.App(
    name="enrich", help="Match names with a reference: recipients, market.", group_parameters=PARAMETERS
)
RECIPIENTS, MARKET = RecipientsRequest(), MarketRequest()  # the options' defaults
QUEUE_SHOWN = 20
count, percent = TERMINAL.count, TERMINAL.percent
MatchingName = Annotated[Literal["recipients", "market"], Parameter(help="recipients or market.")]


@app.command
def recipients(
    request: Annotated[RecipientsRequest, Parameter(name="*")] = RECIPIENTS,
    *,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Match SBIR awards with federal recipients: by UEI, DUNS, exact and similar names."""
    return _run("enrich_recipients", enrich_recipients, request, flow=flow, home=home, json=json)


@app.command
def market(
    request: Annotated[MarketRequest, Parameter(name="*")] = MARKET,
    *,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Match the job titles of a census with occupations and their market wages."""
    return _run("enrich_market", enrich_market, request, flow=flow, home=home, json=json)


def _run(flow_name: str, job: Any, request: Any, *, flow: bool | None, home: Path | None, json: bool) -> int:
    settings = settings_for(home)
    try:
        report = run_use_case(settings, job=job, flow=flow_name, request=request, as_flow=flow)
    except EnrichmentBlocked as blocked:
        if json:
            return emit_blocked(blocked, blocked.report.as_json())
        results().print(render_enrichment(blocked.report))
        print_gate(results(), blocked.report.gate)
        raise
    if json:
        emit_json(report.as_json())
        return 0
    results().print(render_enrichment(report))
    print_gate(results(), report.gate)
    if report.totals["review"]:
        progress().print(f"Next: planwise enrich queue {report.matching}")
    if report.market is not None:
        progress().print("Next: planwise simulate")
    return 0


def render_enrichment(report: EnrichmentReport) -> RenderableType:
    """Return the totals and the quality report of a run."""
    totals = report.totals
    head = f"{counted(totals['rows'], 'row')}, {count(report.records)} distinct, {report.seconds:.1f} s"
    table = Table("status", Column("rows", justify="right"), Column("share", justify="right"), **PLAIN)
    for status in ("linked", "review", "unmatched"):
        table.add_row(status, count(totals[status]), percent(totals[status] / totals["rows"]))
    methods = Table("linked by", Column("rows", justify="right"), **PLAIN)
    for method, rows in totals["methods"].items():
        methods.add_row(method, count(rows))
    parts: list[RenderableType] = [Text(head), table, methods]
    if report.chunks_resumed:
        parts.append(
            Text(f"{report.chunks_resumed} of {report.chunks} chunks were matched by an earlier run.")
        )
    if report.stale_decisions:
        parts.append(
            Text(f"{report.stale_decisions} decisions name an entry that the reference does not have.")
        )
    if report.market is not None:
        parts.append(
            Text(
                f"Market reference of the census from now on: {report.market['survey']}, wages of "
                f"{report.market['wages_of']} x {report.market['aging_factor']:.4f}."
            )
        )
    if report.output is not None:
        parts.append(Text(f"Matches: {report.output}"))
    return Group(*parts)


@app.command
def queue(matching: MatchingName, *, home: Home = None, json: Json = False) -> None:
    """List what is for review or unmatched after the last run, the most frequent names first."""
    rows = review_queue(settings_for(home), matching)
    if json:
        emit_json({"matching": matching, "queue": rows})
        return
    if not rows:
        results().print("Nothing is for review.")
        return
    table = Table(
        "name",
        Column("rows", justify="right"),
        "status",
        "candidates",
        title=counted(len(rows), "name"),
        **PLAIN,
    )
    for row in rows[:QUEUE_SHOWN]:
        table.add_row(
            Text(str(row["name"])),
            count(row["rows"]),
            f"{row['status']}: {row['why']}" if row["why"] else str(row["status"]),
            Text(row["candidates"] or ""),
        )
    results().print(table)
    progress().print(f"Next: planwise enrich decide {matching} NAME --id ID, or --no-match")


@app.command
def decide(
    matching: MatchingName,
    name: Annotated[str, Parameter(help="The name or title, as in the file.")],
    /,
    *,
    id: Annotated[str | None, Parameter(help="UEI, DUNS, SOC code or id of the entry that it is.")] = None,
    entry: Annotated[str | None, Parameter(help="Name of the entry that it is, as in the reference.")] = None,
    no_match: Annotated[bool, Parameter(negative="", help="The reference does not have it.")] = False,
    city: Annotated[str | None, Parameter(help="City of the record, where the file has one.")] = None,
    state: Annotated[str | None, Parameter(help="State of the record, where the file has one.")] = None,
    comment: Annotated[str, Parameter(help="Why.")] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Decide what a name is; every later run applies the decision."""
    if no_match == (id is not None or entry is not None):
        raise cyclopts.ValidationError(msg="Give --id or --entry, or --no-match.")
    settings = settings_for(home)
    decision = decide_match(settings, MatchDecision(matching, name, city, state, id, entry, comment=comment))
    if json:
        emit_json(decision.as_json())
        return
    what = "has no match" if no_match else f"is {entry or id}"
    results().print(f"Decision {decision.id}: {name} {what}.", markup=False)
    names = match_review(settings, matching).names
    if names is not None and name.strip().upper() not in {str(row["name"]).strip().upper() for row in names}:
        progress().print(
            f"{name} is not among the names of the last run that wait for a decision: check its spelling in "
            f"`planwise enrich queue {matching}`.",
            style="yellow",
            markup=False,
        )


@app.command
def evaluate(
    labels: Annotated[
        Path, Parameter(help="Labelled recipients: CSV with fpds_name, gold_sbir_name, category.")
    ],
    firms: Annotated[
        tuple[Path, ...],
        Parameter(help="Files with the firms that the labels name, with city and state where known."),
    ],
    /,
    *,
    home: Home = None,
    json: Json = False,
) -> None:
    """Measure precision and recall on labelled recipients, beside exact names only and token sets."""
    found = evaluate_recipients(settings_for(home), labels, firms)
    if json:
        emit_json(found.as_json())
        return
    right = [Column(name, justify="right") for name in ("names", "linked", "right", "precision", "recall")]
    table = Table(
        "half", "method", "names of", *right, title="Measured on the half that fitted nothing", **PLAIN
    )
    for row in (row for row in found.rows if row["group"] == ALL or row["method"] == FITTED):
        shares = (("" if row[name] is None else percent(row[name])) for name in ("precision", "recall"))
        table.add_row(
            *_texts(row, "half", "method", "group"),
            *(count(row[n]) for n in ("names", "linked", "right")),
            *shares,
        )
    results().print(table)
    fitted = ", ".join(f"{score:.3f} for half {half}" for half, score in found.thresholds.items())
    results().print(f"Each half is measured with the threshold that the other one fitted: {fitted}.")


@app.command
def evaluate_titles(
    labels: Annotated[
        Path, Parameter(help="Titles of known occupations: CSV or TSV with a title and its SOC code.")
    ],
    /,
    *,
    sample: Annotated[int, Parameter(help="Measure so many of them; 0 for all.")] = 0,
    home: Home = None,
    json: Json = False,
) -> None:
    """Measure the matching of titles, each taken out of the reference, beside its known occupations."""
    found = evaluate_reported_titles(settings_for(home), labels, sample).as_json()
    if json:
        emit_json(found)
        return
    table = Table("titles", *(Column(text, justify="right") for text in ("count", "share")), **PLAIN)
    for text, number, share in (
        ("measured", "titles", None),
        ("occupation is first", "first", "top_1"),
        ("among the first five", "among_five", "top_5"),
        ("linked", "linked", None),
        ("linked, and right", "linked_right", "precision"),
    ):
        rate = "" if share is None or found[share] is None else percent(found[share])
        table.add_row(text, count(found[number]), rate)
    results().print(table)


def _texts(row: Mapping[str, Any], *names: str) -> list[str]:
    return [str(row[name]) for name in names]
