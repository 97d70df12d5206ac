"""Write docs/reference/parameters.md: `python -m planwise.parameters.reference`."""

from collections.abc import Iterable
from pathlib import Path

from planwise.parameters.catalogue import Catalogue, Lever, Parameter, catalogue

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "parameters.md"
INTRODUCTION = """# Parameters

Generated from `planwise/parameters/*.yaml` by `python -m planwise.parameters.reference`; do not edit.

Set a lever with `--set name=value`, an assumption with `--assume name=value`; `name@2028=value` sets one
year of a parameter that may differ by year. A value comes from the scenario, else from the dynamic levers
(the release in force), else from the default below, else, for a lever without a default, from a hard-coded
fallback; each effective value says which. Rates are shares (0.03 is 3 %), multipliers are factors. Bounds
are hard and inclusive.

A lever's value is OK within the recommended range. Outside, the way to the hard bound is divided into
quarters: LOW, MEDIUM, HIGH, CRITICAL.

The chain says what a change recomputes: `dynamics` (who leaves, joins, is promoted, and the pay that
follows), `pay` (pay only, on the same people and promotions), `study` (nothing that is simulated).

## Levers

Every lever may differ by year.

"""


def reference(declared: Catalogue) -> str:
    """Return the page in Markdown."""
    levers = _table(
        ("name", "unit", "default", "recommended", "bounds", "chain", "growth", "locked", "what", "source"),
        (_lever_cells(lever) for lever in declared.levers.values()),
    )
    assumptions = _table(
        ("name", "unit", "default", "bounds", "by year", "chain", "what", "source"),
        (
            (*_common(a)[:3], _bounds(a.bounds), _yes(a.yearly), a.chain, _what(a), a.source)
            for a in declared.assumptions.values()
        ),
    )
    return f"{INTRODUCTION}{levers}\n## Assumptions\n\n{assumptions}"


def _lever_cells(lever: Lever) -> tuple[str, ...]:
    return (
        *_common(lever),
        _bounds(lever.recommended),
        _bounds(lever.bounds),
        lever.chain,
        lever.direction,
        _yes(lever.locked),
        _what(lever),
        lever.source,
    )


def _common(parameter: Parameter) -> tuple[str, str, str]:
    return (f"`{parameter.name}`", parameter.unit, _default(parameter))


def _default(parameter: Parameter) -> str:
    if parameter.default is None:
        return f"null: {parameter.null_means}" if parameter.nullable else "fallback"
    return str(parameter.default).lower() if isinstance(parameter.default, bool) else f"{parameter.default}"


def _what(parameter: Parameter) -> str:
    return f"{parameter.label}. {parameter.description}"


def _bounds(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.15g} to {bounds[1]:.15g}"


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(reference(catalogue()), encoding="utf-8")
