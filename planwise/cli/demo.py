"""`planwise demo`: generate, simulate, optimize and publish, as flows on an ephemeral Prefect server."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar

from rich.table import Table

from flows.launch import prepare, server_answers
from planwise.app.enrich import MarketRequest
from planwise.app.papers import IncreasesRequest, list_increases
from planwise.app.requests import SimulateRequest
from planwise.cli.enrich import render_enrichment
from planwise.cli.options import Home, Json
from planwise.cli.papers import render_increases
from planwise.cli.study_tables import print_answers, print_optimization
from planwise.cli.tables import print_kpis
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.errors import InputError
from planwise.prefect_server import configured_api
from planwise.settings import Settings
from planwise.study.spec import OptimizeRequest
from planwise.study.target import parse_target

T = TypeVar("T")
SEED = 42
TARGET = "increase=0.035"
BEYOND_POLICY = "increase=0.05"
SCENARIO = "demo_target"
LIST_FILE = "increase_list.xlsx"
SAMPLER = "tpe"
BUDGET_SECONDS = 70.0  # the comparison stops then, so that the demo takes less than 90 s
SAMPLING_SECONDS_MIN = 10.0


def demo(*, employees: int = 10_000, trials: int = 0, home: Home = None, json: Json = False) -> None:
    """Generate a synthetic census, simulate, find the levers of a budget, publish, list the increases.

    Parameters
    ----------
    employees
        Size of the synthetic census.
    trials
        Trials of a sampling study to compare the solver with, as many as time allows.

    """
    if trials < 0:
        raise InputError(f"--trials must be at least 0 (got {trials}).")
    settings = settings_for(home)
    started = time.monotonic()
    prepare(settings)
    with _prefect_starting():
        _load()
    flows = _flows()
    census = _step(1, f"A census of {employees:,} employees", lambda: flows["census"](employees, SEED))
    market = _step(
        2,
        "The market position: job titles matched with wages of BLS",
        lambda: flows["market"](MarketRequest()),
    )
    baseline = _step(3, "The baseline: simulate, gate, publish", lambda: flows["simulate"](SimulateRequest()))
    ask = OptimizeRequest(target=TARGET, save_as=SCENARIO)
    found = _step(
        4,
        f"The levers of an increase budget of {parse_target(TARGET).value:.1%}",
        lambda: flows["optimize"](ask),
    )
    beyond = _step(
        5,
        f"What policy allows of {parse_target(BEYOND_POLICY).value:.1%}: three answers, nothing published",
        lambda: flows["optimize"](
            OptimizeRequest(target=BEYOND_POLICY, preview=True, seeds=0, publish=False)
        ),
    )
    listed = _step(
        6,
        "The increase list",
        lambda: list_increases(
            settings, IncreasesRequest(scenario=SCENARIO, output=settings.root / LIST_FILE)
        ),
    )
    sampled = None
    if trials:
        compare = OptimizeRequest(
            target=TARGET,
            strategy=SAMPLER,
            trials=trials,
            timeout_seconds=max(SAMPLING_SECONDS_MIN, BUDGET_SECONDS - (time.monotonic() - started)),
            publish=False,
        )
        sampled = _step(7, f"For comparison: {trials} sampled trials", lambda: flows["optimize"](compare))
    seconds = time.monotonic() - started
    if json:
        emit_json(
            {
                "census": census.name,
                "rows": census.rows,
                "market": market.as_json(),
                "baseline": baseline.as_json(),
                "study": found.as_json(),
                "answers": beyond.as_json()["answers"],
                "increases": listed.as_json(),
                "comparison": sampled.as_json() if sampled else None,
                "seconds": round(seconds, 1),
            }
        )
        return
    console = results()
    console.print(render_enrichment(market))
    print_kpis(baseline, title=f"Baseline of {census.name}")
    print_optimization(found)
    console.rule(f"An increase budget of {parse_target(BEYOND_POLICY).value:.1%}", align="left")
    print_answers(beyond)
    console.print(render_increases(listed))
    if sampled:
        console.print(_comparison(found, sampled))
    console.print(f"Done in {seconds:.0f} s. Next:")
    for line in _next(settings):
        console.print(f"  {line}", markup=False, soft_wrap=True)


def _load() -> None:
    """Import slow modules while the server starts."""
    import great_expectations  # noqa: F401

    import planwise.engine.preview
    import planwise.engine.warehouse  # noqa: F401


def _flows() -> dict[str, Callable[..., Any]]:
    from flows.flows import enrich_market, generate_census, optimize, simulate

    return {
        "census": generate_census,
        "market": enrich_market,
        "simulate": simulate,
        "optimize": optimize,
    }


@contextmanager
def _prefect_starting() -> Iterator[None]:
    """Start the ephemeral server while the block runs; wait for it at the end."""
    failed: list[Exception] = []

    def start() -> None:
        try:
            from prefect.client.orchestration import get_client

            with get_client(sync_client=True) as client:
                client.hello()
        except Exception as error:
            failed.append(error)

    thread = Thread(target=start, name="prefect", daemon=True)
    progress().print("Starting Prefect ...")
    thread.start()
    yield
    thread.join()
    if failed:
        with server_answers():
            raise failed[0]


def _step(number: int, title: str, run: Callable[[], T]) -> T:
    progress().rule(f"{number}. {title}", align="left")
    return run()


def _comparison(found: Any, sampled: Any) -> Table:
    table = Table(
        "strategy",
        "gap",
        "plans",
        "evaluations",
        "seconds",
        "stopped",
        title="Solver and sampling compared",
        **PLAIN,
    )
    for result in (found.result, sampled.result):
        table.add_row(
            result.strategy,
            f"{result.gap_pp:+.3f} pp",
            str(result.real_plans),
            str(result.evaluations),
            f"{result.seconds:.0f}",
            result.stopped,
        )
    return table


def _next(settings: Settings) -> tuple[str, ...]:
    root = settings.root
    return (
        f"planwise serve --home {root}      the dashboard, by the link that it prints",
        "the Prefect UI of your server    the flow runs"
        if configured_api()
        else f"planwise up --home {root}      the dashboard, and the flow runs in the Prefect UI",
        f"planwise scenario show {SCENARIO} --home {root}",
        f"{root / LIST_FILE}      the increase list",
    )
