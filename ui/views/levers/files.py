"""The parameter table as CSV and Excel, and a CSV of values back: all of its rows, or none."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from ui.components import html
from ui.components.file_button import FileButton
from ui.exports.csv import to_csv
from ui.exports.excel import to_excel
from ui.session import Session
from ui.values.edits import effective_of
from ui.values.formatting import count, shortened
from ui.views.levers.choice import Choice
from ui.views.levers.differences import Difference, counted, difference_table, differences
from ui.views.levers.table import BYTES_MAX, RowError, parameter_table, read_changes

SMALL: dict[str, Any] = {"variant": "outlined", "size": "small", "margin": 0}
WHAT = "Levers and assumptions with value, base value, tier and risk"
SHOWN = 50  # errors
ABOUT = (
    "Columns <code>parameter</code>, <code>year</code> (empty: all years), <code>value</code> "
    "(0.035 or 3.5%). "
    "Other columns are passed over, so the file that is downloaded here can be edited and given back. "
    "When one row is wrong, nothing is changed."
)


class Files:
    """Downloads made when asked for, and an upload that says row by row what is wrong."""

    def __init__(self, session: Session, choice: Choice) -> None:
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
                html.card_heading("Values from a file", "") + f'<p class="card-subtitle">{ABOUT}</p>',
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
        self._upload.disabled = not self._session.may_edit

    def _as_csv(self) -> Any:
        return to_csv(parameter_table(self._session.draft))

    def _as_xlsx(self) -> Any:
        draft = self._session.draft
        table = parameter_table(draft)
        about = pd.DataFrame(
            {
                "about": ["scenario", "edits not saved", "years", "made at"],
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
        html.Column("row", "Row"),
        html.Column("text", "Parameter", shortened, is_text=True),
        html.Column("what", "What", is_text=True),
        html.Column("remedy", "What to do", is_text=True),
    )
    more = f"; the first {SHOWN} are shown" if len(errors) > SHOWN else ""
    told = html.notice(
        f"{shortened(name)}: {counted(len(errors), 'bad row')}{more}. Nothing was changed.",
        "Correct what is listed and upload the file again.",
        "bad",
    )
    frame = pd.DataFrame([vars(error) for error in errors[:SHOWN]])
    return told + html.table(frame, columns, "Rows that are wrong")


def _applied(name: str, read: int, rows: tuple[Difference, ...]) -> str:
    told = f"{shortened(name)}: {counted(read, 'value')} read, {counted(len(rows), 'change')} to the draft."
    if not rows:
        return html.notice(told, "Nothing had to be changed.")
    undo = html.notice(told, "They are applied; Undo takes them back.")
    return undo + difference_table(rows, "What the file changed")
