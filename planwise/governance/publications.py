"""Published results: which is in force, its manifest and its marts, checked before they are read."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from os.path import lexists
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from planwise.errors import InputError
from planwise.settings import Settings
from planwise.storage import read_object, reading, require_content

if TYPE_CHECKING:
    import pandas as pd

CURRENT = "current"
PROD = "prod"  # the result that is released, and the environment that shows it
MANIFEST = "manifest.json"
VALIDATIONS = "validations.json"  # of the gate, in the form of Great Expectations
SCENARIO = re.compile(r"[a-z0-9][a-z0-9_]{0,47}")  # other folders there are not PlanWise's
FINGERPRINT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class _Census(BaseModel, extra="allow"):
    name: str
    content_hash: str
    as_of: date
    rows: int
    availability: dict[str, bool] = {}


class _Parameter(BaseModel, extra="allow"):
    parameter: str
    year: int | None
    tier: str


class _Gate(BaseModel, extra="allow"):
    status: str
    evaluated: int


class _Manifest(BaseModel, extra="allow"):
    scenario: str
    fingerprint: str
    published_at: datetime
    started_at: datetime | None = None
    census: _Census
    years: Annotated[list[int], Field(min_length=1)]
    parameters: list[_Parameter]
    gate: _Gate
    row_counts: dict[str, int] = {}
    sha256: dict[str, str] = {}  # by mart; none in one that an earlier version wrote
    kpis: list[dict[str, Any]] = []


@dataclass(frozen=True)
class Publication:
    """One published result; the folder never changes."""

    scenario: str
    fingerprint: str
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def currency(self) -> str:
        """The currency of its census; empty where that states none."""
        return str(self.manifest["census"].get("currency") or "")

    def file(self, mart: str) -> Path:
        """Return a mart's Parquet file; raises DamagedStore unless it has what was published."""
        file = self.folder / f"{mart}.parquet"
        with self.reading(file):
            require_content(file, self.manifest.get("sha256", {}).get(mart))
        return file

    def reading(self, file: Path, *also: type[Exception]) -> AbstractContextManager[None]:
        """Return the context in which one of its files is read; see `planwise.storage.reading`."""
        return reading(store_of(self.scenario), file, remedy_of(self.scenario), *also)

    def frame(self, mart: str) -> "pd.DataFrame":
        """Return a mart; decimals come as floats."""
        import duckdb

        return duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(self.file(mart))]).df()


def store_of(scenario: str) -> str:
    """Return what messages call the result."""
    return f"The published result of {scenario!r}"


def remedy_of(scenario: str) -> str:
    """Return how a damaged result is written again."""
    if scenario == PROD:
        return "Simulate the released scenario, then run the last release or rollback again with --apply."
    return f"Run `planwise simulate --scenario {scenario}`; it is written again."


def load_publication(settings: Settings, scenario: str) -> Publication:
    """Return the result in force; raises InputError when there is none, DamagedStore for a damaged one."""
    return load_stored(settings, scenario, fingerprint_in_force(settings, scenario))


def load_stored(settings: Settings, scenario: str, fingerprint: str) -> Publication:
    """Return a result that is stored, in force or not; raises DamagedStore for a missing or damaged one."""
    file = settings.published_dir / scenario / fingerprint / MANIFEST
    store, remedy = store_of(scenario), remedy_of(scenario)
    manifest = read_object(file, store, remedy, _Manifest)
    with reading(store, file, remedy):
        if (manifest["scenario"], manifest["fingerprint"]) != (scenario, fingerprint):
            raise ValueError("it belongs to another result")
    return Publication(scenario, fingerprint, file.parent, manifest)


def fingerprint_in_force(settings: Settings, scenario: str) -> str:
    """Return the fingerprint of the result in force; raises InputError when there is none."""
    current = settings.published_dir / scenario / CURRENT
    if not lexists(current):
        raise InputError(
            f"No result of scenario {scenario!r} is published in {settings.published_dir}.",
            remedy=f"Run `planwise simulate --scenario {scenario}`.",
        )
    with reading(store_of(scenario), current, remedy_of(scenario)):
        fingerprint = current.read_text(encoding="utf-8").strip()
        if not FINGERPRINT.fullmatch(fingerprint):
            raise ValueError("it names no result")
    return fingerprint


def published_scenarios(settings: Settings) -> tuple[str, ...]:
    """Return the names of the scenarios with a published result, readable or not, sorted."""
    if not settings.published_dir.is_dir():
        return ()
    folders = sorted(settings.published_dir.iterdir())
    return tuple(
        folder.name for folder in folders if SCENARIO.fullmatch(folder.name) and lexists(folder / CURRENT)
    )


def list_publications(settings: Settings) -> list[Publication]:
    """Return every published result, by scenario."""
    return [load_publication(settings, scenario) for scenario in published_scenarios(settings)]
