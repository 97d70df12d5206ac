"""What a report rests on: a finished study as recorded, and what the templates show of it."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from planwise.engine.outcome import Kpis
from planwise.equity.reasons import gap_reason
from planwise.errors import InputError
from planwise.formatting import PAGE, count, in_currency, money, number, percent, points, ratio
from planwise.governance.request import ScenarioRequest
from planwise.parameters import Lever, catalogue
from planwise.risk.worlds import LUCK, MEANS
from planwise.settings import Settings
from planwise.study.constraints import PAYROLL, held_text, violated
from planwise.study.post_analysis import NOT_COMPUTED
from planwise.study.queries import load_view
from planwise.study.report import charts
from planwise.study.space import members
from planwise.study.spec import StudyHeader
from planwise.study.target import Target
from planwise.study.trial import NO_CANDIDATES, Trial, TrialPurpose


@dataclass(frozen=True)
class LeverChange:
    """A changed lever, all values in its own unit; `alone` is what it adds to the target by itself."""

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
    def target(self) -> Target | None:
        """The target; None for a study without one."""
        return self.header.spec.sought

    @property
    def measure(self) -> str:
        """What the study is judged by."""
        return self.header.spec.goal.measure.label

    def above(self, trial: Trial) -> float | None:
        """Return how far a trial is above the target, as a share; None without both."""
        if trial.evaluation is None or self.target is None:
            return None
        return self.target.share(trial.evaluation.kpis) - self.target.goal

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

    @property
    def impact(self) -> Mapping[str, Any] | None:
        """The effect of each lever alone on the target's measure; of older results, on growth."""
        figures = self.finding("parameter_impact") or {}
        found: Mapping[str, Any] | None = figures.get("target", figures.get("growth_compound"))
        return found

    @cached_property
    def lever_changes(self) -> list[LeverChange]:
        """The changed levers, with the effect and the risk of each."""
        impact = self.impact or {}
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
    return catalogue().levers.get(members(name)[0].partition("@")[0])


# Where it ran, how fast and under which name does not belong to the question.
OF_THE_RUN = {"timeout_seconds": None, "workers": 1, "save_as": None}


def optimize_command(evidence: Evidence) -> str:
    """Return the command that puts the same question to the same scenario and census."""
    request = evidence.header.repeated().model_copy(update=OF_THE_RUN)
    return shlex.join(["planwise", "optimize", *request.command_options()])


def simulate_command(evidence: Evidence) -> str:
    """Return the command that simulates the answer with every mart."""
    study = evidence.header.repeated()
    new = {name: moved["new"] for name, moved in evidence.result["changes"].items()}
    fields = {name: getattr(study, name) for name in ScenarioRequest.model_fields}
    request = ScenarioRequest(**{**fields, "levers": {**study.levers, **new}})
    return shlex.join(["planwise", "simulate", *request.command_options()])


Verdict = Literal["no target", "constraints", "out of reach", "met", "missed"]
Format = Callable[[Any], str]


def _ratio(value: Any) -> str:
    return ratio(value, 4)


def _ratio_change(value: Any) -> str:
    return ratio(value, 4, sign=True)


def _rate(value: Any) -> str:
    return percent(value, 2)


def _count_change(value: Any) -> str:
    return count(value, sign=True)


def _money_change(value: Any) -> str:
    return money(value, sign=True)


GAP = "adjusted_gap_max"
# A KPI of the last year, its label, the formats of its value and of its difference.
STRUCTURE: tuple[tuple[str, str, Format, Format], ...] = (
    ("headcount", "employees", count, _count_change),
    ("mean_base_pay", "mean base pay", money, _money_change),
    ("median_base_pay", "median base pay", money, _money_change),
    ("mean_compa_ratio", "mean compa-ratio", _ratio, _ratio_change),
    ("mean_market_ratio", "mean compa-ratio to market", _ratio, _ratio_change),
    ("within_level_cv", "spread within levels (coefficient of variation)", _rate, points),
    (GAP, "pay equity: largest adjusted gap (log points)", _rate, points),
    ("median_gap", "median gap of women against men", _rate, points),
    ("below_minimum", "employees below their range", count, _count_change),
    ("above_maximum", "employees at or above the top of their range", count, _count_change),
    ("raise_min", "smallest raise of the year", _rate, points),
    ("raise_max", "largest raise of the year", _rate, points),
)


@dataclass(frozen=True)
class TrialRow:
    """A trial, the levers that it moved most first, and how far it is above the target, a share."""

    trial: Trial
    is_result: bool
    moves: list[str]
    gap: float | None


@dataclass(frozen=True)
class Report:
    """A study's report: its evidence, and what the templates need beyond it."""

    evidence: Evidence

    @property
    def title(self) -> str:
        """The report's title."""
        return f"Evidence report: {self.evidence.name}"

    @property
    def subtitle(self) -> str:
        """The study's scenario, census and time of creation."""
        about = self.evidence.about
        census = f", census {about['census']}" if about.get("census") else ""
        created = str(about.get("created_at", ""))[:19].replace("T", " ")
        return f"Scenario {about.get('scenario', 'n/a')}{census}; created {created} UTC"

    @property
    def verdict(self) -> Verdict:
        """How the result relates to the target."""
        result = self.evidence.result
        if self.evidence.target is None:
            return "no target"
        if result["nearest"] is not None:
            return "constraints" if self.violated else "out of reach"
        return "met" if result["converged"] else "missed"

    def reached(self, value: float | None, decimals: int = 2) -> str:
        """Return a figure of the target's measure in words."""
        return self.evidence.header.spec.goal.measure.text(value, decimals, PAGE)

    def meaning(self, drawn: str | None) -> str:
        """Return what is drawn in plain words; studies of earlier versions drew luck alone."""
        return " ".join(MEANS[drawn or LUCK])

    def gap(self, share: float, decimals: int = 2) -> str:
        """Return a distance from the target in words."""
        return self.evidence.header.spec.goal.gap_text(share, decimals, PAGE)

    @property
    def target_text(self) -> str:
        """The target in words."""
        return self.evidence.header.spec.goal.text(PAGE)

    @property
    def violated(self) -> list[str]:
        """The constraints that the result violates."""
        return violated(self.evidence.result["constraints"])

    def held(self, constraint: Mapping[str, Any]) -> str:
        """Return whether a constraint holds, in words."""
        return held_text(constraint)

    @property
    def objective(self) -> str:
        """The result's score, and its parts times their weights."""
        score = self.evidence.result["objective"]
        weights = score.get("weights") or {}
        parts = " + ".join(f"{name} {number(score[name])} × {weight:g}" for name, weight in weights.items())
        return f"{number(score['value'])} = {parts}" if parts else number(score["value"])

    @property
    def declared_changes(self) -> list[tuple[LeverChange, Lever]]:
        """The changed levers that are still declared, with their declarations."""
        return [(change, change.lever) for change in self.evidence.lever_changes if change.lever]

    @property
    def has_bridge(self) -> bool:
        """Whether the KPIs split growth into its parts."""
        kpis = self.evidence.kpis
        return bool(self.evidence.baseline and kpis) and "bridge_cola" in kpis[0]

    @property
    def years(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The KPIs of each year, before and after."""
        pairs = zip(self.evidence.baseline, self.evidence.kpis, strict=True)
        return [row for old, new in pairs for row in (("before", old), ("after", new))]

    @property
    def structure(self) -> list[tuple[str, str, str, str]]:
        """The last year's pay structure, formatted: label, before, after, difference."""
        if not self.evidence.baseline or not self.evidence.kpis:
            return []
        before, after = self.evidence.baseline[-1], self.evidence.kpis[-1]
        rows = []
        for name, label, show, show_change in STRUCTURE:
            if name in before and name in after:
                old, new = before[name], after[name]
                change = None if old is None or new is None else new - old
                if name == GAP and new is None:
                    label = f"{label}; cannot be measured: {gap_reason(after)}"
                rows.append((label, show(old), show(new), show_change(change)))
        return rows

    @property
    def slopes(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The sensitivity of the target to each lever, largest first; empty where it was not computed."""
        found = (self.evidence.finding("sensitivity") or {}).get("by_lever")
        if not isinstance(found, Mapping):
            return []
        return sorted(found.items(), key=lambda item: -abs(item[1]["per_width"] or 0.0))

    @property
    def front_marks(self) -> Mapping[int, str]:
        """The marked trials of the front."""
        picks = self.evidence.result.get("picks") or {}
        return {trial: "pick" for trial in picks.get("diverse", ())} | {picks.get("knee"): "knee"}

    @property
    def candidate_rows(self) -> list[TrialRow]:
        """The trials of the convergence chart; empty without a target."""
        return [self._row(t) for t in self.evidence.candidates] if self.evidence.target is not None else []

    @property
    def other_rows(self) -> list[TrialRow]:
        """The trials that the convergence chart leaves out."""
        shown = {row.trial.number for row in self.candidate_rows}
        return [self._row(trial) for trial in self.evidence.trials if trial.number not in shown]

    @property
    def commands(self) -> str:
        """The commands that repeat the study and simulate its result."""
        return f"{optimize_command(self.evidence)}\n{simulate_command(self.evidence)}"

    def limited(self, name: str, value: float | None) -> str:
        """Return a figure of a constraint in words."""
        return money(value) if name == PAYROLL else number(value, 6)

    @cached_property
    def charts(self) -> Mapping[str, str]:
        """The charts that the evidence allows, by name, as SVG."""
        with in_currency(self.evidence.header.currency):
            return self._drawn()

    def _drawn(self) -> Mapping[str, str]:
        evidence, drawn = self.evidence, {}
        result, target, tolerance = evidence.result, evidence.target, evidence.tolerance
        if self.declared_changes:
            drawn["levers"] = charts.levers(
                [(c.name, lever, c.old, c.new) for c, lever in self.declared_changes]
            )
        if result.get("front"):
            drawn["front"] = charts.front(result["front"], result.get("picks") or {})
        if self.has_bridge:
            drawn["bridge"] = charts.bridge(evidence.baseline, evidence.kpis)
        if evidence.finding("cost_impact") and evidence.baseline:
            limits = [c["limit"] for c in result["constraints"] if c["name"] == PAYROLL and c.get("limit")]
            drawn["cost"] = charts.cost(evidence.baseline, evidence.kpis, limits[0] if limits else None)
        if robustness := evidence.finding("robustness"):
            goal = evidence.header.spec.goal
            unit = goal.value if goal.measure.is_amount else 1.0
            seeds = [value / unit for value in robustness["reached_by_seed"]]
            own = goal.share(evidence.kpis)
            aim = None if target is None else target.goal
            drawn["robustness"] = charts.robustness(seeds, aim, tolerance, own, evidence.measure)
        if self.slopes:
            widths = {name: s["per_width"] for name, s in self.slopes if s["per_width"] is not None}
            drawn["sensitivity"] = charts.sensitivity(widths, evidence.measure)
        if target is not None and evidence.candidates:
            above = [(t, found) for t in evidence.candidates if (found := evidence.above(t)) is not None]
            drawn["convergence"] = charts.convergence(above, tolerance, result.get("trial"))
        return drawn

    def _row(self, trial: Trial) -> TrialRow:
        gap = self.evidence.above(trial)
        is_result = trial.number == self.evidence.result.get("trial")
        return TrialRow(trial, is_result, self._moves(trial), gap)

    def _moves(self, trial: Trial) -> list[str]:
        """Return the moved levers with their values, by width of their recommended range, widest first."""
        result, moves = self.evidence.result, []
        for name, value in trial.levers.items():
            key = members(name)[0]
            change, lever = result["changes"].get(key), declared_lever(name)
            old = change["old"] if change else result["levers"].get(key)
            if lever is not None and old is not None and value != old:
                low, high = lever.recommended
                moves.append((abs(value - old) / (high - low), f"{name} {value:.4g}"))
        return [text for _, text in sorted(moves, reverse=True)]
