"""The published results that are compared: their manifest, and SQL over their marts."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import duckdb
import pyarrow.parquet as pq

from planwise.census import Census, load_census
from planwise.comparison.differences import Setting
from planwise.errors import DamagedStore, InputError
from planwise.governance.publications import Publication, load_publication, published_scenarios
from planwise.settings import Settings

SCENARIOS_MIN = 2
SEED, TARGET = "seed", "target_growth"


@dataclass(frozen=True)
class Source:
    """One scenario's published result; the first of a comparison is the base of all differences."""

    publication: Publication

    @property
    def name(self) -> str:
        """The scenario."""
        return self.publication.scenario

    @property
    def fingerprint(self) -> str:
        """What was simulated: parameters, census and models."""
        return self.publication.fingerprint

    @property
    def census(self) -> Mapping[str, Any]:
        """Name, content hash, date and size of the census."""
        census: Mapping[str, Any] = self.publication.manifest["census"]
        return census

    @property
    def years(self) -> tuple[int, ...]:
        """The simulated years."""
        return tuple(self.publication.manifest["years"])

    @property
    def gate(self) -> str:
        """How the gate ended."""
        return str(self.publication.manifest["gate"]["status"])

    @property
    def published_at(self) -> str:
        """When it was published, ISO, UTC."""
        return str(self.publication.manifest["published_at"])

    @cached_property
    def settings(self) -> Mapping[tuple[str, int | None], Setting]:
        """Every parameter it was published with; the year is None where one value holds for all."""
        return {
            (row["parameter"], row["year"]): Setting(row["value"], row["tier"])
            for row in self.publication.manifest["parameters"]
        }

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The names of the parameters it was published with."""
        return frozenset(name for name, _ in self.settings)

    def setting(self, name: str, year: int) -> Setting | None:
        """Return a parameter in a year; None when the result was published without it."""
        return self.settings.get((name, year)) or self.settings.get((name, None))

    @property
    def target(self) -> float | None:
        """The yearly growth of mean pay that was set as a target; a default is no one's aim."""
        setting = self.setting(TARGET, self.years[-1])
        if setting is None or setting.value is None or setting.tier == "default":
            return None
        return float(str(setting.value))

    def has_census_of(self, other: "Source") -> bool:
        """Return whether both began with the same people, so that an employee id is the same person."""
        return bool(self.census["content_hash"] == other.census["content_hash"])

    def has_seed_of(self, other: "Source") -> bool:
        """Return whether both were drawn with the same seed."""
        own, theirs = (side.setting(SEED, side.years[0]) for side in (self, other))
        return (own and own.value) == (theirs and theirs.value)

    def as_json(self) -> dict[str, Any]:
        """Return what identifies it."""
        gate = self.publication.manifest["gate"]
        return {
            "scenario": self.name,
            "fingerprint": self.fingerprint,
            "published_at": self.published_at,
            "census": {key: self.census[key] for key in ("name", "content_hash", "as_of", "rows")},
            "years": list(self.years),
            "gate": {
                "status": self.gate,
                "evaluated": gate["evaluated"],
                "failed": [check["expectation"] for check in gate.get("failed", ())],
            },
            "published": str(self.publication.folder),
        }


def load_sources(settings: Settings, names: Sequence[str]) -> tuple[Source, ...]:
    """Return the published results of two or more scenarios, in the order given.

    Raises InputError for fewer than two, a name given twice, or a scenario that is not published.
    """
    published = ", ".join(published_scenarios(settings)) or "none"
    if len(names) < SCENARIOS_MIN:
        raise InputError(
            f"A comparison needs {SCENARIOS_MIN} scenarios or more, not {len(names)}.",
            remedy=f"Name them, the base first. Published: {published}.",
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"{', '.join(twice)} is named more than once.", remedy="Name each scenario once, the base first."
        )
    if missing := unpublished(settings, names):
        runs = "; ".join(f"`planwise simulate --scenario {name}`" for name in missing)
        raise InputError(
            f"No result is published of {', '.join(missing)}.",
            remedy=f"Run {runs}, or compare with --simulate, which does. Published: {published}.",
        )
    return tuple(Source(load_publication(settings, name)) for name in names)


def unpublished(settings: Settings, names: Sequence[str]) -> tuple[str, ...]:
    """Return those of the scenarios that have no result in force."""
    published = published_scenarios(settings)
    return tuple(name for name in names if name not in published)


Number = int | float | Decimal
Row = dict[str, Any]
MEMORY_LIMIT = "1GB"  # two years of a million people fit; more goes to a temporary folder
ACTIVE = ("continuous_active", "new_hire_active")


@contextmanager
def reader() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection that reads Parquet within MEMORY_LIMIT."""
    with tempfile.TemporaryDirectory(prefix="planwise-") as spill:
        connection = duckdb.connect(
            config={"memory_limit": MEMORY_LIMIT, "temp_directory": spill, "preserve_insertion_order": False}
        )
        try:
            yield connection
        finally:
            connection.close()


def rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] | None = None
) -> list[Row]:
    """Return a query's rows; money is Decimal, as published."""
    result = connection.execute(query, parameters)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def mart_rows(connection: duckdb.DuckDBPyConnection, publication: Publication, mart: str) -> list[Row]:
    """Return a small mart whole; raises InputError when its file is missing or damaged."""
    with damage_named(publication):
        return rows(connection, "SELECT * FROM read_parquet(?)", [path(publication, mart)])


def path(publication: Publication, mart: str) -> str:
    """Return a mart's file as DuckDB takes it: glob characters in the home's name are taken literally."""
    name = str(publication.file(mart))
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def require_columns(
    connection: duckdb.DuckDBPyConnection, publication: Publication, mart: str, *columns: str
) -> None:
    """Raise InputError when a mart, published by an earlier version, lacks one of the columns."""
    result = connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [path(publication, mart)])
    published = {column[0] for column in result.description}
    if missing := [name for name in columns if name not in published]:
        raise InputError(
            f"The result of {publication.scenario} was published by an earlier version of PlanWise: "
            f"{mart} has no {' and no '.join(missing)}.",
            remedy=f"Run the scenario again: `planwise simulate --scenario {publication.scenario}`.",
        )


def require_mart(publication: Publication, mart: str) -> None:
    """Raise InputError when an earlier version published a result, without the mart."""
    if not (publication.folder / f"{mart}.parquet").is_file():
        raise InputError(
            f"The result of {publication.scenario} was published by an earlier version of PlanWise: "
            f"it has no {mart}.",
            remedy=f"Run the scenario again: `planwise simulate --scenario {publication.scenario}`.",
        )


def census_of(publication: Publication, settings: Settings) -> Census | None:
    """Return the census of a result; None when the home no longer has that content."""
    recorded = publication.manifest["census"]
    try:
        census = load_census(settings, str(recorded["name"]))
    except InputError:
        return None
    return census if census.content_hash == recorded["content_hash"] else None


def level_names(census: Census | None) -> dict[int, str]:
    """Return the census's names of its levels; none without a census."""
    if census is None or not census.levels_file.exists():
        return {}
    found = pq.read_table(census.levels_file, columns=["level_id", "name"]).to_pylist()
    return {int(row["level_id"]): str(row["name"]) for row in found}


@contextmanager
def damage_named(*publications: Publication) -> Iterator[None]:
    """Raise DamagedStore with a remedy in place of DuckDB's errors about files it cannot read."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        names = " or ".join(publication.scenario for publication in publications)
        again = ", ".join(f"`planwise simulate --scenario {one.scenario}`" for one in publications)
        places = ", ".join(str(one.folder) for one in publications)
        # Other messages may have values of rows in them.
        shown = isinstance(error, duckdb.IOException | duckdb.InvalidInputException | duckdb.BinderException)
        reason = str(error).splitlines()[0] if shown else type(error).__name__
        raise DamagedStore(
            f"The published result of {names} is damaged: {places}: {reason}",
            remedy=f"Run {again}; it is written again.",
        ) from error
