"""What a backtest found, as contents of cards: forecasts against what happened, and against naive ones."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from planwise.formatting import count, in_currency, is_missing, money_short, percent, points
from planwise.parameters import catalogue
from ui.components import html
from ui.components.card import Content, listed
from ui.components.charts import DOWN, GREY, TOTAL, Series, bars, with_vertical_line
from ui.components.html import Kpi, TableColumn
from ui.components.point_charts import intervals
from ui.values.parameter_text import written

Found = Mapping[str, Any]
NAMES = {
    "headcount": "Headcount",
    "exits": "Exits",
    "entrants": "Entrants there at year end",
    "promotions": "Promotions",
    "payroll": "Payroll",
    "growth_all": "Growth of mean pay, everyone",
    "growth_continuing": "Growth of mean pay, continuing staff",
    "mean_pay": "Mean pay",
}
GIVEN_NAMES = {"cola_rate": "awards", "awards": "awards", "headcount_growth": "headcount"}
RATES = frozenset({"growth_all", "growth_continuing"})
MONEY = frozenset({"payroll", "mean_pay"})
BEATS = {
    "both": "✓ both",
    "last year": "last year's only",
    "mean of years": "the mean's only",
    "neither": "✕ neither",
}
PLACES = {  # of the chart: short, so that the legend has room
    "exits by service, 5 bands": "exits, 5 bands",
    "exits by service, 11 bands": "exits, 11 bands",
    "exits by department": "exits, department",
    "exits by level": "exits, level",
    "headcount by level": "headcount, level",
    "mean pay by level": "mean pay, level",
}
COVERED_WELL = 0.1  # coverage this far from what is expected is as good as it, with 27 figures
MISSING = "–"
FIGURE_COLUMNS = (
    TableColumn("figure", "Figure", is_text=True),
    TableColumn("happened", "Happened"),
    TableColumn("simulated", "Simulated"),
    TableColumn("error", "Error"),
    TableColumn("last", "Error as last year"),
    TableColumn("mean", "Error as the mean"),
    TableColumn("beats", "Beats naive", is_text=True, whole=True),
    TableColumn("rests", "Rests on", is_text=True, whole=True),
)
INTERVAL_COLUMNS = (
    TableColumn("figure", "Figure", is_text=True),
    TableColumn("happened", "Happened"),
    TableColumn("draws", "P10–P90, luck alone", is_text=True, whole=True),
    TableColumn("in_draws", "Within", is_text=True),
    TableColumn("years", "P10–P90, rates and luck", is_text=True, whole=True),
    TableColumn("in_years", "Within", is_text=True),
)
FAMILY_COLUMNS = (
    TableColumn("name", "Errors over groups", is_text=True),
    TableColumn("groups", "Groups", count),
    TableColumn("simulation", "Simulated", lambda v: percent(v)),
    TableColumn("naive_last", "As last year", lambda v: percent(v)),
    TableColumn("naive_mean", "As the mean", lambda v: percent(v)),
    TableColumn("beats_naive", "Beats naive", lambda v: BEATS.get(v, MISSING), is_text=True, whole=True),
    TableColumn("training_events", "Rests on events", lambda v: MISSING if is_missing(v) else count(v)),
)


def hold_outs(found: Found) -> dict[str, Mapping[str, Any]]:
    """Return what was held out, by its name on the page: nothing given first, then what was given of it."""
    given = found.get("given")
    known = () if given is None else ((given_name(given), given),)
    plain = [(h["year"], h) for h in found["holdouts"]]
    halves = [(h["year"], h) for h in found.get("halves", ())]
    return dict((*plain[:1], *known, *plain[1:], *halves))


def given_name(given: Found) -> str:
    """Return the name of the year that was forecast with something known of it."""
    parts = dict.fromkeys(
        GIVEN_NAMES.get(name, catalogue().parameters[name].label) for name in given["given"]
    )
    return f"{given['year']}, given: {listed(tuple(parts))}"


def headline(held: Found, expected: float) -> str:
    """Return the key figures of one hold-out."""
    rows, beats = held["rows"], held["beats_naive"]
    drawn, luck = held["coverage_years"], held["coverage_draws"]
    covered = luck if drawn is None else drawn
    good = abs(covered - expected) <= COVERED_WELL
    one = beats["last year"] + beats["mean of years"]
    tone: html.Tone = "good" if good else "warn"
    verdict = "about as expected" if good else "too narrow" if covered < expected else "too wide"
    return html.kpi_strip(
        (
            Kpi(
                "Within P10–P90",
                percent(covered, 0),
                f"{percent(expected, 0)} expected, of {count(len(rows))} figures; luck alone "
                f"{percent(luck, 0)}",
                verdict,
                tone,
            ),
            Kpi(
                "Beats both naive forecasts",
                f"{count(beats['both'])} of {count(len(rows))}",
                f"one of them {count(one)}, neither {count(beats['neither'])}; one year is one draw",
            ),
            Kpi(
                "Width of P10–P90",
                percent(held["width"], 0),
                "of what happened: half of the intervals are wider",
            ),
            Kpi(
                "Trained on",
                f"{count(len(held['trained_on']))} year{'s' * (len(held['trained_on']) != 1)}",
                f"{'; '.join(held['trained_on'])}; {count(held['seeds'])} seeds",
            ),
        )
    )


def reliability(held: Found, currency: str) -> Content:
    """Return P10–P90 of every figure against what happened: a picture, and the figures behind it."""
    drawn = held["coverage_years"] is not None
    kind = "rates and luck drawn" if drawn else "luck alone: one training year shows no spread over years"
    with in_currency(currency):
        texts = [
            {
                "figure": name_of(row),
                "happened": shown(row, row["truth"]),
                "draws": _range(row, row["draws"]),
                "in_draws": _within(row["draws"]),
                "years": _range(row, row["years"]),
                "in_years": _within(row["years"]),
            }
            for row in held["rows"]
        ]
        figure = _reliability_figure(held["rows"], texts)
    return Content(
        "Reliability: P10–P90 against what happened",
        f"Difference from what happened; {kind} · {held['year']}",
        pd.DataFrame([_flat(row) for row in held["rows"]]),
        (),
        "backtest_intervals.csv",
        figure,
        table=html.table(pd.DataFrame(texts), INTERVAL_COLUMNS, f"Reliability, {held['year']}"),
    )


def _reliability_figure(rows: Sequence[Found], texts: Sequence[Mapping[str, str]]) -> Any:
    drawn = []
    for row, text in zip(rows, texts, strict=True):
        interval = row["years"] or row["draws"]
        values = (row["forecast"], interval["low"], interval["high"])
        scaled = [d for value in values if (d := _difference(row, value)) is not None]
        if len(scaled) < len(values):  # nothing happened, so there is no share of it
            continue
        mark = "✓" if interval["within"] else "✕"
        drawn.append(
            {
                "name": f"{text['figure']} {mark}",
                "value": scaled[0],
                "low": min(scaled),
                "high": max(scaled),
                "text": f"{text['figure']}: {text['happened']} happened; "
                f"{text['years'] if row['years'] else text['draws']} forecast",
                "color": TOTAL if interval["within"] else DOWN,
            }
        )
    title = "Forecast less what happened (growth in points)"
    figure = intervals(drawn, x_title=title, x_format="+.0%")
    return with_vertical_line(figure, 0.0, text="what happened") if drawn else figure


def against_naive(held: Found, currency: str) -> Content:
    """Return each figure's errors beside those of the naive forecasts, and which of them it beats."""
    with in_currency(currency):
        texts = [
            {
                "figure": name_of(row),
                "happened": shown(row, row["truth"]),
                "simulated": shown(row, row["forecast"]),
                "error": error(row, row["forecast"]),
                "last": error(row, row["naive_last"]),
                "mean": error(row, row["naive_mean"]),
                "beats": BEATS.get(row["beats_naive"], MISSING),
                "rests": _rests(row),
            }
            for row in held["rows"]
        ]
    return Content(
        "Against naive forecasts",
        "“As last year” and “as the mean” carry the training years' rates over; near ties count as not "
        "beaten · "
        f"{held['year']}",
        pd.DataFrame([_flat(row) for row in held["rows"]]),
        (),
        "backtest_figures.csv",
        table=html.table(pd.DataFrame(texts), FIGURE_COLUMNS, f"Against naive forecasts, {held['year']}"),
    )


def families(held: Found) -> Content:
    """Return the errors over whole families of groups: bands of service, departments, levels."""
    frame = pd.DataFrame(held["families"], columns=[c.name for c in FAMILY_COLUMNS])
    places = [PLACES.get(str(name), str(name)) for name in frame["name"]]
    series = [
        Series(label, [_known(v) for v in frame[key]], [percent(v) for v in frame[key]], color)
        for key, label, color in (
            ("simulation", "Simulated", TOTAL),
            ("naive_last", "As last year", GREY),
            ("naive_mean", "As the mean of years", DOWN),
        )
    ]
    return Content(
        "Errors over groups",
        f"Sum of all errors, of the sum of what happened: lower is better · {held['year']}",
        frame,
        FAMILY_COLUMNS,
        "backtest_families.csv",
        bars(places, series, y_format=".0%", y_title="Errors, of what happened"),
    )


def notes(held: Found) -> str:
    """Return what was stated, and what the backtest has to say, as a list."""
    declared = catalogue().parameters
    stated = ", ".join(
        f"{declared[name].label} {written(declared[name], value)}" for name, value in held["given"].items()
    )
    items = [*([f"Given and not forecast: {stated}."] if stated else []), *held["notes"]]
    listed = "".join(f"<li>{html.with_code(item)}</li>" for item in items)
    return f'<ul class="caveats">{listed}</ul>' if items else ""


def name_of(row: Found) -> str:
    """Return a figure in words, with its group."""
    name = NAMES.get(row["figure"], str(row["figure"]))
    return name if row["group"] == "everyone" else f"{name}, {row['group']}"


def shown(row: Found, value: float | None) -> str:
    """Return a value of a figure with its unit."""
    if row["figure"] in RATES:
        return percent(value, 2)
    return money_short(value) if row["figure"] in MONEY else count(value)


def error(row: Found, value: float | None) -> str:
    """Return a forecast's error: per cent of what happened, or percentage points of a growth rate."""
    difference = _difference(row, value)
    return points(difference) if row["figure"] in RATES else percent(difference, sign=True)


def _difference(row: Found, value: float | None) -> float | None:
    if value is None:
        return None
    if row["figure"] in RATES:
        return float(value - row["truth"])
    return float(value / row["truth"] - 1) if row["truth"] else None


def _range(row: Found, interval: Found | None) -> str:
    return MISSING if interval is None else f"{shown(row, interval['low'])} to {shown(row, interval['high'])}"


def _within(interval: Found | None) -> str:
    return MISSING if interval is None else "✓ yes" if interval["within"] else "✕ no"


def _rests(row: Found) -> str:
    people = f"{count(row['people'])} people"
    return people if row["events"] is None else f"{people}, {count(row['events'])} events"


def _flat(row: Found) -> dict[str, Any]:
    """Return a row of the download: intervals as columns."""
    found = {key: value for key, value in row.items() if key not in ("draws", "years")}
    for name in ("draws", "years"):
        interval = row[name] or {}
        found |= {f"{name}_{end}": interval.get(end) for end in ("low", "high", "within")}
    return found


def _known(value: Any) -> float | None:
    return None if is_missing(value) else float(value)
