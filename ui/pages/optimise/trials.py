"""The trials of a study: the table, its rows, and one trial opened."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import counted, money_short, seconds
from planwise.study.spec import RiskNotAllowed
from ui.components import html
from ui.components.card import FRAME
from ui.components.downloads import FileButton, to_csv
from ui.components.html import TableColumn
from ui.components.page import heading_row, on_page, show
from ui.components.table import PagedTable
from ui.pages.optimise.labels import (
    OUTCOMES,
    STATE,
    TRIAL,
    figure,
    gap,
    lever_change,
    lever_measure,
    lever_text,
    parts_of,
    purpose,
    reached_measure,
)
from ui.pages.optimise.trial_charts import role_on_front
from ui.session import Session
from ui.values.studies import CANDIDATE, FAILED, FEASIBLE, INFEASIBLE, LIMIT, StudyTrials

SHOWS = {
    "All trials": "all",
    "Candidates": CANDIDATE,
    "Feasible": FEASIBLE,
    "Infeasible or failed": "not feasible",
}
SMALL: Mapping[str, Any] = {"size": "small", "margin": 0}
ANSWER, SO_FAR = "Open the answer", "Open the best so far"


def trial_columns(study: StudyTrials, *, levers: bool) -> tuple[TableColumn, ...]:
    """Return the columns of a study's trials, with those of its levers if wanted: there may be many."""
    columns = [
        TRIAL,
        TableColumn("kind", "Kind", lambda v: "plan" if v == "real" else str(v), is_text=True),
        TableColumn("purpose", "For", purpose, is_text=True, whole=True),
        STATE,
        reached_measure(study).table_column(),
        *([] if study.target is None else [TableColumn("gap_pp", "To the target", gap)]),
        TableColumn("payroll", "Highest payroll", money_short),
        *(TableColumn(part.column, part.name.partition(" (")[0], part.write) for part in parts_of(study)),
        *([] if study.spec.multi_objective else [TableColumn("score", "Objective", figure)]),
    ]
    if levers:
        columns += [lever_measure(lever).table_column() for lever in study.levers]
    limits = [name for name in study.named(LIMIT) if name != "gate"]
    return (
        *columns,
        *(TableColumn(f"{LIMIT}{name}", f"{name} (≤ 0)", figure) for name in limits),
        TableColumn("gate", "Gate", _text, is_text=True),
        TableColumn("seconds", "Time", seconds),
        TableColumn("violated", "Exceeds", _text, is_text=True),
    )


def trial_frame(study: StudyTrials, which: str, chosen: Sequence[int], *, only_chosen: bool) -> pd.DataFrame:
    """Return the trials of a filter (a value of SHOWS), or only the chosen ones."""
    trials = study.trials
    candidate, feasible = trials["role"] == CANDIDATE, trials["state"] == FEASIBLE
    if only_chosen and chosen:
        return trials.loc[trials["trial"].isin(chosen)]
    kept = {CANDIDATE: candidate, FEASIBLE: candidate & feasible, "not feasible": ~feasible}
    return trials.loc[kept[which]] if which in kept else trials


def trial_tones(study: StudyTrials) -> dict[Any, str]:
    """Return the tone of rows: trials that are not feasible, and those that are no candidates."""
    trials = study.trials
    tones = dict.fromkeys(trials.loc[trials["role"] != CANDIDATE, "trial"], "quiet")
    return tones | dict.fromkeys(trials.loc[trials["state"] != FEASIBLE, "trial"], "bad")


def trial_flags(study: StudyTrials) -> dict[Any, str]:
    """Return the mark beside a trial: answer, knee, pick."""
    found: dict[Any, str] = {
        number: role for number in (*study.front, *study.picks) if (role := role_on_front(study, number))
    }
    if study.best is not None:
        found[study.best] = found.get(study.best, "answer" if study.outcome is not None else "best")
    return found


def progress_text(study: StudyTrials, elapsed: float | None) -> tuple[str, float | None]:
    """Return counts, rate and time left in one line, and the share done (0 to 1, None when not known).

    `elapsed` is the time since the study began, in seconds; None for a study that is not running.
    """
    trials = study.trials
    ended, plans = len(trials), int(((trials["kind"] == "real") & trials["answered_by"].isna()).sum())
    failed = int((trials["state"] == FAILED).sum())
    infeasible = int((trials["state"] == INFEASIBLE).sum())
    parts = [counted(ended, "trial"), counted(plans, "plan")]
    parts += [f"{infeasible:,} infeasible"] if infeasible else []
    parts += [f"{failed:,} failed"] if failed else []
    parts += [f"{study.unfinished} running"] if study.unfinished and study.is_running else []
    share = None
    if elapsed is not None and elapsed > 0 and ended:
        rate = ended / elapsed
        parts.append(f"{rate:.1f} a second" if rate >= 1 else f"{60 * rate:.0f} a minute")
        decided = len(study.candidates)
        if study.spec.trials and decided:
            share = min(decided / study.spec.trials, 1.0)
            left = elapsed / decided * max(study.spec.trials - decided, 0)
            parts.append(f"about {seconds(left)} left for {study.spec.trials:,} trials")
        if study.spec.timeout_seconds:
            rest = max(study.spec.timeout_seconds - elapsed, 0.0)
            parts.append(f"ends in {seconds(rest)} at the latest")
            share = max(share or 0.0, min(elapsed / study.spec.timeout_seconds, 1.0))
    return " · ".join(parts), share


def _text(value: Any) -> str:
    return "–" if value is None or value != value or value == "" else str(value)


class Trials:
    """The trials of the study that is shown; the chosen ones are highlighted in the charts."""

    def __init__(
        self, *, on_open: Callable[[Any], None], on_select: Callable[[tuple[int, ...]], None]
    ) -> None:
        self._study: StudyTrials | None = None
        self._on_open, self._on_select = on_open, on_select
        self._best = pmui.Button(label=ANSWER, icon="flag", variant="text", visible=False, **SMALL)
        self._best.on_click(lambda _: self._open_best())
        self._which = pmui.Select(label="Show", options=SHOWS, value="all", width=190, **SMALL)
        self._levers = pmui.Switch(label="Levers", value=False, margin=0)
        self._only = pmui.Switch(label="Only chosen", value=False, margin=0, visible=False)
        self._none = pmui.Button(label="Choose none", variant="text", visible=False, **SMALL)
        self._none.on_click(lambda _: self._choose(()))
        for widget in (self._which, self._levers, self._only):
            widget.param.watch(lambda _: self._fill(), "value")
        self._heading = html.pane("", min_width=0)
        self._csv = FileButton(
            callback=self._file,
            filename="trials.csv",
            label="CSV",
            description="Download the trials shown as CSV",
            variant="text",
            **SMALL,
        )
        self.table = PagedTable(
            (),
            key="trial",
            caption="Trials of the study",
            noun="trial",
            opens="Open trial",
            on_open=on_open,
            on_choose=self._choose,
        )
        self.layout = pmui.Paper(
            heading_row(
                self._heading,
                self._best,
                self._only,
                self._none,
                self._levers,
                self._which,
                self._csv,
            ),
            self.table.layout,
            **FRAME,
        )

    def show(self, study: StudyTrials, another: bool) -> None:
        """Show a study's trials; the chosen ones stay unless it is another study."""
        self._study = study
        if another:
            self.table.chosen = ()
            self.table.open(None)
            self.table.layout.param.update(page=0, sort=["", False])
            self._levers.value = len(study.levers) <= 4
        self._heading.object = html.card_heading(
            "Trials",
            "One row per trial; open one to save it as a scenario, tick some to highlight them in the charts",
        )
        self._csv.filename = f"trials_{study.name}.csv"
        self._best.param.update(
            visible=study.best is not None, label=SO_FAR if study.outcome is None else ANSWER
        )
        self._fill()

    def select(self, numbers: tuple[int, ...]) -> None:
        """Choose these trials, which were selected on a chart."""
        self.table.chosen = numbers
        if numbers:
            self._only.value = True
        self._fill()

    def _open_best(self) -> None:
        """Open the answer, also on another page of the table."""
        number = None if self._study is None else self._study.best
        if number is not None:
            self.table.open(number)
            self._on_open(number)

    def _choose(self, numbers: tuple[Any, ...]) -> None:
        self.table.chosen = tuple(int(number) for number in numbers)
        self._fill()
        self._on_select(self.table.chosen)

    def _fill(self) -> None:
        study = self._study
        if study is None:
            return
        chosen = self.table.chosen
        some = bool(chosen)
        self._only.visible = self._none.visible = some
        if not some and self._only.value:
            self._only.value = False
        frame = trial_frame(study, self._which.value, chosen, only_chosen=self._only.value)
        kept = tuple(number for number in chosen if number in set(study.trials["trial"]))
        self.table.show(
            frame,
            columns=trial_columns(study, levers=self._levers.value),
            tones=trial_tones(study),
            marks=trial_flags(study),
        )
        self.table.chosen = kept

    def _file(self) -> Any:
        assert self._study is not None
        return to_csv(
            trial_frame(self._study, self._which.value, self.table.chosen, only_chosen=self._only.value)
        )


ROW: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"gap": "12px", "align-items": "center", "flex-wrap": "wrap"},
}
DESCRIPTION_MAX = 300


class TrialPanel:
    """One trial of the study that is shown; `on_close` is called when it is closed."""

    def __init__(self, session: Session, on_close: Callable[[], None]) -> None:
        self._session, self._on_close = session, on_close
        self._study: StudyTrials | None = None
        self._number: int | None = None
        self._heading = html.pane("", min_width=0)
        self._facts = html.pane("")
        self._name = pmui.TextInput(
            label="Name of the scenario", size="small", width=300, margin=0, max_length=48
        )
        self._description = pmui.TextInput(
            label="Description",
            size="small",
            margin=0,
            max_length=DESCRIPTION_MAX,
            sizing_mode="stretch_width",
            min_width=240,
        )
        self._keep = pmui.Button(
            label="Save as scenario", icon="save", color="primary", size="small", margin=0
        )
        self._keep.on_click(self._make)
        self._try = pmui.Button(label="Open in Plan", icon="tune", variant="outlined", size="small", margin=0)
        self._try.on_click(self._open)
        close = pmui.IconButton(
            icon="close", label="Close the trial", description="Close the trial", size="small", margin=0
        )
        close.on_click(lambda _: self.close())
        self._message = html.pane("", visible=False)
        self._risk = pmui.Checkbox(
            label="Save it although it is outside policy or of high risk", visible=False, margin=0
        )
        self._next = pn.Row(**ROW)
        header = pn.Row(self._heading, close, sizing_mode="stretch_width")
        self.layout = pmui.Paper(
            header,
            self._facts,
            pn.Row(self._name, self._description, self._keep, self._try, **ROW),
            self._message,
            self._risk,
            self._next,
            visible=False,
            **FRAME,
        )

    @property
    def number(self) -> int | None:
        """The trial that is shown."""
        return self._number

    def show(self, study: StudyTrials, number: int | None) -> None:
        """Show a trial of a study; None shows nothing."""
        row = None if number is None else study.trial(number)
        if row is None or number is None:
            self.layout.visible, self._number = False, None
            return
        fresh = (self._study is None or self._study.name != study.name) or number != self._number
        self._study, self._number = study, number
        kind = "plan" if row["kind"] == "real" else "preview"
        self._heading.object = html.card_heading(
            f"Trial {number}", f"{purpose(row['purpose'])} · {kind} · {row['state']} · study {study.name}"
        )
        self._facts.object = _facts(study, row)
        may = self._session.can_edit
        failed = row["state"] == "failed" or row["gate"] == "failed"
        self._keep.disabled = not may or failed
        self._try.disabled = row["state"] == "failed"
        if fresh:
            self._name.value = f"{study.header.scenario}_trial_{number}"[:48]
            self._description.value = ""
            self._message.visible = False
            self._risk.param.update(visible=False, value=False)
            show(self._next)
        if not may:
            self._show_message(
                html.notice(f"The role {self._session.user.role} cannot save scenarios.", tone="warn")
            )
        elif failed:
            why = row["error"] or "its quality gate failed."
            self._show_message(
                html.notice(f"This trial cannot be saved as a scenario: {why}", "Open another trial.", "warn")
            )
        self.layout.visible = True

    def close(self) -> None:
        """Close the trial."""
        self.layout.visible, self._number = False, None
        self._on_close()

    async def _make(self, *_: Any) -> None:
        if self._study is None or self._number is None:
            return
        study, number = self._study.name, self._number
        name, description = (self._name.value or "").strip(), (self._description.value or "").strip()
        allowed = bool(self._risk.value)
        on_page(partial(self._keep.param.update, disabled=True, label="Saving …"))
        try:
            made = await self._session.offload(
                lambda: self._session.actions.scenarios.keep_trial(
                    study, number, name, description, allow_risk=allowed
                )
            )
        except PlanWiseError as error:
            if isinstance(error, RiskNotAllowed):
                on_page(partial(self._risk.param.update, visible=True))
            on_page(partial(self._made, html.error_notice(error), ""))
        else:
            notice = html.notice(f"Scenario {made.name} is trial {number} of {study}.", tone="good")
            on_page(partial(self._made, notice, made.name))

    def _made(self, notice: str, scenario: str) -> None:
        self._keep.param.update(disabled=False, label="Save as scenario")
        self._show_message(notice)
        if scenario:
            link = ("run", {"scenario": scenario})
            self._session.notify(f"Scenario {scenario} was saved.", tone="success", link=link)
            self._lead_on(scenario)

    def _lead_on(self, scenario: str) -> None:
        def button(label: str, icon: str, work: Callable[[], None]) -> Any:
            made = pmui.Button(label=label, icon=icon, variant="outlined", size="small", margin=0)
            made.on_click(lambda _: work())
            return made

        session, base = self._session, self._study.header.scenario if self._study else "baseline"

        def into_draft() -> None:
            try:
                session.draft.start_from(scenario)
            except PlanWiseError as error:
                self._show_message(html.error_notice(error))
                return
            session.go("plan", scenario=scenario)

        show(
            self._next,
            button("Run it", "play_circle", lambda: session.go("run", scenario=scenario)),
            button(
                f"Compare with {base}",
                "compare_arrows",
                lambda: session.go("compare", compare=(base, scenario)),
            ),
            button("Edit it in Plan", "tune", into_draft),
        )

    def _open(self, *_: Any) -> None:
        """Start the draft from the study's scenario with the trial's changes."""
        if self._study is None or self._number is None:
            return
        header = self._study.header
        own = {} if header.request is None else header.request.changes()
        given = self._study.given.get(self._number, {})
        plain = {name for name in given if "@" not in name}
        kept = {name: value for name, value in own.items() if name.partition("@")[0] not in plain}
        try:
            self._session.draft.start_from(header.scenario, {**kept, **given})
        except PlanWiseError as error:
            self._show_message(html.error_notice(error))
            return
        self._session.go("plan", scenario=header.scenario)

    def _show_message(self, text: str) -> None:
        self._message.param.update(object=text, visible=True)


def _facts(study: StudyTrials, row: Any) -> str:
    """Return levers and outcomes side by side."""
    levers = []
    for lever in study.levers:
        value = row[lever.column]
        if lever.start is None or value is None or value != lever.start:
            moved = "" if lever.start is None else f" ({lever_change(lever, value)})"
            levers.append((lever.label, f"{lever_text(lever, value)}{moved}"))
    same = len(study.levers) - len(levers)
    if same:
        levers.append(("Unchanged", counted(same, f"{'other ' if levers else ''}lever")))
    outcomes = [(one.name, one.write(row[one.column])) for one in OUTCOMES]
    if study.target is not None:
        outcomes.insert(1, ("To the target", gap(row["gap_pp"])))
    if row["score"] == row["score"] and row["score"] is not None:
        outcomes.append(("Objective", figure(row["score"])))
    outcomes.append(("Exceeds", row["violated"] or "nothing"))
    lists = "".join(f'<dl class="facts">{_items(items)}</dl>' for items in (levers, outcomes))
    return f'<div class="two">{lists}</div>'


def _items(items: list[tuple[str, str]]) -> str:
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in items)
