"""The rules of arithmetic, chance and calendar: exact fractions, draws, bands, shares."""

import hashlib
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from math import cos, floor, log, pi, sqrt
from typing import Any

Person = dict[str, Any]
ONE_DAY = timedelta(days=1)
TENURE_BANDS = (
    (1, "under_1"),
    (2, "1"),
    (3, "2"),
    (5, "3_to_4"),
    (7, "5_to_6"),
    (10, "7_to_9"),
    (15, "10_to_14"),
    (20, "15_to_19"),
    (25, "20_to_24"),
    (30, "25_to_29"),
    (35, "30_to_34"),
    (None, "over_34"),
)
AGE_BANDS = (
    (25, "under_25"),
    (35, "25_to_34"),
    (45, "35_to_44"),
    (55, "45_to_54"),
    (60, "55_to_59"),
    (62, "60_to_61"),
    (65, "62_to_64"),
    (70, "65_to_69"),
    (None, "over_69"),
)
RAISES = ("cola", "drift", "promotion", "merit")
GROUPINGS = ("job_family", "location", "manager_id")


def exact(value: Any) -> Fraction:
    """Return what is written, exactly: 0.1 is one tenth."""
    return Fraction(str(value))


def rounded(value: Fraction, decimals: int = 2) -> Fraction:
    """Round half up (nothing here is negative)."""
    scale = 10**decimals
    return Fraction(floor(value * scale + Fraction(1, 2)), scale)


def lanes(seed: int, year: int, block: str, employee_id: str) -> list[float]:
    """Return the four uniform draws of a block: 32 bits of the md5 each, the midpoint of a cell."""
    digest = hashlib.md5(f"{seed}|{year}|{block}|{employee_id}".encode()).hexdigest()
    return [(int(digest[i : i + 8], 16) + 0.5) / 2**32 for i in (0, 8, 16, 24)]


def normal(seed: int, year: int, block: str, key: str) -> float:
    """Return a standard normal draw of a block: Box and Muller's, of its first two uniform ones."""
    radius, angle, _, _ = lanes(seed, year, block, key)
    return sqrt(-2 * log(radius)) * cos(2 * pi * angle)


def completed_years(since: date, until: date) -> int:
    return until.year - since.year - ((until.month, until.day) < (since.month, since.day))


def years_between(since: date, until: date) -> float:
    return float(rounded(Fraction((until - since).days * 4, 1461), 4))


def months_before(day: date, months: int) -> date:
    whole = day.year * 12 + day.month - 1 - months
    year, month = divmod(whole, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def band(value: int, bands: Iterable[tuple[int | None, str]]) -> str:
    return next(name for end, name in bands if end is None or value < end)


def filled(weights: Iterable[Fraction], rate: Fraction) -> dict[Fraction, Fraction]:
    """Return the probability of each weight: proportional to it, at most 1, their mean the rate."""
    people = Counter(weights)
    left = rate * sum(people.values())
    chance: dict[Fraction, Fraction] = {}
    rest = sum((w * n for w, n in people.items()), Fraction(0))
    for weight in sorted(people, reverse=True):
        if rest and left * weight <= rest:
            break
        chance[weight] = Fraction(1)
        left -= people[weight]
        rest -= weight * people[weight]
    return {w: chance.get(w) or w * left / rest for w in people}


def scale_of(weights: list[Fraction], rate: Fraction) -> Fraction | None:
    """Return the factor on weights that makes their mean chance the rate, each at most 1; None: all are 1."""
    chance = filled(weights, rate)
    return next((chance[w] / w for w in chance if chance[w] < 1), None) if rate < 1 else None
