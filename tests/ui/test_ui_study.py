import pytest

from planwise.errors import InputError
from planwise.study.trials.evaluation import Evaluation
from planwise.study.trials.trial import Trial
from ui.store import Store
from ui.studies import Study, trial_frame
from ui.views.study import convergence

TARGET = 0.03


def trial(number, growth, kind="real", gate="passed", purpose="iteration"):
    found = growth and Evaluation(levers={}, kpis=[], growth=growth, kind=kind, gate_status=gate, seconds=0.5)
    return Trial(
        number=number,
        kind=kind,
        purpose=purpose,
        iteration=number,
        levers={},
        digest="",
        evaluation=found or None,
        error=None if found else "it broke",
    )


def study(*trials, outcome=None, state="running"):
    frame = trial_frame(trials, TARGET, "real")
    return Study("s", "baseline", "balanced", TARGET, 0.001, "real", state, frame, outcome)


def test_the_best_so_far_is_the_nearest_feasible_trial_of_the_kind_asked_for():
    frame = trial_frame(
        (
            trial(0, 0.03, kind="preview"),
            trial(1, 0.04),
            trial(2, 0.030, gate="failed"),
            trial(3, None),
            trial(4, 0.028),
            trial(5, 0.05),
        ),
        TARGET,
        "real",
    )
    best = [None if value != value else round(value, 3) for value in frame["best_growth_minus_target_pp"]]
    assert best == [None, 1.0, 1.0, 1.0, -0.2, -0.2]
    assert frame["state"].tolist() == ["complete", "complete", "infeasible", "failed", "complete", "complete"]
    assert round(frame["growth_minus_target_pp"].iloc[5], 3) == 2.0


def test_real_preview_and_gated_out_trials_look_different_and_bounds_are_in_the_table_only():
    content = convergence(
        study(
            trial(0, 0.01, kind="preview", purpose="lowest"),
            trial(1, 0.031, kind="preview"),
            trial(2, 0.032),
            trial(3, 0.033, gate="failed"),
            trial(4, 0.0305),
        )
    )
    marks = {trace["name"]: trace for trace in content.figure["data"]}
    assert set(marks) == {"Real (full plan)", "Preview", "Real, gate failed", "Best so far"}
    assert marks["Preview"]["x"] == [1]
    assert marks["Real (full plan)"]["x"] == [2, 4]
    assert marks["Best so far"]["y"] == pytest.approx([0.032, 0.032, 0.0305])
    band = content.figure["layout"]["shapes"][-1]
    assert (band["y0"], band["y1"]) == pytest.approx((0.029, 0.031))
    assert content.frame["trial"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("outcome", "state", "says"),
    [
        (None, "running", "Running"),
        (None, "failed: it broke", "Failed: it broke"),
        (
            dict(converged=True, reachable=True, growth=0.03, kind="real", seconds=2.0),
            "converged",
            "Converged",
        ),
        (dict(converged=False, reachable=False, growth=0.02, kind="real", seconds=2.0), "x", "out of reach"),
    ],
)
def test_how_a_study_stands_is_said(outcome, state, says):
    assert says in convergence(study(trial(1, 0.04), outcome=outcome, state=state)).lead


def test_a_study_without_a_trial_yet_is_shown():
    assert "0 trials" in convergence(study()).lead


def test_a_study_that_is_not_there_is_refused_and_nothing_is_made(settings):
    with pytest.raises(InputError, match="nowhere"):
        Store(settings).study("nowhere")
    assert not settings.root.exists()


def test_a_study_of_the_runner_is_read_back(settings):
    from planwise.study.asked.space import TunedLever
    from planwise.study.trials.files import write_study, write_summary
    from planwise.study.trials.holding import held
    from planwise.study.trials.journal import Journal
    from planwise.study.trials.storage import open_storage

    bounds = dict(low=0.01, high=0.08, start=0.025, scale=0.01)
    space = (TunedLever(name="cola_rate", level_id=None, increasing=True, dynamics=False, **bounds),)
    about = {
        "question": {"strategy": "balanced", "target_growth": 0.04, "tolerance": 0.001},
        "scenario": "baseline",
        "kind": "real",
        "state": "running",
    }
    about["created_at"] = "2026-11-20T12:00:00+00:00"
    store = Store(settings)
    nothing = store.version()
    with held(settings, "mine"):
        Journal.create(open_storage(settings, "mine"), "mine", space, about)
        write_study(settings, "mine", about)
        write_summary(settings, "mine", {"state": "running"})
        assert store.studies() == ("mine",)
        read, running = store.study("mine"), store.version()
        assert (read.scenario, read.target, read.state, len(read.trials)) == ("baseline", 0.04, "running", 0)
    assert store.study("mine").state == "interrupted"  # nobody runs it any more, though nothing was written
    assert len({nothing, running, store.version()}) == 3
