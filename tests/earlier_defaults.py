"""The defaults before those of 2026, for tests whose figures were worked out with them."""

EARLIER = {
    "cola_rate": 0.025,
    "promotion_probability_level_3": 0.07,
    "promotion_probability_level_4": 0.05,
    **{f"promotion_raise_level_{level}": 0.085 for level in (1, 2, 3, 4)},
    "new_hire_termination_rate": 0.25,
    "range_adjustment": None,
    "promotion_raise_max": None,
    "range_maximum_cap": False,
    **{
        f"merit_multiplier_quartile_{position}": 1.0
        for position in ("below_range", 1, 2, 3, 4, "above_range")
    },
}
