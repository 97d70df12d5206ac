"""The last resort: used only for a lever whose YAML declares no default; the tier then says `fallback`."""

from collections.abc import Mapping
from types import MappingProxyType

LEVELS = (1, 2, 3, 4, 5)
PROMOTABLE_LEVELS = (1, 2, 3, 4)

FALLBACK: Mapping[str, float] = MappingProxyType(
    {
        "cola_rate": 0.025,
        "new_hire_salary_adjustment": 1.15,
        **{f"merit_rate_level_{level}": 0.033 for level in LEVELS},
        **{f"promotion_probability_level_{level}": 0.08 for level in PROMOTABLE_LEVELS},
        **{f"promotion_raise_level_{level}": 0.085 for level in PROMOTABLE_LEVELS},
    }
)
