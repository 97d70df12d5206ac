"""Create, change and delete scenarios, in the name of the user."""

from collections.abc import Mapping

from planwise.errors import InputError
from planwise.governance import Ledger, Scenario, open_ledger, years_of
from planwise.parameters import Value, canonical_overrides, merged_overrides
from planwise.settings import Settings
from ui.values.user import User


class ScenarioActions:
    """Writes to the ledger; raises InputError for what is refused, Busy when another process writes long."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user

    def save(self, name: str, *, base: str, changes: Mapping[str, object], description: str = "") -> Scenario:
        """Store a new scenario: the overrides of `base` with the changes on top."""
        self._user.require_edit("create scenarios")
        with self._ledger() as ledger:
            original = ledger.scenarios.get(base)
            wanted = canonical_overrides(changes)
            years = self._years(original.census, merged_overrides(original.overrides, wanted))
            return ledger.scenarios.clone(base, name, wanted, description=description, years=years)

    def update(
        self, name: str, changes: Mapping[str, object], *, seen: Mapping[str, Value] | None = None
    ) -> Scenario:
        """Put changes on top of a scenario's own overrides; refused when these are not as `seen`."""
        self._user.require_edit("change scenarios")
        with self._ledger() as ledger:
            original = ledger.scenarios.get(name)
            if seen is not None and canonical_overrides(seen) != canonical_overrides(original.overrides):
                raise InputError(
                    f"{name} has been changed meanwhile; nothing was saved.",
                    remedy="It is read anew, with your edits on it: look at them, then save again.",
                )
            wanted = canonical_overrides(changes)
            years = self._years(original.census, merged_overrides(original.overrides, wanted))
            return ledger.scenarios.set(name, wanted, years=years)

    def delete(self, name: str) -> None:
        """Delete a scenario's definition; what it published stays."""
        self._user.require_edit("delete scenarios")
        with self._ledger() as ledger:
            ledger.scenarios.delete(name)

    def keep_trial(self, study: str, number: int, name: str, description: str = "") -> Scenario:
        """Store a study's trial as a scenario."""
        self._user.require_edit("create scenarios")
        from planwise.study.answer.promotion import promote_trial  # Optuna is slow to import

        return promote_trial(
            self._settings, study, number, name, description=description or None, actor=self._user.name
        )

    def _ledger(self) -> Ledger:
        return open_ledger(self._settings, actor=self._user.name)

    def _years(self, census: str | None, overrides: Mapping[str, Value]) -> tuple[int, ...]:
        from planwise.census import load_census

        return years_of(overrides, load_census(self._settings, census).first_year)
