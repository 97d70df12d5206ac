"""Measure the matching on labelled names: thresholds fitted on one half of the firms."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from planwise.engine.project import quoted_path
from planwise.enrichment.cascade import Cascade, connect
from planwise.enrichment.decisions import FUZZY, LINKED
from planwise.enrichment.declarations import TITLES, Matching
from planwise.enrichment.sources import choose_columns, load_decisions, load_frame
from planwise.errors import InputError
from planwise.settings import Settings

PRECISION_MIN, RECALL_MIN = 0.97, 0.91  # what must be reached on the half that fitted nothing
HALVES = ("a", "b")
TOKEN_SET_MIN = 0.85  # the baseline's usual acceptance
COLUMNS = ("fpds_name", "gold_sbir_name", "category")
ALL = "all"
FITTED = "cascade, fitted threshold"
SOC_LETTERS = 7  # of 11-1011.00, a code of O*NET


@dataclass(frozen=True)
class MatchEvaluation:
    """One row per half, method and group with precision and recall; and the fitted thresholds."""

    rows: tuple[dict[str, Any], ...]
    thresholds: dict[str, float]

    def of(self, half: str, method: str, group: str = ALL) -> dict[str, Any]:
        """Return one row."""
        return next(r for r in self.rows if (r["half"], r["method"], r["group"]) == (half, method, group))

    def as_json(self) -> dict[str, Any]:
        """Return the evaluation as one object."""
        return {"rows": list(self.rows), "thresholds": self.thresholds}


def evaluate(settings: Settings, matching: Matching, labels: Path, firms: Sequence[Path]) -> MatchEvaluation:
    """Match labelled names with the firms of the files and of the labels; raises InputError for other files.

    A label is right when the linked firm's name is the labelled one's, normalised. All labels of a firm
    are in one half, by a hash of its name.
    """
    labelled = _read(labels)
    missing = [column for column in COLUMNS if column not in labelled.columns]
    if missing:
        raise InputError(
            f"{labels.name} has no column {', '.join(missing)}.", remedy="Give labelled recipients."
        )
    candidates = _scored(settings, matching, labelled, _firms(labelled, firms))
    rows: list[dict[str, Any]] = []
    thresholds = {}
    for half, other in (HALVES, HALVES[::-1]):
        fitted = thresholds[half] = fit_threshold(candidates[candidates["half"] == other])
        measured = candidates[candidates["half"] == half]
        exact = measured["method"].isin(["name-exact", *(f"{kind}-exact" for kind in matching.kinds)])
        methods: dict[str, pd.Series] = {
            FITTED: measured["score"] >= fitted,
            "cascade, declared threshold": measured["status"] == "linked",
            "exact names only": exact & (measured["status"] == "linked"),
        }
        for method, linked in methods.items():
            rows += _measures(half, method, measured, linked, measured["is_right"])
        rows += _measures(
            half, "token sets", measured, measured["token_set"] >= TOKEN_SET_MIN, measured["token_set_right"]
        )
    return MatchEvaluation(tuple(rows), thresholds)


def fit_threshold(half: pd.DataFrame) -> float:
    """Return the lowest score from which the similar names of a half are right often enough, 1 when none is.

    Identifiers and exact names score 1 and are not counted. It is halfway to the next lower score.
    """
    scores = half[half["method"] == FUZZY].sort_values("score", ascending=False)
    right = scores["is_right"].astype(int).cumsum()
    precise = (right / range(1, len(scores) + 1)) >= PRECISION_MIN
    last = scores.groupby("score", sort=False).tail(1).index  # all of one score are linked together
    good = [index for index in last if precise[index] and scores.loc[index, "is_right"]]
    if not good:
        return 1.0
    lowest = float(scores.loc[good[-1], "score"])
    below = scores.loc[scores["score"] < lowest, "score"]
    return (lowest + float(below.max())) / 2 if len(below) else lowest


def half_of(firm: str) -> str:
    """Return the half that a firm's labels are in, by a hash of the letters of its name."""
    letters = "".join(letter for letter in firm.upper() if letter.isalnum())
    return HALVES[hashlib.sha256(letters.encode()).digest()[0] % 2]


def _measures(
    half: str, method: str, measured: pd.DataFrame, linked: pd.Series, is_right: pd.Series
) -> Iterable[dict[str, Any]]:
    groups: list[tuple[str, pd.Series]] = [(ALL, pd.Series(True, index=measured.index))]
    groups += [(str(name), measured["category"] == name) for name in sorted(measured["category"].unique())]
    groups += [
        (f"by {name}", measured["method"] == name) for name in sorted(measured["method"].dropna().unique())
    ]
    for group, of in groups:
        found = linked & of
        right = int((found & is_right).sum())
        labelled = int((measured["gold_sbir_name"].notna() & of).sum())
        count = int(found.sum())
        yield {
            "half": half,
            "method": method,
            "group": group,
            "names": int(of.sum()),
            "linked": count,
            "right": right,
            "precision": right / count if count else None,
            "recall": right / labelled if labelled else None,
        }


def _read(file: Path) -> pd.DataFrame:
    reader = "read_parquet" if file.suffix == ".parquet" else "read_csv"
    options = "" if file.suffix == ".parquet" else ", all_varchar = true"
    try:
        return connect().execute(f"SELECT * FROM {reader}({quoted_path(file)}{options})").df()
    except duckdb.Error as error:
        raise InputError(
            f"{file} cannot be read: {str(error).splitlines()[0]}", remedy="Give a CSV file."
        ) from error


def _firms(labelled: pd.DataFrame, files: Sequence[Path]) -> pd.DataFrame:
    """Return each name of a firm once, with its most frequent place: of the files and of the labels."""
    names = [pd.DataFrame({"name": labelled["gold_sbir_name"].dropna()})]
    if "candidate_sbir_name" in labelled.columns:
        columns = {"candidate_sbir_name": "name", "candidate_city": "city", "candidate_state": "state"}
        names.append(labelled.rename(columns=columns)[list(columns.values())])
    for file in files:
        frame = _read(file)
        found = choose_columns(frame.columns, ("name", "city", "state"), {}, file)
        names.append(frame[list(found.values())].set_axis(list(found), axis=1))
    together = pd.concat(names, ignore_index=True).reindex(columns=["name", "city", "state"])
    connection = connect()
    connection.register("together", together)
    return connection.execute(
        "WITH places AS (SELECT upper(name) AS firm, city, state, count(*) AS times FROM together "
        "WHERE state IS NOT NULL GROUP BY ALL), usual AS (SELECT firm, "
        "arg_max({'city': city, 'state': state}, {'times': times, 'state': state, 'city': city}) AS place "
        "FROM places GROUP BY firm) SELECT DISTINCT name, place.city AS city, place.state AS state "
        "FROM together "
        "LEFT JOIN usual ON firm = upper(name) WHERE name IS NOT NULL ORDER BY name"
    ).df()


def _scored(
    settings: Settings, matching: Matching, labelled: pd.DataFrame, firms: pd.DataFrame
) -> pd.DataFrame:
    """Return the labels with the best match of each, and whether it is right; exact ones score 1."""
    left = labelled.rename(columns={"fpds_name": "name", "fpds_city": "city", "fpds_state": "state"})
    everything = matching.model_copy(update={"review": 0.0001, "link": matching.link})
    with Cascade(settings, everything) as cascade:
        load_frame(cascade, "left", left)
        load_frame(cascade, "right", firms)
        load_decisions(cascade, [])
        cascade.prepare()
        connection = cascade.connection
        total = connection.execute(f"SELECT count(*) FROM {cascade.input('records')}").fetchone()
        table = cascade.match(1, total[0] if total else 0)
        connection.register("labelled", labelled.assign(row=range(1, len(labelled) + 1)))
        columns = ("name", *matching.input_columns)
        same = " AND ".join(f"f.{name} IS NOT DISTINCT FROM r.{name}" for name in columns)
        found = connection.execute(
            f"WITH gold AS (SELECT DISTINCT name, normal_name FROM {cascade.table('stg_right')}), "
            f"token_sets AS ({_token_sets(cascade)}) "
            f"SELECT g.*, m.status, m.method, m.score, firm.name AS matched_name, t.ratio AS token_set, "
            f"coalesce(gold.normal_name = firm.normal_name, false) AS is_right, "
            f"coalesce(gold.normal_name = t.normal_name, false) AS token_set_right "
            f"FROM labelled AS g JOIN {cascade.input('file_left')} AS f ON f.row = g.row "
            f"JOIN {cascade.input('records')} AS r ON {same} JOIN {table} AS m ON m.record = r.record "
            f"LEFT JOIN {cascade.table('stg_right')} AS firm ON firm.right_row = m.matched_row "
            f"LEFT JOIN token_sets AS t ON t.record = r.record "
            f"LEFT JOIN gold ON gold.name = g.gold_sbir_name ORDER BY g.row"
        ).df()
    names = found["gold_sbir_name"].fillna(found["fpds_name"])
    return found.assign(half=[half_of(str(name)) for name in names])


def _token_sets(cascade: Cascade) -> str:
    """Return SQL for the best firm by shared words alone, as a share of the shorter name: the baseline."""

    def words(table: str, key: str) -> str:
        split = "string_split(trim(regexp_replace(upper(name), '[^A-Z0-9]+', ' ', 'g')), ' ')"
        return f"SELECT {key}, unnest(list_distinct({split})) AS word FROM {cascade.table(table)}"

    lefts, rights = words("stg_left", "record"), words("stg_right", "right_row")
    counted = "SELECT {key}, count(*) AS words FROM ({words}) GROUP BY {key}"
    return (
        f"SELECT s.record, arg_max(firm.normal_name, (ratio, -s.right_row)) AS normal_name, "
        f"max(ratio) AS ratio "
        f"FROM (SELECT l.record, r.right_row, count(*) / least(max(lw.words), max(rw.words)) AS ratio "
        f"FROM ({lefts}) AS l JOIN ({rights}) AS r ON r.word = l.word "
        f"JOIN ({counted.format(key='record', words=lefts)}) AS lw ON lw.record = l.record "
        f"JOIN ({counted.format(key='right_row', words=rights)}) AS rw ON rw.right_row = r.right_row "
        f"GROUP BY l.record, r.right_row) AS s "
        f"JOIN {cascade.table('stg_right')} AS firm ON firm.right_row = s.right_row "
        f"GROUP BY s.record"
    )


@dataclass(frozen=True)
class TitleEvaluation:
    """How often the occupation of a title is found: first, among the first five; how many links are right.

    A title of several occupations is right with any of them.
    """

    titles: int
    first: int
    among_five: int
    linked: int
    linked_right: int

    def as_json(self) -> dict[str, Any]:
        """Return counts and shares as one object."""
        shares = {
            "top_1": self.first / self.titles,
            "top_5": self.among_five / self.titles,
            "precision": self.linked_right / self.linked if self.linked else None,
        }
        return {**vars(self), **shares}


def evaluate_titles(settings: Settings, matching: Matching, labels: Path, sample: int = 0) -> TitleEvaluation:
    """Match titles of known occupations with the reference without them; raises InputError for other files.

    All labelled titles are taken out of the reference, also as written without or within their brackets.
    `sample` measures so many of them, chosen by a hash of the title.
    """
    frame = _read(labels)
    columns = choose_columns(frame.columns, ("name", "soc"), {}, labels)
    if "soc" not in columns:
        raise InputError(f"{labels.name} has no column of occupations.", remedy="Name it soc.")
    labelled = pd.DataFrame({name: frame[column].str.strip() for name, column in columns.items()})
    known = labelled.assign(soc=labelled["soc"].str[:SOC_LETTERS]).groupby("name")["soc"].agg(frozenset)
    titles = sorted(known.index)
    if sample:
        titles = sorted(titles, key=lambda title: hashlib.sha256(title.encode()).digest())[:sample]
    reference = pd.read_parquet(TITLES).rename(columns={"title": "name"})
    gone = {part for title in known.index for part in _spellings(title)}
    with Cascade(settings, matching) as cascade:
        load_frame(cascade, "left", pd.DataFrame({"name": sorted(titles)}))
        load_frame(cascade, "right", reference[~reference["name"].str.casefold().isin(gone)])
        load_decisions(cascade, [])
        cascade.prepare()
        rights, table = cascade.input("file_right"), cascade.match(1, len(titles))
        found = cascade.connection.execute(
            f"SELECT l.name, m.status, r.soc, list_transform(m.candidates, c -> c.right_row) AS others "
            f"FROM {table} AS m JOIN {cascade.input('left')} AS l USING (record) "
            f"LEFT JOIN {rights} AS r ON r.row = m.matched_row"
        ).fetchall()
        occupation = dict(cascade.connection.execute(f"SELECT row, soc FROM {rights}").fetchall())
    ranked = []
    for name, status, best, rows in found:
        socs = [*filter(None, [best]), *(occupation[row] for row in rows or ())]
        ranked.append((known[name], status, list(dict.fromkeys(socs))))
    return TitleEvaluation(
        titles=len(ranked),
        first=sum(bool(right & set(socs[:1])) for right, _, socs in ranked),
        among_five=sum(bool(right & set(socs[:5])) for right, _, socs in ranked),
        linked=sum(status == LINKED for _, status, _ in ranked),
        linked_right=sum(status == LINKED and bool(right & set(socs[:1])) for right, status, socs in ranked),
    )


def _spellings(title: str) -> set[str]:
    """Return a title, without its brackets, and what is within them: Sales Vice President (Sales VP)."""
    within = re.findall(r"\(([^)]+)\)", title)
    without = re.sub(r"\s*\([^)]*\)", "", title)
    return {part.strip().casefold() for part in (title, without, *within)}
