"""What a calibration found, as contents of cards: rates, raises, parameters, people under another id."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from planwise.formatting import count, is_missing, percent, percent_range, ratio
from planwise.parameters import catalogue
from ui.components import html
from ui.components.card import Content
from ui.components.charts import DOWN, GREY, TOTAL, with_vertical_line
from ui.components.html import Kpi, TableColumn
from ui.components.point_charts import intervals

Found = Mapping[str, Any]
ALL_YEARS, EVERYONE = "all years", "everyone"
EXITS, PROMOTIONS = "exits", "promotions"
EVENTS = {EXITS: "Exits", PROMOTIONS: "Promotions"}
DIMENSIONS = {
    "tenure": "Service",
    "age": "Age",
    "level": "Level",
    "department": "Department",
    "job_title": "Job title",
    "title": "Job title",
}
HEADS_MIN = 10  # smaller groups are not shown
BANDS_DRAWN = 20  # the largest; the table has all
MISSING = "–"
REKEYED_COLUMNS = (
    TableColumn("year", "Year", is_text=True, whole=True),
    TableColumn("exits", "Exits", count),
    TableColumn("older_entrants", "Entrants hired earlier", count),
    TableColumn("offered", "Probably one person", count),
    TableColumn("share", "Of the exits", lambda v: percent(v)),
)
PEOPLE_COLUMNS = (
    TableColumn("old_id", "Left as", is_text=True, whole=True),
    TableColumn("new_id", "Came in as", is_text=True, whole=True),
    TableColumn("year", "Year", is_text=True, whole=True),
    TableColumn("hire_date", "Hired", is_text=True, whole=True),
    TableColumn("department", "Department", is_text=True),
    TableColumn("new_department", "Department after", is_text=True),
    TableColumn("job_title", "Title", is_text=True),
    TableColumn("new_job_title", "Title after", is_text=True),
)
PARAMETER_COLUMNS = (
    TableColumn("parameter", "Parameter", is_text=True),
    TableColumn("state", "State", is_text=True, whole=True),
    TableColumn("estimated", "Estimated", lambda v: _rate(v)),
    TableColumn("used", "Used", lambda v: _rate(v)),
    TableColumn("reason", "Reason", is_text=True),
)
RAISE_COLUMNS = (
    TableColumn("year", "Year", is_text=True, whole=True),
    TableColumn("heads", "Stayers", count),
    TableColumn("common", "Common raise", lambda v: percent(v, 2)),
    TableColumn("common_share", "Share that got it", lambda v: percent(v, 0)),
    TableColumn("overall", "Pay-weighted mean", lambda v: percent(v, 2)),
    TableColumn("interval", "95%", is_text=True, whole=True),
    TableColumn("p10", "P10", lambda v: percent(v, 2)),
    TableColumn("median", "Median", lambda v: percent(v, 2)),
    TableColumn("p90", "P90", lambda v: percent(v, 2)),
    TableColumn("no_raise_share", "No raise", lambda v: percent(v, 0)),
)


def period(found: Found) -> str:
    """Return which censuses a calibration is of."""
    years = found["years"]
    return (
        f"{years[0]['as_of']} to {years[-1]['as_of']}, {count(len(years) - 1)} year{'s' * (len(years) > 2)}"
    )


def short_year(year: str) -> str:
    """Return a year between two censuses as a heading: 2013–14 for 2013-06-30 to 2014-06-30."""
    first, _, last = year.partition(" to ")
    return f"{first[:4]}–{last[2:4]}" if last else year


def headline(found: Found) -> str:
    """Return the key figures of a calibration."""
    everyone = _overall(found, EXITS)
    heads = found["headcounts"]
    growth = [h["growth"] for h in heads]
    offered = sum(year["offered"] for year in found["rekeyed"]["years"])
    estimated = len(found["levers"]) + len(found["assumptions"])
    clipped, missing = len(found["clips"]), len(found["not_estimated"])
    tone: html.Tone = "warn" if clipped else "good"
    return html.kpi_strip(
        (
            Kpi(
                "Turnover",
                percent(everyone["rate"]),
                f"95%: {percent_range(everyone['low'], everyone['high'])}; "
                f"{count(everyone['events'])} exits of {count(everyone['heads'])} people at the openings",
            ),
            Kpi(
                "Headcount growth",
                percent(sum(growth) / len(growth), 2, sign=True),
                f"mean a year; by year {', '.join(percent(g, sign=True) for g in growth)}",
            ),
            Kpi(
                "Probably under another id",
                count(offered),
                f"{percent(offered / everyone['events'] if everyone['events'] else None)} of the exits",
            ),
            Kpi(
                "Parameters",
                count(estimated),
                f"estimated; {count(missing)} kept their defaults",
                f"{count(clipped)} clipped to a bound" if clipped else "none clipped",
                tone,
            ),
        )
    )


def dimensions(found: Found, event: str) -> dict[str, str]:
    """Return the dimensions that an event is known by, by their name on the page."""
    there = {row["dimension"] for row in _rows(found, event)} - {EVERYONE}
    return {DIMENSIONS.get(key, key.replace("_", " ").capitalize()): key for key in _in_order(there)}


def bands(found: Found, event: str, dimension: str) -> Content:
    """Return the rates of an event by band with their intervals: small bands are counted, not shown."""
    rows = [row for row in _rows(found, event) if row["dimension"] == dimension]
    pooled = [row for row in rows if row["year"] == ALL_YEARS]
    shown = [row for row in pooled if row["heads"] >= HEADS_MIN]
    years = list(dict.fromkeys(row["year"] for row in rows if row["year"] != ALL_YEARS))
    by_year = {(row["band"], row["year"]): row for row in rows}
    fitted = {
        row["band"]: row["value"]
        for row in found["exit_multipliers" if event == EXITS else "promotion_multipliers"]
        if row["dimension"] == dimension
    }
    records = [
        {
            "band": row["label"],
            "heads": row["heads"],
            "events": row["events"],
            "rate": row["rate"],
            "low": row["low"],
            "high": row["high"],
            **{year: _rate_in(by_year.get((row["band"], year))) for year in years},
            "multiplier": fitted.get(row["band"]),
        }
        for row in shown
    ]
    name = DIMENSIONS.get(dimension, dimension.replace("_", " ").capitalize())
    columns = [
        TableColumn("band", name, is_text=True),
        TableColumn("heads", "People at the opening" if event == EXITS else "Eligible stayers", count),
        TableColumn("events", EVENTS[event], count),
        TableColumn("rate", "Rate", lambda v: percent(v)),
        TableColumn("low", "95% from", lambda v: percent(v)),
        TableColumn("high", "95% to", lambda v: percent(v)),
        *(TableColumn(year, short_year(year), lambda v: percent(v)) for year in years),
        TableColumn("multiplier", "Multiplier", lambda v: ratio(v)),
    ]
    drawn = (
        sorted(records, key=lambda r: -r["heads"])[:BANDS_DRAWN] if len(records) > BANDS_DRAWN else records
    )
    notes = [f"{EVENTS[event]} a year, 95% interval"]
    notes += [f"the {BANDS_DRAWN} largest of {len(records)}"] if len(drawn) < len(records) else []
    notes += (
        [f"{count(small)} under {HEADS_MIN} people not shown"] if (small := len(pooled) - len(shown)) else []
    )
    return Content(
        f"{EVENTS[event]} by {name.lower()}",
        f"{'; '.join(notes)} · {period(found)}",
        pd.DataFrame(records, columns=[c.name for c in columns]),
        columns,
        f"{event}_by_{dimension}.csv",
        _band_figure(drawn, _overall(found, event)),
    )


def _band_figure(records: Sequence[Mapping[str, Any]], overall: Found) -> Any:
    rows = [
        {
            "name": record["band"],
            "value": record["rate"],
            "low": record["low"],
            "high": record["high"],
            "text": f"{percent(record['rate'])} ({percent_range(record['low'], record['high'])}); "
            f"{count(record['events'])} of {count(record['heads'])}",
            "color": _against(record, overall["rate"]),
        }
        for record in records
    ]
    figure = intervals(rows, x_title="Rate a year", x_format=".0%", zero_based=True)
    if rows and overall["rate"] is not None:
        with_vertical_line(figure, overall["rate"], text=f"everyone {percent(overall['rate'])}")
    return figure


def _against(record: Mapping[str, Any], rate: float | None) -> str:
    """Return the colour of a band: above or below everyone beyond its own interval, or neither."""
    if rate is None or record["low"] <= rate <= record["high"]:
        return GREY
    return DOWN if record["low"] > rate else TOTAL


def raises(found: Found) -> Content:
    """Return the raises of stayers who were not promoted, year by year."""
    rows = [
        {
            **{
                name: year[name]
                for name in ("year", "heads", "common", "common_share", "p10", "median", "p90")
            },
            "no_raise_share": year["no_raise_share"],
            "overall": year["overall"]["value"],
            "interval": percent_range(year["overall"]["low"], year["overall"]["high"], 2),
        }
        for year in found["raises"]["years"]
    ]
    return Content(
        "Raises of those who stayed",
        f"Not promoted; a common raise is one that at least a tenth share, else the median · {period(found)}",
        pd.DataFrame(rows, columns=[c.name for c in RAISE_COLUMNS]),
        RAISE_COLUMNS,
        "raises.csv",
    )


def awards(found: Found) -> Content | None:
    """Return the award of each group by year, and what people got beyond it; None without awards."""
    known = found.get("awards")
    if not known or not known["by_year"]:
        return None
    by_year, drift = known["by_year"], {(d["group"], d["year"]): d["mean"] for d in known["drift"]}
    years = list(dict.fromkeys(award["year"] for award in by_year))
    groups = {group: {a["year"]: a for a in by_year if a["group"] == group} for group in _groups(by_year)}
    rows = [
        {"group": group, "heads": own[years[-1]]["heads"] if years[-1] in own else None}
        | {f"award {year}": own[year]["rate"] if year in own else None for year in years}
        | {f"shared {year}": own[year]["share"] if year in own else None for year in years}
        | {f"drift {year}": drift.get((group, year)) for year in years}
        for group, own in groups.items()
        if max(a["heads"] for a in own.values()) >= HEADS_MIN
    ]
    columns = [
        TableColumn("group", known["attribute"].replace("_", " ").capitalize(), is_text=True),
        TableColumn("heads", "Stayers, same title", count),
        *(TableColumn(f"award {y}", f"Award {short_year(y)}", lambda v: percent(v)) for y in years),
        *(TableColumn(f"shared {y}", f"Shared by {short_year(y)}", lambda v: percent(v, 0)) for y in years),
        *(
            TableColumn(f"drift {y}", f"Beyond it {short_year(y)}", lambda v: percent(v, 2, sign=True))
            for y in years
        ),
    ]
    used = found["raises"].get("split") is None
    kind = "next year's are a decision: state them" if used else "not used: COLA and merit explain the raises"
    return Content(
        "Awards by group",
        f"The raise that a group shares, and mean drift beyond it; {kind} · {period(found)}",
        pd.DataFrame(rows, columns=[c.name for c in columns]),
        columns,
        "awards.csv",
    )


def _groups(awards_by_year: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(award["group"] for award in awards_by_year))


def parameters(found: Found) -> Content:
    """Return the parameters that were clipped to a bound, and those that keep a default, with the reason."""
    rows = [
        {
            "parameter": name_of(clip["name"]),
            "state": "clipped",
            "estimated": clip["estimated"],
            "used": clip["used"],
            "reason": "outside its hard bounds; the bound is used",
        }
        for clip in found["clips"]
    ]
    values = {**found["levers"], **found["assumptions"]}
    rows += [
        {
            "parameter": name_of(one["name"]),
            "state": "other estimate used" if one["name"] in values else "not estimated",
            "estimated": None,
            "used": values.get(one["name"]),
            "reason": one["why"],
        }
        for one in found["not_estimated"]
    ]
    return Content(
        "Clipped and not estimated",
        "Everything else was estimated; ratings, dates and the pay elasticity of turnover keep their values",
        pd.DataFrame(rows, columns=[c.name for c in PARAMETER_COLUMNS]),
        PARAMETER_COLUMNS,
        "parameters_not_estimated.csv",
    )


def rekeyed(found: Found) -> Content:
    """Return how many exits of each year are probably people under another id."""
    return Content(
        "The same person under another id",
        "Same old hire date, same department or title, pay within 25 %, no other pair possible; "
        f"a few pairs are coincidences · {period(found)}",
        pd.DataFrame(found["rekeyed"]["years"], columns=[c.name for c in REKEYED_COLUMNS]),
        REKEYED_COLUMNS,
        "rekeyed_years.csv",
    )


def rekeyed_people(found: Found) -> Content:
    """Return the pairs of ids that are probably one person, without pay."""
    return Content(
        "Pairs of ids",
        "Check some before you join them; there is no pay in this list",
        pd.DataFrame(found["rekeyed"]["people"], columns=[c.name for c in PEOPLE_COLUMNS]),
        PEOPLE_COLUMNS,
        "rekeyed_people.csv",
    )


def name_of(parameter: str) -> str:
    """Return a parameter's label; a family of them, such as `merit_rate_*`, in words."""
    known = catalogue().parameters.get(parameter)
    if known is not None:
        return known.label
    words = parameter.replace("_*", " (all)").replace("*", " (all)").replace("_", " ")
    return words[0].upper() + words[1:]


def _rate(value: Any) -> str:
    return MISSING if is_missing(value) else ratio(value, 4)


def _rate_in(row: Mapping[str, Any] | None) -> float | None:
    return None if row is None or row["heads"] < HEADS_MIN else row["rate"]


def _rows(found: Found, event: str) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = found[EXITS] if event == EXITS else found[PROMOTIONS]["shares"]
    return rows


def _overall(found: Found, event: str) -> Mapping[str, Any]:
    return next(
        row for row in _rows(found, event) if (row["dimension"], row["year"]) == (EVERYONE, ALL_YEARS)
    )


def _in_order(names: set[str]) -> list[str]:
    order = list(DIMENSIONS)
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))
