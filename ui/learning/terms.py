"""The glossary: words, every lever and assumption as declared, and the columns of published results."""

import re
from collections.abc import Iterator

from planwise.parameters import catalogue
from planwise.parameters.declaration import Lever, Parameter, Unit
from ui.learning.content import Term
from ui.values.formatting import with_levels

LEVER, ASSUMPTION, FIGURE, WORD = "Lever", "Assumption", "Figure", "Word"
KINDS = (WORD, LEVER, ASSUMPTION, FIGURE)
TABLE = re.compile(r"^### `(\w+)`$")
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$")
MARTS = "\n## Marts\n"


def parameter_terms() -> Iterator[Term]:
    """Yield a term for each lever and assumption, from its own declaration."""
    known = catalogue()
    for name, parameter in known.parameters.items():
        kind = LEVER if known.kind(name) == "lever" else ASSUMPTION
        yield Term(
            name,
            kind,
            with_levels(f"{parameter.label}. {parameter.description}"),
            _details(parameter),
            "levers",
        )


def column_terms(reference: str) -> Iterator[Term]:
    """Yield a term for each column of the marts, from the generated reference of the models (Markdown).

    A column that several marts describe in the same words is one term.
    """
    tables: dict[tuple[str, str], list[str]] = {}
    table = ""
    for line in reference.partition(MARTS)[2].splitlines():
        if heading := TABLE.match(line):
            table = heading[1]
        elif row := ROW.match(line):
            tables.setdefault((row[1], row[2]), []).append(table)
    for (name, means), where in tables.items():
        yield Term(name, FIGURE, f"{means}.", f"in {', '.join(where)}")


def _details(parameter: Parameter) -> str:
    parts = [f"unit: {parameter.unit.value.replace('_', ' ')}"]
    if parameter.bounds is not None:
        parts.append(f"bounds {_span(parameter, *parameter.bounds)}")
    if isinstance(parameter, Lever):
        parts.append(f"recommended {_span(parameter, *parameter.recommended)}")
    default = parameter.default
    parts.append(f"default {parameter.null_means if default is None else _value(parameter, default)}")
    return f"{'; '.join(parts)}. Source: {parameter.source}"


def _span(parameter: Parameter, low: float, high: float) -> str:
    return f"{_value(parameter, low)} to {_value(parameter, high)}"


def _value(parameter: Parameter, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return f"{value * 100:g}%" if parameter.unit is Unit.RATE else f"{value:,g}"
