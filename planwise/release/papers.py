"""Papers about a proposal and about the audit trail, as Markdown, HTML, PDF or CSV.

A paper is texts and tables; two templates lay every paper out. Each has the head of the audit trail in its
footer, so that a later change of the trail can be found.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from planwise import formatting
from planwise.comparison.summary import HTML, PDF, alternatives, plan_figures, render_pdf, write_as
from planwise.formatting import (
    PAGE,
    count,
    escape_formula,
    escape_markdown,
    moment,
    money_short,
    percent,
    shortened,
)
from planwise.governance.chain import Head
from planwise.governance.proposals import ReleaseProposal
from planwise.governance.publications import PROD, Publication, load_publication, published_scenarios
from planwise.governance.scenarios import titled
from planwise.release.actuals import REVIEW_DAYS, TRIGGERS
from planwise.release.assessment import HIGH_POINTS, MEDIUM_POINTS, lever_text
from planwise.settings import Settings
from planwise.study.study_files import read_result
from planwise.study.target import Target

MARKDOWN, CSV = ".md", ".csv"
TARGET_TOLERANCE_PP = 0.2
LEVERS_SHOWN, GROUPS_SHOWN, FACTORS_SHOWN, ALTERNATIVES_SHOWN = 12, 8, 5, 5  # it stays one page
PARTS_SHOWN = 4  # values of one part of what a proposal is bound to
TEXT_SHOWN = 420  # characters of the rationale there
NO_RATIONALE = "No rationale was given."
IN_FORCE = "the release in force"
Called = Callable[[str], str]  # what a scenario is called, by its name


@dataclass(frozen=True)
class PaperSection:
    """A heading with texts, a table and remarks; the first `words` columns are words, aligned left."""

    title: str
    paragraphs: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    words: int = 1
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class Paper:
    """A paper: the headline is the few figures at its top; `one_page` sets its sections in two columns."""

    title: str
    subtitle: str
    headline: Sequence[tuple[str, str]]
    sections: Sequence[PaperSection]
    footer: str
    one_page: bool = False


def render_html(paper: Paper) -> str:
    """Return the paper as HTML that loads no other file."""
    return _environment(autoescape=True).get_template("paper.html.jinja").render(paper=paper)


def render_markdown(paper: Paper) -> str:
    """Return the paper as Markdown."""
    environment = _environment(
        finalize=lambda value: (
            escape_markdown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        )
    )
    return environment.get_template("paper.md.jinja").render(paper=paper).strip() + "\n"


def render_csv(paper: Paper) -> str:
    """Return the paper's figures as CSV, a line a figure: section, item, values."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("section", "item", "value"))
    writer.writerows(("headline", *map(escape_formula, pair)) for pair in paper.headline)
    for section in paper.sections:
        writer.writerows((section.title, *map(escape_formula, row)) for row in section.rows)
    writer.writerow(("footer", "", paper.footer))
    return text.getvalue()


def write_paper(paper: Paper, file: Path) -> None:
    """Write a paper as its suffix says; raises InputError for another suffix or an unusable place."""
    html = partial(render_html, paper)
    formats: dict[str, Callable[[], bytes]] = {
        MARKDOWN: lambda: render_markdown(paper).encode(),
        HTML: lambda: html().encode(),
        PDF: lambda: render_pdf(html()),
        CSV: lambda: render_csv(paper).encode(),
    }
    write_as(file, formats)


def _environment(**options: Any) -> Environment:
    return Environment(
        loader=ChoiceLoader([PackageLoader(__name__), PackageLoader("planwise.comparison.summary")]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )


def footer_of(head: Head) -> str:
    """Return the version and the head of the audit trail, as every paper ends."""
    own = f"PlanWise {version('planwise')}. Money in the census's currency."
    return f"{own} Audit trail: {head.events} events, head {head.hash}."


def proposal_paper(
    settings: Settings,
    proposal: ReleaseProposal,
    head: Head,
    kind: Literal["decision", "executive"],
    titles: Mapping[str, str],
) -> Paper:
    """Return the decision record of a proposal, or one page about it for those who decide.

    `titles` are those of scenarios, by name.
    """
    shown = {name: shortened(title) for name, title in titles.items()}
    make = {"decision": _decision_record, "executive": _executive_report}[kind]
    published = _published(settings, proposal)
    with formatting.in_currency("" if published is None else published.currency):
        return make(settings, proposal, head, lambda name: titled(name, shown))


def _published(settings: Settings, proposal: ReleaseProposal) -> Publication | None:
    """Return the scenario's result; None when it was deleted since."""
    is_there = proposal.scenario in published_scenarios(settings)
    return load_publication(settings, proposal.scenario) if is_there else None


def _decision_record(settings: Settings, proposal: ReleaseProposal, head: Head, called: Called) -> Paper:
    """Return what was decided about a proposal, by whom, why, and how it will be judged."""
    decided = proposal.approvals[-1].at if proposal.approvals else proposal.submitted_at
    name = f"OPT-{decided:%Y%m%d}-{proposal.scenario}"
    makers = ", ".join(review.by for review in proposal.approvals) or "not decided yet"
    review = (decided + timedelta(days=REVIEW_DAYS)).date()
    return Paper(
        title=f"Decision record {name}",
        subtitle=f"Proposal {proposal.id}, scenario {called(proposal.scenario)}, {proposal.status}",
        headline=(
            ("State", str(proposal.status)),
            ("Decision maker", makers),
            ("Review", review.isoformat()),
        ),
        sections=(
            PaperSection(
                "Context",
                (proposal.rationale or NO_RATIONALE,),
                remarks=(
                    f"Submitted by {proposal.submitted_by} on {moment(proposal.submitted_at)}; "
                    f"written by {', '.join(proposal.authors) or proposal.submitted_by}.",
                ),
            ),
            _study(settings, proposal),
            _levers(proposal, None),
            *_effects(proposal, None, called),
            _risk(proposal, None),
            _alternatives(settings, proposal, called),
            PaperSection(
                "Implementation plan",
                (
                    "Release as a virtual update: the published result becomes the plan in force without "
                    "computing again; the plan before it is kept as a checkpoint.",
                    "Rollback to that checkpoint restores the levers and the plan, again without computing.",
                ),
            ),
            PaperSection(
                "Success criteria",
                columns=("criterion", "limit"),
                rows=tuple(_criteria(settings, proposal)),
                words=9,
            ),
            PaperSection(
                "Approvals",
                () if proposal.reviews else ("No one has decided yet.",),
                ("decision", "by", "on", "comment"),
                tuple(
                    (in_words(one.action), one.by, moment(one.at), one.comment) for one in proposal.reviews
                ),
                words=9,
                remarks=(f"{proposal.approvals_needed} needed, {len(proposal.approvals)} given.",),
            ),
            PaperSection("Bound to", (), ("part", "value"), tuple(_binding(proposal)), words=9),
        ),
        footer=footer_of(head),
    )


def _executive_report(settings: Settings, proposal: ReleaseProposal, head: Head, called: Called) -> Paper:
    """Return what, cost, people, risk and alternatives, as much as one page holds."""
    found = proposal.assessment
    effects, risk = found["effects"], found["risk"]
    rationale = proposal.rationale or NO_RATIONALE
    return Paper(
        title=f"Proposal {proposal.id}: {called(proposal.scenario)}",
        subtitle=f"By {proposal.submitted_by}, {moment(proposal.submitted_at)}; {proposal.status}, "
        f"{len(proposal.approvals)} of {proposal.approvals_needed} approvals",
        headline=(
            ("Cost a year, at most", _text(effects["cost"], _signed)),
            ("People with other pay", _text(effects["employees"], count)),
            ("Risk", risk["level"] or "not measured"),
            ("Impact", found["impact_class"] or "not measured"),
        ),
        sections=(
            _levers(proposal, LEVERS_SHOWN, _shortened(rationale)),
            *_effects(proposal, GROUPS_SHOWN, called),
            _risk(proposal, FACTORS_SHOWN),
            _alternatives(settings, proposal, called),
        ),
        footer=footer_of(head),
        one_page=True,
    )


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= TEXT_SHOWN else f"{flat[: TEXT_SHOWN - 1].rstrip()}…"


def in_words(name: str) -> str:
    """Return the name of an event or decision, such as APPROVAL_ACTION, as words."""
    return name.replace("_", " ").capitalize()


def _signed(value: float) -> str:
    return money_short(value, sign=True)


def _text(measured: Mapping[str, Any], write: Callable[[Any], str]) -> str:
    return "not measured" if measured["value"] is None else write(measured["value"])


def _levers(proposal: ReleaseProposal, shown: int | None, *paragraphs: str) -> PaperSection:
    levers = proposal.assessment["levers"]
    rows = tuple(
        (
            row["label"],
            "all" if row["years"] is None else ", ".join(map(str, row["years"])),
            lever_text(row["lever"], row["old"]),
            lever_text(row["lever"], row["new"]),
            "from 0" if row["rate"] is None else percent(row["rate"], sign=True),
        )
        for row in levers[:shown]
    )
    remarks = [f"and {len(levers) - len(rows)} more"] if len(levers) > len(rows) else []
    if others := proposal.assessment["assumptions"]:
        names = ", ".join(dict.fromkeys(row["label"] for row in others))
        remarks.append(f"The scenario also assumes otherwise: {names}. Its figures are those of both.")
    none = () if levers else ("No lever changes.",)
    return PaperSection(
        "What", (*paragraphs, *none), ("lever", "years", "in force", "proposed", "change"), rows, 2, remarks
    )


def _effects(proposal: ReleaseProposal, shown: int | None, called: Called) -> Iterator[PaperSection]:
    found = proposal.assessment
    effects, costs, people = found["effects"], found["costs"], found["people"]
    if costs is None:
        yield PaperSection("Cost and people", (f"Not measured: {effects['cost']['why']}.",))
        return
    rows = [
        (
            str(year["simulation_year"]),
            *(money_short(year["payroll"][name]) for name in ("before", "after")),
            _signed(year["payroll"]["difference"]),
        )
        for year in costs["years"]
    ]
    against = IN_FORCE if found["against"] == PROD else called(found["against"])
    remarks = [f"Against {against}; payroll is base pay × FTE at year end."]
    if effects["budget"]["value"] is not None:
        budget, highest = effects["budget"]["value"], effects["payroll"]["value"]
        remarks.append(
            f"Highest payroll is {percent(highest / budget)} of the budget of {money_short(budget)}."
        )
    yield PaperSection("Cost", (), ("payroll", "in force", "proposed", "difference"), rows, 1, remarks)
    groups = [group for group in people["groups"] if group["people"]]
    yield PaperSection(
        "People",
        (),
        (f"end of {people['simulation_year']}", "people", "paid more", "paid less", "pay a year", "median"),
        tuple(
            (
                _group_name(group),
                count(group["people"]),
                count(group["gain"]),
                count(group["lose"]),
                _signed(group["difference"]),
                percent(group["median_rate"], 2, sign=True),
            )
            for group in groups[:shown]
        ),
        remarks=("The same people in both plans; groups of fewer than ten are counted together.",),
    )


def _group_name(group: Mapping[str, Any]) -> str:
    if group["attribute"] == "all":
        return str(group["group"]).capitalize()
    mark = "" if group["attribute"] == "level" else ":"
    return f"{group['attribute'].replace('_', ' ').capitalize()}{mark} {group['group']}"


def _risk(proposal: ReleaseProposal, shown: int | None) -> PaperSection:
    risk = proposal.assessment["risk"]
    report = risk["report"]
    parts = ", ".join(
        f"{name} {'not measured' if one['value'] is None else format(one['value'], '.2f')}"
        for name, one in report["components"].items()
    )
    total = "not measured" if risk["total"] is None else f"{risk['total']} points"
    overall = "" if report["overall"] is None else f", overall {report['overall']:.2f} ({report['level']})"
    rows = tuple((one["text"], one["component"], f"{one['weight']:.2f}") for one in report["factors"][:shown])
    return PaperSection(
        f"Risk: {risk['level'] or 'not measured'}",
        (
            f"Size of the change: {total} ({MEDIUM_POINTS} are MEDIUM, {HIGH_POINTS} are HIGH).",
            f"Its causes, from 0 to 1: {parts}{overall}.",
        ),
        ("factor", "part", "weight"),
        rows,
        2,
        (*report["mitigations"], *report["not_measured"]),
    )


def _study(settings: Settings, proposal: ReleaseProposal) -> PaperSection:
    result = None if proposal.study is None else read_result(settings, proposal.study)
    if result is None:
        return PaperSection(
            "Study",
            (
                "The levers were set by hand."
                if proposal.study is None
                else f"The result of {proposal.study} is gone.",
            ),
        )
    target, gap = Target.from_json(result["target"]), result.get("gap_pp")
    reached = result.get("reached")
    return PaperSection(
        f"Study {proposal.study}",
        (),
        ("result", "value"),
        (
            ("Target", target.text(PAGE)),
            ("Reached", "not measured" if reached is None else target.measure.text(reached, form=PAGE)),
            ("Gap, pp", "not measured" if gap is None else f"{gap:.3f}"),
            ("Converged", "yes" if result.get("converged") else "no"),
            ("Strategy, evaluations", f"{result.get('strategy')}, {result.get('evaluations')}"),
        ),
    )


def _alternatives(settings: Settings, proposal: ReleaseProposal, called: Called) -> PaperSection:
    """Return the other answers of the study, else the other results on the same census."""
    columns = ("alternative", "budget", "increases", "payroll", "risk of the plan")
    result = None if proposal.study is None else read_result(settings, proposal.study)
    if answers := (result or {}).get("answers"):
        rows = [
            (
                one["name"],
                percent(one["increase_rate"], 2),
                money_short(one["increase_cost"]),
                money_short(one["payroll"]),
                one["risk"]["level"],
            )
            for one in answers[:ALTERNATIVES_SHOWN]
        ]
        return PaperSection(
            "Alternatives", (), columns, rows, remarks=("Answers of the study; figures of the first year.",)
        )
    own = _published(settings, proposal)
    if own is None:
        gone = f"The result of {called(proposal.scenario)} is no longer published."
        return PaperSection("Alternatives", (gone,))
    year = int(own.manifest["years"][0])
    others = alternatives(settings, own, year)[:ALTERNATIVES_SHOWN]
    proposed = plan_figures(own, year) or {}
    rows = [
        (
            called(one["scenario"]) + (", proposed" if one is proposed else ""),
            percent(one["increase_rate"], 2),
            money_short(one["increase_cost"]),
            money_short(one["payroll"]),
            str(one["risk"]),
        )
        for one in (proposed, *others)
        if "risk" in one
    ]
    none = () if others else ("No other scenario is published on this census.",)
    return PaperSection(
        "Alternatives", none, columns, rows, remarks=(f"Results on this census; figures of {year}.",)
    )


def _criteria(settings: Settings, proposal: ReleaseProposal) -> Iterator[tuple[str, str]]:
    effects = proposal.assessment["effects"]
    result = None if proposal.study is None else read_result(settings, proposal.study)
    if result is not None:
        unit = "%" if (target := Target.from_json(result["target"])).measure.is_amount else "pp"
        yield f"{target.text(PAGE).capitalize()} is met", f"within {TARGET_TOLERANCE_PP} {unit}"
    budget = effects["budget"]["value"]
    if budget is not None:
        yield "The budget is kept", f"payroll up to {money_short(budget)} in every year"
    for trigger in TRIGGERS:
        word = "over" if trigger.limit > 0 else "under"
        yield (
            f"{trigger.metric.replace('_', ' ').capitalize()} as planned",
            f"less than {abs(trigger.limit):.0%} {word} the plan",
        )


def _binding(proposal: ReleaseProposal) -> Iterator[tuple[str, str]]:
    for part, value in proposal.binding.items():
        if isinstance(value, Mapping) and len(value) <= PARTS_SHOWN:
            yield part, ", ".join(f"{name} {one}" for name, one in value.items())
        else:
            yield part, f"{len(value)} values" if isinstance(value, Mapping | list) else str(value)
