"""The headline figures of one scenario and year."""

from ui.components.html import Kpi, Tone
from ui.values.formatting import count, goal, money, money_short, percent, points, ratio
from ui.values.results import Result

ON_TARGET_RATE = 0.001  # a study's default tolerance: a tenth of a percentage point


def headline(result: Result, year: int) -> tuple[Kpi, ...]:
    """Return growth, pay, headcount, payroll, ranges and turnover, each compared with something."""
    kpi, before = result.kpi(year), result.opening(year)
    since = "the census" if year == result.years[0] else f"{year - 1}"
    compound_verdict, compound_tone = against(kpi["growth_compound"], result.target)
    growth_verdict, growth_tone = against(kpi["growth_all"], result.target)
    target = "no target is set" if result.target is None else f"vs target {goal(result.target)}"
    payroll_growth = kpi["payroll"] / before["payroll"] - 1 if before["payroll"] else None
    return (
        Kpi(
            f"Growth a year (compound), {result.years[0]}–{year}",
            percent(kpi["growth_compound"], 2),
            f"{target}; mean base pay",
            compound_verdict,
            compound_tone,
        ),
        Kpi(
            f"Growth in {year}",
            percent(kpi["growth_all"], 2),
            f"{target}; mean base pay",
            growth_verdict,
            growth_tone,
        ),
        Kpi(
            f"Mean base pay, end of {year}",
            money(kpi["mean_base_pay"]),
            f"median {money(kpi['median_base_pay'])}; full-time annual rate",
        ),
        Kpi(
            f"Headcount, end of {year}",
            count(kpi["headcount"]),
            f"{count(kpi['hires'])} hires, {count(kpi['terminations'])} exits in {year}",
        ),
        Kpi(
            f"Annual payroll, end of {year}",
            money_short(kpi["payroll"]),
            *_budget(kpi["payroll"], result.payroll_budget),
        ),
        Kpi(
            f"Payroll change in {year}",
            money_short(kpi["payroll_change"], sign=True),
            f"{percent(payroll_growth, sign=True)} on {since}",
        ),
        Kpi(
            f"Compa-ratio, end of {year}",
            ratio(kpi["mean_compa_ratio"]),
            f"{count(kpi['below_minimum'])} below range, {count(kpi['above_maximum'])} above",
        ),
        Kpi(
            f"Turnover in {year}",
            percent(kpi["termination_rate"]),
            f"{count(kpi['experienced_terminations'])} of {count(kpi['opening_headcount'])} staff at opening",
        ),
    )


def against(growth: float | None, target: float | None) -> tuple[str, Tone]:
    """Return how far growth is from the target, and whether that is within a tenth of a point."""
    if target is None or growth is None or growth != growth:
        return "", ""
    gap = growth - target
    return points(gap), "good" if abs(gap) <= ON_TARGET_RATE else "warn"


def _budget(payroll: float, budget: float | None) -> tuple[str, str, Tone]:
    if budget is None:
        return "base pay × FTE; no budget is set", "", ""
    within = payroll <= budget
    verdict = "within budget" if within else "over budget"
    return f"{percent(payroll / budget)} of {money_short(budget)}", verdict, "good" if within else "bad"
