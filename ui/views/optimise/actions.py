"""What can be done with a study: resume, ask again, take its report and its trials away."""

from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.jobs import Job
from ui.components import html
from ui.components.download import Download
from ui.components.file_button import FileButton
from ui.components.layout import on_page
from ui.exports.csv import to_csv
from ui.session import Session
from ui.values.searches import Search
from ui.views.optimise.number_field import NumberField

SMALL: dict[str, Any] = {"size": "small", "margin": 0, "variant": "outlined"}
HTML, MARKDOWN = ".html", ".md"


class StudyActions:
    """Buttons of the study that is shown; `on_start` is told of the job that resumes it."""

    def __init__(
        self, session: Session, ask_again: Callable[[Search], None], on_start: Callable[[Job], None]
    ) -> None:
        self._session, self._on_start = session, on_start
        self._search: Search | None = None
        self._resume = pmui.Button(label="Resume", icon="play_arrow", **SMALL)
        self._resume.on_click(self._start_again)
        self._further = NumberField("Trials in all", lambda: None, blank="as asked", whole=True, width=140)
        again = pmui.Button(label="Ask again …", icon="edit", **SMALL)
        again.on_click(lambda _: ask_again(self._search) if self._search is not None else None)
        self._reports = {
            suffix: self._report_button(suffix, label)
            for suffix, label in ((HTML, "Report (HTML)"), (MARKDOWN, "Report (Markdown)"))
        }
        self._csv = FileButton(
            callback=self._trials,
            filename="trials.csv",
            label="Trials (CSV)",
            description="Trials (CSV): download every trial",
            **SMALL,
        )
        self._said = html.pane("", visible=False)
        self.layout = pn.Column(
            pn.FlexBox(
                self._resume,
                self._further.widget,
                again,
                *self._reports.values(),
                self._csv,
                gap="8px",
                align_items="center",
            ),
            self._said,
            sizing_mode="stretch_width",
            margin=(8, 0, 0, 0),
        )

    def show(self, search: Search) -> None:
        """Offer what can be done with this study now."""
        if self._search is None or self._search.name != search.name:
            self._said.visible = False
            self._further.value = None
        self._search = search
        settled = bool((search.outcome or {}).get("converged")) and search.target is not None
        may = not search.is_running and not settled and search.header.request is not None
        self._resume.param.update(visible=may, disabled=not self._session.may_run)
        self._further.widget.visible = may
        for suffix, button in self._reports.items():
            button.param.update(disabled=search.outcome is None, filename=f"evidence_{search.name}{suffix}")
        self._csv.filename = f"trials_{search.name}.csv"

    async def _start_again(self, *_: Any) -> None:
        if self._search is None:
            return
        name = self._search.name
        try:
            further = self._further.value
        except PlanWiseError as error:
            on_page(partial(self._say, html.error_notice(error)))
            return
        request = {"resume": name} | ({} if further is None else {"trials": further})
        on_page(partial(self._resume.param.update, disabled=True))
        try:
            job = await self._session.offload(
                lambda: self._session.actions.jobs.start("optimize", request, title=f"Resume study {name}")
            )
        except PlanWiseError as error:
            on_page(partial(self._say, html.error_notice(error)))
        else:
            on_page(partial(self._on_start, job))
        finally:
            on_page(partial(self._resume.param.update, disabled=not self._session.may_run))

    def _report_button(self, suffix: str, label: str) -> Download:
        async def write() -> bytes:
            assert self._search is not None
            content: bytes = await self._session.offload(
                self._session.store.searches.report, self._search.name, suffix
            )
            return content

        return Download(
            write,
            lambda error: self._say(html.error_notice(error)),
            label=label,
            busy="Writing …",
            icon="description",
            **SMALL,
        )

    def _trials(self) -> Any:
        assert self._search is not None
        return to_csv(self._search.trials)

    def _say(self, text: str) -> None:
        self._said.param.update(object=text, visible=True)
