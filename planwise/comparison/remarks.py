"""What a reader must know before comparing: other censuses, horizons, seeds, results out of date."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from planwise.census import load_census
from planwise.comparison.parameters import ComparedParameters, parameter_differences
from planwise.comparison.sources import Source, unpublished
from planwise.engine.publishing import load_publication
from planwise.errors import InputError
from planwise.governance import Ledger, effective_parameters, open_ledger
from planwise.parameters import Chain, catalogue
from planwise.settings import Settings

About = Literal["census", "horizon", "seed", "same", "stale", "deleted"]
NAMED = 3  # parameters named in a remark; the lever table has them all
SEED = "seed"


@dataclass(frozen=True)
class Remark:
    """One thing to know; `scenarios` are those it is about."""

    about: About
    scenarios: tuple[str, ...]
    what: str
    remedy: str | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}" if self.remedy else self.what


def common_years(sources: Sequence[Source]) -> tuple[int, ...]:
    """Return the years that all of them simulate."""
    shared = set(sources[0].years).intersection(*(source.years for source in sources[1:]))
    return tuple(sorted(shared))


def same_census(source: Source, base: Source) -> bool:
    """Whether both began with the same people."""
    return bool(source.census["content_hash"] == base.census["content_hash"])


def same_seed(source: Source, base: Source) -> bool:
    """Whether both drew with the same seed."""
    own, other = (side.setting(SEED, side.years[0]) for side in (source, base))
    return (own and own.value) == (other and other.value)


def remarks_on(settings: Settings, sources: Sequence[Source]) -> tuple[Remark, ...]:
    """Return everything that limits the comparison, what each limit leaves, and what to do about it."""
    base, *others = sources
    found = [*_of_censuses(base, others), *_of_horizons(sources), *_of_seeds(base, others)]
    found += [
        Remark("same", (base.name, other.name), f"{other.name} and {base.name} are the same simulation.")
        for other in others
        if other.fingerprint == base.fingerprint
    ]
    with open_ledger(settings) as ledger:
        for source in sources:
            found += out_of_date(settings, ledger, source)
    return tuple(found)


def out_of_date(settings: Settings, ledger: Ledger, source: Source) -> list[Remark]:
    """Return why a published result is not what its scenario would give now; nothing when it is."""
    again = f"`planwise simulate --scenario {source.name}`, or compare with --simulate."
    stored = {scenario.name: scenario for scenario in ledger.scenarios.list()}.get(source.name)
    if stored is None:
        what = f"The scenario {source.name} was deleted; what it published last is compared."
        return [Remark("deleted", (source.name,), what)]
    try:
        census = load_census(settings, stored.census)
        now = ComparedParameters(source.name, effective_parameters(ledger, stored, source.years[0]))
    except InputError as error:
        what = f"{source.name} is compared as published; now it would not run: {error.what}"
        return [Remark("stale", (source.name,), what, error.remedy)]
    found = []
    if census.content_hash != source.census["content_hash"]:
        what = (
            f"{source.name} was published on census {_people(source)} and would now run on {census.name} "
            f"({census.rows:,} people, {census.as_of}): what was published is compared."
        )
        found.append(Remark("stale", (source.name,), what, again))
    if changed := _changed(source, now):
        what = f"{source.name} was published with other parameters than it has now: {changed}."
        found.append(Remark("stale", (source.name,), what, again))
    return found


def _changed(source: Source, now: ComparedParameters) -> str:
    """Name what differs between a result and its scenario; what a study aims at changes no result."""
    if source.years != now.effective.years:
        return f"years {_span(source.years)}, now {_span(now.effective.years)}"
    declared = catalogue().parameters
    found = [
        f"{difference.parameter} ({difference.when}) {published.value}, now {current.value}"
        for difference in parameter_differences((_Published(source), now), source.years)
        if difference.parameter in declared and declared[difference.parameter].chain != Chain.STUDY
        for published, current in [tuple(difference.settings.values())]
        if published is not None and current is not None
    ]
    more = [f"and {len(found) - NAMED} more"] if len(found) > NAMED else []
    return ", ".join(found[:NAMED] + more)


class _Published:
    """A source under another name, so that it can stand beside its own scenario."""

    def __init__(self, source: Source) -> None:
        self.name = f"{source.name} as published"
        self.parameters = source.parameters
        self.setting = source.setting


def due(settings: Settings, names: Sequence[str]) -> tuple[str, ...]:
    """Return the scenarios to simulate before a comparison: not published, or published out of date."""
    absent = unpublished(settings, names)
    with open_ledger(settings) as ledger:
        return tuple(
            name
            for name in names
            if name in absent
            or any(
                remark.about == "stale"
                for remark in out_of_date(settings, ledger, Source(load_publication(settings, name)))
            )
        )


def _of_censuses(base: Source, others: Sequence[Source]) -> list[Remark]:
    return [
        Remark(
            "census",
            (base.name, other.name),
            f"{other.name} began with census {_people(other)}, {base.name} with {_people(base)}: levers and "
            "rates can be compared; differences in people and amounts are also those of the censuses; "
            "winners and losers cannot be told.",
            f"`planwise simulate --scenario {other.name} --census {base.census['name']}` runs it on that.",
        )
        for other in others
        if not same_census(other, base)
    ]


def _of_horizons(sources: Sequence[Source]) -> list[Remark]:
    if len({source.years for source in sources}) == 1:
        return []
    spans = ", ".join(f"{source.name} {_span(source.years)}" for source in sources)
    years = common_years(sources)
    rest = (
        f"only {_span(years)} is compared" if years else "no year is in all; only what they are is compared"
    )
    return [
        Remark(
            "horizon",
            tuple(source.name for source in sources),
            f"The horizons differ ({spans}): {rest}.",
            "Give them one horizon (`planwise scenario set NAME --assume years=5`) and simulate again.",
        )
    ]


def _of_seeds(base: Source, others: Sequence[Source]) -> list[Remark]:
    return [
        Remark(
            "seed",
            (base.name, other.name),
            f"{other.name} was drawn with another seed than {base.name}: differences are also luck."
            + (" Hires are other people and are not matched." if same_census(other, base) else ""),
            f"Give them one seed (`planwise scenario set NAME --assume {SEED}=42`) and simulate again.",
        )
        for other in others
        if not same_seed(other, base)
    ]


def _people(source: Source) -> str:
    census = source.census
    return f"{census['name']} ({census['rows']:,} people, {census['as_of']})"


def _span(years: Sequence[int]) -> str:
    return f"{years[0]}-{years[-1]}" if len(years) > 1 else str(years[0])
