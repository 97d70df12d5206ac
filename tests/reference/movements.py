"""Who leaves, joins and rises."""

from calendar import isleap
from collections import Counter
from datetime import date
from fractions import Fraction
from math import ceil, exp, floor, log

from reference.rules import (
    AGE_BANDS,
    GROUPINGS,
    ONE_DAY,
    TENURE_BANDS,
    Person,
    band,
    completed_years,
    exact,
    filled,
    lanes,
    months_before,
    normal,
    rounded,
    scale_of,
    years_between,
)
from reference.world import World


class Movements(World):
    """Decides a year's movements, person by person."""

    def _dynamics(self, year: int, opening: list[Person]) -> list[Person]:
        people = [self._opened(person, year) for person in opening]
        self._leave(year, people)
        stay = [p for p in people if p["termination_date"] is None]
        target = int(rounded(len(people) * (1 + self.rate("headcount_growth", year)), 0))
        need = target - len(stay)
        if need < 0:
            for person in sorted(stay, key=lambda p: (p["draws"][3], p["employee_id"]))[:-need]:
                self._exit(person, year, "reduction", person["draws"][3])
        self._promote(year, people)
        return people + self._hire(year, max(need, 0))

    def _opened(self, person: Person, year: int) -> Person:
        kept = (
            "employee_id",
            "job_title",
            "department",
            "gender",
            "ethnicity",
            *GROUPINGS,
            "birth_date",
            "hire_date",
            "fte",
        )
        first = date(year, 1, 1)
        tenure = min(completed_years(person["hire_date"], first), 60)
        born = person["birth_date"]
        age = None if born is None else max(min(completed_years(born, first), 110), 0)
        by_tenure, by_age = band(tenure, TENURE_BANDS), None if age is None else band(age, AGE_BANDS)
        level = person["level_id"]
        own_tenure = rounded(
            self.rate(f"termination_multiplier_tenure_{by_tenure}")
            * self._exit_rate("department_tenure", person["department"], tenure),
            6,
        )
        own = rounded(
            self._exit_rate("department", person["department"])
            * self._exit_rate("job_title", person["job_title"]),
            6,
        )

        def multiplier(hazard: str, of_tenure: Fraction) -> Fraction:
            by_age_rate = Fraction(1) if by_age is None else self.rate(f"{hazard}_multiplier_age_{by_age}")
            return of_tenure * by_age_rate

        return {k: person[k] for k in (*kept, "performance_rating")} | {
            "is_hire": False,
            "opening_level_id": level,
            "level_id": level,
            "starting_pay": person["base_pay"],
            "termination_date": None,
            "termination_reason": None,
            "promotion_date": None,
            "draws": lanes(self.effective.seed, year, "person", person["employee_id"]),
            "leave_weight": rounded(
                multiplier("termination", own_tenure)
                * self.rate(f"termination_multiplier_level_{level}")
                * own,
                8,
            ),
            "rise_weight": rounded(
                multiplier("promotion", self.rate(f"promotion_multiplier_tenure_{by_tenure}")), 8
            ),
        }

    def _exit_rate(self, dimension: str, key: str, tenure: int | None = None) -> Fraction:
        """Return the calibrated multiplier of a department, title or department's band; 1 without one."""
        for row in self.exit_rates:
            if (row["dimension"], row["key"]) == (dimension, key) and (
                tenure is None
                or (
                    row["lower_bound"] <= tenure
                    and (row["upper_bound"] is None or tenure < row["upper_bound"])
                )
            ):
                return exact(row["multiplier"])
        return Fraction(1)

    def _leave(self, year: int, people: list[Person]) -> None:
        rate, first = self.rate("termination_rate", year), self.effective.years[0]
        if year == first:
            self._weights_of_census = [p["leave_weight"] for p in people]
        stated = year != first and f"termination_rate@{year}" in self.effective.scenario
        weights = [p["leave_weight"] for p in people] if stated else self._weights_of_census
        scale = scale_of(weights, rate)
        deviations = [self._deviation(person, year) for person in people]
        likely = [float(person["leave_weight"]) for person in people]
        moved = [w * d for w, d in zip(likely, deviations, strict=True)]
        balance = sum(round(w * 10**9) for w in likely) / (sum(round(w * 10**9) for w in moved) or 1)
        for person, deviation in zip(people, deviations, strict=True):
            probability = 1 if scale is None else min(scale * person["leave_weight"], 1)
            probability = probability * self._pay_response(person["level_id"], year)
            if deviation != 1 or balance != 1:
                probability = exact(float(probability) * deviation * balance)
            probability = min(probability, 1)
            person["termination_probability"] = float(probability)
            person["termination_draw"] = person["draws"][0]
            if person["draws"][0] < probability:
                self._exit(person, year, "voluntary", person["draws"][0])

    def _deviation(self, person: Person, year: int) -> float:
        """Return what the exits of the person's tenure, level and department are moved by in this world."""
        tenure = min(completed_years(person["hire_date"], date(year, 1, 1)), 60)
        ends = [0, *(end for end, _ in TENURE_BANDS if end is not None and end <= tenure)]
        keys = [("tenure", max(ends)), ("level", person["level_id"])]
        if person["department"] is not None:
            keys.append(("department", person["department"]))
        moved = 0.0
        for dimension, key in keys:
            spread = float(self.value(f"exits_vary_by_{dimension}"))
            moved += spread * normal(self.effective.seed, 0, "relative_exits", f"{dimension} {key}")
        return exp(moved)

    def _pay_response(self, level: int, year: int) -> Fraction:
        elasticity = float(self.value("turnover_pay_elasticity"))
        if not elasticity or year == self.effective.years[0]:
            return Fraction(1)

        def raised(y: int) -> Fraction:
            return (1 + self.rate("cola_rate", y)) * (1 + self.rate(f"merit_rate_level_{level}", y)) - 1

        position = float(self.index(raised, year - 1)) / float(self.market_index(year - 1))
        return exact(round(position**-elasticity, 8))

    def _exit(self, person: Person, year: int, reason: str, draw: float) -> None:
        days = 366 if isleap(year) else 365
        person["termination_date"] = date(year, 1, 1) + floor(person["draws"][1] * days) * ONE_DAY
        person["termination_reason"] = reason
        person["termination_draw"] = draw

    def _promote(self, year: int, people: list[Person]) -> None:
        when = self.day("promotion", year)
        hired_by = months_before(when, round(12 * float(self.value("promotion_min_tenure_years"))))
        top = max(self.levels)
        for person in people:
            leaves = person["termination_date"]
            person["eligible"] = (
                person["level_id"] < top
                and person["hire_date"] <= hired_by
                and (leaves is None or leaves >= when)
            )
            person["promotion_probability"] = person["promotion_draw"] = None
        for level in self.levels:
            eligible = [p for p in people if p["eligible"] and p["opening_level_id"] == level]
            if not eligible:
                continue
            chance = filled(
                (p["rise_weight"] for p in eligible), self.rate(f"promotion_probability_level_{level}", year)
            )
            for person in eligible:
                probability = chance[person["rise_weight"]]
                person["promotion_probability"], person["promotion_draw"] = (
                    float(probability),
                    person["draws"][2],
                )
                if person["draws"][2] < probability:
                    person["promotion_date"] = when
                    person["level_id"] = level + 1

    def _hire(self, year: int, need: int) -> list[Person]:
        yearly = float(self.rate("new_hire_termination_rate", year))
        quits = exact(round(1 + yearly / log(1 - yearly), 8) if yearly else 0)
        count = ceil(need / (1 - quits))
        days, last = (366 if isleap(year) else 365), date(year, 12, 31)
        hires = []
        for slot in range(1, count + 1):
            key = f"NEW-{year}-{slot:07d}"
            level_draw, template_draw, date_draw, position = lanes(
                self.effective.seed, year, "hire_profile", key
            )
            exit_draw, exit_date_draw, _, _ = lanes(self.effective.seed, year, "hire_exit", key)
            level = self._drawn_level(level_draw)
            templates = self._templates(level)
            like = templates[floor(template_draw * len(templates))]
            hired = date(year, 1, 1) + floor(date_draw * days) * ONE_DAY
            hires.append(
                {k: like[k] for k in ("department", "gender", "ethnicity", *GROUPINGS, "fte")}
                | {
                    "employee_id": key,
                    "job_title": like["job_title"] if self._people_in(level) else self.level_names[level],
                    "birth_date": like["birth_date"] and hired - (like["hire_date"] - like["birth_date"]),
                    "hire_date": hired,
                    "performance_rating": 3,
                    "is_hire": True,
                    "opening_level_id": None,
                    "level_id": level,
                    "starting_pay": self._hire_pay(level, year, position, like),
                    "termination_date": None,
                    "termination_reason": None,
                    "termination_probability": 1 - (1 - yearly) ** (((last - hired).days + 1) / days),
                    "termination_draw": exit_draw,
                    "promotion_date": None,
                    "promotion_probability": None,
                    "promotion_draw": None,
                    "exit_date": hired + floor(exit_date_draw * ((last - hired).days + 1)) * ONE_DAY,
                }
            )

        def least_hazard(person: Person) -> tuple[float, str]:
            exposed = (last - person["hire_date"]).days + 1
            return -log(1 - person["termination_draw"]) / exposed, person["employee_id"]

        for person in sorted(hires, key=least_hazard)[: count - need]:
            person["termination_date"], person["termination_reason"] = person["exit_date"], "new_hire"
        return hires

    def _hire_pay(self, level: int, year: int, draw: float, like: Person) -> Fraction:
        stated = self.value("hire_range_position")
        if stated is None and self._people_in(level):
            premium = self.rate("new_hire_salary_adjustment", year) / exact("1.15")
            return rounded(like["base_pay"] * round(premium * self.market_index(year), 8))
        spread = (2 * Fraction(draw) - 1) * self.rate("hire_range_spread", year)
        position = min(max(exact("0.1" if stated is None else stated) + spread, 0), 1)
        low, high = self.levels[level]["minimum"], self.levels[level]["maximum"]
        adjusted = (low + (high - low) * position) * self.rate("new_hire_salary_adjustment", year)
        return rounded(adjusted * self.market_index(year))

    def _people_in(self, level: int) -> list[Person]:
        return self._once(("people", level), lambda: [p for p in self.census if p["level_id"] == level])

    def _recent(self, people: list[Person]) -> list[Person]:
        years = float(self.value("new_hire_profile_years"))
        return [p for p in people if years_between(p["hire_date"], self.as_of) <= years]

    def _templates(self, level: int) -> list[Person]:
        people = self._people_in(level)
        return self._once(("templates", level), lambda: self._recent(people) or people or self.census)

    def _drawn_level(self, draw: float) -> int:
        upper, shares = Fraction(0), self._once(("shares",), self._level_shares)
        for level, share in shares.items():
            upper += share
            if draw < upper:
                return level
        return max(shares)

    def _level_shares(self) -> dict[int, Fraction]:
        """Return the share of hires by level: as configured, else as among the recent, else as among all."""
        configured = {level: self.value(f"new_hire_level_share_{level}") for level in (1, 2, 3, 4, 5)}
        if any(share is None for share in configured.values()):
            like = self._recent(self.census) or self.census
            return {
                k: Fraction(n, len(like)) for k, n in sorted(Counter(p["level_id"] for p in like).items())
            }
        return {level: exact(share) for level, share in configured.items() if share}
