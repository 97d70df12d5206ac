"""What a suite is: the tables it is given, how it prepares them, and the rules it asks of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from expectations.rules import Rule
from expectations.thresholds import Thresholds

Frames = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Suite:
    """A named set of rules.

    `prepare(frames, **context)` returns the frames that rules name, with derived columns and tables;
    `rules(thresholds, **context)` declares the expectations; both get the same keyword context.
    """

    name: str
    tables: tuple[str, ...]
    prepare: Callable[..., dict[str, pd.DataFrame]]
    rules: Callable[..., tuple[Rule, ...]]
    context: tuple[str, ...] = ()

    def declare(self, thresholds: Thresholds, context: Mapping[str, Any]) -> tuple[Rule, ...]:
        """Declare the rules; two of one name are a defect of the suite."""
        rules = self.rules(thresholds, **context)
        names = [rule.name for rule in rules]
        if len(set(names)) != len(names):
            raise AssertionError(f"suite {self.name} declares a name twice: {sorted(names)}")
        return rules
