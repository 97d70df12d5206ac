"""The constraints on a study's answer: their grammar, and how far an evaluation is within each limit.

A constraint's value is up to 0 where it holds. Payroll is measured in shares of its limit, heads in shares of
the headcount, percentiles as shares, everything else in the unit of the limited quantity.
"""

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from planwise.engine.outcome import Kpis, column_of
from planwise.errors import InputError
from planwise.study.objectives import GAP_UNMEASURED

if TYPE_CHECKING:  # it brings pyarrow, which reading a command does not need
    from planwise.census import Census

GATE = "gate"
NOT_RUN = "not run: only a plan goes through the gate"
PAYROLL, PAYROLL_RISK = "payroll", "payroll_risk"
MERIT_MONOTONE, CHANGE, LOCKED = "merit_monotone", "change", "locked"
RAISE_MAX = "raise_max"
ADJUSTED_GAP, BELOW_MINIMUM = "adjusted_gap", "below_minimum"
MERIT_STEP = "merit_step"
INCREASE, GROWTH = "increase", "growth"
MERIT_STEP_MAX = 0.005  # between neighbouring levels, unless another is given
RAISE = "raise"
MARKET_POSITION, MARKET_RATIO = "market_position", "market_ratio"

Relation = Literal["<=", ">=", ""]
# The grammar: the relations that each name allows, and whether a lever may follow after a dot.
RELATIONS: dict[str, tuple[Relation, ...]] = {
    PAYROLL: ("<=",),
    PAYROLL_RISK: ("<=",),
    MERIT_MONOTONE: ("",),
    MERIT_STEP: ("<=",),
    CHANGE: ("<=",),
    RAISE: ("<=", ">="),
    ADJUSTED_GAP: ("<=",),
    BELOW_MINIMUM: ("<=",),
    INCREASE: ("<=", ">="),
    GROWTH: ("<=", ">="),
    MARKET_POSITION: ("<=", ">="),
    MARKET_RATIO: ("<=", ">="),
    LOCKED: ("",),
}
OF_A_LEVER = frozenset({CHANGE, LOCKED})
OF_LEVERS_ALONE = frozenset({CHANGE, LOCKED, MERIT_MONOTONE, MERIT_STEP})
OF_THE_MARKET = frozenset({MARKET_POSITION, MARKET_RATIO})
MARKET_ATTRIBUTES = ("level", "department", "job_family", "job_title")  # whose groups can be limited
BOTH_WAYS = frozenset({RAISE, INCREASE, GROWTH}) | OF_THE_MARKET  # limited from above, from below, or both
SMALLEST_CHANGE = 1e-6  # a lever's last decimal
RAISE_LIMIT_MAX = 5.0  # a larger number was meant as a percentage
RATE_LIMIT_MAX = 0.5
POSITION_LIMITS = (10.0, 90.0)  # percentiles that a survey has
RATIO_LIMIT_MAX = 5.0
PERCENTILE = 0.01  # of a percentile as a share
SYNTAX = (
    "Write payroll<=N, payroll_risk<=SHARE, increase<=X, increase>=X, growth<=X, growth>=X, merit_monotone, "
    "merit_step<=X, change<=X, change.LEVER<=X, raise<=X, raise>=X, adjusted_gap<=X, below_minimum<=N, "
    "market_position>=P50, market_position[department=NAME]>=P50, market_ratio>=X or locked.LEVER."
)
_TEXT = re.compile(
    r"(?P<name>[a-z_]+)(\.(?P<lever>[a-z0-9_@]+))?(\[\s*(?P<attribute>[a-z_ ]+?)\s*=\s*(?P<group>.+?)\s*\])?"
    r"\s*((?P<relation><=|>=)\s*(?P<limit>[^<>=\s]+))?"
)
SHARE_ROUNDING = 1e-9  # .05 x 20 is not exactly 1
_DIGITS = ".15g"  # of a limit in its canonical text: all that a double keeps


@dataclass(frozen=True)
class Constraint:
    """One limit; `lever` is a lever's key for `change` and `locked`, `limit` None where none is written.

    `group` is an attribute and one of its groups, `department=Police`, for limits of the market position.
    """

    name: str
    relation: Relation = ""
    limit: float | None = None
    lever: str | None = None
    group: str | None = None

    def __str__(self) -> str:
        of = "" if self.lever is None else f".{self.lever}"
        of += "" if self.group is None else f"[{self.group}]"
        return f"{self.name}{of}" + ("" if self.limit is None else f"{self.relation}{self.limit:{_DIGITS}}")

    @property
    def key(self) -> str:
        """The key of the limited quantity in results."""
        if self.name in BOTH_WAYS:
            of = "" if self.group is None else f"[{self.group}]"
            return f"{self.name}_{'max' if self.relation == '<=' else 'min'}{of}"
        return self.name if self.lever is None else f"{self.name}.{self.lever}"

    @property
    def figure(self) -> str:
        """The column of the KPIs with the market figure that is limited; see `column_of`."""
        return f"mean_{self.name}" if self.group is None else column_of(f"mean_{self.name}", self.group)

    @property
    def bound(self) -> float:
        """The limit; raises ValueError where the constraint has none."""
        if self.limit is None:
            raise ValueError(f"{self} has no limit")
        return self.limit


def parse_constraint(text: str) -> Constraint:
    """Parse a constraint; raises InputError, with the nearest name, for other text."""
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise InputError(f"{text!r} is not a constraint.", remedy=SYNTAX)
    name, lever = found["name"], found["lever"]
    if name not in RELATIONS:
        near = difflib.get_close_matches(name, RELATIONS, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise InputError(f"Unknown constraint {name!r}.", remedy=f"{hint}{SYNTAX}")
    relation = found["relation"] or ""
    if relation not in RELATIONS[name]:
        wanted = " or ".join(f"{name}{sign}X" if sign else name for sign in RELATIONS[name])
        raise InputError(f"{text!r} is not a valid limit of {name}.", remedy=f"Write {wanted}.")
    if (lever is not None and name not in OF_A_LEVER) or (lever is None and name == LOCKED):
        raise InputError(
            f"{text!r}: {name} takes {'one lever' if name == LOCKED else 'no lever'}.", remedy=SYNTAX
        )
    number = found["limit"]
    if name == MARKET_POSITION and number is not None:
        number = number.upper().removeprefix("P")
    limit = _limit(text, number) if relation else None
    return _checked(Constraint(name, relation, limit, lever, _group(text, found)))


def _group(text: str, found: re.Match[str]) -> str | None:
    attribute, group = found["attribute"], found["group"]
    if group is None:
        return None
    attribute = attribute.replace(" ", "_")
    if found["name"] not in OF_THE_MARKET or attribute not in MARKET_ATTRIBUTES:
        raise InputError(
            f"{text!r}: {found['name']} takes no group of {attribute}.",
            remedy=f"market_position and market_ratio take one of {', '.join(MARKET_ATTRIBUTES)}: "
            "market_position[department=NAME]>=P50.",
        )
    return f"{attribute}={group}"


def parse_constraints(texts: Iterable[str]) -> tuple[Constraint, ...]:
    """Return the constraints sorted by text; raises InputError when one quantity is limited twice."""
    constraints = sorted({parse_constraint(text) for text in texts}, key=str)
    keys = [constraint.key for constraint in constraints]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise InputError(f"{', '.join(twice)} is limited twice.", remedy="Keep one limit.")
    return tuple(constraints)


def require_market(constraints: Iterable[Constraint], census: "Census") -> None:
    """Raise InputError when a market position is limited and the census has none, or not that group."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from planwise.census.market import MATCH_TITLES

    limited = [one for one in constraints if one.name in OF_THE_MARKET]
    if limited and not census.market:
        raise InputError(
            f"{limited[0]}: no market survey is matched with the job titles of census {census.name}.",
            remedy=f"Run `{MATCH_TITLES}`, then start the study again.",
        )
    for one in limited:
        attribute, _, group = (one.group or "").partition("=")
        if not attribute:
            continue
        column = "level_id" if attribute == "level" else attribute
        values = pc.unique(pq.read_table(census.census_file, columns=[column])[column]).to_pylist()
        known = sorted(str(value) for value in values if value is not None)
        if group not in known:
            near = difflib.get_close_matches(group, known, n=3) or known[:3]
            raise InputError(
                f"{one}: census {census.name} has no {attribute} {group!r}.",
                remedy=f"It has for example {', '.join(near)}." if known else f"It has no {attribute}.",
            )


def market_unmeasured(constraints: Iterable[Constraint], kpis: Kpis) -> Constraint | None:
    """Return the first limit of a market position that cannot be measured: no title there is matched."""
    return next(
        (one for one in constraints if one.name in OF_THE_MARKET and measured(one, kpis) is None), None
    )


def require_payroll(constraints: Iterable[Constraint]) -> None:
    """Raise InputError when the risk of exceeding a payroll is limited and no payroll is."""
    names = {constraint.name for constraint in constraints}
    if PAYROLL_RISK in names and PAYROLL not in names:
        raise InputError(
            "payroll_risk needs a payroll limit that can be exceeded.",
            remedy="Add payroll<=N, or set the assumption payroll_budget.",
        )


def within_budget(texts: Iterable[str], payroll_budget: float | None) -> tuple[str, ...]:
    """Return constraints with the scenario's payroll budget among them; the lower of two payroll limits."""
    constraints = [parse_constraint(text) for text in texts]
    if payroll_budget is not None:
        budget = Constraint(PAYROLL, "<=", payroll_budget)
        both = [budget, *(one for one in constraints if one.name == PAYROLL)]
        constraints = [one for one in constraints if one.name != PAYROLL]
        constraints.append(min(both, key=lambda one: one.bound))
    return tuple(str(one) for one in constraints)


def measured(constraint: Constraint, kpis: Kpis) -> float | None:
    """Return the quantity that a constraint limits, in its own unit: currency, heads, or a rate.

    payroll: highest year-end payroll; increase: the highest or lowest increase budget of any year; growth: of
    average pay, a year until the last; raise: highest or lowest individual raise of any year (0 without
    employees active at both ends); adjusted_gap, below_minimum and the market's: the last year's. None for
    what cannot be measured. Not for constraints of levers alone.
    """
    last = kpis[-1]
    if constraint.name in (PAYROLL, PAYROLL_RISK):
        return highest_payroll(kpis)
    if constraint.name == ADJUSTED_GAP:
        gap = last["adjusted_gap_max"]
        return None if gap is None else float(gap)
    if constraint.name == BELOW_MINIMUM:
        return float(last["below_minimum"])
    if constraint.name == RAISE:
        raises = [float(year[constraint.key]) for year in kpis if year[constraint.key] is not None]
        return (max if constraint.key == RAISE_MAX else min)(raises, default=0.0)
    if constraint.name == GROWTH:
        growth = last["growth_compound"]
        return None if growth is None else float(growth)
    if constraint.name == INCREASE:
        rates = [float(year["increase_rate"]) for year in kpis if year["increase_rate"] is not None]
        return (max if constraint.relation == "<=" else min)(rates, default=None)
    if constraint.name in OF_THE_MARKET:
        place = last.get(constraint.figure)
        return None if place is None else float(place)
    raise ValueError(f"{constraint} is of levers alone")


def excess(
    constraint: Constraint, kpis: Kpis, ratios: Sequence[float] = (), limit: float = math.nan
) -> float:
    """Return how far a constraint is exceeded (up to 0: it holds), in the scale of the module.

    For payroll_risk, `limit` is the payroll limit and `ratios` are payrolls under other seeds over the
    scenario's own: its value is that of the payroll which the share of seeds allowed may exceed. What
    cannot be measured is over every limit.
    """
    value = measured(constraint, kpis)
    if value is None:
        return GAP_UNMEASURED - (0.0 if constraint.name in OF_THE_MARKET else constraint.bound)
    if constraint.name == PAYROLL:
        return value / constraint.bound - 1
    if constraint.name == PAYROLL_RISK:
        return value * risk_ratio(ratios, constraint.bound) / limit - 1
    if constraint.name == BELOW_MINIMUM:
        return (value - constraint.bound) / max(float(kpis[-1]["headcount"]), 1.0)
    over = constraint.bound - value if constraint.relation == ">=" else value - constraint.bound
    return over * PERCENTILE if constraint.name == MARKET_POSITION else over


def held_text(described: Mapping[str, Any]) -> str:
    """Return whether a constraint of a result holds, in words (`Problem.described`)."""
    if described["satisfied"] is None:
        return NOT_RUN
    if why := described.get("reason"):
        return f"cannot be judged: {why}"
    return "met" if described["satisfied"] else "violated"


def violated(described: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the texts of a result's constraints that do not hold."""
    return [str(one.get("text", one["name"])) for one in described if one["satisfied"] is False]


def highest_payroll(kpis: Kpis) -> float:
    """Return the highest annual payroll at the end of any simulated year, in currency."""
    return max(float(year["payroll"]) for year in kpis)


def risk_ratio(ratios: Sequence[float], share: float) -> float:
    """Return the ratio that no more than this share of the seeds' ratios exceeds; 1 without any.

    Of K ratios, floor(share x K) may be larger: P(over limit) <= share exactly when payroll x ratio <= limit.
    """
    if not ratios:
        return 1.0
    allowed = math.floor(share * len(ratios) + SHARE_ROUNDING)
    return sorted(ratios, reverse=True)[min(allowed, len(ratios) - 1)]


def share_over(payrolls: Sequence[float], limit: float) -> float:
    """Return the share of payrolls over a limit."""
    return sum(payroll > limit for payroll in payrolls) / len(payrolls)


def _limit(text: str, number: str) -> float:
    percent = number.endswith("%")
    try:
        value = float(number.removesuffix("%").replace("_", ""))
    except ValueError as error:
        raise InputError(f"{text!r}: {number!r} is not a number.", remedy=SYNTAX) from error
    if not math.isfinite(value):
        raise InputError(f"{text!r}: the limit is not finite.", remedy=SYNTAX)
    return value / 100 if percent else value


def _checked(constraint: Constraint) -> Constraint:
    limit = constraint.limit
    if limit is None:
        return constraint
    wrong = {
        PAYROLL: limit <= 0 and "Give a payroll above 0, in the census's currency.",
        PAYROLL_RISK: not 0 <= limit < 1 and "Give a share from 0 to below 1: 0.05 is one world in twenty.",
        CHANGE: limit < SMALLEST_CHANGE and "Give a change above 0, or lock the lever.",
        MERIT_STEP: not 0 <= limit < 1 and "Give a difference of rates: 0.005 is half a point.",
        INCREASE: abs(limit) > RATE_LIMIT_MAX and "Give a rate: 0.035 is 3.5 %.",
        GROWTH: abs(limit) > RATE_LIMIT_MAX and "Give a rate: 0.03 is 3 % a year.",
        RAISE: abs(limit) > RAISE_LIMIT_MAX and "Give a rate: 0.2 is 20 %.",
        ADJUSTED_GAP: not 0 <= limit < 1 and "Give a gap in log points, from 0 to below 1: 0.02 is 2 %.",
        MARKET_POSITION: not POSITION_LIMITS[0] <= limit <= POSITION_LIMITS[1]
        and "Give a percentile from P10 to P90.",
        MARKET_RATIO: not 0 < limit <= RATIO_LIMIT_MAX
        and "Give a ratio to the market's median: 1 is at it, 0.95 five per cent below.",
        BELOW_MINIMUM: (limit < 0 or limit != int(limit)) and "Give a whole number of people from 0.",
    }[constraint.name]
    if wrong:
        raise InputError(f"{constraint}: {limit:g} is no limit for {constraint.name}.", remedy=str(wrong))
    return constraint
