"""One run of a matching, chunk by chunk: finished chunks are kept, a killed run is resumed."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from planwise.engine.project import quoted_path
from planwise.enrichment.cascade import Cascade
from planwise.enrichment.decisions import DECISION, FUZZY, QUEUE, REPORT, matching_home
from planwise.enrichment.declarations import Matching
from planwise.formatting import FORMULA_PATTERN
from planwise.settings import Settings
from planwise.storage import hold_lock, make_folder, replace_file, write_json

CHUNK_ROWS = 25_000
WORK = "work.duckdb"
KEY_DIGITS = 16
BANDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of scores, in the quality report


@dataclass(frozen=True)
class Chunk:
    """Records `first` to `last` of a run, and the file with their matches."""

    number: int
    first: int
    last: int
    file: Path


class MatchingRun:
    """The database and the chunks of one run; `key` names its inputs, so that the same run is resumed."""

    def __init__(
        self, settings: Settings, matching: Matching, inputs: Mapping[str, Any], chunk_rows: int
    ) -> None:
        self.home = matching_home(settings, matching.matching)
        self.chunk_rows = chunk_rows
        self._settings, self.matching = settings, matching
        self._inputs = {**inputs, "chunk_rows": chunk_rows, "declaration": matching.model_dump(mode="json")}
        self.cascade: Cascade
        self.key = ""
        self.folder = self.home
        self.stale_decisions = 0

    @contextmanager
    def opened(self) -> Iterator["MatchingRun"]:
        """Open the run's database while the block runs; one process works on a matching at a time."""
        make_folder(self.home)
        with hold_lock(
            self.home / "run.lock",
            f"match {self.matching.matching}",
            timeout_seconds=self._settings.lock_timeout_seconds,
            resource=f"matching of {self.matching.matching}",
        ):
            work = self.home / WORK
            for left in (work, Path(f"{work}.wal")):
                left.unlink(missing_ok=True)
            try:
                with Cascade(self._settings, self.matching, work) as cascade:
                    self.cascade = cascade
                    stated = json.dumps([self._inputs, cascade.sql_texts], sort_keys=True, default=str)
                    self.key = hashlib.sha256(stated.encode()).hexdigest()[:KEY_DIGITS]
                    self.folder = self.home / "runs" / self.key
                    yield self
            finally:
                for left in (work, Path(f"{work}.wal")):
                    left.unlink(missing_ok=True)

    def count(self, table: str) -> int:
        """Return the number of rows of an input table."""
        row = self.cascade.connection.execute(f"SELECT count(*) FROM {self.cascade.input(table)}").fetchone()
        return int(row[0]) if row else 0

    def chunks(self) -> list[Chunk]:
        """Return the chunks of the records that were loaded."""
        records = self.count("records")
        firsts = range(1, records + 1, self.chunk_rows)
        return [
            Chunk(n, first, min(first + self.chunk_rows - 1, records), self.folder / f"chunk-{n:05}.parquet")
            for n, first in enumerate(firsts, 1)
        ]

    def match_chunk(self, chunk: Chunk) -> bool:
        """Match a chunk and keep its matches; return False when an earlier run did."""
        if chunk.file.is_file():
            return False
        table = self.cascade.match(chunk.first, chunk.last)
        with replace_file(chunk.file) as partial:
            self._copy(f"SELECT * FROM {table} ORDER BY record", partial, "parquet")
        return True

    def collect(self) -> None:
        """Put the matches of all chunks, with ids and names, into the table `results`."""
        connection, cascade = self.cascade.connection, self.cascade
        files = ", ".join(quoted_path(chunk.file) for chunk in self.chunks())
        matches, entries = cascade.input("matches"), cascade.input("entries")
        connection.execute(f"CREATE OR REPLACE TABLE {matches} AS SELECT * FROM read_parquet([{files}])")
        found = (
            f"SELECT matched_row AS right_row FROM {matches} UNION SELECT runner_up_row FROM {matches} "
            f"UNION SELECT unnest(candidates).right_row FROM {matches}"
        )
        ids = ", ".join((*(f"r.{kind}" for kind in self.matching.kinds), "r.id", "CAST(r.row AS TEXT)"))
        rights = cascade.input("file_right")
        connection.execute(
            f"CREATE OR REPLACE TABLE {entries} AS WITH found AS ({found}) SELECT r.row AS right_row, r.row, "
            f"COALESCE({ids}) AS id, r.name FROM {rights} AS r SEMI JOIN found ON found.right_row = r.row "
            f"UNION ALL SELECT a.right_row, r.row, COALESCE({ids}), r.name "
            f"FROM {cascade.input('aliases')} AS a JOIN {rights} AS r ON r.row = a.row"
        )
        best_first = "ORDER BY c.candidate.score DESC, e.row"
        label = "e.name || ' [' || e.id || '] (' || printf('%.2f', c.candidate.score) || ')'"
        named = (
            f"SELECT m.record, list({label} {best_first}) AS names FROM {matches} AS m, "
            f"unnest(m.candidates) AS c(candidate) "
            f"JOIN {entries} AS e ON e.right_row = c.candidate.right_row "
            f"WHERE m.status = 'review' GROUP BY m.record"
        )
        connection.execute(
            f"CREATE OR REPLACE TABLE {cascade.input('results')} AS WITH named AS ({named}) "
            f"SELECT records.*, m.status, m.method, {_capped('m.score')} AS score, "
            f"matched.row AS matched_row, matched.id AS matched_id, matched.name AS matched_name, "
            f"runner.name AS runner_up_name, {_capped('m.runner_up_score')} AS runner_up_score, "
            f"array_to_string(named.names, '; ') AS candidates "
            f"FROM {cascade.input('records')} AS records JOIN {matches} AS m USING (record) "
            f"LEFT JOIN {entries} AS matched ON matched.right_row = m.matched_row "
            f"LEFT JOIN {entries} AS runner ON runner.right_row = m.runner_up_row "
            f"LEFT JOIN named ON named.record = m.record ORDER BY record"
        )

    def totals(self) -> dict[str, Any]:
        """Return rows by status and linked rows by method; the match rate counts linked rows only."""
        results = self.cascade.input("results")
        found = self._rows(f"SELECT status, method, sum(rows) FROM {results} GROUP BY ALL ORDER BY ALL")
        by_status = {status: sum(int(n) for s, _, n in found if s == status) for status in STATUSES}
        rows = sum(by_status.values())
        methods = {str(method): int(n) for status, method, n in found if status == "linked"}
        return {"rows": rows, **by_status, "match_rate": by_status["linked"] / rows, "methods": methods}

    def null_shares(self) -> dict[str, float]:
        """Return the share of rows without a value, of each required field."""
        source = self.cascade.input("file_left")
        return {
            name: float(self._rows(f"SELECT avg((coalesce(trim({name}), '') = '')::INT) FROM {source}")[0][0])
            for name in self.matching.required
        }

    def quality(self) -> dict[str, Any]:
        """Return rows and match rate by method, score band, rows per record and identifier."""
        results = self.cascade.input("results")
        starts = ", ".join(f"{band}" for band in BANDS)
        band = f"(SELECT max(b) FROM unnest([0.0, {starts}]) AS bands(b) WHERE b <= coalesce(score, 0.0))"
        has = " ".join(f"WHEN {kind} IS NOT NULL THEN '{kind}'" for kind in self.matching.kinds)
        groups = {
            "by_method": "coalesce(method, 'none')",
            "by_score": f"printf('%.1f', {band})",
            "by_size": "CASE WHEN rows = 1 THEN '1' WHEN rows <= 10 THEN '2 to 10' ELSE 'over 10' END",
            "by_identifier": f"CASE {has} ELSE 'none' END",
        }
        return {
            name: [
                {
                    "group": str(group),
                    "rows": int(n),
                    "linked": int(linked),
                    "match_rate": int(linked) / int(n),
                }
                for group, n, linked in self._rows(
                    f"SELECT {key} AS part, sum(rows), sum(CASE WHEN status = 'linked' THEN rows ELSE 0 END) "
                    f"FROM {results} GROUP BY part ORDER BY part"
                )
            ]
            for name, key in groups.items()
        }

    def write_output(self, file: Path, wages: pd.DataFrame | None = None) -> None:
        """Write the matches, in the order of the file, as CSV or Parquet.

        Recipients have a row for every row of the file. With `wages`, by row of the reference, there is a row
        for every title, with the number of people and the market's wages.
        """
        as_csv = file.suffix.lower() != ".parquet"
        results, source = self.cascade.input("results"), self.cascade.input("file_left")
        columns = ["name", "status", "method", "score", "matched_id", "matched_name"]
        columns += ["runner_up_name", "runner_up_score", "candidates"]
        cells = {name: f"r.{name}" for name in columns}
        if as_csv:
            pattern = FORMULA_PATTERN.replace("'", "''")
            for name in ("name", "matched_id", "matched_name", "runner_up_name", "candidates"):
                starts = f"regexp_matches(r.{name}, '{pattern}')"
                cells[name] = f"CASE WHEN {starts} THEN chr(39) || r.{name} ELSE r.{name} END"
        listed = ", ".join(f"{cell} AS {name}" for name, cell in cells.items())
        if wages is None:
            same = " AND ".join(
                f"f.{name} IS NOT DISTINCT FROM r.{name}" for name in ("name", *self.matching.input_columns)
            )
            query = (
                f"SELECT f.row, {listed}, '{self.key}' AS run FROM {source} AS f "
                f"JOIN {results} AS r ON {same} ORDER BY f.row"
            )
        else:
            self.cascade.connection.register("wages", wages)
            figures = ", ".join(f"w.{name}" for name in wages.columns if name != "row")
            query = (
                f"SELECT r.first_row AS row, {listed}, r.rows AS people, {figures}, '{self.key}' AS run "
                f"FROM {results} AS r LEFT JOIN wages AS w ON w.row = r.matched_row AND r.status = 'linked' "
                f"ORDER BY r.first_row"
            )
        with replace_file(file) as partial:
            self._copy(query, partial, "csv" if as_csv else "parquet")

    def matched_titles(self, wages: pd.DataFrame) -> pd.DataFrame:
        """Return every title with its match and what the market pays for it, by row of the reference."""
        connection = self.cascade.connection
        connection.register("wages", wages)
        return connection.execute(
            f"SELECT r.name, r.status, r.matched_id, r.matched_name, w.* EXCLUDE (row) "
            f"FROM {self.cascade.input('results')} AS r LEFT JOIN wages AS w "
            f"ON w.row = r.matched_row AND r.status = 'linked' ORDER BY r.name"
        ).df()

    def keep(self, report: Mapping[str, Any]) -> None:
        """Keep the report and what people may decide, for the pages and the next run; drop the chunks.

        These are the names that no exact step links: for review, unmatched, similar or decided, each with its
        candidates, the words that both have and those that only one has.
        """
        query = (
            f"WITH choices AS ({self._choices()}) SELECT r.record, r.name, r.city, r.state, r.rows, "
            f"r.status, r.method, r.score, r.matched_id, r.matched_name, r.candidates, "
            f"l.normal_name, c.choices "
            f"FROM {self.cascade.input('results')} AS r "
            f"JOIN {self.cascade.table('stg_left')} AS l USING (record) "
            f"LEFT JOIN choices AS c USING (record) "
            f"WHERE r.status <> 'linked' OR r.method IN ('{FUZZY}', '{DECISION}') "
            f"ORDER BY r.rows DESC, record"
        )
        with replace_file(self.home / QUEUE) as partial:
            self._copy(query, partial, "parquet")
        write_json(self.home / REPORT, report, indent=2)
        shutil.rmtree(self.home / "runs", ignore_errors=True)

    def _choices(self) -> str:
        """Return SQL for the candidates of each record, the best first, and which words they share."""
        cascade = self.cascade
        words = "string_split(o.stems, ' ') AS here, string_split(k.stems, ' ') AS there"
        pairs = (
            f"SELECT m.record, e.id, e.name, {_capped('c.candidate.score')} AS score, e.row, {words} "
            f"FROM {cascade.input('matches')} AS m, unnest(m.candidates) AS c(candidate) "
            f"JOIN {cascade.input('entries')} AS e ON e.right_row = c.candidate.right_row "
            f"JOIN {cascade.table('int_open')} AS o ON o.record = m.record "
            f"JOIN {cascade.table('int_candidates')} AS k ON k.right_row = c.candidate.right_row"
        )
        return (
            f"SELECT record, list({{'id': id, 'name': name, 'score': score, "
            f"'shared': list_filter(here, w -> list_contains(there, w)), "
            f"'only_here': list_filter(here, w -> NOT list_contains(there, w)), "
            f"'only_there': list_filter(there, w -> NOT list_contains(here, w))}} ORDER BY score DESC, row) "
            f"AS choices FROM ({pairs}) GROUP BY record"
        )

    def _copy(self, query: str, file: Path, form: str) -> None:
        options = "FORMAT csv, HEADER" if form == "csv" else "FORMAT parquet"
        self.cascade.connection.execute(f"COPY ({query}) TO {quoted_path(file)} ({options})")

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.cascade.connection.execute(query).fetchall()


STATUSES = ("linked", "review", "unmatched")


def _capped(score: str) -> str:
    """Return SQL for a score to show: names of an occupation that count together may come to more than 1."""
    return f"CASE WHEN {score} > 1 THEN 1.0 ELSE round({score}, 4) END"
