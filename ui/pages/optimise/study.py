"""One study: progress, trials, answer, and what can be done with it."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import counted, moment
from planwise.jobs import Job
from ui.components import html
from ui.components.card import FRAME
from ui.components.downloads import Download, FileButton, to_csv
from ui.components.job_panel import JobPanel
from ui.components.page import STACK, Current, Debounced, UpdateGuard, heading_row, on_page, show
from ui.pages.optimise import answer, labels
from ui.pages.optimise import trials as trial_rows
from ui.pages.optimise.charts import Charts
from ui.pages.optimise.fields import NumberField
from ui.pages.optimise.trials import TrialPanel, Trials
from ui.session import Session
from ui.values.studies import StudyTrials

SMALL: dict[str, Any] = {"size": "small", "margin": 0, "variant": "outlined"}
HTML, MARKDOWN = ".html", ".md"


class StudyActions:
    """Buttons of the study that is shown; `on_start` receives the job that resumes it."""

    def __init__(
        self, session: Session, repeat: Callable[[StudyTrials], None], on_start: Callable[[Job], None]
    ) -> None:
        self._session, self._on_start = session, on_start
        self._study: StudyTrials | None = None
        self._resume = pmui.Button(label="Resume", icon="play_arrow", **SMALL)
        self._resume.on_click(self._start_resumed)
        self._further = NumberField("Trials in total", lambda: None, blank="unchanged", whole=True, width=140)
        again = pmui.Button(label="Use as a new study …", icon="edit", **SMALL)
        again.on_click(lambda _: repeat(self._study) if self._study is not None else None)
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
        self._message = html.pane("", visible=False)
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
            self._message,
            sizing_mode="stretch_width",
            margin=(8, 0, 0, 0),
        )

    def show(self, study: StudyTrials) -> None:
        """Show the actions that this study allows now."""
        if self._study is None or self._study.name != study.name:
            self._message.visible = False
            self._further.value = None
        self._study = study
        settled = bool((study.outcome or {}).get("converged")) and study.target is not None
        may = not study.is_running and not settled and study.header.request is not None
        self._resume.param.update(visible=may, disabled=not self._session.can_run)
        self._further.widget.visible = may
        for suffix, button in self._reports.items():
            button.param.update(disabled=study.outcome is None, filename=f"evidence_{study.name}{suffix}")
        self._csv.filename = f"trials_{study.name}.csv"

    async def _start_resumed(self, *_: Any) -> None:
        if self._study is None:
            return
        name = self._study.name
        try:
            further = self._further.value
        except PlanWiseError as error:
            on_page(partial(self._show_message, html.error_notice(error)))
            return
        request = {"resume": name} | ({} if further is None else {"trials": further})
        on_page(partial(self._resume.param.update, disabled=True))
        try:
            job = await self._session.offload(
                lambda: self._session.actions.jobs.start("optimize", request, title=f"Resume study {name}")
            )
        except PlanWiseError as error:
            on_page(partial(self._show_message, html.error_notice(error)))
        else:
            on_page(partial(self._on_start, job))
        finally:
            on_page(partial(self._resume.param.update, disabled=not self._session.can_run))

    def _report_button(self, suffix: str, label: str) -> Download:
        async def write() -> bytes:
            assert self._study is not None
            content: bytes = await self._session.offload(
                self._session.store.studies.report, self._study.name, suffix
            )
            return content

        return Download(
            write,
            lambda error: self._show_message(html.error_notice(error)),
            label=label,
            busy="Writing …",
            is_recorded=False,
            icon="description",
            **SMALL,
        )

    def _trials(self) -> Any:
        assert self._study is not None
        return to_csv(self._study.trials)

    def _show_message(self, text: str) -> None:
        self._message.param.update(object=text, visible=True)


CHOOSE = "Choose a study"
EMPTY = (
    '<div class="empty"><h2>No study yet</h2>'
    "<p>A study finds the levers that meet a target, or the best trade-off of several objectives. Start "
    "one on the first tab; it is shown here while it runs.</p></div>"
)
POLL_MILLISECONDS = 1000
DETAILS_SECONDS = 5.0  # between two drawings of everything while a study runs; new trials show at once


class StudyTab:
    """Shows the selected study; its widgets are made once for all studies."""

    def __init__(self, session: Session, repeat: Callable[[StudyTrials], None]) -> None:
        self._session = session
        self._study: StudyTrials | None = None
        self._stamp: object = None
        self._filling = UpdateGuard()
        self._busy, self._active, self._details_at = False, False, 0.0
        self._starting: Job | None = None
        self._select = pmui.Select(
            label="Study", options=[], size="small", margin=0, min_width=320, width=460
        )
        self._select.param.watch(self._choose, "value")
        self._heading = html.pane("", min_width=0)
        self._progress_text = html.pane("")
        self._bar = pmui.LinearProgress(
            value=0, max=100, sizing_mode="stretch_width", visible=False, margin=0
        )
        self._notice = html.pane("", visible=False)
        self._answer = html.pane("")
        self.job = JobPanel(session, on_done=lambda _: self._soon.ask())
        self.actions = StudyActions(session, repeat, self.started)
        self.charts = Charts(on_select=self._select_trials)
        self.trials = Trials(on_open=self._open_trial, on_select=self.charts.select)
        self.trial = TrialPanel(session, on_close=lambda: self.trials.table.open(None))
        head = pmui.Paper(
            heading_row(self._heading, self._select),
            self._progress_text,
            self._bar,
            self.actions.layout,
            **FRAME,
        )
        self._empty = html.pane(EMPTY)
        self._rest = pn.Column(
            self._answer,
            self.charts.answer_layout,
            self.trials.layout,
            self.trial.layout,
            self.charts.layout,
            **STACK,
        )
        self._body = pn.Column(head, self._notice, self.job.layout, self._rest, **STACK)
        reading = html.pane('<p class="quiet" role="status">Reading the studies …</p>')
        self.layout = pn.Column(reading, **STACK)
        self._soon = Debounced(self._read)
        self._timer = session.every(POLL_MILLISECONDS, self._poll)
        self._timer.stop()

    def activate(self, active: bool) -> None:
        """Poll the study only while its tab is active."""
        if active and not self._active:
            self._timer.start()
            self._soon.ask()
        elif not active and self._active:
            self._timer.stop()
        self._active = active

    def refresh(self) -> None:
        """Read the selected study again if it has changed."""
        if self._active:
            self._soon.ask()

    def started(self, job: Job) -> None:
        """Show a job whose study does not exist yet."""
        self._starting = job
        self._stamp = None
        show(self.layout, self._body)
        self._rest.visible = False
        self._heading.object = html.card_heading("New study", "The study starts in a moment.")
        self._select.visible = False  # no study is selected
        self._progress_text.object = ""
        self._notice.visible = self._bar.visible = self.actions.layout.visible = False
        self.job.show(job.id)

    def _choose(self, event: Any) -> None:
        if not self._filling and event.new and event.new != self._session.selection.study:
            self._session.selection.study = event.new

    def _poll(self) -> None:
        """Read the study if it has changed; otherwise this takes a few `stat` calls."""
        if self._busy or not self._active:
            return
        if self._starting is not None:
            self._follow(self._starting)
            return
        name = self._session.selection.study
        if name and self._session.store.studies.stamp(name) != self._stamp:
            self._soon.ask()
        elif self._study is not None and self._study.is_running:
            self._show_progress(self._study)

    def _follow(self, job: Job) -> None:
        """Open the study of a job that was just started, once it has one."""
        try:
            now = self._session.store.jobs.get(job.id)
        except PlanWiseError:
            self._starting = None
            return
        if now.study and now.study in self._names().values():
            self._starting = None
            self._session.selection.study = now.study
            self._soon.ask()
        elif now.ended:
            self._starting = None

    def _names(self) -> Mapping[str, str]:
        """Return the studies by label, the newest first; equal labels have their names, too."""
        called, found = self._session.store.labels().of, dict[str, str]()
        for one in self._session.store.studies.list():
            text = labels.study_label(one, called)
            found[f"{text} · {one.name}" if text in found else text] = one.name
        return found

    async def _read(self, current: Current) -> None:
        if self._busy or self._starting is not None:
            return
        self._busy = True
        names: Mapping[str, str] = {}
        try:
            studies = self._session.store.studies
            names = await self._session.offload(self._names)
            if not names:
                on_page(partial(show, self.layout, self._empty))
                return
            name = self._session.selection.study or next(iter(names.values()))
            stamp = studies.stamp(name)
            study = await self._session.offload(studies.get, name)
            if not current():
                return
            self._stamp = stamp
            in_full = self._is_due(study)
            on_page(partial(self._show, study, names, in_full))
            if in_full:  # takes a second, so the rest is shown first
                found = await self._session.offload(studies.importance, study)
                on_page(partial(self.charts.show_importance, study, found))
        except PlanWiseError as error:
            self._stamp = None
            on_page(partial(self._show_failure, names, error))
        finally:
            self._busy = False

    def _is_due(self, study: StudyTrials) -> bool:
        """Return whether to draw everything, not only what shows the newest trials."""
        old, now = self._study, time.monotonic()
        same = old is not None and old.name == study.name and old.state == study.state
        if same and study.is_running and now - self._details_at <= DETAILS_SECONDS:
            return False
        self._details_at = now
        return True

    def _show_failure(self, names: Mapping[str, str], error: PlanWiseError) -> None:
        show(self.layout, self._body)
        with self._filling:
            others = {CHOOSE: "", **names}
            self._select.param.update(options=others, value="", visible=True)
        self._heading.object = html.card_heading(
            self._session.selection.study or "Studies", "This study cannot be shown"
        )
        self._progress_text.object = ""
        self._bar.visible = self.actions.layout.visible = False
        self._rest.visible = False
        self._notice.param.update(object=html.error_notice(error), visible=True)

    def _show(self, study: StudyTrials, names: Mapping[str, str], in_full: bool) -> None:
        old, self._study = self._study, study
        self._session.terms = self._session.store.local(study.header.census)
        another = old is None or old.name != study.name
        if not self._session.selection.study:
            self._session.selection.study = study.name
        self._select.param.update(options=dict(names), value=study.name, visible=True)
        self._notice.visible = False
        self._rest.visible = self.actions.layout.visible = True
        self._show_head(study, another)
        self._show_progress(study)
        self.charts.show_convergence(study, another)
        self.trials.show(study, another)
        if in_full or another:
            self._answer.object = answer.panel(study)
            self.charts.show(study, another)
        self.trial.show(study, None if another else self.trial.number)
        show(self.layout, self._body)

    def _show_head(self, study: StudyTrials, another: bool) -> None:
        header, spec = study.header, study.spec
        called = self._session.store.labels().of(header.scenario)
        text, tone = labels.study_state(study)
        what = labels.objectives_text(spec.weights)
        sought = (
            "" if study.target is None else f" · target {labels.target_text(study.target, spec.tolerance)}"
        )
        self._heading.object = (
            html.card_heading(
                study.name,
                f"{called} on {header.census} · {spec.chosen_strategy}, {what}{sought} · "
                f"{counted(len(study.levers), 'lever')} · "
                f"{'plans' if header.kind == 'real' else 'previews only'} · "
                f"started {moment(study.header.created_at)}",
            )
            + f'<p style="margin-top:6px">{html.chip(text, tone)}</p>'
        )
        self.actions.show(study)
        job = self.job.job
        if another or (job.ended if job is not None else study.is_running):  # a command may have resumed it
            self._show_job(study)

    def _show_job(self, study: StudyTrials) -> None:
        """Show the newest job that ran this study, while it runs or when it failed."""
        jobs = [job for job in self._session.store.jobs.list() if job.study == study.name]
        job = jobs[0] if jobs else None
        wanted = job is not None and (not job.ended or job.error is not None)
        self.job.show(job.id if wanted and job is not None else None)

    def _show_progress(self, study: StudyTrials) -> None:
        elapsed = None
        if study.is_running and study.header.created_at:
            begun = datetime.fromisoformat(study.header.created_at)
            elapsed = max((datetime.now(UTC) - begun).total_seconds(), 0.0)
        text, share = trial_rows.progress_text(study, elapsed)
        self._progress_text.object = f'<p class="card-subtitle" role="status">{text}</p>'
        self._bar.param.update(
            visible=study.is_running,
            variant="determinate" if share is not None else "indeterminate",
            value=0 if share is None else round(100 * share),
        )

    def _open_trial(self, number: Any) -> None:
        if self._study is not None:
            self.trial.show(self._study, None if number is None else int(number))

    def _select_trials(self, numbers: tuple[int, ...]) -> None:
        self.trials.select(numbers)
        self.charts.select(numbers)
