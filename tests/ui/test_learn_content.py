import re

import pytest

from planwise.parameters import catalogue
from planwise.settings import REPOSITORY
from ui.components.html import address, to_html
from ui.pages import BY_KEY
from ui.pages.learn import texts
from ui.pages.learn.page import MAKERS
from ui.pages.learn.texts import matching
from ui.queries.learning import LearningReader
from ui.selection import FIELDS
from ui.values.learning import FIGURE, SECTIONS, Topic, column_terms, find

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
    assert set(SECTIONS) == set(MAKERS)


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
    assert not library.missing
    assert all(term.means.strip(". ") for term in library.terms)
    cola = next(term for term in library.terms if term.name == "cola_rate")
    assert "bounds 1% to 8%; recommended 2% to 3.5%; default 2.5%" in cola.details


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
