"""What people take away from a published result: the increase list, the summary on one page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from planwise.comparison.increases import IncreaseList, ListTotals, load_increases, load_list_mapping
from planwise.comparison.summary import ScenarioSummary, summarise, write_summary
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.governance.request import Request
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
    """The list's totals, the increase budget that they equal, and the file that was written."""

    increases: IncreaseList
    totals: ListTotals
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
            "groups": self.increases.groups(),
            "output": self.output,
        }


def list_increases(settings: Settings, request: IncreasesRequest) -> IncreasesReport:
    """Read the increase list of a result in force, and write it where the request says.

    Raises InputError without a result, for a mapping or a file that cannot be used, DamagedStore for a
    damaged result.
    """
    mapping = load_list_mapping(request.mapping)
    increases = load_increases(settings, request.scenario)
    if request.output is not None:
        increases.write(request.output, mapping)
    return IncreasesReport(increases, increases.totals(), request.output)


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
    about = stored.get(request.scenario)  # a deleted scenario's result is still there
    summary = summarise(
        settings,
        request.scenario,
        against=request.against,
        title="" if about is None else about.title,
        description="" if about is None or about.name == BASELINE else about.description,
    )
    write_summary(summary, request.output)
    return summary
