import shutil

import pytest
from comparison_worlds import Person, prepare, publish, staff

from planwise.settings import Settings


@pytest.fixture(scope="session")
def _empty(tmp_path_factory):
    """A home with a census and a ledger; making one takes longer than a test."""
    chosen = Settings(home=tmp_path_factory.mktemp("empty") / "home")
    prepare(chosen)
    return chosen


@pytest.fixture(scope="session")
def _four(_empty, tmp_path_factory):
    """Four scenarios; `lean` takes 1,000 from six people and gives 500 to two, `hiring` hires another."""
    settings = _copy(_empty, tmp_path_factory.mktemp("four"))
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


@pytest.fixture
def settings(_empty, tmp_path):
    return _copy(_empty, tmp_path)


@pytest.fixture
def four(_four, tmp_path):
    return _copy(_four, tmp_path)


@pytest.fixture(scope="session")
def four_to_read(_four):
    """The same for tests that change nothing in it."""
    return _four


def _copy(settings, folder):
    return Settings(home=shutil.copytree(settings.root, folder / "home", symlinks=True))
