"""Simulate and publish without the ledger.

`python -m tests.browser.publishing HOME LOG` does so again and again with other levers, until it is stopped;
each line of the log is what one publication says.
"""

import itertools
import json
import sys
import time
from pathlib import Path


def simulate_and_publish(settings, warehouse, census, scenario, effective):
    """Return what is published, and the outcome that it is of."""
    from expectations import run_gate
    from planwise.engine.publishing import publish
    from planwise.engine.warehouse import scenario_environment
    from planwise.gate import require

    outcome = warehouse.plan(scenario_environment(scenario), census, effective).apply()
    gate = require(run_gate("simulation", warehouse.frames(outcome.environment)))
    published = publish(
        settings,
        warehouse,
        scenario=scenario,
        outcome=outcome,
        census=census,
        effective=effective,
        gate=gate,
    )
    return published, outcome


SCENARIOS = ("baseline", "higher_cola", "baseline", "third")
YEARS = 1
PAUSE_SECONDS = 2  # the pages that are looked at need a processor too
STEPS = 7  # different levels of the lever, one after the other


def main(home: str, log: str) -> None:
    from planwise.census import load_census
    from planwise.engine.warehouse import open_warehouse
    from planwise.parameters import resolve, simulated_years
    from planwise.settings import Settings

    settings = Settings(home=Path(home))
    census = load_census(settings)
    years = simulated_years(YEARS, census.first_year)
    with open_warehouse(settings, "test") as warehouse, open(log, "a", encoding="utf-8") as file:
        for turn, scenario in enumerate(itertools.cycle(SCENARIOS)):
            rate = 0.02 + 0.004 * (turn % STEPS)
            effective = resolve(years, scenario={"cola_rate": rate})
            published, outcome = simulate_and_publish(settings, warehouse, census, scenario, effective)
            said = {"scenario": scenario, "fingerprint": published.fingerprint, "kpis": outcome.kpis}
            file.write(json.dumps(said, default=float) + "\n")
            file.flush()
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
