"""Tabs beside the levers: the levers by year, assumptions, presets, and files of values."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError, PlanWiseError
from planwise.formatting import count, counted, money, percent, points, shortened
from planwise.parameters import (
    EffectiveParameters,
    Value,
    canonical_overrides,
    check_overrides,
    validate,
)
from planwise.parameters.presets import Preset, presets
from planwise.parameters.values import Key
from ui.components import html
from ui.components.differences import LeverDifference, difference_table, differences, finding_list
from ui.components.downloads import FileButton, to_csv, to_excel
from ui.components.page import on_page
from ui.draft import Draft, effective_of
from ui.pages.plan.editor import SMALL, Details, EditorChoice, EditorMessages, GridPane
from ui.pages.plan.live_figures import LivePreview
from ui.pages.plan.sheet import assumption_sheet, lever_sheet, order_of, same_in_all_years, unlocked
from ui.pages.plan.tiles import SPENT_RATE, budget_in_force, left_of
from ui.session import Session
from ui.values.parameter_text import full_label, risk_in

ROWS_MAX = 5000
BYTES_MAX = 1_000_000
NEEDED = ("parameter", "value")
EVERY_YEAR = frozenset({"", "all", "all years", "nan"})
FIRST_ASSUMPTION = "headcount_growth"
ERRORS_SHOWN = 50
FLEX = {"display": "flex", "flex-wrap": "wrap", "gap": "12px 24px", "align-items": "center"}
STACK: dict[str, Any] = {"sizing_mode": "stretch_width", "styles": {"gap": "12px"}}
ABOUT_UPLOAD = (
    "Columns <code>parameter</code>, <code>year</code> (empty: all years), <code>value</code> "
    "(0.035 or 3.5%). "
    "Other columns are ignored, so a file that was downloaded here can be edited and uploaded. "
    "If one row is wrong, nothing is changed."
)


class ByYear:
    """The grid of all levers by year, and the details of the chosen one below."""

    def __init__(self, session: Session, choice: EditorChoice, preview: LivePreview) -> None:
        self.grid = GridPane(session, choice, lambda: lever_sheet(session.draft), heading="Lever")
        self.details = Details(session, choice, EditorMessages(session, choice, preview))
        self.layout = pn.Column(self.grid.layout, self.details.layout, **STACK)

    def refresh(self) -> None:
        """Show the draft."""
        self.grid.refresh()
        self.details.refresh()


class Assumptions:
    """A search field, the grid of the assumptions found, and the details of the chosen one below."""

    def __init__(self, session: Session, preview: LivePreview) -> None:
        self._session = session
        self.choice = EditorChoice(session, FIRST_ASSUMPTION)
        self._search = pmui.TextInput(
            label="Search assumptions",
            placeholder="turnover, date, multiplier …",
            size="small",
            width=260,
            margin=0,
        )
        self._search.param.watch(lambda _: self._find(), "value_input")
        self._edited = pmui.Checkbox(label="Changed only", size="small", margin=0)
        self._edited.param.watch(lambda _: self._find(), "value")
        self._count = html.pane("", sizing_mode=None, width=220, align="center")
        self.grid = GridPane(session, self.choice, self._make, heading="Assumption")
        self.details = Details(session, self.choice, EditorMessages(session, self.choice, preview))
        top = pn.Row(self._search, self._edited, self._count, styles=FLEX)
        self.layout = pn.Column(top, self.grid.layout, self.details.layout, **STACK)

    def refresh(self) -> None:
        """Show the draft."""
        self.choice.drop_years_outside(self._session.draft.effective.years)
        self._find()
        self.details.refresh()

    def _make(self) -> dict[str, Any]:
        return assumption_sheet(
            self._session.draft, self._search.value_input or "", edited=self._edited.value
        )

    def _find(self) -> None:
        self.grid.refresh()
        shown = len(order_of(self.grid.layout.sheet))
        every = len(self._session.draft.base.declared.assumptions)
        text = f"{shown} of {every} assumptions" if shown else "No assumption has these words."
        self._count.object = f'<p class="card-subtitle" role="status">{text}</p>'


class Presets:
    """A choice of presets, and what the chosen one would set and warn of before it is applied."""

    def __init__(self, session: Session, choice: EditorChoice) -> None:
        self._session = session
        self._choice = choice
        self._by_name = {preset.name: preset for preset in presets()}
        self._list = pmui.RadioBoxGroup(
            label="Preset",
            options={preset.label: preset.name for preset in presets()},
            value=presets()[0].name,
        )
        self._list.param.watch(lambda _: self.refresh(), "value")
        self._title = html.pane("")
        self._what = html.pane("")
        self._budget = html.pane("")
        self._apply = pmui.Button(label="Apply preset", variant="contained", size="small", margin=0)
        self._apply.on_click(lambda _: self.apply())
        self.layout = pn.Column(self._list, self._title, self._budget, self._apply, self._what, **STACK)

    @property
    def _preset(self) -> Preset:
        return self._by_name[self._list.value]

    def refresh(self) -> None:
        """Show what the chosen preset would do to the draft."""
        draft, preset = self._session.draft, self._preset
        titles = {one.title(draft.effective): one.name for one in presets()}
        if titles != self._list.options:
            self._list.param.update(options=titles, value=preset.name)
        changes, skipped = unlocked(preset.changes(draft.effective), draft.locks)
        title, levers = preset.title(draft.effective), draft.effective.declared.levers
        try:
            after = effective_of(draft.effective, changes)
        except InputError as error:
            self._title.object = html.card_heading(title, preset.description)
            self._apply.disabled = True
            self._budget.object = ""
            self._what.object = html.notice(error.what, error.remedy or "", "bad")
            return
        self._title.object = html.card_heading(title, f"{preset.description} Source: {preset.source}.")
        self._simulate(after)
        rows = differences(draft.effective, after)
        locked = ", ".join(full_label(levers[name]) for name in skipped)
        self._apply.disabled = not rows or not self._session.can_edit
        self._what.object = (
            (html.notice(f"Locked, so not changed: {locked}.", tone="warn") if locked else "")
            + (
                difference_table(rows, f"What {title} sets")
                if rows
                else html.notice("No changes: the draft already has these values.")
            )
            + '<h3 class="card-title" style="margin:12px 0 6px">Warnings after applying it</h3>'
            + finding_list(validate(after))
        )

    def _simulate(self, after: EffectiveParameters) -> None:
        """Show the increase budget of the first planned year, simulated on the people of the open census."""
        self._budget.object = '<p class="card-subtitle" role="status">Simulating its increase budget …</p>'
        pn.state.execute(partial(self._find_budget, after))

    async def _find_budget(self, after: EffectiveParameters) -> None:
        draft, previews = self._session.draft, self._session.previews
        try:
            answer = previews and await previews.kpis(draft.scenario, after, purpose="preset")
        except PlanWiseError as error:
            on_page(partial(setattr, self._budget, "object", html.error_notice(error)))
            return
        if not answer:
            return
        year, kpi = after.years[0], answer.kpis[0]
        rate, cost = percent(kpi["increase_rate"], 2), money(kpi["increase_cost"])
        text = f"Increase budget {year}: {rate}, {cost} a year"
        budget = budget_in_force(self._session.selection.budget, after)
        if budget is not None and (left := left_of(budget, kpi)) is not None:
            side = "over" if left[0] < 0 else "left of"
            size = f"{points(abs(left[0]), sign=False)} ({money(abs(left[1]))})"
            is_spent = abs(left[0]) < SPENT_RATE
            text += f"; {budget.owner}, to the point" if is_spent else f"; {size} {side} {budget.owner}"
        shown = f'<p class="strong" role="status">{escape(text)}.</p>'
        on_page(partial(setattr, self._budget, "object", shown))

    def apply(self) -> None:
        """Put the chosen preset on the draft; locked levers stay."""
        draft, preset = self._session.draft, self._preset
        changes, _ = unlocked(preset.changes(draft.effective), draft.locks)
        title = preset.title(draft.effective)
        if self._choice.change(lambda: changes):
            self._session.notify(f"{title} applied to the draft; Undo reverts it.", tone="success")


class Files:
    """Downloads made when they are pressed, and an upload that lists its errors row by row."""

    def __init__(self, session: Session, choice: EditorChoice) -> None:
        self._session = session
        self._choice = choice
        self._csv = FileButton(callback=self._as_csv, label="Download as CSV", **SMALL)
        self._xlsx = FileButton(callback=self._as_xlsx, label="Download as Excel", **SMALL)
        self._upload = pmui.FileInput(
            label="Upload CSV",
            uploaded_label="Upload another CSV",
            accept=".csv,text/csv",
            max_file_size=BYTES_MAX,
            multiple=False,
            **SMALL,
        )
        self._upload.param.watch(self._uploaded, "value")
        self._outcome = html.pane("")
        self.layout = pn.Column(
            html.pane(
                html.card_heading(
                    "All parameters as a file", "Levers and assumptions: value, base, tier, risk"
                )
            ),
            pn.Row(self._csv, self._xlsx, styles={"gap": "8px"}),
            html.pane(
                html.card_heading("Values from a file", "") + f'<p class="card-subtitle">{ABOUT_UPLOAD}</p>',
                styles={"margin-top": "12px"},
            ),
            self._upload,
            self._outcome,
            sizing_mode="stretch_width",
            styles={"gap": "12px"},
        )

    def refresh(self) -> None:
        """Name the files after the scenario, and let only editors upload."""
        stem = f"parameters_{self._session.draft.scenario}" + (
            "" if self._session.draft.is_empty else "_edited"
        )
        self._csv.filename, self._xlsx.filename = f"{stem}.csv", f"{stem}.xlsx"
        self._upload.disabled = not self._session.can_edit

    def _as_csv(self) -> Any:
        return to_csv(parameter_table(self._session.draft))

    def _as_xlsx(self) -> Any:
        draft = self._session.draft
        table = parameter_table(draft)
        about = pd.DataFrame(
            {
                "about": ["scenario", "unsaved edits", "years", "made at"],
                "value": [
                    draft.scenario,
                    count(len(draft.changes)),
                    f"{draft.effective.years[0]}-{draft.effective.years[-1]}",
                    f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
                ],
            }
        )
        return to_excel({"Parameters": table, "Edits": table[table["changed"]], "About": about})

    def _uploaded(self, event: Any) -> None:
        if not event.new:
            return
        name, draft = str(self._upload.filename or "the file"), self._session.draft
        self._upload.param.update(value=None, filename=None)
        try:
            changes, errors = read_changes(event.new, draft.effective)
            if errors:
                self._outcome.object = _errors(name, errors)
                return
            before = draft.effective
            rows = differences(before, effective_of(before, changes))
            draft.update(changes)
        except InputError as error:
            self._outcome.object = html.notice(f"{shortened(name)}: {error.what}", error.remedy or "", "bad")
            return
        self._outcome.object = _applied(name, len(changes), rows)


@dataclass(frozen=True)
class RowError:
    """An error in one row of a file; `row` counts as a spreadsheet does: the header is row 1."""

    row: int
    text: str
    what: str
    remedy: str


def parameter_table(draft: Draft) -> pd.DataFrame:
    """Return every parameter with value, base value, tier and risk: a row a parameter, by year if it differs.

    `year` is empty where a value holds for all years. Values are as the files and the command line have them:
    0.035 is 3.5%.
    """
    declared = draft.effective.declared
    rows: list[dict[str, Any]] = []
    for name, parameter in declared.parameters.items():
        alike = all(same_in_all_years(of, name) for of in (draft.effective, draft.current))
        for year in (None,) if alike else draft.effective.years:
            one_year = draft.effective.years[0] if year is None else year
            value, base = (of.value(name, one_year) for of in (draft.effective, draft.current))
            rows.append(
                {
                    "parameter": name,
                    "year": year,
                    "value": value,
                    "base_value": base,
                    "changed": value != base,
                    "tier": "draft" if value != base else draft.current.tier(name, one_year),
                    "risk": risk_in(parameter, value) or None,
                    "kind": declared.kind(name),
                    "label": full_label(parameter),
                    "unit": parameter.unit.value,
                    "lower_bound": parameter.bounds[0] if parameter.bounds else None,
                    "upper_bound": parameter.bounds[1] if parameter.bounds else None,
                    "default": parameter.default,
                    "source": parameter.source,
                }
            )
    frame = pd.DataFrame(rows, dtype=object)
    return frame.astype({"year": "Int64", "changed": bool})


def read_changes(
    content: bytes, effective: EffectiveParameters
) -> tuple[dict[str, Value], tuple[RowError, ...]]:
    """Return the changes that a CSV file (parameter, year, value) has, and the errors of its rows.

    Other columns are ignored, so that a downloaded table can be edited and uploaded. Values are canonical
    (0.035) or in percent with the sign (3.5%). Raises InputError for a file that is no such table.
    """
    errors: list[RowError] = []
    found: dict[str, Value] = {}
    places: dict[str, int] = {}
    for at, row in _rows(content):
        text = f"{row['parameter']} {row.get('year', '')}".strip()
        try:
            key, value = _change(row, effective)
            if key in found:
                raise InputError(
                    f"{key} is in row {places[key]} already.", remedy="Keep one of the two rows."
                )
            found[key], places[key] = value, at
        except InputError as error:
            errors.append(RowError(at, text, error.what, error.remedy or ""))
    return ({} if errors else found), tuple(errors)


def _change(row: Mapping[str, str], effective: EffectiveParameters) -> tuple[str, Value]:
    year = _plain(row.get("year", "")).lower().removesuffix(".0")
    if year not in EVERY_YEAR and not (year.isascii() and year.isdecimal() and len(year) == 4):
        raise InputError(
            f"{year!r} is not a year.", remedy="Write a year such as 2028, or nothing for all years."
        )
    key = Key(_plain(row["parameter"]), None if year in EVERY_YEAR else int(year))
    value = canonical_overrides({str(key): _plain(row["value"])}, declared=effective.declared)
    (checked,) = check_overrides(value, years=effective.years, declared=effective.declared).items()
    return checked


def _rows(content: bytes) -> list[tuple[int, dict[str, str]]]:
    if len(content) > BYTES_MAX:
        raise InputError(
            "The file is larger than 1 MB.", remedy="Keep the columns parameter, year and value."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("The file is not UTF-8 text.", remedy="Save it as CSV (UTF-8).") from None
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ",")
    try:
        lines = list(reader)
    except csv.Error as error:
        raise InputError(f"The file is not CSV: {error}.", remedy="Save it as CSV (UTF-8).") from None
    names = [name.strip().lower() for name in lines[0]] if lines else []
    if missing := [name for name in NEEDED if name not in names]:
        raise InputError(
            f"The file has no column {' and no column '.join(missing)}.",
            remedy="Its first row names the columns: parameter, year, value.",
        )
    if len(lines) > ROWS_MAX:
        raise InputError(f"The file has more than {ROWS_MAX:,} rows.", remedy="Keep the rows to be changed.")
    rows = [
        (at, dict(zip(names, [*line, *[""] * len(names)], strict=False)))
        for at, line in enumerate(lines[1:], start=2)
        if any(text.strip() for text in line)
    ]
    if not rows:
        raise InputError("The file has no rows.", remedy="Add a row: cola_rate, 2028, 0.03.")
    return rows


def _plain(text: str) -> str:
    """Return a cell without the quote that keeps a spreadsheet from reading it as a formula."""
    return text.strip().removeprefix("'").strip()


def _errors(name: str, errors: tuple[RowError, ...]) -> str:
    columns = (
        html.TableColumn("row", "Row"),
        html.TableColumn("text", "Parameter", shortened, is_text=True),
        html.TableColumn("what", "Error", is_text=True),
        html.TableColumn("remedy", "What to do", is_text=True),
    )
    more = f"; the first {ERRORS_SHOWN} are shown" if len(errors) > ERRORS_SHOWN else ""
    summary = html.notice(
        f"{shortened(name)}: {counted(len(errors), 'bad row')}{more}. Nothing was changed.",
        "Correct the rows below and upload the file again.",
        "bad",
    )
    frame = pd.DataFrame([vars(error) for error in errors[:ERRORS_SHOWN]])
    return summary + html.table(frame, columns, "Rows with errors")


def _applied(name: str, read: int, rows: tuple[LeverDifference, ...]) -> str:
    summary = (
        f"{shortened(name)}: {counted(read, 'value')} read, {counted(len(rows), 'change')} to the draft."
    )
    if not rows:
        return html.notice(summary, "The draft already had these values.")
    return html.notice(summary, "Undo reverts them.") + difference_table(rows, "Changes from the file")
