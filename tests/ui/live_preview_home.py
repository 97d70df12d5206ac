"""A home to preview, what a scenario of it resolves to, and how long a test waits for an answer."""

import asyncio

from planwise.census import generate_census, load_census
from planwise.governance import effective_parameters, open_ledger
from planwise.settings import Settings

EMPLOYEES = 300
PATIENCE = 240  # how busy the machine is must not decide


def home_with_a_scenario(folder):
    settings = Settings(home=folder)
    generate_census(settings, employees=EMPLOYEES)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("generous", {"cola_rate": 0.05, "years": 3})
    return settings


def effective_of(home, scenario, changes):
    census = load_census(home)
    with open_ledger(home) as ledger:
        return census, effective_parameters(
            ledger, ledger.scenarios.get(scenario), census.first_year, changes
        )


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, PATIENCE))
