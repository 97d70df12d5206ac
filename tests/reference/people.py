"""The people of a reference simulation, year by year, the census as year 0."""

from fractions import Fraction

from reference.rules import Person
from reference.simulate import Simulation


def money(value: Fraction | None) -> float:
    return float("nan") if value is None else float(value)


def stayed(person: Person) -> bool:
    return not person["is_hire"] and person["termination_date"] is None


def active(people: list[Person]) -> list[Person]:
    return [p for p in people if p["termination_date"] is None]


def census_year(s: Simulation) -> list[Person]:
    """Return the census as people of year 0."""
    return [
        p
        | {
            "is_hire": False,
            "termination_date": None,
            "promotion_date": None,
            "first_day": None,
            "last_day": s.as_of,
            "starting_pay": p["base_pay"],
            "exact_prorated": p["base_pay"] * p["fte"],
            "ranges": s.levels[p["level_id"]],
            "raises": {},
            "lump_sum": Fraction(0),
        }
        for p in s.census
    ]


def years_of(s: Simulation) -> list[tuple[int, list[Person]]]:
    return [(0, census_year(s)), *s.rows.items()]


def mean_of(values: list[Fraction]) -> Fraction | None:
    return sum(values, Fraction(0)) / len(values) if values else None
