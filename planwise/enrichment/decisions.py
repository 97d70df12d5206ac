"""Decisions of people on matches: kept in the ledger with who and when, and applied by every later run.

And what they decide on: the names of the last run that a person may have to look at. No database engine is
needed here, so a page reads it at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine, RowMapping, insert, select

from planwise.enrichment.declarations import TITLES, Matching, declared_matching
from planwise.errors import InputError
from planwise.governance import Action, EventType, Ledger
from planwise.governance.connection import reading, writing
from planwise.governance.models import MatchDecisionRow
from planwise.settings import Settings
from planwise.storage import read_object
from planwise.storage import reading as reading_file

TABLE = MatchDecisionRow.__table__
QUEUE, REPORT = "queue.parquet", "report.json"
RUN_AGAIN = "Run the enrichment again."
LINKED = "linked"
FUZZY, DECISION = "name-fuzzy", "decision"  # methods
FOUND_MAX = 20


@dataclass(frozen=True)
class MatchDecision:
    """What a name in a place is: an entry of the reference by id or name, or nothing in it (both None)."""

    matching: str
    name: str
    city: str | None
    state: str | None
    matched_id: str | None
    matched_name: str | None
    comment: str = ""
    by: str = ""
    at: datetime | None = None
    id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the decision as one object."""
        return dict(vars(self))


class MatchDecisions:
    """Record and list decisions; the last one on a name wins."""

    def __init__(self, ledger: Ledger) -> None:
        self._engine: Engine = ledger.engine
        self._events, self._require = ledger.events, ledger.require
        self._actor: str = ledger.actor
        self._clock: Callable[[], datetime] = ledger.clock

    def record(self, decision: MatchDecision) -> MatchDecision:
        """Store a decision and its event; raises Forbidden, and InputError without a name."""
        self._require(Action.EDIT)
        if not decision.name.strip():
            raise InputError(
                "A decision needs the name that it is about.", remedy="Give the name as in the file."
            )
        values: dict[str, Any] = {
            **{key: value for key, value in vars(decision).items() if key != "id"},
            "by": self._actor,
            "at": self._clock(),
        }
        with writing(self._engine) as connection:
            stored = connection.execute(insert(MatchDecisionRow).values(values).returning(TABLE.c.id))
            number = stored.scalar_one()
            self._events.record(
                EventType.MATCH_DECISION,
                subject=decision.matching,
                payload={
                    "decision": number,
                    "name": decision.name,
                    "matched_id": decision.matched_id,
                    "matched_name": decision.matched_name,
                    "comment": decision.comment,
                },
                connection=connection,
            )
        return MatchDecision(**values, id=number)

    def list(self, matching: str) -> list[MatchDecision]:
        """Return the decisions in force, the last on each name in each place, oldest first."""
        query = select(TABLE).where(TABLE.c.matching == matching).order_by(TABLE.c.id)
        with reading(self._engine) as connection:
            rows = [_decision(row) for row in connection.execute(query).mappings()]
        last = {(one.name.upper().strip(), one.city, one.state): one for one in rows}
        return sorted(last.values(), key=lambda one: one.id or 0)


def _decision(row: Mapping[str, Any] | RowMapping) -> MatchDecision:
    return MatchDecision(**dict(row))


def matching_home(settings: Settings, matching: str) -> Path:
    """Return the folder of a matching's runs."""
    return settings.root / "enrichment" / matching


def names_to_check(settings: Settings, matching: str) -> list[dict[str, Any]] | None:
    """Return the names of the last run that no exact step linked, most frequent first; None without a run."""
    file = matching_home(settings, matching) / QUEUE
    if not file.is_file():
        return None
    with reading_file("queue of matches", file, RUN_AGAIN, pa.ArrowException):
        found: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    declared = declared_matching(matching)
    return [row | {"why": why_in_review(declared, row)} for row in found]


SAME_NAME = "name-exact"  # the method of names that several entries have


def why_in_review(matching: Matching, row: Mapping[str, Any]) -> str:
    """Return why a name waits for a person, empty for one that does not: a score alone does not say it."""
    if row["status"] != "review":
        return ""
    if row["method"] == SAME_NAME:
        return "several have this very name"
    scores = [float(one["score"]) for one in row["choices"] or ()]
    if not scores or scores[0] < matching.link:
        return "only similar"
    if len(scores) > 1 and scores[0] - scores[1] < matching.margin:
        return "several are as near"
    return "near by name, the role may be another"


def last_report(settings: Settings, matching: str) -> dict[str, Any] | None:
    """Return the report of the last run of a matching, None without one."""
    file = matching_home(settings, matching) / REPORT
    return read_object(file, "report of a matching", RUN_AGAIN) if file.is_file() else None


@dataclass(frozen=True)
class OccupationTitle:
    """A title of the bundled reference with its occupation."""

    soc: str
    title: str
    occupation: str


def find_titles(words: str) -> list[OccupationTitle]:
    """Return titles of the bundled reference with these words, an occupation once.

    Titles that have the words themselves come before those whose occupation has them, short ones first.
    """
    hits, wanted = _titles(), words.casefold().split()
    if not wanted:
        return []
    by_title = pd.Series(True, index=hits.index)
    for word in wanted:
        by_title &= hits["folded"].str.contains(word, regex=False)
        hits = hits[(hits["folded"] + hits["of"]).str.contains(word, regex=False)]
    ranked = hits.assign(by_title=by_title[hits.index]).sort_values(
        ["by_title", "letters", "title", "soc"], ascending=[False, True, True, True]
    )
    nearest = ranked.drop_duplicates("soc").head(FOUND_MAX)
    return [OccupationTitle(*row) for row in nearest[["soc", "title", "occupation"]].itertuples(index=False)]


def occupation_names() -> Mapping[str, str]:
    """Return the name of each occupation of the bundled reference by its code."""
    titles = _titles().drop_duplicates("soc")
    return dict(zip(titles["soc"], titles["occupation"], strict=True))


@cache
def _titles() -> pd.DataFrame:
    titles: pd.DataFrame = pq.read_table(TITLES).to_pandas()
    of = (" " + titles["occupation"] + " " + titles["soc"]).str.casefold()
    return titles.assign(folded=titles["title"].str.casefold(), of=of, letters=titles["title"].str.len())
