"""Bring in one payroll file: upload, check, state what was read wrongly, import."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.jobs import Job, JobKind, State
from ui.components import html
from ui.components.card import FRAME
from ui.components.downloads import Download, FilePicker
from ui.components.job_panel import JobPanel
from ui.components.page import PARTS, STACK, Debounced, UpdateGuard, show
from ui.pages.census import file_report
from ui.pages.census.file_form import FileForm
from ui.session import Session

LIMIT_MB = 512
HINT = (
    f"CSV, Excel or Parquet, also .gz, up to {LIMIT_MB} MB; it stays on this server and is removed afterwards"
)
ACCEPT = ".csv,.tsv,.txt,.xlsx,.xls,.xlsm,.xlsb,.ods,.parquet,.gz"
PAUSE_SECONDS = 0.6  # without another change, before the file is checked again
SMALL: dict[str, Any] = {"size": "small", "margin": 0}
ROW: dict[str, Any] = {"styles": {"gap": "10px", "flex-wrap": "wrap", "align-items": "center"}, "margin": 0}
BELOW = "“Rejected rows (CSV)” below"
CHECKING = '<p class="quiet" role="status">Checking the file…</p>'


class FileImport:
    """One file at a time. What is stated about it stays until another file is chosen or it is imported."""

    def __init__(self, session: Session, on_imported: Callable[[Job], None]) -> None:
        self._session = session
        self._on_imported = on_imported
        self._filling = UpdateGuard()
        self._upload: Any = None
        self._found: dict[str, Any] = {}
        self._stale = False  # statements that no check has seen
        self._picker = FilePicker(
            session.actions.censuses.upload, self._arrived, self._failed, hint=HINT, accept=ACCEPT
        )
        self._trouble = html.pane("", visible=False)
        self.start = pmui.Paper(
            pn.Column(
                html.pane(
                    html.card_heading("Bring in your people", "A payroll or HR export, a row an employee")
                ),
                self._picker,
                self._trouble,
                **PARTS,
            ),
            **FRAME,
        )
        self._form = FileForm(session, self._changed)
        self._check = Debounced(self._check_file, PAUSE_SECONDS)
        self._checking = JobPanel(session, self._checked)
        self._panel = JobPanel(session, self._ended)
        self._title = html.pane("")
        self._problem = html.pane("")
        self._status = html.pane("")
        self._counts = html.pane("")
        self._reasons = html.pane("", styles={"--table-height": "260px"})
        self._notes = html.pane("")
        self._sample = html.pane("", styles={"--table-height": "300px"})
        self._kept = pmui.Button(label="Use the saved mapping", variant="outlined", **SMALL)
        self._kept.on_click(lambda _: self._form.take(self._found["kept"]["mapping"]))
        self._rejects = Download(
            self._rejected_rows,
            session.notify_error,
            label="Rejected rows (CSV)",
            busy="Reading…",
            is_recorded=False,
            **SMALL,
        )
        self._name = pmui.TextInput(
            label="Name of the census", size="small", width=240, margin=0, helper_text="a-z, 0-9 and _"
        )
        self._name.param.watch(lambda _: self._draw(), "value")
        self._use = pmui.Button(label="Use this census", variant="contained", color="primary", margin=0)
        self._use.on_click(self._import)
        self._drop = pmui.Button(label="Discard the file", variant="text", **SMALL)
        self._drop.on_click(lambda _: self.discard())
        self._findings = _card("What is found", self._counts, self._reasons, self._rejects)
        self._warnings = _card("Please check", self._notes)
        self._people = _card("The first people, as they would be stored", self._sample)
        self._head = pmui.Paper(
            pn.Column(
                self._title,
                self._problem,
                pn.Row(self._name, self._form.as_of, self._use, self._kept, self._drop, **ROW),
                self._status,
                **PARTS,
            ),
            **FRAME,
        )
        self._progress = pmui.Paper(self._panel.layout, **FRAME)
        self.layout = pn.Column(**STACK)
        session.on_end(self._leave)
        self._draw()

    @property
    def has_file(self) -> bool:
        """Whether a file is being looked at."""
        return self._upload is not None

    def refresh(self) -> None:
        """Let only those who may edit bring in a file."""
        may = self._session.can_edit
        self._picker.param.update(
            disabled=not may,
            lead="Choose a file, or drop it here"
            if not self.has_file
            else "Choose another file, or drop it here",
            hint=HINT if may else "Your role cannot import a census; ask an analyst or an admin",
        )

    def discard(self) -> None:
        """Remove the file."""
        self._cancel_jobs()
        if self._upload is not None:
            self._upload.discard()
        self._upload, self._found = None, {}
        self._panel.show(None)
        self._checking.show(None)
        self._form.reset()
        self._draw()
        self.refresh()

    def _arrived(self, upload: Any) -> None:
        if self._upload is not None:
            self.discard()
        self._upload = upload
        self._trouble.visible = False
        self._name.value = self._session.actions.censuses.free_name(upload.name)
        self._form.reset()
        self._changed()
        self.refresh()

    def _failed(self, error: PlanWiseError) -> None:
        self._trouble.param.update(object=html.error_notice(error), visible=True)

    def _changed(self) -> None:
        """Check the file with what is stated now."""
        self._stale = True
        self._draw()
        self._check.ask()

    async def _check_file(self, is_current: Callable[[], bool]) -> None:
        upload, session = self._upload, self._session
        if upload is None:
            return
        self._cancel(self._checking)
        request = self._request()
        try:
            job = await session.offload(
                lambda: session.actions.jobs.start(JobKind.CHECK.value, request, title=f"Check {upload.name}")
            )
        except PlanWiseError as error:
            self._status.object = html.error_notice(error, "warn")
            return
        if is_current() and upload is self._upload:
            self._stale = False
            self._checking.watch(job.id)
            self._draw()

    def _request(self) -> dict[str, Any]:
        name = str(self._name.value or "").strip()
        return {"file": str(self._upload.file), "mapping": dict(self._form.stated), "name": name or None}

    def _checked(self, job: Job) -> None:
        if self._upload is None or self._stale:
            return
        self._checking.show(None)
        if job.state is State.DONE:
            self._found = self._session.actions.censuses.found(self._upload)
            self._problem.object = _problem(self._found)
            self._form.show(self._found)
        elif job.error is not None:
            self._problem.object = html.notice(job.error.what, job.error.remedy, "bad")
        self._draw()

    async def _import(self, *_: Any) -> None:
        session, upload = self._session, self._upload
        self._use.disabled = True
        request = self._request()
        try:
            job = await session.offload(
                lambda: session.actions.jobs.start(
                    JobKind.IMPORT.value, request, title=f"Import {upload.name}"
                )
            )
        except PlanWiseError as error:
            self._problem.object = html.error_notice(error)
        else:
            self._panel.watch(job.id)
        self._draw()

    def _ended(self, job: Job) -> None:
        if job.state is State.DONE:
            self.discard()
            self._on_imported(job)
            return
        if job.error is not None:
            self._problem.object = _notice(job.error.what, job.error.remedy, job.result)
        self._draw()

    async def _rejected_rows(self) -> bytes:
        self._rejects.filename = f"rejects_{self._name.value}.csv"
        return await self._session.offload(self._session.actions.censuses.rejects, self._upload)

    def _cancel_jobs(self) -> None:
        for panel in (self._checking, self._panel):
            self._cancel(panel)

    def _cancel(self, panel: JobPanel) -> None:
        if panel.job is not None and not panel.job.ended:
            self._session.actions.jobs.cancel(panel.job.id)
            panel.show(None)

    def _leave(self) -> None:
        """Remove the file with the session; one that is being imported is left to its job."""
        self._cancel(self._checking)
        importing = self._panel.job is not None and not self._panel.job.ended
        self._picker.stop()
        if self._upload is not None and not importing:
            self._upload.discard()

    def _draw(self) -> None:
        """Show the parts that there is something for."""
        upload, found = self._upload, self._found
        if upload is None:
            show(self.layout)
            return
        report = found.get("report")
        importing = self._panel.job is not None and not self._panel.job.ended
        checking = self._stale or self._checking.job is not None
        usable = bool(report) and found.get("problem") is None
        self._title.object = html.card_heading(upload.name, file_report.file_facts(found))
        self._status.object = CHECKING if checking else ""
        replaces = str(self._name.value) in self._session.store.censuses.names()
        self._name.helper_text = "Replaces the census of this name" if replaces else "a-z, 0-9 and _"
        self._drop.disabled = importing
        self._use.disabled = importing or checking or not usable or not self._session.can_edit
        kept = found.get("kept")
        self._kept.param.update(
            visible=bool(kept) and not self._form.stated,
            label=f"Use the mapping saved with {kept['name']}" if kept else "",
        )
        parts: list[Any] = [self._head]
        if self._panel.job is not None:
            parts.append(self._progress)
        if report:
            self._counts.object = file_report.counts(report)
            self._reasons.object = file_report.reasons(report)
            self._notes.object = file_report.warnings(report)
            may = bool(report["rows_rejected"]) and self._session.can_see_individual_pay
            self._rejects.visible = may
            parts += [self._findings, self._warnings]
        if found.get("headers"):
            parts.append(self._form.columns)
        if found or not checking:
            parts.append(self._form.options)
        if report:
            parts.append(self._form.levels)
        if found.get("sample"):
            self._sample.object = file_report.sample(found["sample"])
            parts.append(self._people)
        show(self.layout, *parts)


def _card(title: str, *parts: Any) -> Any:
    heading = html.pane(f'<h2 class="card-title">{escape(title)}</h2>')
    return pmui.Paper(pn.Column(heading, *parts, **PARTS), **FRAME)


def _problem(found: dict[str, Any]) -> str:
    problem = found.get("problem")
    return _notice(problem["what"], problem["remedy"], found.get("report")) if problem else ""


def _notice(what: str, remedy: str, report: Mapping[str, Any] | None) -> str:
    """Return the notice of an error; the file of rejected rows is the one that the page offers."""
    file = str((report or {}).get("rejects_file") or "")
    return html.notice(what, remedy.replace(file, BELOW) if file else remedy, "bad")
