"""Learn: its texts, the readiness check, the path and the progress of a user."""

import json
import re

import pytest

from planwise.errors import InputError
from planwise.parameters import catalogue
from planwise.settings import REPOSITORY
from ui.components.html import address, to_html
from ui.jobs.actions import LearningActions
from ui.pages import BY_KEY
from ui.pages.learn import texts
from ui.pages.learn.page import SECTION_CLASSES
from ui.pages.learn.texts import matching
from ui.queries.learning import LearningReader, progress_file
from ui.selection import FIELDS
from ui.values.learning import (
    FIGURE,
    SECTIONS,
    LearningProgress,
    Part,
    Question,
    ReadinessBand,
    ReadinessForm,
    Topic,
    column_terms,
    find,
    next_module,
    path,
    readiness,
)
from ui.values.user import User

SOURCES = ("planwise", "flows", "ui")


@pytest.fixture
def library(settings):
    return LearningReader(settings).library()


def test_modules_fill_the_hours_of_their_course(library):
    assert [course.hours for course in library.courses] == [2, 4, 6, 3]
    for course in library.courses:
        assert sum(module.minutes for module in course.modules) == course.hours * 60, course.key


def test_what_modules_point_at_is_there(library):
    methods = {method.key for method in library.methods}
    parts = {part.key for part in library.form.parts}
    levers = catalogue().levers
    for module in library.modules.values():
        assert module.open.page in BY_KEY, module.key
        assert set(module.open.selection) <= set(FIELDS), module.key
        assert set(module.open.edits) <= set(levers), module.key
        assert set(module.reads) <= methods, module.key
        assert module.part in parts
        assert 0 <= module.check.answer < len(module.check.choices) == len(set(module.check.choices)), (
            module.key
        )
        assert isinstance(module.check.why, str)
    for entry in (*library.terms, *library.troubles):
        assert not entry.see or entry.see in methods, entry
    assert {method.page for method in library.methods} <= set(BY_KEY)
    assert len({module.key for course in library.courses for module in course.modules}) == 21
    assert set(SECTIONS) == set(SECTION_CLASSES)


def test_links_in_texts_lead_somewhere(library):
    bodies = [method.body for method in library.methods] + [m.does for m in library.modules.values()]
    links = [link for body in bodies for link in re.findall(r"\]\(([^)]+)\)", body)]
    assert links
    for link in links:
        topic = re.fullmatch(r"\?page=learn&topic=(.+)", link)
        assert topic and find(library, topic[1]), link


def test_quoted_messages_are_messages_of_the_code(library):
    code = "\n".join(
        file.read_text(encoding="utf-8") for folder in SOURCES for file in (REPOSITORY / folder).rglob("*.py")
    )
    for trouble in library.troubles:
        assert trouble.says in code, trouble.key


def test_the_glossary_has_every_parameter_and_every_column(library):
    names = {term.name for term in library.terms}
    assert set(catalogue().parameters) <= names
    assert {"growth_compound", "bridge_hires", "adjusted_gap", "within_level_cv"} <= names
    assert all(term.means.strip(". ") for term in library.terms)
    cola = next(term for term in library.terms if term.name == "cola_rate")
    assert "bounds 0% to 8%; recommended 0% to 3%; default 0%" in cola.details


def test_columns_with_one_description_are_one_term():
    page = "# x\n### `stg_a`\n| `n` | INT | no |\n## Marts\n\n### `fct_a`\n\n| `n` | INT | Heads |\n"
    page += "### `fct_b`\n| `n` | INT | Heads |\n| `m` | DECIMAL(1, 2) | Mean | of x |\n"
    found = list(column_terms(page))
    assert [(term.name, term.means, term.details) for term in found] == [
        ("n", "Heads.", "in fct_a, fct_b"),
        ("m", "Mean | of x.", "in fct_b"),
    ]
    assert {term.kind for term in found} == {FIGURE}


def test_search_wants_every_word_and_puts_names_first(library):
    found = matching(library.terms, "merit rate", "Lever")
    assert {f"merit_rate_level_{level}" for level in range(1, 6)} <= {term.name for term in found}
    assert matching(library.terms, "growth", "")[0].name.lower().startswith(("growth", "headcount_growth"))
    assert matching(library.terms, "no such word at all", "") == ()
    assert len(matching(library.terms, "", "")) == len(library.terms)


@pytest.mark.parametrize(
    ("asked", "topic"),
    [
        ("", Topic("path")),
        ("glossary", Topic("glossary")),
        ("bridge", Topic("methods", "bridge")),
        ("module-bridge", Topic("path", "bridge")),
        ("term-cola_rate", Topic("glossary", "cola_rate")),
        ("help-stale", Topic("troubleshooting", "stale")),
        ("term-", None),
        ("<script>", None),
    ],
)
def test_topics_of_an_address(library, asked, topic):
    assert find(library, asked) == topic


def test_markdown_shows_html_as_text():
    assert "<script>" not in to_html("<script>alert(1)</script> **b**")
    assert "<strong>b</strong>" in to_html("a **b**")


def test_the_chosen_section_is_marked_once():
    row = texts.sections(SECTIONS, "glossary")
    assert row.count('aria-current="page"') == 1
    assert f'<a aria-current="page" href="{address("learn", topic="glossary").replace("&", "&amp;")}"' in row


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "0 min"), (45, "45 min"), (120, "2 h"), (210, "3 h 30 min")]
)
def test_hours(minutes, text):
    assert texts.hours(minutes) == text


FORM = ReadinessForm(
    parts=(Part("a", "A", 0.6), Part("b", "B", 0.4)),
    questions=(
        Question("a1", "a", "?", ("0", "1", "2", "3")),
        Question("a2", "a", "?", ("0", "1")),
        Question("b1", "b", "?", ("0", "1", "2", "3", "4")),
    ),
    bands=(ReadinessBand(40, "low", "…"), ReadinessBand(101, "high", "…")),
)


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
