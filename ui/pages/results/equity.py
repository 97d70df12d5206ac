"""Pay equity: gaps by year and with intervals, quartile pay bands, categories, and the cost to close."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from math import exp
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.equity.gaps import GapEstimate
from planwise.equity.reasons import reason_text
from planwise.equity.report import ComparedGroup, EquityReport
from planwise.formatting import count, is_missing, money, money_short, percent
from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import BAD, PALETTE, TOTAL, Series, bars, lines, ranked, with_reference
from ui.components.downloads import Download, to_csv
from ui.components.page import PAIR, STACK, UpdateGuard
from ui.components.point_charts import intervals
from ui.pages.results.request import CENSUS_YEAR, ResultsView, Section
from ui.session import Session
from ui.store import Store
from ui.values.results import SUPPRESSED_UNDER

GENDER = "gender"
NEAR = 0.005  # under half a percent a gap is called none
BARS_AT_MOST = 20  # the table has every category
WHOLE = "whole active workforce, filters do not apply"
MEANING = (
    "Mean and median gap compare all women with all men, as Directive (EU) 2023/970 and UK reporting ask: "
    "the share of men's pay by which women's is lower. The adjusted gap compares like with like and is what "
    "studies mean by pay equity: by regression on level, department and tenure, and within cells of the "
    f"three. Above zero, the group earns less. Groups under {SUPPRESSED_UNDER} people are not shown. An "
    "interval of 95 % says how far chance could move a gap under the same pay policy; it proves no cause."
)


@dataclass(frozen=True)
class EquityFigures:
    """The mart of all years, and the report of the year that is shown."""

    mart: pd.DataFrame
    report: EquityReport


class Equity(Section):
    """The section's cards; one choice says which attribute is meant."""

    key, title = "equity", "Pay equity"
    by_people, by_status = False, False

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        self._session = session
        self._view: ResultsView | None = None
        self._attribute = pmui.Select(
            label="Groups by", options=[], size="small", width=200, margin=(6, 0, 4, 0)
        )
        self._attribute.param.watch(lambda _: None if self._filling else changed(), "value")
        self._filling = UpdateGuard()
        self._words = html.pane("")
        self._raw, self._adjusted = Card(name="raw gap"), Card(name="adjusted gap")
        self._gaps = Card(name="gaps with intervals")
        self._bands = Card(name="quartile pay bands")
        self._categories = Card(name="categories", height=520)
        self._closing = Card(name="cost to close", with_chart=False)
        self._problem = html.pane("")
        self._people = Download(
            self._raises,
            self._failed,
            label="Whom it would raise (CSV)",
            busy="Writing …",
            is_recorded=False,
            description="Download the people whom closing the adjusted gap would raise, as CSV",
            size="small",
            visible=session.can_see_individual_pay,
        )
        self._of_year = pn.Column(
            pn.Column(self._gaps.layout, self._bands.layout, **PAIR),
            self._categories.layout,
            self._closing.layout,
            pn.Row(self._people, self._problem),
            **STACK,
        )
        self._by_year = pn.Column(self._raw.layout, self._adjusted.layout, **PAIR)
        self.layout = pn.Column(
            self._attribute,
            self._words,
            self._of_year,
            self._by_year,
            html.pane(html.notice(MEANING)),
            **STACK,
        )

    def read(self, store: Store, view: ResultsView) -> EquityFigures:
        """Return the mart, and the report of the year."""
        return EquityFigures(
            store.people.equity(view.scenario), store.people.equity_report(view.scenario, view.year)
        )

    def show(self, view: ResultsView, found: Any) -> None:
        """Show it."""
        self._view = view
        names = sorted(set(found.mart["attribute"]) | {GENDER}, reverse=True)  # gender comes first
        chosen = self._attribute.value if self._attribute.value in names else GENDER
        with self._filling:
            self._attribute.param.update(options={name.capitalize(): name for name in names}, value=chosen)
        frame = found.mart[found.mart["attribute"] == chosen].reset_index(drop=True)
        report = found.report
        self._words.object = html.notice(words(view, frame, report if chosen == GENDER else None))
        self._of_year.visible = chosen == GENDER and report.reason is None
        self._by_year.visible = len(set(frame["group"])) > 1
        if self._by_year.visible:
            self._raw.show(by_year(view, frame, "raw_gap", "Raw gap"))
            self._adjusted.show(by_year(view, frame, "adjusted_gap", "Adjusted gap"))
        if self._of_year.visible:
            self._gaps.show(gaps(view, report))
            self._bands.show(bands(view, report))
            self._categories.show(categories(view, report))
            self._closing.show(closing(view, report))

    async def _raises(self) -> bytes:
        view = self._view
        assert view is not None
        self._problem.object = ""
        self._people.filename = f"equity_raises_{view.scenario}_{view.year}.csv"
        return (await self._session.offload(self._file, view)).getvalue()

    def _file(self, view: ResultsView) -> BytesIO:
        return to_csv(self._session.individual_pay.equity_raises(view.scenario, view.year))

    def _failed(self, error: Any) -> None:
        self._problem.object = html.notice(error.what, tone="warn")


def words(view: ResultsView, frame: pd.DataFrame, report: EquityReport | None) -> str:
    """Return what the gaps of the year say, or why they cannot be measured, in a sentence per group."""
    if report is not None:
        if report.why is not None:
            return f"The pay gap at the end of {view.year} cannot be measured: {report.why}."
        return f"At the end of {view.year}: " + " ".join(_sentence(report, group) for group in report.groups)
    rows = frame[frame["simulation_year"] == view.year]
    shown = [
        f"{row['group']} ({count(row['headcount'])} people): adjusted gap {percent(row['adjusted_gap'], 2)}"
        if pd.notna(row["adjusted_gap"])
        else f"{row['group']}: the adjusted gap cannot be measured: {reason_text(row['adjusted_gap_reason'])}"
        for row in rows.to_dict("records")
        if row["adjusted_gap_reason"] != "reference"
    ]
    if not shown:
        return (
            f"The pay gap at the end of {view.year} cannot be measured: there are no two groups of "
            f"{SUPPRESSED_UNDER} people."
        )
    return f"At the end of {view.year}, against {_reference(frame)}: {'; '.join(shown)}."


def _sentence(report: EquityReport, group: ComparedGroup) -> str:
    text = (
        f"{group.group} ({count(group.mean.people)} people) is paid on average "
        f"{_less(group.mean.value)} than {report.reference} (median: {_less(group.median.value)})"
    )
    adjusted = group.regression
    if adjusted.value is None:
        return f"{text}. The adjusted gap cannot be measured: {adjusted.why}."
    clear = "its interval leaves out 0" if adjusted.is_clear else "which chance could explain"
    return (
        f"{text}; with the same level, department and tenure {_less(1 - exp(-adjusted.value))} "
        f"(adjusted gap {percent(adjusted.value, 2)}, {clear})."
    )


def _less(share: float | None) -> str:
    if share is None:
        return "by an unknown share less"
    if abs(share) < NEAR:
        return "no less"
    return f"{percent(abs(share))} {'less' if share > 0 else 'more'}"


def gaps(view: ResultsView, report: EquityReport) -> Content:
    """Return the card of the year's gaps with their intervals and people."""
    rows = [
        {
            "group": group.group,
            "gap": name,
            "value": gap.value,
            "low": gap.low,
            "high": gap.high,
            "standard_error": gap.standard_error,
            "people": gap.people,
            "reference_people": gap.reference_people,
            "note": _note(gap),
        }
        for group in report.groups
        for name, gap in group.gaps.items()
    ]
    frame = pd.DataFrame(rows)
    several = len(report.groups) > 1
    names = [f"{row['group']}: {row['gap']}" if several else str(row["gap"]) for row in rows]
    marks = [
        {**row, "name": name, "text": f"{name}: {percent(row['value'], 2)}, {_interval(row)}"}
        for name, row in zip(names, rows, strict=True)
        if not any(is_missing(row[figure]) for figure in ("value", "low", "high"))
    ]
    figure = intervals(marks, x_title="Gap, with its 95 % interval", x_format=".1%", zero_based=True)
    return Content(
        "Gaps with intervals",
        f"Pay below that of {report.reference} · end of {view.year} · {WHOLE} · {view.label}",
        frame.assign(simulation_year=view.year, reference=report.reference),
        (
            html.TableColumn("group", "Group", str, is_text=True),
            html.TableColumn("gap", "Gap", str, is_text=True),
            html.TableColumn("value", "Value", lambda v: percent(v, 2)),
            html.TableColumn("low", "95 % from", lambda v: percent(v, 2)),
            html.TableColumn("high", "to", lambda v: percent(v, 2)),
            html.TableColumn("people", "People", count),
            html.TableColumn("reference_people", f"Of {report.reference}", count),
            html.TableColumn("note", "Note", str, is_text=True),
        ),
        f"equity_gaps_{view.scenario}_{view.year}.csv",
        figure,
    )


def _interval(row: Mapping[str, Any]) -> str:
    return f"95 %: {percent(row['low'], 2)} to {percent(row['high'], 2)}"


def _note(gap: GapEstimate) -> str:
    if gap.why is not None:
        return f"not measured: {gap.why}"
    return "5 % or more" if gap.is_flagged else ""


def bands(view: ResultsView, report: EquityReport) -> Content:
    """Return the card of the shares of each group in the four quarters of pay."""
    frame = report.bands
    places = list(dict.fromkeys(frame["band"]))
    series = []
    for place, (group, rows) in enumerate(frame.groupby("group", sort=False)):
        shares = list(rows["share"])
        hover = [f"{group}, {band}: {percent(share)}" for band, share in zip(places, shares, strict=True)]
        series.append(Series(str(group), shares, hover, PALETTE[place % len(PALETTE)]))
    figure = bars(places, series, y_format=".0%", y_title="", stacked=True)
    return Content(
        "Quartile pay bands",
        f"Share of each group in the quarters of pay · end of {view.year} · {WHOLE} · {view.label}",
        frame.assign(simulation_year=view.year),
        (
            html.TableColumn("band", "Band", str, is_text=True),
            html.TableColumn("group", "Group", str, is_text=True),
            html.TableColumn("people", "People", count),
            html.TableColumn("share", "Share", percent),
            html.TableColumn("low", "95 % from", percent),
            html.TableColumn("high", "to", percent),
        ),
        f"equity_quartiles_{view.scenario}_{view.year}.csv",
        figure,
    )


def categories(view: ResultsView, report: EquityReport) -> Content:
    """Return the card of gaps by category of workers, the largest gaps on the chart."""
    frame = report.categories
    category = frame.columns[1]
    measured = frame[frame["mean_gap"].notna()]
    shown = measured.reindex(measured["mean_gap"].abs().sort_values(ascending=False).index).head(BARS_AT_MOST)
    figure = ranked(
        [f"{view.level(row[0])}, {row[1]}" for row in shown.itertuples(index=False)],
        list(shown["mean_gap"].astype(float)),
        [percent(value) for value in shown["mean_gap"]],
        [BAD if flagged else TOTAL for flagged in shown["flagged"]],
        x_format=".0%",
    )
    return Content(
        "Categories of workers",
        f"Mean gap by {report.category} · {report.flagged} of {len(measured)} at 5 % or more; "
        f"{len(frame) - len(measured)} cannot be measured · end of {view.year} · {view.label}",
        frame.assign(simulation_year=view.year),
        (
            html.TableColumn("level_id", "Level", view.level, is_text=True),
            html.TableColumn(category, category.replace("_", " ").capitalize(), str, is_text=True),
            html.TableColumn("group", "Group", str, is_text=True),
            html.TableColumn("people", "People", count),
            html.TableColumn("reference_people", f"Of {report.reference}", count),
            html.TableColumn("mean_gap", "Mean gap", percent),
            html.TableColumn("mean_low", "95 % from", percent),
            html.TableColumn("mean_high", "to", percent),
            html.TableColumn("median_gap", "Median gap", percent),
            html.TableColumn("flagged", "5 % or more", lambda v: {True: "yes", False: "no"}.get(v, "")),
            html.TableColumn("reason", "Why not measured", lambda v: str(v or ""), is_text=True),
        ),
        f"equity_categories_{view.scenario}_{view.year}.csv",
        figure,
    )


def closing(view: ResultsView, report: EquityReport) -> Content:
    """Return the card of what closing the adjusted gap would cost, by level and department."""
    rows = [
        {
            "raised": group.group,
            "by": by.capitalize(),
            "name": view.level(row[column])
            if by == "level" and str(row[column]).isdigit()
            else str(row[column]),
            "people": row["people"],
            "cost": row["cost"],
        }
        for group in report.groups
        for by, column, found in (
            ("level", "level_id", group.closing_by_level),
            ("department", "department", group.closing_by_department),
        )
        for row in found
    ]
    return Content(
        "Cost to close the adjusted gap",
        "Annual pay · the lower paid who are furthest below the pay of the other group for the same level, "
        f"department and tenure are raised until the gap is 0 · end of {view.year} · {view.label}",
        pd.DataFrame(rows, columns=["raised", "by", "name", "people", "cost"]).assign(
            simulation_year=view.year
        ),
        (
            html.TableColumn("raised", "Compared", str, is_text=True),
            html.TableColumn("by", "By", str, is_text=True),
            html.TableColumn("name", "Level or department", str, is_text=True),
            html.TableColumn("people", "People", count),
            html.TableColumn("cost", "Cost, $ a year", money),
        ),
        f"equity_cost_{view.scenario}_{view.year}.csv",
        lead=html.notice(" ".join(_closing_text(report, group) for group in report.groups)),
    )


def _closing_text(report: EquityReport, group: ComparedGroup) -> str:
    found = group.closing
    name = f"{group.group} against {report.reference}"
    if found is None:
        return f"{name}: the adjusted gap cannot be measured: {group.regression.why}."
    if found["reason"]:
        return f"{name}: the cost is not shown: {found['reason']}."
    return (
        f"{name}: {count(found['people'])} people of {found['raises'] or 'neither group'} would be raised, "
        f"for {money_short(found['cost'])} a year, {percent(found['share_of_payroll'], 2)} of payroll; mean "
        f"raise {percent(found['mean_increase_rate'])}."
    )


def by_year(view: ResultsView, frame: pd.DataFrame, name: str, title: str) -> Content:
    """Return one gap by year, a line per group; the reference is zero."""
    reference = _reference(frame)
    groups = [group for group in dict.fromkeys(frame["group"]) if group != reference]
    years = sorted(set(frame["simulation_year"]))
    places = [view.place(year) for year in years]
    series = []
    for place, group in enumerate(sorted(groups)):
        of_group = frame[frame["group"] == group].set_index("simulation_year")[name].reindex(years)
        hover = [
            f"{group}, {where}: {percent(value, 2)}" for where, value in zip(places, of_group, strict=True)
        ]
        series.append(Series(group, list(of_group), hover, PALETTE[place % len(PALETTE)]))
    figure = lines(places, series, y_format=".1%", y_title="", legend=True)
    with_reference(figure, f"{str(reference)[:10]} = 0", 0.0)
    reasons = frame["adjusted_gap_reason"].map(lambda code: "" if pd.isna(code) else reason_text(code))
    return Content(
        f"{title} by year",
        f"Mean log pay below that of {reference}, % · {places[0]}–{places[-1]} · {WHOLE} · {view.label}",
        frame[["simulation_year", "attribute", "group", "headcount", "mean_base_pay", name]].assign(
            reason=reasons
        ),
        (
            html.TableColumn("simulation_year", "End of", view.place),
            html.TableColumn("group", "Group", str, is_text=True),
            html.TableColumn("headcount", "People", count),
            html.TableColumn("mean_base_pay", "Mean base pay, $", money),
            html.TableColumn(name, title, lambda v: percent(v, 2)),
            html.TableColumn("reason", "Why not measured", str, is_text=True),
        ),
        f"{name}_{view.scenario}.csv",
        figure,
        chosen=view.year,
    )


def _reference(frame: pd.DataFrame) -> str:
    """Return the group that the others are compared with; by name where no row says it."""
    marked = frame[frame["adjusted_gap_reason"] == "reference"]["group"]
    census = frame[frame["simulation_year"] == CENSUS_YEAR]["group"]
    return str(next(iter([*marked, *census, *frame["group"]])))
