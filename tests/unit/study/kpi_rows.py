"""KPIs with just what questions read, year by year."""

from planwise.study import Evaluation

PLAIN = {
    "payroll": (110.0, 121.0),
    "payroll_change": (10.0, 11.0),
    "within_level_cv": (0.2, 0.2),
    "adjusted_gap_max": (0.03, 0.03),
    "raise_min": (0.01, 0.02),
    "raise_max": (0.15, 0.12),
    "below_minimum": (4, 5),
    "headcount": (100, 100),
}


def kpis(**columns):
    rows = {**PLAIN, **columns}
    years = range(len(next(iter(rows.values()))))
    return [{"simulation_year": 2026 + y, **{name: rows[name][y] for name in rows}} for y in years]


def evaluation(levers=(), growth=0.03, kind="preview", gate="passed", **columns):
    return Evaluation(dict(levers), kpis(**columns), growth, kind, gate_status=gate)
