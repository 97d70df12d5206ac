"""What everybody is paid."""

from calendar import isleap
from collections import Counter
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from math import floor

from reference.rules import (
    ONE_DAY,
    RAISES,
    TENURE_BANDS,
    Person,
    band,
    completed_years,
    exact,
    lanes,
    months_before,
    normal,
    rounded,
)
from reference.world import World


class Pay(World):
    """Raises everybody in the order of the year's days."""

    def _pay(self, year: int, people: list[Person], *, drifts: bool = True) -> None:
        days = {kind: self.day(kind, year) for kind in RAISES}
        hired_by = months_before(days["merit"], round(12 * float(self.value("merit_min_tenure_years"))))
        for person in people:
            leaves = person["termination_date"]
            person["first_day"] = max(person["hire_date"], date(year, 1, 1))
            person["last_day"] = leaves or date(year, 12, 31)
            person["pay"], person["raises"] = person["starting_pay"], {}
            person["lump_sum"] = person["merit_pool"] = Fraction(0)
            there = {kind: leaves is None or leaves >= day for kind, day in days.items()}
            rises_first = days["promotion"] <= days["merit"]
            person["merit_level"] = (
                person["level_id"] if rises_first else person["opening_level_id"] or person["level_id"]
            )
            person["on_merit_date"] = person["hire_date"] <= days["merit"] and there["merit"]
            person["due"] = {
                "cola": person["hire_date"] <= days["cola"] and there["cola"],
                "drift": False,
                "promotion": person["promotion_date"] is not None,
                "merit": person["hire_date"] <= hired_by and there["merit"],
            }
            rises = person["promotion_date"] is not None
            person["due"]["drift"] = drifts and person["due"]["cola"] and not person["is_hire"] and not rises
        for kind in self._chain(days):
            due = [p for p in people if p["due"][kind]]
            for person in people:
                person[f"pay_before_{kind}"] = person["pay"]
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
        for person in due:
            rate = self._award(person, year)
            self._raise(person, "cola", rounded(person["pay"] * (1 + rate)), rate)

    def _award(self, person: Person, year: int) -> Fraction:
        """Return the award of the person's group, the COLA without one."""
        attribute, _, groups = (self.value("awards", year) or ": ").partition(": ")
        for group, rate in (one.rsplit("=", 1) for one in groups.split("; ") if one):
            if person[attribute] == group:
                return exact(rate)
        return self.rate("cola_rate", year)

    def _drift(self, year: int, due: list[Person]) -> None:
        """Give each what a donor got beyond the award: one of at least thirty like the person."""
        for person in due if self.donors else []:
            level = person["opening_level_id"]
            like = self._donors_of(person, year)
            draw = lanes(self.effective.seed, year, "drift_donor", person["employee_id"])[0]
            drift = like[floor(draw * len(like))]
            factor, points = self._drift_group(person, year)
            drift = drift * factor + points + self.rate(f"drift_shift_level_{level}", year)
            drift += self._group_deviation(person, year)
            sign = -1 if drift < 0 else 1
            rate = sign * rounded(min(max(drift, Fraction(-9, 10)), Fraction(1)) * sign, 6)
            self._raise(person, "drift", rounded(person["pay"] * (1 + rate)), rate)

    def _donors_of(self, person: Person, year: int) -> list[Fraction]:
        """Return the drift of the donors of group, tenure and level, or of fewer of these, lowest first."""
        served = completed_years(person["hire_date"], date(year, 1, 1))
        own = f"{(attribute := self._drift_attribute())}: {person[attribute]}" if self.groups - {""} else ""
        key = (own if own in self.groups else "", band(served, TENURE_BANDS), person["opening_level_id"])
        for known in (3, 2, 1, 0):
            like = self._once(
                ("donors", key[:known]), lambda k=known: [d[3] for d in self.donors if d[:k] == key[:k]]
            )
            if len(like) >= 30 or known == 0:
                return like
        raise AssertionError

    def _group_deviation(self, person: Person, year: int) -> Fraction:
        """Return what the drift of the person's group of donors is moved by in this world, to 6 decimals."""
        attribute = self._drift_attribute() if self.groups - {""} else None
        own = f"{attribute}: {person[attribute]}" if attribute else ""
        group = str(person[attribute]) if attribute and own in self.groups else ""
        spread = float(self.value("drift_varies_by_group"))
        return exact(
            f"{spread * normal(self.effective.seed, year, 'group_drift', group):.6f}" if spread else 0
        )

    def _drift_attribute(self) -> str:
        return max(group.partition(": ")[0] for group in self.groups if group)

    def _drift_group(self, person: Person, year: int) -> tuple[Fraction, Fraction]:
        attribute, _, groups = (self.value("drift_groups", year) or ": ").partition(": ")
        for group, change in (one.rsplit("=", 1) for one in groups.split("; ") if one):
            if person[attribute] == group:
                points = change[0] in "+-"
                return (
                    (Fraction(1), exact(float(change))) if points else (exact(float(change[1:])), Fraction(0))
                )
        return Fraction(1), Fraction(0)

    def _promotion(self, year: int, due: list[Person]) -> None:
        for person in due:
            rate = self.rate(f"promotion_raise_level_{person['opening_level_id']}", year)
            plain = rounded(person["pay"] * (1 + rate))
            floor_pay = self._range(person["level_id"], year)["minimum"]
            if (largest := self.value("promotion_raise_max")) is not None:
                floor_pay = min(floor_pay, rounded(person["pay"] * (1 + exact(largest))))
            if floor_pay > plain:
                self._raise(person, "promotion", floor_pay, rounded(floor_pay / person["pay"] - 1, 6))
            else:
                self._raise(person, "promotion", plain, rate)

    def _merit(self, year: int, due: list[Person]) -> None:
        paid: Counter[int] = Counter()
        weighted: Counter[int] = Counter()
        for person in due:
            paid[person["merit_level"]] += person["pay"]  # type: ignore[assignment]
            weighted[person["merit_level"]] += person["pay"] * self._weight(person, year)  # type: ignore[assignment]
        highest = self.value("individual_raise_max")
        for person in due:
            level = person["merit_level"]
            ranges = self._range(level, year)
            neutral = paid[level] / weighted[level] if weighted[level] else Fraction(0)
            target = self._group_rate(person, year, self.rate(f"merit_rate_level_{level}", year))
            person["merit_pool"] = person["pay"] * rounded(target, 6)
            rate = target * self._weight(person, year) * neutral
            rate = rounded(rate if highest is None else min(rate, exact(highest)), 6)
            full = rounded(person["pay"] * (1 + rate))
            pay = (
                min(full, max(person["pay"], ranges["maximum"])) if self.value("range_maximum_cap") else full
            )
            person["lump_sum"] = full - pay
            self._raise(person, "merit", pay, rate if pay == full else rounded(pay / person["pay"] - 1, 6))

    def _group_rate(self, person: Person, year: int, rate: Fraction) -> Fraction:
        """Return the level's rate with the factor or the points of the person's group."""
        attribute, _, groups = (self.value("merit_groups", year) or ": ").partition(": ")
        for group, change in (one.rsplit("=", 1) for one in groups.split("; ") if one):
            if person[attribute] == group:
                points = change[0] in "+-"
                rate = rate + exact(float(change)) if points else rate * exact(float(change[1:]))
        return max(rate, Fraction(0))

    def _weight(self, person: Person, year: int) -> Fraction:
        """Return the person's cell of the merit matrix, as the engine keeps it: to 6 decimals."""
        performance = self.rate(f"merit_multiplier_rating_{person['performance_rating']}")
        ranges = self._range(person["merit_level"], year)
        return rounded(performance * self._position_multiplier(person["pay"], ranges), 6)

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
