"""The readiness check: a score from experience, analytics and technical skill, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One of the three parts; the weights of all add up to 1."""

    key: str
    title: str
    weight: float


@dataclass(frozen=True)
class Question:
    """A question of a part; a choice is worth as many points as choices stand before it."""

    key: str
    part: str
    text: str
    choices: tuple[str, ...]

    @property
    def most(self) -> int:
        """The highest points that it can give."""
        return len(self.choices) - 1


@dataclass(frozen=True)
class Band:
    """What a score under `below` (and not under another band's) is called, with advice."""

    below: float
    name: str
    advice: str


@dataclass(frozen=True)
class Form:
    """The questions with what is made of their answers; bands ascend."""

    parts: tuple[Part, ...]
    questions: tuple[Question, ...]
    bands: tuple[Band, ...]


@dataclass(frozen=True)
class Readiness:
    """A score from 0 to 100, the share of points by part (0 to 1), and the band."""

    score: float
    shares: Mapping[str, float]
    band: Band


def readiness(form: Form, answers: Mapping[str, int]) -> Readiness | None:
    """Return the score, 100 x sum of weight x share of points; None while an answer is missing."""
    given = {q.key: answers[q.key] for q in form.questions if 0 <= answers.get(q.key, -1) <= q.most}
    if len(given) < len(form.questions):
        return None
    shares = {}
    for part in form.parts:
        asked = [question for question in form.questions if question.part == part.key]
        shares[part.key] = sum(given[q.key] for q in asked) / sum(q.most for q in asked)
    score = 100 * sum(part.weight * shares[part.key] for part in form.parts)
    return Readiness(score, shares, next(band for band in form.bands if score < band.below))
