"""Lessons, and each user's progress."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from planwise.errors import InputError
from planwise.settings import Settings
from ui.values.learning import (
    WORD,
    Course,
    GlossaryTerm,
    LearningProgress,
    Library,
    Method,
    Module,
    Opening,
    Part,
    Question,
    ReadinessBand,
    ReadinessCheck,
    ReadinessForm,
    Trouble,
    column_terms,
    parameter_terms,
)

FOLDER = "learning"
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, and a session waits for it
REFERENCE = "models.md"  # a link to the page of docs/reference, which a wheel has a copy of


class LearningReader:
    """Reads the lessons, and the progress of the users of this home."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def library(self) -> Library:
        """Return all lessons; the same for every user, read once."""
        return _library()

    def progress(self, user: str) -> LearningProgress:
        """Return a user's progress; raises InputError when the file is damaged."""
        file = progress_file(self._settings, user)
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            return LearningProgress(
                {str(key): int(choice) for key, choice in kept["answers"].items()},
                {str(key): str(day) for key, day in kept["checked"].items()},
            )
        except FileNotFoundError:
            return LearningProgress()
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputError(
                f"What {user} has learnt cannot be read from {file}: {error}.",
                remedy="Delete the file; the learning path begins anew.",
            ) from error


def progress_file(settings: Settings, user: str) -> Path:
    """Return where a user's progress is kept: a name may have any characters, a file may not."""
    return settings.root / FOLDER / f"{sha256(user.encode()).hexdigest()[:32]}.json"


@cache
def _library() -> Library:
    courses = tuple(_course(entry) for entry in _yaml("courses.yaml")["courses"])
    terms = [GlossaryTerm(kind=WORD, **entry) for entry in _yaml("glossary.yaml")]
    terms += parameter_terms()
    terms += column_terms(_assets().joinpath(REFERENCE).read_text(encoding="utf-8"))
    terms.sort(key=lambda term: (term.name.lower(), term.means))
    troubles = tuple(Trouble(**entry) for entry in _yaml("troubleshooting.yaml"))
    return Library(_form(), courses, tuple(_methods()), tuple(terms), troubles)


def _form() -> ReadinessForm:
    form = _yaml("readiness.yaml")
    return ReadinessForm(
        tuple(Part(**entry) for entry in form["parts"]),
        tuple(Question(**entry | {"choices": tuple(entry["choices"])}) for entry in form["questions"]),
        tuple(ReadinessBand(**entry) for entry in form["bands"]),
    )


def _course(entry: Mapping[str, Any]) -> Course:
    return Course(**{**entry, "modules": tuple(_module(module) for module in entry["modules"])})


def _module(entry: Mapping[str, Any]) -> Module:
    check = entry["check"]
    return Module(
        **{
            "enough": None,
            **entry,
            "open": Opening(**entry["open"]),
            "reads": tuple(entry["reads"]),
            "check": ReadinessCheck(**check | {"choices": tuple(check["choices"])}),
        }
    )


def _methods() -> Iterator[Method]:
    """Yield the notes in the order of their files: title, summary, page, then the body."""
    files = sorted(_assets().joinpath("methods").iterdir(), key=lambda file: file.name)
    for file in files:
        head, _, body = file.read_text(encoding="utf-8").partition("\n\n")
        title, summary, page = head.splitlines()
        key = file.name.partition("-")[2].removesuffix(".md")
        yield Method(key, title.removeprefix("# "), summary, page.removeprefix("page: "), body)


def _yaml(name: str) -> Any:
    return yaml.load(_assets().joinpath(name).read_text(encoding="utf-8"), Loader=LOADER)


def _assets() -> Any:
    return resources.files("ui").joinpath("assets/learn")
