"""A study is read by Optuna's own tools: metrics, limits and figures, checks apart, nothing changed."""

import json
from wsgiref.util import setup_testing_defaults

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from planwise.settings import Settings
from planwise.study.journal import Journal
from planwise.study.optuna_dashboard import COOKIE, AllStudies, GuardedSite, ReadOnly, open_site
from planwise.study.optuna_storage import load_study, open_storage
from planwise.study.trial import finished_trials
from tests.ui import recorded_studies


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    journal = recorded_studies.begin(settings, "s")
    recorded_studies.add(journal, 0.02, {}, purpose="baseline")
    recorded_studies.add(journal, 0.021, {"cola_rate": 0.02}, seed=7, purpose="seed")
    recorded_studies.add(journal, 0.03, {"cola_rate": 0.03}, limits={"payroll <= 5": 2.0})
    recorded_studies.add(journal, 0.031, {"cola_rate": 0.031}, purpose="sensitivity")
    recorded_studies.add_front(settings)
    return settings


def opened_by_optuna(settings, name):
    file = settings.studies_dir / name.partition(" ")[0] / "journal.log"
    return optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(file))))


def test_optuna_alone_reads_metrics_limits_and_figures_and_no_checks(home):
    study, checks = opened_by_optuna(home, "s"), opened_by_optuna(home, "s checks")
    assert study.metric_names == checks.metric_names == ["score"]
    assert opened_by_optuna(home, "front").metric_names == ["cost", "equity"]
    assert [trial.user_attrs["purpose"] for trial in study.trials] == ["baseline", "iteration"]
    assert [trial.user_attrs["purpose"] for trial in checks.trials] == ["seed", "sensitivity"]
    assert {trial.state for trial in (*study.trials, *checks.trials)} == {TrialState.COMPLETE}
    assert study.best_trial.user_attrs["growth"] == 0.02  # of the two only the first is within its limits
    last = study.trials[1]
    assert last.system_attrs["constraints"] == [0.0, 2.0]
    assert (last.params["cola_rate"], last.user_attrs["growth"]) == (0.03, 0.03)
    assert checks.trials[0].user_attrs["seed"] == 7.0


def test_trials_are_numbered_over_both(home):
    trials = finished_trials(load_study(home, "s"))
    assert [(trial.number, trial.purpose) for trial in trials] == [
        (0, "baseline"),
        (1, "seed"),
        (2, "iteration"),
        (3, "sensitivity"),
    ]


def test_a_study_that_an_earlier_version_began_goes_on_in_one_part(home):
    storage = open_storage(home, "older")
    study = optuna.create_study(study_name="older", storage=storage)
    journal = Journal(storage, study, recorded_studies.SPACE)
    recorded_studies.add(journal, 0.02, {}, purpose="baseline")
    recorded_studies.add(journal, 0.03, seed=7, purpose="seed")
    assert [(trial.number, trial.purpose, trial.seed) for trial in journal.trials()] == [
        (0, "baseline", None),
        (1, "seed", 7),
    ]
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert study.trials[1].params == {}


def test_one_storage_has_all_studies_and_refuses_changes(home):
    every = AllStudies(home)
    found = {study.study_name: study._study_id for study in every.get_all_studies()}
    assert set(found) == {"front", "front checks", "s", "s checks"}
    assert len(set(found.values())) == 4
    for name, number in found.items():
        assert every.get_study_id_from_name(name) == number
        assert every.get_study_name_from_id(number) == name
    trials = every.get_all_trials(found["s checks"])
    assert [trial.user_attrs["seed"] for trial in trials if "seed" in trial.user_attrs] == [7.0]
    with pytest.raises(ReadOnly):
        every.delete_study(found["s"])
    with pytest.raises(KeyError):
        every.get_study_id_from_name("other")


def ask(site, path="/dashboard", *, method="GET", host="127.0.0.1:8080", cookie=""):
    environ = {"HTTP_HOST": host, "REQUEST_METHOD": method, "HTTP_COOKIE": cookie}
    environ["PATH_INFO"], _, environ["QUERY_STRING"] = path.partition("?")
    setup_testing_defaults(environ)
    answer = {}

    def start(status, headers, *_):
        answer.update(status=int(status.split()[0]), headers=dict(headers))

    answer["body"] = b"".join(site(environ, start))
    return answer


def test_pages_need_the_link_and_this_machines_name(home):
    site = GuardedSite(lambda environ, start: [start("200 OK", []) or b"studies"], 8080)
    assert ask(site)["status"] == 403
    assert ask(site, "/dashboard?token=wrong", cookie=f"{COOKIE}=wrong")["status"] == 403
    first = ask(site, site.link.removeprefix("http://127.0.0.1:8080"))
    assert (first["status"], first["headers"]["Location"]) == (303, "/dashboard")
    cookie = first["headers"]["Set-Cookie"].partition(";")[0]
    assert ask(site, cookie=cookie)["body"] == b"studies"
    assert ask(site, cookie=cookie, host="evil.example:8080")["status"] == 421
    assert ask(site, cookie=cookie, method="DELETE")["status"] == 405


def test_optuna_dashboard_shows_them(home):
    server, link = open_site(home, 0)
    with server:
        site, host = server.get_app(), f"127.0.0.1:{server.server_port}"
        cookie = ask(site, link.partition(host)[2], host=host)["headers"]["Set-Cookie"].partition(";")[0]
        listed = json.loads(ask(site, "/api/studies", host=host, cookie=cookie)["body"])
        names = {study["study_name"]: study["study_id"] for study in listed["study_summaries"]}
        assert set(names) == {"front", "front checks", "s", "s checks"}
        detail = json.loads(ask(site, f"/api/studies/{names['s']}", host=host, cookie=cookie)["body"])
    assert detail["objective_names"] == ["score"]
    assert detail["trials"][1]["constraints"] == [0.0, 2.0]
