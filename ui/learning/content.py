"""The pieces of the Learn page; texts are Markdown where a field says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ui.learning.readiness import Form


@dataclass(frozen=True)
class Opening:
    """Where a module happens: a page, what to choose on it, edits for an empty draft."""

    page: str
    text: str
    selection: Mapping[str, Any] = field(default_factory=dict)
    edits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """A question with one right choice, counted from 0; `why` explains it."""

    text: str
    choices: tuple[str, ...]
    answer: int
    why: str


@dataclass(frozen=True)
class Module:
    """A lesson of some minutes. `does` is Markdown, `reads` are keys of methods.

    Who has the share `enough` of the points of the readiness check's `part` may skip it; None: nobody may.
    """

    key: str
    title: str
    minutes: int
    part: str
    enough: float | None
    does: str
    open: Opening
    reads: tuple[str, ...]
    check: Check


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
class Term:
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
    """Everything there is to read; `missing` says what could not be listed, and why."""

    form: Form
    courses: tuple[Course, ...]
    methods: tuple[Method, ...]
    terms: tuple[Term, ...]
    troubles: tuple[Trouble, ...]
    missing: str = ""

    @property
    def modules(self) -> Mapping[str, Module]:
        """The modules by key, in the order of the courses."""
        return {module.key: module for course in self.courses for module in course.modules}


@dataclass(frozen=True)
class Progress:
    """What one user did: `answers` of the readiness check (choices from 0), `checked` modules by date."""

    answers: Mapping[str, int] = field(default_factory=dict)
    checked: Mapping[str, str] = field(default_factory=dict)
