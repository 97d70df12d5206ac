"""What a report rests on: a finished study as it was recorded, and the declared ranges of its levers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from planwise.engine.outcome import Kpis
from planwise.errors import InputError
from planwise.parameters import Lever, catalogue
from planwise.settings import Settings
from planwise.study.post_analysis import NOT_COMPUTED
from planwise.study.queries import load_view
from planwise.study.spec import StudyHeader
from planwise.study.trial import NO_CANDIDATES, Trial, TrialPurpose


@dataclass(frozen=True)
class LeverChange:
    """A changed lever, all values in its own unit; `alone` is the growth it adds by itself, a rate."""

    name: str
    old: float
    new: float
    lever: Lever | None
    alone: float | None
    risk: str | None
    old_by_year: Mapping[str, float] | None


@dataclass(frozen=True)
class Evidence:
    """A finished study: its question, trials and result; `finding` is None for what was not computed."""

    name: str
    about: Mapping[str, Any]
    trials: tuple[Trial, ...]
    result: Mapping[str, Any]

    @property
    def question(self) -> Mapping[str, Any]:
        """The study's settings."""
        question: Mapping[str, Any] = self.about["question"]
        return question

    @cached_property
    def header(self) -> StudyHeader:
        """What the study stored when it started."""
        return StudyHeader.from_json(self.about)

    @property
    def target(self) -> float | None:
        """The target growth, a rate; None for a study without a target."""
        return self.header.spec.sought_growth

    @property
    def tolerance(self) -> float:
        """The tolerance around the target, a rate."""
        return self.header.spec.tolerance

    def finding(self, key: str) -> Mapping[str, Any] | None:
        """Return a part of the result; None when it was not computed."""
        part = self.result.get(key)
        return part if isinstance(part, Mapping) else None

    def why_not(self, key: str) -> str:
        """Return why a part of the result was not computed."""
        part = self.result.get(key)
        return part if isinstance(part, str) else NOT_COMPUTED

    @cached_property
    def baseline(self) -> Kpis:
        """The unchanged scenario's KPIs by year; empty where its evaluation is missing."""
        return next(
            (t.evaluation.kpis for t in self.trials if t.purpose == TrialPurpose.BASELINE and t.evaluation),
            [],
        )

    @property
    def kpis(self) -> Kpis:
        """The result's KPIs by year."""
        kpis: Kpis = self.result["kpis"]
        return kpis

    @cached_property
    def candidates(self) -> list[Trial]:
        """The evaluated trials that could have become the result."""
        return [t for t in self.trials if t.evaluation and t.seed is None and t.purpose not in NO_CANDIDATES]

    @cached_property
    def lever_changes(self) -> list[LeverChange]:
        """The changed levers, with the effect and the risk of each."""
        impact = (self.finding("parameter_impact") or {}).get("growth_compound", {})
        risks = (self.finding("risk") or {}).get("levers", {})
        return [
            LeverChange(
                name=name,
                old=float(change["old"]),
                new=float(change["new"]),
                lever=declared_lever(name),
                alone=impact.get("alone", {}).get(name),
                risk=risks.get(name, risks.get(name.partition("@")[0])),
                old_by_year=change.get("old_by_year"),
            )
            for name, change in self.result["changes"].items()
        ]


def gather_evidence(settings: Settings, name: str) -> Evidence:
    """Read a study; raises InputError for an unknown study or one without a result."""
    view = load_view(settings, name)
    if view.result is None:
        raise InputError(
            f"The study {name!r} has no result: it is {view.about.get('state', 'not finished')}.",
            remedy=f"Wait until it finishes, or continue it: planwise optimize --resume {name}",
        )
    return Evidence(view.name, view.about, view.trials, view.result)


def declared_lever(name: str) -> Lever | None:
    """Return a lever's declaration, by its name or name@year; None when it is no longer declared."""
    return catalogue().levers.get(name.partition("@")[0])
