"""A session with scenarios and simulations in memory, for the page Plan."""

import asyncio
from datetime import date
from types import SimpleNamespace

import pandas as pd

from planwise.engine.plan_detail import COLUMNS
from planwise.errors import InputError
from planwise.formatting import Local
from planwise.parameters import merged_overrides, resolve, simulated_years
from ui.draft import Draft
from ui.live_preview.people import detail_of
from ui.live_preview.values import Affected, Impact, LevelYear, Previewed
from ui.pages.plan.live_figures import PlanFigures, PreviewRequest
from ui.pages.plan.tiles import Side
from ui.selection import Selection
from ui.values.census import CensusInfo, CensusLevel

FIRST_YEAR = 2026
YEARS = (2026, 2027)
BASE = resolve(YEARS, scenario={"merit_rate_level_1@2027": 0.05})


def kpi(year, **more):
    figures = dict(
        simulation_year=year, headcount=310, opening_headcount=300, hires=60, promotions=12,
        experienced_terminations=30, growth_all=0.04, growth_compound=0.04, mean_base_pay=80_000.0,
        median_base_pay=75_000.0, payroll=25_000_000.0, prorated_payroll=24_000_000.0, termination_rate=0.1,
        mean_compa_ratio=1.0, below_minimum=1, above_maximum=2, adjusted_gap_max=0.02, bridge_exits=0.01,
        bridge_cola=0.02, bridge_merit=0.02, bridge_promotion=0.01, bridge_hires=-0.02,
        payroll_change=1_000_000.0,
        increase_rate=0.033, increase_cost=792_000.0, increase_cost_in_year=396_000.0, lump_sum_cost=12_000.0,
        promotion_rate_of_payroll=0.01, promotion_cost=240_000.0, promotion_raise_mean=0.113,
        total_cash=25_000_000.0,
        employer_cost=25_000_000.0, growth_continuing=0.041, turnover_voluntary=0.1, turnover_total=0.12,
        turnover_first_year=0.25, market_people=279, market_share=0.9, mean_market_ratio=1.02,
        mean_market_position=53.0, market_reason=None,
    )  # fmt: skip
    return figures | more


OLD = Side([kpi(2026), kpi(2027)])
NEW = Side([
    kpi(2026, prorated_payroll=24_500_000.0),
    kpi(2027, growth_compound=0.0451, growth_all=0.05, payroll=26_200_000.0, headcount=308,
        prorated_payroll=25_000_000.0, adjusted_gap_max=0.015, bridge_cola=0.03),
])  # fmt: skip


def answer(census="people", **more):
    given = dict(kpis=list(NEW.kpis), seconds=0.048, employees=10_000, from_cache=False, waited_seconds=0.05)
    return Previewed(**(given | more), key=f"{census}:k")


def detail_row(part, attribute, member, **more):
    return dict.fromkeys(COLUMNS) | {
        "part": part, "simulation_year": 2026, "attribute": attribute, "member": member, "promotions": 0,
    } | more  # fmt: skip


def cell(rating, position, people, spent, mean, low, high, level="all"):
    raised = {"raise_mean": mean, "raise_low": low, "raise_high": high}
    return detail_row("cell", level, rating, position=position, people=people, merit_spent=spent, **raised)


def budget(attribute, member, people, pool, spent, **more):
    figures = {"people": people, "merit_pool": pool, "merit_spent": spent, "increase_rate": 0.03}
    return detail_row("group", attribute, member, **figures | more)


def place(attribute, member, people, matched, ratio, position, **more):
    figures = {"market_people": matched, "market_ratio": ratio, "market_position": position}
    return detail_row("market", attribute, member, people=people, market_pay=50_000.0, **figures | more)


DETAIL_ROWS = [
    cell("3", 2, 40, 120_000.0, 0.035, 0.034, 0.038),
    cell("5", 0, 12, 60_000.0, 0.08, 0.08, 0.08),
    cell("1", 5, 3, 0.0, 0.0, 0.0, 0.0),
    budget("level", "1", 200, 90_000.0, 90_100.0, promotions=20, raise_mean=0.131, raise_high=0.15, below=4),
    budget("level", "2", 100, 80_000.0, 70_000.0),
    budget("department", "Police & <b>Fire</b>", 150, 90_000.0, 99_000.0),
    budget("department", "Legal", 140, 70_000.0, 60_000.0),
    budget("department", "Ethics", 4, 5_000.0, 5_000.0),
    detail_row("range", "level", "1", people=200, below=20, at_or_over=10),
    place("all", "all", 300, 290, 1.02, 53.0),
    place("level", "1", 200, 200, 0.95, 41.0),
    place("level", "2", 100, 90, 1.1, 66.0),
    place("job_title", "Clerk & <b>Cook</b>", 200, 200, 0.95, 41.0),
    place("job_title", "Sergeant", 90, 90, 1.1, 66.0),
    place("job_title", "Wizard", 6, 0, None, None, market_reason="review"),
    place("job_title", "Chief", 4, 4, 1.5, 90.0),
]


def detail(census="people"):
    return detail_of(pd.DataFrame(DETAIL_ROWS, columns=COLUMNS), f"{census}:k")


def figures(scenario="plan", effective=BASE, year=2027):
    """Return made-up figures of a draft beside its base."""
    request = PreviewRequest("people", scenario, BASE, effective, year, number=1, live=False)
    return PlanFigures(request, OLD, NEW)


def group(dimension, member, compared=50, winners=20, losers=5, median=1000.0):
    amounts = [None, None, None, None] if median is None else [500.0, median, 2000.0, 0.02]
    return Affected(dimension, member, compared, winners, losers, *amounts)


IMPACT = Impact(
    year=2027,
    levels=(
        LevelYear(2026, 1, 200, 200, 50_000.0, 50_500.0, 0.03, 0.04),
        LevelYear(2027, 1, 200, 198, 51_000.0, 52_000.0, 0.02, 0.03),
        LevelYear(2027, 5, 4, 4, None, None, None, None),
    ),
    everybody=group("everybody", "", 254),
    groups=(group("level", "1"), Affected("level", "5", *[None] * 7), group("gender", "<i>F</i>")),
    only_before=3,
    only_after=4,
    seconds=0.1,
    from_cache=False,
    key="k",
)


class Scenarios:
    """Names and overrides; the baseline has none."""

    def __init__(self, *, horizon=5, **others):
        self.overrides = {"baseline": {}, **others}
        self.titles, self.archived = {}, set()
        self.horizon = horizon
        self.employees = 10_000
        self.levels = (
            CensusLevel(1, "Pay band 1", 40_000.0, 56_000.0),
            CensusLevel(2, "x" * 60, 60_000.0, 87_000.5),
        )

    def list(self):
        return tuple(SimpleNamespace(name=name) for name in self.overrides)

    def get(self, name):
        return SimpleNamespace(census=None)

    def census(self, name):
        return CensusInfo(
            name="people", content_hash=f"{self.employees}", rows=self.employees, as_of=date(2025, 12, 31),
            first_year=FIRST_YEAR, ranges=self.levels, has_derived_ranges=True, has_ratings=True,
        )  # fmt: skip

    def effective(self, name):
        if name not in self.overrides:
            raise InputError(f"Unknown scenario {name!r}.", remedy="`planwise scenario list`.")
        overrides = self.overrides[name]
        return resolve(simulated_years(overrides.get("years", self.horizon), FIRST_YEAR), scenario=overrides)

    def refused(self, name):
        return InputError("Taken.", remedy="Choose another name.") if name in self.overrides else None

    def remark(self, name):
        return ""

    def save(self, name, *, base, changes, description="", title=""):
        self.effective(base)  # refuses what is not there
        self.titles[name] = title
        self.overrides[name] = merged_overrides(self.overrides[base], changes)

    def update(self, name, changes, *, seen=None):
        self.overrides[name] = merged_overrides(self.overrides[name], changes)

    def archive(self, name):
        self.archived.add(name)

    def delete(self, name):
        del self.overrides[name]


class FakePreviews:
    """Records every request, and answers with made-up figures of the years that are simulated."""

    def __init__(self, scenarios):
        self.requests, self.slope_requests, self.error = [], 0, None
        self._scenarios = scenarios

    async def kpis(self, scenario, effective, *, purpose=""):
        base = self._scenarios.overrides[scenario]
        changes = {name: value for name, value in effective.scenario.items() if base.get(name) != value}
        self.requests.append((purpose, scenario, changes))
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        last = NEW.kpis[-1] if changes else OLD.kpis[-1]
        census = self._scenarios.census(None).content_hash
        return answer(census, kpis=[{**last, "simulation_year": year} for year in effective.years])

    async def impact(self, scenario, effective, *, base, purpose=""):
        return IMPACT

    async def detail(self, scenario, effective, *, purpose=""):
        return detail(self._scenarios.census(None).content_hash)

    async def slopes(self, scenario, effective, *, purpose=""):
        self.slope_requests += 1
        return {"cola_rate": 0.75, "merit_rate_level_1": 0.2}


class FakeSession:
    """What the page needs of a session; `notices` is what the user was notified of."""

    def __init__(self, scenarios=None, *, can_edit=True):
        self.scenarios = scenarios or Scenarios()
        self.store = SimpleNamespace(
            plans=self.scenarios,
            names=self.scenarios,
            censuses=SimpleNamespace(calibrated=lambda: ()),
            local=lambda census: Local(levels=self.scenarios.census(census).levels),
        )
        self.actions = SimpleNamespace(scenarios=self.scenarios)
        self.previews = FakePreviews(self.scenarios)
        self.selection = Selection(page="plan")
        self.draft = Draft(lambda name: self.scenarios.effective(name))
        self.user = SimpleNamespace(name="ana", role="analyst")
        self.can_edit = can_edit
        self.notices = []

    def notify(self, text, **more):
        self.notices.append((text, more.get("tone", "info")))

    def notify_error(self, error, tone="error"):
        self.notify(error.what, tone=tone)

    def go(self, page, **selection):
        self.selection.param.update(page=page, **selection)

    async def offload(self, work, *arguments):
        return work(*arguments)
