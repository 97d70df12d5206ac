"""Check a payroll file before it is imported: columns, sample, levels, rejects, and what is wrong."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from planwise.app.requests import IngestRequest
from planwise.app.runner import Runner
from planwise.census import ImportBlocked, ImportReport, Reading, read_census
from planwise.census.mapping import CensusMapping, kept_mapping, load_mapping, recognised_columns
from planwise.census.reader import SourceFile
from planwise.census.schema import COLUMNS, is_direct_identifier
from planwise.errors import PlanWiseError
from planwise.settings import Settings
from planwise.storage import write_json

CHECK_FILE = "check.json"
SAMPLE_ROWS, EXAMPLES, EXAMPLE_ROWS, EXAMPLE_CHARACTERS = 8, 3, 200, 40
TITLES_MAX = 400


@dataclass(frozen=True)
class FileCheck:
    """What was found in a file; `problem` says why it cannot be imported so.

    `found` has single people's pay: it is written beside the payroll file and removed with it.
    """

    file: Path
    found: dict[str, Any]
    problem: PlanWiseError | None

    def as_json(self) -> dict[str, Any]:
        """Return the outcome of the job, which has no one's pay."""
        return {"file": self.file.name, "usable": self.problem is None}


def check_census(settings: Settings, request: IngestRequest, run: Runner) -> FileCheck:
    """Read and check a file as an import does, register nothing, and write what was found beside it."""
    check: FileCheck = run(check_file, settings, request)
    write_json(found_folder(request.file) / CHECK_FILE, check.found)
    return check


def found_folder(file: Path) -> Path:
    """Return the folder beside a payroll file for what is found in it."""
    return file.with_name(f"{file.name}.found")


def check_file(settings: Settings, request: IngestRequest) -> FileCheck:
    """Return what a file has, and what an import of it would do."""
    found: dict[str, Any] = {"headers": [], "columns": [], "kept": None, "report": None, "problem": None}
    found |= {"sample": [], "titles": [], "people_by_level": {}}

    def look(source: SourceFile, plan: CensusMapping) -> None:
        found.update(_look(settings, source, plan))

    problem: PlanWiseError | None = None
    folder = found_folder(request.file)
    folder.mkdir(exist_ok=True)
    try:
        reading = read_census(settings, request.file, **request.reading(), reports=folder, on_source=look)
        found |= {"sample": _sample(reading), "titles": _titles(reading)} | _of_report(reading.report)
        found["people_by_level"] = {
            str(level): int(n) for level, n in reading.rows["level_id"].value_counts().items()
        }
    except ImportBlocked as blocked:
        problem = blocked
        found |= _of_report(blocked.report)
    except PlanWiseError as error:
        problem = error
    if problem is not None:
        found["problem"] = {"what": problem.what, "remedy": problem.remedy or ""}
    return FileCheck(request.file, found, problem)


def _look(settings: Settings, source: SourceFile, plan: CensusMapping) -> dict[str, Any]:
    """Return headers, what each column is taken from, and examples of cells."""
    headers = [str(header) for header in source.frame.columns]
    recognised = recognised_columns(headers, plan)
    kept = kept_mapping(settings.root, headers)
    return {
        "headers": [
            {
                "name": header,
                "identifies": is_direct_identifier(header),
                "examples": [] if is_direct_identifier(header) else _examples(source.frame[header]),
            }
            for header in headers
        ],
        "columns": [
            {"name": column.name, "required": column.required, "header": recognised.get(column.name, "")}
            for column in COLUMNS
        ],
        "source": {"kind": source.kind} | source.details,
        "rows": len(source.frame),
        "kept": None
        if kept is None
        else {
            "name": re.sub(r"-[0-9a-f]{12}$", "", kept.stem),
            "mapping": load_mapping(kept).model_dump(mode="json", exclude_defaults=True),
        },
    }


def _examples(cells: pd.Series) -> list[str]:
    filled = [str(cell)[:EXAMPLE_CHARACTERS] for cell in cells.head(EXAMPLE_ROWS) if str(cell)]
    return list(dict.fromkeys(filled))[:EXAMPLES]


def _of_report(report: ImportReport) -> dict[str, Any]:
    return {"report": report.as_dict(), "source": report.source, "columns_used": report.columns}


def _sample(reading: Reading) -> list[dict[str, Any]]:
    """Return the first accepted rows as the census would have them."""
    names = dict(zip(reading.ranges["level_id"], reading.ranges["name"], strict=True))
    rows = reading.rows.head(SAMPLE_ROWS)
    rows = rows.assign(level_id=[names[level] for level in rows["level_id"]])
    return [
        {str(name): _cell(value) for name, value in row.items() if not pd.isna(value)}
        for row in rows.to_dict("records")
    ]


def _cell(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return value.item() if hasattr(value, "item") else value


def _titles(reading: Reading) -> list[dict[str, Any]]:
    """Return the titles of most people, each with its most frequent level."""
    found = reading.rows.groupby(["job_title", "level_id"]).size().rename("people").reset_index()
    found = found.sort_values("people", ascending=False, kind="stable")
    people = found.groupby("job_title")["people"].sum()
    usual = found.drop_duplicates("job_title").assign(people=lambda f: f["job_title"].map(people))
    most = usual.sort_values("people", ascending=False, kind="stable").head(TITLES_MAX)
    return [
        {"title": str(title), "people": int(n), "level_id": int(level)}
        for title, n, level in most[["job_title", "people", "level_id"]].to_numpy().tolist()
    ]
