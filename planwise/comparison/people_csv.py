"""Every matched person's pay in two scenarios as CSV, however many they are; no text in it calculates."""

import shutil
import tempfile
from pathlib import Path

from planwise.comparison.comparing import Comparison
from planwise.comparison.people import EMPLOYEE_COLUMNS, matched
from planwise.comparison.reading import damage_named, reader
from planwise.errors import InputError
from planwise.formatting import FORMULA_PATTERN, escape_formula
from planwise.storage import replace_file

TEXTS = frozenset({"employee_id", "department", "gender"})
INERT = "CASE WHEN regexp_matches({0}, '" + FORMULA_PATTERN + "') THEN '''' || {0} ELSE {0} END AS {0}"
SHARE_DECIMALS = 6


def write_people_csv(comparison: Comparison, file: Path) -> int:
    """Write one row a person and pair, by scenario and id; return how many rows.

    Raises InputError when no people can be matched, or the file cannot be written.
    """
    if not comparison.people:
        raise InputError(
            "There are no people to list: no other scenario has the base's census and years.",
            remedy="Compare scenarios on one census; the comparison's remarks say what differs.",
        )
    try:
        with (
            replace_file(file) as whole,
            tempfile.TemporaryDirectory(prefix=".people-", dir=file.parent) as folder,
        ):
            _write(comparison, whole, Path(folder) / "pair.csv")
    except OSError as error:
        raise InputError(
            f"The file {file} cannot be written: {error.strerror or error}.",
            remedy="Choose a folder that can be written, with space.",
        ) from error
    return sum(pair.overall.people for pair in comparison.people)


def _write(comparison: Comparison, whole: Path, piece: Path) -> None:
    base, others = comparison.base, {source.name: source for source in comparison.others}
    query = f"SELECT ? AS scenario, ? AS against, {_columns()} FROM matched ORDER BY employee_id"
    with reader() as connection, open(whole, "wb") as output:
        connection.execute("SET preserve_insertion_order = true")
        for number, pair in enumerate(comparison.people):
            other = others[pair.scenario]
            with (
                damage_named(base.publication, other.publication),
                matched(connection, base, other, pair.year),
            ):
                rows = connection.sql(
                    query, params=[escape_formula(pair.scenario), escape_formula(pair.against)]
                )
                rows.write_csv(str(piece), header=number == 0)
            with open(piece, "rb") as written:
                shutil.copyfileobj(written, output)


def _columns() -> str:
    rounded = {"share": f"round(share, {SHARE_DECIMALS}) AS share"}
    return ", ".join(
        INERT.format(name) if name in TEXTS else rounded.get(name, name) for name in EMPLOYEE_COLUMNS
    )
