"""What waits for the analyst: edits not saved, runs, studies without a scenario, results out of date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

from ui.components import html
from ui.components.linked import link
from ui.values.formatting import moment, percent
from ui.values.news import Standing, StudyInBrief
from ui.views.overview.latest_study import best

SHOWN = 6  # items that a glance takes in; the others are counted
STUDIES_SHOWN = 2
UNDER_WAY = frozenset({"waiting", "running"})
BROKEN = frozenset({"failed", "interrupted"})


class JobLike(Protocol):
    """What is shown of a job."""

    id: str
    title: str
    state: str
    share: float | None
    scenario: str
    kind: str


@dataclass(frozen=True)
class Item:
    """One thing to look after; the link is page, words and what to choose there."""

    what: str
    why: str
    act: str
    page: str
    chosen: Mapping[str, Any]
    tone: html.Tone = ""


def waiting(
    draft_of: str,
    edits: int,
    jobs: Sequence[JobLike],
    standings: Sequence[Standing],
    studies: Sequence[StudyInBrief],
) -> list[Item]:
    """Return what waits, what is broken or unsaved first."""
    return [
        *_draft(draft_of, edits),
        *(_job(job) for job in _not_made_good(jobs)),
        *(_job(job) for job in jobs if job.state in UNDER_WAY),
        *(_standing(item) for item in standings if item.state != "deleted"),
        *_studies([study for study in studies if study.has_answer and study.kept_as is None]),
    ]


def listed(items: Sequence[Item]) -> str:
    """Return the items as a list with links; what to do next when there is none."""
    if not items:
        return (
            '<p class="quiet">Nothing waits: every scenario is simulated as it is defined, nothing is '
            f"running, no edit is unsaved. Next: {link('edit the plan', 'plan')}.</p>"
        )
    more = len(items) - SHOWN
    rest = f'<p class="quiet">and {more} more.</p>' if more > 0 else ""
    return f'<ul class="items">{"".join(map(_item, items[:SHOWN]))}</ul>{rest}'


def _draft(scenario: str, edits: int) -> list[Item]:
    if not edits:
        return []
    what = f"{edits} unsaved {'edit' if edits == 1 else 'edits'} on {scenario}"
    return [Item(what, "kept in this tab and its address until saved", "Edit", "plan", {})]


def _not_made_good(jobs: Sequence[JobLike]) -> list[JobLike]:
    """Return what broke, unless the same was done since; `jobs` are the newest first."""
    done: set[tuple[str, str]] = set()
    found = []
    for job in jobs:
        same = (job.kind, job.scenario)
        if job.state in BROKEN and same not in done:
            found.append(job)
        if job.state == "done" or job.state in BROKEN:
            done.add(same)
    return found


def _job(job: JobLike) -> Item:
    if job.state in UNDER_WAY:
        share = "" if job.share is None else f", {percent(job.share, 0)} done"
        return Item(job.title, f"{job.state}{share}", "Watch", "run", {"job": job.id})
    return Item(
        job.title, f"{job.state}: see why, and run it again", "Look", "run", {"scenario": job.scenario}, "bad"
    )


def _standing(item: Standing) -> Item:
    if item.state == "never":
        return Item(item.scenario, "never simulated", "Run", "run", {"scenario": item.scenario})
    return Item(item.scenario, f"out of date: {item.why}", "Run", "run", {"scenario": item.scenario}, "warn")


def _studies(studies: Sequence[StudyInBrief]) -> list[Item]:
    found = [
        Item(
            f"Study on {study.scenario}: no scenario made of its best trial",
            f"{study.strategy}, {best(study)}; {moment(study.at)}",
            "Open",
            "optimise",
            {"study": study.name},
        )
        for study in studies[:STUDIES_SHOWN]
    ]
    if (more := len(studies) - STUDIES_SHOWN) > 0:
        found.append(
            Item(
                f"{more} older {'study' if more == 1 else 'studies'} without a scenario",
                "",
                "Open",
                "optimise",
                {},
            )
        )
    return found


def _item(item: Item) -> str:
    tone = f' class="why {item.tone}"' if item.tone else ' class="why"'
    act = link(item.act, item.page, about=f"{item.act}: {item.what}", **item.chosen)
    why = f"<span{tone}>{escape(item.why)}</span>" if item.why else ""
    return f'<li><span class="what">{escape(item.what)}</span><span class="act">{act}</span>{why}</li>'
