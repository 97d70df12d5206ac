"""The iteration table: one row a trial, what it was for, levers, outcomes, constraints; and its download."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ui.components.html import Column
from ui.values.formatting import count, money_short, percent, ratio, seconds
from ui.values.searches import LIMIT, Search
from ui.views.optimise.measures import gap, parts_of
from ui.views.optimise.tradeoffs import role_on_front
from ui.views.optimise.words import purpose

SHOWS = {"All trials": "all", "Search only": "search", "Feasible": "feasible", "Infeasible or failed": "bad"}


def columns(search: Search, *, levers: bool) -> tuple[Column, ...]:
    """Return the columns of a study's trials; its levers only when asked for, there may be many."""
    shown = [
        Column("trial", "Trial", count),
        Column("kind", "Kind", lambda v: "plan" if v == "real" else str(v), is_text=True),
        Column("purpose", "For", purpose, is_text=True),
        Column("state", "State", is_text=True),
        Column("growth", "Growth a year", lambda v: percent(v, 3)),
    ]
    if search.target is not None:
        shown.append(Column("gap_pp", "Target − growth", gap))
    shown += [
        Column("payroll", "Highest payroll", money_short),
        *(Column(part.column, part.name.partition(" (")[0], part.write) for part in parts_of(search)),
    ]
    if not search.spec.multi_objective:
        shown.append(Column("score", "Objective", _figure))
    if levers:
        shown += [Column(lever.column, lever.label, lambda v: percent(v, 2)) for lever in search.levers]
    limits = [name for name in search.named(LIMIT) if name != "gate"]
    shown += [Column(f"{LIMIT}{name}", f"{name} (≤ 0)", _figure) for name in limits]
    return (
        *shown,
        Column("gate", "Gate", _text, is_text=True),
        Column("seconds", "Time", seconds),
        Column("violated", "Exceeds", _text, is_text=True),
    )


def rows(search: Search, which: str, chosen: Sequence[int], *, only_chosen: bool) -> pd.DataFrame:
    """Return the trials that are looked at."""
    trials = search.trials
    if only_chosen and chosen:
        return trials.loc[trials["trial"].isin(chosen)]
    if which == "search":
        return trials.loc[trials["role"] == "search"]
    if which == "feasible":
        return trials.loc[(trials["role"] == "search") & (trials["state"] == "feasible")]
    if which == "bad":
        return trials.loc[trials["state"] != "feasible"]
    return trials


def tones(search: Search) -> dict[Any, str]:
    """Return how rows look: what failed, and what is about an answer and not one."""
    looks = {}
    for number, state, role in zip(
        search.trials["trial"], search.trials["state"], search.trials["role"], strict=True
    ):
        if state != "feasible":
            looks[number] = "bad"
        elif role != "search":
            looks[number] = "quiet"
    return looks


def marks(search: Search) -> dict[Any, str]:
    """Return the word beside a trial: answer, knee, pick."""
    found: dict[Any, str] = {
        number: role for number in (*search.front, *search.picks) if (role := role_on_front(search, number))
    }
    if search.best is not None:
        found[search.best] = found.get(search.best, "answer" if search.outcome is not None else "best")
    return found


def progress(search: Search, elapsed: float | None) -> tuple[str, float | None]:
    """Return counts, rate and time left in one line, and the share done (0 to 1, None when not known).

    `elapsed` is the time since the study began, in seconds; None for a study that is not running.
    """
    trials = search.trials
    ended, plans = len(trials), int(((trials["kind"] == "real") & trials["answered_by"].isna()).sum())
    failed = int((trials["state"] == "failed").sum())
    infeasible = int((trials["state"] == "infeasible").sum())
    said = [f"{ended:,} trial{'' if ended == 1 else 's'}", f"{plans:,} plan{'' if plans == 1 else 's'}"]
    said += [f"{infeasible:,} infeasible"] if infeasible else []
    said += [f"{failed:,} failed"] if failed else []
    said += [f"{search.unfinished} under way"] if search.unfinished and search.is_running else []
    share = None
    if elapsed is not None and elapsed > 0 and ended:
        rate = ended / elapsed
        said.append(f"{rate:.1f} a second" if rate >= 1 else f"{60 * rate:.0f} a minute")
        decided = len(search.searched)
        if search.spec.trials and decided:
            share = min(decided / search.spec.trials, 1.0)
            left = elapsed / decided * max(search.spec.trials - decided, 0)
            said.append(f"about {seconds(left)} left for {search.spec.trials:,} trials")
        if search.spec.timeout_seconds:
            rest = max(search.spec.timeout_seconds - elapsed, 0.0)
            said.append(f"ends in {seconds(rest)} at the latest")
            share = max(share or 0.0, min(elapsed / search.spec.timeout_seconds, 1.0))
    return " · ".join(said), share


def _figure(value: Any) -> str:
    return "–" if value is None or value != value else ratio(value, 4)


def _text(value: Any) -> str:
    return "–" if value is None or value != value or value == "" else str(value)
