import json

import pytest

from planwise.errors import InputError
from ui.jobs.actions import LearningActions
from ui.queries.learning import LearningReader, progress_file
from ui.values.learning import (
    LearningProgress,
    Part,
    Question,
    ReadinessBand,
    ReadinessForm,
    next_module,
    path,
    readiness,
)
from ui.values.user import User

FORM = ReadinessForm(
    parts=(Part("a", "A", 0.6), Part("b", "B", 0.4)),
    questions=(
        Question("a1", "a", "?", ("0", "1", "2", "3")),
        Question("a2", "a", "?", ("0", "1")),
        Question("b1", "b", "?", ("0", "1", "2", "3", "4")),
    ),
    bands=(ReadinessBand(40, "low", "…"), ReadinessBand(101, "high", "…")),
)


@pytest.fixture
def library(settings):
    return LearningReader(settings).library()


def test_the_score_is_the_weighted_share_of_points():
    found = readiness(FORM, {"a1": 2, "a2": 0, "b1": 1})
    assert found.shares == {"a": 0.5, "b": 0.25}  # 2 of 4, 1 of 4
    assert found.score == pytest.approx(100 * (0.6 * 0.5 + 0.4 * 0.25))
    assert found.band.name == "high"  # 40 is not below 40
    assert readiness(FORM, {"a1": 2, "a2": 0, "b1": 0}).band.name == "low"


@pytest.mark.parametrize(
    "answers", [{}, {"a1": 2, "a2": 0}, {"a1": 4, "a2": 0, "b1": 0}, {"a1": -1, "a2": 0, "b1": 0}]
)
def test_without_every_answer_there_is_no_score(answers):
    assert readiness(FORM, answers) is None


def test_the_check_of_the_package_weighs_three_parts_and_reaches_0_and_100(library):
    form = library.form
    assert sum(part.weight for part in form.parts) == pytest.approx(1)
    assert [part.key for part in form.parts] == ["experience", "analytics", "technical"]
    lowest = readiness(form, {q.key: 0 for q in form.questions})
    highest = readiness(form, {q.key: q.most for q in form.questions})
    assert (lowest.score, highest.score) == (0, pytest.approx(100))
    assert lowest.band is form.bands[0] and highest.band is form.bands[-1]


def test_what_one_knows_is_optional_and_what_is_done_is_done(library):
    best = readiness(library.form, {q.key: q.most for q in library.form.questions})
    modules = list(library.modules.values())
    stages = path(library.courses, best, LearningProgress(checked={modules[0].key: "2026-11-20"}))
    states = {step.module.key: step.state for stage in stages for step in stage.steps}
    assert states[modules[0].key] == "done"
    for module in modules[1:]:
        assert states[module.key] == ("open" if module.enough is None else "optional"), module.key
    assert next_module(stages).enough is None
    assert {step.state for step in stages[-1].steps} == {"open"}  # everybody takes governance


def test_without_a_check_everything_is_open(library):
    stages = path(library.courses, None, LearningProgress())
    assert {step.state for stage in stages for step in stage.steps} == {"open"}
    assert sum(stage.minutes_left for stage in stages) == 60 * (2 + 4 + 6 + 3)
    assert next_module(stages) is next(iter(library.modules.values()))


def test_progress_is_kept_for_each_user(settings, library):
    module = library.modules["bridge"]
    ada, bob = (LearningActions(settings, User(name, "auditor")) for name in ("ada/../../etc", "bob"))
    assert ada.check(module, module.check.answer + 1).checked == {}
    assert list(ada.check(module, module.check.answer).checked) == ["bridge"]
    ada.answer({"cycles": 2})
    reader = LearningReader(settings)
    assert list(reader.progress("ada/../../etc").checked) == ["bridge"]
    assert reader.progress("ada/../../etc").answers == {"cycles": 2}
    assert reader.progress("bob") == LearningProgress()
    bob.answer({"cycles": 1})
    assert sorted(file.parent for file in settings.root.glob("**/*.json")) == [settings.root / "learning"] * 2
    assert not list(settings.root.glob("**/*.part"))
    assert ada.restart() == LearningProgress() == reader.progress("ada/../../etc")


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"answers": {"a": "x"}, "checked": {}})])
def test_a_damaged_file_is_named(settings, content):
    file = progress_file(settings, "ada")
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(InputError, match="cannot be read") as error:
        LearningReader(settings).progress("ada")
    assert str(file) in error.value.what and "Delete the file" in error.value.remedy
