"""`planwise optimize`."""

from collections.abc import Callable
from typing import Annotated, Any

from cyclopts import Parameter

from flows.cli.show import print_gate, print_optimization
from flows.jobs.optimization import OptimizationReport
from flows.jobs.optimization import optimize as job
from flows.jobs.simulation import SimulationBlocked
from flows.launch import carry_out
from flows.options import AS_DEFINED, AsFlow, ScenarioOptions
from flows.parameters import OptimizeRequest
from planwise.console import emit_json, results, settings_for
from planwise.errors import CheckFailed
from planwise.jobs import Kind
from planwise.options import Home, Json
from planwise.study.spec import DEFAULT_ITERATIONS, DEFAULT_SEEDS, DEFAULT_TOLERANCE_RATE

Levers = Annotated[
    str | None,
    Parameter(
        name="--levers", help="Tune only these: names, or name@year, with commas; default all pay levers."
    ),
]
Objectives = Annotated[
    str | None,
    Parameter(
        name="--objectives",
        help="cost=.4,equity=.3,targets=.3 (one weighted objective), cost,equity (a front of trade-offs), "
        "or conservative, balanced, growth (presets); default the least change that meets the target.",
    ),
]
Constraints = Annotated[
    tuple[str, ...],
    Parameter(
        name="--constraint",
        negative="",
        help="payroll<=N, payroll_risk<=SHARE, merit_monotone, change<=X, change.LEVER<=X, raise<=X, "
        "raise>=X, adjusted_gap<=X, below_minimum<=N; may be given many times.",
    ),
]
Locks = Annotated[
    tuple[str, ...], Parameter(name="--lock", negative="", help="Leave this lever alone: name, or name@year.")
]


def optimize(
    *,
    target_growth: float | None = None,
    strategy: str | None = None,
    objectives: Objectives = None,
    constraint: Constraints = (),
    tolerance: float = DEFAULT_TOLERANCE_RATE,
    max_iterations: int = DEFAULT_ITERATIONS,
    trials: int | None = None,
    timeout: float | None = None,
    stagnation: int | None = None,
    seeds: int = DEFAULT_SEEDS,
    workers: int = 1,
    levers: Levers = None,
    by_year: Annotated[bool, Parameter(negative="")] = False,
    lock: Locks = (),
    scenario: ScenarioOptions = AS_DEFINED,
    save_as: str | None = None,
    resume: str | None = None,
    preview: Annotated[bool, Parameter(negative="")] = False,
    single_iteration: Annotated[bool, Parameter(negative="")] = False,
    strict: Annotated[bool, Parameter(negative="")] = False,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Find the levers that meet a growth target, verify them by a full simulation, gate, publish.

    Parameters
    ----------
    target_growth
        Compound annual growth of mean base pay to the last year, a rate; default the scenario's.
    strategy
        How to look (docs/studies.md lists them); default solve, with objectives auto.
    tolerance
        How near is near enough, a rate: 0.001 is 0.1 percentage points.
    max_iterations
        For the tuning loops.
    trials
        For sampling strategies.
    timeout
        Seconds after which no further trial begins.
    stagnation
        End after so many trials without a better one.
    seeds
        Replicates under other seeds, for robustness and payroll_risk; 0 for none.
    workers
        Processes that evaluate trials side by side.
    by_year
        Tune each lever once a year, not once for all years.
    save_as
        Scenario that keeps what is found; default SCENARIO_optimized.
    resume
        Go on with this study; with new --trials and --timeout if wanted.
    preview
        Decide on previews: nothing is verified, stored or published.
    single_iteration
        Only the strategy's first step, to look at.
    strict
        Exit with 1 when the target is not met.

    """
    request = OptimizeRequest(
        target_growth=target_growth,
        strategy=strategy,
        objectives=objectives,
        constraints=constraint,
        tolerance=tolerance,
        max_iterations=max_iterations,
        trials=trials,
        timeout_seconds=timeout,
        stagnation=stagnation,
        seeds=seeds,
        workers=workers,
        tune=tuple(name.strip() for name in levers.split(",")) if levers else None,
        by_year=by_year,
        lock=tuple(name.strip() for names in lock for name in names.split(",")),
        **scenario.fields(),
        save_as=save_as,
        resume=resume,
        preview=preview,
        single_iteration=single_iteration,
    )
    try:
        report: OptimizationReport = carry_out(
            settings_for(home), job=job, flow=_flow, request=request, as_flow=flow, kind=Kind.OPTIMIZE
        )
    except SimulationBlocked as blocked:
        if json:
            error = {"type": "GateBlocked", "what": blocked.what, "remedy": blocked.remedy}
            emit_json(blocked.report.as_json() | {"error": error})
            return blocked.exit_code
        print_gate(results(), blocked.report.gate)
        raise
    if json:
        emit_json(report.as_json())
    else:
        print_optimization(report)
    return CheckFailed.exit_code if strict and not report.result.converged else 0


def _flow() -> Callable[..., Any]:
    from flows.optimize import optimize as flow

    return flow
