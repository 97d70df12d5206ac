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


def with_values(query: exp.Query, values: Mapping[str, Any]) -> exp.Query:
    """Return a copy of the query with a number where each placeholder stands; every one must have a value."""
    bound = query.copy()
    for node in list(bound.find_all(*PLACEHOLDER)):
        node.replace(exp.maybe_parse(str(values[node.name]), dialect="duckdb"))
    return bound


def text_with_values(sql: str, values: Mapping[str, Any]) -> str:
    """Return the same of the query's text."""
    return PLACEHOLDER_TEXT.sub(lambda found: str(values[found[1]]), sql)
