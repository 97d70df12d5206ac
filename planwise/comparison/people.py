"""Winners and losers: what a scenario pays the same people, against another, at the end of a year.

Matched are those who are active in both results, by employee id. All sums are exact decimals. A group of
fewer than ten people is counted with other such groups, so that no figure reveals a person's pay.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from planwise.comparison.sources import ACTIVE, Row, Source, damage_named, path, reader, rows
from planwise.errors import InputError
from planwise.formatting import FORMULA_PATTERN, escape_formula
from planwise.small_groups import small_groups
from planwise.storage import replace_file

SNAPSHOT = "fct_workforce_snapshot"
ATTRIBUTES = {"level": "level_id", "department": "department", "gender": "gender"}
SMALL_GROUPS = "smaller groups"
NOT_GIVEN = "not given"
TOP_MOVERS = 10
STATISTICS = """
    count(*) AS people,
    count(*) FILTER (difference > 0) AS gain,
    count(*) FILTER (difference < 0) AS lose,
    count(*) FILTER (difference = 0) AS same,
    coalesce(sum(difference) FILTER (difference > 0), 0) AS gained,
    coalesce(sum(difference) FILTER (difference < 0), 0) AS lost,
    coalesce(sum(difference), 0) AS net,
    median(CAST(difference AS DOUBLE)) AS median,
    quantile_cont(CAST(difference AS DOUBLE), 0.1) AS p10,
    quantile_cont(CAST(difference AS DOUBLE), 0.9) AS p90,
    median(share) AS median_relative,
    quantile_cont(share, 0.1) AS p10_relative,
    quantile_cont(share, 0.9) AS p90_relative
"""
BASE, OTHER = "people_of_base", "people_of_other"
MATCHED = f"""
CREATE OR REPLACE TEMP TABLE matched AS
SELECT
    base.employee_id, base.level_id, other.level_id AS other_level_id, base.department, base.gender,
    base.base_pay AS base_pay, other.base_pay AS other_pay,
    other.base_pay - base.base_pay AS difference,
    CAST(other.base_pay - base.base_pay AS DOUBLE) / CAST(base.base_pay AS DOUBLE) AS share,
    other.base_pay * other.fte - base.base_pay * base.fte AS payroll_difference
FROM {BASE} AS base INNER JOIN {OTHER} AS other ON other.employee_id = base.employee_id
"""
# The pay of people employed by one side only: `{here}` without `{there}`.
UNMATCHED = """
SELECT count(*) AS people, coalesce(sum(here.base_pay * here.fte), 0) AS payroll
FROM {here} AS here LEFT JOIN matched ON matched.employee_id = here.employee_id
WHERE matched.employee_id IS NULL
"""
EMPLOYEE_COLUMNS = (
    "employee_id",
    "level_id",
    "other_level_id",
    "department",
    "gender",
    "base_pay",
    "other_pay",
    "difference",
    "share",
)


@dataclass(frozen=True)
class Statistics:
    """How pay differs for some people: annual full-time base pay, other minus base; percentiles interpolated.

    Money is exact; `median`, `p10`, `p90` and their relatives (to the base's pay) are None without people.
    """

    people: int
    gain: int
    lose: int
    same: int
    gained: Decimal
    lost: Decimal
    net: Decimal
    median: float | None
    p10: float | None
    p90: float | None
    median_relative: float | None
    p10_relative: float | None
    p90_relative: float | None


@dataclass(frozen=True)
class Group:
    """The matched people of one level (the base's), department or gender."""

    attribute: str
    group: str
    statistics: Statistics


@dataclass(frozen=True)
class PayrollBridge:
    """Why payroll (base pay x FTE) differs: the pay of the matched, and people employed by one side only.

    `matched + only_other - only_base` is the difference of the two payrolls, exactly.
    """

    matched: Decimal
    only_other: Decimal
    only_base: Decimal
    only_other_people: int
    only_base_people: int

    @property
    def difference(self) -> Decimal:
        """The other's payroll minus the base's."""
        return self.matched + self.only_other - self.only_base


@dataclass(frozen=True)
class WinnersAndLosers:
    """A scenario against the base in one year; `employees` are the largest differences, the largest first."""

    scenario: str
    against: str
    year: int
    overall: Statistics
    groups: tuple[Group, ...]
    payroll: PayrollBridge
    gainers: tuple[Row, ...]
    losers: tuple[Row, ...]
    employees: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """Return everything but the employees, which are for the workbook."""
        by: dict[str, list[dict[str, Any]]] = {attribute: [] for attribute in ATTRIBUTES}
        for group in self.groups:
            by[group.attribute].append({"group": group.group, **asdict(group.statistics)})
        return {
            "scenario": self.scenario,
            "against": self.against,
            "simulation_year": self.year,
            **asdict(self.overall),
            "by": by,
            "payroll": {**asdict(self.payroll), "difference": self.payroll.difference},
            "gainers": self.gainers,
            "losers": self.losers,
        }


def winners_and_losers(
    connection: duckdb.DuckDBPyConnection,
    base: Source,
    other: Source,
    year: int,
    *,
    movers: int = TOP_MOVERS,
    employees: int = 0,
) -> WinnersAndLosers:
    """Compare the pay of the same people in a year that both simulate, both on one census.

    Under another seed only people of the census are matched: a hire's id then is another person's.
    `employees` is how many of the largest differences to keep, person by person.
    """
    with damage_named(base.publication, other.publication), matched(connection, base, other, year):
        (overall,) = rows(connection, f"SELECT {STATISTICS} FROM matched")
        return WinnersAndLosers(
            scenario=other.name,
            against=base.name,
            year=year,
            overall=Statistics(**overall),
            groups=tuple(group for attribute in ATTRIBUTES for group in _groups(connection, attribute)),
            payroll=_payroll(connection),
            gainers=_employees(connection, "difference > 0", "difference DESC", movers),
            losers=_employees(connection, "difference < 0", "difference", movers),
            employees=_employees(connection, "true", "abs(difference) DESC", employees),
        )


@contextmanager
def matched(connection: duckdb.DuckDBPyConnection, base: Source, other: Source, year: int) -> Iterator[None]:
    """Hold the table `matched`, one row per person active in both; see `winners_and_losers`."""
    for table, source in ((BASE, base), (OTHER, other)):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT employee_id, level_id, department, gender, "
            "base_pay, fte, hire_date FROM read_parquet(?) "
            "WHERE simulation_year = ? AND list_contains(?, employment_status)",
            [path(source.publication, SNAPSHOT), year, list(ACTIVE)],
        )
    census_only = "" if other.has_seed_of(base) else f" WHERE base.hire_date < DATE '{base.years[0]}-01-01'"
    connection.execute(MATCHED + census_only)
    try:
        yield
    finally:
        for table in ("matched", BASE, OTHER):
            connection.execute(f"DROP TABLE IF EXISTS {table}")


def people_affected(
    connection: duckdb.DuckDBPyConnection, base: Source, other: Source, years: Sequence[int]
) -> tuple[int, int]:
    """Return how many people's pay differs at the end of any of the years, and how many were compared."""
    connection.execute("CREATE OR REPLACE TEMP TABLE affected (employee_id TEXT, differs BOOLEAN)")
    for year in years:
        with matched(connection, base, other, year):
            connection.execute("INSERT INTO affected SELECT employee_id, difference <> 0 FROM matched")
    (found,) = rows(
        connection,
        "SELECT count(DISTINCT employee_id) FILTER (differs) AS affected, "
        "count(DISTINCT employee_id) AS compared FROM affected",
    )
    return found["affected"], found["compared"]


def _groups(connection: duckdb.DuckDBPyConnection, attribute: str) -> list[Group]:
    label = f"coalesce(CAST({ATTRIBUTES[attribute]} AS TEXT), '{NOT_GIVEN}')"
    sizes = {
        row["name"]: row["people"]
        for row in rows(connection, f"SELECT {label} AS name, count(*) AS people FROM matched GROUP BY 1")
    }
    if set(sizes) <= {NOT_GIVEN}:
        return []
    pooled = small_groups(sizes)
    found = rows(
        connection,
        f"SELECT CASE WHEN list_contains(?, {label}) THEN ? ELSE {label} END AS name, "
        f"CASE WHEN list_contains(?, {label}) THEN 1 ELSE 0 END AS pooled, {STATISTICS} "
        "FROM matched GROUP BY name, pooled ORDER BY pooled, name",
        [pooled, SMALL_GROUPS, pooled],
    )
    return [
        Group(attribute, row.pop("name"), Statistics(**{k: v for k, v in row.items() if k != "pooled"}))
        for row in found
    ]


def _payroll(connection: duckdb.DuckDBPyConnection) -> PayrollBridge:
    (matched,) = rows(connection, "SELECT coalesce(sum(payroll_difference), 0) AS payroll FROM matched")
    (only_base,) = rows(connection, UNMATCHED.format(here=BASE))
    (only_other,) = rows(connection, UNMATCHED.format(here=OTHER))
    return PayrollBridge(
        matched=Decimal(matched["payroll"]),
        only_other=Decimal(only_other["payroll"]),
        only_base=Decimal(only_base["payroll"]),
        only_other_people=only_other["people"],
        only_base_people=only_base["people"],
    )


def _employees(connection: duckdb.DuckDBPyConnection, which: str, order: str, limit: int) -> tuple[Row, ...]:
    columns: Sequence[str] = EMPLOYEE_COLUMNS
    query = f"SELECT {', '.join(columns)} FROM matched WHERE {which} ORDER BY {order}, employee_id LIMIT ?"
    return tuple(rows(connection, query, [limit]))


TEXTS = frozenset({"employee_id", "department", "gender"})
ESCAPED = "CASE WHEN regexp_matches({0}, '" + FORMULA_PATTERN + "') THEN '''' || {0} ELSE {0} END AS {0}"
SHARE_DECIMALS = 6


def write_people_csv(sources: Sequence[Source], pairs: Sequence[WinnersAndLosers], file: Path) -> int:
    """Write one row a person and pair, by scenario and id; return how many rows.

    Raises InputError when no people can be matched, or the file cannot be written.
    """
    if not pairs:
        raise InputError(
            "There are no people to list: no other scenario has the base's census and years.",
            remedy="Compare scenarios on one census; the comparison's remarks say what differs.",
        )
    try:
        with (
            replace_file(file) as whole,
            tempfile.TemporaryDirectory(prefix=".people-", dir=file.parent) as folder,
        ):
            _write_pairs(sources, pairs, whole, Path(folder) / "pair.csv")
    except OSError as error:
        raise InputError(
            f"The file {file} cannot be written: {error.strerror or error}.",
            remedy="Choose a folder that can be written, with space.",
        ) from error
    return sum(pair.overall.people for pair in pairs)


def _write_pairs(
    sources: Sequence[Source], pairs: Sequence[WinnersAndLosers], whole: Path, piece: Path
) -> None:
    base, others = sources[0], {source.name: source for source in sources[1:]}
    query = f"SELECT ? AS scenario, ? AS against, {_csv_columns()} FROM matched ORDER BY employee_id"
    with reader() as connection, open(whole, "wb") as output:
        connection.execute("SET preserve_insertion_order = true")
        for number, pair in enumerate(pairs):
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


def _csv_columns() -> str:
    rounded = {"share": f"round(share, {SHARE_DECIMALS}) AS share"}
    return ", ".join(
        ESCAPED.format(name) if name in TEXTS else rounded.get(name, name) for name in EMPLOYEE_COLUMNS
    )
