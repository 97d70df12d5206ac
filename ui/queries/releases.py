"""What is in force, what could be, and how actuals compare with it."""

from collections.abc import Mapping
from typing import Any

from planwise.governance import open_ledger
from planwise.governance.proposals import Status
from planwise.governance.publications import PROD, published_scenarios
from planwise.parameters import BASELINE
from planwise.release.releases import Releases
from planwise.settings import Settings
from ui.values.releases import ReleaseOverview


class ReleaseReader:
    """Reads the releases of one home; blocking, so to be called on a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def fired(self) -> tuple[Mapping[str, Any], ...]:
        """Return the triggers that actuals have fired on the plan in force."""
        from planwise.app.monitor import fired_triggers  # it brings DuckDB

        return fired_triggers(self._settings)

    def overview(self, recovered: str = "") -> ReleaseOverview:
        """Return everything; approved proposals that are no longer valid are ended."""
        from planwise.app.monitor import MonitorRequest, monitor  # these bring DuckDB
        from planwise.app.proposals import list_proposals
        from planwise.app.runner import InProcessRunner

        approved = [one for one in list_proposals(self._settings) if one.status is Status.APPROVED]
        has_plan = {PROD, BASELINE} & set(published_scenarios(self._settings))
        report = (
            monitor(self._settings, MonitorRequest(), InProcessRunner(lambda _: None)) if has_plan else None
        )
        with open_ledger(self._settings) as ledger:
            releases = Releases(ledger)
            return ReleaseOverview(
                in_force=releases.in_force(),
                approved=tuple(approved),
                checkpoints=releases.checkpoints(),
                history=tuple(releases.list()),
                recovered=recovered,
                monitoring=report,
            )
