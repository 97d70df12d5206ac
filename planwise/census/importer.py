"""Import a payroll file: read, map, check row by row, assign levels, store the census, report the rows."""

import csv
import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planwise.census.checks import Bools, Judged, employment, judge, without_blanks
from planwise.census.dates import check_census_date
from planwise.census.levels import (
    NO_LEVEL,
    Levels,
    by_pay_quantiles,
    by_ranges,
    by_title,
    range_table,
    ranges_from_levels,
)
from planwise.census.mapping import (
    PAY_QUANTILES,
    RANGES,
    CensusMapping,
    Range,
    ResolvedMapping,
    load_mapping,
    resolve_columns,
)
from planwise.census.numbers import parse_money
from planwise.census.pay import annual_pay, full_time_pay, sum_rows
from planwise.census.reader import SourceFile, first_lines, kept_rows, read_source
from planwise.census.registry import (
    Census,
    census_in_use,
    check_name,
    load_census,
    name_from,
    register_census,
)
from planwise.census.schema import (
    OPTIONAL_FACTS,
    identify_people,
    is_direct_identifier,
    loose_id,
    normalise_header,
)
from planwise.census.synthetic import default_levels
from planwise.errors import GateBlocked, InputError
from planwise.formatting import escape_formula
from planwise.settings import Settings
from planwise.storage import create_file, write_json

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


@dataclass(frozen=True)
class Reading:
    """A checked file with levels, not registered; `rows` and `ranges` have the schema's columns, pay in USD.

    `ids` are the employee ids of every row of the file, including filtered and rejected rows.
    """

    name: str
    rows: pd.DataFrame
    ranges: pd.DataFrame
    availability: dict[str, bool]
    ids: frozenset[str]
    report: ImportReport


@dataclass(frozen=True)
class ImportResult:
    """The registered census and the import report."""

    census: Census
    report: ImportReport


KEY_FILE = "identity.key"
KEY_BYTES = 32
ID_HEX_DIGITS = 20  # 80 bits: no collision to expect among a million people
LINES_NAMED = 5


def installation_key(home: Path) -> bytes:
    """Return the key of this installation, created on first use (mode 0600); it links ids to people."""
    path = home / KEY_FILE
    if not path.exists():
        create_file(path, secrets.token_bytes(KEY_BYTES))
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise InputError(
            f"{path} is damaged: {len(key)} bytes, not {KEY_BYTES}.", remedy="Restore it from a backup."
        )
    return key


def pseudonyms(identifiers: pd.Series, key: bytes) -> pd.Series:
    """Return `H` and a keyed hash per identifier, whatever its case and punctuation; blank stays blank."""

    def pseudonym(identifier: str) -> str:
        canonical = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", identifier).casefold())
        return (
            f"H{hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()[:ID_HEX_DIGITS]}"
            if canonical
            else ""
        )

    codes, distinct = pd.factorize(identifiers)
    return (
        pd.Series([pseudonym(str(d)) for d in distinct], dtype=object).take(codes).set_axis(identifiers.index)
    )


IMPORTS_FOLDER = "imports"


def import_census(
    settings: Settings,
    file: Path,
    *,
    use: bool = True,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    **how: Any,
) -> ImportResult:
    """Import `file` without a gate: register it and, with `use`, put it in use.

    `how` are the options of `read_census`, which says what is raised; the census in use is then unchanged.
    """
    return register_reading(settings, read_census(settings, file, now=now, **how), use=use, now=now)


def register_reading(
    settings: Settings,
    reading: Reading,
    *,
    use: bool = True,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ImportResult:
    """Register a checked file under its name and, with `use`, put it in use; write the report again."""
    report = replace(
        reading.report,
        notices=[*reading.report.notices, *_changed_ids(settings, reading.rows["employee_id"])],
    )
    census = register_census(
        settings,
        reading.name,
        reading.rows,
        reading.ranges,
        as_of=date.fromisoformat(report.as_of),
        source=report.source
        | {"rows_read": report.rows_read, "filter": report.filter, "columns": report.columns},
        availability=reading.availability,
        levels_from=report.levels_from,
        use=use,
        now=now,
    )
    report = replace(report, census=census.name, content_hash=census.content_hash)
    report.write()
    return ImportResult(census, report)


def read_census(
    settings: Settings,
    file: Path,
    *,
    mapping: Path | Mapping[str, Any] | None = None,
    as_of: date | None = None,
    levels: str | None = None,
    row_filter: str | None = None,
    options: Mapping[str, Any] | None = None,
    name: str | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Reading:
    """Import without registering: check every row, assign levels, write report and rejects.

    `name` is by default from the file name. `as_of`, `levels` and `options` (keys of the mapping) override
    the mapping; `row_filter` adds to its own. Raises InputError on a file or mapping that cannot be used, and
    ImportBlocked, with report and rejects written, when fewer rows than `settings.valid_rows_min_share` are
    valid.
    """
    census_name = check_name(name or name_from(file))
    plan = _plan(load_mapping(mapping), options or {}, levels, row_filter)
    stated = [header for header in plan.columns.values() if header]
    source = read_source(file, plan.sheet, encoding=plan.encoding, skip_rows=plan.skip_rows, headers=stated)
    columns = resolve_columns(list(source.frame.columns), plan, first_lines(source))
    notices = list(source.notices)
    day = as_of or plan.as_of
    if day is None:
        day = now().astimezone().date()
        notices.append(f"No census date was given; {day} (today) is used. Set it with `--as-of`.")
    check_census_date(day)
    frame = _without_identifiers(settings, source.frame, columns)
    columns = _with_last_hire(columns, frame)
    notices.extend(columns.choices)
    kept = kept_rows(frame, plan.filter) if plan.filter else np.ones(len(frame), dtype=bool)
    ids = frozenset(frame[columns.headers["employee_id"]]) - {""}
    frame, lines = frame[kept], source.lines[kept]
    texts = without_blanks(_schema_texts(frame, columns, plan))
    formats = {column: f for column, f in plan.formats.items() if column not in plan.constants}
    money = parse_money(texts["base_pay"], formats.get("base_pay"))
    sums = sum_rows(money.cents)
    if sums.any():
        notices.append(
            f"Left out as sums of other rows: lines {', '.join(map(str, lines[sums][:LINES_NAMED]))}."
        )
    status = employment(texts, day, formats, plan.statuses)
    out = status.out | sums
    absent = {reason: int((rows & ~sums).sum()) for reason, rows in status.absent.items()}
    notices.extend(status.notices)
    frame, texts = frame[~out].reset_index(drop=True), texts[~out].reset_index(drop=True)
    lines = lines[~out]
    if texts.empty and not source.malformed:
        raise InputError(
            f"No row of {file.name} is left: the filter or the termination columns exclude all.",
            remedy=" ".join(status.notices) or None,
        )
    money = money.rows(~out)
    pay = annual_pay(money, columns.headers.get("base_pay", ""), frame, lines, plan)
    judged = judge(texts, day, formats, status.order, money, pay)
    for reason, rows in status.unreadable.items():
        judged.reject(reason, rows[~out])
    fte = np.asarray(judged.typed.get("fte", np.ones(len(texts))), dtype=float)
    cents, remarks = full_time_pay(
        pay.cents, fte, texts["job_title"], ~_any_broken(judged, len(texts)), plan.pay_is
    )
    judged.typed["cents"] = cents
    judged.notices.extend(remarks)
    settled, levels_from = _levels(texts, judged, plan)
    accepted = ~_any_broken(judged, len(texts))
    rejects = _rejects(texts, lines, judged, source)
    read = len(source.frame) + len(source.malformed)
    folder = _report_folder(settings, census_name, now())
    report = ImportReport(
        census=None,
        rows_read=read,
        rows_accepted=int(accepted.sum()),
        rows_rejected=len(rejects),
        rows_filtered=read - int(accepted.sum()) - len(rejects),
        reject_reasons={str(k): int(v) for k, v in rejects["reason"].value_counts().items()},
        filter_reasons={"filter": int((~kept).sum()), "left": absent.pop("left")}
        | {reason: count for reason, count in ({"sum_of_rows": int(sums.sum())} | absent).items() if count},
        valid_share=float(accepted.sum() / (accepted.sum() + len(rejects))),
        valid_share_min=settings.valid_rows_min_share,
        as_of=day.isoformat(),
        levels_from=levels_from,
        levels=_records(settled.ranges) if settled else [],
        columns=columns.headers,
        columns_guessed=list(columns.guessed),
        columns_dropped=list(columns.dropped),
        constants=plan.constants,
        filter=plan.filter,
        notices=[*notices, *judged.notices, *(settled.notices if settled else ())],
        source={"kind": source.kind, "file": file.name, "sha256": source.sha256}
        | source.details
        | ({"currency": pay.currency} if pay.currency else {}),
        content_hash=None,
        rejects_file=folder / REJECTS_FILE,
        report_file=folder / REPORT_FILE,
        first_rejects=tuple(
            f"line {row.line} ({row.reason})" for row in rejects.head(LINES_NAMED).itertuples()
        ),
    )
    write_rejects(report.rejects_file, rejects)
    if settled is None or report.valid_share < settings.valid_rows_min_share:
        report.write()
        raise ImportBlocked(report)
    report.write()
    return Reading(
        name=census_name,
        rows=_rows(judged, settled, accepted),
        ranges=settled.ranges,
        availability={fact: fact in judged.typed for fact in OPTIONAL_FACTS},
        ids=ids,
        report=report,
    )


def _plan(
    mapping: CensusMapping, options: Mapping[str, Any], levels: str | None, row_filter: str | None
) -> CensusMapping:
    """Return the mapping with the command line's options."""
    if given := {key: value for key, value in options.items() if value is not None}:
        mapping = load_mapping(mapping.model_dump(exclude_unset=True) | given)
    if levels is not None:
        if levels not in (PAY_QUANTILES, RANGES):
            raise InputError(f"--levels {levels!r} is unknown.", remedy=f"Give {PAY_QUANTILES} or {RANGES}.")
        mapping = mapping.model_copy(update={"levels": levels})
    if row_filter is not None:
        both = f"({mapping.filter}\n) AND ({row_filter}\n)" if mapping.filter else row_filter
        mapping = mapping.model_copy(update={"filter": both})
    return mapping


def _without_identifiers(settings: Settings, frame: pd.DataFrame, columns: ResolvedMapping) -> pd.DataFrame:
    """Drop identifying columns, and hash the one used as employee id; later steps never see them."""
    frame = frame.drop(columns=list(columns.dropped))
    id_header = columns.headers["employee_id"]
    if is_direct_identifier(id_header) or identify_people(frame[id_header]):
        frame = frame.assign(**{id_header: pseudonyms(frame[id_header], installation_key(settings.root))})
    return frame


def _changed_ids(settings: Settings, ids: pd.Series) -> list[str]:
    """Return a note where ids match those of the census in use only without case, leading zeros or `.0`."""
    name = census_in_use(settings)
    if name is None:
        return []
    known = pd.read_parquet(load_census(settings, name).census_file, columns=["employee_id"])["employee_id"]
    new, old = set(ids) - set(known), set(known) - set(ids)
    changed = {loose_id(identifier) for identifier in new} & {loose_id(identifier) for identifier in old}
    if not changed:
        return []
    return [
        f"{len(changed):,} ids match those of {name}, the census in use, only without case, leading zeros or "
        ".0: a comparison by id takes them for other people. Export ids as text."
    ]


def _with_last_hire(columns: ResolvedMapping, frame: pd.DataFrame) -> ResolvedMapping:
    """Return the columns with the date from which tenure counts: the last hire, unless it is often empty."""
    header, others = columns.headers.get("hire_date"), columns.alternatives.get("hire_date", ())
    if header is None or not others or "last" not in normalise_header(header):
        return columns
    if ((frame[header] == "") & (frame[others[0]] != "")).any():
        headers = columns.headers | {"hire_date": others[0]}
        rest = (header, *others[1:])
        return replace(columns, headers=headers, alternatives=columns.alternatives | {"hire_date": rest})
    return columns


def _schema_texts(frame: pd.DataFrame, columns: ResolvedMapping, plan: CensusMapping) -> pd.DataFrame:
    """Return the mapped columns and the constants as text under their schema names."""
    texts = {name: frame[header] for name, header in columns.headers.items()}
    constants = {
        name: pd.Series(value, index=frame.index, dtype=object) for name, value in plan.constants.items()
    }
    return pd.DataFrame(texts | constants, index=frame.index)


def _levels(texts: pd.DataFrame, judged: Judged, plan: CensusMapping) -> tuple[Levels | None, str]:
    """Assign levels and ranges; None when no valid row is left."""
    cents = np.asarray(judged.typed["cents"], dtype=np.int64)
    table = plan.ranges or tuple(Range(**row) for row in _records(default_levels()))
    stated = "the mapping's ranges" if plan.ranges else "the default ranges"
    if isinstance(plan.levels, dict):
        by_map = by_title(texts["job_title"], plan.levels)
        judged.typed["level_id"] = by_map
        judged.reject("title_without_level", by_map == NO_LEVEL)
    elif plan.levels == RANGES:
        settled = by_ranges(cents, table)
        judged.reject("pay_outside_ranges", (settled.level_id == NO_LEVEL) & (cents > 0))
        return settled, f"pay in {stated}"
    valid = ~_any_broken(judged, len(texts))
    if not valid.any():
        return None, "none: no valid row"
    if "level_id" in judged.typed and plan.levels != PAY_QUANTILES:
        level = np.asarray(judged.typed["level_id"], dtype=np.int64)
        origin = "title" if isinstance(plan.levels, dict) else "file"
        if plan.ranges:
            return Levels(level, range_table(plan.ranges)), f"{origin}, ranges of the mapping"
        return Levels(
            level, ranges_from_levels(cents[valid], level[valid])
        ), f"{origin}, ranges by median pay"
    if plan.ranges:
        raise InputError("The mapping has `ranges:` but nothing uses them.", remedy="Add `levels: ranges`.")
    settled = by_pay_quantiles(cents[valid])
    everyone = np.zeros(len(texts), dtype=np.int64)
    everyone[valid] = settled.level_id
    how = "asked for" if plan.levels == PAY_QUANTILES else "by default, the file has no levels"
    return replace(settled, level_id=everyone), f"pay-quantiles ({how})"


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _any_broken(judged: Judged, rows: int) -> Bools:
    broken = np.zeros(rows, dtype=bool)
    for rule in judged.broken.values():
        broken |= rule
    return broken


def _rejects(texts: pd.DataFrame, lines: Any, judged: Judged, source: SourceFile) -> pd.DataFrame:
    """Return one row per reject: line, reasons, and the mapped values (identifiers only hashed)."""
    rows = np.flatnonzero(_any_broken(judged, len(texts)))
    reasons = [[reason for reason, rule in judged.broken.items() if rule[row]] for row in rows]
    found = texts.iloc[rows]
    found.insert(0, "line", lines[rows])
    found.insert(1, "reason", [r[0] for r in reasons])
    found.insert(2, "other_reasons", ["; ".join(r[1:]) for r in reasons])
    malformed = [
        {"line": line, "reason": "wrong_field_count", "other_reasons": f"{fields} fields"}
        for line, fields in source.malformed
    ]
    unfit = pd.DataFrame(malformed, dtype=object).reindex(columns=found.columns, fill_value="")
    return pd.concat([found.astype(object), unfit]).sort_values("line")


def _rows(judged: Judged, settled: Levels, accepted: Bools) -> pd.DataFrame:
    """Return the accepted rows with the columns of the schema."""
    columns = {k: v for k, v in judged.typed.items() if k not in ("cents", "level_id")}
    frame = pd.DataFrame(
        columns | {"base_pay": np.asarray(judged.typed["cents"]) / 100, "level_id": settled.level_id}
    )
    return frame.loc[accepted].reset_index(drop=True)


def _report_folder(settings: Settings, name: str, moment: datetime) -> Path:
    folder = settings.root / IMPORTS_FOLDER / f"{moment:%Y%m%dT%H%M%S%f}-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
