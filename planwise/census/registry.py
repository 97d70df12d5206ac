"""Stored censuses: list, load, save, choose the one in use."""

import hashlib
import json
import os
import platform
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib.metadata import version
from os.path import lexists
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, Field

from planwise.census.levels import check_level_names
from planwise.census.mapping import PAY_QUANTILES
from planwise.census.market import copy_market, read_market
from planwise.census.schema import (
    ARROW_SCHEMA,
    DEFAULT_RATING,
    GROUPINGS,
    LEVELS_SCHEMA,
    OPTIONAL_FACTS,
    RESERVED_ID_PREFIX,
)
from planwise.errors import DamagedStore, InputError
from planwise.masking import mask_values
from planwise.settings import Settings
from planwise.storage import (
    digest,
    move,
    publish_folder,
    read_each,
    read_object,
    reading,
    remove_partial,
    replace_link,
    require_content,
    write_text,
)

DEFAULTS: Mapping[str, Any] = {
    "birth_date": None,
    "gender": None,
    "ethnicity": None,
    "performance_rating": DEFAULT_RATING,
    "fte": 1,
} | dict.fromkeys(GROUPINGS)


def decimal_array(unscaled: npt.NDArray[np.int64], kind: pa.Decimal128Type) -> pa.Array:
    """Return unscaled integers (cents for money) as exact decimals, without a loop over rows."""
    words = np.empty((len(unscaled), 2), dtype="<i8")
    words[:, 0] = unscaled
    words[:, 1] = unscaled >> 63
    return pa.Array.from_buffers(kind, len(unscaled), [None, pa.py_buffer(words.tobytes())])


def unscaled_integers(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return a decimal column's unscaled integers (cents for money)."""
    parts = [
        np.frombuffer(chunk.buffers()[1], dtype="<i8")[2 * chunk.offset : 2 * (chunk.offset + len(chunk)) : 2]
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _decimals(values: pd.Series, kind: pa.Decimal128Type) -> pa.Array:
    numbers = pd.to_numeric(values).to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise InputError(f"Column {values.name} holds a value that is not a number.")
    return decimal_array(np.rint(numbers * 10**kind.scale).astype(np.int64), kind)


def _arrow_column(values: pd.Series, field: pa.Field) -> pa.Array:
    if pa.types.is_decimal(field.type):
        return _decimals(values, field.type)
    if pa.types.is_date(field.type):
        return pa.array(
            pd.to_datetime(values, format="ISO8601").astype("datetime64[s]"), from_pandas=True
        ).cast(pa.date32())
    return pa.array(values, type=field.type, from_pandas=True)


def _table(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    missing = [name for name in schema.names if name not in frame.columns]
    if missing:
        raise InputError(f"Missing columns {', '.join(missing)}; found {', '.join(map(str, frame.columns))}.")
    try:
        arrays = [_arrow_column(frame[field.name].reset_index(drop=True), field) for field in schema]
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise InputError(f"The table does not have the declared types: {mask_values(str(error))}") from error
    for column, array in zip(schema, arrays, strict=True):
        if not column.nullable and array.null_count:
            raise InputError(f"Column {column.name} is required but {array.null_count} rows have no value.")
    return pa.table(arrays, schema=schema)


def census_table(frame: pd.DataFrame) -> pa.Table:
    """Return the canonical census, sorted by employee id, optional columns filled with their defaults.

    `frame` has the columns of the schema (base_pay in USD); raises InputError on missing columns or values,
    duplicate or reserved ids, and pay that is not positive.
    """
    table = _table(
        frame.assign(**{k: v for k, v in DEFAULTS.items() if k not in frame.columns}), ARROW_SCHEMA
    )
    ids = table["employee_id"]
    if len(ids) == 0:
        raise InputError("A census needs at least one employee; this one has none.")
    if pc.count_distinct(ids).as_py() != len(ids):
        raise InputError("Employee ids are not unique.")
    if pc.any(pc.starts_with(ids, RESERVED_ID_PREFIX)).as_py():
        raise InputError(
            f"Employee ids must not start with {RESERVED_ID_PREFIX}, reserved for simulated hires."
        )
    if unscaled_integers(table["base_pay"]).min() <= 0:
        raise InputError("base_pay must be above 0 for every employee.")
    return table.sort_by("employee_id").combine_chunks()


def levels_table(frame: pd.DataFrame) -> pa.Table:
    """Return the canonical pay ranges, lowest level first; the midpoint is computed from the range.

    Raises InputError unless the levels are consecutive and their midpoints rise. Ranges may overlap.
    """
    ordered = frame.sort_values("level_id").assign(midpoint=lambda f: 0)
    table = _table(ordered, LEVELS_SCHEMA)
    low, high = unscaled_integers(table["minimum"]), unscaled_integers(table["maximum"])
    middle = (low + high + 1) // 2
    ids = table["level_id"].to_pylist()
    for position, level in enumerate(ids):
        if low[position] <= 0 or low[position] >= high[position]:
            raise InputError(
                f"Level {level}: the minimum {low[position] / 100:.2f} must be above 0 and below the maximum "
                f"{high[position] / 100:.2f}."
            )
        if position and (middle[position] <= middle[position - 1] or level != ids[position - 1] + 1):
            raise InputError(
                f"Levels {ids[position - 1]}, {level} do not rise: the midpoint of one is "
                f"{middle[position - 1] / 100:.2f}, of the next {middle[position] / 100:.2f}.",
                remedy="Give consecutive levels, each with a range whose midpoint is above the one before.",
            )
    midpoints = decimal_array(middle, LEVELS_SCHEMA.field("midpoint").type)
    return table.set_column(3, LEVELS_SCHEMA.field("midpoint"), midpoints)


def content_hash(as_of: date, census: pa.Table, levels: pa.Table) -> str:
    """Return the SHA-256 of the census content: date, rows in id order, ranges; not of file bytes.

    A column that earlier versions did not know counts only when the census has it: old hashes stay.
    """
    digest = hashlib.sha256(f"planwise-census-1|{as_of.isoformat()}|{census.num_rows}".encode())
    for table in (census, levels):
        for column in table.schema:
            if column.name in GROUPINGS and table[column.name].null_count == len(table):
                continue
            digest.update(f"|{column.name}:{column.type}|".encode())
            _update(digest, table[column.name], column.type)
    return digest.hexdigest()


def _update(digest: Any, column: pa.ChunkedArray, kind: pa.DataType) -> None:
    if pa.types.is_string(kind):
        values = column.to_pylist()
        digest.update(np.array([-1 if v is None else len(v) for v in values], dtype="<i4").tobytes())
        digest.update("".join(v for v in values if v is not None).encode())
    elif pa.types.is_decimal(kind):
        digest.update(unscaled_integers(column).astype("<i8").tobytes())
    else:
        numbers = column.cast(pa.int32()).fill_null(np.iinfo(np.int32).min)
        digest.update(numbers.to_numpy().astype("<i4").tobytes())


NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
RESERVED_NAMES = frozenset({"current"})
VERSIONS = ".versions"
MANIFEST, CENSUS, LEVELS = "manifest.json", "census.parquet", "levels.parquet"
REMEDY = (
    "Import it again: `planwise census import FILE --name {name}`; or restore a backup of the folder, or put "
    "another census in use: `planwise census use NAME`."
)
AROUND_MEDIANS = "ranges around median pay"  # ends what the levels come from
RANGES_GIVEN = "; ranges given"  # the same, once ranges were edited
READER_MAX_AGE = timedelta(hours=6)  # a simulation may still read a superseded version; none takes that long


@dataclass(frozen=True)
class Census:
    """One registered census; the files are immutable: another import of the same name gets other files."""

    name: str
    content_hash: str
    as_of: date
    rows: int
    census_file: Path
    levels_file: Path
    availability: dict[str, bool]
    levels_from: str = "given"
    source: dict[str, Any] = field(default_factory=dict)
    created_at: str = ""
    market: dict[str, Any] = field(default_factory=dict)

    @property
    def first_year(self) -> int:
        """The first simulated year: the census of 31 December and the one of 1 January open the same year."""
        return (self.as_of - timedelta(days=1)).year + 1

    @property
    def currency(self) -> str:
        """The ISO code or mark of its pay's currency; empty where it states none."""
        return str(self.source.get("currency") or "")

    @property
    def has_derived_ranges(self) -> bool:
        """Whether its pay ranges were derived from its pay, not given by a file, a mapping or an edit."""
        derived = AROUND_MEDIANS in self.levels_from or self.levels_from.startswith(PAY_QUANTILES)
        return derived and not self.levels_from.endswith(RANGES_GIVEN)


def name_from(file: Path) -> str:
    """Return the census name that a file name gives: `Payroll 2025.csv.gz` is `payroll_2025`."""
    stem = re.sub(r"(\.(csv|tsv|txt|xlsx|xls|xlsm|xlsb|ods|parquet|gz))+$", "", file.name.lower())
    return re.sub(r"[^a-z0-9]+", "_", stem).strip("_")[:64] or "census"


def check_name(name: str) -> str:
    """Return a valid census name; raises InputError otherwise."""
    if not NAME_PATTERN.fullmatch(name) or name in RESERVED_NAMES:
        raise InputError(
            f"{name!r} is not a census name.",
            remedy="Use 1 to 64 lower-case letters, digits, underscores (none first); not 'current'.",
        )
    return name


def register_census(
    settings: Settings,
    name: str,
    rows: pd.DataFrame,
    levels: pd.DataFrame,
    *,
    as_of: date,
    source: Mapping[str, Any] | None = None,
    availability: Mapping[str, bool] | None = None,
    levels_from: str = "given",
    use: bool = True,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Census:
    """Write the census under `name` and, with `use`, put it in use; unchanged content is not written again.

    `rows` and `levels` have the columns of the schema, pay in USD; raises InputError when they violate it.
    """
    check_name(name)
    census, ranges = census_table(rows), levels_table(levels)
    digest = content_hash(as_of, census, ranges)
    known = {fact: census[fact].null_count < len(census) for fact in OPTIONAL_FACTS} | dict(
        availability or {}
    )
    known = {fact: known[fact] for fact in OPTIONAL_FACTS}
    try:
        existing = _read(settings.censuses_dir / name)
    except DamagedStore:  # which importing again mends
        existing = None
    if existing is None or (existing.content_hash, existing.availability) != (digest, known):
        manifest = {
            "name": name,
            "content_hash": digest,
            "as_of": as_of.isoformat(),
            "rows": census.num_rows,
            "source": dict(source or {"kind": "registered"}),
            "availability": known,
            "levels_from": levels_from,
            "created_at": now().isoformat(),
            "versions": _versions(),
        }
        _publish(settings.censuses_dir, name, (census, ranges), manifest)
    if use:
        use_census(settings, name)
    return load_census(settings, name)


def load_census(settings: Settings, name: str | None = None) -> Census:
    """Return the census of that name, or the one in use; raises InputError when there is none."""
    wanted = check_name(name) if name is not None else census_in_use(settings)
    if wanted is None:
        raise InputError(
            f"No census is in use in {settings.root}.",
            remedy="Run `planwise census import FILE` or `planwise census generate --employees 1000`.",
        )
    census = _read(settings.censuses_dir / wanted)
    if census is None:
        names = ", ".join(_names(settings)) or "none"
        raise InputError(
            f"Unknown census {wanted!r} in {settings.root}; known: {names}.",
            remedy="`planwise census list` shows them; `planwise census use NAME` puts one in use.",
        )
    return census


def list_censuses(settings: Settings) -> tuple[tuple[Census, ...], tuple[DamagedStore, ...]]:
    """Return every registered census, by name, and the errors of those that are damaged."""
    return read_each(_names(settings), partial(load_census, settings))


def _names(settings: Settings) -> tuple[str, ...]:
    if not settings.censuses_dir.is_dir():
        return ()
    links = sorted(settings.censuses_dir.iterdir())
    return tuple(
        link.name
        for link in links
        if NAME_PATTERN.fullmatch(link.name) and link.name not in RESERVED_NAMES and not link.is_file()
    )


def census_in_use(settings: Settings) -> str | None:
    """Return the name of the census in use, None without one."""
    file = settings.censuses_dir / "current"
    if not lexists(file):
        return None
    with reading("The name of the census in use", file, "Run `planwise census use NAME`."):
        name = file.read_text(encoding="utf-8").strip()
        if not NAME_PATTERN.fullmatch(name):
            raise ValueError("it names no census")
        return name


def use_census(settings: Settings, name: str) -> Census:
    """Put a registered census in use; raises InputError when there is no such census."""
    census = load_census(settings, name)
    write_text(settings.censuses_dir / "current", f"{name}\n")
    return census


def rename_levels(settings: Settings, name: str, names: Mapping[int, str]) -> Census:
    """Give levels of a census other names, by level_id; raises InputError. Other content stays.

    The census is another one then: what was simulated on it is out of date.
    """
    census = load_census(settings, name)
    levels = pq.read_table(census.levels_file)
    ids = levels["level_id"].to_pylist()
    new = [
        names.get(level, str(now)).strip() for level, now in zip(ids, levels["name"].to_pylist(), strict=True)
    ]
    check_level_names(new)
    place = levels.schema.get_field_index("name")
    renamed = levels.set_column(place, levels.schema.field(place), pa.array(new, pa.string()))
    return _with_levels(settings, census, renamed, census.levels_from)


def set_ranges(
    settings: Settings,
    name: str,
    ranges: Mapping[int, tuple[float, float]],
    *,
    given: bool = True,
    seen: str | None = None,
) -> Census:
    """Give levels of a census another minimum and maximum, by level_id; raises InputError.

    Levels of people stay. The census is another one then, as by `rename_levels`. `given` is false where the
    ranges that were derived are put back; `seen` is the content hash that the census must still have.
    """
    census = load_census(settings, name)
    if seen is not None and census.content_hash != seen:
        raise InputError(
            f"The census {name} was changed since; its pay ranges were left as they are.",
            remedy="Check its ranges, and edit them again.",
        )
    frame = pq.read_table(census.levels_file).to_pandas()
    for place, column in enumerate(("minimum", "maximum")):
        frame[column] = [
            ranges[level][place] if level in ranges else float(now)
            for level, now in zip(frame["level_id"], frame[column], strict=True)
        ]
    origin = census.levels_from.removesuffix(RANGES_GIVEN) + (RANGES_GIVEN if given else "")
    return _with_levels(settings, census, levels_table(frame), origin)


def _with_levels(settings: Settings, census: Census, levels: pa.Table, levels_from: str) -> Census:
    """Store a census with other levels, unless they are the same, and return it."""
    if levels.equals(pq.read_table(census.levels_file)):
        return census
    rows = pq.read_table(census.census_file)
    known = json.loads((census.census_file.parent / MANIFEST).read_text(encoding="utf-8"))
    changed = {"content_hash": content_hash(census.as_of, rows, levels), "levels_from": levels_from}
    _publish(settings.censuses_dir, census.name, (rows, levels), {**known, **changed}, census)
    return load_census(settings, census.name)


def census_files(settings: Settings, name: str) -> tuple[Path, ...]:
    """Return the link of a census and the folders of all its versions."""
    root = settings.censuses_dir
    versions = [f for f in sorted((root / VERSIONS).glob(f"{name}-*")) if _version_of(name).fullmatch(f.name)]
    return (root / name, *versions)


def _version_of(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name) + r"-[0-9a-z]{8,12}-[0-9a-f]{8}")


class _Manifest(BaseModel, extra="allow"):
    content_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    as_of: date
    rows: Annotated[int, Field(ge=1)]
    source: dict[str, Any]
    availability: dict[str, bool]
    levels_from: str
    created_at: str
    sha256: dict[str, str] = {}  # none in one that an earlier version wrote


def _read(folder: Path) -> Census | None:
    """Return a registered census; None without one, DamagedStore when its files are not as written."""
    if not lexists(folder) or folder.name.startswith("."):
        return None
    store, remedy = f"The census {folder.name!r}", REMEDY.format(name=folder.name)
    if not folder.exists():
        raise DamagedStore(f"{store} is damaged: {folder} leads to no folder.", remedy=remedy)
    version_dir = folder.resolve()
    file = version_dir / MANIFEST
    manifest = read_object(file, store, remedy, _Manifest)
    found = Census(
        name=folder.name,
        content_hash=manifest["content_hash"],
        as_of=date.fromisoformat(manifest["as_of"]),
        rows=manifest["rows"],
        census_file=version_dir / CENSUS,
        levels_file=version_dir / LEVELS,
        availability=dict.fromkeys(OPTIONAL_FACTS, False) | manifest["availability"],
        levels_from=manifest["levels_from"],
        source=manifest["source"],
        created_at=manifest["created_at"],
        market=read_market(version_dir),
    )
    for part, schema in ((found.census_file, ARROW_SCHEMA), (found.levels_file, LEVELS_SCHEMA)):
        with reading(store, part, remedy):
            require_content(part, manifest.get("sha256", {}).get(part.name))
            about = pq.read_metadata(part)
            if missing := set(schema.names) - set(about.schema.names) - set(GROUPINGS):
                raise ValueError(f"it has no {' and no '.join(sorted(missing))}")
            if part == found.census_file and about.num_rows != found.rows:
                raise ValueError(f"it has {about.num_rows} rows, its manifest says {found.rows}")
    return found


def _publish(
    root: Path, name: str, tables: tuple[pa.Table, pa.Table], manifest: Mapping[str, Any], same: Any = None
) -> None:
    store = root / VERSIONS
    nonce = secrets.token_hex(4)
    final = store / f"{name}-{manifest['content_hash'][:12]}-{nonce}"
    with publish_folder(final) as folder:
        pq.write_table(tables[0], folder / CENSUS, compression="zstd")
        pq.write_table(tables[1], folder / LEVELS)
        digests = {name: digest(folder / name) for name in (CENSUS, LEVELS)}
        text = json.dumps({**manifest, "sha256": digests}, indent=2, sort_keys=True)
        (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
        copy_market(same, folder)
    link = root / name
    if link.is_dir() and not link.is_symlink():  # a plain folder, e.g. restored by a tool that follows links
        move(link, store / f"{name}-restored-{nonce}")
    elif link.exists():
        os.utime(link)  # superseded from now on; its age is counted from here
    replace_link(link, Path(VERSIONS) / final.name)
    _prune(store, name, final)


def _prune(store: Path, name: str, current: Path) -> None:
    """Remove superseded versions and partial folders that are too old to be in use."""
    own = _version_of(name)
    oldest_useful = (datetime.now(UTC) - READER_MAX_AGE).timestamp()
    remove_partial(store, older_than_seconds=READER_MAX_AGE.total_seconds())
    for folder in store.iterdir():
        if folder != current and own.fullmatch(folder.name):
            with suppress(FileNotFoundError):  # another process removed it
                if folder.stat().st_mtime < oldest_useful:
                    shutil.rmtree(folder, ignore_errors=True)


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {
        p: version(p) for p in ("planwise", "pandas", "pyarrow", "duckdb")
    }
