"""One PostgreSQL server for the tests of a process that need it."""

import postgresql
import pytest


@pytest.fixture(scope="session")
def server():
    with postgresql.server() as url:
        yield url
