"""The simulation again, in plain Python and exact fractions, written from the rules and not from the SQL.

One person is a dict; a year is a pass over people. Obvious on purpose: the engine is compared with it.
"""

import hashlib
from calendar import isleap, monthrange
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any

Person = dict[str, Any]
ONE_DAY = timedelta(days=1)
TENURE_BANDS = ((1, "under_1"), (3, "1_to_2"), (6, "3_to_5"), (11, "6_to_10"), (None, "over_10"))
AGE_BANDS = (
    (25, "under_25"),
    (35, "25_to_34"),
    (45, "35_to_44"),
    (55, "45_to_54"),
    (65, "55_to_64"),
    (None, "over_64"),
)
RAISES = ("cola", "promotion", "merit")


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


class Simulation:
    """One run: `rows` has by year a dict per person, with all that was decided; `census` the opening."""

    def __init__(
        self,
        census: Iterable[Mapping[str, Any]],
        levels: Iterable[Mapping[str, Any]],
        as_of: date,
        effective: Any,
    ) -> None:
        self.effective = effective
        self.as_of = as_of
        self._known: dict[tuple[Any, ...], Any] = {}
        self.levels = {
            row["level_id"]: {k: exact(row[k]) for k in ("minimum", "midpoint", "maximum")} for row in levels
        }
        self.level_names = {row["level_id"]: row["name"] for row in levels}
        self.census = [
            dict(r) | {"base_pay": exact(r["base_pay"]), "fte": exact(r["fte"])}
            for r in sorted(census, key=lambda r: r["employee_id"])
        ]
        self.rows: dict[int, list[Person]] = {}
        opening = self.census
        for year in effective.years:
            people = self._dynamics(year, opening)
            self._pay(year, people)
            self.rows[year] = people
            opening = [p for p in people if p["termination_date"] is None]

    def value(self, name: str, year: int | None = None) -> Any:
        return self.effective.value(name, year)

    def rate(self, name: str, year: int | None = None) -> Fraction:
        return self._once(("rate", name, year), lambda: exact(self.value(name, year)))

    def _once(self, key: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
        """Return what has been computed under this key already, or compute it (for speed only)."""
        if key not in self._known:
            self._known[key] = compute()
        return self._known[key]

    def day(self, kind: str, year: int) -> date:
        return date.fromisoformat(f"{year}-{self.value(f'{kind}_date')}")

    def index(self, movement: Any, until: int) -> Fraction:
        """Return the compounded movement of the simulated years up to one, at 8 decimals (ties to even)."""
        product = Fraction(1)
        for year in self.effective.years:
            if year <= until:
                product *= 1 + movement(year)
        return round(product, 8)

    def market_index(self, year: int) -> Fraction:
        return self._once(
            ("market", year), lambda: self.index(lambda y: self.rate("market_movement", y), year)
        )

    def range_index(self, year: int) -> Fraction:
        def moved(y: int) -> Fraction:
            own = self.value("range_adjustment", y)
            return self.rate("cola_rate", y) if own is None else exact(own)

        return self.index(moved, year)

    def pay_range(self, level: int, year: int) -> dict[str, Fraction]:
        found = {k: rounded(v * self.range_index(year)) for k, v in self.levels[level].items()}
        found["market"] = rounded(self.levels[level]["midpoint"] * self.market_index(year))
        return found

    # --- who leaves, joins and rises ---

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

        def multiplier(hazard: str) -> Fraction:
            by_age_rate = Fraction(1) if by_age is None else self.rate(f"{hazard}_multiplier_age_{by_age}")
            return self.rate(f"{hazard}_multiplier_tenure_{by_tenure}") * by_age_rate

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
                multiplier("termination") * self.rate(f"termination_multiplier_level_{level}"), 8
            ),
            "rise_weight": rounded(multiplier("promotion"), 8),
        }

    def _leave(self, year: int, people: list[Person]) -> None:
        chance = filled((p["leave_weight"] for p in people), self.rate("termination_rate", year))
        for person in people:
            probability = min(
                chance[person["leave_weight"]] * self._pay_response(person["level_id"], year), 1
            )
            person["termination_probability"] = float(probability)
            person["termination_draw"] = person["draws"][0]
            if person["draws"][0] < probability:
                self._exit(person, year, "voluntary", person["draws"][0])

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
        quits = self.rate("new_hire_termination_rate", year)
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
                {k: like[k] for k in ("department", "gender", "ethnicity", "fte")}
                | {
                    "employee_id": key,
                    "job_title": like["job_title"] if self._people_in(level) else self.level_names[level],
                    "birth_date": like["birth_date"] and hired - (like["hire_date"] - like["birth_date"]),
                    "hire_date": hired,
                    "performance_rating": 3,
                    "is_hire": True,
                    "opening_level_id": None,
                    "level_id": level,
                    "starting_pay": self._hire_pay(level, year, position),
                    "termination_date": None,
                    "termination_reason": None,
                    "termination_probability": float(quits),
                    "termination_draw": exit_draw,
                    "promotion_date": None,
                    "promotion_probability": None,
                    "promotion_draw": None,
                    "exit_date": hired + floor(exit_date_draw * ((last - hired).days + 1)) * ONE_DAY,
                }
            )
        for person in sorted(hires, key=lambda p: (p["termination_draw"], p["employee_id"]))[: count - need]:
            person["termination_date"], person["termination_reason"] = person["exit_date"], "new_hire"
        return hires

    def _hire_pay(self, level: int, year: int, draw: float) -> Fraction:
        spread = (2 * Fraction(draw) - 1) * self.rate("hire_range_spread", year)
        position = min(max(self.rate("hire_range_position", year) + spread, 0), 1)
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

    # --- what everybody is paid ---

    def _pay(self, year: int, people: list[Person]) -> None:
        days = {kind: self.day(kind, year) for kind in RAISES}
        order = sorted(RAISES, key=lambda kind: (days[kind], RAISES.index(kind)))
        hired_by = months_before(days["merit"], round(12 * float(self.value("merit_min_tenure_years"))))
        for person in people:
            leaves = person["termination_date"]
            person["first_day"] = max(person["hire_date"], date(year, 1, 1))
            person["last_day"] = leaves or date(year, 12, 31)
            person["pay"], person["raises"], person["lump_sum"] = person["starting_pay"], {}, Fraction(0)
            there = {kind: leaves is None or leaves >= day for kind, day in days.items()}
            rises_first = days["promotion"] <= days["merit"]
            person["merit_level"] = (
                person["level_id"] if rises_first else person["opening_level_id"] or person["level_id"]
            )
            person["due"] = {
                "cola": person["hire_date"] <= days["cola"] and there["cola"],
                "promotion": person["promotion_date"] is not None,
                "merit": person["hire_date"] <= hired_by and there["merit"],
            }
        for kind in order:
            due = [p for p in people if p["due"][kind]]
            getattr(self, f"_{kind}")(year, due)
        for person in people:
            person["base_pay"] = person["pay"]
            person["ranges"] = self._range(person["level_id"], year)
            person["exact_prorated"] = self._prorated(person, days, year)

    def _range(self, level: int, year: int) -> dict[str, Fraction]:
        return self._once(("range", level, year), lambda: self.pay_range(level, year))

    def _raise(self, person: Person, kind: str, pay: Fraction, rate: Fraction) -> None:
        person["raises"][kind] = {"previous": person["pay"], "pay": pay, "rate": rate}
        person["pay"] = pay

    def _cola(self, year: int, due: list[Person]) -> None:
        rate = self.rate("cola_rate", year)
        for person in due:
            self._raise(person, "cola", rounded(person["pay"] * (1 + rate)), rate)

    def _promotion(self, year: int, due: list[Person]) -> None:
        for person in due:
            rate = self.rate(f"promotion_raise_level_{person['opening_level_id']}", year)
            plain = rounded(person["pay"] * (1 + rate))
            floor_pay = self._range(person["level_id"], year)["minimum"]
            if floor_pay > plain:
                self._raise(person, "promotion", floor_pay, rounded(floor_pay / person["pay"] - 1, 6))
            else:
                self._raise(person, "promotion", plain, rate)

    def _merit(self, year: int, due: list[Person]) -> None:
        paid: Counter[int] = Counter()
        weighted: Counter[int] = Counter()
        for person in due:
            paid[person["merit_level"]] += person["pay"]  # type: ignore[assignment]
            weighted[person["merit_level"]] += person["pay"] * self._performance(person)  # type: ignore[assignment]
        highest = self.value("individual_raise_max")
        for person in due:
            level = person["merit_level"]
            ranges = self._range(level, year)
            neutral = paid[level] / weighted[level] if weighted[level] else Fraction(0)
            rate = self.rate(f"merit_rate_level_{level}", year) * self._performance(person) * neutral
            rate *= self._position_multiplier(person["pay"], ranges)
            rate = rounded(rate if highest is None else min(rate, exact(highest)), 6)
            full = rounded(person["pay"] * (1 + rate))
            pay = (
                min(full, max(person["pay"], ranges["maximum"])) if self.value("range_maximum_cap") else full
            )
            person["lump_sum"] = full - pay
            self._raise(person, "merit", pay, rate if pay == full else rounded(pay / person["pay"] - 1, 6))

    def _performance(self, person: Person) -> Fraction:
        return self.rate(f"merit_multiplier_rating_{person['performance_rating']}")

    def _position_multiplier(self, pay: Fraction, ranges: Mapping[str, Fraction]) -> Fraction:
        low, high = ranges["minimum"], ranges["maximum"]
        if pay < low:
            return self.rate("merit_multiplier_quartile_below_range")
        if pay >= high:
            return self.rate("merit_multiplier_quartile_above_range")
        return self.rate(f"merit_multiplier_quartile_{1 + floor((pay - low) * 4 / (high - low))}")

    def _prorated(self, person: Person, days: Mapping[str, date], year: int) -> Fraction:
        """Return the pay earned, before rounding: every day at the pay of that day."""
        total, day = Fraction(0), person["first_day"]
        changes = sorted({days[kind] for kind in person["raises"]} | {person["last_day"] + ONE_DAY})
        for change in (c for c in changes if c > day):
            # of several raises of one day, the pay is that of the last
            in_force = [
                person["raises"][k] for k in self._chain(days) if k in person["raises"] and days[k] <= day
            ]
            pay = in_force[-1]["pay"] if in_force else person["starting_pay"]
            total += pay * (change - day).days
            day = change
        return total * person["fte"] / (366 if isleap(year) else 365)

    def _chain(self, days: Mapping[str, date]) -> list[str]:
        return sorted(RAISES, key=lambda kind: (days[kind], RAISES.index(kind)))
