"""Simulate, sweep, maintain and ingest: what runs, what is published, what the ledger records."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from planwise.app import simulate as simulation
from planwise.app import sweep as sweeping
from planwise.app.gates import list_gates
from planwise.app.ingest import ingest
from planwise.app.maintain import maintain
from planwise.app.requests import IngestRequest, MaintainRequest, SimulateRequest, SweepRequest
from planwise.app.simulate import SimulationBlocked, simulate
from planwise.app.sweep import over_budget, sweep, variants_of
from planwise.app.sweep_report import (
    STORED,
    SweepInputs,
    SweepRow,
    compared,
    last_sweep,
    page,
    report_file,
    write_sweep,
)
from planwise.census import census_in_use, generate_census, list_censuses, load_census
from planwise.cli import commands as cli
from planwise.console import json_text
from planwise.dask_cluster import ClusterUnusable
from planwise.engine.warehouse import AuditFailed
from planwise.errors import GateBlocked, InputError
from planwise.governance import open_ledger
from planwise.governance.publications import VALIDATIONS, load_publication, published_scenarios
from planwise.settings import Settings

YEARS = "3"  # fewer models to run than the default's five
BASELINE = SimulateRequest(years=YEARS)


@pytest.fixture(scope="module")
def baseline(settings):
    from planwise.app.runner import InProcessRunner

    return simulate(settings, BASELINE, InProcessRunner(lambda message: None))


def changed(levers):
    return SimulateRequest(levers=levers, years=YEARS)


def _runs(settings):
    with open_ledger(settings) as ledger:
        return ledger.runs.list()


def _years(models, family):
    return {
        int(found[1]) for name in models if (found := re.fullmatch(rf"intermediate\.{family}_(\d+)", name))
    }


def test_the_first_result_is_published_and_recorded(settings, baseline):
    published = load_publication(settings, "baseline")
    assert baseline.published == published.folder
    assert len(published.frame("fct_scenario_kpis")) == 3
    recorded = _runs(settings)[-1]
    assert recorded.published
    assert recorded.fingerprint == published.fingerprint
    assert recorded.models_run == len(baseline.outcome.models_run) > 30


def test_equal_parameters_run_no_model(settings, baseline, run):
    again = simulate(settings, BASELINE, run)
    assert again.outcome.models_run == ()
    assert again.outcome.fingerprint == baseline.outcome.fingerprint
    assert any("0 models to run" in message for message in run.logged)


def test_a_late_merit_runs_only_late_pay_models(settings, baseline, run):
    late = simulate(settings, changed({"merit_rate_level_2@2027": 0.05}), run)
    models = late.outcome.models_run
    assert _years(models, "int_pay") == {2027, 2028}
    assert _years(models, "int_pay_basis") <= {2027, 2028}
    assert not _years(models, "int_workforce")
    assert late.kpis[:1] == baseline.kpis[:1]
    assert late.kpis[1]["payroll"] > baseline.kpis[1]["payroll"]
    assert late.as_json()["unsaved_changes"] == {"merit_rate_level_2@2027": 0.05, "years": 3}


def test_a_cola_runs_no_dynamics_model(settings, baseline, run):
    other = simulate(settings, changed({"cola_rate": 0.01}), run)
    models = other.outcome.models_run
    assert _years(models, "int_pay") == {2026, 2027, 2028}
    assert not [name for name in models if "workforce_2" in name or "hazard" in name]


def test_a_failing_gate_publishes_nothing_and_is_recorded(settings, baseline, run, strict_gate):
    in_force = load_publication(settings, "baseline").fingerprint
    with pytest.raises(SimulationBlocked, match="growth_all_possible") as blocked:
        simulate(settings, changed({"cola_rate": 0.04}), run)
    report = blocked.value.report.as_json()
    assert report["published"] is False
    assert report["gate"]["status"] == "failed"
    assert load_publication(settings, "baseline").fingerprint == in_force
    assert not (settings.published_dir / "baseline" / report["fingerprint"]).exists()
    last = _runs(settings)[0]
    assert (last.fingerprint, last.gate_status, last.published) == (report["fingerprint"], "failed", False)
    assert "publish_result" not in run.steps
    assert run.tables["gate-simulation-baseline"][0]["success"] is False


def test_a_broken_invariant_is_recorded(settings, baseline, run, monkeypatch):
    def run_models(planned):
        raise AuditFailed("headcount_balances: 1 row")

    monkeypatch.setattr(simulation, "run_models", run_models)
    before = load_publication(settings, "baseline").fingerprint
    with pytest.raises(AuditFailed):
        simulate(settings, BASELINE, run)
    assert _runs(settings)[0].gate_status == "audit failed"
    assert load_publication(settings, "baseline").fingerprint == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scenario": "nowhere"}, "Unknown scenario"),
        ({"census": "nowhere"}, "Unknown census"),
        ({"levers": {"cola_rte": 0.02}}, "cola_rte"),
        ({"levers": {"cola_rate": 0.5}}, "cola_rate"),
        ({"years": "2031-2033"}, "2031"),
    ],
)
def test_bad_input_is_rejected_before_anything_runs(settings, run, changes, message):
    with pytest.raises(InputError, match=message):
        simulate(settings, SimulateRequest(**changes), run)
    assert run.steps == ["resolve_scenario"]


NOW = datetime(2026, 11, 20, tzinfo=UTC)


def row(name, *, feasible=True, growth=0.03, reason="payroll over the budget"):
    return SweepRow(name, "as it is", feasible, () if feasible else (reason,), growth=growth)


def test_comparison_names_what_changed_and_why():
    first = compared(
        [row("a"), row("b"), row("c"), row("d", feasible=False)], None, asked="", complete=True, at=NOW
    )
    second = compared(
        [row("a"), row("b", feasible=False), row("c", growth=0.032), row("d")],
        first,
        asked="",
        complete=True,
        at=NOW,
    )
    assert first.previous_at is None
    assert [one.as_table()["variant"] for one in second.rows] == ["saved values"] * 4
    assert second.became_infeasible == ("b: payroll over the budget",)
    assert second.became_feasible == ("d",)
    assert second.moved == ("c: growth 3.000% → 3.200%",)
    assert "b: payroll over the budget" in page(second)


INPUTS = SweepInputs("staff", "h1", {"cola_rate": 0.02}, "1.0")


@pytest.mark.parametrize(
    ("now", "fingerprint", "why"),
    [
        (
            {"parameters": {"cola_rate": 0.03, "years": 3}},
            "f2",
            ("cola_rate 0.02 → 0.03", "years default → 3"),
        ),
        ({"census": "staff_2027", "census_hash": "h2"}, "f2", ("census staff → staff_2027",)),
        ({"census_hash": "h2"}, "f2", ("census staff, imported again",)),
        ({"version": "1.1"}, "f2", ("PlanWise 1.0 → 1.1",)),
        ({}, "f2", ("the models or the defaults of parameters",)),
        ({}, "f1", ()),
    ],
)
def test_a_row_that_moved_says_which_inputs_differ(now, fingerprint, why):
    old = replace(row("a"), fingerprint="f1", inputs=INPUTS)
    new = replace(row("a", growth=0.035), fingerprint=fingerprint, inputs=replace(INPUTS, **now))
    first = compared([old], None, asked="", complete=True, at=NOW)
    second = compared([new], first, asked="", complete=True, at=NOW)
    assert [(change.kind, change.why) for change in second.changes] == [("moved", why)]
    because = f" (because of {', '.join(why)})" if why else ""
    assert second.moved == (f"a: growth 3.000% → 3.500%{because}",)


def test_a_move_is_set_beside_the_variation_of_the_seeds():
    def rows(growths):
        return [row("a", growth=growth) for growth in growths[:1]] + [
            replace(row("a", growth=growth), variant=f"seed {seed}", seed=seed)
            for seed, growth in enumerate(growths[1:])
        ]

    first = compared(rows([0.030, 0.032, 0.028]), None, asked="", complete=True, at=NOW)
    second = compared(rows([0.033, 0.034, 0.032]), first, asked="", complete=True, at=NOW)
    # Standard deviation .1 pp, so ±.2 pp: the first and the third have moved by more.
    assert [line.rpartition(", ")[2] for line in second.moved] == [
        "beyond the seeds' ±0.20 pp",
        "within the seeds' ±0.20 pp",
        "beyond the seeds' ±0.20 pp",
    ]


@pytest.mark.parametrize(
    ("growth", "moves"), [(0.0311, True), (0.0289, True), (0.0309, False), (0.0291, False)]
)
def test_growth_has_moved_when_it_differs_by_more_than_a_tenth_of_a_point(growth, moves):
    first = compared([row("a")], None, asked="", complete=True, at=NOW)
    assert bool(compared([row("a", growth=growth)], first, asked="", complete=True, at=NOW).moved) is moves
    assert row("a", growth=growth).as_table()["growth %"] == pytest.approx(100 * growth)


def test_a_sweep_is_compared_with_the_last_complete_one_of_the_same_request(tmp_path):
    home = Settings(home=tmp_path)
    assert last_sweep(home, "this") is None
    for hour, asked, complete in (
        (1, "this", True),
        (2, "this", True),
        (3, "this", False),
        (4, "other", True),
    ):
        at = NOW.replace(hour=hour)
        write_sweep(home, compared([row("a")], None, asked=asked, complete=complete, at=at))
    found = last_sweep(home, "this")
    assert (found.at, found.rows) == (NOW.replace(hour=2).isoformat(timespec="milliseconds"), (row("a"),))


def test_over_the_budget_names_the_years_and_the_worst():
    years = [{"simulation_year": 2026 + n, "payroll": p} for n, p in enumerate((100.0, 150.0, 120.0))]
    assert over_budget(years, 150.0) == []
    assert over_budget(years, 100.0) == ["payroll over the budget of 100 in 2027, 2028; most in 2027, by 50"]


def test_a_sweep_that_was_stopped_calls_nothing_gone():
    first = compared([row("a"), row("b")], None, asked="", complete=True, at=NOW)
    assert compared([row("a")], first, asked="", complete=False, at=NOW).gone == ()
    assert compared([row("a")], first, asked="", complete=True, at=NOW).gone == ("b",)


def test_a_sweep_that_loses_its_last_worker_reports_what_it_had(tmp_path, run, monkeypatch):
    home = Settings(home=tmp_path)

    def tried(*_):
        yield replace(row("a"), variant="seed 7", seed=7)
        raise ClusterUnusable("The Dask cluster has lost its last worker.")

    monkeypatch.setattr(sweeping, "published_row", lambda settings, name, *_: row(name))
    monkeypatch.setattr(sweeping, "tried_rows", tried)
    request = SweepRequest(scenarios=("a", "b"), seeds=(7,))
    with pytest.raises(ClusterUnusable, match="last worker"):
        sweep(home, request, run)
    (stored,) = (STORED.validate_json(file.read_bytes()) for file in (tmp_path / "sweeps").glob("*.json"))
    assert [one.label for one in stored.rows] == ["a", "b", "a (seed 7)"] and not stored.complete
    assert "stopped before its end" in run.pages["sweep-report"]


def test_variants_are_seeds_times_grid():
    request = SweepRequest(seeds=(7,), grid={"cola_rate": (0.02, 0.03)})
    assert [label for label, _ in variants_of(request)] == [
        "cola_rate=0.02",
        "cola_rate=0.03",
        "cola_rate=0.02, seed 7",
        "cola_rate=0.03, seed 7",
    ]
    assert list(variants_of(SweepRequest())) == []


def test_an_empty_grid_is_rejected():
    with pytest.raises(ValueError, match="empty"):
        SweepRequest(grid={"cola_rate": ()})


def test_a_sweep_reports_what_became_infeasible_and_maintenance_drops_what_is_gone(settings, run):
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("plain", {"years": 2})
        ledger.scenarios.create("budgeted", {"payroll_budget": 1e9, "years": 2})
    request = SweepRequest(scenarios=("plain", "budgeted"), seeds=(7,))
    first = sweep(settings, request, run)
    assert [(r.scenario, r.variant, r.feasible) for r in first.rows] == [
        ("plain", "as it is", True),
        ("budgeted", "as it is", True),
        ("plain", "seed 7", True),
        ("budgeted", "seed 7", True),
    ]
    assert first.rows[0].fingerprint == load_publication(settings, "plain").fingerprint
    assert first.rows[2].growth != first.rows[0].growth
    with open_ledger(settings) as ledger:
        ledger.scenarios.set("budgeted", {"payroll_budget": 1e6, "years": 2})
    second = sweep(settings, request, run)
    assert second.previous_at == first.at
    assert len(second.became_infeasible) == 2
    assert second.became_infeasible[0].startswith("budgeted: payroll over the budget of $1,000,000 in 2026, ")
    assert second.became_infeasible[0].endswith("(because of payroll_budget 1,000,000,000 → 1,000,000)")
    assert report_file(settings, second).read_text(encoding="utf-8") == run.pages["sweep-report"]
    assert "Became infeasible" in run.pages["sweep-report"]
    assert len(run.tables["sweep"]) == 4

    with open_ledger(settings) as ledger:
        ledger.scenarios.delete("budgeted")
    (settings.workers_dir / "dead.duckdb").write_bytes(b"")
    (settings.workers_dir / "dead.lock").write_bytes(b"")
    said = maintain(settings, MaintainRequest(), run)
    assert said.environments == ("scenario_budgeted",)
    assert (settings.workers_dir / "dead.duckdb").exists()
    done = maintain(settings, MaintainRequest(dry_run=False), run)
    assert done.environments == said.environments
    assert not (settings.workers_dir / "dead.duckdb").exists()
    assert (done.tables, done.files) == (said.tables, said.files)
    assert maintain(settings, MaintainRequest(), run).rows() == []


def test_workers_find_what_one_process_finds_and_a_cancelled_sweep_keeps_what_it_has(settings, run):
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("short", {"years": 1})
    request = SweepRequest(scenarios=("short",), grid={"cola_rate": (0.02, 0.03)}, seeds=(7,))
    alone = sweep(settings, request, run)
    together = sweep(settings, request.model_copy(update={"workers": 2}), run)
    assert together.rows == alone.rows
    assert together.previous_at == alone.at
    assert len(alone.rows) == 5 and {r.feasible for r in alone.rows} == {True}

    run.stopped = lambda: run.steps.count("variant") > 9  # 4 and 4 were of the sweeps before
    stopped = sweep(settings, request.model_copy(update={"workers": 2}), run)
    assert not stopped.complete and alone.rows[:1] == stopped.rows[:1]
    assert len(stopped.rows) < len(alone.rows)
    assert list(settings.workers_dir.iterdir()) == []
    assert last_sweep(settings, alone.asked).at == together.at


def test_a_sweep_never_publishes_a_scenario_on_another_census(settings, run):
    generate_census(settings, employees=60, seed=3, name="other", use=False)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("there", {"years": 1}, census="other")
        ledger.scenarios.create("here", {"years": 1})
    done = sweep(settings, SweepRequest(scenarios=("there", "here"), census="other"), run)

    assert [(r.scenario, r.variant, r.published) for r in done.rows] == [
        ("there", "as it is", True),
        ("here", "census other", False),
    ]
    assert {row.headcount for row in done.rows} == {62}  # 60 people, 3 % more
    assert load_publication(settings, "there").manifest["census"]["name"] == "other"
    assert "here" not in published_scenarios(settings)


def test_a_scenario_that_cannot_be_simulated_is_a_row_that_says_why(settings, run):
    done = sweep(settings, SweepRequest(scenarios=("nowhere",)), run)
    assert not done.rows[0].feasible
    assert "nowhere" in done.rows[0].reasons[0]


HEAD = "employee_id,hire_date,base_pay,job_title,department\n"


def payroll_file(tmp_path, rows):
    file = tmp_path / "payroll.csv"
    lines = (f"E{i},2020-01-{1 + i % 28:02d},{50000 + 500 * i},Clerk,Ops\n" for i in range(rows))
    file.write_text(HEAD + "".join(lines), encoding="utf-8")
    return file


def test_what_passes_is_in_use(settings, run, tmp_path):
    file = payroll_file(tmp_path, 200)
    before = {census.name for census in list_censuses(settings)[0]}
    report = ingest(settings, IngestRequest(file=file, name="staff", as_of="2025-12-31"), run)
    assert census_in_use(settings) == "staff"
    assert report.as_json()["in_use"]
    assert report.gate.status != "failed"
    assert run.tables["gate-census-staff"]
    (stored, *_) = list_gates(settings, limit=1)
    assert (stored.of, stored.subject, stored.status) == ("census", "staff", report.gate.status)
    beside = report.census.census_file.parent / VALIDATIONS
    assert beside.stat().st_mode & 0o777 == 0o600
    assert {one["suite_name"] for one in json.loads(beside.read_text())["validations"]} >= {
        "census",
        "import",
    }
    assert {census.name for census in list_censuses(settings)[0]} == before | {"staff"}


@pytest.fixture
def census_rows(tmp_path, monkeypatch):
    """Require a million employees, and return a function that sets how severe fewer are."""
    file = tmp_path / "thresholds.yaml"
    monkeypatch.setenv("PLANWISE_GATE_THRESHOLDS", str(file))
    return lambda severity: file.write_text(
        f"census_rows: {{minimum: 1000000, severity: {severity}}}\n", encoding="utf-8"
    )


def test_the_command_and_the_flow_import_alike_and_show_a_warning(
    settings, run, tmp_path, census_rows, capsys
):
    census_rows("warning")
    file, day = payroll_file(tmp_path, 20), "2025-12-31"
    by_flow = ingest(settings, IngestRequest(file=file, name="low", as_of=day), run).as_json()
    command = ["census", "import", str(file), "--name", "low", "--as-of", day, "--home", str(settings.root)]
    assert cli.run([*command, "--json"]) == 0
    by_command = json.loads(capsys.readouterr().out)
    paths = {"report_file", "rejects_file"}
    assert {k: v for k, v in by_command.items() if k not in paths} == {
        k: v for k, v in json.loads(json_text(by_flow)).items() if k not in paths
    }
    assert by_command["gate"]["status"] == "passed with warnings"
    assert json.loads(Path(by_command["report_file"]).read_text())["census"] == "low"
    assert cli.run(command) == 0
    assert "census_rows" in capsys.readouterr().out


def test_what_does_not_pass_leaves_the_census_in_use_as_it_is(settings, run, tmp_path, census_rows, capsys):
    before, known = load_census(settings), list_censuses(settings)
    census_rows("critical")
    request = IngestRequest(file=payroll_file(tmp_path, 300), name=before.name, as_of="2025-12-31")
    with pytest.raises(GateBlocked, match="census_rows"):
        ingest(settings, request, run)
    command = ["census", "import", str(request.file), "--name", "blocked", "--home", str(settings.root)]
    assert cli.run([*command, "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert (answer["in_use"], answer["census"], answer["gate"]["status"]) == (False, None, "failed")
    assert "census_rows" in answer["error"]["what"] and answer["error"]["remedy"]
    assert [(one.subject, one.status) for one in list_gates(settings, limit=1)] == [("blocked", "failed")]
    assert cli.run(command) == 3
    shown = capsys.readouterr()
    assert "census gate: failed" in shown.out and "Nothing was registered" in shown.err
    assert load_census(settings) == before
    assert list_censuses(settings) == known
