"""Which sign-ins have ended, and when each was last used."""

import json
from collections.abc import Callable
from pathlib import Path

from ui.auth.private import read_private, write_private


class Presence:
    """Who signed out stays so after a restart; what is older than a sign-in lasts is forgotten."""

    def __init__(
        self, file: Path, *, lasts_seconds: float, idle_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._file = file
        self._lasts = lasts_seconds
        self._idle = idle_seconds
        self._clock = clock
        self._used: dict[str, float] = {}
        self._ended: dict[str, float] = self._read()

    def touch(self, sign_in: str) -> None:
        """Note that a person did something."""
        self._used[sign_in] = self._clock()

    def ended(self, sign_in: str) -> bool:
        """Whether the person signed out."""
        return sign_in in self._ended

    def is_idle(self, sign_in: str) -> bool:
        """Whether the person did nothing for too long; a sign-in not seen yet begins now."""
        return self._clock() - self._used.setdefault(sign_in, self._clock()) > self._idle

    def end(self, sign_in: str) -> None:
        """End a sign-in for good."""
        oldest = self._clock() - self._lasts
        self._used = {key: at for key, at in self._used.items() if at > oldest and key != sign_in}
        self._ended = {key: at for key, at in self._ended.items() if at > oldest}
        self._ended[sign_in] = self._clock()
        write_private(self._file, json.dumps(self._ended))

    def _read(self) -> dict[str, float]:
        if not self._file.exists():
            return {}
        ended: dict[str, float] = json.loads(read_private(self._file, "The file of ended sign-ins"))
        return ended
