"""What to do next: unsaved edits, jobs, the latest study, scenarios out of date, quality gates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

from planwise.formatting import PAGE, counted, moment, percent, seconds, with_levels
from planwise.gate import GateResult
from planwise.jobs import JobKind
from planwise.parameters import Risk
from ui.components import html
from ui.components.card import GATE_TONES
from ui.components.html import link
from ui.pages.optimise.labels import study_state
from ui.values.results import Result, ScenarioStatus
from ui.values.studies import StudySummary

PP = 100
Called = Callable[[str], str]  # what a scenario is called

NO_STUDY = (
    '<p class="quiet">No study has been run yet. A study looks for the levers that meet a target: {link}.</p>'
)


def no_study() -> str:
    """Return the text for a home without studies."""
    return NO_STUDY.format(link=link("Auto-optimise", "optimise"))


def latest(study: StudySummary, called: Called = str) -> str:
    """Return the latest study as HTML: state, target, best trial, duration."""
    name, tone = status(study)
    open_it = link("Open the study", "optimise", about=f"Open the study {study.name}", study=study.name)
    header = study.header
    about = f"{header.spec.chosen_strategy} on {called(header.scenario)}, {_sought(study)}, "
    about += f"{header.kind} trials"
    return (
        f'<p class="quiet">{html.chip(name, tone)} {escape(about)}</p>'
        f'<p class="quiet">{escape(_found(study))}. {open_it}</p>'
    )


def _sought(study: StudySummary) -> str:
    return "trade-offs, no target" if study.target is None else f"target {study.target.text(PAGE)}"


def status(study: StudySummary) -> tuple[str, html.Tone]:
    """Return a study's status as a text with its tone."""
    return study_state(study)


def best(study: StudySummary) -> str:
    """Return what the best trial reaches, and how far that is from the target, where one is sought."""
    target = study.target
    if target is None or study.reached is None:
        return "a best found" if study.converged else "no feasible trial yet"
    gap = "" if study.gap_pp is None else f", {target.gap_text(study.gap_pp / PP, 2, PAGE)} to go"
    return f"best {target.measure.text(study.reached, form=PAGE)}{gap}"


def _found(study: StudySummary) -> str:
    took = "" if study.seconds is None else f", {seconds(study.seconds)}"
    found = best(study)
    return f"{found[0].upper()}{found[1:]}; {counted(study.trials, 'trial')}{took}"


SHOWN = 6  # items; the others are counted
STUDIES_SHOWN = 2
UNDER_WAY = frozenset({"waiting", "running"})
CENSUS_JOBS = frozenset(kind for kind in JobKind if kind.is_census)
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
    """One thing to do, with a link: its text, page and selection."""

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
    statuses: Sequence[ScenarioStatus],
    studies: Sequence[StudySummary],
    called: Called = str,
    fired: Sequence[Mapping[str, Any]] = (),
) -> list[Item]:
    """Return what needs attention: unsaved edits, then triggers that fired on the plan, then failures.

    `called` gives a scenario's title, `fired` are the triggers.
    """
    return [
        *_draft(called(draft_of), edits),
        *_triggers(fired),
        *(_job(job) for job in _unrepaired(jobs)),
        *(_job(job) for job in jobs if job.state in UNDER_WAY),
        *(_scenario(item, called) for item in statuses if item.state != "deleted"),
        *_studies(studies, called),
    ]


def list_items(items: Sequence[Item]) -> str:
    """Return the items as a list with links, or the next step when the list is empty."""
    if not items:
        return (
            '<p class="quiet">Nothing to do: every scenario is simulated with its stored values, nothing is '
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


def _triggers(fired: Sequence[Mapping[str, Any]]) -> list[Item]:
    """Return one thing to do for all triggers of the plan in force, with the worst of them."""
    if not fired:
        return []
    worst = min(fired, key=lambda one: one["severity"] != Risk.HIGH)
    more = f" and {len(fired) - 1} more" if len(fired) > 1 else ""
    what = f"Actuals are off the released plan: {worst['trigger']}{more}"
    why = (
        f"{percent(worst['deviation'], sign=True)} from the plan on {worst['on']}; "
        f"{worst['recommended']} recommended"
    )
    return [Item(what, why, "Show", "release", {}, "bad" if worst["severity"] == Risk.HIGH else "warn")]


def _unrepaired(jobs: Sequence[JobLike]) -> list[JobLike]:
    """Return the failed jobs that no later job of the same kind and scenario repaired; newest first."""
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
    if job.kind in CENSUS_JOBS and job.state in BROKEN:
        return Item(job.title, f"{job.state}: see why, and try again", "Show", "run", {"job": job.id}, "bad")
    if job.state in UNDER_WAY:
        share = "" if job.share is None else f", {percent(job.share, 0)} done"
        return Item(job.title, f"{job.state}{share}", "Watch", "run", {"job": job.id})
    return Item(
        job.title, f"{job.state}: see why, and run it again", "Show", "run", {"scenario": job.scenario}, "bad"
    )


def _scenario(item: ScenarioStatus, called: Called) -> Item:
    name = called(item.scenario)
    if item.state == "never":
        return Item(name, "never simulated", "Run", "run", {"scenario": item.scenario})
    return Item(
        name, f"out of date: {with_levels(item.why)}", "Run", "run", {"scenario": item.scenario}, "warn"
    )


def _studies(studies: Sequence[StudySummary], called: Called) -> list[Item]:
    found = [
        Item(
            f"Study on {called(study.header.scenario)}, {_sought(study)}: no scenario made of its best trial",
            f"{study.header.spec.chosen_strategy}, {best(study)}; {moment(study.updated_at)}",
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


RANK: Mapping[str, int] = {"failed": 0, "passed with warnings": 1, "passed": 2}
NAMED = 2  # failed expectations that are named; the details have them all


def gates(results: Sequence[Result]) -> list[tuple[Result, GateResult]]:
    """Return every result with its gate, the worst first, then by name."""
    found = [(result, GateResult.from_json(result.manifest["gate"])) for result in results]
    return sorted(found, key=lambda pair: (RANK[pair[1].status], -len(pair[1].failed), pair[0].label))


def list_gates(results: Sequence[Result]) -> str:
    """Return the gates as a list; a link shows a scenario with what its gate found."""
    return f'<ul class="items">{"".join(_gate_item(*pair) for pair in gates(results))}</ul>'


def _gate_item(result: Result, gate: GateResult) -> str:
    name = link(result.label, "overview", about=f"Show {result.label}", scenario=result.scenario)
    held = f"{gate.evaluated - len(gate.failed)} of {gate.evaluated} hold"
    chip = html.chip(gate.status.capitalize(), GATE_TONES[gate.status])
    why = f'<span class="why bad">{escape(_failed(gate))}</span>' if gate.blocks else ""
    return (
        f'<li><span class="what">{name}</span>'
        f'<span class="act"><span class="quiet">{held}</span>&ensp;{chip}</span>{why}</li>'
    )


def _failed(gate: GateResult) -> str:
    critical = [check.expectation for check in gate.failed if check.severity == "critical"]
    more = len(critical) - NAMED
    return "not met: " + ", ".join(critical[:NAMED]) + (f" and {more} more" if more > 0 else "")
