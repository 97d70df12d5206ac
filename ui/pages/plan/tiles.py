"""Key figures of the plan: the increase budget first, what is left of it, then payroll, growth and people."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from planwise.equity.reasons import MARKET_REASONS, gap_reason
from planwise.errors import InputError
from planwise.formatting import count, exact_percent, money, money_short, percent, points, ratio
from planwise.parameters import EffectiveParameters
from ui.components.html import Kpi, Tone

ON_TARGET_RATE = 0.001  # a study's default tolerance: a tenth of a percentage point
SPENT_RATE = 0.00005  # of a budget: what its two shown decimals round away
RATE_BELOW = 50.0  # a number without a unit up to here is a percentage, above it an amount
SCALES = {"": 1.0, "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9}
_BUDGET = re.compile(
    r"(?P<mark>[^\W\d_]{3}|[^\w\s%.,+-])?\s*(?P<number>\d{1,3}(,\d{3})+(\.\d+)?|\d+([.,]\d+)?)\s*(?P<unit>%|[a-z]*)",
    re.IGNORECASE,
)
Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """One simulation: its KPIs by year."""

    kpis: Sequence[Figures]

    @property
    def years(self) -> tuple[int, ...]:
        """The simulated years."""
        return tuple(int(kpi["simulation_year"]) for kpi in self.kpis)

    def of(self, year: int) -> Figures:
        """Return the KPIs of a year."""
        return next(kpi for kpi in self.kpis if kpi["simulation_year"] == year)


@dataclass(frozen=True)
class RaiseBudget:
    """What raises may cost in a year: a rate of payroll or an amount, and whose budget it is."""

    owner: str
    rate: float | None = None
    amount: float | None = None


def typed_budget(text: str) -> RaiseBudget | None:
    """Return the budget that a person typed (3.5, 3.5%, 24m, $24,000,000); None for nothing typed.

    Raises InputError for a text that is none.
    """
    if not text.strip():
        return None
    found = _BUDGET.fullmatch(text.strip())
    unit = found["unit"].lower() if found else ""
    if found is None or (unit not in SCALES and unit != "%") or (unit == "%" and found["mark"]):
        raise InputError(
            f"{text.strip()!r} is no budget.", remedy="Type a share of payroll (3.5%) or an amount (24m)."
        )
    digits = found["number"]
    digits = digits.replace(",", "") if re.search(r",\d{3}", digits) else digits.replace(",", ".")
    number = float(digits)
    if unit == "%" or (not unit and not found["mark"] and number < RATE_BELOW):
        return RaiseBudget("your budget", rate=number / 100)
    return RaiseBudget("your budget", amount=number * SCALES[unit])


def budget_in_force(typed: str, effective: EffectiveParameters) -> RaiseBudget | None:
    """Return the typed budget, else the market's; None where there is neither, or what was typed is none."""
    try:
        own = typed_budget(typed)
    except InputError:
        own = None
    market = effective.number_or_none("market_budget")
    return own or (None if market is None else RaiseBudget("the market's budget", rate=market))


def left_of(budget: RaiseBudget, kpi: Figures) -> tuple[float, float] | None:
    """Return what the plan leaves of a budget, as a rate and in money; negative is over it.

    An amount is turned into a rate, and a rate into an amount, by the pay that this plan's rate and cost are
    of; without raises, by the payroll at the opening. None where there is no one to get a raise.
    """
    rate, cost = kpi["increase_rate"], float(kpi["increase_cost"])
    if rate is None:
        return None
    pay = cost / rate if rate else float(kpi["payroll"]) - float(kpi["payroll_change"])
    if not pay:
        return None
    if budget.amount is not None:
        return (budget.amount - cost) / pay, budget.amount - cost
    assert budget.rate is not None  # one of the two
    return budget.rate - rate, budget.rate * pay - cost


def tiles(
    base: Side, now: Side, effective: EffectiveParameters, year: int, budget: RaiseBudget | None
) -> tuple[Kpi, ...]:
    """Return the key figures of a year, each with its change from the base scenario and what it means."""
    old, new = base.of(year), now.of(year)
    first = now.years[0]
    span = f"{first}" if year == first else f"{first}–{year}"
    more_money = partial(money_short, sign=True)
    return (
        Kpi(
            f"Increase budget, {year}",
            percent(new["increase_rate"], 2),
            f"{money(new['increase_cost'])} a year; {money_short(new['increase_cost_in_year'])} in "
            f"{year}'s books",
            change=_change(old, new, "increase_rate", points),
            about="Cost of COLA and merit, a full year of each, lump sums included, as a share of the base "
            f"pay of the staff who get them. Lump sums: {money(new['lump_sum_cost'])}.",
        ),
        _left(budget, new),
        Kpi(
            f"Promotions, {year}",
            percent(new["promotion_rate_of_payroll"], 2),
            f"{money(new['promotion_cost'])} a year for {count(new['promotions'])}"
            + (
                f", mean raise {percent(raised)}"
                if (raised := new["promotion_raise_mean"]) is not None
                else ""
            ),
            change=_change(old, new, "promotion_rate_of_payroll", points),
            about="Cost of promotion raises, a full year of each, as a share of the payroll at the "
            "opening. It is not part of the increase budget. The mean raise includes the lift to the new "
            "range's minimum.",
        ),
        Kpi(
            f"Annual payroll, end of {year}",
            money_short(new["payroll"]),
            *_payroll(now, effective.number_or_none("payroll_budget")),
            change=_change(old, new, "payroll", more_money),
            about="Base pay × FTE of all employed at the year's end." + _cash(new),
        ),
        Kpi(
            f"Growth of those who stay, {year}",
            percent(new["growth_continuing"], 2),
            "mean base pay, same people",
            change=_change(old, new, "growth_continuing", points),
            about="Change of mean base pay of the people employed at both ends of the year: what a person "
            "who stays sees, promotions included.",
        ),
        Kpi(
            f"Change in average pay, {span}",
            percent(new["growth_compound"], 2),
            *_against(new["growth_compound"], own_target(effective), new),
            change=_change(old, new, "growth_compound", points),
            about="Growth of mean base pay a year (CAGR), the mix of people included: leavers and hires "
            "move it as raises do.",
        ),
        Kpi(
            f"Headcount, end of {year}",
            count(new["headcount"]),
            f"{count(new['hires'])} hires; voluntary turnover {percent(new['turnover_voluntary'])}",
            change=_change(old, new, "headcount", partial(count, sign=True)),
            about="People employed at the year's end. Voluntary turnover: voluntary exits of people employed "
            f"at the opening, as a share of them. All exits: {percent(new['turnover_total'])} of the average "
            f"headcount. First year: {percent(new['turnover_first_year'])} of hires leave within a year.",
        ),
        Kpi(
            f"Compa-ratio, end of {year}",
            ratio(new["mean_compa_ratio"], 3),
            f"{count(new['below_minimum'])} below range, {count(new['above_maximum'])} at or over",
            change=_change(old, new, "mean_compa_ratio", partial(ratio, decimals=3, sign=True)),
            about="Mean of base pay / midpoint of the level's range. COLA and merit raise pay, the range "
            "adjustment raises the ranges: where both move alike, the compa-ratio stays.",
        ),
        Kpi(
            f"Compa-ratio to market, end of {year}",
            ratio(new["mean_market_ratio"], 3),
            _market(new),
            change=_change(old, new, "mean_market_ratio", partial(ratio, decimals=3, sign=True)),
            about="Mean of base pay / median of the market for the job title, of those whose title is "
            "matched with the survey; P50 is the middle of the market.",
        ),
        Kpi(
            f"Pay gap, end of {year}",
            percent(new["adjusted_gap_max"], 2),
            "adjusted; largest group" if new["adjusted_gap_max"] is not None else gap_reason(new),
            change=_change(old, new, "adjusted_gap_max", points),
            about="The largest gap between groups of people in comparable work, adjusted for level, "
            "department and tenure.",
        ),
    )


def _market(kpi: Figures) -> str:
    """Return the percentile and whose it is, or why there is none."""
    if kpi["mean_market_ratio"] is None:
        return MARKET_REASONS[kpi["market_reason"]]
    return (
        f"P{ratio(kpi['mean_market_position'], 0)} of the market; {percent(kpi['market_share'], 0)} matched"
    )


def own_target(effective: EffectiveParameters) -> float | None:
    """Return the growth target that was set; a default is no one's aim."""
    was_set = effective.tier("target_growth") != "default"
    return effective.number_or_none("target_growth") if was_set else None


def _left(budget: RaiseBudget | None, kpi: Figures) -> Kpi:
    """Return the tile of what is left of a budget; over it is said in words."""
    about = (
        "What the plan's COLA and merit leave of the budget. Without a budget of your own it is the market's "
        "salary-increase budget, an assumption."
    )
    left = None if budget is None else left_of(budget, kpi)
    if budget is None or left is None:
        why = "no budget: type one above" if budget is None else "no one gets a raise"
        return Kpi("Left of the budget", "n/a", why, about=about)
    rate, amount = left
    of = exact_percent(budget.rate) if budget.amount is None else money_short(budget.amount)
    note = f"{money(abs(amount))} {'over' if rate < 0 else 'left of'} {budget.owner}, {of}"
    if abs(rate) < SPENT_RATE:
        return Kpi(
            "Left of the budget", points(0.0, sign=False), note, "spent to the point", "good", about=about
        )
    size = points(abs(rate), sign=False)
    if rate < 0:
        return Kpi("Over the budget", size, note, "over the budget", "bad", about=about)
    return Kpi("Left of the budget", size, note, "within the budget", "good", about=about)


def _against(growth: float | None, target: float | None, kpi: Figures) -> tuple[str, str, Tone]:
    """Return note, verdict and tone of growth against the target; without one, mean and median pay."""
    if growth is None or target is None:
        return f"mean {money(kpi['mean_base_pay'])}, median {money(kpi['median_base_pay'])}", "", ""
    gap = growth - target
    if abs(gap) <= ON_TARGET_RATE:
        return f"target {exact_percent(target)} ({points(gap)})", "on target", "good"
    side = "above" if gap > 0 else "below"
    return f"target {exact_percent(target)}", f"{points(abs(gap), sign=False)} {side}", "warn"


def _payroll(now: Side, budget: float | None) -> tuple[str, str, Tone]:
    """Return note, verdict and tone of the highest payroll of any year against the payroll budget."""
    if budget is None:
        return "no payroll budget is set", "", ""
    highest = max(now.kpis, key=lambda kpi: float(kpi["payroll"]))
    over = float(highest["payroll"]) - budget
    if over > 0:
        year = int(highest["simulation_year"])
        return f"{money_short(budget)} budget in {year}", f"{money_short(over)} over", "bad"
    return f"{money_short(budget)} budget in every year", f"{money_short(-over)} under", "good"


def _cash(kpi: Figures) -> str:
    """Return total cash and employer cost as a sentence, where they are more than base pay."""
    if kpi["employer_cost"] == kpi["payroll"]:
        return ""
    return (
        f" Total cash with target bonuses: {money_short(kpi['total_cash'])}; employer cost: "
        f"{money_short(kpi['employer_cost'])}."
    )


def _change(old: Figures, new: Figures, name: str, write: Callable[[float], str]) -> str:
    """Return the difference of a figure as text; empty where it rounds to nothing or cannot be computed."""
    if old[name] is None or new[name] is None:
        return ""
    text = write(float(new[name]) - float(old[name]))
    return text if any(digit in text for digit in "123456789") else ""
