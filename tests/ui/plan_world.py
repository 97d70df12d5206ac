"""A session with scenarios and simulations in memory, for the page Plan."""

import asyncio
from types import SimpleNamespace

from planwise.errors import InputError
from planwise.parameters import merged_overrides, resolve, simulated_years
from ui.draft import Draft
from ui.live_preview.values import Affected, Impact, LevelYear, Previewed
from ui.pages.plan.live_figures import PlanFigures, PreviewRequest, Side
from ui.selection import Selection

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
    )  # fmt: skip
    return figures | more


OLD = Side([kpi(2026), kpi(2027)])
NEW = Side([
    kpi(2026, prorated_payroll=24_500_000.0),
    kpi(2027, growth_compound=0.0451, growth_all=0.05, payroll=26_200_000.0, headcount=308,
        prorated_payroll=25_000_000.0, adjusted_gap_max=0.015, bridge_cola=0.03),
])  # fmt: skip


def answer(**more):
    given = dict(kpis=list(NEW.kpis), seconds=0.048, employees=10_000, from_cache=False, waited_seconds=0.05)
    return Previewed(**(given | more), key="k")


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

    def list(self):
        return tuple(SimpleNamespace(name=name) for name in self.overrides)

    def get(self, name):
        return SimpleNamespace(census=None)

    def census(self, name):
        return SimpleNamespace(
            name="people", content_hash=f"{self.employees}", rows=self.employees, as_of="2025-12-31"
        )

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
        return answer(kpis=[{**last, "simulation_year": year} for year in effective.years])

    async def impact(self, scenario, effective, *, base, purpose=""):
        return IMPACT

    async def slopes(self, scenario, effective, *, purpose=""):
        self.slope_requests += 1
        return {"cola_rate": 0.75, "merit_rate_level_1": 0.2}


class FakeSession:
    """What the page needs of a session; `notices` is what the user was notified of."""

    def __init__(self, scenarios=None, *, can_edit=True):
        self.scenarios = scenarios or Scenarios()
        self.store = SimpleNamespace(plans=self.scenarios, names=self.scenarios)
        self.actions = SimpleNamespace(scenarios=self.scenarios)
        self.previews = FakePreviews(self.scenarios)
        self.selection = Selection(page="plan")
        self.draft = Draft(lambda name: self.scenarios.effective(name))
        self.user = SimpleNamespace(name="ana", role="analyst")
        self.can_edit = can_edit
        self.notices = []

    def notify(self, text, **more):
        self.notices.append((text, more.get("tone", "info")))

    def go(self, page, **selection):
        self.selection.param.update(page=page, **selection)

    async def offload(self, work, *arguments):
        return work(*arguments)
