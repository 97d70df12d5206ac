"""The simulation again in NumPy, pandas and polars, to set the SQL beside what one would write without it.

Each does in its own way what it does for every employee of every year: who leaves, is promoted and is hired,
what all of them are paid; and reports headcount, movements and payroll. They have no audits, no events, no
budgets, no equity. A run asserts that they give the figures of the product.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.engine_rules import (
    AGE_EDGES,
    AGE_MAX,
    AGES,
    NEUTRAL_RATING,
    NEVER,
    TENURE_EDGES,
    TENURE_MAX,
    Floats,
    PayRules,
    Row,
    Rules,
    lanes,
)
from planwise.errors import CheckFailed, InputError

TINY = 1e-6  # of the last place: what binary numbers have just below a half is a half
MONEY_TOLERANCE = 1e-7  # relative; a cent of one person is more
WHOLE = ("headcount", "hires", "terminations", "promotions")
MONEY = ("payroll", "mean_base_pay")
UNKNOWN_AGE = len(AGES) - 1

Columns = dict[str, npt.NDArray[Any]]


def half_up(value: Any, decimals: int) -> Any:
    """Round half up; of arrays, series and polars expressions alike."""
    scale = 10**decimals
    scaled = value * scale + (0.5 + TINY)
    return (scaled.floor() if hasattr(scaled, "floor") else np.floor(scaled)) / scale


def numpy_kpis(rules: Rules) -> list[Row]:
    """Simulate on NumPy arrays, one a fact."""
    people: Columns = {name: column.to_numpy() for name, column in rules.people.items()}
    rows = []
    for year in rules.years:
        first = np.datetime64(f"{year}-01-01", "s")
        day, count = np.timedelta64(86_400, "s"), len(people["id"])
        tenure = np.minimum(_years(people["hired"], year), TENURE_MAX)
        known = ~np.isnat(people["born"])
        age = np.clip(_years(np.where(known, people["born"], first), year), 0, AGE_MAX)
        age_band = np.where(known, np.searchsorted(AGE_EDGES, age, "right"), UNKNOWN_AGE)
        code = rules.code(np.searchsorted(TENURE_EDGES, tenure, "right"), age_band, people["level"])
        draws = lanes(rules.seed, year, "person", people["id"])
        leaves = draws[:, 0] < rules.leave_chances(year, np.bincount(code, minlength=rules.codes))[code]
        hired, gone = rules.hires(year, count, int((~leaves).sum()))
        if hired < 0:
            stay = np.flatnonzero(~leaves)
            leaves[stay[np.argsort(draws[stay, 3], kind="stable")[:-hired]]] = True
        ends = np.where(leaves, first + np.floor(draws[:, 1] * rules.days_in(year)).astype(int) * day, NEVER)
        when, hired_by = rules.promotion(year)
        eligible = (people["level"] < rules.top) & (people["hired"] <= hired_by) & (ends >= when)
        by_code = np.bincount(code[eligible], minlength=rules.codes)
        rises = eligible & (draws[:, 2] < rules.rise_chances(year, by_code)[code])
        people |= {"opening": people["level"], "level": people["level"] + rises, "ends": ends, "rises": rises}
        if hired > 0:
            more = _numpy_hires(rules, year, hired, gone)
            people = {name: np.concatenate([people[name], more[name]]) for name in more}
        people["pay"] = _numpy_pay(rules.pay_rules(year), people)
        stays = people["ends"] == NEVER
        people = {name: column[stays] for name, column in people.items()}
        paid = float(people["pay"] @ people["fte"])
        rows.append(
            _row(len(people["id"]), max(hired, 0), len(stays), int(rises.sum()), paid, people["pay"].mean())
        )
    return rows


def _years(since: npt.NDArray[Any], year: int) -> npt.NDArray[Any]:
    """Return completed years on 1 January."""
    return year - 1971 - (since - np.timedelta64(1, "s")).astype("datetime64[Y]").astype(int)


def _numpy_hires(rules: Rules, year: int, count: int, gone: int) -> Columns:
    like, first, day = (
        rules.hire_rules(year),
        np.datetime64(f"{year}-01-01", "s"),
        np.timedelta64(86_400, "s"),
    )
    ids = np.array([f"NEW-{year}-{slot:07d}" for slot in range(1, count + 1)], dtype=object)
    draws, exits = (lanes(rules.seed, year, block, ids) for block in ("hire_profile", "hire_exit"))
    places = np.minimum(np.searchsorted(like.upper, draws[:, 0], "right"), len(like.levels) - 1)
    level = like.levels[places]
    ordinal = like.templates_from[level] + np.floor(draws[:, 1] * like.templates[level]).astype(int)
    template = rules.template_rows[ordinal]
    hired_at, born_at = (rules.people[name].to_numpy()[template] for name in ("hired", "born"))
    offset = np.floor(draws[:, 2] * rules.days_in(year)).astype(int)
    hired = first + offset * day
    position = np.clip(like.position + (2 * draws[:, 3] - 1) * like.spread, 0, 1)
    last = np.floor(exits[:, 1] * (rules.days_in(year) - offset)).astype(int)
    leaves = np.zeros(count, dtype=bool)
    hazard = -np.log(1 - exits[:, 0]) / (rules.days_in(year) - offset)  # the least at which each would leave
    leaves[np.argsort(hazard, kind="stable")[:gone]] = True
    drawn = (like.minimum[level] + like.width[level] * position) * like.factor
    copied = rules.people.pay.to_numpy()[template] * like.copy_factor
    return {
        "id": ids,
        "hired": hired,
        "born": hired - (hired_at - born_at),
        "level": level,
        "rating": np.full(count, NEUTRAL_RATING),
        "fte": rules.people.fte.to_numpy()[template],
        "pay": half_up(np.where(like.copied[level], copied, drawn), 2),
        "opening": level,
        "ends": np.where(leaves, hired + last * day, NEVER),
        "rises": np.zeros(count, dtype=bool),
    }


def _numpy_pay(raises: PayRules, people: Columns) -> Floats:
    pay: Floats = people["pay"]
    for step in raises.steps:
        there = people["ends"] >= raises.days[step]
        if step == "cola":
            due = there & (people["hired"] <= raises.days[step])
            pay = np.where(due, half_up(pay * (1 + raises.cola_rate), 2), pay)
        elif step == "promotion":
            plain = half_up(pay * (1 + raises.promotion_rate[people["opening"]]), 2)
            lowest = np.minimum(
                raises.minimum[people["level"]], half_up(pay * (1 + raises.promotion_most), 2)
            )
            pay = np.where(people["rises"], np.maximum(plain, lowest), pay)
        else:
            level = people["level" if raises.promotion_first else "opening"]
            due = there & (people["hired"] <= raises.merit_hired_by)
            low, high = raises.minimum[level], raises.maximum[level]
            with np.errstate(invalid="ignore", divide="ignore"):
                quartile = np.clip(np.floor((pay - low) * 4 / (high - low)), -1, 4).astype(int) + 1
            weight = half_up(raises.by_rating[people["rating"]] * raises.by_quartile[quartile], 6)
            paid = np.bincount(level[due], pay[due], len(raises.minimum))
            weighted = np.bincount(level[due], (pay * weight)[due], len(raises.minimum))
            neutral = np.divide(paid, weighted, out=np.zeros_like(paid), where=weighted > 0)
            raised = half_up(pay * (1 + half_up(raises.merit_rate[level] * weight * neutral[level], 6)), 2)
            if raises.capped:
                raised = np.minimum(raised, np.maximum(pay, high))
            pay = np.where(due, raised, pay)
    return pay


def pandas_kpis(rules: Rules) -> list[Row]:
    """Simulate on a pandas frame, a row a person."""
    people, rows = rules.people.copy(), []
    for year in rules.years:
        first, day = pd.Timestamp(year, 1, 1), pd.Timedelta(days=1)
        tenure = _frame_years(people.hired, year).clip(upper=TENURE_MAX)
        age = _frame_years(people.born, year).clip(0, AGE_MAX)
        by_age = pd.cut(age, [-np.inf, *AGE_EDGES, np.inf], right=False, labels=False).fillna(UNKNOWN_AGE)
        by_tenure = pd.cut(tenure, [-np.inf, *TENURE_EDGES, np.inf], right=False, labels=False)
        people["code"] = rules.code(by_tenure, by_age.astype(int), people.level)
        people["leave"], people["date"], people["rise"], people["reduction"] = lanes(
            rules.seed, year, "person", people.id
        ).T
        leaves = people.leave < people.code.map(_chances(rules, rules.leave_chances, year, people.code))
        hired, gone = rules.hires(year, len(people), int((~leaves).sum()))
        if hired < 0:
            leaves[people[~leaves].nsmallest(-hired, "reduction").index] = True
        ends = first + np.floor(people.date * rules.days_in(year)) * day
        people["ends"] = ends.astype("datetime64[s]").where(leaves, pd.Timestamp(NEVER).as_unit("s"))
        when, hired_by = rules.promotion(year)
        eligible = (people.level < rules.top) & (people.hired <= hired_by) & (people.ends >= when)
        chance = people.code.map(_chances(rules, rules.rise_chances, year, people.code[eligible]))
        people["rises"] = eligible & (people.rise < chance)
        people["opening"] = people.level
        people["level"] += people.rises
        promotions = int(people.rises.sum())
        people = people.drop(columns=["code", "leave", "date", "rise", "reduction"])
        if hired > 0:
            people = pd.concat([people, _pandas_hires(rules, year, hired, gone)], ignore_index=True)
        people["pay"] = _pandas_pay(rules.pay_rules(year), people)
        everyone = len(people)
        people = people[people.ends == NEVER].reset_index(drop=True)
        paid = float((people.pay * people.fte).sum())
        rows.append(_row(len(people), max(hired, 0), everyone, promotions, paid, people.pay.mean()))
    return rows


def _frame_years(since: "pd.Series[Any]", year: int) -> "pd.Series[Any]":
    return year - 1 - (since - pd.Timedelta(seconds=1)).dt.year


def _chances(
    rules: Rules, of: Callable[..., Floats], year: int, codes: "pd.Series[int]"
) -> "pd.Series[float]":
    """Return the chance by code."""
    counts = codes.value_counts().reindex(range(rules.codes), fill_value=0)
    return pd.Series(of(year, counts.to_numpy()))


def _pandas_hires(rules: Rules, year: int, count: int, gone: int) -> pd.DataFrame:
    like, first = rules.hire_rules(year), pd.Timestamp(year, 1, 1)
    hires = pd.DataFrame({"id": [f"NEW-{year}-{slot:07d}" for slot in range(1, count + 1)]})
    level, template, offset, place = lanes(rules.seed, year, "hire_profile", hires.id).T
    exits = pd.DataFrame(lanes(rules.seed, year, "hire_exit", hires.id))
    upper = [0.0, *like.upper[:-1], np.inf]
    hires["level"] = pd.cut(level, upper, right=False, labels=like.levels).astype(int)
    by_level = pd.DataFrame({"start": like.templates_from, "size": like.templates})
    where = by_level.loc[hires.level].reset_index(drop=True)
    rows = rules.template_rows[(where.start + (template * where["size"]).astype(int)).to_numpy()]
    census = rules.people.iloc[rows].reset_index(drop=True)
    offset = np.floor(offset * rules.days_in(year))
    hires["hired"] = (first + pd.to_timedelta(offset, unit="D")).astype("datetime64[s]")
    hires["born"] = hires.hired - (census.hired - census.born)
    hires["rating"], hires["fte"], hires["opening"], hires["rises"] = (
        NEUTRAL_RATING,
        census.fte,
        hires.level,
        False,
    )
    position = pd.Series(like.position + (2 * place - 1) * like.spread).clip(0, 1)
    ranges = (
        pd.DataFrame({"minimum": like.minimum, "width": like.width}).loc[hires.level].reset_index(drop=True)
    )
    drawn = (ranges.minimum + ranges.width * position) * like.factor
    hires["pay"] = half_up(
        (census.pay * like.copy_factor).where(pd.Series(like.copied[hires.level]), drawn), 2
    )
    last = pd.to_timedelta(np.floor(exits[1] * (rules.days_in(year) - offset)), unit="D")
    hazard = -np.log(1 - exits[0]) / (rules.days_in(year) - offset)  # the least at which each would leave
    leaves = hires.index.isin(hazard.nsmallest(gone).index)
    hires["ends"] = (
        (hires.hired + last).astype("datetime64[s]").where(leaves, pd.Timestamp(NEVER).as_unit("s"))
    )
    return hires


def _pandas_pay(raises: PayRules, people: pd.DataFrame) -> "pd.Series[float]":
    pay = people.pay
    by_level = pd.DataFrame(
        {
            "minimum": raises.minimum,
            "maximum": raises.maximum,
            "promotion": raises.promotion_rate,
            "merit": raises.merit_rate,
        }
    )
    for step in raises.steps:
        there = people.ends >= raises.days[step]
        if step == "cola":
            due = there & (people.hired <= raises.days[step])
            pay = pay.mask(due, half_up(pay * (1 + raises.cola_rate), 2))
        elif step == "promotion":
            plain = half_up(pay * (1 + people.opening.map(by_level.promotion)), 2)
            most = half_up(pay * (1 + raises.promotion_most), 2)
            lowest = people.level.map(by_level.minimum).clip(upper=most)
            pay = pay.mask(people.rises, plain.clip(lower=lowest))
        else:
            merit = pd.DataFrame(
                {"level": people.level if raises.promotion_first else people.opening, "pay": pay}
            )
            merit = merit.join(by_level, on="level")
            merit = merit[there & (people.hired <= raises.merit_hired_by)]
            position = ((merit.pay - merit.minimum) * 4 / (merit.maximum - merit.minimum)).clip(-1, 4)
            performance = people.rating[merit.index].map(pd.Series(raises.by_rating))
            quartile = np.floor(position).astype(int) + 1
            merit["weight"] = half_up(performance * quartile.map(pd.Series(raises.by_quartile)), 6)
            merit["weighted"] = merit.pay * merit.weight
            sums = merit.groupby("level")[["pay", "weighted"]].transform("sum")
            neutral = (sums.pay / sums.weighted).where(sums.weighted > 0, 0.0)
            raised = half_up(merit.pay * (1 + half_up(merit.merit * merit.weight * neutral, 6)), 2)
            if raises.capped:
                raised = raised.clip(upper=merit[["pay", "maximum"]].max(axis=1))
            pay = raised.reindex(pay.index).fillna(pay)
    return pay


def polars_kpis(rules: Rules) -> list[Row]:
    """Simulate on a polars frame by expressions; raises InputError where polars is not installed."""
    pl = _polars()
    people, rows = pl.from_pandas(rules.people), []
    never = pl.lit(NEVER.astype("datetime64[ms]").item())
    for year in rules.years:
        first = pl.datetime(year, 1, 1, time_unit="ms")
        draws = lanes(rules.seed, year, "person", people["id"].to_list())
        people = people.with_columns(
            tenure=(year - 1 - _before("hired").dt.year()).clip(upper_bound=TENURE_MAX),
            age=(year - 1 - _before("born").dt.year()).clip(0, AGE_MAX),
            **{name: pl.Series(draws[:, n]) for n, name in enumerate(("leave", "date", "rise", "reduction"))},
        ).with_columns(
            code=rules.code(
                _band("tenure", TENURE_EDGES), _band("age", AGE_EDGES).fill_null(UNKNOWN_AGE), pl.col("level")
            )
        )
        leave = _polars_chances(rules, rules.leave_chances, year, people["code"])
        people = people.with_columns(leaves=pl.col("leave") < leave.gather(people["code"]))
        hired, gone = rules.hires(year, len(people), int((~people["leaves"]).sum()))
        if hired < 0:
            order = pl.col("reduction").filter(~pl.col("leaves")).bottom_k(-hired).max()
            people = people.with_columns(leaves=pl.col("leaves") | (pl.col("reduction") <= order))
        when, hired_by = (pl.lit(day.item()) for day in rules.promotion(year))
        ended = first + pl.duration(days=(pl.col("date") * rules.days_in(year)).floor().cast(pl.Int64))
        people = people.with_columns(ends=pl.when("leaves").then(ended).otherwise(never)).with_columns(
            eligible=(pl.col("level") < rules.top) & (pl.col("hired") <= hired_by) & (pl.col("ends") >= when)
        )
        rise = _polars_chances(rules, rules.rise_chances, year, people.filter("eligible")["code"])
        people = people.with_columns(
            rises=pl.col("eligible") & (pl.col("rise") < rise.gather(people["code"])), opening="level"
        ).with_columns(level=pl.col("level") + pl.col("rises"))
        promotions = int(people["rises"].sum())
        people = people.select(*rules.people.columns, "opening", "ends", "rises")
        if hired > 0:
            people = pl.concat(
                [people, _polars_hires(rules, year, hired, gone).select(people.columns)],
                how="vertical_relaxed",
            )
        people = _polars_pay(rules.pay_rules(year), people)
        everyone, people = len(people), people.filter(pl.col("ends") == never)
        paid, mean = people.select((pl.col("pay") * pl.col("fte")).sum(), mean=pl.col("pay").mean()).row(0)
        rows.append(_row(len(people), max(hired, 0), everyone, promotions, paid, mean))
        people = people.select(rules.people.columns)
    return rows


def _polars() -> Any:
    try:
        import polars
    except ModuleNotFoundError as error:
        raise InputError(
            "polars is not installed, and this benchmark compares with it.",
            remedy="pip install polars; in a checkout `make test` installs it.",
        ) from error
    return polars


def _before(column: str) -> Any:
    return _polars().col(column) - _polars().duration(seconds=1)


def _band(column: str, edges: Sequence[int]) -> Any:
    """Return the number of edges that a value has reached; null stays null."""
    return sum((_polars().col(column) >= edge).cast(int) for edge in edges)


def _polars_chances(rules: Rules, of: Callable[..., Floats], year: int, codes: Any) -> Any:
    """Return the chance by code as a series."""
    counts = np.zeros(rules.codes, dtype=np.int64)
    values = codes.value_counts()
    counts[values["code"].to_numpy()] = values["count"].to_numpy()
    return _polars().Series(of(year, counts))


def _polars_hires(rules: Rules, year: int, count: int, gone: int) -> Any:
    pl, like = _polars(), rules.hire_rules(year)
    ids = [f"NEW-{year}-{slot:07d}" for slot in range(1, count + 1)]
    names = ("level_draw", "template_draw", "date_draw", "place", "exit_draw", "exit_date_draw")
    draws = np.hstack([lanes(rules.seed, year, block, ids)[:, :4] for block in ("hire_profile", "hire_exit")])
    hires = pl.DataFrame({"id": ids} | {name: draws[:, n] for n, name in enumerate(names)})
    place = pl.Series(like.upper[:-1]).search_sorted(hires["level_draw"], side="right")
    by_level = pl.DataFrame(
        {
            "level": np.arange(rules.top + 1),
            "start": like.templates_from,
            "size": like.templates,
            "minimum": like.minimum,
            "width": like.width,
        }
    )
    days = rules.days_in(year)
    hires = hires.with_columns(level=pl.Series(like.levels).gather(place)).join(
        by_level, on="level", how="left", maintain_order="left"
    )
    hires = hires.with_columns(
        row=pl.Series(rules.template_rows).gather(
            hires.select(
                pl.col("start") + (pl.col("template_draw") * pl.col("size")).floor().cast(pl.Int64)
            ).to_series()
        ),
        offset=(pl.col("date_draw") * days).floor().cast(pl.Int64),
        copied=pl.Series(like.copied).gather(hires["level"]),
    )
    hazard = -(1 - pl.col("exit_draw")).log() / (
        days - pl.col("offset")
    )  # the least at which each would leave
    hires = hires.with_columns(leaves=hazard.rank("ordinal") <= gone)
    census = pl.from_pandas(rules.people)[hires["row"]]
    first = pl.datetime(year, 1, 1, time_unit="ms")
    last = ((days - pl.col("offset")) * pl.col("exit_date_draw")).floor().cast(pl.Int64)
    position = (pl.lit(like.position) + (2 * pl.col("place") - 1) * like.spread).clip(0, 1)
    return hires.with_columns(hired=first + pl.duration(days="offset"), fte=census["fte"]).with_columns(
        born=pl.col("hired") - (census["hired"] - census["born"]),
        rating=NEUTRAL_RATING,
        pay=half_up(
            pl.when("copied")
            .then(census["pay"] * like.copy_factor)
            .otherwise((pl.col("minimum") + pl.col("width") * position) * like.factor),
            2,
        ),
        opening="level",
        rises=False,
        ends=pl.when("leaves")
        .then(pl.col("hired") + pl.duration(days=last))
        .otherwise(pl.lit(NEVER.astype("datetime64[ms]").item())),
    )


def _polars_pay(raises: PayRules, people: Any) -> Any:
    pl = _polars()

    def of(values: Floats, column: str) -> Any:
        return pl.Series(values).gather(people[column])

    for step in raises.steps:
        there = pl.col("ends") >= pl.lit(raises.days[step].item())
        pay = pl.col("pay")
        if step == "cola":
            due = there & (pl.col("hired") <= pl.lit(raises.days[step].item()))
            raised = half_up(pay * (1 + raises.cola_rate), 2)
        elif step == "promotion":
            due = pl.col("rises")
            most = half_up(pay * (1 + raises.promotion_most), 2)
            lowest = pl.min_horizontal(of(raises.minimum, "level"), most)
            raised = pl.max_horizontal(half_up(pay * (1 + of(raises.promotion_rate, "opening")), 2), lowest)
        else:
            level = "level" if raises.promotion_first else "opening"
            due = there & (pl.col("hired") <= pl.lit(raises.merit_hired_by.item()))
            low, high = of(raises.minimum, level), of(raises.maximum, level)
            place = ((pay - low) * 4 / (high - low)).floor().clip(-1, 4).cast(pl.Int64) + 1
            quartile = people.select(place).to_series()
            weight = half_up(
                of(raises.by_rating, "rating") * pl.Series(raises.by_quartile).gather(quartile), 6
            )
            people = people.with_columns(weight=weight, due=due)
            paid, weighted = (
                pl.when("due").then(value).otherwise(0.0).sum().over(level)
                for value in (pay, pay * pl.col("weight"))
            )
            neutral = pl.when(weighted > 0).then(paid / weighted).otherwise(0.0)
            raised = half_up(
                pay * (1 + half_up(of(raises.merit_rate, level) * pl.col("weight") * neutral, 6)), 2
            )
            if raises.capped:
                raised = pl.min_horizontal(raised, pl.max_horizontal(pay, high))
        people = people.with_columns(pay=pl.when(due).then(raised).otherwise(pay))
    return people


ENGINES: Mapping[str, Callable[[Rules], list[Row]]] = {
    "numpy": numpy_kpis,
    "pandas": pandas_kpis,
    "polars": polars_kpis,
}


def check_equal(engine: str, found: Sequence[Row], product: Sequence[Mapping[str, Any]]) -> None:
    """Raise CheckFailed unless an engine's figures are those of the product, year by year."""
    for mine, its in zip(found, product, strict=True):
        for name in (*WHOLE, *MONEY):
            allowed = MONEY_TOLERANCE * abs(float(its[name])) if name in MONEY else 0.0
            if not abs(mine[name] - float(its[name])) <= allowed:
                raise CheckFailed(
                    f"{engine} has {name} {mine[name]:,.2f} in {its['simulation_year']}, "
                    f"PlanWise {float(its[name]):,.2f}: they do not simulate the same."
                )


def _row(headcount: int, hires: int, people: int, promotions: int, payroll: float, mean: float) -> Row:
    found = (headcount, hires, people - headcount, promotions, payroll, float(mean))
    return dict(zip((*WHOLE, *MONEY), map(float, found), strict=True))
