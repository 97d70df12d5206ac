"""Published results by hand, no simulation; the frames are what the tests compute from."""

import json

import duckdb
import numpy as np
import pandas as pd

from planwise.settings import Settings

YEARS = (2026, 2027)
MARTS = ("fct_scenario_kpis", "fct_compensation_growth", "fct_budget", "fct_level_summary")


def publish_by_hand(
    settings: Settings, scenario: str, *, fingerprint="f" * 32, growth=0.031, target=0.03, **told
):
    """Write a small result in the published layout; `growth` is of both years, `told` for its manifest."""
    folder = settings.published_dir / scenario / fingerprint
    folder.mkdir(parents=True, exist_ok=True)
    for mart, frame in frames(growth).items():
        frame.to_parquet(folder / f"{mart}.parquet")
    (folder / "manifest.json").write_text(json.dumps(manifest(scenario, fingerprint, target, **told)))
    (settings.published_dir / scenario / "current").write_text(fingerprint)
    return folder


def frames(growth: float) -> dict[str, pd.DataFrame]:
    kpis = pd.DataFrame({"simulation_year": YEARS})
    counts = dict(
        headcount=320, opening_headcount=300, hires=60, terminations=40, experienced_terminations=30,
        below_minimum=1, above_maximum=2,
    )  # fmt: skip
    rates = dict(
        growth_all=growth, growth_compound=growth, bridge_exits=0.01, bridge_cola=0.02, bridge_merit=0.02,
        bridge_promotion=0.01, bridge_hires=growth - 0.06, mean_compa_ratio=1.02, termination_rate=0.1,
        mean_base_pay=80_000.0, median_base_pay=75_000.0, payroll=25_600_000.0, payroll_change=1_600_000.0,
        increase_rate=0.04, increase_cost=1_000_000.0, increase_cost_in_year=600_000.0, lump_sum_cost=0.0,
        promotion_rate_of_payroll=0.004, growth_continuing=0.045, adjusted_gap_max=np.nan,
    )  # fmt: skip
    mean = [80_000.0, 82_000.0, 84_000.0]
    return {
        "fct_scenario_kpis": kpis.assign(**counts, **rates),
        "fct_compensation_growth": pd.DataFrame(
            {
                "simulation_year": [0, *YEARS],
                "headcount": [300, 310, 320],
                "mean_base_pay": mean,
                "payroll": [24_000_000.0, 24_800_000.0, 25_600_000.0],
                "prorated_payroll": [24_000_000.0, 24_500_000.0, 25_000_000.0],
                "growth_all": [None, growth, growth],
            }
        ),
        "fct_budget": pd.DataFrame({"simulation_year": YEARS, "payroll_change": 1_600_000.0}),
        "fct_level_summary": pd.DataFrame(
            {
                "simulation_year": [0, 0, 2026, 2026, 2027, 2027],
                "level_id": [2, 3] * 3,
                "headcount": [291, 9, 300, 10, 311, 9],
                "hires": 1,
                "terminations": 1,
                "promotions_in": 1,
                "mean_base_pay": 80_000.0,
                "median_base_pay": 79_000.0,
                "cv": 0.1,
                "mean_compa_ratio": 1.0,
                "below_minimum": 0,
                "above_maximum": 1,
            }
        ),
    }


def manifest(
    scenario: str,
    fingerprint: str,
    target: float | None = 0.03,
    *,
    budget=None,
    market=None,
    currency="",
    levers=(),
) -> dict:
    gate = {"suite": "simulation", "status": "passed", "evaluated": 0, "results": [], "seconds": 0.1}
    check = {
        "expectation": "kpi_years", "description": "d", "table": "t", "column": None, "severity": "critical",
        "success": True, "observed": 2, "threshold": "at least 1 rows", "evaluated_rows": 2,
        "unexpected_rows": 0, "sample": [], "remedy": "r",
    }  # fmt: skip
    parameters = [
        {"parameter": "target_growth", "level_id": None, "year": None, "value": target, "tier": "scenario"},
        {"parameter": "payroll_budget", "level_id": None, "year": None, "value": budget, "tier": "default"},
        {"parameter": "market_budget", "level_id": None, "year": None, "value": market, "tier": "default"},
        *levers,
    ]
    return {
        "scenario": scenario,
        "fingerprint": fingerprint,
        "published_at": "2026-11-20T11:03:43+00:00",
        "years": list(YEARS),
        "census": {
            "name": "tiny",
            "content_hash": "c" * 64,
            "as_of": "2025-12-31",
            "rows": 300,
            "currency": currency,
        },
        "parameters": parameters,
        "gate": gate | {"results": [check]},
        "versions": {"planwise": "0.1.0"},
    }


WIDTHS = {1: (40_000.0, 20_000.0), 2: (60_000.0, 30_000.0), 3: (90_000.0, 45_000.0)}  # minimum, width
MONEY = (
    "base_pay", "opening_base_pay", "prorated_pay", "compensation_amount", "previous_compensation",
    "range_minimum", "range_maximum", "old_pay", "cola", "merit", "lump_sum", "new_pay",
)  # fmt: skip
RATIOS = ("compa_ratio", "range_penetration", "compa_ratio_before", "compa_ratio_after")
DAYS = ("hire_date", "termination_date", "effective_date", "cola_date", "merit_date")
EMPTY = ("job_family", "location", "manager_id")
COMMA = "Research, Development"
HOSTILE = '=HYPERLINK("http://x")<img src=x onerror=alert(1)>'


def people(count=420, *, seed=7, gender=True, departments=("Sales", COMMA, HOSTILE, None)) -> pd.DataFrame:
    """One row per year and person: 0 (the census), 2026, 2027; level 3 has six people, Tiny has four."""
    draw = np.random.default_rng(seed)
    frames = []
    for year in (0, *YEARS):
        level = np.where(np.arange(count) < 6, 3, draw.integers(1, 3, count))
        minimum = np.array([WIDTHS[k][0] for k in level]) * (1 + 0.02 * YEARS.index(year) if year else 1)
        width = np.array([WIDTHS[k][1] for k in level])
        place = np.round(draw.uniform(-0.1, 1.2, count), 6)
        pay = np.round(minimum + place * width, 2)
        department = draw.choice(np.array(departments, dtype=object), count)
        department[:4] = "Tiny"
        status = draw.choice(
            ["continuous_active", "new_hire_active", "experienced_termination", "new_hire_termination"],
            count,
            p=[0.7, 0.15, 0.1, 0.05],
        )
        if year == 0:
            status[:] = "continuous_active"
        hired = np.char.startswith(status.astype(str), "new_hire")
        frames.append(
            pd.DataFrame(
                {
                    "simulation_year": year,
                    "employee_id": [f"EMP-{n:06d}" for n in range(count)],
                    "employment_status": status,
                    "level_id": level.astype("int32"),
                    "job_title": "Analyst",
                    "department": department,
                    "job_family": None,
                    "gender": draw.choice(["F", "M"], count) if gender else None,
                    "hire_date": pd.Timestamp("2020-01-01"),
                    "termination_date": pd.NaT,
                    "age": 40,
                    "tenure_years": np.round(draw.uniform(0, 30, count), 4),
                    "fte": draw.choice([1.0, 0.5], count),
                    "performance_rating": draw.integers(2, 5, count).astype("int32"),
                    "opening_base_pay": np.where(hired, np.nan, np.round(pay / 1.05, 2)),
                    "base_pay": pay,
                    "prorated_pay": pay,
                    "market_reference": pay,
                    "compa_ratio": np.round(pay / (minimum + width / 2), 6),
                    "range_penetration": place,
                    "range_minimum": minimum,
                    "range_maximum": minimum + width,
                }
            )
        )
    found = pd.concat(frames, ignore_index=True)
    return found.astype({"gender": object, "simulation_year": "int32"})


def events(snapshot: pd.DataFrame, *, seed=8) -> pd.DataFrame:
    """Merit for most, a promotion for some, an exit for who leaves; one row per event."""
    draw = np.random.default_rng(seed)
    simulated = snapshot[snapshot["simulation_year"] > 0]
    rows = []
    for one in simulated.itertuples():
        kinds = [("RAISE", "MERIT", 0.03)] if draw.random() < 0.9 else []
        kinds += [("PROMOTION", "promotion", 0.08)] if draw.random() < 0.1 else []
        kinds += [("TERMINATION", "voluntary", None)] if one.employment_status.endswith("termination") else []
        for sequence, (kind, reason, rate) in enumerate(kinds, start=1):
            before = round(one.base_pay * draw.uniform(0.9, 1.0), 2)
            applied = None if rate is None else rate + round(draw.uniform(-0.01, 0.01), 6)
            rows.append(
                {
                    "event_id": f"{one.simulation_year}/{one.employee_id}/{kind}/{reason}",
                    "employee_id": one.employee_id,
                    "simulation_year": one.simulation_year,
                    "event_type": kind,
                    "event_reason": reason,
                    "effective_date": pd.Timestamp(year=one.simulation_year, month=4 + sequence, day=1),
                    "event_sequence": sequence,
                    "level_id": one.level_id,
                    "previous_level_id": one.level_id,
                    "compensation_amount": one.base_pay,
                    "previous_compensation": before,
                    "applied_rate": applied,
                    "probability": None if rate is not None else 0.2,
                    "draw": None if rate is not None else 0.1,
                }
            )
    found = pd.DataFrame(rows)
    whole = dict.fromkeys(["simulation_year", "level_id", "previous_level_id", "event_sequence"], "int32")
    return found.astype(whole | {"probability": float, "draw": float})


def increases(snapshot: pd.DataFrame) -> pd.DataFrame:
    """The increase list of 2026: 1 % COLA for everybody, 3 % merit where the rating is above 2."""
    year = snapshot[(snapshot["simulation_year"] == 2026) & snapshot["opening_base_pay"].notna()]
    old = year["opening_base_pay"]
    rated = year["performance_rating"] > 2
    cola, merit = (0.01 * old).round(2), (0.03 * old).round(2).where(rated, 0)
    kept = ["simulation_year", "employee_id", "job_title", "department", "level_id", "fte"]
    return year[kept].assign(
        job_family=None,
        location=None,
        manager_id=None,
        performance_rating=year["performance_rating"],
        range_penetration=year["range_penetration"],
        compa_ratio_before=year["compa_ratio"],
        compa_ratio_after=year["compa_ratio"],
        market_reference=old,
        market_ratio_before=1.0,
        market_ratio_after=1.04,
        old_pay=old,
        cola=cola,
        merit=merit,
        lump_sum=0.0,
        new_pay=old + cola + merit,
        cola_date=pd.Timestamp("2026-01-01"),
        merit_date=pd.Series(pd.Timestamp("2026-07-01"), index=old.index).where(rated),
        merit_eligible=rated,
    )


def increase_budget(listed: pd.DataFrame) -> pd.DataFrame:
    """Both budgets of 2026 by level and department, as the list has them; promotions are a tenth of it."""
    paid = listed.assign(
        level=listed["level_id"].astype(str),
        opening_payroll=listed["old_pay"] * listed["fte"],
        increase_cost=(listed["cola"] + listed["merit"]) * listed["fte"],
    )
    sums = {"employee_id": "count", "opening_payroll": "sum", "increase_cost": "sum"}
    groups = [
        paid.groupby(name).agg(sums).reset_index().rename(columns={name: "group"}).assign(attribute=name)
        for name in ("level", "department")
    ]
    found = pd.concat(groups, ignore_index=True).rename(columns={"employee_id": "headcount"})
    return found.assign(simulation_year=2026, promotion_cost=found["increase_cost"] / 10, promotions=9)


def increase_bridge(groups: pd.DataFrame) -> pd.DataFrame:
    """From the list to the budget: promotions bring a hundredth more, what people who leave do not get."""
    own = groups[["attribute", "group", "increase_cost"]]
    cost = own.loc[own["attribute"] == "level", "increase_cost"].sum()
    parts = [own.assign(part="list"), own.assign(part="promotions", increase_cost=own["increase_cost"] / 100)]
    totals = {"list": cost, "promotions": cost / 100, "exits": -cost / 100, "draws": 0.0}
    rows = [{"attribute": "all", "group": "all", "part": p, "increase_cost": c} for p, c in totals.items()]
    return pd.concat([*parts, pd.DataFrame(rows)], ignore_index=True).assign(simulation_year=2026)


def market(reason: str | None = None) -> pd.DataFrame:
    """The market position of the census and two years; with a reason, nobody has one."""
    groups = (
        ("all", "all", 420, 400, 1.02, 53.0),
        ("level", "2", 300, 290, 0.95, 41.0),
        ("level", "3", 120, 110, 1.2, 75.0),
        ("job_title", "Analyst", 400, 400, 1.02, 53.0),
        ("job_title", "Chief", 5, 5, 1.9, 90.0),
        ("job_title", "Wizard", 15, 0, None, None),
        ("department", "Ops", 420, 400, 1.02, 53.0),
    )
    names = ("attribute", "group", "headcount", "market_people", "mean_market_ratio", "mean_market_position")
    frame = pd.DataFrame(groups, columns=names).assign(mean_base_pay=50_000.0, mean_market_reference=49_000.0)
    frame["market_reason"] = frame["group"].map({"Wizard": "review"}).astype(object)
    if reason is not None:
        frame = frame.assign(market_people=0, market_reason=reason, mean_market_ratio=np.nan)
        frame = frame.assign(mean_market_position=np.nan, mean_base_pay=np.nan, mean_market_reference=np.nan)
    return pd.concat([frame.assign(simulation_year=year) for year in (0, *YEARS)], ignore_index=True)


def equity() -> pd.DataFrame:
    """Gender in the census and two years: M is the reference."""
    rows = [
        {"attribute": "gender", "group": group, "headcount": heads, "mean_base_pay": 80_000.0, **gaps}
        for group, heads, gaps in (
            ("F", 190, {"raw_gap": 0.1, "adjusted_gap": 0.02}),
            ("M", 230, {"adjusted_gap_reason": "reference"}),
            ("X", 12, {"raw_gap": -0.001, "adjusted_gap_reason": "few_comparable"}),
        )
    ]
    return pd.concat(
        [pd.DataFrame(rows).assign(simulation_year=year) for year in (0, *YEARS)], ignore_index=True
    )


def write(frame: pd.DataFrame, file) -> None:
    """Write money as decimals and days as dates, as the marts do."""
    kinds = dict.fromkeys(MONEY, "DECIMAL(14, 2)") | dict.fromkeys(RATIOS, "DECIMAL(12, 6)")
    kinds |= dict.fromkeys(DAYS, "DATE") | dict.fromkeys(("gender", "department", *EMPTY), "TEXT")
    casts = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in kinds.items() if name in frame)
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        connection.execute(f"COPY (SELECT * REPLACE ({casts}) FROM frame) TO '{file}' (FORMAT parquet)")


def publish_people(settings, scenario="baseline", *, fingerprint="f" * 32, snapshot=None, gaps=None):
    """Publish a result by hand; returns its snapshot and events."""
    folder = publish_by_hand(settings, scenario, fingerprint=fingerprint)
    snapshot = people() if snapshot is None else snapshot
    found = events(snapshot)
    write(snapshot, folder / "fct_workforce_snapshot.parquet")
    write(found, folder / "fct_yearly_events.parquet")
    (equity() if gaps is None else gaps).to_parquet(folder / "fct_pay_equity.parquet")
    market().to_parquet(folder / "fct_market_position.parquet")
    listed = increases(snapshot)
    write(listed, folder / "fct_increases.parquet")
    groups = increase_budget(listed)
    groups.to_parquet(folder / "fct_increase_budget.parquet")
    increase_bridge(groups).to_parquet(folder / "fct_increase_bridge.parquet")
    total = groups[groups["attribute"] == "level"]
    budget = pd.read_parquet(folder / "fct_budget.parquet").assign(
        opening_payroll=total["opening_payroll"].sum(),
        increase_cost=total["increase_cost"].sum(),
        cola_cost=float((listed["cola"] * listed["fte"]).sum()),
        merit_cost=float((listed["merit"] * listed["fte"]).sum()),
        lump_sum_cost=0.0,
        increase_rate=0.04,
        promotion_cost=total["promotion_cost"].sum(),
        promotion_rate_of_payroll=0.004,
    )
    budget.to_parquet(folder / "fct_budget.parquet")
    told = manifest(scenario, fingerprint) | {"years": list(YEARS)}
    (folder / "manifest.json").write_text(json.dumps(told))
    return snapshot, found
