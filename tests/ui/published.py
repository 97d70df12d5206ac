"""Published results and homes for the dashboard's tests: made by hand, no simulation."""

import json

import pandas as pd

from planwise.settings import Settings

YEARS = (2026, 2027)
MARTS = ("fct_scenario_kpis", "fct_compensation_growth", "fct_budget", "fct_level_summary")


def publish_by_hand(settings: Settings, scenario: str, *, fingerprint="f" * 32, growth=0.031, target=0.03):
    """Write a small result in the published layout; `growth` is the growth of both years."""
    folder = settings.published_dir / scenario / fingerprint
    folder.mkdir(parents=True, exist_ok=True)
    for mart, frame in frames(growth).items():
        frame.to_parquet(folder / f"{mart}.parquet")
    (folder / "manifest.json").write_text(json.dumps(manifest(scenario, fingerprint, target)))
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


def manifest(scenario: str, fingerprint: str, target: float | None = 0.03) -> dict:
    gate = {"suite": "simulation", "status": "passed", "evaluated": 0, "results": [], "seconds": 0.1}
    check = {
        "expectation": "kpi_years", "description": "d", "table": "t", "column": None, "severity": "critical",
        "success": True, "observed": 2, "threshold": "at least 1 rows", "evaluated_rows": 2,
        "unexpected_rows": 0, "sample": [], "remedy": "r",
    }  # fmt: skip
    parameters = [
        {"parameter": "target_growth", "level_id": None, "year": None, "value": target, "tier": "default"},
        {"parameter": "payroll_budget", "level_id": None, "year": None, "value": None, "tier": "default"},
    ]
    return {
        "scenario": scenario,
        "fingerprint": fingerprint,
        "published_at": "2026-11-20T11:03:43+00:00",
        "census": {"name": "tiny", "content_hash": "c" * 64, "as_of": "2025-12-31", "rows": 300},
        "parameters": parameters,
        "gate": gate | {"results": [check]},
        "versions": {"planwise": "0.1.0"},
    }
