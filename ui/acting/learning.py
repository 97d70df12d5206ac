"""Remember what a user learnt: one small file per user, written whole or not at all."""

from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Lock

from planwise.errors import InputError
from planwise.settings import Settings
from planwise.storage import write_json
from ui.learning.content import Module, Progress
from ui.reading.learning import LearningReader, progress_file
from ui.values.user import User

WRITING = Lock()  # two tabs of one user may write at once


class LearningActions:
    """Writes the progress of one user; every role may learn."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user

    def answer(self, answers: Mapping[str, int]) -> Progress:
        """Keep the answers of the readiness check; raises InputError when they cannot be kept."""
        with WRITING:
            return self._keep(Progress(dict(answers), self._now().checked))

    def check(self, module: Module, choice: int) -> Progress:
        """Keep a module as done if its question is answered right; a wrong answer changes nothing."""
        with WRITING:
            now = self._now()
            if choice != module.check.answer or module.key in now.checked:
                return now
            day = datetime.now(UTC).date().isoformat()
            return self._keep(Progress(now.answers, {**now.checked, module.key: day}))

    def restart(self) -> Progress:
        """Forget answers and modules."""
        with WRITING:
            return self._keep(Progress())

    def _now(self) -> Progress:
        return LearningReader(self._settings).progress(self._user.name)

    def _keep(self, progress: Progress) -> Progress:
        file = progress_file(self._settings, self._user.name)
        kept = {"user": self._user.name, "answers": progress.answers, "checked": progress.checked}
        try:
            write_json(file, kept, mode=0o600)
        except OSError as error:
            raise InputError(
                f"What you learnt cannot be kept in {file}: {error.strerror}.",
                remedy="Free space or change the folder's permissions, then answer again.",
            ) from error
        return progress
