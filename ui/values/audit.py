"""Values of the Audit page."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

EVENTS_MAX = 5000  # on the page; the report and the export have them all


@dataclass(frozen=True)
class AuditFilter:
    """Which events are listed; empty texts are all."""

    kind: str = ""
    actor: str = ""
    scenario: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class AuditTrail:
    """The newest events that match, as rows: sequence, at, actor, role, type, scenario, what, details.

    `kinds`, `actors` and `scenarios` are those of all events; `head` is count and hash.
    """

    rows: pd.DataFrame
    total: int
    head: str
    kinds: tuple[str, ...]
    actors: tuple[str, ...]
    scenarios: tuple[str, ...]


@dataclass(frozen=True)
class Verification:
    """Whether the chain is whole, and if not the first broken link; `link` is the number of its event."""

    ok: bool
    events: int
    head: str
    problem: str
    link: int | None
