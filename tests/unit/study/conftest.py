import pytest
from study_worlds import World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)
