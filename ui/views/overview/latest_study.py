"""The latest study in two lines, with a link to its page."""

from html import escape

from ui.components import html
from ui.components.linked import link
from ui.values.formatting import count, goal, percent, points, seconds
from ui.values.news import StudyInBrief

NO_STUDY = (
    '<p class="quiet">No study has been run yet. A study looks for the levers that meet a growth target: '
    "{link}, or <code>planwise optimize --target-growth 0.03</code>.</p>"
)


def no_study() -> str:
    """Return what stands in a study's place while there is none."""
    return NO_STUDY.format(link=link("Auto-optimise", "optimise"))


def latest(study: StudyInBrief) -> str:
    """Return how the latest study stands: state, target, best so far, what it took."""
    name, tone = status(study)
    open_it = link("Open the study", "optimise", about=f"Open the study {study.name}", study=study.name)
    target = "trade-offs, no target" if study.target is None else f"target {goal(study.target)}"
    about = f"{study.strategy} on {study.scenario}, {target}, {study.kind} trials"
    return (
        f'<p class="quiet">{html.chip(name, tone)} {escape(about)}</p>'
        f'<p class="quiet">{escape(_found(study))}. {open_it}</p>'
    )


def status(study: StudyInBrief) -> tuple[str, html.Tone]:
    """Return how a study stands, in a word or two."""
    if study.converged is None:
        return study.state.capitalize(), "" if study.state == "running" else "bad"
    if study.target is None:
        return "Ended", ""
    if study.converged:
        return "Converged", "good"
    return ("Target out of reach", "bad") if study.reachable is False else ("Not converged", "warn")


def best(study: StudyInBrief) -> str:
    """Return the growth of the best trial, and how far that is from the target where one is sought."""
    if study.growth is None:
        return "no feasible trial yet"
    gap = "" if study.target is None else f", {points(study.growth - study.target)} from the target"
    return f"best {percent(study.growth, 2)} a year{gap}"


def _found(study: StudyInBrief) -> str:
    took = "" if study.seconds is None else f", {seconds(study.seconds)}"
    told = best(study)
    return f"{told[0].upper()}{told[1:]}; {count(study.trials)} trials{took}"
