"""What holds for every employee of a year: parameters, movement of market and ranges."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from reference.rules import exact, rounded


class World:
    """The opening census, the levels and the parameters; what they say of a year."""

    def __init__(
        self,
        census: Iterable[Mapping[str, Any]],
        levels: Iterable[Mapping[str, Any]],
        as_of: date,
        effective: Any,
        rates: Iterable[Mapping[str, Any]] = (),
        donors: Iterable[tuple[str, str, int, Any]] = (),
        market: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Donors of drift: group, tenure band, level, drift."""
        self.donors = sorted((group, tenure, level, exact(drift)) for group, tenure, level, drift in donors)
        self.groups = {group for group, *_ in self.donors}
        self.effective = effective
        self.exit_rates = list(rates)
        self.market = {
            row["job_title"]: {
                k: exact(v) if k.startswith("p") and v is not None else v for k, v in row.items()
            }
            for row in market
        }
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
        dated = "cola" if kind == "drift" else kind  # what drifts, does on the day of the COLA
        return date.fromisoformat(f"{year}-{self.value(f'{dated}_date')}")

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
        return {k: rounded(v * self.range_index(year)) for k, v in self.levels[level].items()}
