"""A realistic synthetic census: seeded, vectorised, the same for the same options on every run."""

from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import yaml

from planwise.census.dates import check_census_date
from planwise.census.registry import Census, register_census
from planwise.errors import InputError
from planwise.settings import Settings

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

EMPLOYEES_MAX = 1_000_000
DEFAULT_AS_OF = date(2025, 12, 31)  # fixed, so that a seed alone gives the same census next year
DAYS_PER_YEAR = 365.25
STREAMS = (
    *("level", "department", "gender", "ethnicity", "tenure", "age", "pay", "rating", "part_time", "fte"),
    *("location", "manager"),
)


CURRENCY = "USD"  # of the default pay structure


@dataclass(frozen=True)
class SyntheticOptions:
    """Options of a synthetic census.

    `gender_pay_gap_rate` is how much less women are paid at equal level, department, tenure (-0.3..0.3).
    """

    gender_pay_gap_rate: float = 0.03
    as_of: date = DEFAULT_AS_OF

    def __post_init__(self) -> None:
        if not -0.3 <= self.gender_pay_gap_rate <= 0.3:
            raise InputError(f"The gender pay gap {self.gender_pay_gap_rate} is outside -0.3 to 0.3.")
        check_census_date(self.as_of)


@cache
def synthetic_profile() -> dict[str, Any]:
    """Return the declared shares, titles and effects of `synthetic.yaml`."""
    text = resources.files("planwise.census").joinpath("synthetic.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def default_levels() -> pd.DataFrame:
    """Return the default pay structure of `levels.yaml`: level_id, name, minimum, maximum."""
    text = resources.files("planwise.census").joinpath("levels.yaml").read_text(encoding="utf-8")
    return pd.DataFrame(yaml.safe_load(text))


def generate_census(
    settings: Settings,
    *,
    employees: int = 1000,
    seed: int = 42,
    name: str | None = None,
    options: SyntheticOptions | None = None,
    use: bool = True,
) -> Census:
    """Generate, register and (with `use`) put in use a synthetic census of 1 to 1,000,000 employees."""
    chosen = options or SyntheticOptions()
    rows = synthetic_rows(employees, seed, chosen)
    chosen_options = asdict(chosen) | {"as_of": chosen.as_of.isoformat()}
    source = {
        "kind": "synthetic",
        "employees": employees,
        "seed": seed,
        "options": chosen_options,
        "currency": CURRENCY,
    }
    return register_census(
        settings,
        name or f"synthetic_{employees}",
        rows,
        default_levels(),
        as_of=chosen.as_of,
        source=source,
        levels_from="synthetic",
        use=use,
    )


def synthetic_rows(employees: int, seed: int, options: SyntheticOptions) -> pd.DataFrame:
    """Return one row per employee with every column of the schema; pure in its arguments."""
    if not 1 <= employees <= EMPLOYEES_MAX:
        raise InputError(f"The number of employees must be 1 to {EMPLOYEES_MAX:,} (got {employees}).")
    if seed < 0:
        raise InputError(f"The seed must be at least 0 (got {seed}).")
    profile = synthetic_profile()
    draws = {s: np.random.default_rng([seed, i]).random(employees) for i, s in enumerate(STREAMS)}
    departments = profile["departments"]
    level = _quotas(draws["level"], profile["level_mix"])
    department = _quotas(draws["department"], [d["share"] for d in departments.values()])
    woman = draws["gender"] < np.array(profile["women_share_by_level"])[level]
    tenure = _tenure_years(draws["tenure"], level, profile)
    age = _age_years(draws["age"], level, tenure, profile)
    effects = np.array([d["pay_effect"] for d in departments.values()])[department]
    effects = effects + profile["pay_tenure_slope"] * (
        tenure - np.array(profile["tenure_mean_years_by_level"])[level]
    )
    titles = np.array([d["titles"] for d in departments.values()], dtype=object)
    fte = np.where(
        draws["part_time"] < profile["part_time_share"],
        np.array(profile["part_time_fte"])[_category(draws["fte"], [0.25] * 4)],
        1.0,
    )
    width = max(6, len(str(employees)))
    ids = np.char.add("EMP-", np.char.zfill(np.arange(1, employees + 1).astype(str), width))
    families = np.array([d["job_family"] for d in departments.values()], dtype=object)
    return pd.DataFrame(
        {
            "employee_id": ids,
            "hire_date": _before(options.as_of, tenure),
            "base_pay": _pay(draws["pay"], level, woman, effects, options.gender_pay_gap_rate, profile),
            "job_title": titles[department, level],
            "department": np.array(list(departments), dtype=object)[department],
            "level_id": level + 1,
            "birth_date": _before(options.as_of, age),
            "gender": np.where(woman, "F", "M"),
            "ethnicity": np.array(list(profile["ethnicity_mix"]), dtype=object)[
                _category(draws["ethnicity"], list(profile["ethnicity_mix"].values()))
            ],
            "job_family": families[department],
            "location": np.array(list(profile["locations"]), dtype=object)[
                _category(draws["location"], list(profile["locations"].values()))
            ],
            "manager_id": _managers(draws["manager"], ids, level, department),
            "performance_rating": _category(draws["rating"], profile["rating_mix"]) + 1,
            "fte": fte,
        }
    )


def _quotas(draw: Floats, shares: list[float]) -> Integers:
    """Assign categories so that their counts are the shares (largest remainder), to whom is drawn."""
    exact = np.array(shares) / np.sum(shares) * len(draw)
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: len(draw) - counts.sum()]] += 1
    category = np.empty(len(draw), dtype=np.int64)
    category[np.argsort(draw, kind="stable")] = np.repeat(np.arange(len(shares)), counts)
    return category


def _category(draw: Floats, shares: list[float]) -> Integers:
    edges = np.cumsum(shares)[:-1] / np.sum(shares)
    return np.searchsorted(edges, draw, side="right")


def _managers(
    draw: Floats, ids: npt.NDArray[np.str_], level: Integers, department: Integers
) -> npt.NDArray[np.object_]:
    """Return the id of a manager one level up in the department, drawn; None without anybody there."""
    found = np.full(len(ids), None, dtype=object)
    for place, rank in sorted(set(zip(department.tolist(), level.tolist(), strict=True))):
        above = np.flatnonzero((department == place) & (level == rank + 1))
        rows = np.flatnonzero((department == place) & (level == rank))
        if len(above):
            found[rows] = ids[above[np.floor(draw[rows] * len(above)).astype(np.int64)]]
    return found


def _tenure_years(draw: Floats, level: Integers, profile: dict[str, Any]) -> Floats:
    """Exponential tenure with the level's mean, truncated at the longest career and the oldest age."""
    mean = np.array(profile["tenure_mean_years_by_level"])[level]
    to_oldest = profile["age_max_years"] - np.array(profile["hire_age_by_level"], dtype=float)[level]
    longest = np.minimum(to_oldest, profile["tenure_max_years"])
    return np.asarray(-mean * np.log1p(-draw * (1 - np.exp(-longest / mean))))


def _age_years(draw: Floats, level: Integers, tenure: Floats, profile: dict[str, Any]) -> Floats:
    """Age at hire plus tenure, so that the two are correlated; never above the oldest age."""
    youngest = np.array(profile["hire_age_by_level"], dtype=float)[level]
    older = -profile["hire_age_gamma_mean_years"] * np.log1p(-draw)
    latest = profile["age_max_years"] - tenure - youngest
    return np.asarray(youngest + tenure + np.minimum(older, latest * draw))


def _before(as_of: date, years: Floats) -> npt.NDArray[np.datetime64]:
    days = np.floor(years * DAYS_PER_YEAR).astype("timedelta64[D]")
    return np.datetime64(as_of, "D") - days


def _pay(
    draw: Floats,
    level: Integers,
    woman: npt.NDArray[np.bool_],
    effect: Floats,
    gap: float,
    profile: dict[str, Any],
) -> Floats:
    """Lognormal pay in whole USD, truncated to the level's half-open range, women's lower by exactly the gap.

    All pay is drawn from one distribution, truncated so that the pay after the gap is in range too.
    """
    from scipy.special import ndtr, ndtri  # SciPy is slow to import, and every command imports this module

    ranges = default_levels()
    low, high = (ranges[c].to_numpy(dtype=float)[level] for c in ("minimum", "maximum"))
    sigma = profile["pay_log_sigma"]
    centre = np.log(low + profile["pay_position"] * (high - low)) + effect
    bottom = ndtr((np.log(low / min(1 - gap, 1.0)) - centre) / sigma)
    top = ndtr((np.log(high / max(1 - gap, 1.0)) - centre) / sigma)
    pay = np.exp(centre + sigma * ndtri(bottom + draw * (top - bottom))) * np.where(woman, 1 - gap, 1.0)
    return np.asarray(np.clip(np.floor(pay), low, high - 1))
