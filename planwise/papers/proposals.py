"""The facts of the decision record of a proposal, and of the page about it for those who decide."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from planwise import formatting
from planwise.formatting import PAGE, count, moment, money_short, percent, shortened
from planwise.governance.chain import Head
from planwise.governance.proposals import ReleaseProposal
from planwise.governance.publications import PROD, Publication, load_publication, published_scenarios
from planwise.governance.scenarios import titled
from planwise.papers.layout import Paper, Row, compose, footer_of, in_words
from planwise.papers.summary import alternatives, plan_figures
from planwise.release.actuals import REVIEW_DAYS, TRIGGERS
from planwise.release.assessment import HIGH_POINTS, MEDIUM_POINTS, lever_text
from planwise.settings import Settings
from planwise.study.study_files import read_result
from planwise.study.target import Target

TARGET_TOLERANCE_PP = 0.2
LEVERS_SHOWN, GROUPS_SHOWN, FACTORS_SHOWN, ALTERNATIVES_SHOWN = 12, 8, 5, 5  # it stays one page
PARTS_SHOWN = 4  # values of one part of what a proposal is bound to
TEXT_SHOWN = 420  # characters of the rationale there
NO_RATIONALE = "No rationale was given."
IN_FORCE = "the release in force"
Kind = Literal["decision", "executive"]
Called = Callable[[str], str]  # what a scenario is called, by its name


def proposal_paper(
    settings: Settings, proposal: ReleaseProposal, head: Head, kind: Kind, titles: Mapping[str, str]
) -> Paper:
    """Return the decision record of a proposal, or one page about it for those who decide.

    `titles` are those of scenarios, by name.
    """
    shown = {name: shortened(title) for name, title in titles.items()}
    published = _published(settings, proposal)
    study = None if proposal.study is None else read_result(settings, proposal.study)

    def called(name: str) -> str:
        return titled(name, shown)

    with formatting.in_currency("" if published is None else published.currency):
        facts = {
            "proposal": proposal,
            "called": called,
            "study": study,
            "impact_class": proposal.assessment["impact_class"],
            **_levers(proposal, kind),
            **_effects(proposal, kind, called),
            **_risk(proposal, kind),
            **_alternatives(settings, proposal, published, study, called),
            **(_record(proposal, study) if kind == "decision" else {}),
        }
        return compose(kind, facts, footer_of(head))


def _published(settings: Settings, proposal: ReleaseProposal) -> Publication | None:
    """Return the scenario's result; None when it was deleted since."""
    is_there = proposal.scenario in published_scenarios(settings)
    return load_publication(settings, proposal.scenario) if is_there else None


def _shown(rows: Sequence[Any], most: int, kind: Kind) -> Sequence[Any]:
    return rows if kind == "decision" else rows[:most]


def _levers(proposal: ReleaseProposal, kind: Kind) -> dict[str, Any]:
    found = proposal.assessment
    shown = _shown(found["levers"], LEVERS_SHOWN, kind)
    text = " ".join((proposal.rationale or NO_RATIONALE).split())
    if len(text) > TEXT_SHOWN:
        text = f"{text[: TEXT_SHOWN - 1].rstrip()}…"
    return {
        "summary": text if kind == "executive" else "",
        "levers": [
            (
                row["label"],
                "all" if row["years"] is None else ", ".join(map(str, row["years"])),
                lever_text(row["lever"], row["old"]),
                lever_text(row["lever"], row["new"]),
                "from 0" if row["rate"] is None else percent(row["rate"], sign=True),
            )
            for row in shown
        ],
        "more_levers": len(found["levers"]) - len(shown),
        "assumed": ", ".join(dict.fromkeys(row["label"] for row in found["assumptions"])),
    }


def _effects(proposal: ReleaseProposal, kind: Kind, called: Called) -> dict[str, Any]:
    found = proposal.assessment
    costs, people = found["costs"], found["people"]
    years = [] if costs is None else costs["years"]
    groups = [] if costs is None else [group for group in people["groups"] if group["people"]]
    return {
        "effects": found["effects"],
        "budget": found["effects"]["budget"]["value"],
        "costs": costs,
        "people": people,
        "against": IN_FORCE if found["against"] == PROD else called(found["against"] or ""),
        "payrolls": [
            (
                str(year["simulation_year"]),
                *(money_short(year["payroll"][name]) for name in ("before", "after")),
                money_short(year["payroll"]["difference"], sign=True),
            )
            for year in years
        ],
        "groups": [
            (
                _group_name(group),
                *(count(group[name]) for name in ("people", "gain", "lose")),
                money_short(group["difference"], sign=True),
                percent(group["median_rate"], 2, sign=True),
            )
            for group in _shown(groups, GROUPS_SHOWN, kind)
        ],
    }


def _group_name(group: Mapping[str, Any]) -> str:
    if group["attribute"] == "all":
        return str(group["group"]).capitalize()
    mark = "" if group["attribute"] == "level" else ":"
    return f"{group['attribute'].replace('_', ' ').capitalize()}{mark} {group['group']}"


def _risk(proposal: ReleaseProposal, kind: Kind) -> dict[str, Any]:
    risk = proposal.assessment["risk"]
    report = risk["report"]
    return {
        "risk": risk,
        "medium_points": MEDIUM_POINTS,
        "high_points": HIGH_POINTS,
        "causes": ", ".join(
            f"{name} {'not measured' if one['value'] is None else format(one['value'], '.2f')}"
            for name, one in report["components"].items()
        ),
        "factors": [
            (one["text"], one["component"], f"{one['weight']:.2f}")
            for one in _shown(report["factors"], FACTORS_SHOWN, kind)
        ],
        "mitigations": report["mitigations"],
        "unknown_risks": report["not_measured"],
    }


def _alternatives(
    settings: Settings,
    proposal: ReleaseProposal,
    own: Publication | None,
    study: Mapping[str, Any] | None,
    called: Called,
) -> dict[str, Any]:
    """Return the other answers of the study, else the other results on the same census."""
    if answers := (study or {}).get("answers"):
        plans = [(one, one["name"], one["risk"]["level"]) for one in answers[:ALTERNATIVES_SHOWN]]
        return {"others": {"source": "study", "any": True}, "other_plans": [_plan_row(*one) for one in plans]}
    if own is None:
        return {"others": {"source": "gone"}, "other_plans": []}
    year = int(own.manifest["years"][0])
    others = alternatives(settings, own, year)[:ALTERNATIVES_SHOWN]
    proposed = plan_figures(own, year) or {}
    plans = [
        (one, called(one["scenario"]) + (", proposed" if one is proposed else ""), one["risk"])
        for one in (proposed, *others)
        if "risk" in one
    ]
    source = {"source": "results", "any": bool(others), "year": year}
    return {"others": source, "other_plans": [_plan_row(*one) for one in plans]}


def _plan_row(plan: Mapping[str, Any], name: str, risk: object) -> Row:
    costs = (money_short(plan[figure]) for figure in ("increase_cost", "payroll"))
    return (name, percent(plan["increase_rate"], 2), *costs, str(risk))


def _record(proposal: ReleaseProposal, study: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what only a decision record has: who decided, on what, and how it will be judged."""
    decided = proposal.approvals[-1].at if proposal.approvals else proposal.submitted_at
    target = None if study is None else Target.from_json(study["target"])
    reached = (study or {}).get("reached")
    unit = "%" if target is not None and target.measure.is_amount else "pp"
    return {
        "record": f"OPT-{decided:%Y%m%d}-{proposal.scenario}",
        "makers": ", ".join(review.by for review in proposal.approvals),
        "review": (decided + timedelta(days=REVIEW_DAYS)).date(),
        "rationale": proposal.rationale or NO_RATIONALE,
        "target": "" if target is None else target.text(PAGE),
        "tolerance": f"{TARGET_TOLERANCE_PP} {unit}",
        "reached": "not measured"
        if target is None or reached is None
        else target.measure.text(reached, form=PAGE),
        "triggers": [
            (
                f"{trigger.metric.replace('_', ' ').capitalize()} as planned",
                f"less than {abs(trigger.limit):.0%} {'over' if trigger.limit > 0 else 'under'} the plan",
            )
            for trigger in TRIGGERS
        ],
        "reviews": [(in_words(one.action), one.by, moment(one.at), one.comment) for one in proposal.reviews],
        "binding": list(_binding(proposal)),
    }


def _binding(proposal: ReleaseProposal) -> Iterator[Row]:
    for part, value in proposal.binding.items():
        if isinstance(value, Mapping) and len(value) <= PARTS_SHOWN:
            yield part, ", ".join(f"{name} {one}" for name, one in value.items())
        else:
            yield part, f"{len(value)} values" if isinstance(value, Mapping | list) else str(value)
