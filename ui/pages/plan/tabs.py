"""Tabs beside the levers: the levers by year, assumptions, presets, and files of values."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from planwise.formatting import count, shortened
from planwise.parameters import validate
from planwise.parameters.presets import Preset, presets
from ui.components import html
from ui.components.differences import LeverDifference, counted, difference_table, differences, finding_list
from ui.components.downloads import FileButton, to_csv, to_excel
from ui.draft import effective_of
from ui.pages.plan.editor import SMALL, Details, EditorChoice, EditorMessages, GridPane
from ui.pages.plan.live_figures import LivePreview
from ui.pages.plan.parameter_file import BYTES_MAX, RowError, parameter_table, read_changes
from ui.pages.plan.sheet import assumption_sheet, lever_sheet, order_of, unlocked
from ui.session import Session
from ui.values.parameter_text import full_label

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
        self._apply = pmui.Button(label="Apply preset", variant="contained", size="small", margin=0)
        self._apply.on_click(lambda _: self.apply())
        self.layout = pn.Column(self._list, self._title, self._apply, self._what, **STACK)

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
        self._title.object = html.card_heading(title, preset.description)
        try:
            after = effective_of(draft.effective, changes)
        except InputError as error:
            self._apply.disabled = True
            self._what.object = html.notice(error.what, error.remedy or "", "bad")
            return
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
