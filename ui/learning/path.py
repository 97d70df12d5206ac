"""The personal learning path: what is done, what is left, what may be skipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ui.learning.content import Course, Module, Progress
from ui.learning.readiness import Readiness

State = Literal["done", "optional", "open"]
MINUTES_PER_HOUR = 60
ROUNDING = 1e-9  # a share computed in floating point is still on the edge


@dataclass(frozen=True)
class Step:
    """A module of somebody's path."""

    module: Module
    state: State


@dataclass(frozen=True)
class Stage:
    """A course of somebody's path."""

    course: Course
    steps: tuple[Step, ...]

    @property
    def minutes_left(self) -> int:
        """Minutes of the modules that are open."""
        return sum(step.module.minutes for step in self.steps if step.state == "open")

    @property
    def minutes_done(self) -> int:
        """Minutes of the modules that are done."""
        return sum(step.module.minutes for step in self.steps if step.state == "done")


def path(courses: Sequence[Course], found: Readiness | None, progress: Progress) -> tuple[Stage, ...]:
    """Return everybody's courses with each module's state; without a readiness nothing is optional."""
    return tuple(
        Stage(course, tuple(Step(module, _state(module, found, progress)) for module in course.modules))
        for course in courses
    )


def next_module(stages: Sequence[Stage]) -> Module | None:
    """Return the first module that is open; None when all is done."""
    return next((step.module for stage in stages for step in stage.steps if step.state == "open"), None)


def _state(module: Module, found: Readiness | None, progress: Progress) -> State:
    if module.key in progress.checked:
        return "done"
    if found is None or module.enough is None:
        return "open"
    return "optional" if found.shares[module.part] + ROUNDING >= module.enough else "open"
