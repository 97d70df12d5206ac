"""A job under observation: progress, steps, output, where it runs, and its cancellation."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import param

from planwise.errors import PlanWiseError
from planwise.formatting import NBSP, count, counted, moment
from planwise.jobs import Job, JobKind, JobStep, State
from ui.components.html import ASSETS, Component
from ui.session import Session

POLL_MILLISECONDS = 600
LINES_SHOWN = 60
CONFIRM_AFTER_SECONDS = 10.0  # a job that began later is cancelled without a question
SWITCH: Mapping[str, str] = {
    "keep checkpoint": "Keep what is in force as a checkpoint",
    "store result": "Store the files of the result",
    "show in prod": "Make prod show it, and compare",
    "commit": "Put it in force",
    "publish": "Publish",
}
STAGES: Mapping[JobKind, Mapping[str, str]] = {
    JobKind.SIMULATE: {
        "resolve scenario": "Resolve scenario and levers",
        "hold warehouse": "Lock the warehouse",
        "plan scenario": "Plan the models to run",
        "run models": "Run models and audits",
        "gate simulation": "Quality gate",
        "publish result": "Publish",
        "record run": "Record in the ledger",
    },
    JobKind.IMPORT: {
        "read file": "Read and check the file",
        "gate census": "Quality gate",
        "put in use": "Store it and put it in use",
    },
    JobKind.GENERATE: {
        "generate rows": "Generate the people",
        "gate census": "Quality gate",
        "use census": "Put it in use",
    },
    JobKind.RELEASE: {"plan release": "Check the approval and the result", **SWITCH},
    JobKind.ROLLBACK: {"plan rollback": "Find the checkpoint's result", **SWITCH},
}
WORDS: Mapping[str, str] = {
    **{step: word for stages in STAGES.values() for step, word in stages.items()},
    "recover release": "Look for an interrupted change",
    "repair": "Check the files of what is in force",
    "check file": "Read and check the file",
    "calibrate censuses": "Read the censuses and estimate the rates",
    "backtest censuses": "Read the censuses, simulate and compare",
    "resumed": "Read the request",
    "refuse taken name": "Check the name",
    "trial": "Trials",
    "keep scenario": "Store the scenario",
    "verify": "Compare with the trial",
    "best real trials": "Find the best trials",
    "keep environments": "Keep their tables",
    "plan summary": "Find the models to run",
    "past runs": "Read past runs",
    "last sweep": "Read the last sweep",
    "all scenarios": "List the scenarios",
    "variant": "Variants",
    "write sweep": "Write the comparison",
    "read tables": "Read names and decisions",
    "prepare reference": "Prepare the reference",
    "match chunk": "Match",
    "collect matches": "Put the matches together",
    "gate matches": "Quality gate",
}
STATES: Mapping[State, tuple[str, str]] = {
    State.WAITING: ("Waiting", ""),
    State.RUNNING: ("Running", ""),
    State.DONE: ("Done", "good"),
    State.FAILED: ("Failed", "bad"),
    State.CANCELLED: ("Cancelled", "warn"),
    State.INTERRUPTED: ("Interrupted", "bad"),
}
MARKS: Mapping[State, str] = {State.CANCELLED: "stopped", State.INTERRUPTED: "stopped"}


class JobView(Component):
    """What the browser shows of `job`, a dictionary that `shown` made; its texts are never read as HTML."""

    job = param.Dict(default={})

    _esm = ASSETS / "job.js"
    _sheets = ("planwise", "job")


class JobPanel:
    """Watches one job at a time; `on_done` is called once if the job ends while it is watched."""

    def __init__(self, session: Session, on_done: Callable[[Job], None] | None = None) -> None:
        self._session = session
        self._on_done = on_done
        self._watched = ""
        self._job: Job | None = None
        self.layout = JobView(self._cancel, sizing_mode="stretch_width", margin=0, visible=False)
        self._timer = session.every(POLL_MILLISECONDS, self._look)
        self._timer.stop()

    @property
    def job(self) -> Job | None:
        """The job that is shown, in its last state that was read."""
        return self._job

    def show(self, job: str | None) -> None:
        """Watch a job from now on; None shows nothing. Raises InputError when there is none of that id."""
        self._timer.stop()
        self._job = None if job is None else self._session.store.jobs.get(job)
        self._watched = job or ""
        self.layout.visible = self._job is not None
        if self._job is not None:
            self._draw(self._job)
            if not self._job.ended:
                self._timer.start()

    def watch(self, job: str) -> None:
        """Watch a job that was just started; `on_done` is called although it may have ended meanwhile."""
        self.show(job)
        if self._job is not None and self._job.ended and self._on_done is not None:
            self._on_done(self._job)

    def _look(self) -> None:
        if not self._watched or self._job is None or self._job.ended:
            self._timer.stop()
            return
        try:
            job = self._session.store.jobs.get(self._watched)
        except PlanWiseError as error:  # its files were removed under it
            self._timer.stop()
            self._session.notify_error(error, "warning")
            self.show(None)
            return
        self._job = job
        self._draw(job)
        if job.ended:
            self._timer.stop()
            if self._on_done is not None:
                self._on_done(job)

    def _draw(self, job: Job) -> None:
        self.layout.job = shown(job, may_cancel=self._session.can_run)

    def _cancel(self, message: Mapping[str, Any]) -> None:
        if message.get("cancel") is not True:
            return
        try:
            self._session.actions.jobs.cancel(self._watched)
        except PlanWiseError as error:
            self._session.notify_error(error)
        self._look()


def shown(job: Job, *, may_cancel: bool, now: datetime | None = None) -> dict[str, Any]:
    """Return what the browser needs of a job: words and numbers, nothing to be read as HTML."""
    seconds = job.seconds(now or datetime.now(UTC))
    text, tone = STATES[job.state]
    if job.cancelling:
        text, tone = "Stopping", "warn"
    error = None
    if job.error is not None:
        error = {"what": job.error.what, "remedy": job.error.remedy}
    return {
        "id": job.id,
        "title": job.title,
        "by": _by_whom(job),
        "state": job.state.value,
        "text": text,
        "tone": tone,
        "share": job.share,
        "message": outcome_of(job) if job.state is State.DONE else job.message,
        "seconds": round(seconds, 1),
        "ended": job.ended,
        "steps": steps_of(job),
        "lines": list(job.lines[-LINES_SHOWN:]),
        "how": where_it_runs(job),
        "link": job.link if job.link and job.link.startswith(("http://", "https://")) else "",
        "error": error,
        "cancellable": may_cancel and not job.ended and not job.cancelling,
        "question": _question(job, seconds),
    }


def _by_whom(job: Job) -> str:
    started = f"started by {job.started_by}, {moment(job.started_at)}"
    stopped = job.cancelled_by and (job.cancelling or job.state is State.CANCELLED)
    return f"{started}; cancellation requested by {job.cancelled_by}" if stopped else started


def outcome_of(job: Job) -> str:
    """Return in a line what an ended job did, or why it failed."""
    if job.error is not None:
        return " ".join(job.error.what.split())
    if job.result is None or not job.ended:
        return ""
    found = job.result
    if job.kind is JobKind.SIMULATE:
        models = int(found["models_run"])
        ran = f"{counted(models, 'model')} ran, {count(found['models_reused'])} reused"
        return f"Published; gate {found['gate']['status']}; {ran}"
    if job.kind is JobKind.OPTIMIZE:
        saved = f"; saved as {found['saved_as']}" if found.get("saved_as") else ""
        return f"{'Converged' if found['converged'] else 'Not converged'}{saved}"
    if job.kind is JobKind.IMPORT:
        rejected = f", {count(found['rows_rejected'])} rejected" if found["rows_rejected"] else ""
        return f"{found['census']} in use: {count(found['rows_accepted'])} people{rejected}"
    if job.kind is JobKind.GENERATE:
        return f"{found['census']} in use: {count(found['rows'])} people"
    if job.kind in (JobKind.RELEASE, JobKind.ROLLBACK):
        return f"{found['scenario']} is in force ({found['status']}); checkpoint {found['checkpoint']}"
    if job.kind is JobKind.MONITOR:
        return (
            f"{counted(len(found['checks']), 'actual')} compared, "
            f"{counted(found['recorded'], 'trigger')} fired"
        )
    if job.kind is JobKind.ROLLOUT:
        return f"{counted(len(found['phases']), 'phase')} simulated"
    if job.kind in (JobKind.TITLES, JobKind.RECIPIENTS):
        linked, rows, review = (count(found[name]) for name in ("linked", "rows", "review"))
        return f"{linked} of {rows} rows linked, {review} for review"
    if job.kind.is_census:
        return f"Saved as {found['scenario']}" if found.get("scenario") else "Done; see the page Census"
    rows = found.get("rows", ())
    infeasible = sum(not row["feasible"] for row in rows)
    variants = counted(len(rows), "scenario or variant", "scenarios and variants")
    return f"{variants}, {count(infeasible)} infeasible"


def where_it_runs(job: Job) -> str:
    """Return where a job runs, or ran, and why not elsewhere."""
    if not job.how:
        return ""
    where = f"{'Ran' if job.ended else 'Runs'} in {job.how}."
    return f"{where} {job.why}".strip()


def steps_of(job: Job) -> list[dict[str, str]]:
    """Return the steps in order, those to come with them where they are known."""
    if job.kind not in STAGES:
        return [_step(step, job) for step in job.steps]
    begun = {step.name: _step(step, job) for step in job.steps}
    to_come = "left" if job.ended else "waiting"
    stages = [
        begun.pop(name, {"name": word, "state": to_come, "note": ""})
        for name, word in STAGES[job.kind].items()
    ]
    return [*stages, *begun.values()]


def _step(step: JobStep, job: Job) -> dict[str, str]:
    state = step.state
    if state in ("running", "failed") and job.ended:
        state = MARKS.get(job.state, "failed")
    elif step.name == "gate simulation" and job.error is not None and job.error.type == "SimulationBlocked":
        state = "failed"
    note = f"{step.seconds:,.1f}{NBSP}s" if state in ("done", "failed") else ""
    if step.count > 1:
        note = f"{step.count:,} × · {note}" if note else f"{step.count:,} ×"
    return {"name": WORDS.get(step.name, step.name.capitalize()), "state": state, "note": note}


def _question(job: Job, seconds: float) -> str:
    if job.state is State.WAITING or seconds < CONFIRM_AFTER_SECONDS:
        return ""
    if job.kind is JobKind.OPTIMIZE:
        return "Stop this study? Its trials are kept, and it can be resumed."
    if job.kind is JobKind.SWEEP:
        return "Stop this sweep? Published results stay; the comparison is marked as incomplete."
    return "Stop this run? What is published stays in force."
