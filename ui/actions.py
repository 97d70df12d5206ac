"""The only writer and starter of the dashboard: what a user asks for is done here, or refused."""

from planwise.settings import Settings
from ui.acting.jobs import JobActions
from ui.acting.learning import LearningActions
from ui.acting.scenarios import ScenarioActions
from ui.values.user import User


class Actions:
    """What one user may do to one home, a subject an attribute; made for each session, holds nothing open."""

    def __init__(self, settings: Settings, user: User) -> None:
        self.jobs = JobActions(settings, user)
        self.learning = LearningActions(settings, user)
        self.scenarios = ScenarioActions(settings, user)
