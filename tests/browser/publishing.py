"""From parameters to what is published, gated, without the ledger."""


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
