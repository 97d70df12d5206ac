"""Winners and losers of one scenario: counts, how differences are spread, why payroll differs, groups."""

from typing import Any

import pandas as pd

from ui.components import html
from ui.components.card import Content
from ui.components.charts import DOWN, GREY, UP, count_bars, waterfall
from ui.components.html import Column, Kpi
from ui.values.compared import PeopleCompared
from ui.values.formatting import NOT_AVAILABLE, count, level, money, money_short, percent
from ui.views.compare.table import file_name

ATTRIBUTES = {"everybody": "Everybody", "level": "Level", "department": "Department", "gender": "Gender"}
STEPS = ("The same people", "Only there", "Only in the base")  # short enough for an axis
LOSS, GAIN, SAME = DOWN, UP, GREY


def strip(found: PeopleCompared) -> str:
    """Return how many gain, lose and stay the same, and what that sums to."""

    def part(people: int) -> str:
        return f"{percent(people / found.people if found.people else None)} of {count(found.people)} matched"

    return html.kpi_strip(
        (
            Kpi("Gain", count(found.gain), part(found.gain)),
            Kpi("Lose", count(found.lose), part(found.lose)),
            Kpi("The same pay", count(found.same), part(found.same)),
            Kpi(
                "Median difference",
                percent(found.median_relative, 2, sign=True),
                f"all together {money_short(found.net, sign=True)} a year of full-time base pay",
            ),
        )
    )


def distribution(found: PeopleCompared) -> Content:
    """Return how many people differ by how much, in bands; a band of fewer than ten is not counted out."""
    frame = found.distribution
    texts = [band(row.low, row.high) for row in frame.itertuples(index=False)]
    shown = [None if v is None or v != v else int(v) for v in frame["people"]]
    hover = [
        f"{text}: {'fewer than 10' if people is None else count(people)} people"
        for text, people in zip(texts, shown, strict=True)
    ]
    colors = [_color(row.low, row.high) for row in frame.itertuples(index=False)]
    figure = count_bars(texts, shown, hover, colors)
    hidden = sum(people is None for people in shown)
    bands = (
        "1 band of fewer than 10 people is" if hidden == 1 else f"{hidden} bands of fewer than 10 people are"
    )
    note = f" · {bands} not drawn" if hidden else ""
    return Content(
        "How differences are spread",
        f"People by difference of base pay, % of the pay in {found.against} · end of {found.year}{note}",
        frame.assign(band=texts, scenario=found.scenario, against=found.against),
        (
            Column("band", "Difference", is_text=True),
            Column("people", "People", lambda v: "fewer than 10" if v is None or v != v else count(v)),
        ),
        file_name("differences", (found.scenario, found.against), "csv"),
        figure,
    )


def payroll(found: PeopleCompared) -> Content:
    """Return why payroll differs: the same people's pay, and people whom only one side employs."""
    rows: list[dict[str, Any]] = [
        {"reason": step.name, "people": step.people, "amount": step.amount} for step in found.payroll
    ]
    total = sum(float(step.amount) for step in found.payroll)
    frame = pd.DataFrame([*rows, {"reason": "Difference of payroll", "people": pd.NA, "amount": total}])
    figure = waterfall(
        [(name, step.amount / 1e6) for name, step in zip(STEPS, found.payroll, strict=True)],
        "Difference",
        [*(money_short(step.amount, sign=True) for step in found.payroll), money_short(total, sign=True)],
        y_format=",~f",
        y_title="$ million",
    )
    return Content(
        "Why payroll differs",
        f"{found.scenario} minus {found.against}, $ a year (base pay × FTE) · end of {found.year}",
        frame,
        (
            Column("reason", "Reason", is_text=True),
            Column("people", "People", lambda v: "" if v is pd.NA or v is None else count(v)),
            Column("amount", "$ a year", lambda v: money(v, sign=True)),
        ),
        file_name("payroll_difference", (found.scenario, found.against), "csv"),
        figure,
    )


def groups(found: PeopleCompared) -> Content:
    """Return who gains and loses by level, department and gender."""
    frame = found.groups.assign(
        by=[ATTRIBUTES.get(a, a) for a in found.groups["attribute"]],
        name=list(map(_name, found.groups["attribute"], found.groups["group"])),
    )
    columns = (
        Column("by", "By", is_text=True),
        Column("name", "Group", is_text=True),
        Column("people", "People", count),
        Column("gain", "Gain", count),
        Column("lose", "Lose", count),
        Column("same", "Same", count),
        Column("net", "Sum, $", lambda v: money(v, sign=True)),
        Column("p10", "P10, $", lambda v: money(v, sign=True)),
        Column("median", "Median, $", lambda v: money(v, sign=True)),
        Column("p90", "P90, $", lambda v: money(v, sign=True)),
        Column("median_relative", "Median, %", lambda v: percent(v, 2, sign=True)),
    )
    return Content(
        "Winners and losers by group",
        f"Annual full-time base pay, {found.scenario} minus {found.against} · end of {found.year} · groups "
        "under 10 people are counted together",
        frame,
        columns,
        file_name("winners_and_losers", (found.scenario, found.against), "csv"),
    )


def band(low: Any, high: Any) -> str:
    """Return a band of differences in words: 1.0% to 2.0%, below, above, no difference."""
    none_low, none_high = low is None or low != low, high is None or high != high
    if none_low and none_high:
        return NOT_AVAILABLE
    decimals = _decimals(*(v for v, none in ((low, none_low), (high, none_high)) if not none))
    if none_low:
        return f"below {percent(high, decimals, sign=True)}"
    if none_high:
        return f"{percent(low, decimals, sign=True)} and more"
    if low == high:
        return "no difference"
    return f"{percent(low, decimals, sign=True)} to {percent(high, decimals, sign=True)}"


def _decimals(*rates: float) -> int:
    """Return how many decimals a percentage needs to show these rates as they are."""
    return next((n for n in range(4) if all(abs(round(r * 100, n) - r * 100) < 1e-9 for r in rates)), 4)


def _name(attribute: str, group: str) -> str:
    if attribute == "everybody":
        return ""
    return level(int(group)) if attribute == "level" and group.isdecimal() else group


def _color(low: Any, high: Any) -> str:
    if low == high:
        return SAME
    middle = high if low is None or low != low else low
    return GAIN if (middle > 0 or (middle == 0 and not (low is None or low != low))) else LOSS
