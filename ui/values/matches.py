"""Names that were matched, as pages show them: what they may be, why, and what was decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it brings pandas and SQLAlchemy
    from planwise.app.match_decisions import MatchesForReview
    from planwise.enrichment.decisions import MatchDecision

TO_DECIDE, SIMILAR, DECIDED = "to decide", "similar", "decided"
TITLES, COMPANIES = "market", "recipients"


@dataclass(frozen=True)
class MatchChoice:
    """A candidate: its id, its name as in the reference and, of a title, the occupation; why it is near."""

    id: str
    name: str
    score: float
    about: str
    shared: tuple[str, ...]
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]

    @property
    def called(self) -> str:
        """What it is called: an occupation by its name, a company by its own."""
        return f"{self.about or self.name} ({self.id})"

    @property
    def why(self) -> str:
        """What both names have, and what only one has."""
        parts = (
            ("shares", self.shared),
            ("only in yours:", self.only_here),
            ("only in the reference:", self.only_there),
        )
        reason = "; ".join(f"{what} {', '.join(words)}" for what, words in parts if words)
        return reason or "shares no whole word"


@dataclass(frozen=True)
class NameToCheck:
    """A name with all spellings that one decision covers, and how many rows they have together.

    `why` says what is not certain of one for review. `decision` is the last one on it; `waits` is True until
    a run has applied that.
    """

    key: str
    name: str
    city: str | None
    state: str | None
    rows: int
    status: str
    why: str
    score: float | None
    matched: str
    choices: tuple[MatchChoice, ...]
    spellings: tuple[str, ...] = ()
    decision: "MatchDecision | None" = None
    waits: bool = False

    @property
    def group(self) -> str:
        """The list that it is in."""
        if self.decision is not None:
            return DECIDED
        return SIMILAR if self.status == "linked" else TO_DECIDE

    @property
    def place(self) -> str:
        """City and state, where the file has them."""
        return ", ".join(part for part in (self.city, self.state) if part)


@dataclass(frozen=True)
class MatchQuality:
    """The report of the last run of a matching."""

    matching: str
    report: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """The census or the file that was matched."""
        return str(self.report["subject"])

    @property
    def rate(self) -> float:
        """The share of rows that are linked."""
        return float(self.report["match_rate"])

    @property
    def blocked(self) -> bool:
        """Whether the gate blocked what follows."""
        return bool(self.report["gate"]["status"] == "failed")

    @property
    def at(self) -> datetime:
        """When the run ended."""
        return datetime.fromisoformat(self.report["at"])


@dataclass(frozen=True)
class CheckedMatches:
    """All that a card shows of one matching; `quality` is None before the first run."""

    quality: MatchQuality | None
    names: tuple[NameToCheck, ...]

    def of(self, group: str) -> tuple[NameToCheck, ...]:
        """Return the names of a list, the most frequent first."""
        return tuple(name for name in self.names if name.group == group)

    @property
    def waiting(self) -> int:
        """The number of decisions that the next run applies."""
        return sum(name.waits for name in self.names)


def checked_matches(
    matching: str, found: "MatchesForReview", occupations: Mapping[str, str]
) -> CheckedMatches:
    """Return the names of a run, those that one decision covers as one; `occupations` are names by code."""
    if found.report is None or "subject" not in found.report:  # of an earlier version
        return CheckedMatches(None, ())
    quality = MatchQuality(matching, found.report)
    decided = {(one.name.upper().strip(), one.city, one.state): one for one in found.decisions}
    groups: dict[tuple[str, Any, Any], list[Mapping[str, Any]]] = {}
    for row in found.names or ():
        groups.setdefault((row["normal_name"], row["city"], row["state"]), []).append(row)
    names = [_name(rows, decided, occupations, quality.at) for rows in groups.values()]
    return CheckedMatches(quality, tuple(sorted(names, key=lambda name: (-name.rows, name.name))))


def _name(
    rows: Sequence[Mapping[str, Any]],
    decided: Mapping[tuple[str, Any, Any], "MatchDecision"],
    occupations: Mapping[str, str],
    matched_at: datetime,
) -> NameToCheck:
    first = rows[0]  # the most frequent spelling
    keys = [(str(row["name"] or "").upper().strip(), row["city"], row["state"]) for row in rows]
    decisions = [decided[key] for key in keys if key in decided]
    decision = max(decisions, key=lambda one: one.id or 0, default=None)
    entry = first["matched_id"]
    return NameToCheck(
        key=str(first["record"]),
        name=str(first["name"] or ""),
        city=first["city"],
        state=first["state"],
        rows=sum(int(row["rows"]) for row in rows),
        status=str(first["status"]),
        why=str(first.get("why") or ""),
        score=None if first["score"] is None else float(first["score"]),
        matched=f"{occupations.get(entry, first['matched_name'])} ({entry})" if entry else "",
        choices=tuple(_choice(one, occupations) for one in first["choices"] or ()),
        spellings=tuple(str(row["name"]) for row in rows[1:]),
        decision=decision,
        waits=decision is not None and decision.at is not None and decision.at > matched_at,
    )


def _choice(one: Mapping[str, Any], occupations: Mapping[str, str]) -> MatchChoice:
    words = {name: tuple(one[name] or ()) for name in ("shared", "only_here", "only_there")}
    return MatchChoice(
        str(one["id"]), str(one["name"]), float(one["score"]), occupations.get(str(one["id"]), ""), **words
    )
