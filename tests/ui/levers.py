"""A session with scenarios in memory, for the pages that edit levers."""

from types import SimpleNamespace

from planwise.errors import InputError
from planwise.parameters import merged_overrides, resolve, simulated_years
from ui.draft import Draft
from ui.selection import Selection

FIRST_YEAR = 2026


class Scenarios:
    """Names and overrides; the baseline has none."""

    def __init__(self, **others):
        self.overrides = {"baseline": {}, **others}

    def list(self):
        return tuple(SimpleNamespace(name=name) for name in self.overrides)

    def effective(self, name):
        if name not in self.overrides:
            raise InputError(f"There is no scenario {name!r}.", remedy="`planwise scenario list`.")
        overrides = self.overrides[name]
        return resolve(simulated_years(overrides.get("years", 5), FIRST_YEAR), scenario=overrides)

    def refused(self, name):
        return InputError("Taken.", remedy="Choose another name.") if name in self.overrides else None

    def remark(self, name):
        return ""

    def save(self, name, *, base, changes, description=""):
        self.effective(base)  # refuses what is not there
        self.overrides[name] = merged_overrides(self.overrides[base], changes)

    def update(self, name, changes, *, seen=None):
        self.overrides[name] = merged_overrides(self.overrides[name], changes)

    def delete(self, name):
        del self.overrides[name]


class FakeSession:
    """What the page needs of a session; `told` is what the user was notified of."""

    def __init__(self, scenarios=None, *, may_edit=True):
        self.scenarios = scenarios or Scenarios()
        self.store = SimpleNamespace(plans=self.scenarios, names=self.scenarios)
        self.actions = SimpleNamespace(scenarios=self.scenarios)
        self.previews = None
        self.selection = Selection(page="levers")
        self.draft = Draft(lambda name: self.scenarios.effective(name))
        self.user = SimpleNamespace(name="ana", role="analyst")
        self.may_edit = may_edit
        self.told = []

    def notify(self, text, **more):
        self.told.append((text, more.get("tone", "info")))

    def go(self, page, **selection):
        self.selection.param.update(page=page, **selection)

    async def offload(self, work, *arguments):
        return work(*arguments)
