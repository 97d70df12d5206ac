"""Two simulations that were made up: the base and the what-if, and who is affected."""

from planwise.parameters import resolve
from ui.live_preview.values import Affected, Impact, LevelYear, Previewed
from ui.views.whatif.strip import Side

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
