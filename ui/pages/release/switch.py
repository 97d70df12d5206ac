"""The dialog of a release or rollback: first what would change, then the change itself."""

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.parameters import catalogue
from planwise.parameters.values import parse_key
from ui.components import html
from ui.components.html import TableColumn
from ui.components.scenario_dialogs import PLAIN, ROW, STACK, close_dialog, open_dialog
from ui.session import Session
from ui.values.parameter_text import full_label, written

LEVERS = (
    TableColumn("lever", "Lever in force", is_text=True),
    TableColumn("before", "Before"),
    TableColumn("after", "After"),
)


class SwitchDialog:
    """Shows the dry run of a release or rollback, and makes the change once it is confirmed."""

    def __init__(self, session: Session, done: Callable[[], None]) -> None:
        self._session, self._done = session, done
        self._make: Callable[..., Any] | None = None
        self._shown = html.pane("")
        self._act = pmui.Button(label="Release", variant="contained", size="small", on_click=self._acted)
        cancel = pmui.Button(label="Cancel", variant="text", size="small")
        cancel.on_click(lambda _: close_dialog(self.dialog))
        self.dialog = pmui.Dialog(
            pn.Column(self._shown, pn.Row(cancel, self._act, **ROW), **STACK),
            title_variant="h6",
            width_option="sm",
            sx=PLAIN,
            close_on_click=True,
        )
        self.layout = pn.Column(margin=0)

    def release(self, proposal: int, scenario: str) -> None:
        """Show what the release of a proposal would change, and ask."""
        make = partial(self._session.actions.releases.release, proposal)
        self._ask(f"Release proposal {proposal}: {scenario}", "Release", "primary", make)

    def rollback(self, checkpoint: str) -> None:
        """Show what a rollback would change, and ask."""
        make = partial(self._session.actions.releases.rollback, checkpoint)
        self._ask(f"Roll back to {checkpoint}", "Roll back", "error", make)

    def _ask(self, title: str, act: str, color: str, make: Callable[..., Any]) -> None:
        self._make = make
        self._session.notify(f"{title}: finding out what would change …")
        pn.state.execute(partial(self._dry_run, title, act, color, make))

    async def _dry_run(self, title: str, act: str, color: str, make: Callable[..., Any]) -> None:
        """Open the dialog when it is filled: a button that is still drawn would miss that it is enabled."""
        try:
            report = await self._session.offload(make, apply=False)
            found, refused = report_html(report), False
        except PlanWiseError as error:
            found, refused = html.error_notice(error), True
        if make is self._make:
            self.dialog.title = title
            self._act.param.update(label=act, color=color, disabled=refused)
            self._shown.object = found
            open_dialog(self.layout, self.dialog)

    async def _acted(self, *_: Any) -> None:
        make = self._make
        assert make is not None
        self._act.param.update(loading=True, disabled=True)
        try:
            report = await self._session.offload(make, apply=True)
        except PlanWiseError as error:
            self._shown.object = html.error_notice(error)
            return
        finally:
            self._act.loading = False
        close_dialog(self.dialog)
        text = f"{report.change.scenario} is in force ({report.status}). Kept before it: {report.checkpoint}."
        self._session.notify(text, tone="success")
        self._done()


def report_html(report: Any) -> str:
    """Return what a change would do: levers, results, the checkpoint that is made."""
    change = report.change
    rows = [
        {
            "lever": lever_label(row["lever"]),
            **{side: lever_value(row["lever"], row[side]) for side in ("before", "after")},
        }
        for row in change.lever_changes()
    ]
    levers = html.table(pd.DataFrame(rows), LEVERS, "Levers in force") if rows else ""
    nothing = "" if rows else '<p class="quiet">No lever in force changes.</p>'
    facts = {
        "Now in force": f"{change.scenario_before} ({change.fingerprint_before[:12]})",
        "Then in force": f"{change.scenario} ({change.fingerprint[:12]})",
        "Checkpoint": f"{report.checkpoint} keeps what is in force now",
        "Models": f"0 run, {report.models_reused} reused",
    }
    recovered = f'<p class="quiet">{escape(report.recovered)}</p>' if report.recovered else ""
    return f"{recovered}{html.facts(facts)}{levers}{nothing}"


def lever_label(key: str) -> str:
    """Return a lever's label, with the year where it is set for one."""
    found = parse_key(key)
    label = full_label(catalogue().levers[found.name])
    return label if found.year is None else f"{label}, {found.year}"


def lever_value(key: str, value: Any) -> str:
    """Return a lever's value with its unit; None is the default."""
    return "default" if value is None else written(catalogue().levers[parse_key(key).name], value)
