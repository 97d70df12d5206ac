"""What a report rests on: a study as it is read back, and the ranges that its levers were declared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from planwise.engine.outcome import Kpis
from planwise.errors import InputError
from planwise.parameters import Lever, catalogue
from planwise.settings import Settings
from planwise.study.answer.findings import NOT_COMPUTED
from planwise.study.trials.trial import NO_CANDIDATES, Trial, TrialPurpose
from planwise.study.trials.views import view_of


@dataclass(frozen=True)
class Evidence:
    """A study that has ended: its question, its trials, its result as it was written.

    An older result lacks what was not computed then: `found` says so.
    """

    name: str
    about: Mapping[str, Any]
    trials: tuple[Trial, ...]
    result: Mapping[str, Any]

    @property
    def question(self) -> Mapping[str, Any]:
        """What was asked."""
        asked: Mapping[str, Any] = self.about["question"]
        return asked

    @property
    def target(self) -> float | None:
        """The growth that was sought, a rate; None where none was."""
        objectives = [name for name, _ in self.question.get("objectives") or ()]
        sought = not objectives or "targets" in objectives
        return float(self.question["target_growth"]) if sought else None

    @property
    def tolerance(self) -> float:
        """How near is near enough, a rate."""
        return float(self.question["tolerance"])

    def found(self, key: str) -> Mapping[str, Any] | None:
        """Return a part of the result; None when it was not computed."""
        part = self.result.get(key)
        return part if isinstance(part, Mapping) else None

    def why_not(self, key: str) -> str:
        """Return why a part of the result was not computed."""
        part = self.result.get(key)
        return part if isinstance(part, str) else NOT_COMPUTED

    @cached_property
    def baseline(self) -> Kpis:
        """The scenario's KPIs as it is; empty where its evaluation is not there."""
        return next(
            (t.evaluation.kpis for t in self.trials if t.purpose == TrialPurpose.BASELINE and t.evaluation),
            [],
        )

    @property
    def kpis(self) -> Kpis:
        """The answer's KPIs."""
        kpis: Kpis = self.result["kpis"]
        return kpis

    @cached_property
    def search(self) -> list[Trial]:
        """The trials that looked for the answer: none about it, none under another seed."""
        return [t for t in self.trials if t.seed is None and t.purpose not in NO_CANDIDATES]

    def lever(self, name: str) -> Lever | None:
        """Return a lever's declaration, by its name or name@year; None when it is not declared any more."""
        return catalogue().levers.get(name.partition("@")[0])


def evidence_of(settings: Settings, name: str) -> Evidence:
    """Read a study; raises InputError when there is none of that name or it has no result yet."""
    view = view_of(settings, name)
    if view.result is None:
        raise InputError(
            f"The study {name!r} has no result: it is {view.about.get('state', 'not finished')}.",
            remedy=f"Let it end, or go on with it: planwise optimize --resume {name}",
        )
    return Evidence(view.name, view.about, view.trials, view.result)
