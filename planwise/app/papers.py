"""What people take away: the increase list, the summary, papers of a proposal, the audit report."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from planwise.app.exports import record_export, require_pay
from planwise.comparison.increase_columns import load_list_mapping
from planwise.comparison.increases import IncreaseList, ListBridge, ListTotals, load_increases
from planwise.errors import InputError
from planwise.governance import Action, open_ledger
from planwise.governance.activity import Activity, Scope, activity_of
from planwise.governance.request import Request
from planwise.papers.audit import audit_paper, compliance_paper
from planwise.papers.layout import Paper, write_paper
from planwise.papers.proposals import proposal_paper
from planwise.papers.summary import ScenarioSummary, summarise, write_summary
from planwise.parameters import BASELINE
from planwise.settings import Settings


class IncreasesRequest(Request):
    """The increase list of a published scenario, and the file to write."""

    scenario: str = Field(default=BASELINE, description="A published scenario.")
    output: Path | None = Field(default=None, description="Write the list: a .csv or .xlsx file.")
    mapping: Path | None = Field(
        default=None, description="YAML file with the columns and headers of an HR system."
    )


@dataclass(frozen=True)
class IncreasesReport:
    """The list's totals, what leads from them to the increase budget, and the file that was written."""

    increases: IncreaseList
    totals: ListTotals
    bridge: ListBridge
    output: Path | None

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise increases --json` prints."""
        result, totals = self.increases.publication, self.totals
        return {
            "scenario": result.scenario,
            "fingerprint": result.fingerprint,
            "year": self.increases.year,
            "rows": totals.rows,
            "total_old": totals.old,
            "total_increase": totals.increase,
            "total_lump_sum": totals.lump_sum,
            "total_new": totals.new,
            "with_promotions": self.bridge.promotions,
            "exits": self.bridge.exits,
            "draws": self.bridge.draws,
            "increase_budget": self.bridge.budget,
            "groups": self.increases.groups(),
            "output": self.output,
        }


def list_increases(settings: Settings, request: IncreasesRequest) -> IncreasesReport:
    """Read the increase list of a result in force, and write it where the request says.

    The ledger records the file with its sums. Raises InputError without a result, for a mapping or a file
    that cannot be used, Forbidden for a role that may not see pay, DamagedStore for a damaged result.
    """
    mapping = load_list_mapping(request.mapping)
    increases = load_increases(settings, request.scenario)
    if request.output is not None:
        require_pay(settings)
    totals, bridge = increases.totals(), increases.bridge()
    if request.output is not None:
        increases.write(request.output, mapping)
        control = {f"total_{name}": value for name, value in vars(totals).items() if name != "rows"}
        control["increase_budget"] = bridge.budget
        about = {"fingerprint": increases.publication.fingerprint, "rows": totals.rows, **control}
        record_export(settings, request.output, "increase list", scenario=request.scenario, **about)
    return IncreasesReport(increases, totals, bridge, request.output)


class SummaryRequest(Request):
    """A published scenario, another one beside it, and the file to write."""

    scenario: str = Field(default=BASELINE, description="A published scenario.")
    against: str | None = Field(default=None, description="Show this scenario's figures beside it.")
    output: Path | None = Field(default=None, description="Write the page: an .html or .pdf file.")


def write_scenario_summary(settings: Settings, request: SummaryRequest) -> ScenarioSummary:
    """Write the summary of a result in force; raises InputError without a result or for an unusable file."""
    if request.output is None:
        raise InputError("The summary needs a file.", remedy="Add --output FILE.html or FILE.pdf.")
    with open_ledger(settings) as ledger:
        stored = {scenario.name: scenario for scenario in ledger.scenarios.list(archived=True)}
        head = ledger.events.head()
    about = stored.get(request.scenario)  # a deleted scenario's result is still there
    summary = summarise(
        settings,
        request.scenario,
        against=request.against,
        titles={name: scenario.title for name, scenario in stored.items()},
        description="" if about is None or about.name == BASELINE else about.description,
        head=str(head),
    )
    write_summary(summary, request.output)
    record_export(settings, request.output, "summary", scenario=request.scenario)
    return summary


class ProposalPaperRequest(Request):
    """A proposal, the kind of paper about it, and the file to write."""

    proposal: int = Field(description="Number of the proposal; see `planwise proposals`.")
    kind: Literal["decision", "executive"] = Field(
        default="executive", description="The decision record, or one page for those who decide."
    )
    output: Path = Field(description="Write the paper: an .md, .html or .pdf file.")


def write_proposal_paper(settings: Settings, request: ProposalPaperRequest) -> Paper:
    """Write a paper about a proposal; raises InputError for an unknown one or an unusable file."""
    with open_ledger(settings) as ledger:
        ledger.require(Action.READ)
        proposal = ledger.proposals.get(request.proposal)
        head, titles = ledger.events.head(), ledger.scenarios.titles()
        paper = proposal_paper(settings, proposal, head, request.kind, titles)
    write_paper(paper, request.output)
    record_export(
        settings, request.output, f"{request.kind} paper", scenario=proposal.scenario, proposal=proposal.id
    )
    return paper


class AuditReportRequest(Request):
    """A period, scenario or person (all without), and the file to write."""

    since: date | None = Field(default=None, description="From this day on (YYYY-MM-DD, UTC).")
    until: date | None = Field(default=None, description="Up to this day, included.")
    scenario: str | None = Field(default=None, description="Only events of this scenario.")
    actor: str | None = Field(default=None, description="Only events of this person.")
    kind: Literal["audit", "compliance"] = Field(
        default="audit", description="Everything, or only the rules that must be kept."
    )
    output: Path | None = Field(default=None, description="Write it: an .md, .html, .pdf or .csv file.")

    @property
    def scope(self) -> Scope:
        """The events that are reported."""
        return Scope(
            None if self.since is None else datetime.combine(self.since, time.min, UTC),
            None if self.until is None else datetime.combine(self.until, time.max, UTC),
            self.scenario,
            self.actor,
        )


def report_audit(settings: Settings, request: AuditReportRequest) -> Activity:
    """Report what the audit trail has of a scope, and write it where the request says.

    Raises Forbidden for a role that may not read the trail, InputError for an unusable file.
    """
    with open_ledger(settings) as ledger:
        ledger.require(Action.AUDIT)
        activity = activity_of(ledger.events.list(), ledger.events.verify(), request.scope)
        head = ledger.events.head()
    if request.output is not None:
        make = {"audit": audit_paper, "compliance": compliance_paper}[request.kind]
        write_paper(make(activity, head), request.output)
        record_export(settings, request.output, f"{request.kind} report", scenario=request.scenario)
    return activity
