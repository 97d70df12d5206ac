"""A new study: the form, the checks before the start, and the start."""

import shlex
from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import CheckFailed, InputError, PlanWiseError
from planwise.formatting import PAGE, counted, seconds
from planwise.jobs import Job
from planwise.study.spec import OptimizeRequest, StudyHeader
from planwise.study.target import Target
from ui.components import html
from ui.components.card import FRAME
from ui.components.page import SIDE_BY_SIDE, Current, Debounced, on_page
from ui.pages.optimise.form import StudyForm
from ui.pages.optimise.labels import STRATEGIES, objectives_text
from ui.session import Session
from ui.values.studies import GrowthRange, Preflight, PreflightCheck

MARKS = {  # what blocks the start is listed first
    "bad": ("✕", "bad", "blocks the start"),
    "warn": ("!", "warn", "to consider"),
    "ok": ("✓", "good", "fine"),
}
START = "Start the study"
NOT_READY = "The study was not started: see the failed checks."
TYPING_SECONDS = 0.25  # without a further key, before the form is checked
MEASURED_KEPT = 50


class NewStudy:
    """The form and its checks; `on_start` receives the job of a study that was started."""

    def __init__(self, session: Session, on_start: Callable[[Job], None]) -> None:
        self._session, self._on_start = session, on_start
        self._request: OptimizeRequest | None = None
        self._measured: dict[object, GrowthRange] = {}
        self._checks = html.pane('<p class="quiet" role="status">Checking the question …</p>')
        self._verdict = html.pane("", margin=(0, 0, 8, 0))
        self._command = html.pane("", margin=(8, 0, 0, 0))
        self._failure = html.pane("", visible=False)
        self._start = pmui.Button(
            label=START,
            icon="play_arrow",
            color="primary",
            disabled=True,
            margin=0,
            sizing_mode="stretch_width",
        )
        self._start.on_click(self._begin)
        self._check_soon = Debounced(self._check, TYPING_SECONDS)
        self.form = StudyForm(self._check_soon.ask)
        side = pmui.Paper(
            html.pane(
                html.card_heading("Before it starts", "Checked again after every change"),
                margin=(0, 0, 8, 0),
            ),
            self._checks,
            self._failure,
            self._verdict,
            self._start,
            self._command,
            **{**FRAME, "sx": {**FRAME["sx"], "position": "sticky", "top": "8px"}},
        )
        self.layout = pn.Column(self.form.layout, side, **SIDE_BY_SIDE)
        self.refresh()

    def refresh(self) -> None:
        """Offer the current scenarios and the draft's edits and locks; check the question again."""
        try:
            names = self._session.store.labels().options(
                info.name for info in self._session.store.plans.list()
            )
        except PlanWiseError as error:
            self._show_checks(Preflight((_failed("Scenarios", error),)))
            return
        chosen = self._session.selection.scenario or self._session.draft.scenario
        self.form.offer(names, chosen if self._request is None else None)
        self.form.lock(tuple(self._session.draft.locks))
        self._offer_edits()
        self._check_soon.ask()

    def repeat(self, header: StudyHeader) -> None:
        """Put a past study's question into the form."""
        self.form.fill(header)

    def _offer_edits(self) -> None:
        draft = self._session.draft
        count = len(draft.changes)
        self.form.edits.param.update(
            visible=draft.scenario == self.form.scenario.value and count > 0,
            label=f"With the {counted(count, 'edit')} of the draft, on top of the scenario",
        )

    async def _check(self, current: Current) -> None:
        """Check the current form; preview how far its levers reach unless that is known."""
        try:
            request = self.form.request(self._session.draft.changes)
        except InputError as error:
            on_page(partial(self._show_wrong, error))
            return
        self._request = request
        check = partial(self._session.store.studies.check, request)
        found = await self._session.offload(check)
        growth = self._measured.get(self._key(found, request))
        if growth is not None:
            found = await self._session.offload(check, growth)
        if not current():
            return
        on_page(partial(self._show, request, found, growth))
        if growth is None and (growth := await self._measure(found, request)) is not None:
            found = await self._session.offload(check, growth)
            if current():
                on_page(partial(self._show, request, found, growth))

    def _key(self, found: Preflight, request: OptimizeRequest) -> object:
        """Return what the range within reach depends on."""
        edits = tuple(sorted({**request.levers, **request.assumptions}.items()))
        ends = tuple(tuple(end.items()) for end in found.ends or ())
        return request.scenario, request.goal, edits, ends, self._session.store.censuses.version()

    async def _measure(self, found: Preflight, request: OptimizeRequest) -> GrowthRange | None:
        """Preview the baseline and both ends of the levers; None where that is not possible."""
        previews = self._session.previews
        if found.ends is None or previews is None:
            return None
        edits = {**request.levers, **request.assumptions}
        reached, seconds = [], 0.0
        for ends in ({}, *found.ends):
            kept = {
                key: value
                for key, value in edits.items()
                if key not in ends and key.partition("@")[0] not in ends
            }
            try:
                answer = await previews.kpis(request.scenario, {**kept, **ends}, purpose="reach")
            except PlanWiseError as error:
                notice = html.error_notice(error, "warn")
                on_page(partial(self.form.reach.param.update, object=notice))
                return None
            if answer is None:
                return None
            try:
                reached.append(request.goal.measure.of(answer.kpis))
            except CheckFailed:
                return None
            seconds = answer.seconds
        if len(self._measured) >= MEASURED_KEPT:
            self._measured.pop(next(iter(self._measured)))
        baseline, lowest, highest = reached
        measured = GrowthRange(baseline, lowest, highest, seconds)
        self._measured[self._key(found, request)] = measured
        return measured

    def _show(self, request: OptimizeRequest, found: Preflight, growth: GrowthRange | None) -> None:
        self._offer_edits()
        self.form.reach.object = reach(found, growth, request.goal, request.sought)
        wrong = next((c for c in found.checks if c.tone == "bad" and c.name in ("Question", "Levers")), None)
        if wrong is None:
            self.form.constraints.show_read(() if found.spec is None else map(str, found.spec.limits))
        else:
            self.form.constraints.show_error(f"{wrong.text} {wrong.remedy}")
        self.form.target.disabled = not request.seeks_target
        self.form.explained.object = _explained(request, found)
        self._show_checks(found, expected_duration(request, found, growth))

    def _show_wrong(self, error: InputError) -> None:
        self._request = None
        self._offer_edits()
        self.form.constraints.show_error(f"{error.what} {error.remedy or ''}")
        self._show_checks(Preflight((_failed("Question", error),)))

    def _show_checks(self, found: Preflight, expected: str = "") -> None:
        self._checks.object = check_list(found.checks)
        allowed = self._session.can_run
        text = verdict(found) if allowed else f"The role {self._session.user.role} cannot start studies."
        text = " ".join(part for part in (text, expected) if part)
        self._verdict.object = f'<p class="card-subtitle" role="status">{escape(text)}</p>'
        self._start.disabled = not (found.ready and allowed and self._request is not None)
        command = "" if self._request is None else command_of(self._request)
        text = f"As a command: <code>{escape(command)}</code>" if command else ""
        self._command.object = f'<p class="card-subtitle">{text}</p>'

    async def _begin(self, *_: Any) -> None:
        """Start the study of the current form, which may be newer than the checks shown."""
        try:
            request = self.form.request(self._session.draft.changes)
        except InputError as error:
            on_page(partial(self._show_wrong, error))
            return
        on_page(partial(self._start.param.update, disabled=True, label="Starting …"))
        try:
            found = await self._session.offload(self._session.store.studies.check, request)
            if not found.ready:
                on_page(partial(self._begun, None, html.notice(NOT_READY, tone="bad")))
                return
            fields = request.model_dump(mode="json", exclude_defaults=True)
            job = await self._session.offload(
                lambda: self._session.actions.jobs.start("optimize", fields, title=title_of(request))
            )
        except PlanWiseError as error:
            on_page(partial(self._begun, None, html.error_notice(error)))
        else:
            on_page(partial(self._begun, job, ""))

    def _begun(self, job: Job | None, failure: str) -> None:
        self._start.label = START
        self._failure.param.update(object=failure, visible=bool(failure))
        self._check_soon.ask()
        if job is not None:
            self._on_start(job)


def check_list(checks: tuple[PreflightCheck, ...]) -> str:
    """Return the checks as HTML: what blocks the start first, then what to consider."""
    order = list(MARKS)
    lines = []
    for check in sorted(checks, key=lambda one: order.index(one.tone)):
        mark, tone, meaning = MARKS[check.tone]
        remedy = f'<p class="remedy">{escape(check.remedy)}</p>' if check.remedy else ""
        lines.append(
            f'<li><span class="mark {tone}" role="img" aria-label="{meaning}">{mark}</span>'
            f"<div><strong>{escape(check.name)}</strong> <span>{escape(check.text)}</span>{remedy}</div></li>"
        )
    return f'<ul class="checks">{"".join(lines)}</ul>'


def verdict(found: Preflight) -> str:
    """Return in one line whether the study can start."""
    tones = [check.tone for check in found.checks]
    bad, warn = tones.count("bad"), tones.count("warn")
    if bad:
        return f"{counted(bad, 'check blocks', 'checks block')} the start."
    return f"Ready; {warn} to consider." if warn else "Ready to start."


def reach(found: Preflight, growth: GrowthRange | None, goal: Target, target: Target | None) -> str:
    """Return what the unchanged scenario reaches, and how far the tuned levers reach, as HTML."""
    if growth is None or found.ends is None:
        return '<p class="card-subtitle">Unchanged and within reach: being previewed …</p>'
    low, high = sorted((growth.lowest, growth.highest))
    baseline, lowest, highest = (
        goal.measure.text(value, form=PAGE) for value in (growth.baseline, low, high)
    )
    distance = goal.goal - growth.baseline / (goal.value if goal.measure.is_amount else 1.0)
    gap = "" if target is None else f" ({goal.gap_text(distance, 2, PAGE)} to go)"
    return (
        f'<p class="card-subtitle">Unchanged: <b>{escape(baseline)}</b>{escape(gap)}.<br>'
        f"These {len(found.ends[0])} levers reach {escape(lowest)} to {escape(highest)}.</p>"
    )


def expected_duration(request: OptimizeRequest, found: Preflight, growth: GrowthRange | None) -> str:
    """Return the expected number of evaluations and how long they take; nothing before it is known."""
    budget = found.budget
    if budget is None or growth is None or found.seconds is None:
        return ""
    count, about = request.trials or budget.recommended, seconds(found.seconds)
    if not found.takes_trials:
        return f"About {about}, evidence included."
    return (
        f"{count:,} trials, about {about} ({budget.problem_class} problem: at least {budget.minimum}, "
        f"recommended {budget.recommended}, at most {budget.maximum})."
    )


def title_of(request: OptimizeRequest) -> str:
    """Return the title of the study's job."""
    parts = [] if request.target is None else [request.goal.text(PAGE)]
    parts += [objectives_text(request.weights)] if request.weights else []
    return f"Study of {request.scenario}: {', '.join(parts) or 'its target'}"


def command_of(request: OptimizeRequest) -> str:
    """Return the command that starts the same study."""
    return shlex.join(["planwise", "optimize", *request.command_options()])


def _explained(request: OptimizeRequest, found: Preflight) -> str:
    name = request.chosen_strategy
    lead = f"Uses {name}: " if request.strategy is None else ""
    reason = f" Here: {found.reason}" if found.reason else ""
    return f'<p class="card-subtitle">{escape(lead + STRATEGIES.get(name, "") + reason)}</p>'


def _failed(name: str, error: PlanWiseError) -> PreflightCheck:
    return PreflightCheck(name, "bad", error.what, error.remedy or "")
