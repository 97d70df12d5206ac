"""Studies as the dashboard reads them, and the checks before one starts."""

import pytest

from planwise.census import generate_census
from planwise.errors import DamagedStore, InputError
from planwise.governance import open_ledger
from planwise.settings import Settings
from planwise.storage import hold_lock
from planwise.study.spec import OptimizeRequest
from planwise.study.study_files import hold_study
from tests.ui import recorded_studies
from ui.queries.scenarios import ScenarioReader
from ui.queries.studies import StudyReader
from ui.values.studies import GrowthRange


@pytest.fixture
def studies(settings):
    return StudyReader(settings, plans=None)


def test_a_home_without_studies_has_none_and_nothing_is_made(settings, studies):
    assert studies.list() == ()
    assert studies.version() == ()
    with pytest.raises(InputError, match="nowhere"):
        studies.get("nowhere")
    assert not settings.root.exists()


def test_each_trial_is_a_row_with_levers_outcomes_and_what_it_exceeds(settings, studies):
    journal = recorded_studies.begin(settings, "one")
    recorded_studies.add(journal, 0.05, {}, kind="preview", purpose="baseline")
    recorded_studies.add(
        journal, 0.04, {"cola_rate": 0.02}, payroll=120.0, change=5.0, limits={"payroll": 0.2}
    )
    recorded_studies.add(journal, 0.0305)
    recorded_studies.add(journal, 0.03, gate="failed")
    recorded_studies.add(journal, None)
    recorded_studies.add(journal, 0.031, seed=7, purpose="robustness", kind="preview")
    study = studies.get("one")
    rows = study.trials
    assert rows["state"].tolist() == [
        "feasible",
        "infeasible",
        "feasible",
        "infeasible",
        "failed",
        "feasible",
    ]
    assert rows["role"].tolist() == [
        "baseline",
        "candidate",
        "candidate",
        "candidate",
        "candidate",
        "analysis",
    ]
    assert rows["violated"].tolist()[1:5] == ["payroll", "", "gate", ""]
    assert rows["lever_cola_rate"].tolist()[:2] == [0.025, 0.02]  # what was not set stands as it is
    assert (rows["payroll"][1], rows["cost"][1]) == (120.0, 10.0)
    assert round(rows["gap_pp"][1], 9) == -1.0
    assert rows["error"][4] == "it broke"
    assert study.best == 2
    assert [lever.start for lever in study.levers] == [0.025, 0.033]
    assert study.given[1] == {"cola_rate": 0.02}
    assert study.given[0] == {}


def test_the_best_so_far_is_of_feasible_trials_of_the_kind_that_decides(settings, studies):
    journal = recorded_studies.begin(settings, "one")
    recorded_studies.add(journal, 0.03, kind="preview")
    recorded_studies.add(journal, 0.04)
    recorded_studies.add(journal, 0.03, gate="failed")
    recorded_studies.add(journal, 0.028)
    recorded_studies.add(journal, 0.05)
    best = studies.get("one").trials["best_reached"].tolist()
    assert best[0] != best[0]
    assert best[1:] == [0.04, 0.04, 0.028, 0.028]


def test_objectives_are_scaled_by_the_scenario_as_it_is_and_the_front_is_marked(settings, studies):
    journal = recorded_studies.add_front(settings)
    study = studies.get("front")
    rows = study.trials
    assert study.spec.multi_objective
    assert study.target is None
    assert rows["part_cost"].tolist() == [1.0, 0.5, 2.0, 0.75, 0.8]
    assert rows["part_equity"].tolist() == pytest.approx([1.0, 1.5, 0.5, 0.75, 1.6])
    assert study.front == (1, 3, 2)  # the last one is beaten by trial 1 in both, the first is not searched
    assert study.knee == 3
    assert study.picks == (1, 3, 2)
    assert study.best == 3
    assert journal.count() == 5


def test_only_what_a_journal_has_gained_is_read(settings, studies, monkeypatch):
    import ui.queries.study_trials as reading

    journal = recorded_studies.begin(settings, "grows")
    for growth in (0.05, 0.04, 0.035):
        recorded_studies.add(journal, growth)
    first = studies.get("grows")
    assert studies.get("grows") is first  # nothing is new
    read = []
    trial_of = reading.trial_of
    monkeypatch.setattr(reading, "trial_of", lambda frozen: read.append(frozen.number) or trial_of(frozen))
    recorded_studies.add(recorded_studies.reopen(settings, "grows"), 0.031)
    assert len(studies.get("grows").trials) == 4
    assert read == [3]
    assert first.trials.shape[0] == 3  # who holds the older one keeps it


def test_a_study_runs_while_its_process_holds_it_and_is_interrupted_after(settings, studies):
    with hold_study(settings, "mine"):
        recorded_studies.begin(settings, "mine")
        running = studies.stamp("mine")
        assert studies.get("mine").is_running
        assert studies.list()[0].state == "running"
    assert studies.stamp("mine") != running
    assert studies.get("mine").state == "interrupted"
    assert studies.list()[0].state == "interrupted"


def test_the_list_has_the_newest_first_and_leaves_out_what_is_damaged(settings, studies):
    journal = recorded_studies.begin(settings, "old", created="2026-11-19T12:00:00+00:00")
    recorded_studies.add(journal, 0.0301)
    recorded_studies.end(
        settings, journal, "old", converged=True, reachable=True, growth=0.0301, gap_pp=-0.01, seconds=3.0
    )
    recorded_studies.begin(settings, "new")
    (settings.studies_dir / "bad").mkdir()
    (settings.studies_dir / "bad" / "study.json").write_text("{")
    found = studies.list()
    assert [one.name for one in found] == ["new", "old"]
    assert (found[1].converged, found[1].reached, found[1].trials) == (True, 0.0301, 1)
    assert str(found[1].target) == "growth=0.03"
    with pytest.raises(DamagedStore, match=r"'bad' is damaged: .*study\.json"):
        studies.get("bad")


def test_a_journal_whose_last_line_is_half_written_is_read_up_to_it(settings, studies):
    journal = recorded_studies.begin(settings, "torn")
    recorded_studies.add(journal, 0.05)
    with open(settings.studies_dir / "torn" / "journal.log", "ab") as handle:
        handle.write(b'{"op_code": 4, "worker_id": "x", "study_id": 0, "half')
    assert len(studies.get("torn").trials) == 1


def test_importance_says_how_many_trials_it_needs(settings, studies):
    journal = recorded_studies.begin(settings, "few")
    recorded_studies.add(journal, 0.05, {}, kind="preview", purpose="baseline")
    recorded_studies.add(journal, 0.04)
    found = studies.importance(studies.get("few"))
    assert found["method"] == "none"
    assert "needs 100" in found["reason"]


def test_importance_over_enough_trials_sums_to_one_and_finds_the_lever_that_moves_growth(settings, studies):
    journal = recorded_studies.begin(settings, "many")
    recorded_studies.add(journal, 0.05, {}, kind="preview", purpose="baseline")
    for step in range(110):
        cola = 0.01 + 0.07 * step / 110
        merit = 0.01 + 0.09 * ((step * 37) % 110) / 110
        recorded_studies.add(
            journal, 0.02 + cola, {"cola_rate": cola, "merit_rate_level_1": merit}, kind="preview"
        )
    shares = studies.importance(studies.get("many"))["shares"]
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["cola_rate"] > 0.8


MEASURED = GrowthRange(baseline=0.05, lowest=0.02, highest=0.12, seconds=0.1)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("checks") / "home")
    generate_census(settings, employees=300)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("taken", {"cola_rate": 0.03})
        found = "Found by study baseline_solve_1: growth 3 % a year."
        ledger.scenarios.create("baseline_optimized", {}, description=found, parent="baseline")
    return settings


@pytest.fixture(scope="module")
def look(home):
    studies = StudyReader(home, ScenarioReader(home))

    def looked(measured=MEASURED, **request):
        return studies.check(OptimizeRequest(**request), measured)

    return looked


def named(checked, name):
    return next((check for check in checked.checks if check.name == name), None)


@pytest.mark.parametrize(
    ("request_", "name", "tone", "text"),
    [
        ({}, "Census", "ok", "300 employees"),
        ({"target_growth": 0.03}, "Target", "ok", "moderate"),
        ({"target_growth": 0.07}, "Target", "warn", "high risk"),
        ({"target_growth": 0.03}, "Reach", "ok", "2.00% to 12.00%"),
        ({"target_growth": 0.1205}, "Reach", "ok", "within"),  # within the tolerance of the end
        ({"target_growth": 0.13}, "Reach", "bad", "beyond"),
        ({"target_growth": 0.01}, "Reach", "bad", "beyond"),
        ({"scenario": "nowhere"}, "Scenario", "bad", "nowhere"),
        ({"census": "nowhere"}, "Census", "bad", "nowhere"),
        ({"constraints": ["payroll_risk<=5%"]}, "Question", "bad", "payroll"),
        ({"tune": ["cola_rate"], "lock": ["cola_rate"]}, "Levers", "bad", "cola_rate"),
        ({"strategy": "solve", "objectives": "balanced"}, "Strategy", "bad", "target alone"),
        ({"strategy": "cmaes", "objectives": "growth", "constraints": ["raise<=9%"]}, "Strategy", "bad", ""),
        ({"strategy": "balanced", "constraints": ["merit_monotone"]}, "Strategy", "warn", "does not seek"),
        ({"strategy": "tpe", "trials": 10}, "Trials", "warn", "few"),
        ({"strategy": "tpe", "trials": 100, "tie": "none"}, "Trials", "ok", "moderate"),
        ({"strategy": "tpe", "trials": 900}, "Trials", "warn", "more than help"),
        ({"strategy": "tpe", "trials": 100, "timeout_seconds": 3.0}, "Time", "warn", "about 30"),
        ({"save_as": "taken"}, "Save as", "bad", "already"),
        ({"save_as": "No Name"}, "Save as", "bad", "cannot name"),
        ({}, "Save as", "warn", "replaced"),
        ({"save_as": "another"}, "Save as", "ok", "free"),
        ({"preview": True, "save_as": "taken"}, "Result", "ok", "Nothing is stored"),
        ({"workers": 200}, "Workers", "warn", "200"),
    ],
)  # fmt: skip
def test_a_question_is_judged(look, request_, name, tone, text):
    found = named(look(**request_), name)
    assert found is not None
    assert found.tone == tone
    assert text in f"{found.text} {found.remedy}"


def test_only_bad_checks_block_the_start(look):
    assert look(target_growth=0.03, strategy="tpe", trials=10).ready
    assert not look(target_growth=0.13).ready
    assert not look(scenario="nowhere").ready


def test_auto_names_the_strategy_it_picks_and_the_reason(look):
    front = look(objectives="cost,equity", target="increase=0.035", trials=50, strategy="auto")
    without = look(objectives="cost,equity")
    assert "need a floor" in named(without, "Question").text and not without.ready
    assert front.strategy == "tpe"
    assert "50 trials" in front.reason
    assert front.takes_trials
    assert look(strategy="auto").strategy == "solve"


def test_the_ends_are_the_bounds_of_the_tuned_levers(look):
    checked = look(None, tune=["cola_rate", "merit_rate_level_1"], constraints=["change.cola_rate<=1%"])
    assert dict(checked.ends[0]) == {"cola_rate": 0.0, "merit_rate_level_1": 0.0}
    assert dict(checked.ends[1]) == {"cola_rate": 0.01, "merit_rate_level_1": 0.1}
    assert named(checked, "Reach") is None  # its growth is not known
    tied = {f"merit_rate_level_{level}" for level in range(1, 6)}
    assert tied < set(look(None).ends[1])  # a budget for all levels is each level's lever in a preview
    assert (checked.budget.minimum, checked.budget.recommended, checked.budget.maximum) == (20, 50, 100)


def test_levers_that_move_people_are_not_called_out_of_reach_by_their_bounds(look):
    found = named(look(target_growth=0.2, tune=["promotion_probability_level_1"]), "Reach")
    assert found.tone == "warn"


def test_a_locked_warehouse_and_running_studies_are_listed(home, look):
    assert named(look(), "Warehouse").text == "Free."
    with hold_lock(home.warehouse_lock_file, "a sweep", timeout_seconds=1), hold_study(home, "mine"):
        checked = look()
        assert "a sweep" in named(checked, "Warehouse").text
        assert "mine" in named(checked, "Other studies").text
        assert checked.ready or named(checked, "Save as").tone == "warn"
    assert named(look(), "Other studies") is None
