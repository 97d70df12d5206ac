"""List what can be rolled back to: from the ledger alone, so that it starts without the engine."""

from planwise.governance import Action, open_ledger
from planwise.release.releases import Checkpoint, Releases
from planwise.settings import Settings


def list_checkpoints(settings: Settings) -> tuple[tuple[Checkpoint, ...], str]:
    """Return the checkpoints, newest first, and what was finished or undone of an interrupted change.

    One of another home that shares the ledger is named instead.
    """
    with open_ledger(settings) as ledger:
        ledger.require(Action.READ)
        releases = Releases(ledger)
        recovered = releases.unfinished_elsewhere()
        if releases.unfinished() is not None:
            from planwise.app.release import recover_now  # it loads the engine

            recovered = recover_now(settings, ledger)
        return releases.checkpoints(), recovered
