"""What is matched with what: the declarations of `matchings.yaml`, and the variables that the models read."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from planwise.errors import InputError

DECLARED = Path(__file__).with_name("matchings.yaml")
REFERENCE = Path(__file__).with_name("reference")  # bundled
DEMO = Path(__file__).with_name("demo")  # invented companies, common titles
TITLES, WAGES = REFERENCE / "titles.parquet", REFERENCE / "wages.parquet"
PLACES = ("city", "state", "zip")
# What the blueprints of the models take from a declaration.
OF_MODELS = (
    "matching",
    "rules",
    "identifiers",
    "overlap_weight",
    "rare_words_weight",
    "spelling_weight",
    "place_weight",
    "conflict_weight",
    "role_weight",
    "unknown_word",
    "votes",
    "block_rows_max",
    "link",
    "link_name",
    "review",
    "margin",
)


class Matching(BaseModel):
    """One use of the cascade: identifiers, rules for names, weights of a score, thresholds (0 to 1)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    matching: Literal["recipients", "market"]
    title: str
    rules: Literal["company-names-1", "job-titles-2"]
    identifiers: str
    has_places: bool
    required: tuple[str, ...]
    overlap_weight: float = Field(ge=0, le=1)
    rare_words_weight: float = Field(ge=0, le=1)
    spelling_weight: float = Field(ge=0, le=1)
    place_weight: float = Field(ge=0, le=1)
    conflict_weight: float = Field(ge=0, le=1)
    role_weight: float = Field(ge=0, le=1)
    unknown_word: float = Field(gt=0, le=1)
    votes: int = Field(ge=0, le=8)
    block_rows_max: int = Field(ge=1)
    link: float = Field(gt=0, le=1)
    link_name: float = Field(ge=0, le=1)
    review: float = Field(gt=0, le=1)
    margin: float = Field(ge=0, le=1)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The identifiers, in the order in which they are tried."""
        return tuple(self.identifiers.split())

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns of both input tables, besides the row's number and its name."""
        return (*self.kinds, *PLACES)


@cache
def declared_matchings() -> tuple[Matching, ...]:
    """Return every declaration."""
    return tuple(Matching(**one) for one in yaml.safe_load(DECLARED.read_text(encoding="utf-8")))


def declared_matching(name: str) -> Matching:
    """Return a declaration by its name; raises InputError for an unknown one."""
    found: dict[str, Matching] = {one.matching: one for one in declared_matchings()}
    if name not in found:
        raise InputError(f"Unknown matching {name!r}.", remedy=f"One of: {', '.join(found)}.")
    return found[name]


def model_variables(matchings: tuple[Matching, ...]) -> dict[str, Any]:
    """Return the variables of the models: the declarations as one JSON text."""
    rows = [one.model_dump(include=set(OF_MODELS)) for one in matchings]
    return {"matchings": json.dumps(rows)}
