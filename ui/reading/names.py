"""Whether a scenario may be called so: said while the name is typed, before anything is written."""

from planwise.engine.publishing import published_scenarios
from planwise.errors import InputError
from planwise.governance.scenarios import check_new_name
from planwise.settings import Settings
from ui.reading.scenarios import ScenarioReader


class ScenarioNames:
    """Judges names for new scenarios in one home."""

    def __init__(self, settings: Settings, scenarios: ScenarioReader) -> None:
        self._settings = settings
        self._scenarios = scenarios

    def refused(self, name: str) -> InputError | None:
        """Return why a new scenario may not have this name; None when it may."""
        try:
            check_new_name(name)
        except InputError as error:
            return error
        if any(scenario.name == name for scenario in self._scenarios.list()):
            return InputError(f"There is a scenario {name} already.", remedy="Choose another name.")
        return None

    def remark(self, name: str) -> str:
        """Return what one should know about a name that may be used; empty when there is nothing."""
        if name in published_scenarios(self._settings):
            return "A deleted scenario of this name has a published result; a new run replaces it."
        return ""
