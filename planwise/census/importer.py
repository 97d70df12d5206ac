"""Import a payroll file: read, map, check row by row, assign levels, store the census, report the rows."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from planwise.census.checks import (
    REJECTS_FILE,
    REPORT_FILE,
    Bools,
    ImportBlocked,
    ImportReport,
    Judged,
    check_status_column,
    employment,
    encoding_notes,
    judge,
    without_blanks,
    without_marks,
    write_rejects,
)
from planwise.census.dates import Order, check_census_date, parse_dates
from planwise.census.filters import kept_rows
from planwise.census.identity import (
    changed_ids,
    id_spellings,
    identify_people,
    installation_key,
    manager_ids,
    numbered,
    person_ids,
    pseudonyms,
)
from planwise.census.levels import (
    NO_LEVEL,
    Levels,
    by_pay_quantiles,
    by_ranges,
    by_title,
    range_table,
    ranges_around_medians,
    with_names,
)
from planwise.census.mapping import (
    PAY_QUANTILES,
    RANGES,
    CensusMapping,
    Range,
    ResolvedMapping,
    keep_mapping,
    kept_mapping,
    load_mapping,
    resolve_columns,
)
from planwise.census.numbers import parse_money
from planwise.census.pay import annual_pay, full_time_pay, part_time_notes, sum_rows
from planwise.census.reader import SourceFile, first_lines, read_source
from planwise.census.registry import (
    AROUND_MEDIANS,
    Census,
    check_name,
    name_from,
    register_census,
)
from planwise.census.schema import (
    OPTIONAL_FACTS,
    is_direct_identifier,
    is_last_hire,
)
from planwise.census.synthetic import default_levels
from planwise.errors import InputError, PlanWiseError
from planwise.settings import Settings


@dataclass(frozen=True)
class Reading:
    """A checked file with levels, not registered; `rows` and `ranges` have the schema's columns, pay in USD.

    `ids` are the employee ids of every row of the file, including filtered and rejected rows. `headers` are
    those of the file, `plan` is what was stated.
    """

    name: str
    rows: pd.DataFrame
    ranges: pd.DataFrame
    availability: dict[str, bool]
    ids: frozenset[str]
    report: ImportReport
    headers: tuple[str, ...]
    plan: CensusMapping


@dataclass(frozen=True)
class ImportResult:
    """The registered census and the import report."""

    census: Census
    report: ImportReport


LINES_NAMED = 5


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
        notices=[*reading.report.notices, *changed_ids(settings, reading.rows["employee_id"])],
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
    kept = keep_mapping(settings.root, reading.plan, reading.headers, name_from(Path(report.source["file"])))
    if kept is not None:
        report.notices.append(f"What was stated is kept for the next file with this header: {kept}")
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
    reports: Path | None = None,
    on_source: Callable[[SourceFile, CensusMapping], None] = lambda source, plan: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Reading:
    """Import without registering: check every row, assign levels, write report and rejects.

    `name` is by default from the file name. `as_of`, `levels` and `options` (keys of the mapping) override
    the mapping; `row_filter` adds to its own. Report and rejects are written to the folder `reports`, by
    default one in the home. `on_source` gets the cells before they are checked. Raises InputError on a file
    or mapping that cannot be used, and ImportBlocked, with report and rejects written, when fewer rows than
    `settings.valid_rows_min_share` are valid.
    """
    census_name = check_name(name or name_from(file))
    plan = _plan(load_mapping(mapping), options or {}, levels, row_filter)
    stated = [header for header in plan.columns.values() if header]
    source = read_source(file, plan.sheet, encoding=plan.encoding, skip_rows=plan.skip_rows, headers=stated)
    on_source(source, plan)
    offer = None if isinstance(mapping, Mapping) else _offer(settings, plan, source)
    try:
        reading = _checked(settings, source, plan, as_of or plan.as_of, census_name, reports, now)
    except PlanWiseError as error:
        error.remedy = " ".join(filter(None, (error.remedy, offer))) or None
        raise
    if offer:
        reading = replace(reading, report=replace(reading.report, notices=[offer, *reading.report.notices]))
    return reading


def _offer(settings: Settings, plan: CensusMapping, source: SourceFile) -> str | None:
    """Return how to use the mapping of an earlier file with the same headers, where none is stated."""
    kept = kept_mapping(settings.root, list(source.frame.columns))
    if kept is None or plan.model_dump(exclude_defaults=True, exclude={"as_of"}):
        return None
    return (
        "A file with this header was imported with a mapping before. To use it: `planwise census import "
        f"{shlex.quote(str(source.path))} --mapping {shlex.quote(str(kept))}`."
    )


def _checked(
    settings: Settings,
    source: SourceFile,
    plan: CensusMapping,
    day: date | None,
    census_name: str,
    reports: Path | None,
    now: Callable[[], datetime],
) -> Reading:
    """Map and check the rows of a file, assign levels, write report and rejects."""
    file = source.path
    columns = resolve_columns(list(source.frame.columns), plan, first_lines(source))
    notices = list(source.notices)
    if day is None:
        day = now().astimezone().date()
        notices.append(f"No census date was given; {day} (today) is used. Set it with `--as-of`.")
    check_census_date(day)
    frame, hashed = _without_identifiers(settings, source.frame, columns, notices)
    columns, frame = _with_last_hire(columns, frame, notices)
    notices.extend(columns.choices)
    kept = kept_rows(frame, plan.filter) if plan.filter else np.ones(len(frame), dtype=bool)
    if not hashed:
        frame[columns.headers["employee_id"]], notes = id_spellings(frame[columns.headers["employee_id"]])
        notices.extend(notes)
    if manager := columns.headers.get("manager_id"):
        frame[manager], notes = manager_ids(
            frame[manager], frame[columns.headers["employee_id"]], partial(installation_key, settings.root)
        )
        notices.extend(notes)
    ids = frozenset(frame[columns.headers["employee_id"]]) - {""}
    frame, lines = frame[kept], source.lines[kept]
    texts = without_blanks(_schema_texts(frame, columns, plan))
    notices.extend(encoding_notes(source.details.get("encoding", ""), texts))
    if "active" not in texts and "active" not in plan.columns:
        check_status_column(frame, columns.headers.values(), plan.statuses)
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
    if plan.namesakes is not None:
        texts["employee_id"] = _numbered(texts, day, formats, status.order, hashed, notices)
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
    if "fte" not in texts:
        judged.notices.extend(part_time_notes(frame))
    judged.notices.extend(remarks)
    settled, levels_from = _levels(texts, judged, plan)
    if settled is not None and plan.level_names:
        settled = with_names(settled, plan.level_names)
    accepted = ~_any_broken(judged, len(texts))
    rejects = _rejects(texts, lines, judged, source)
    read = len(source.frame) + len(source.malformed)
    folder = reports or _report_folder(settings, census_name, now())
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
        headers=tuple(map(str, source.frame.columns)),
        plan=plan,
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


def _without_identifiers(
    settings: Settings, frame: pd.DataFrame, columns: ResolvedMapping, notices: list[str]
) -> tuple[pd.DataFrame, bool]:
    """Drop identifying columns, hash those that ids come from; return also whether ids are hashes.

    Later steps never see them.
    """
    header = columns.headers["employee_id"]
    key = partial(installation_key, settings.root)
    if columns.person:
        ids = person_ids(frame[list(columns.person)], key())
        notices.append(
            f"The file has no ids: they are made of {', '.join(map(repr, columns.person))}, so that the same "
            "person has the same id in the next file of this home. A changed name is a new person."
        )
    elif is_direct_identifier(header) or identify_people(frame[header]):
        ids = pseudonyms(frame[header], key())
        notices.append(f"The ids of {header!r} name people: keyed hashes of them are stored.")
    else:
        return frame.drop(columns=list(columns.dropped)), False
    return frame.drop(columns=list(columns.dropped)).assign(**{header: ids}), True


def _numbered(
    texts: pd.DataFrame,
    day: date,
    formats: Mapping[str, str],
    order: Order | None,
    hashed: bool,
    notices: list[str],
) -> pd.Series:
    if not hashed:
        raise InputError(
            "`namesakes: number` is for ids that are made of names; these come from a column of ids.",
            remedy="Leave it out: rows that share an id are rejected and listed.",
        )
    hired = parse_dates(texts["hire_date"], day, formats.get("hire_date"), order=order).days
    ids, note = numbered(texts["employee_id"], texts, hired)
    notices.extend([note] if note else [])
    return ids


def _with_last_hire(
    columns: ResolvedMapping, frame: pd.DataFrame, notices: list[str]
) -> tuple[ResolvedMapping, pd.DataFrame]:
    """Return columns and rows with the date from which tenure counts: the last hire, else the one before."""
    header, others = columns.headers.get("hire_date", ""), columns.alternatives.get("hire_date", ())
    if not others or not is_last_hire(header):
        return columns, frame
    dates, empty = frame[header], without_marks(frame[header]) == ""
    for other in others:
        dates = dates.where(~empty, frame[other])
        empty = without_marks(dates) == ""
    later = int((without_marks(frame[header]) != "").sum())
    if later == len(frame) or (dates == frame[header]).all():
        return columns, frame
    main = others[0]
    if later:
        notices.append(
            f"hire_date: {later:,} {'row has' if later == 1 else 'rows have'} a {header!r}, from which "
            f"tenure counts; the others have theirs from {main!r}. State one column for all: "
            f"`columns: {{hire_date: {main}}}`."
        )
        frame = frame.assign(**{main: dates})
    rest = {"hire_date": (() if later else (header,)) + tuple(o for o in others if o != main)}
    headers = columns.headers | {"hire_date": main}
    return replace(columns, headers=headers, alternatives=columns.alternatives | rest), frame


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
            return Levels(
                level, range_table(plan.ranges, contiguous=False)
            ), f"{origin}, ranges of the mapping"
        ranges = ranges_around_medians(cents[valid], level[valid])
        return Levels(level, ranges), f"{origin}, {AROUND_MEDIANS}"
    if plan.ranges:
        raise InputError("The mapping has `ranges:` but nothing uses them.", remedy="Add `levels: ranges`.")
    settled = by_pay_quantiles(cents[valid])
    everyone = np.zeros(len(texts), dtype=np.int64)
    everyone[valid] = settled.level_id
    how = "asked for" if plan.levels == PAY_QUANTILES else "by default, the file has no levels"
    return replace(settled, level_id=everyone), f"{PAY_QUANTILES} ({how})"


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
