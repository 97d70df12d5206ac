"""Placeholders (`$name`) in a model's query, and putting numbers where they stand."""

import re
from collections.abc import Mapping
from typing import Any

from sqlglot import exp

PLACEHOLDER = (exp.Parameter, exp.Placeholder)
PLACEHOLDER_TEXT = re.compile(r"\$([A-Za-z_]\w*)")


def placeholders_of(query: exp.Expr) -> tuple[str, ...]:
    """Return the names of a query's placeholders, each once, in the order they stand."""
    return tuple(dict.fromkeys(node.name for node in query.find_all(*PLACEHOLDER)))


def text_with_values(sql: str, values: Mapping[str, Any]) -> str:
    """Return a query's text with a number where each placeholder stands; every one must have a value."""
    return PLACEHOLDER_TEXT.sub(lambda found: str(values[found[1]]), sql)
