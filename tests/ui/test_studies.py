"""The reader of studies: rows, the best so far, fronts, what is read when a study has grown."""

import pytest

from planwise.errors import InputError
from planwise.study.study_files import hold_study
from tests.ui import recorded_studies
from ui.queries.studies import StudyReader


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
    best = studies.get("one").trials["best_growth"].tolist()
    assert best[0] != best[0]
    assert best[1:] == [0.04, 0.04, 0.028, 0.028]


def test_objectives_are_scaled_by_the_scenario_as_it_is_and_the_front_is_marked(settings, studies):
    journal = _front(settings)
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


def _front(settings):
    """Five previews; payroll added and spread of the scenario as it is are 10 and .2."""
    asked = [["cost", None], ["equity", None]]
    journal = recorded_studies.begin(settings, "front", kind="preview", directions=2, objectives=asked)
    told = (("baseline", 10.0, 0.2), ("sample", 5.0, 0.3), ("sample", 20.0, 0.1), ("sample", 7.5, 0.15))
    for purpose, change, cv in (*told, ("sample", 8.0, 0.32)):
        levers = {} if purpose == "baseline" else {"cola_rate": 0.01 + change / 1000}
        values = (change / 10, cv / 0.2)
        recorded_studies.add(
            journal, 0.04, levers, kind="preview", purpose=purpose, values=values, change=change, cv=cv
        )
    return journal


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
    assert (found[1].converged, found[1].growth, found[1].trials, found[1].target) == (True, 0.0301, 1, 0.03)
    with pytest.raises(InputError, match="cannot be read"):
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
