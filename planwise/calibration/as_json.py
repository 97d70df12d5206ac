"""Calibration and backtest as plain JSON values."""

from dataclasses import asdict
from typing import Any

from planwise.calibration.backtest import COVERAGE_EXPECTED, Backtest, Holdout, Row
from planwise.calibration.estimate import Calibration
from planwise.calibration.options import options
from planwise.calibration.promotions import rule as promotion_rule
from planwise.calibration.raises import IDENTIFICATION


def calibration_json(c: Calibration) -> dict[str, Any]:
    """Return every count, estimate and parameter; rates are shares, pay is in the censuses' currency."""
    return {
        "basis": c.basis,
        "years": [
            {
                "name": y.name,
                "as_of": y.as_of.isoformat(),
                "people": len(y.people),
                "levels_from": y.levels_from,
            }
            for y in c.years
        ],
        "levels": {"rule": c.scale.rule, "movements": list(c.scale.movements)},
        "headcounts": [asdict(h) for h in c.headcounts],
        "exits": [_flat(asdict(row)) for row in c.exits],
        "exit_multipliers": [asdict(m) for m in c.exit_multipliers],
        "first_year_exits": None if c.first_year_exits is None else asdict(c.first_year_exits),
        "promotions": {
            "rule": promotion_rule(c.scale.by_pay),
            "counts": [asdict(p) for p in c.promotion_counts],
            "shares": [_flat(asdict(row)) for row in c.promotions],
            "whole_raises": {str(k): asdict(e) for k, e in c.promotion_raises.items()},
        },
        "promotion_multipliers": [asdict(m) for m in c.promotion_multipliers],
        "raises": {
            "identification": IDENTIFICATION,
            "years": [
                asdict(s) | {"by_level": {str(k): asdict(e) for k, e in s.by_level.items()}} for s in c.raises
            ],
            "split": None if c.raise_split is None else asdict(c.raise_split),
        },
        "hires": {
            "level_shares": {str(k): asdict(s) for k, s in c.hire_levels.items()},
            "pay": None if c.hire_pay is None else asdict(c.hire_pay),
        },
        "quirks": [dict(q) for q in c.quirks],
        "levers": dict(c.levers),
        "assumptions": dict(c.assumptions),
        "options": options(c),
        "clips": [asdict(clip) for clip in c.clips],
        "not_estimated": [{"name": name, "why": why} for name, why in c.not_estimated],
    }


def backtest_json(b: Backtest) -> dict[str, Any]:
    """Return every held-out year with its rows and coverage."""
    return {
        "levels": b.level_rule,
        "headcount_growth": b.growth_rule,
        "coverage_expected": round(COVERAGE_EXPECTED, 6),
        "coverage_draws": b.coverage_draws,
        "coverage_years": b.coverage_years,
        "holdouts": [_holdout(h) for h in b.holdouts],
    }


def _holdout(h: Holdout) -> dict[str, Any]:
    return {
        "year": h.year,
        "trained_on": list(h.trained_on),
        "seeds": h.seeds,
        "coverage_draws": h.coverage_draws,
        "coverage_years": h.coverage_years,
        "nearest": h.nearest,
        "rows": [_row(row) for row in h.rows],
        "levers": dict(h.levers),
        "assumptions": dict(h.assumptions),
        "notes": list(h.notes),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "figure": row.figure.name,
        "group": row.figure.group,
        "truth": row.truth,
        "forecast": row.forecast,
        "error": row.forecast - row.truth,
        "error_pct": row.error_pct(row.forecast),
        "draws": asdict(row.draws),
        "years": None if row.years is None else asdict(row.years),
        "naive_last": row.naive_last,
        "naive_last_error_pct": row.error_pct(row.naive_last),
        "naive_mean": row.naive_mean,
        "naive_mean_error_pct": row.error_pct(row.naive_mean),
        "nearest": row.best,
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Lift the share's fields beside the band's."""
    share: dict[str, Any] = row.pop("share")
    return row | share
