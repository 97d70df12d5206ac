"""A new study: the form, what is looked at before it starts, and the start."""

import shlex
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError, PlanWiseError
from planwise.formatting import percent, points, seconds
from planwise.jobs import Job
from planwise.study.spec import OptimizeRequest
from ui.components import html
from ui.components.card import FRAME
from ui.components.page import GAP, Current, Debounced, on_page
from ui.pages.optimise.asking import StudyForm
from ui.pages.optimise.form import Form
from ui.pages.optimise.labels import AUTOMATIC, STRATEGIES, objectives_text
from ui.session import Session
from ui.values.studies import Checked, Measured, PreflightCheck

MARKS = {
    "ok": ("✓", "good", "fine"),
    "warn": ("!", "warn", "to consider"),
    "bad": ("✕", "bad", "blocks the start"),
}
PLAN_SECONDS_PER_PREVIEW = 6.0  # a plan of ten thousand people takes about as long as six previews


def shown(checks: tuple[PreflightCheck, ...]) -> str:
    """Return the checks as a list: what blocks first, then what to consider."""
    order = {"bad": 0, "warn": 1, "ok": 2}
    lines = []
    for check in sorted(checks, key=lambda one: order[one.tone]):
        mark, tone, word = MARKS[check.tone]
        remedy = f'<p class="remedy">{escape(check.remedy)}</p>' if check.remedy else ""
        lines.append(
            f'<li><span class="mark {tone}" role="img" aria-label="{word}">{mark}</span>'
            f"<div><strong>{escape(check.name)}</strong> <span>{escape(check.says)}</span>{remedy}</div></li>"
        )
    return f'<ul class="checks">{"".join(lines)}</ul>'


def verdict(checked: Checked) -> str:
    """Return in one line whether the study can start."""
    bad = sum(check.tone == "bad" for check in checked.checks)
    warn = sum(check.tone == "warn" for check in checked.checks)
    if bad:
        return f"{bad} check{'' if bad == 1 else 's'} block{'s' if bad == 1 else ''} the start."
    return f"Ready; {warn} to consider." if warn else "Ready to start."


def reach(checked: Checked, measured: Measured | None, target: float | None) -> str:
    """Return how the scenario grows as it is, and how far the levers tuned reach."""
    if measured is None:
        return '<p class="card-subtitle">Growth as it is and within reach: being measured …</p>'
    low, high = sorted((measured.lowest, measured.highest))
    gap = "" if target is None else f" ({points(target - measured.baseline)} to go)"
    return (
        f'<p class="card-subtitle">As it is: <b>{percent(measured.baseline, 2)}</b> a year{escape(gap)}.<br>'
        f"These {len(checked.levers)} levers reach {percent(low, 2)} to {percent(high, 2)}.</p>"
    )


def expected_duration(
    checked: Checked, measured: Measured | None, trials: int | None, *, preview: bool
) -> str:
    """Return how many evaluations to expect and how long they take, where it is known."""
    if checked.budget is None or measured is None:
        return ""
    low, recommended, high = checked.budget
    if not checked.takes_trials:
        return (
            "Some 20 to 60 previews" + ("" if preview else " and 1 to 3 plans, or a plan an iteration") + "."
        )
    count = trials or recommended
    each = measured.seconds * (1.0 if preview else PLAN_SECONDS_PER_PREVIEW)
    return (
        f"{count:,} trials, about {seconds(count * each)} on one worker "
        f"({checked.problem_class}: {low}, {recommended}, {high} at least, recommended, at most)."
    )


START = "Start the study"
NOT_READY = "Nothing was started: see the checks that failed."
TYPING_SECONDS = 0.25  # until somebody has stopped typing
GROWTH = "growth_compound"
MEASURED_KEPT = 50
SIDES: Mapping[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {
        "display": "grid",
        "grid-template-columns": "repeat(auto-fit, minmax(min(100%, 420px), 1fr))",
        "gap": f"{GAP}px",
        "align-items": "start",
    },
}


class Ask:
    """The form and its checks; `on_start` is told of the job."""

    def __init__(self, session: Session, on_start: Callable[[Job], None]) -> None:
        self._session, self._on_start = session, on_start
        self._request: OptimizeRequest | None = None
        self._checked: Checked | None = None
        self._measured: dict[object, Measured] = {}
        self._checks = html.pane('<p class="quiet" role="status">Looking at the question …</p>')
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
        self._look_soon = Debounced(self._look, TYPING_SECONDS)
        self.form = Form(self._look_soon.ask)
        side = pmui.Paper(
            html.pane(
                html.card_heading("Before it starts", "Looked at again with every change"),
                margin=(0, 0, 8, 0),
            ),
            self._checks,
            self._failure,
            self._verdict,
            self._start,
            self._command,
            **{**FRAME, "sx": {**FRAME["sx"], "position": "sticky", "top": "8px"}},
        )
        self.layout = pn.Column(self.form.layout, side, **SIDES)
        self.refresh()

    def refresh(self) -> None:
        """Offer the scenarios that there are, the draft's edits and locks; look at the question again."""
        try:
            names = [info.name for info in self._session.store.plans.list()]
        except PlanWiseError as error:
            self._show_checks((PreflightCheck("Scenarios", "bad", error.what, error.remedy or ""),))
            return
        chosen = self._session.selection.scenario or self._session.draft.scenario
        self.form.offer(names, chosen if self._request is None else None)
        self.form.lock(tuple(self._session.draft.locks))
        self._offer_edits()
        self._look_soon.ask()

    def ask_again(self, study_form: StudyForm) -> None:
        """Put a past study's question into the form."""
        self.form.fill(study_form)

    def _offer_edits(self) -> None:
        draft = self._session.draft
        count = len(draft.changes)
        of_this = draft.scenario == self.form.scenario.value and count > 0
        self.form.edits.param.update(
            visible=of_this,
            label=f"With the {count} edit{'s'[: count > 1]} of the draft, on top of the scenario",
        )

    async def _look(self, current: Current) -> None:
        try:
            study_form = self.form.study_form(self._session.draft.changes)
            self._request = study_form.request()
        except InputError as error:
            self._request = None
            on_page(partial(self._show_wrong, error))
            return
        request, searches = self._request, self._session.store.searches
        checked = await self._session.offload(searches.check, request)
        if not current():
            return
        measured = self._measured.get(_key(checked, request))
        if measured is not None:
            checked = await self._session.offload(searches.check, request, measured)
        if not current():
            return
        on_page(partial(self._show, study_form, checked, measured))
        if measured is None and checked.frame is not None and await self._measure(checked, request):
            measured = self._measured[_key(checked, request)]
            checked = await self._session.offload(searches.check, request, measured)
            if current():
                on_page(partial(self._show, study_form, checked, measured))

    def _show_wrong(self, error: InputError) -> None:
        self._offer_edits()
        self.form.limits.say((), f"{error.what} {error.remedy or ''}")
        self._show_checks((PreflightCheck("Question", "bad", error.what, error.remedy or ""),))

    async def _measure(self, checked: Checked, request: OptimizeRequest) -> bool:
        """Preview the scenario as it is and both ends; False where that was not possible."""
        frame, previews = checked.frame, self._session.previews
        if frame is None or previews is None:
            return False
        own = {**request.levers, **request.assumptions}
        growth, seconds = [], 0.0
        for ends in ({}, frame.lowest, frame.highest):
            kept = {
                key: value
                for key, value in own.items()
                if key not in ends and key.partition("@")[0] not in ends
            }
            try:
                answer = await previews.kpis(frame.scenario, {**kept, **ends}, purpose="reach")
            except PlanWiseError as error:
                on_page(partial(self._show_unmeasured, error))
                return False
            if answer is None or answer.kpis[-1][GROWTH] is None:
                return False
            growth.append(float(answer.kpis[-1][GROWTH]))
            seconds = answer.seconds
        if len(self._measured) >= MEASURED_KEPT:
            self._measured.pop(next(iter(self._measured)))
        baseline, lowest, highest = growth
        self._measured[_key(checked, request)] = Measured(baseline, lowest, highest, seconds)
        return True

    def _show_unmeasured(self, error: PlanWiseError) -> None:
        self.form.reach.object = html.notice(error.what, error.remedy or "", "warn")

    def _show(self, study_form: StudyForm, checked: Checked, measured: Measured | None) -> None:
        self._checked = checked
        self._offer_edits()
        target = (
            None
            if study_form.target_pct is None or not study_form.seeks_target
            else study_form.target_pct / 100
        )
        self.form.reach.object = reach(checked, measured, target)
        wrong = next(
            (c for c in checked.checks if c.tone == "bad" and c.name in ("Question", "Levers")), None
        )
        self.form.limits.say(checked.constraints, "" if wrong is None else f"{wrong.says} {wrong.remedy}")
        self.form.target.disabled = not study_form.seeks_target
        self.form.explained.object = _explained(study_form, checked)
        expected = expected_duration(checked, measured, study_form.trials, preview=study_form.preview)
        self._show_checks(checked.checks, expected)

    def _show_checks(self, checks: tuple[PreflightCheck, ...], expected: str = "") -> None:
        checked = Checked(checks, "", "")
        self._checks.object = shown(checks)
        refusal = (
            "" if self._session.can_run else f"{self._session.user.role} may look, and not start studies."
        )
        said = " ".join(text for text in (refusal or verdict(checked), expected) if text)
        self._verdict.object = f'<p class="card-subtitle" role="status">{escape(said)}</p>'
        self._start.disabled = not checked.ready or bool(refusal) or self._request is None
        command = "" if self._request is None else command_of(self._request)
        said = f"As a command: <code>{escape(command)}</code>" if command else ""
        self._command.object = f'<p class="card-subtitle">{said}</p>'

    async def _begin(self, *_: Any) -> None:
        """Start what the form says now, which may have been typed since the checks that are shown."""
        try:
            study_form = self.form.study_form(self._session.draft.changes)
        except InputError as error:
            on_page(partial(self._show_wrong, error))
            return
        request = study_form.request()
        on_page(partial(self._start.param.update, disabled=True, label="Starting …"))
        try:
            checked = await self._session.offload(self._session.store.searches.check, request)
            if not checked.ready:
                on_page(partial(self._begun, None, html.notice(NOT_READY, "", "bad")))
                return
            job = await self._session.offload(
                lambda: self._session.actions.jobs.start(
                    "optimize",
                    request.model_dump(mode="json", exclude_defaults=True),
                    title=title_of(request),
                )
            )
        except PlanWiseError as error:
            on_page(partial(self._begun, None, html.notice(error.what, error.remedy or "", "bad")))
        else:
            on_page(partial(self._begun, job, ""))

    def _begun(self, job: Job | None, failure: str) -> None:
        self._start.label = START
        self._failure.param.update(object=failure, visible=bool(failure))
        self._look_soon.ask()
        if job is not None:
            self._on_start(job)


def title_of(request: OptimizeRequest) -> str:
    """Return what a job that runs this question is called."""
    target = request.target_growth
    sought = [] if target is None else [f"{percent(target, 2)} a year"]
    sought += [objectives_text(request.weights)] if request.weights else []
    return f"Study of {request.scenario}: {', '.join(sought) or 'its target'}"


def command_of(request: OptimizeRequest) -> str:
    """Return the command that starts the same study."""
    return shlex.join(["planwise", "optimize", *request.command_options()])


def _explained(study_form: StudyForm, checked: Checked) -> str:
    name = study_form.strategy
    if name == AUTOMATIC:
        name = "solve" if study_form.aim == "change" else "auto"
        lead = f"Takes {name}: "
    else:
        lead = ""
    reason = f" Here: {checked.reason}" if checked.reason else ""
    return f'<p class="card-subtitle">{escape(lead + STRATEGIES.get(name, "") + reason)}</p>'


def _key(checked: Checked, request: OptimizeRequest) -> object:
    frame = checked.frame
    if frame is None:
        return None
    changes = {**request.levers, **request.assumptions}
    return (
        frame.scenario,
        tuple(sorted(changes.items())),
        tuple(frame.lowest.items()),
        tuple(frame.highest.items()),
    )
