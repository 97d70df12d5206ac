import pytest
from comparison_worlds import Person, prepare, publish, staff

from planwise.settings import Settings


@pytest.fixture
def settings(tmp_path):
    chosen = Settings(home=tmp_path / "home")
    prepare(chosen)
    return chosen


@pytest.fixture
def four(settings):
    """Four scenarios; `lean` takes 1,000 from six people and gives 500 to two, `hiring` hires another."""
    publish(settings, "base", staff(*[1_000] * 12))
    publish(
        settings,
        "lean",
        staff(*[0] * 6, *[1_500] * 2, *[1_000] * 4),
        overrides={"cola_rate": 0.02, "merit_rate_level_1@2027": 0.01},
    )
    publish(settings, "same", staff(*[1_000] * 12), overrides={"target_growth": 0.02})
    hire = Person("NEW-2027-1", (None, None, 60_000), fte="0.5", gender=None)
    publish(settings, "hiring", staff(*[1_000] * 12, extra=[hire]), overrides={"termination_rate": 0.1})
    return settings
