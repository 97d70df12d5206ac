"""Slopes, Morris, Sobol and PED-ANOVA against functions whose answers are known in closed form."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from planwise.errors import CheckFailed, InputError
from planwise.risk.ensemble import Watch
from planwise.risk.finite_differences import linear_shares, slopes, stepped
from planwise.risk.sensitivity import LINEAR, NONE, PED_ANOVA, importance, morris, sobol


@dataclass(frozen=True)
class Lever:
    name: str
    low: float = 0.0
    high: float = 1.0
    start: float = 0.4
    scale: float = 0.5
    dynamics: bool = False

    def clamp(self, value):
        return min(max(value, self.low), self.high)


SPACE = (Lever("a"), Lever("b", start=1.0), Lever("c", dynamics=True), Lever("d", low=0.4, high=0.4))


def plane(point):
    return 2 * point["a"] - 3 * point["b"] + 0.5 * point["c"] + 7


def test_steps_lead_inwards_and_a_lever_that_cannot_move_has_none():
    points = stepped(SPACE, {"c": 0.6})
    assert {name: point[name] for name, point in points.items()} == pytest.approx(
        {"a": 0.45, "b": 0.95, "c": 0.35}  # .1 widths; .5 widths for dynamics
    )
    assert points["a"]["c"] == 0.6


def test_slopes_of_a_plane_are_its_coefficients():
    at = {lever.name: lever.start for lever in SPACE}
    found = slopes(SPACE, at, plane(at), {n: plane(p) for n, p in stepped(SPACE, at).items()})
    assert [found[name].slope for name in "abc"] == pytest.approx([2, -3, 0.5])
    assert found["a"].per_pp == pytest.approx(0.02) and found["a"].per_width == pytest.approx(1)
    assert [found[n].share for n in "abc"] == pytest.approx([4 / 13.25, 9 / 13.25, 0.25 / 13.25])
    assert found["d"].slope is None and found["d"].share is None


def test_shares_of_nothing_are_nothing():
    assert linear_shares({"a": 0.0, "b": 0.0}) == {"a": 0, "b": 0}


RANGES = {"a": (0.0, 2.0), "b": (1.0, 2.0), "c": (0.0, 1.0)}


def test_morris_of_a_plane_is_slope_times_range_without_any_scatter():
    found = morris(lambda p: 2 * p["a"] - 3 * p["b"], RANGES, 4, seed=1).by_lever
    assert [found[n]["mu"] for n in RANGES] == pytest.approx([4, -3, 0], abs=1e-9)
    assert [found[n]["mu_star"] for n in RANGES] == pytest.approx([4, 3, 0], abs=1e-9)
    assert [found[n]["sigma"] for n in RANGES] == pytest.approx([0, 0, 0], abs=1e-9)


def test_sobol_of_a_plane_is_its_share_of_squares():
    """Var = Σ (slope · range)² / 12: 16 and 9 of 25."""
    found = sobol(lambda p: 2 * p["a"] - 3 * p["b"], RANGES, 512, seed=1)
    assert found.evaluations == 512 * 5
    assert [found.by_lever[n]["first"] for n in RANGES] == pytest.approx([0.64, 0.36, 0], abs=0.01)
    assert [found.by_lever[n]["total"] for n in RANGES] == pytest.approx([0.64, 0.36, 0], abs=0.01)


def test_sobol_of_ishigami():
    """Ishigami and Homma (1990), a = 7, b = .1: S₁ .3139, .4424, 0; total .5576, .4424, .2437."""
    ranges = dict.fromkeys("xyz", (-math.pi, math.pi))

    def ishigami(p):
        return math.sin(p["x"]) + 7 * math.sin(p["y"]) ** 2 + 0.1 * p["z"] ** 4 * math.sin(p["x"])

    found = sobol(ishigami, ranges, 2048, seed=3).by_lever
    assert [found[n]["first"] for n in "xyz"] == pytest.approx([0.3139, 0.4424, 0], abs=0.03)
    assert [found[n]["total"] for n in "xyz"] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.03)
    strong = morris(ishigami, ranges, 50, seed=3).by_lever
    assert strong["z"]["sigma"] > 1  # acts through x alone


def test_what_nothing_moves_has_no_indices():
    assert sobol(lambda p: 1.0, RANGES, 2, seed=1).by_lever["a"] == {
        "first": 0,
        "first_interval": 0,
        "total": 0,
        "total_interval": 0,
    }


def test_stopped_the_whole_samples_count():
    calls = []
    found = morris(
        lambda p: calls.append(p) or p["a"],
        RANGES,
        10,
        seed=1,
        watch=Watch(should_stop=lambda: len(calls) == 11),
    )
    assert (found.samples, found.requested, found.evaluations) == (2, 10, 8)  # of 4 evaluations each
    assert found.by_lever["a"]["mu"] == pytest.approx(2)
    with pytest.raises(CheckFailed, match="after 0 evaluations"):
        sobol(plane, RANGES, 4, seed=1, watch=Watch(should_stop=lambda: True))


def test_samples_that_do_not_make_an_analysis_are_refused():
    with pytest.raises(InputError, match="1 Morris"):
        morris(plane, RANGES, 1, seed=1)
    with pytest.raises(InputError, match="48 Sobol"):
        sobol(plane, RANGES, 48, seed=1)


AB = (Lever("a"), Lever("b"))


def test_ped_anova_finds_the_lever_that_decides():
    points = [dict(zip("ab", row, strict=True)) for row in np.random.default_rng(1).random((200, 2))]
    found = importance(AB, points, [p["a"] for p in points], None)
    assert found.method == PED_ANOVA and found.reason is None and found.trials == 200
    assert found.shares["a"] > 0.8 and sum(found.shares.values()) == pytest.approx(1)


def test_ped_anova_gives_levers_without_effect_little():
    """Effects as in a real census: two large, five small, four none; 100 random trials."""
    effects = dict(zip("abcdefghijk", (1.16, 1.12, 0.32, 0.32, 0.27, 0.2, 0.19, 0, 0, 0, 0), strict=True))
    space = tuple(Lever(name) for name in effects)
    rows = np.random.default_rng(2).random((100, len(effects)))
    points = [dict(zip(effects, row, strict=True)) for row in rows]
    found = importance(space, points, [sum(effects[n] * p[n] for n in p) for p in points], None)
    assert found.method == PED_ANOVA and sum(found.shares[n] for n in "hijk") < 0.2
    assert found.shares["a"] + found.shares["b"] > 0.5


def test_too_few_distinct_trials_give_linear_shares_and_say_so():
    points = [{"a": 0.1, "b": 0.2}] * 300
    found = importance(AB, points, [1.0] * 300, {"a": 3.0, "b": 4.0})
    assert found.method == LINEAR and found.trials == 1
    assert (
        found.reason
        == "1 distinct trials; PED-ANOVA needs 100 for 2 levers: shares of (slope × width)² instead"
    )
    assert found.shares == pytest.approx({"a": 9 / 25, "b": 16 / 25})


def test_without_slopes_either_there_is_no_importance():
    found = importance(AB, [], [], None)
    assert found.method == NONE and found.shares == {} and "no slopes" in found.reason
