"""The market reference: titles by occupation (O*NET), wages by occupation (OEWS), and a pay's place in them.

O*NET® is a trademark of the U.S. Department of Labor, Employment and Training Administration; its titles are
used under CC BY 4.0. OEWS wages are of the U.S. Bureau of Labor Statistics (public domain).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from planwise.census.market import MARKET_SCHEMA
from planwise.engine.project import quoted_path
from planwise.enrichment.cascade import Cascade, connect
from planwise.enrichment.decisions import MatchDecision
from planwise.enrichment.declarations import TITLES, WAGES, declared_matching
from planwise.enrichment.sources import header_key, load_decisions, load_frame
from planwise.equity.reasons import MARKET_REASONS
from planwise.errors import InputError
from planwise.parameters import catalogue
from planwise.settings import Settings

PERCENTILES: Mapping[int, str] = {10: "p10", 25: "p25", 50: "p50", 75: "p75", 90: "p90"}
# Wages above this are published as the code # only, by year of the survey; source: BLS, OEWS technical notes.
TOP_CODES = {2016: 208_000, 2019: 208_000, 2023: 239_200}
SURVEY_COLUMNS = ("title", *PERCENTILES.values())


@dataclass(frozen=True)
class Wages:
    """Annual wages of an occupation by percentile; one that is not published is left out, and `why` says so.

    `basis` is the occupation whose wages they are: a wider group when its own are not published.
    """

    soc: str
    year: int
    percentiles: Mapping[int, float]
    basis: str
    why: str | None = None

    @property
    def median(self) -> float | None:
        """The market reference."""
        return self.percentiles.get(50)


@dataclass(frozen=True)
class MarketPlace:
    """Where a pay is in the market: its percentile, 10 or 90 when `is_beyond` these; or why not."""

    percentile: float | None
    ratio: float | None
    is_beyond: bool = False
    why: str | None = None


@cache
def survey_years() -> tuple[int, ...]:
    """Return the years of the bundled wages, oldest first."""
    rows = connect().execute(f"SELECT DISTINCT year FROM {quoted_path(WAGES)} ORDER BY year").fetchall()
    return tuple(int(year) for (year,) in rows)


@cache
def wages_by_occupation(year: int | None = None) -> Mapping[str, Wages]:
    """Return the wages of every occupation by code; raises InputError for a year without a survey.

    Codes change between years: an occupation that the year does not have under its code is looked for under
    its title, then in its group, ever wider.
    """
    year = survey_years()[-1] if year is None else year
    if year not in survey_years():
        raise InputError(
            f"The market reference has no wages of {year}.",
            remedy=f"Choose one of {', '.join(map(str, survey_years()))}.",
        )
    columns = ", ".join(PERCENTILES.values())
    rows = (
        connect()
        .execute(
            f"SELECT soc, occupation, kind, is_top_coded, {columns} FROM {quoted_path(WAGES)} "
            f"WHERE year = {year} ORDER BY soc, kind = 'detailed' DESC"
        )
        .fetchall()
    )
    by_code = {row[0]: row for row in reversed(rows)}
    by_title = {str(row[1]).casefold(): row for row in reversed(rows) if row[2] == "detailed"}
    wanted = (
        connect()
        .execute(f"SELECT DISTINCT soc, occupation FROM {quoted_path(TITLES)} ORDER BY soc")
        .fetchall()
    )
    known = {soc: occupation for soc, occupation in wanted}
    known |= {soc: row[1] for soc, row in by_code.items() if soc not in known}
    found = {}
    for soc, occupation in known.items():
        named = by_title.get(str(occupation).casefold())
        wider = (by_code.get(code) for code in (soc, *_wider(soc)))
        rows_tried = [row for row in (by_code.get(soc), named, *wider) if row is not None]
        if rows_tried:
            chosen = next((row for row in rows_tried if row[6] is not None or row[3]), rows_tried[0])
            found[soc] = _wages(soc, year, chosen)
    return found


def _wider(soc: str) -> Sequence[str]:
    """Return the codes of the groups that an occupation is in, the narrowest first."""
    return (f"{soc[:6]}0", f"{soc[:5]}00", f"{soc[:4]}000", f"{soc[:3]}0000")


def _wages(soc: str, year: int, row: tuple[object, ...]) -> Wages:
    code, occupation, _, is_top_coded, *values = row
    percentiles = {
        percentile: float(str(value))
        for percentile, value in zip(PERCENTILES, values, strict=True)
        if value is not None
    }
    why = None
    if len(percentiles) < len(PERCENTILES):
        why = f"above {TOP_CODES.get(year, 0):,} a year" if is_top_coded else "not published"
    basis = str(occupation) if code == soc else f"{occupation} ({code})"
    return Wages(soc, year, percentiles, basis, why)


def market_place(pay: float, percentiles: Mapping[int, float]) -> MarketPlace:
    """Return where a full-time annual pay is, interpolated between the published percentiles."""
    points = sorted(percentiles.items())
    median = percentiles.get(50)
    ratio = pay / median if median else None
    if len(points) < 2:
        return MarketPlace(None, ratio, why="the market has fewer than two percentiles")
    (lowest, low), (highest, high) = points[0], points[-1]
    if pay <= low:
        return MarketPlace(float(lowest), ratio, is_beyond=pay < low)
    if pay >= high:
        return MarketPlace(float(highest), ratio, is_beyond=pay > high)
    for (below, less), (above, more) in pairwise(points):
        if pay <= more:
            share = (pay - less) / (more - less) if more > less else 1.0
            return MarketPlace(below + share * (above - below), ratio)
    raise AssertionError("pay is between the ends")


def reference_titles() -> pd.DataFrame:
    """Return the bundled titles: soc, title, occupation; a title may be of several occupations."""
    return connect().execute(f"SELECT * FROM {quoted_path(TITLES)}").df()


def read_survey(file: Path) -> pd.DataFrame:
    """Return a survey's titles with their percentiles; raises InputError for missing columns or bad wages."""
    reader = "read_parquet" if file.suffix == ".parquet" else "read_csv"
    try:
        frame = connect().execute(f"SELECT * FROM {reader}({quoted_path(file)})").df()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{file.name} cannot be read: {reason}", remedy="Export it as CSV or Parquet."
        ) from error
    frame.columns = pd.Index([header_key(str(column)) for column in frame.columns])
    missing = [column for column in ("title", "p50") if column not in frame.columns]
    if missing:
        raise InputError(
            f"{file.name} has no column {' and '.join(missing)}.",
            remedy=f"A survey has {', '.join(SURVEY_COLUMNS)}; soc or id are used where they are.",
        )
    for column in PERCENTILES.values():
        frame[column] = pd.to_numeric(frame[column], errors="coerce") if column in frame.columns else None
    rising = frame[list(PERCENTILES.values())].astype(float).ffill(axis=1).diff(axis=1).min(axis=1)
    bad = (rising < 0) | ~(frame["p50"] > 0)
    if bad.any():
        row = int(bad.to_numpy().argmax()) + 2
        raise InputError(
            f"{file.name}, line {row}: the percentiles do not rise, or are not above 0.",
            remedy="Correct the line: p10 is at most p25, and so on.",
        )
    return frame


def wage_rows(survey: pd.DataFrame | None, year: int | None) -> pd.DataFrame:
    """Return occupation and percentiles by row of the reference, for a file of matches."""
    columns = list(PERCENTILES.values())
    if survey is not None:
        return survey[columns].astype(float).assign(row=range(1, len(survey) + 1), wages_of=survey["title"])
    wages = wages_by_occupation(year)
    titles = reference_titles()
    rows = []
    for soc, occupation in zip(titles["soc"], titles["occupation"], strict=True):
        found = wages.get(soc)
        values = [None if found is None else found.percentiles.get(p) for p in PERCENTILES]
        basis, why = (None, NO_WAGES) if found is None else (found.basis, found.why)
        rows.append((occupation, *values, basis, why))
    frame = pd.DataFrame(rows, columns=["occupation", *columns, "wages_of", "not_published"])
    return frame.assign(row=range(1, len(frame) + 1))


SURVEY_MONTH = 5  # OEWS wages are those of May
DAYS_A_YEAR = 365.25
MOVEMENT = "market_movement"


def survey_name(file: Path | None, year: int | None) -> str:
    """Return what pages call the survey: the file's name, or the bundled one with its year."""
    return file.name if file is not None else f"BLS OEWS {survey_years()[-1] if year is None else year}"


def aged_by(
    since: date | None, year: int | None, until: date, rate: float | None, survey: pd.DataFrame | None
) -> tuple[float, float, date]:
    """Return the yearly rate and the factor by which wages move to a date, and the date that they are of.

    A survey of one's own is taken as of the date unless `since` says otherwise.
    """
    if since is None:
        bundled = survey_years()[-1] if year is None else year
        since = until if survey is not None else date(bundled, SURVEY_MONTH, 1)
    if rate is None:
        rate = float(str(catalogue().parameters[MOVEMENT].default))
    return rate, round((1 + rate) ** ((until - since).days / DAYS_A_YEAR), 8), since


def census_market(titles: pd.DataFrame, factor: float = 1.0) -> pa.Table:
    """Return the market reference of a census from its matched titles, wages multiplied by a factor.

    A percentile that is missing between two others is interpolated; the others stay missing. A title has a
    median, or the reason why not.
    """
    wages = titles[list(PERCENTILES.values())].astype(float).mul(factor)
    wages.columns = pd.Index(list(PERCENTILES))
    wages = wages.T.interpolate(method="index", limit_area="inside").T
    is_known = wages[50].notna() & (titles["status"] == "linked")
    reasons = titles["status"].where(titles["status"] != "linked", "no_wages").where(~is_known)
    occupation = titles["occupation"] if "occupation" in titles else titles["matched_name"]
    linked = titles["status"] == "linked"
    columns = {
        "title_id": list(range(1, len(titles) + 1)),
        "job_title": list(titles["name"]),
        "occupation_id": _texts(titles["matched_id"].where(linked)),
        "occupation": _texts(occupation.where(linked)),
        "market_reason": _texts(reasons),
        **{
            name: [None if pd.isna(one) else Decimal(f"{one:.2f}") for one in wages[place].where(is_known)]
            for place, name in PERCENTILES.items()
        },
    }
    return pa.table(columns, schema=MARKET_SCHEMA)


def _texts(values: pd.Series) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in values]


def load_reference(cascade: Cascade, titles: pd.DataFrame | None = None) -> None:
    """Load titles with their occupations as the reference of the market's matching."""
    frame = reference_titles() if titles is None else titles
    load_frame(cascade, "right", frame.rename(columns={"title": "name"}))


@dataclass(frozen=True)
class TitleReference:
    """What a title's market reference is, or why it has none."""

    title: str
    status: str
    method: str | None
    score: float | None
    soc: str | None
    occupation: str | None
    wages: Wages | None
    why: str | None = None


NO_WAGES = MARKET_REASONS["no_wages"]


def title_references(
    settings: Settings,
    titles: Iterable[str],
    *,
    decisions: Sequence[MatchDecision] = (),
    year: int | None = None,
) -> dict[str, TitleReference]:
    """Return the market reference of each title: its occupation by the cascade, with its wages."""
    names = sorted({title for title in titles if title})
    if not names:
        return {}
    wages = wages_by_occupation(year)
    with Cascade(settings, declared_matching("market")) as cascade:
        load_frame(cascade, "left", pd.DataFrame({"name": names}))
        load_reference(cascade)
        load_decisions(cascade, list(decisions))
        cascade.prepare()
        table = cascade.match(1, len(names))
        rows = cascade.connection.execute(
            f"SELECT l.name, m.status, m.method, m.score, r.soc FROM {table} AS m "
            f"JOIN {cascade.input('left')} AS l USING (record) "
            f"LEFT JOIN {cascade.input('file_right')} AS r ON r.row = m.matched_row ORDER BY l.name"
        ).fetchall()
    occupations = dict(
        connect().execute(f"SELECT DISTINCT soc, occupation FROM {quoted_path(TITLES)}").fetchall()
    )
    return {row[0]: _title_reference(row, wages, occupations) for row in rows}


def _title_reference(
    row: tuple[str, str, str | None, float | None, str | None],
    wages: Mapping[str, Wages],
    occupations: Mapping[str, str],
) -> TitleReference:
    title, status, method, score, soc = row
    linked = wages.get(soc) if soc is not None and status == "linked" else None
    why = MARKET_REASONS.get(status) or (NO_WAGES if linked is None or linked.median is None else None)
    capped = None if score is None else min(score, 1.0)
    return TitleReference(title, status, method, capped, soc, occupations.get(soc or ""), linked, why)
