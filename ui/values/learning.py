"""Lessons, terms and topics of the Learn page, and a user's progress."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from planwise.formatting import with_levels
from planwise.parameters import catalogue
from planwise.parameters.catalogue import Lever, Parameter, Unit


@dataclass(frozen=True)
class Part:
    """One of the three parts; the weights of all add up to 1."""

    key: str
    title: str
    weight: float


@dataclass(frozen=True)
class Question:
    """A question of a part; a choice is worth as many points as there are choices before it."""

    key: str
    part: str
    text: str
    choices: tuple[str, ...]

    @property
    def most(self) -> int:
        """The highest points that it can give."""
        return len(self.choices) - 1


@dataclass(frozen=True)
class ReadinessBand:
    """What a score under `below` (and not under another band's) is called, with advice."""

    below: float
    name: str
    advice: str


@dataclass(frozen=True)
class ReadinessForm:
    """The questions with what is made of their answers; bands ascend."""

    parts: tuple[Part, ...]
    questions: tuple[Question, ...]
    bands: tuple[ReadinessBand, ...]


@dataclass(frozen=True)
class Readiness:
    """A score from 0 to 100, the share of points by part (0 to 1), and the band."""

    score: float
    shares: Mapping[str, float]
    band: ReadinessBand


def readiness(form: ReadinessForm, answers: Mapping[str, int]) -> Readiness | None:
    """Return the score, 100 x sum of weight x share of points; None while an answer is missing."""
    given = {q.key: answers[q.key] for q in form.questions if 0 <= answers.get(q.key, -1) <= q.most}
    if len(given) < len(form.questions):
        return None
    shares = {}
    for part in form.parts:
        questions = [question for question in form.questions if question.part == part.key]
        shares[part.key] = sum(given[q.key] for q in questions) / sum(q.most for q in questions)
    score = 100 * sum(part.weight * shares[part.key] for part in form.parts)
    return Readiness(score, shares, next(band for band in form.bands if score < band.below))


@dataclass(frozen=True)
class Opening:
    """Where a module happens: a page, what to choose on it, edits for an empty draft."""

    page: str
    text: str
    selection: Mapping[str, Any] = field(default_factory=dict)
    edits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadinessCheck:
    """A question with one right choice, counted from 0; `why` explains it."""

    text: str
    choices: tuple[str, ...]
    answer: int
    why: str


@dataclass(frozen=True)
class Module:
    """A lesson of some minutes. `does` is Markdown, `reads` are keys of methods.

    It can be skipped with the share `enough` of the points of the readiness check's `part`; None: never.
    """

    key: str
    title: str
    minutes: int
    part: str
    enough: float | None
    does: str
    open: Opening
    reads: tuple[str, ...]
    check: ReadinessCheck


@dataclass(frozen=True)
class Course:
    """A few modules that take so many hours together."""

    key: str
    title: str
    hours: int
    about: str
    modules: tuple[Module, ...]


@dataclass(frozen=True)
class Method:
    """How a figure is computed; `body` is Markdown, `page` where the figure is shown."""

    key: str
    title: str
    summary: str
    page: str
    body: str


@dataclass(frozen=True)
class GlossaryTerm:
    """A word, a lever, an assumption or a column of a result; `see` is a method's key."""

    name: str
    kind: str
    means: str
    details: str = ""
    see: str = ""


@dataclass(frozen=True)
class Trouble:
    """A symptom with its cause and remedy; `says` is part of the message that goes with it."""

    key: str
    symptom: str
    cause: str
    remedy: str
    says: str = ""
    see: str = ""


@dataclass(frozen=True)
class Library:
    """All learning material."""

    form: ReadinessForm
    courses: tuple[Course, ...]
    methods: tuple[Method, ...]
    terms: tuple[GlossaryTerm, ...]
    troubles: tuple[Trouble, ...]

    @property
    def modules(self) -> Mapping[str, Module]:
        """The modules by key, in the order of the courses."""
        return {module.key: module for course in self.courses for module in course.modules}


@dataclass(frozen=True)
class LearningProgress:
    """What one user did: `answers` of the readiness check (choices from 0), `checked` modules by date."""

    answers: Mapping[str, int] = field(default_factory=dict)
    checked: Mapping[str, str] = field(default_factory=dict)


LEVER, ASSUMPTION, FIGURE, WORD = "Lever", "Assumption", "Figure", "Word"
KINDS = (WORD, LEVER, ASSUMPTION, FIGURE)
TABLE = re.compile(r"^### `(\w+)`$")
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$")
MARTS = "\n## Marts\n"


def parameter_terms() -> Iterator[GlossaryTerm]:
    """Yield a term for each lever and assumption, from its own declaration."""
    known = catalogue()
    for name, parameter in known.parameters.items():
        kind = LEVER if known.kind(name) == "lever" else ASSUMPTION
        yield GlossaryTerm(
            name,
            kind,
            with_levels(f"{parameter.label}. {parameter.description}"),
            _details(parameter),
            "levers",
        )


def column_terms(reference: str) -> Iterator[GlossaryTerm]:
    """Yield a term for each column of the marts, from the generated reference of the models (Markdown).

    A column that several marts describe in the same words is one term.
    """
    tables: dict[tuple[str, str], list[str]] = {}
    table = ""
    for line in reference.partition(MARTS)[2].splitlines():
        if heading := TABLE.match(line):
            table = heading[1]
        elif row := ROW.match(line):
            tables.setdefault((row[1], row[2]), []).append(table)
    for (name, means), where in tables.items():
        yield GlossaryTerm(name, FIGURE, f"{means}.", f"in {', '.join(where)}")


def _details(parameter: Parameter) -> str:
    parts = [f"unit: {parameter.unit.value.replace('_', ' ')}"]
    if parameter.bounds is not None:
        parts.append(f"bounds {_span(parameter, *parameter.bounds)}")
    if isinstance(parameter, Lever):
        parts.append(f"recommended {_span(parameter, *parameter.recommended)}")
    default = parameter.default
    parts.append(f"default {parameter.null_means if default is None else _value(parameter, default)}")
    return f"{'; '.join(parts)}. Source: {parameter.source}"


def _span(parameter: Parameter, low: float, high: float) -> str:
    return f"{_value(parameter, low)} to {_value(parameter, high)}"


def _value(parameter: Parameter, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return f"{value * 100:g}%" if parameter.unit is Unit.RATE else f"{value:,g}"


SECTIONS = {
    "path": "Learning path",
    "readiness": "Readiness check",
    "methods": "Methods",
    "glossary": "Glossary",
    "troubleshooting": "Troubleshooting",
}
MODULE, TERM, TROUBLE = "module-", "term-", "help-"


@dataclass(frozen=True)
class Topic:
    """A section and, in it, the one thing that is looked at; an empty `key` is none."""

    section: str
    key: str = ""


def find(library: Library, topic: str) -> Topic | None:
    """Return what a topic of an address is; None when there is no such thing. Empty is the path."""
    if not topic or topic in SECTIONS:
        return Topic(topic or "path")
    if topic in {method.key for method in library.methods}:
        return Topic("methods", topic)
    if (key := topic.removeprefix(MODULE)) != topic and key in library.modules:
        return Topic("path", key)
    if (key := topic.removeprefix(TERM)) != topic and key in {term.name for term in library.terms}:
        return Topic("glossary", key)
    if (key := topic.removeprefix(TROUBLE)) != topic and key in {t.key for t in library.troubles}:
        return Topic("troubleshooting", key)
    return None


State = Literal["done", "optional", "open"]
MINUTES_PER_HOUR = 60
ROUNDING = 1e-9  # a share computed in floating point is still on the edge


@dataclass(frozen=True)
class LearningStep:
    """A module of a user's path."""

    module: Module
    state: State


@dataclass(frozen=True)
class Stage:
    """A course of a user's path."""

    course: Course
    steps: tuple[LearningStep, ...]

    @property
    def minutes_left(self) -> int:
        """Minutes of the modules that are open."""
        return sum(step.module.minutes for step in self.steps if step.state == "open")

    @property
    def minutes_done(self) -> int:
        """Minutes of the modules that are done."""
        return sum(step.module.minutes for step in self.steps if step.state == "done")


def path(courses: Sequence[Course], found: Readiness | None, progress: LearningProgress) -> tuple[Stage, ...]:
    """Return the courses with each module's state; without a readiness nothing is optional."""
    return tuple(
        Stage(
            course, tuple(LearningStep(module, _state(module, found, progress)) for module in course.modules)
        )
        for course in courses
    )


def next_module(stages: Sequence[Stage]) -> Module | None:
    """Return the first module that is open; None when all is done."""
    return next((step.module for stage in stages for step in stage.steps if step.state == "open"), None)


def _state(module: Module, found: Readiness | None, progress: LearningProgress) -> State:
    if module.key in progress.checked:
        return "done"
    if found is None or module.enough is None:
        return "open"
    return "optional" if found.shares[module.part] + ROUNDING >= module.enough else "open"
