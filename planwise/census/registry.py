"""The censuses of a home: each one an immutable version behind a name, switched atomically.

`censuses/<name>` is a link to `censuses/.versions/<name>-<hash>-<nonce>`; a version is published as a whole
folder, and only then does the link move. A process killed at any point leaves the old census or the new one.
"""

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
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from planwise.census.schema import OPTIONAL_FACTS
from planwise.census.table import census_table, content_hash, levels_table
from planwise.errors import InputError
from planwise.settings import Settings
from planwise.storage import is_partial, move, publish_folder, remove_partial, replace_link, write_text

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
RESERVED_NAMES = frozenset({"current"})
VERSIONS = ".versions"
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

    @property
    def first_year(self) -> int:
        """The first simulated year: the census of 31 December and the one of 1 January open the same year."""
        return (self.as_of - timedelta(days=1)).year + 1


def check_name(name: str) -> str:
    """Return the name if a census may have it; raises InputError otherwise."""
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
    """Write the census under `name` and, with `use`, put it in use; the same content writes nothing again.

    `rows` and `levels` have the columns of the schema, pay in USD; raises InputError when they break it.
    """
    check_name(name)
    census, ranges = census_table(rows), levels_table(levels)
    digest = content_hash(as_of, census, ranges)
    known = {fact: census[fact].null_count < len(census) for fact in OPTIONAL_FACTS} | dict(
        availability or {}
    )
    known = {fact: known[fact] for fact in OPTIONAL_FACTS}
    existing = _read(settings.censuses_dir / name)
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
        _publish(settings.censuses_dir, name, census, ranges, manifest)
    if use:
        use_census(settings, name)
    return load_census(settings, name)


def load_census(settings: Settings, name: str | None = None) -> Census:
    """Return the census of that name, or the one in use; raises InputError when there is none."""
    wanted = check_name(name) if name is not None else census_in_use(settings)
    if wanted is None:
        raise InputError(
            f"No census is in use in {settings.root}.",
            remedy="`planwise census import FILE` or `planwise census generate --employees 1000` makes one.",
        )
    census = _read(settings.censuses_dir / wanted)
    if census is None:
        names = ", ".join(found.name for found in list_censuses(settings)) or "none"
        raise InputError(
            f"There is no census {wanted!r} in {settings.root}; there is: {names}.",
            remedy="`planwise census list` shows them; `planwise census use NAME` puts one in use.",
        )
    return census


def list_censuses(settings: Settings) -> tuple[Census, ...]:
    """Return every registered census, by name."""
    if not settings.censuses_dir.is_dir():
        return ()
    found = (
        _read(folder)
        for folder in sorted(settings.censuses_dir.iterdir())
        if not folder.name.startswith(".") and not is_partial(folder)
    )
    return tuple(census for census in found if census is not None)


def census_in_use(settings: Settings) -> str | None:
    """Return the name of the census in use, None when no one is."""
    try:
        return (settings.censuses_dir / "current").read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def use_census(settings: Settings, name: str) -> Census:
    """Put a registered census in use; raises InputError when there is no such census."""
    census = load_census(settings, name)
    write_text(settings.censuses_dir / "current", f"{name}\n")
    return census


def _read(folder: Path) -> Census | None:
    try:
        version_dir = folder.resolve(strict=True)
        manifest = json.loads((version_dir / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except json.JSONDecodeError as error:
        raise InputError(
            f"The manifest of census {folder.name!r} is damaged: {error}", remedy="Import it again."
        ) from error
    return Census(
        name=folder.name,
        content_hash=manifest["content_hash"],
        as_of=date.fromisoformat(manifest["as_of"]),
        rows=manifest["rows"],
        census_file=version_dir / "census.parquet",
        levels_file=version_dir / "levels.parquet",
        availability=manifest["availability"],
        levels_from=manifest["levels_from"],
        source=manifest["source"],
        created_at=manifest["created_at"],
    )


def _publish(root: Path, name: str, census: pa.Table, levels: pa.Table, manifest: Mapping[str, Any]) -> None:
    store = root / VERSIONS
    nonce = secrets.token_hex(4)
    final = store / f"{name}-{manifest['content_hash'][:12]}-{nonce}"
    with publish_folder(final) as folder:
        pq.write_table(census, folder / "census.parquet", compression="zstd")
        pq.write_table(levels, folder / "levels.parquet")
        (folder / "manifest.json").write_text(
            json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8"
        )
    link = root / name
    if link.is_dir() and not link.is_symlink():  # a plain folder, e.g. restored by a tool that follows links
        move(link, store / f"{name}-restored-{nonce}")
    elif link.exists():
        os.utime(link)  # superseded from now on: its age as such begins
    replace_link(link, Path(VERSIONS) / final.name)
    _prune(store, name, final)


def _prune(store: Path, name: str, current: Path) -> None:
    """Remove superseded versions and partial folders that are too old to be in use."""
    own = re.compile(re.escape(name) + r"-[0-9a-z]{8,12}-[0-9a-f]{8}")
    oldest_useful = (datetime.now(UTC) - READER_MAX_AGE).timestamp()
    remove_partial(store, older_than_seconds=READER_MAX_AGE.total_seconds())
    for folder in store.iterdir():
        if folder != current and own.fullmatch(folder.name):
            with suppress(FileNotFoundError):  # another process was first
                if folder.stat().st_mtime < oldest_useful:
                    shutil.rmtree(folder, ignore_errors=True)


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {
        p: version(p) for p in ("planwise", "pandas", "pyarrow", "duckdb")
    }
