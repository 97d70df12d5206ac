"""The journal's storage in versions of Optuna that were tested, and in one that was not."""

import optuna
import pytest

from planwise.study import optuna_storage


def values(storage):
    study = optuna.create_study(study_name="s", storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    return [trial.value for trial in study.trials]


def test_a_version_that_was_not_tested_uses_optunas_own_writer_and_warns(tmp_path, monkeypatch):
    tested = optuna_storage.FileStorage(tmp_path / "tested")
    with optuna_storage.grouped(tested):
        written = values(tested)
    monkeypatch.setattr(optuna, "__version__", "99.0.0")
    with pytest.warns(UserWarning, match=r"Optuna 99.0.0 was not tested"):
        other = optuna_storage.FileStorage(tmp_path / "tested")
    assert not isinstance(other.file, optuna_storage.SyncedJournalFile)
    study = optuna.load_study(study_name="s", storage=other)
    assert [trial.value for trial in study.trials] == written
    with optuna_storage.grouped(other):
        study.set_user_attr("note", 1)
    assert optuna.load_study(study_name="s", storage=tested).user_attrs == {"note": 1}
