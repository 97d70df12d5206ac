"""A scenario: a named set of lever and assumption overrides on a census."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from planwise.errors import InputError
from planwise.parameters import Value

BASELINE = "baseline"
RESERVED = frozenset({BASELINE, "prod"})  # `prod` is what a release is called
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,47}")


@dataclass(frozen=True)
class Scenario:
    """One scenario; census None is the one in use. The baseline has neither author nor time."""

    name: str
    census: str | None
    overrides: Mapping[str, Value]
    description: str
    created_at: datetime | None
    created_by: str | None
    parent: str | None


def baseline() -> Scenario:
    """Return the scenario that is always there: no overrides on the census in use."""
    return Scenario(
        BASELINE, None, {}, "No overrides: what the dynamic levers and defaults say.", None, None, None
    )


def check_new_name(name: str) -> None:
    """Raise InputError unless a scenario may be called so."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot name a scenario.",
            remedy="Use 1 to 48 of a-z, 0-9 and _, not starting with _.",
        )
    if name in RESERVED:
        raise InputError(f"The name {name!r} is reserved.", remedy="Choose another name.")
