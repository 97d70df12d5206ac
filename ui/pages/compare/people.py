"""Who is paid more or less: one scenario at a time against the base."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.formatting import NOT_AVAILABLE, count, is_missing, level, money, money_short, percent
from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import DOWN, GREY, UP, count_bars, note, waterfall
from ui.components.html import Kpi, TableColumn
from ui.components.page import PAIR, STACK
from ui.pages.compare.tables import file_name
from ui.values.comparison import PeopleCompared

ATTRIBUTES = {"everybody": "Everyone", "level": "Level", "department": "Department", "gender": "Gender"}
STEPS = ("The same people", "Only there", "Only in the base")  # short enough for an axis
ALL = "Everyone"
LOSS, GAIN, SAME = DOWN, UP, GREY


def strip(found: PeopleCompared) -> str:
    """Return how many gain, lose and stay the same, and what that sums to."""
    all_people: Any = next(found.groups.itertuples(index=False))

    def part(people: int) -> str:
        share = people / all_people.people if all_people.people else None
        return f"{percent(share)} of {count(all_people.people)} matched"

    return html.kpi_strip(
        (
            Kpi("Paid more", count(all_people.gain), part(all_people.gain)),
            Kpi("Paid less", count(all_people.lose), part(all_people.lose)),
            Kpi("Paid the same", count(all_people.same), part(all_people.same)),
            Kpi(
                "Median difference",
                percent(all_people.median_relative, 2, sign=True),
                "not shown: fewer than 10 differ"
                if is_missing(all_people.net)
                else f"all together {money_short(all_people.net, sign=True)} a year of full-time base pay",
            ),
        )
    )


def distribution(found: PeopleCompared) -> Content:
    """Return how many people differ by how much, in bands; a band of fewer than ten is not counted out."""
    pair = found.pair
    frame = found.distribution
    texts = [band(row.low, row.high) for row in frame.itertuples(index=False)]
    drawn = [row for row in frame.to_dict("records") if row["low"] != row["high"]]
    width = next(
        (r["high"] - r["low"] for r in drawn if not is_missing(r["low"]) and not is_missing(r["high"])), 0.01
    )
    centres = [r["high"] - width / 2 if is_missing(r["low"]) else r["low"] + width / 2 for r in drawn]
    shown = [None if is_missing(r["people"]) else int(r["people"]) for r in drawn]
    hover = [
        f"{band(row['low'], row['high'])}: {'fewer than 10' if people is None else count(people)} people"
        for row, people in zip(drawn, shown, strict=True)
    ]
    colors = [_color(row["low"], row["high"]) for row in drawn]
    figure = (
        count_bars(centres, width, shown, hover, colors, x_format="+.1%", x_title="Difference of base pay")
        if centres
        else note(f"No one is paid differently from {found.base_label}.")
    )
    hidden = sum(people is None for people in shown)
    bands = (
        "1 band of fewer than 10 people is" if hidden == 1 else f"{hidden} bands of fewer than 10 people are"
    )
    omitted = f" · {bands} not drawn" if hidden else ""
    if len(drawn) < len(frame) and centres:
        omitted += " · those paid the same are not drawn"
    return Content(
        "How differences are spread",
        f"People by difference of base pay, % of the pay in {found.base_label} · end of {pair.year}{omitted}",
        frame.assign(band=texts, scenario=pair.scenario, against=pair.against),
        (
            TableColumn("band", "Difference", is_text=True),
            TableColumn("people", "People", lambda v: "fewer than 10" if is_missing(v) else count(v)),
        ),
        file_name("differences", (pair.scenario, pair.against), "csv"),
        figure,
    )


def payroll(found: PeopleCompared) -> Content:
    """Return why payroll differs: the same people's pay, and people employed by one side only."""
    pair = found.pair
    bridge, total = found.payroll, float(pair.payroll.difference)
    amounts = (bridge.matched, bridge.only_other, -bridge.only_base) if bridge else (math.nan,) * len(STEPS)
    parts = [float(amount) for amount in amounts]
    people = (pair.overall.people, pair.payroll.only_other_people, pair.payroll.only_base_people)
    reasons = ("The same people", f"Only in {found.label}", f"Only in {found.base_label}")
    rows = list(zip(reasons, people, parts, strict=True))
    frame = pd.DataFrame(
        [*rows, ("Difference of payroll", pd.NA, total)], columns=["reason", "people", "amount"]
    )
    drawn = list(zip(STEPS, parts, strict=True)) if bridge else [(ALL, total)]
    figure = waterfall(
        drawn,
        "Difference",
        [money_short(amount, sign=True) for _, amount in (*drawn, ("", total))],
        y_format="$",
    )
    return Content(
        "Why payroll differs",
        f"{found.label} minus {found.base_label} a year (base pay × FTE) · end of {pair.year}"
        + ("" if bridge else " · no parts, as fewer than 10 people are in one only"),
        frame,
        (
            TableColumn("reason", "Reason", is_text=True),
            TableColumn("people", "People", lambda v: "" if v is pd.NA or v is None else count(v)),
            TableColumn("amount", "$ a year", lambda v: money(v, sign=True)),
        ),
        file_name("payroll_difference", (pair.scenario, pair.against), "csv"),
        figure,
    )


def groups(found: PeopleCompared) -> Content:
    """Return who gains and loses by level, department and gender."""
    pair = found.pair
    frame = found.groups.assign(
        by=[ATTRIBUTES.get(a, a) for a in found.groups["attribute"]],
        name=list(map(_name, found.groups["attribute"], found.groups["group"])),
    )
    columns = (
        TableColumn("by", "By", is_text=True),
        TableColumn("name", "Group", is_text=True),
        TableColumn("people", "People", count),
        TableColumn("gain", "Paid more", count),
        TableColumn("lose", "Paid less", count),
        TableColumn("same", "The same", count),
        TableColumn("net", "Sum, $", lambda v: money(v, sign=True)),
        TableColumn("p10", "P10, $", lambda v: money(v, sign=True)),
        TableColumn("median", "Median, $", lambda v: money(v, sign=True)),
        TableColumn("p90", "P90, $", lambda v: money(v, sign=True)),
        TableColumn("median_relative", "Median, %", lambda v: percent(v, 2, sign=True)),
    )
    return Content(
        "Who is paid more or less, by group",
        f"Annual full-time base pay, {found.label} minus {found.base_label} · end of {pair.year} · groups "
        "under 10 people are counted together",
        frame,
        columns,
        file_name("winners_and_losers", (pair.scenario, pair.against), "csv"),
    )


def band(low: Any, high: Any) -> str:
    """Return a band of differences in words: 1.0% to 2.0%, below, above, no difference."""
    edges = [edge for edge in (low, high) if not is_missing(edge)]
    if not edges:
        return NOT_AVAILABLE
    write = partial(percent, decimals=_decimals(*edges), sign=True)
    if is_missing(low):
        return f"below {write(high)}"
    if is_missing(high):
        return f"{write(low)} and more"
    return "no difference" if low == high else f"{write(low)} to {write(high)}"


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
    gains = high > 0 if is_missing(low) else low >= 0
    return GAIN if gains else LOSS


UNMATCHED = (
    '<p class="quiet">People cannot be compared one by one: no other scenario has the same census and '
    "simulates this year.</p>"
)


class PeopleSection:
    """Shows the pair that is chosen."""

    def __init__(self) -> None:
        self._pairs: dict[str, PeopleCompared] = {}
        self._which = pmui.Select(label="People of", options=[], size="small", width=460, margin=0)
        self._which.param.watch(lambda _: self._fill(), "value")
        self._strip = html.pane("")
        self._unmatched = html.pane(UNMATCHED, visible=False)
        self._spread = Card(name="spread of differences")
        self._payroll = Card(name="why payroll differs")
        self._groups = Card(name="who is paid more or less", with_chart=False, height=480)
        self._body = pn.Column(
            self._which,
            self._strip,
            pn.Column(self._spread.layout, self._payroll.layout, **PAIR),
            self._groups.layout,
            **STACK,
        )
        self.layout = pn.Column(
            html.pane('<h2 class="card-title">Who is paid more or less</h2>'),
            self._unmatched,
            self._body,
            **STACK,
        )

    def show(self, pairs: Sequence[PeopleCompared]) -> None:
        """Show other pairs; the scenario that was looked at stays where it can."""
        self._pairs = {one.pair.scenario: one for one in pairs}
        self._unmatched.visible, self._body.visible = not pairs, bool(pairs)
        if not pairs:
            return
        kept = self._which.value if self._which.value in self._pairs else pairs[0].pair.scenario
        options = {one.label: name for name, one in self._pairs.items()}
        self._which.param.update(options=options, value=kept)
        self._fill()

    def _fill(self) -> None:
        found: Any = self._pairs.get(self._which.value)
        if found is None:
            return
        self._strip.object = strip(found)
        self._spread.show(distribution(found))
        self._payroll.show(payroll(found))
        self._groups.show(groups(found))
