"""One question of the page: what was asked, for which edit, and what came of it."""

from dataclasses import dataclass

from planwise.parameters import EffectiveParameters
from ui.live_preview.values import Previewed


@dataclass
class Question:
    """A what-if on top of a base scenario; `number` is that of the newest edit that it is asked for.

    `live` is a question about an edit that is not final: a slider on its way. `year` is the one whose
    figures are shown.
    """

    census: str
    scenario: str
    base: EffectiveParameters
    effective: EffectiveParameters
    year: int
    number: int
    live: bool
    answer: Previewed | None = None

    def same(self, other: "Question") -> bool:
        """Say whether both have one answer on the page."""
        return self.year == other.year and self.key == other.key

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the answer depends on: people, scenario, and the parameters with and without the edits."""
        return self.census, self.scenario, self.base.digest, self.effective.digest
