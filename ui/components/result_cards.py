"""Cards about a result that several pages show: the growth bridge of a year, and the quality gate."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from planwise.formatting import count, exact_percent, percent, points, shortened
from ui.components import html
from ui.components.card import Content
from ui.components.charts import waterfall
from ui.components.html import TableColumn, Tone
from ui.values.results import BRIDGE, Result

ZERO_WIDTH_SPACE = "\u200b"
LONG_NUMBER = re.compile(r"\d+\.\d{5,}")
GATE_TONES: Mapping[str, Tone] = {"passed": "good", "passed with warnings": "warn", "failed": "bad"}
BRIDGE_COLUMNS = (
    TableColumn("simulation_year", "Year"),
    *(TableColumn(name, f"{text}, pp", points) for name, text in BRIDGE.items()),
    TableColumn("growth_all", "Growth", lambda v: percent(v, 2)),
)
OF_ALL_PEOPLE = frozenset(
    {"fct_scenario_kpis", "fct_compensation_growth", "fct_budget", "pay_drift", "import"}
)
NOT_SHOWN = "not shown"
GATE_COLUMNS = (
    TableColumn("expectation", "Expectation", lambda v: breakable(v), is_text=True),
    TableColumn("outcome", "Outcome", is_text=True),
    TableColumn("where", "Table and column", lambda v: breakable(v), is_text=True),
    TableColumn("observed", "Observed", shortened, is_text=True),
    TableColumn("threshold", "Allowed", shortened, is_text=True),
    TableColumn("offending rows", "Rows outside", count),
    TableColumn("sample", "Examples", lambda v: shortened(_rounded(v)), is_text=True),
)


def bridge_frame(result: Result) -> pd.DataFrame:
    """Return the parts of growth of mean pay, a row a year."""
    frame = result.kpis[["simulation_year", *BRIDGE, "growth_all"]].reset_index(drop=True)
    return frame.assign(scenario=result.scenario)


def growth_bridge(result: Result, year: int, *, scope: str = "") -> Content:
    """Return the parts that growth of mean pay has in one year; they sum to it exactly."""
    kpi = result.kpi(year)
    steps = [(text, float(kpi[name])) for name, text in BRIDGE.items()]
    target = result.target
    figure = waterfall(
        steps,
        "Growth",
        [*(points(value) for _, value in steps), percent(kpi["growth_all"], 2)],
        target=None if target is None else (f"Target {exact_percent(target)}", target),
    )
    return Content(
        f"Growth bridge {year}",
        f"What moved mean base pay, percentage points · {scope}{result.scenario}",
        bridge_frame(result),
        BRIDGE_COLUMNS,
        f"growth_bridge_{result.scenario}.csv",
        figure,
        year,
    )


def quality_gate(
    rows: Sequence[Mapping[str, Any]], scenario: str, consequence: str, *, individual_pay: bool
) -> Content:
    """Return the expectations of a gate, failures first, as `GateResult.as_table` gives them.

    Values and examples of single people and small groups are left out without the right to `individual_pay`.
    """
    frame = pd.DataFrame([dict(row) for row in rows])
    if not individual_pay:
        frame.loc[~frame["table"].isin(OF_ALL_PEOPLE), ["observed", "sample"]] = NOT_SHOWN
    frame["outcome"] = [_outcome(row) for row in rows]
    frame["where"] = [".".join(filter(None, (row["table"], row["column"]))) for row in rows]
    status = gate_status(rows)
    return Content(
        "Quality gate",
        f"{frame['success'].sum()} of {len(frame)} expectations hold; {consequence} · {scenario}",
        frame,
        GATE_COLUMNS,
        f"gate_{scenario}.csv",
        lead=html.chip(status.capitalize(), GATE_TONES[status]),
    )


def gate_status(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the status of a gate from its rows."""
    failed = {row["severity"] for row in rows if not row["success"]}
    return "failed" if "critical" in failed else "passed with warnings" if "warning" in failed else "passed"


def _outcome(row: Mapping[str, Any]) -> str:
    if row["success"]:
        return "✓ passed"
    return {"critical": "✕ failed, blocks", "warning": "! warning"}.get(str(row["severity"]), "noted")


def breakable(name: str) -> str:
    """Return a name that may break after a dot or an underscore."""
    return re.sub(r"([._])", f"\\1{ZERO_WIDTH_SPACE}", name)


def _rounded(text: str) -> str:
    return LONG_NUMBER.sub(lambda found: f"{float(found[0]):.4g}", text)
