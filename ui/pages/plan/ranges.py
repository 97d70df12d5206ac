"""Pay against the pay ranges of the census in use, which can be edited, and against the market."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError, PlanWiseError
from planwise.formatting import NBSP, count, level, local, money, percent, ratio
from ui.components import html
from ui.components.card import MARKET_MEANING, Card, market_by_group, market_by_level, place, why_no_market
from ui.components.lever_editor import EditTable
from ui.components.page import STACK
from ui.live_preview.values import PlanDetail
from ui.pages.plan.editor import SMALL
from ui.pages.plan.live_figures import LivePreview
from ui.session import Session
from ui.values.census import CensusInfo

ABOUT_DERIVED = (
    "Derived from the census: the midpoint is the level's median pay, the maximum 40–60% over the minimum."
)
ABOUT_GIVEN = "Given: by the file's mapping or here."
STORED = "New pay ranges are stored. Undo puts the earlier ones back."
UNDO_ROW: dict[str, Any] = {"styles": {"gap": "8px", "align-items": "center"}, "margin": 0}
ABOUT_MOVES = (
    "Ranges move with the range adjustment each year; compa-ratio is pay / midpoint, so COLA at the ranges' "
    "pace leaves it unchanged."
)
Pending = dict[str, str]
"""What was typed and is not stored yet, by the field's name."""


def range_sheet(
    census: CensusInfo,
    people: Sequence[Any],
    pending: Pending,
    problems: Mapping[str, str],
    *,
    closed: bool = False,
) -> dict[str, Any]:
    """Return the levels with their ranges; shares are of the year's ranges, fields are as of the census."""
    found = {int(row.member): row for row in people}
    lowest = min(one.minimum for one in census.ranges) * 0.9
    width = max(one.maximum for one in census.ranges) * 1.02 - lowest
    titles = ("Level", "Minimum", "Midpoint", "Maximum", "Below range", "In range", "At or over", "Range")
    rows = []
    for one in census.ranges:
        low, high = (
            _field(one.level_id, side, getattr(one, side), pending, problems, closed) for side in SIDES
        )
        row = found.get(one.level_id)
        shares = _shares(row)
        middle = (one.minimum + one.maximum) / 2
        place = [100 * (value - lowest) / width for value in (one.minimum, one.maximum, middle)]
        bar = {
            "aria": f"{money(one.minimum)} to {money(one.maximum)}, midpoint {money(middle)}",
            "parts": [
                {"kind": "range", "from": round(place[0], 2), "to": round(place[1], 2)},
                {"kind": "middle", "from": round(place[2], 2), "to": round(place[2], 2)},
            ],
        }
        people_text = [] if row is None else [f"{count(row.people)} people"]
        rows.append([
            {"lines": [level(one.level_id, census.levels), *people_text]},
            {"fields": [low]}, {"lines": [money(middle)]}, {"fields": [high]},
            *({"lines": lines} for lines in shares), {"bar": bar},
        ])  # fmt: skip
    return {
        "label": "Pay ranges by level",
        "head": [{"lines": [text]} for text in titles],
        "rows": rows,
        "foot": None,
    }


SIDES = ("minimum", "maximum")


def _field(
    number: int, side: str, value: float, pending: Pending, problems: Mapping[str, str], closed: bool
) -> dict[str, Any]:
    name = f"range:{number}:{side}"
    return {
        "name": name,
        "text": pending.get(name, f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"),
        "aria": f"{side.capitalize()} of level {number}",
        "unit": local().mark.strip(NBSP),
        "changed": name in pending,
        "problem": problems.get(name, ""),
        "disabled": closed,
    }


def _shares(row: Any) -> list[list[str]]:
    if row is None or not row.people:
        return [["–"]] * 3
    inside = row.people - row.below - row.at_or_over
    return [[percent(part / row.people), count(part)] for part in (row.below, inside, row.at_or_over)]


def typed_ranges(census: CensusInfo, pending: Pending) -> dict[int, tuple[float, float]]:
    """Return every level's minimum and maximum with what was typed; raises InputError naming the field."""
    found = {one.level_id: [one.minimum, one.maximum] for one in census.ranges}
    for name, text in pending.items():
        _, number, side = name.split(":")
        try:
            found[int(number)][SIDES.index(side)] = float(
                text.strip().lstrip(f"{local().mark}$ ").replace(",", "")
            )
        except ValueError:
            raise InputError(f"{text!r} is no amount.", remedy=f"Type the {side}, such as 52,000.") from None
    return {number: (low, high) for number, (low, high) in found.items()}


@dataclass(frozen=True)
class EarlierRanges:
    """The ranges that were replaced; `stored` is the content hash of the census with the new ones."""

    ranges: Mapping[int, tuple[float, float]]
    derived: bool
    stored: str


class RangesTab:
    """The tab: the table, a button that stores what was typed with the census, and one that undoes that."""

    def __init__(self, session: Session, preview: LivePreview, on_stored: Callable[[], None]) -> None:
        self._session = session
        self._preview = preview
        self._on_stored = on_stored
        self._census: CensusInfo | None = None
        self._detail: tuple[PlanDetail, int] | None = None
        self._pending: Pending = {}
        self._problems: dict[str, str] = {}
        self._table = EditTable(self._typed, sizing_mode="stretch_width", margin=0)
        self._about = html.pane("")
        self._problem = html.pane("", visible=False)
        self._earlier: EarlierRanges | None = None
        self._undo = pmui.Button(label="Undo", **SMALL)
        self._undo.on_click(self._put_back)
        self._undoing = pn.Row(html.pane(html.notice(STORED)), self._undo, visible=False, **UNDO_ROW)
        self._save = pmui.Button(label="Save the ranges", **SMALL)
        self._save.on_click(self._store)
        self._forget = pmui.Button(label="Discard", **SMALL | {"variant": "text"})
        self._forget.on_click(lambda _: self._give_up())
        self.layout = pn.Column(
            html.pane(html.card_heading("Pay ranges", "By level, annual base pay at the census date")),
            self._table,
            self._problem,
            pn.Row(self._save, self._forget, styles={"gap": "8px"}, margin=0),
            self._undoing,
            self._about,
            sizing_mode="stretch_width",
            styles={"gap": "10px"},
        )

    def show_census(self, census: CensusInfo) -> None:
        """Show a census's ranges; what was typed for another one is given up."""
        if self._census is not None and census.content_hash != self._census.content_hash:
            self._pending, self._problems, self._detail = {}, {}, None
            self._problem.visible = False
        self._census = census

    def show_detail(self, detail: PlanDetail, year: int) -> None:
        """Show who is below, in and over the ranges at a year's end."""
        self._detail = detail, year
        self.refresh()

    def forget(self, _: str) -> None:
        """Take the shares away; the ranges themselves stay."""
        self._detail = None
        self.refresh()

    def refresh(self) -> None:
        """Show the ranges, with the figures there are."""
        census = self._census
        if census is None:
            return
        people: list[Any] = []
        when = ""
        if self._detail is not None:
            detail, year = self._detail
            people = detail.of("range", year)
            when = f" Shares: active people at the end of {year}, against the ranges as moved by then."
        closed = not self._session.can_edit
        self._table.sheet = range_sheet(census, people, self._pending, self._problems, closed=closed)
        self._save.disabled = closed or not self._pending
        self._forget.visible = bool(self._pending)
        earlier = self._earlier
        self._undo.disabled = closed
        self._undoing.visible = earlier is not None and earlier.stored == census.content_hash
        about = ABOUT_DERIVED if census.has_derived_ranges else ABOUT_GIVEN
        self._about.object = (
            f'<p class="card-subtitle">{about}{when} {ABOUT_MOVES} '
            f"They belong to the census {html.breakable(census.name)} and to all scenarios on it.</p>"
        )

    def _typed(self, message: Mapping[str, Any]) -> None:
        name, text = str(message.get("name")), str(message.get("text"))[:40]
        self._preview.note(message.get("number"))
        self._preview.answered()  # nothing is simulated until it is stored
        census = self._census
        known = (
            []
            if census is None
            else [f"range:{one.level_id}:{side}" for one in census.ranges for side in SIDES]
        )
        if name not in known:
            return
        self._pending[name] = text
        self._problems.pop(name, None)
        try:
            assert census is not None  # its levels were known
            typed_ranges(census, {name: text})
        except InputError as error:
            self._problems[name] = f"{error.what} {error.remedy}"
        self.refresh()

    def _give_up(self) -> None:
        self._pending, self._problems = {}, {}
        self._problem.visible = False
        self.refresh()

    async def _store(self, *_: Any) -> None:
        census, session = self._census, self._session
        assert census is not None  # the button is there with it
        try:
            ranges = typed_ranges(census, self._pending)
            stored = await session.offload(session.actions.censuses.set_ranges, census.name, ranges)
        except PlanWiseError as error:
            self._problem.param.update(object=html.error_notice(error), visible=True)
            return
        replaced = {one.level_id: (one.minimum, one.maximum) for one in census.ranges}
        self._earlier = EarlierRanges(replaced, census.has_derived_ranges, stored)
        self._give_up()
        session.notify(
            f"The pay ranges of {census.name} are stored.",
            tone="success",
            remedy="Results that were simulated before are of the earlier ranges: run the scenarios again.",
        )
        self._on_stored()

    async def _put_back(self, *_: Any) -> None:
        """Store the earlier ranges again, unless the census was changed since."""
        census, earlier, session = self._census, self._earlier, self._session
        assert census is not None and earlier is not None  # the button is there with them
        put_back = partial(
            session.actions.censuses.set_ranges, given=not earlier.derived, seen=earlier.stored
        )
        self._earlier = None
        try:
            await session.offload(put_back, census.name, earlier.ranges)
        except PlanWiseError as error:
            session.notify_error(error)
        else:
            session.notify(f"The earlier pay ranges of {census.name} are back.", tone="success")
        self.refresh()
        self._on_stored()


MARKET_COLUMNS = {
    "people": "headcount",
    "market_people": "market_people",
    "market_pay": "mean_base_pay",
    "market_reference": "mean_market_reference",
    "market_ratio": "mean_market_ratio",
    "market_position": "mean_market_position",
    "market_reason": "market_reason",
}


class MarketTab:
    """Two cards, or why there is no market position."""

    def __init__(self) -> None:
        self._detail: tuple[PlanDetail, int] | None = None
        self._words = html.pane(html.notice("Simulating the market position…"))
        self._level = Card(name="market position by level")
        self._job = Card(name="compa-ratio to market by job", height=420)
        self._figures = pn.Column(self._level.layout, self._job.layout, visible=False, **STACK)
        self.layout = pn.Column(self._words, self._figures, html.pane(html.notice(MARKET_MEANING)), **STACK)

    def show_detail(self, detail: PlanDetail, year: int) -> None:
        """Show the position at a year's end."""
        self._detail = detail, year
        self.refresh()

    def forget(self, why: str) -> None:
        """Take the figures away, and say why."""
        self._detail = None
        self._words.object = html.notice(why)
        self._figures.visible = False

    def refresh(self) -> None:
        """Show the position that was simulated last."""
        if self._detail is None:
            return
        detail, year = self._detail
        whole = market_frame(detail, year, "all").iloc[0]
        has_market = whole["market_reason"] != "no_survey"
        self._figures.visible = has_market
        if reason := whole["why"]:
            self._words.object = html.notice(f"The market position is not measured: {reason}.", tone="warn")
        else:
            self._words.object = html.notice(
                f"At the end of {year}: compa-ratio to market {ratio(whole['mean_market_ratio'])}, at "
                f"{place(whole['mean_market_position'])} of the market; {count(whole['market_people'])} of "
                f"{count(whole['headcount'])} people have a matched job title."
            )
        if not has_market:
            return
        self._level.show(
            market_by_level(
                market_frame(detail, year, "level"),
                level,
                subtitle=f"Mean percentile of base pay in the market · end of {year} · draft",
                file_name="draft_market_by_level.csv",
            )
        )
        self._job.show(
            market_by_group(
                market_frame(detail, year, "job_title"),
                "job_title",
                subtitle=f"Base pay / market's median · end of {year} · draft",
                file_name="draft_market_by_job.csv",
            )
        )


def market_frame(detail: PlanDetail, year: int, attribute: str) -> pd.DataFrame:
    """Return the rows of an attribute's groups as the market mart has them, with why there is no figure."""
    rows = pd.DataFrame(detail.of("market", year, attribute))
    frame = rows.assign(group=rows["member"]).rename(columns=MARKET_COLUMNS)
    if attribute != "level":
        frame = frame.sort_values(["headcount", "group"], ascending=[False, True])
    frame = frame.assign(simulation_year=year, attribute=attribute).reset_index(drop=True)
    texts: list[Any] = [why_no_market(row) for row in frame.to_dict("records")]
    return frame[["simulation_year", "attribute", "group", *MARKET_COLUMNS.values()]].assign(why=texts)
