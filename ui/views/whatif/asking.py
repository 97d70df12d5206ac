"""One question of the page: what was asked, for which edit, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from planwise.parameters import EffectiveParameters, Value
from ui.previewing import Previewed


@dataclass
class Question:
    """A what-if on top of a base scenario; `number` is that of the newest edit that it is asked for.

    `live` is a question about an edit that is not final: a slider on its way. `year` is the one whose
    figures are shown.
    """

    scenario: str
    base: EffectiveParameters
    changes: Mapping[str, Value]
    effective: EffectiveParameters
    year: int
    number: int
    live: bool
    answer: Previewed | None = None

    def same(self, other: "Question") -> bool:
        """Say whether both have one answer on the page."""
        return (self.scenario, self.year, self.base.digest, self.effective.digest) == (
            other.scenario,
            other.year,
            other.base.digest,
            other.effective.digest,
        )
