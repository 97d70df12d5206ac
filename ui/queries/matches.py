"""Read what was matched and decided, the quality of each matching, and the titles of the reference."""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from planwise.settings import Settings
from ui.values.matches import COMPANIES, TITLES, CheckedMatches, MatchQuality, checked_matches

if TYPE_CHECKING:  # it brings pandas
    from planwise.enrichment.decisions import OccupationTitle


class MatchReader:
    """Reads the matchings of one home; blocking, so to be called on a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def version(self) -> Hashable:
        """Return a value that changes when something was matched; costs some `stat` calls."""
        return tuple(self._changed_at(matching) for matching in (TITLES, COMPANIES))

    def checked(self, matching: str) -> CheckedMatches:
        """Return the names of the last run with decisions; raises DamagedStore, LedgerUnusable, Busy."""
        from planwise.app.match_decisions import match_review
        from planwise.enrichment.decisions import occupation_names

        names = occupation_names() if matching == TITLES else {}
        return checked_matches(matching, match_review(self._settings, matching), names)

    def quality(self) -> tuple[MatchQuality, ...]:
        """Return the report of the last run of each matching that has one; raises DamagedStore."""
        from planwise.enrichment.decisions import last_report

        found = ((matching, last_report(self._settings, matching)) for matching in (TITLES, COMPANIES))
        return tuple(
            MatchQuality(matching, report)
            for matching, report in found
            if report is not None and "subject" in report  # not of an earlier version
        )

    def find(self, words: str) -> "list[OccupationTitle]":
        """Return the titles of the reference that have these words."""
        from planwise.enrichment.decisions import find_titles

        return find_titles(words)

    def _changed_at(self, matching: str) -> int | None:
        from planwise.enrichment.decisions import REPORT, matching_home

        try:
            return (matching_home(self._settings, matching) / REPORT).stat().st_mtime_ns
        except OSError:
            return None
