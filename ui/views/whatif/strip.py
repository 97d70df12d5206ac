"""The badge and the key figures of a what-if, each with its difference from the base scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from planwise.parameters import EffectiveParameters
from ui.live_preview.values import Previewed
from ui.values.formatting import count, goal, money, money_short, percent, points, ratio, seconds

ON_TARGET_RATE = 0.001  # a study's default tolerance: a tenth of a percentage point
NO_CHANGE = "no change from the base"
Kpi = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """One simulation: its KPIs by year."""

    kpis: Sequence[Kpi]

    @property
    def years(self) -> tuple[int, ...]:
        """The simulated years."""
        return tuple(int(kpi["simulation_year"]) for kpi in self.kpis)

    def of(self, year: int) -> Kpi:
        """Return the KPIs of a year."""
        return next(kpi for kpi in self.kpis if kpi["simulation_year"] == year)


@dataclass(frozen=True)
class Tile:
    """A key figure, how it differs from the base scenario, and what it is measured against."""

    label: str
    figure: str
    change: str
    note: str = ""
    verdict: str = ""
    tone: str = ""


def tiles(base: Side, now: Side, effective: EffectiveParameters, year: int) -> tuple[Tile, ...]:
    """Return the key figures at the end of a year."""
    old, new = base.of(year), now.of(year)
    first = now.years[0]
    span = f"{first}" if year == first else f"{first}–{year}"
    paid = sum(k["prorated_payroll"] for k in now.kpis if k["simulation_year"] <= year)
    paid_before = sum(k["prorated_payroll"] for k in base.kpis if k["simulation_year"] <= year)
    target = effective.number_or_none("target_growth")
    return (
        Tile(
            f"Growth a year, {span}",
            percent(new["growth_compound"], 2),
            _points(old["growth_compound"], new["growth_compound"]),
            *_against(new["growth_compound"], target),
        ),
        Tile(
            f"Annual payroll, end of {year}",
            money_short(new["payroll"]),
            _money(old["payroll"], new["payroll"]),
            *_budget(now, effective.number_or_none("payroll_budget")),
        ),
        Tile(
            f"Base pay paid, {span}",
            money_short(paid),
            _money(paid_before, paid),
            _share(paid_before, paid),
        ),
        Tile(
            f"Mean base pay, end of {year}",
            money(new["mean_base_pay"]),
            _money(old["mean_base_pay"], new["mean_base_pay"]),
            f"median {money(new['median_base_pay'])}",
        ),
        Tile(
            f"Headcount, end of {year}",
            count(new["headcount"]),
            _count(old["headcount"], new["headcount"]),
            f"{count(new['hires'])} hires, {count(new['promotions'])} promoted",
        ),
        Tile(
            f"Turnover in {year}",
            percent(new["termination_rate"], 2),
            _points(old["termination_rate"], new["termination_rate"]),
            f"{count(new['experienced_terminations'])} of {count(new['opening_headcount'])} at opening",
        ),
        Tile(
            f"Compa-ratio, end of {year}",
            ratio(new["mean_compa_ratio"], 3),
            _ratio(old["mean_compa_ratio"], new["mean_compa_ratio"]),
            f"{count(new['below_minimum'])} below range, {count(new['above_maximum'])} above",
        ),
        Tile(
            f"Pay gap, end of {year}",
            percent(new["adjusted_gap_max"], 2),
            _points(old["adjusted_gap_max"], new["adjusted_gap_max"]),
            "adjusted; largest group" if new["adjusted_gap_max"] is not None else "too few to estimate",
        ),
    )


def figures(
    base_name: str, base: Side, now: Side, effective: EffectiveParameters, year: int, answer: Previewed
) -> str:
    """Return badge and key figures; every text is escaped."""
    body = "".join(_tile(tile) for tile in tiles(base, now, effective, year))
    return f'{badge(answer, base_name)}<dl class="kpis">{body}</dl>'


def badge(answer: Previewed, base_name: str) -> str:
    """Return who was simulated (everybody, every time), how long it took, and what it is compared with."""
    people = count(answer.employees)
    took = (
        f"simulated before in {seconds(answer.seconds)}, from cache"
        if answer.from_cache
        else (f"simulated in {seconds(answer.seconds)}")
    )
    return (
        f'<p class="badge" role="status"><span class="exact">{people} of {people} employees</span>'
        f"<span>{escape(took)}</span><span class='against'>compared with {escape(base_name)}</span>"
        f"{_busy(answer.employees)}</p>"
    )


def waiting() -> str:
    """Return what stands there before the first answer."""
    return (
        '<p class="badge preparing" role="status">'
        '<span class="exact">Preparing the first simulation…</span></p>'
        f'<div class="kpis" aria-hidden="true">{_EMPTY * 8}</div>'
    )


_EMPTY = '<div class="kpi"><dt>&nbsp;</dt><dd class="figure">&nbsp;</dd><dd class="change">&nbsp;</dd></div>'


def _busy(employees: int) -> str:
    return f'<span class="busy" aria-hidden="true">simulating {count(employees)} employees…</span>'


def _tile(tile: Tile) -> str:
    change = NO_CHANGE if tile.change == NO_CHANGE else f"<b>{escape(tile.change)}</b> from the base"
    verdict = f'<b class="{tile.tone}">{escape(tile.verdict)}</b> ' if tile.verdict else ""
    return (
        f'<div class="kpi"><dt>{escape(tile.label)}</dt><dd class="figure">{escape(tile.figure)}</dd>'
        f'<dd class="change">{change}</dd><dd class="note">{verdict}{escape(tile.note)}</dd></div>'
    )


def _against(growth: float | None, target: float | None) -> tuple[str, str, str]:
    """Return note, verdict and tone of growth against the target."""
    if growth is None or target is None:
        return "no target is set", "", ""
    gap = growth - target
    if abs(gap) <= ON_TARGET_RATE:
        return f"of {goal(target)} ({points(gap)})", "on target", "good"
    side = "above" if gap > 0 else "short of"
    return f"{side} target {goal(target)}", points(abs(gap)).lstrip("+"), "warn"


def _budget(now: Side, budget: float | None) -> tuple[str, str, str]:
    """Return note, verdict and tone of the highest payroll of any year against the budget."""
    if budget is None:
        return "no budget is set", "", ""
    highest = max(now.kpis, key=lambda kpi: float(kpi["payroll"]))
    over = float(highest["payroll"]) - budget
    if over > 0:
        year = int(highest["simulation_year"])
        return f"the {money_short(budget)} budget in {year}", f"{money_short(over)} over", "bad"
    return f"the {money_short(budget)} budget in every year", f"{money_short(-over)} under", "good"


def _difference(old: Any, new: Any) -> float | None:
    return None if old is None or new is None else float(new) - float(old)


def _points(old: Any, new: Any) -> str:
    return _told(_difference(old, new), points)


def _money(old: Any, new: Any) -> str:
    return _told(_difference(old, new), lambda value: money_short(value, sign=True))


def _count(old: Any, new: Any) -> str:
    return _told(_difference(old, new), lambda value: ("+" if value > 0 else "") + count(value))


def _ratio(old: Any, new: Any) -> str:
    return _told(_difference(old, new), lambda value: ("+" if value > 0 else "") + ratio(value, 3))


def _told(difference: float | None, write: Any) -> str:
    """Return a difference as text; one that rounds to nothing is none."""
    if difference is None:
        return NO_CHANGE
    text = str(write(difference))
    return text if any(digit in text for digit in "123456789") else NO_CHANGE


def _share(old: float, new: float) -> str:
    """Return how much more or less is paid in all."""
    share = percent(new / old - 1, 2, sign=True) if old else ""
    return f"{share} in all; prorated" if any(digit in share for digit in "123456789") else "prorated"
