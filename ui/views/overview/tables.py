"""What the cards with a table only show: scenarios, levels, gate, and where the figures are from."""

from collections.abc import Mapping, Sequence

import pandas as pd

from planwise.gate import GateResult
from ui.components import html
from ui.components.card import Content
from ui.components.html import Column
from ui.values.formatting import count, level, moment, money, percent, points, ratio, shortened
from ui.values.results import SUPPRESSED_UNDER, Result

PP = 100.0
GATE_TONES: Mapping[str, html.Tone] = {"passed": "good", "passed with warnings": "warn", "failed": "bad"}


def comparison(results: Sequence[Result], chosen: Result, year: int) -> Content:
    """Return every published scenario in one year; a scenario with another horizon is left out."""
    shown = [result for result in results if year in result.years]
    frame = pd.DataFrame(
        [
            {"scenario": r.scenario, **r.kpi(year), "target_growth": r.target, "simulation_year": year}
            for r in shown
        ]
    )
    frame["growth_minus_target_pp"] = (frame["growth_compound"] - frame["target_growth"].astype(float)) * PP
    columns = (
        Column("scenario", "Scenario", is_text=True),
        Column("growth_compound", "Growth a year since the census", lambda v: percent(v, 2)),
        Column("growth_minus_target_pp", "Minus target", lambda v: points(v / PP)),
        Column("growth_all", "Growth in the year", lambda v: percent(v, 2)),
        Column("headcount", "Headcount", count),
        Column("payroll", "Annual payroll, $", money),
        Column("payroll_change", "Payroll change, $", lambda v: money(v, sign=True)),
        Column("mean_base_pay", "Mean base pay, $", money),
        Column("mean_compa_ratio", "Compa-ratio", ratio),
        Column("termination_rate", "Turnover", percent),
    )
    missing = len(results) - len(shown)
    lead = html.notice(f"{missing} more do not simulate {year}.") if missing else ""
    return Content(
        "Scenarios side by side",
        f"{year} · {len(shown)} published · the chosen one in bold",
        frame,
        columns,
        f"scenarios_{year}.csv",
        chosen=chosen.scenario,
        lead=lead,
    )


def levels(result: Result, year: int) -> Content:
    """Return headcount, movement and pay by level in one year."""
    frame = result.levels.loc[result.levels["simulation_year"] == year].reset_index(drop=True)
    columns = (
        Column("level_id", "Level", level),
        Column("headcount", "Headcount", count),
        Column("hires", "Hires", count),
        Column("terminations", "Exits", count),
        Column("promotions_in", "Promoted in", count),
        Column("mean_base_pay", "Mean base pay, $", money),
        Column("median_base_pay", "Median base pay, $", money),
        Column("cv", "Spread (CV)", percent),
        Column("mean_compa_ratio", "Compa-ratio", ratio),
        Column("below_minimum", "Below range", count),
        Column("above_maximum", "Above range", count),
    )
    hidden = int((frame["headcount"] < SUPPRESSED_UNDER).sum())
    note = f" · pay figures of groups under {SUPPRESSED_UNDER} people are not shown" if hidden else ""
    return Content(
        "Levels",
        f"End of {year}; movement in {year} · {result.scenario}{note}",
        frame,
        columns,
        f"levels_{result.scenario}_{year}.csv",
    )


def gate(result: Result) -> Content:
    """Return what the quality gate found before the result was published, failures first."""
    found = GateResult.from_json(result.manifest["gate"])
    frame = pd.DataFrame(found.as_table())
    frame["outcome"] = [
        "passed" if ok else f"failed ({severity})"
        for ok, severity in zip(frame["success"], frame["severity"], strict=True)
    ]
    columns = (
        Column("expectation", "Expectation", is_text=True),
        Column("outcome", "Outcome", is_text=True),
        Column("table", "Table", is_text=True),
        Column("column", "Column", is_text=True),
        Column("observed", "Observed", shortened, is_text=True),
        Column("threshold", "Allowed", shortened, is_text=True),
        Column("offending rows", "Rows outside", count),
    )
    passed = found.evaluated - len(found.failed)
    lead = html.chip(f"{found.status[0].upper()}{found.status[1:]}", GATE_TONES[found.status])
    return Content(
        "Quality gate",
        f"{passed} of {found.evaluated} expectations hold; a critical one that fails blocks publishing · "
        f"{result.scenario}",
        frame,
        columns,
        f"gate_{result.scenario}.csv",
        lead=lead,
    )


def provenance(result: Result) -> dict[str, str]:
    """Return where the figures are from: enough to reproduce them."""
    manifest = result.manifest
    census, versions = manifest["census"], manifest["versions"]
    return {
        "Scenario": result.scenario,
        "Published": moment(str(manifest["published_at"])),
        "Census": f"{census['name']}, {count(census['rows'])} employees as of {census['as_of']}",
        "Census content": str(census["content_hash"]),
        "Fingerprint": result.fingerprint,
        "Horizon": f"{result.years[0]}–{result.last_year}",
        "Versions": ", ".join(f"{name} {number}" for name, number in versions.items()),
    }
