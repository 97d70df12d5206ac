"""Read the two tables of a matching from files into a cascade's database, in one form."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from planwise.engine.project import quoted_path
from planwise.enrichment.cascade import Cascade
from planwise.enrichment.decisions import MatchDecision
from planwise.enrichment.declarations import PLACES
from planwise.errors import InputError

# Headers by which a column is known, in lower case with underscores; the first that a file has is taken.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "name": (
        "name", "company", "company_name", "firm", "comp_name", "legal_business_name", "recipient_name",
        "fpds_name", "awardee", "vendor_name", "title", "job_title", "position_title",
        "jobtitle", "employee_position_title", "reported_job_title",
    ),
    "uei": ("uei", "recipient_uei", "unique_entity_id", "sam_uei"),
    "duns": ("duns", "comp_duns", "duns_number", "recipient_duns"),
    "soc": ("soc", "soc_code", "occ_code", "o_net_soc_code"),
    "city": ("city", "recipient_city", "fpds_city", "comp_city"),
    "state": ("state", "recipient_state", "fpds_state", "state_code", "comp_state"),
    "zip": ("zip", "zip_code", "zipcode", "postal_code", "recipient_zip"),
    "id": ("id", "recipient_id", "cage"),
}  # fmt: skip
SUFFIXES = (".csv", ".tsv", ".txt", ".gz", ".parquet")
NOT_UTF8 = "utf-8"
Columns = Mapping[str, str]
"""The file's column for each column of the input."""


@dataclass(frozen=True)
class LoadedTable:
    """A file that was read: its rows, and the column that each input column came from."""

    file: Path
    rows: int
    columns: Columns
    encoding: str


def header_key(header: str) -> str:
    """Return a header in lower case with underscores."""
    return re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")


def choose_columns(headers: Iterable[str], wanted: Iterable[str], given: Columns, file: Path) -> Columns:
    """Return the file's column for each wanted one; a given name wins.

    Raises InputError for a given column that the file does not have, and when none has the name.
    """
    by_key = {header_key(header): header for header in reversed(list(headers))}
    chosen: dict[str, str] = {}
    for column in wanted:
        if column in given:
            if (found := by_key.get(header_key(given[column]))) is None:
                raise InputError(
                    f"{file.name} has no column {given[column]!r}.",
                    remedy=f"Its columns: {', '.join(by_key.values())}.",
                )
            chosen[column] = found
        elif known := [by_key[key] for key in HEADERS[column] if key in by_key]:
            chosen[column] = known[0]
    if "name" not in chosen:
        raise InputError(
            f"{file.name} has no column of names.",
            remedy=f"Name it one of {', '.join(HEADERS['name'])}, or give it with --name-column.",
        )
    return chosen


def _relation(file: Path, encoding: str) -> str:
    if file.suffix == ".parquet":
        return f"read_parquet({quoted_path(file)})"
    options = f"all_varchar = true, header = true, encoding = '{encoding}'"
    return f"read_csv({quoted_path(file)}, {options})"


def _describe(connection: duckdb.DuckDBPyConnection, file: Path) -> tuple[list[str], str]:
    """Return the headers and the encoding; a text that is not UTF-8 is read as Latin-1."""
    if not file.is_file() or file.suffix not in SUFFIXES:
        raise InputError(
            f"{file} is no file that can be matched.", remedy=f"Give a file of {', '.join(SUFFIXES)}."
        )
    for encoding in ("utf-8", "latin-1"):
        try:
            found = connection.execute(f"SELECT * FROM {_relation(file, encoding)} LIMIT 0").description
            connection.execute(f"SELECT count(*) FROM {_relation(file, encoding)}")
        except duckdb.Error as error:
            if encoding == "utf-8" and NOT_UTF8 in str(error).lower():
                continue
            reason = str(error).splitlines()[0]
            raise InputError(
                f"{file.name} cannot be read: {reason}", remedy="Export it as CSV (UTF-8) or Parquet."
            ) from error
        return [column[0] for column in found or ()], encoding
    raise AssertionError("Latin-1 reads every byte")


def load_table(cascade: Cascade, side: str, file: Path, given: Columns | None = None) -> LoadedTable:
    """Read a file into the input table of one side; raises InputError for a file that cannot be used.

    The left side keeps its rows and gets one record for rows that are the same; the reference keeps each row.
    """
    connection, matching = cascade.connection, cascade.matching
    headers, encoding = _describe(connection, file)
    wanted = ("name", *matching.kinds, *(PLACES if matching.has_places else ()), "id")
    columns = choose_columns(headers, wanted, given or {}, file)
    read = ", ".join(
        f"CAST({_quoted(columns[name])} AS TEXT) AS {name}" if name in columns else f"NULL::TEXT AS {name}"
        for name in ("name", *matching.input_columns, "id")
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE {cascade.input(f'file_{side}')} AS "
        f"SELECT row_number() OVER () AS row, * FROM (SELECT {read} FROM {_relation(file, encoding)})"
    )
    rows = _number(connection, f"SELECT count(*) FROM {cascade.input(f'file_{side}')}")
    if not rows:
        raise InputError(f"{file.name} has no rows.", remedy="Give a file with at least one row.")
    _fill_side(cascade, side)
    return LoadedTable(file, rows, columns, encoding)


def load_frame(cascade: Cascade, side: str, frame: pd.DataFrame) -> None:
    """Load rows with the input's columns as one side; absent columns are null."""
    names = ("name", *cascade.matching.input_columns, "id")
    given = pd.DataFrame({name: frame.get(name) for name in names}, index=frame.index).astype("string")
    given.insert(0, "row", range(1, len(given) + 1))
    cascade.connection.register("given", given)
    texts = ", ".join(f"CAST({name} AS TEXT) AS {name}" for name in names)
    cascade.connection.execute(
        f"CREATE OR REPLACE TABLE {cascade.input(f'file_{side}')} AS "
        f"SELECT CAST(row AS BIGINT) AS row, {texts} FROM given"
    )
    cascade.connection.unregister("given")
    _fill_side(cascade, side)


def _fill_side(cascade: Cascade, side: str) -> None:
    """Make the input table that the models read from the rows of a file."""
    connection, source = cascade.connection, cascade.input(f"file_{side}")
    columns = ", ".join(("name", *cascade.matching.input_columns))
    folds = cascade.input(f"folds_{side}")
    _fold_names(connection, source, folds)
    folded = "COALESCE(folds.folded, name, '') AS folded"
    if side == "left":
        records = cascade.input("records")
        connection.execute(
            f"CREATE OR REPLACE TABLE {records} AS SELECT *, "
            f"row_number() OVER (ORDER BY first_row) AS record FROM (SELECT {columns}, "
            f"min(row) AS first_row, count(*) AS rows FROM {source} GROUP BY {columns})"
        )
        connection.execute(
            f"CREATE OR REPLACE TABLE {cascade.input('left')} AS SELECT record, {columns}, {folded} "
            f"FROM {records} LEFT JOIN {folds} AS folds USING (name)"
        )
        return
    aliases = cascade.input("aliases")
    texts = ", ".join(f"{column} TEXT" for column in cascade.matching.input_columns)
    connection.execute(
        f"CREATE OR REPLACE TABLE {aliases} (right_row BIGINT, row BIGINT, name TEXT, {texts})"
    )
    # A reference may have millions of rows: they are not copied.
    connection.execute(
        f"CREATE OR REPLACE VIEW {cascade.input('right')} AS SELECT row AS right_row, {columns}, {folded} "
        f"FROM {source} LEFT JOIN {folds} AS folds USING (name) "
        f"UNION ALL SELECT right_row, {columns}, strip_accents(name) FROM {aliases}"
    )


def _fold_names(connection: duckdb.DuckDBPyConnection, source: str, table: str) -> None:
    """Make a table of the names with letters beyond ASCII in compatible form without accents (NFKD)."""
    beyond = f"SELECT DISTINCT name FROM {source} WHERE strlen(name) <> length(name)"
    names = [row[0] for row in connection.execute(beyond).fetchall()]
    folds = pd.DataFrame({"name": names, "folded": [fold(name) for name in names]}, dtype="string")
    connection.register("found", folds)
    connection.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT name::TEXT AS name, folded::TEXT AS folded FROM found"
    )
    connection.unregister("found")


def fold(name: str) -> str:
    """Return a name in compatible form without accents: `Ｃａｆé ﬁ` becomes `Cafe fi`."""
    parts = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("™", " ").replace("®", " "))
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def load_aliases(cascade: Cascade, file: Path) -> int:
    """Add the former names of companies to the reference; return how many were added.

    The file has the columns company and former_name. Raises InputError without them.
    """
    connection = cascade.connection
    headers, encoding = _describe(connection, file)
    by_key = {header_key(header): header for header in headers}
    if not {"company", "former_name"} <= by_key.keys():
        raise InputError(
            f"{file.name} has no columns company and former_name.",
            remedy="Write one line per former name: company,former_name.",
        )
    aliases, source = cascade.input("aliases"), cascade.input("file_right")
    columns = ", ".join(f"r.{name}" for name in cascade.matching.input_columns)
    letters = "regexp_replace(upper({}), '[^A-Z0-9]', '', 'g')"
    before = _number(connection, f"SELECT max(row) FROM {source}")
    pairs = f"SELECT {_quoted(by_key['company'])} AS company, {_quoted(by_key['former_name'])} AS former"
    connection.execute(
        f"INSERT INTO {aliases} SELECT {before} + row_number() OVER "
        f"(ORDER BY r.row, former) AS right_row, r.row AS row, former, {columns} "
        f"FROM ({pairs} FROM {_relation(file, encoding)}) AS given JOIN {source} AS r "
        f"ON {letters.format('r.name')} = {letters.format('company')} WHERE former <> ''"
    )
    return _number(connection, f"SELECT count(*) FROM {aliases}")


def load_decisions(cascade: Cascade, decisions: list[MatchDecision]) -> int:
    """Give decisions to the cascade, before it is prepared; return how many name an entry that is not there.

    Each becomes a record with a number below zero, so that its name is normalised as the others are. An id
    counts before a name: several occupations may have a title of that name.
    """
    connection, matching = cascade.connection, cascade.matching
    columns = ["name", "city", "state", "matched_id", "matched_name"]
    frame = pd.DataFrame([vars(one) for one in decisions], columns=columns).astype("string")
    frame.insert(0, "record", range(-1, -len(frame) - 1, -1))
    connection.register("decided", frame)
    texts = ", ".join(f"CAST({column} AS TEXT) AS {column}" for column in columns)
    given = f"SELECT CAST(record AS BIGINT) AS record, {texts} FROM decided"
    source = cascade.input("file_right")
    ids = ", ".join((*matching.kinds, "id", "CAST(row AS TEXT)"))
    connection.execute(
        f"CREATE OR REPLACE TABLE {cascade.input('decisions')} AS SELECT given.record, "
        f"given.matched_id IS NULL AND given.matched_name IS NULL AS is_no_match, "
        f"arg_min(r.row, (r.name IS DISTINCT FROM given.matched_name, r.row)) AS matched_row "
        f"FROM ({given}) AS given LEFT JOIN {source} AS r ON CASE WHEN given.matched_id IS NULL "
        f"THEN given.matched_name = r.name ELSE given.matched_id IN ({ids}) END GROUP BY ALL"
    )
    nulls = ", ".join(f"NULL::TEXT AS {kind}" for kind in matching.kinds)
    connection.execute(
        f"INSERT INTO {cascade.input('left')} SELECT record, name, {nulls}, city, state, NULL::TEXT AS zip, "
        f"strip_accents(name) AS folded FROM ({given})"
    )
    connection.unregister("decided")
    return _number(
        connection,
        f"SELECT count(*) FROM {cascade.input('decisions')} WHERE matched_row IS NULL AND NOT is_no_match",
    )


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return 0 if row is None or row[0] is None else int(row[0])
