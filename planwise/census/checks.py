"""Check the cells of a census: who is employed, the reason for each rejected row, and the report of both."""

import csv
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census.dates import Dates, Order, clean_date, order_of, parse_dates
from planwise.census.numbers import POINT, Money, parse_numbers
from planwise.census.pay import AnnualPay
from planwise.census.schema import (
    BY_NAME,
    DEFAULT_RATING,
    GROUPINGS,
    LEVEL_MAX,
    LEVEL_MIN,
    RATING_MAX,
    RATING_MIN,
    RESERVED_ID_PREFIX,
    folded,
    normalise_header,
    plain_id,
    word_table,
    words,
)
from planwise.errors import GateBlocked, InputError
from planwise.formatting import counted, escape_formula
from planwise.storage import write_json

Bools = npt.NDArray[np.bool_]

AGE_MIN_YEARS, AGE_MAX_YEARS = 14, 100  # 14: the youngest age of ordinary US employment (FLSA)
PAY_MAX_CENTS = 10**11  # a billion USD a year is a typing error
LEVEL = r"(?i)^(?:level|l)?\s*(?P<number>[0-9]+)(?:\.0+)?(?P<percent>%)?$"
NUMBER = r"^(?P<number>[0-9]*[.,]?[0-9]+)\s*(?P<percent>%)?$"
WHOLE = r"^(?P<number>[0-9]+)(?:[.,]0+)?(?P<percent>%)?$"
PERCENT, PERCENT_MIN = 100, 2  # the largest FTE above which the column is taken for percentages
SOON = timedelta(
    days=366
)  # a start or an end within a year is known, a later one is a contract's or an error
KNOWN_LEAVERS_MAX_SHARE = 0.25  # more people with an end within a year have contracts that end, not notices
ROWS_NAMED = 3  # in a notice
STATUS_WORDS_MIN = 0.8  # known words in a column that make it one of statuses
WINDOWS = "cp1252"
TWICE = re.compile("[ÃÂ][\u0080-\u00bf\u0152-\u0178\u2013-\u2122]|â€")
ACTIVE, LEFT, LATER, IGNORE = "active", "left", "later", "ignore"


@dataclass
class Judged:
    """The typed columns, and the rows that break each rule, in order of precedence."""

    typed: dict[str, npt.NDArray[np.generic] | pd.Series] = field(default_factory=dict)
    broken: dict[str, Bools] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def reject(self, reason: str, rows: Bools) -> None:
        """Record rows that break a rule; several columns may share a reason."""
        if rows.any():
            self.broken[reason] = self.broken.get(reason, np.zeros(len(rows), dtype=bool)) | rows


def without_marks(texts: pd.Series, *, is_date: bool = True) -> pd.Series:
    """Return texts with an empty one for every marker of nothing, such as NULL, N/A, - or 0000-00-00."""
    listed = words()["blanks"] + (words()["no_dates"] if is_date else [])
    plain = {
        text: (clean_date(str(text)) if is_date else str(text).strip()).casefold() for text in texts.unique()
    }
    return texts.mask(texts.map(plain).isin(listed), "")


def without_blanks(texts: pd.DataFrame) -> pd.DataFrame:
    """Return the table with an empty text for every marker of an empty cell.

    `NA` in a text column may be North America: it counts as empty where another column has it, too.
    """
    kinds = {name: BY_NAME[str(name)].kind for name in texts}
    na = {name: texts[name].str.casefold() == "na" for name in texts}
    has_na = any(bool(na[name].any()) for name in texts if kinds[name] not in ("text", "id"))
    return pd.DataFrame(
        {
            name: without_marks(texts[name], is_date=kinds[name] == "date").mask(
                na[name] & (has_na | (kinds[name] not in ("text", "id"))), ""
            )
            for name in texts
        },
        index=texts.index,
    )


@dataclass
class Employment:
    """Rows of people who are not employed on the census date, by reason; unreadable rows; notices.

    `order` is that of numeric dates which one of the date columns settles.
    """

    absent: dict[str, Bools]
    unreadable: dict[str, Bools]
    order: Order | None
    notices: list[str] = field(default_factory=list)

    @property
    def out(self) -> Bools:
        """Whether a row is left out for any reason."""
        out: Bools = np.any(list(self.absent.values()), axis=0)
        return out


def employment(
    texts: pd.DataFrame, as_of: date, formats: Mapping[str, str], statuses: Mapping[str, str]
) -> Employment:
    """Return who is not employed on the census date: left, leaving within a year, not started, ignored."""
    none, today = np.zeros(len(texts), dtype=bool), pd.Timestamp(as_of)
    order = shared_order(texts, formats)
    state = _states(texts["active"], statuses) if "active" in texts else pd.Series([ACTIVE] * len(texts))
    hired = parse_dates(texts["hire_date"], as_of, formats.get("hire_date"), order=order).days
    left, soon, unreadable = (state == LEFT).to_numpy(dtype=bool), none, {}
    notices = []
    if "termination_date" in texts:
        ends = parse_dates(
            texts["termination_date"], as_of, formats.get("termination_date"), "termination_date", order=order
        )
        earlier = (ends.days < hired).to_numpy(dtype=bool)
        if earlier.any():
            notices.append(
                f"{counted(int(earlier.sum()), 'row has', 'rows have')} an end date before the hire "
                f"date: it counts as that of an "
                "earlier employment."
            )
        ended = (ends.days <= today).to_numpy(dtype=bool) & ~earlier
        if "active" in texts and (contradicting := ended & (state == ACTIVE).to_numpy(dtype=bool)).any():
            notices.append(
                f"{counted(int(contradicting.sum()), 'row has', 'rows have')} an active status and an "
                f"end date in the past: "
                "they count as left."
            )
        left |= ended
        soon = ((ends.days > today) & (ends.days <= today + SOON)).to_numpy(dtype=bool) & ~left
        if soon.mean() > KNOWN_LEAVERS_MAX_SHARE:
            notices.append(
                f"{counted(int(soon.sum()), 'row has', 'rows have')} an end date within a year. That "
                f"many are taken for ends of "
                "contracts: these people are simulated like all others."
            )
            soon = none
        elif soon.any():
            notices.append(
                f"{counted(int(soon.sum()), 'person', 'people')} with an end date within a year after "
                f"the census date (the first: "
                f"{ends.days[soon].min().date()}) are left out of the plan."
            )
        unreadable["unparsable_termination_date"] = ends.bad
    starts = ((hired > today) & (hired <= today + SOON)).to_numpy(dtype=bool)
    later = ((state == LATER).to_numpy(dtype=bool) | starts) & ~left
    if later.any():
        starters = counted(int(later.sum()), "person", "people")
        notices.append(f"Left out of the plan: {starters} with a start after the census date.")
    ignored = (state == IGNORE).to_numpy(dtype=bool)
    absent = {"ignored_status": ignored, "left": left & ~ignored, "not_started": later & ~ignored}
    absent["known_leaver"] = soon & ~later & ~ignored
    if (unknown := state.isna()).any():
        unreadable["unknown_status"] = unknown.to_numpy(dtype=bool)
        found = texts["active"][unknown].value_counts()
        listed = ", ".join(f"{text!r} ({count:,})" for text, count in found.head(10).items())
        notices.append(
            f"Unknown status: {listed}. State it: `statuses: {{{found.index[0]}: active}}` (or left, ignore)."
        )
    return Employment(absent, unreadable, order, notices)


def shared_order(texts: pd.DataFrame, formats: Mapping[str, str]) -> Order | None:
    """Return the order of numeric dates that one of the date columns settles, for those that do not."""
    for name in map(str, texts):
        if BY_NAME[name].kind == "date" and name not in formats:
            order = order_of([clean_date(str(text)) for text in texts[name].unique()], name)
            if order is not None:
                return order
    return None


def _states(texts: pd.Series, statuses: Mapping[str, str]) -> pd.Series:
    """Return the state of each row by its status word, null where it is unknown."""
    stated = {folded(word): state for word, state in statuses.items()}
    letters = {word for word in map(folded, map(str, texts.unique())) if len(word) == 1 and word.isalpha()}
    table: dict[str, str] = next((found for found in words()["status_letters"] if letters <= set(found)), {})
    alone = letters in ({"t"}, {"f"}, {"n"})  # true, or terminated?
    known = word_table("statuses") | ({} if alone else table) | stated
    parts = [(part, state) for state, listed in words()["status_parts"].items() for part in listed.split()]

    def state_of(text: str) -> str | None:
        word = folded(text.removesuffix(".0"))
        if word in known:
            return known[word]
        return next((str(state) for part, state in parts if part in word), None)

    return texts.map({text: state_of(str(text)) for text in texts.unique()})


def check_status_column(frame: pd.DataFrame, mapped: Collection[str], statuses: Mapping[str, str]) -> None:
    """Raise InputError where a column that is not used says of some rows that they have left."""
    for header in map(str, frame):
        if header in mapped or "status" not in normalise_header(header):
            continue
        texts = without_marks(frame[header], is_date=False)
        texts = texts[(texts != "") & ~texts.map(folded).isin(words()["booleans"].split())]
        states = _states(texts, statuses)
        gone = states[states == LEFT]
        if len(gone) and states.notna().mean() > STATUS_WORDS_MIN and (states == ACTIVE).any():
            raise InputError(
                f"{header!r} says of {counted(len(gone), 'row')} that the person has left (such as "
                f"{texts[gone.index[0]]!r}), and no column is taken for the status.",
                remedy=f"State it in the mapping YAML: `columns: {{active: {header}}}`, or with null for "
                "the header that it is no status.",
            )


def encoding_notes(encoding: str, texts: pd.DataFrame) -> list[str]:
    """Return a note that shows words whose letters follow from an encoding that was not certain."""
    cells = [str(text) for name in ("department", "job_title") for text in texts[name].unique()]
    guessed = encoding == WINDOWS or "guessed" in encoding
    odd = [text for text in cells if (not text.isascii() if guessed else TWICE.search(text))][:ROWS_NAMED]
    if not odd:
        return []
    listed = ", ".join(map(repr, odd))
    if guessed:
        return [f"Read as {encoding}: {listed}. If that is wrong, state the encoding: `--encoding cp1250`."]
    return [f"{listed} was damaged before: UTF-8 that was read as {WINDOWS}."]


def judge(
    texts: pd.DataFrame,
    as_of: date,
    formats: Mapping[str, str],
    order: Order | None,
    money: Money,
    pay: AnnualPay,
) -> Judged:
    """Type the columns of `texts` (schema names, stripped text) and find every row that breaks a rule."""
    judged = Judged()
    _ids(judged, texts)
    _pay(judged, texts, money, pay, formats.get("base_pay"))
    hired = _date(judged, texts, "hire_date", as_of, formats, order)
    judged.reject("missing_hire_date", (texts["hire_date"] == "").to_numpy(dtype=bool))
    judged.reject("hire_after_census_date", (hired.days > pd.Timestamp(as_of)).to_numpy(dtype=bool))
    for column in ("job_title", "department"):
        judged.typed[column] = _one_spelling(judged, texts[column], column)
        judged.reject(f"missing_{column}", (texts[column] == "").to_numpy(dtype=bool))
    if "birth_date" in texts:
        born = _date(judged, texts, "birth_date", as_of, formats, order)
        judged.reject("impossible_age", _impossible_age(born.days, hired.days, as_of))
    for column in ("gender", "ethnicity", *GROUPINGS):
        if column in texts:
            as_written = column in ("gender", "manager_id")
            spelled = texts[column] if as_written else _one_spelling(judged, texts[column], column)
            judged.typed[column] = _category(spelled, word_table("genders") if column == "gender" else {})
    _level(judged, texts)
    _number(
        judged,
        texts,
        "performance_rating",
        WHOLE,
        (RATING_MIN, RATING_MAX),
        DEFAULT_RATING,
        "rating_out_of_range",
    )
    _number(judged, texts, "fte", NUMBER, (0.0001, 1), 1, "fte_out_of_range")
    return judged


def _ids(judged: Judged, texts: pd.DataFrame) -> None:
    """Reject ids that are missing, reserved or ambiguous.

    Of rows that are equal in every mapped column, the first counts. Rows that share an id and differ are all
    rejected, because the correct one is unknown. Ids that differ by case, Unicode form or characters of no
    width only are one id.
    """
    ids = texts["employee_id"]
    judged.typed["employee_id"] = ids
    keys = ids.str.casefold()
    judged.reject("missing_id", (ids == "").to_numpy(dtype=bool))
    judged.reject("reserved_id", ids.str.startswith(RESERVED_ID_PREFIX).to_numpy(dtype=bool))
    copies = texts.assign(employee_id=keys).duplicated(keep="first")
    conflicts = keys.isin(keys[~copies][keys[~copies].duplicated()])
    judged.reject("duplicate_id", ((copies | conflicts) & (ids != "")).to_numpy(dtype=bool))


def _pay(judged: Judged, texts: pd.DataFrame, money: Money, pay: AnnualPay, style: str | None) -> None:
    blank = (texts["base_pay"] == "").to_numpy(dtype=bool)
    if style is None and money.style != POINT:
        judged.notices.append(f"base_pay was read as {money.style}.")
    judged.notices.extend(pay.notices)
    judged.typed["cents"] = pay.cents
    judged.reject("missing_pay", blank)
    judged.reject("contradicting_number_format", money.contradicting)
    judged.reject("unparsable_pay", money.bad & ~blank & ~money.contradicting)
    judged.reject("non_positive_pay", (money.cents <= 0) & ~money.bad)
    judged.reject("implausible_pay", pay.cents > PAY_MAX_CENTS)
    for reason, rows in pay.rejected.items():
        judged.reject(reason, rows)


def _date(
    judged: Judged,
    texts: pd.DataFrame,
    column: str,
    as_of: date,
    formats: Mapping[str, str],
    order: Order | None,
) -> Dates:
    dates = parse_dates(
        texts[column], as_of, formats.get(column), column, past=column == "birth_date", order=order
    )
    judged.typed[column] = dates.days
    judged.reject(f"unparsable_{column}", dates.bad | dates.open_end)
    judged.notices.extend(dates.notices)
    if dates.placeholder.any():
        listed = dates.days[dates.placeholder].value_counts()
        shown = ", ".join(f"{pd.Timestamp(str(day)).date()} ({count:,})" for day, count in listed.items())
        judged.notices.append(f"{column} has placeholder dates: {shown}. Tenure and age count from them.")
    return dates


def _one_spelling(judged: Judged, texts: pd.Series, column: str) -> pd.Series:
    """Return the most frequent spelling of texts that differ by case and spaces only."""
    counts = texts.value_counts()
    plain = [plain_id(str(text)).casefold() for text in counts.index]
    keys = pd.Series([" ".join(text.split()) for text in plain], index=counts.index)
    spelling = {key: text for text, key in reversed(list(keys.items()))}
    changed = {text: spelling[key] for text, key in keys.items() if spelling[key] != text}
    if changed:
        examples = ", ".join(f"{text!r} as {kept!r}" for text, kept in list(changed.items())[:ROWS_NAMED])
        spellings = counted(len(changed), "spelling is", "spellings are")
        judged.notices.append(f"{column}: {spellings} taken as another's: {examples}.")
    return texts.replace(changed) if changed else texts


def _impossible_age(born: pd.Series, hired: pd.Series, as_of: date) -> Bools:
    """Under 14 or over 100 at the census date, or hired before 14."""
    today = pd.Timestamp(as_of)
    youngest = today - pd.DateOffset(years=AGE_MIN_YEARS)
    oldest = today - pd.DateOffset(years=AGE_MAX_YEARS + 1)
    too_early = _as_number(born) + AGE_MIN_YEARS * 10_000 > _as_number(hired)
    impossible: Bools = ((born > youngest) | (born <= oldest) | too_early).to_numpy(dtype=bool)
    return impossible


def _as_number(days: pd.Series) -> pd.Series:
    """Return yyyymmdd, which orders as dates do and to which whole years can be added."""
    number: pd.Series = days.dt.year * 10_000 + days.dt.month * 100 + days.dt.day
    return number


def _category(texts: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Return one spelling per group; blank and 'unknown' are None."""
    plain, unknown = texts.str.casefold(), frozenset(words()["unknown_groups"])
    named = texts.map({text: names.get(folded(str(text))) for text in texts.unique()})
    return named.fillna(texts).where(~plain.isin(unknown | {""}), None)


def _level(judged: Judged, texts: pd.DataFrame) -> None:
    if "level_id" not in texts:
        return
    level = parse_numbers(texts["level_id"], LEVEL)
    bad = ~((level >= LEVEL_MIN) & (level <= LEVEL_MAX))
    judged.typed["level_id"] = np.where(bad, 0, level).astype(np.int64)
    judged.reject("level_out_of_range", bad)


def _number(
    judged: Judged,
    texts: pd.DataFrame,
    column: str,
    pattern: str,
    limits: tuple[float, float],
    default: int,
    reason: str,
) -> None:
    if column not in texts:
        return
    blank = (texts[column] == "").to_numpy(dtype=bool)
    numbers = parse_numbers(texts[column], pattern)
    if column == "fte" and PERCENT_MIN < np.nanmax(numbers, initial=0) <= PERCENT:
        numbers = np.where(numbers > 1, numbers / PERCENT, numbers)
        judged.notices.append("fte was read as percentages.")
    bad = ~blank & ~((numbers >= limits[0]) & (numbers <= limits[1]))
    if blank.any():
        missing = int(blank.sum())
        given = "row was" if missing == 1 else "rows were"
        judged.notices.append(f"{missing} {given} given {column} {default}, having none.")
    judged.typed[column] = np.where(blank | bad, default, numbers)
    judged.reject(reason, bad)


REPORT_FILE, REJECTS_FILE = "report.json", "rejects.csv"


@dataclass(frozen=True)
class ImportReport:
    """Counts: rows_read = rows_accepted + rows_rejected + rows_filtered; blank lines are not rows.

    `reject_reasons` counts each rejected row once, by its first reason. `census` is None if it failed.
    """

    census: str | None
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_filtered: int
    reject_reasons: dict[str, int]
    filter_reasons: dict[str, int]
    valid_share: float
    valid_share_min: float
    as_of: str
    levels_from: str
    levels: list[dict[str, Any]]
    columns: dict[str, str]
    columns_guessed: list[str]
    columns_dropped: list[str]
    constants: dict[str, str]
    filter: str | None
    notices: list[str]
    source: dict[str, Any]
    content_hash: str | None
    rejects_file: Path
    report_file: Path
    first_rejects: tuple[str, ...] = ()  # such as "line 3 (missing_pay)"

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return asdict(self) | {"rejects_file": str(self.rejects_file), "report_file": str(self.report_file)}

    def as_json(self) -> dict[str, Any]:
        """Return what `planwise census import --json` prints of an import that registered nothing."""
        return self.as_dict() | {"in_use": False}

    def write(self) -> None:
        """Write the JSON report atomically."""
        write_json(self.report_file, self.as_dict(), indent=2)


def write_rejects(path: Path, rejects: pd.DataFrame) -> None:
    """Write the rejected rows as CSV that a spreadsheet shows as text and never runs as a formula."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rejects.columns)
        writer.writerows(
            [escape_formula(str(cell)) for cell in row] for row in rejects.itertuples(index=False)
        )


class ImportBlocked(GateBlocked):
    """Too few rows are valid: nothing was registered; `report` says which rows and why."""

    def __init__(self, report: ImportReport) -> None:
        rows = f"The first: {', '.join(report.first_rejects)}."
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in report.reject_reasons.items())
        super().__init__(
            f"{report.rows_rejected:,} of {report.rows_accepted + report.rows_rejected:,} rows are not "
            f"valid: {report.valid_share:.3%} valid, {report.valid_share_min:.3%} needed ({reasons}). "
            f"Nothing was registered. {rows}",
            remedy=f"Every rejected row with its reasons: {report.rejects_file}. Correct the file, or leave "
            "such rows out on purpose with `filter:` in a mapping YAML. The setting "
            "PLANWISE_VALID_ROWS_MIN_SHARE (such as 0.9) accepts a smaller share.",
        )
        self.report = report
