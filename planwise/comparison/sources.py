"""The published results that are compared, and the parameters that each was published with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from planwise.engine.publishing import Publication, load_publication, published_scenarios
from planwise.errors import InputError
from planwise.parameters import Value
from planwise.settings import Settings

LEAST = 2


@dataclass(frozen=True)
class Setting:
    """A parameter's value in a year, and the tier it came from."""

    value: Value
    tier: str


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
    if len(names) < LEAST:
        raise InputError(
            f"A comparison needs {LEAST} scenarios or more, not {len(names)}.",
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
