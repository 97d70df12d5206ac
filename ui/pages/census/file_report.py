"""What an import finds, as HTML: counts, reasons, warnings, a sample of rows, levels."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from planwise.formatting import count, money, percent
from ui.components import html
from ui.components.html import Kpi, TableColumn
from ui.values.census import COLUMN_WORDS, REASONS

NOTICES_SHOWN = 12
FOLDER = re.compile(r": /\S+$")  # where a mapping is kept
STATE_IT = (
    '<p class="quiet">Words in grey are those of commands and mapping files; the fields of this page state '
    "the same.</p>"
)
KINDS = {"csv": "CSV", "excel": "Excel", "parquet": "Parquet", "synthetic": "Generated sample"}
REASON_COLUMNS = (
    TableColumn("what", "Reason", is_text=True),
    TableColumn("kind", "Row is", is_text=True, whole=True),
    TableColumn("rows", "Rows", count),
)


def file_facts(found: Mapping[str, Any]) -> str:
    """Return in a line how a file was read."""
    source = found.get("source") or {}
    parts = [KINDS.get(source.get("kind", ""), ""), source.get("sheet", ""), source.get("encoding", "")]
    parts += [f"{source['delimiter']}-separated" if source.get("delimiter") else ""]
    parts += [source.get("compression", ""), source.get("currency", "")]
    return " · ".join(str(part) for part in parts if part)


def counts(report: Mapping[str, Any]) -> str:
    """Return the counts of rows."""
    tone: html.Tone = "warn" if report["rows_rejected"] else "good"
    judged = report["rows_accepted"] + report["rows_rejected"]
    share = percent(report["rows_rejected"] / judged, 2) if judged else ""
    return html.kpi_strip(
        (
            Kpi("People", count(report["rows_accepted"]), f"as of {report['as_of']}"),
            Kpi("Rows in the file", count(report["rows_read"]), "without header, titles and sums"),
            Kpi(
                "Rejected",
                count(report["rows_rejected"]),
                f"{share} of those considered" if report["rows_rejected"] else "",
                "" if report["rows_rejected"] else "every row is usable",
                tone,
            ),
            Kpi("Left out", count(report["rows_filtered"]), "leavers, not started, filter"),
        )
    )


def reasons(report: Mapping[str, Any]) -> str:
    """Return the reasons of rejected and left out rows as a table; empty without any."""
    rows = [
        {"what": _reason(reason), "kind": kind, "rows": n}
        for kind, found in (("rejected", report["reject_reasons"]), ("left out", report["filter_reasons"]))
        for reason, n in found.items()
        if n
    ]
    return html.table(pd.DataFrame(rows), REASON_COLUMNS, "Rows that are not imported") if rows else ""


def _reason(reason: str) -> str:
    words = REASONS.get(reason, reason.replace("_", " "))
    return words[0].upper() + words[1:]


def warnings(report: Mapping[str, Any]) -> str:
    """Return what a reader should check, as a list."""
    notices = [FOLDER.sub(".", str(notice)) for notice in report["notices"]]
    if report["columns_dropped"]:
        notices.append(f"Not stored, as they identify people: {', '.join(report['columns_dropped'])}.")
    items = "".join(f"<li>{html.with_code(notice)}</li>" for notice in notices[:NOTICES_SHOWN])
    more = len(notices) - NOTICES_SHOWN
    rest = f'<p class="quiet">and {more} more, in the report.</p>' if more > 0 else ""
    rest += STATE_IT if "<code>" in items else ""
    return f'<ul class="caveats">{items}</ul>{rest}' if items else '<p class="quiet">Nothing to check.</p>'


def sample(rows: list[Mapping[str, Any]]) -> str:
    """Return the first people as a table, pay a year as it would be stored."""
    if not rows:
        return ""
    frame = pd.DataFrame(rows)
    order = [name for name in COLUMN_WORDS if name in frame]
    writes = {"base_pay": lambda v: money(v)}
    columns = [
        TableColumn(
            name,
            "Base pay a year" if name == "base_pay" else COLUMN_WORDS[name],
            writes.get(name, _cell),
            is_text=name not in ("base_pay", "fte", "performance_rating"),
        )
        for name in order
    ]
    return html.table(frame[order], columns, "The first people")


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "–"
    return f"{value:g}" if isinstance(value, float) else str(value)


def columns_used(report: Mapping[str, Any]) -> str:
    """Return from which header each column came."""
    facts = {COLUMN_WORDS.get(name, name): header for name, header in report["columns"].items()}
    facts |= {
        COLUMN_WORDS.get(name, name): f"{value} (all rows)" for name, value in report["constants"].items()
    }
    if report.get("filter"):
        facts["Only rows where"] = report["filter"]
    return html.facts(facts)
