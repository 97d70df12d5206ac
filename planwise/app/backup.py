"""Back up a home while it is used, and restore it: one archive, with the checksum of every file.

The archive is `tar --zstd`; its last member, `backup.json`, lists the files. Ledger and databases are copied
by the engines' own means, the warehouse under its lock; other files are replaced whole or only grow.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import URL, make_url

from planwise import archive
from planwise.app.runner import Runner, require_not_stopped
from planwise.archive import ArchiveContents
from planwise.errors import Busy, InputError, MachineError
from planwise.formatting import counted
from planwise.governance import Action, EventType, LedgerUnusable, open_ledger, require_role
from planwise.governance.connection import SQLITE, connect, copy_rows, ensure_current, read_head
from planwise.governance.request import Bounds, Request
from planwise.jobs import JobFolder
from planwise.settings import FILE, Settings
from planwise.storage import (
    MEGABYTE,
    OWNER_ONLY,
    PARTIAL,
    hold_lock,
    is_locked,
    make_folder,
    move,
    partial_path,
)
from planwise.study.optuna_storage import load_studies, save_studies

SUFFIX = ".tar.zst"
LEDGER, STUDY_DATABASE = "ledger.sqlite", "study_database"
# By name, so that a file that is not PlanWise's never leaves the home. Caches, logs and worker databases are
# made again; `.env`, the key of the cookies and the dashboard's link are secrets, which no archive may have.
FOLDERS = ("censuses", "imports", "jobs", "learning", "published", "rates", "studies", "sweeps")
FILES = ("identity.key", "home.id", "auth/users.json")
KEPT = (FILE, "auth/cookie_secret", "units.env")  # of a home that is replaced; the last is of systemd units
PREFECT = "prefect/prefect.db"
SHOWN_SHARE = 0.05  # of the bytes, between two lines of progress


class BackupRequest(Request):
    """Write a backup of the home."""

    output: Path | None = Field(
        default=None, description="File to write; default a new one in PLANWISE_BACKUPS_DIR."
    )
    keep: Annotated[int | None, Bounds(low=1)] = Field(
        default=None, description="Number of newest backups to keep in that folder; default all."
    )


class RestoreRequest(Request):
    """Restore a backup into the home."""

    file: Path = Field(description="Archive that `planwise backup` wrote.")
    check: bool = Field(default=False, description="Check the archive only; nothing is written.")
    replace: bool = Field(
        default=False, description="Replace a home that is there; it is kept beside the new one."
    )


@dataclass(frozen=True)
class Backup:
    """A written backup: its size, files, and the head of the audit trail in it."""

    output: Path
    bytes: int
    files: int
    head: str
    made_at: datetime
    removed: tuple[Path, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the backup as one object."""
        return asdict(self)


@dataclass(frozen=True)
class Restored:
    """What was restored, or with `--check` would be; `replaced` is where the earlier home is now."""

    file: Path
    home: Path
    made_at: datetime
    planwise: str
    files: int
    head: str
    restored: bool
    replaced: Path | None = None
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the result as one object."""
        return asdict(self)


def back_up(settings: Settings, request: BackupRequest, run: Runner) -> Backup:
    """Copy the home's stores, write the archive, read it again, record it; delete backups beyond `keep`."""
    require_role(settings, Action.MAINTAIN)
    made_at = datetime.now(UTC)
    output = request.output or settings.backup_folder / f"planwise_{made_at:%Y%m%dT%H%M%SZ}{SUFFIX}"
    if output.exists():
        raise InputError(f"{output} exists already.", remedy="Choose another file.")
    with _staged(settings) as staging:
        head = run(copy_stores, settings, staging, run)
        require_not_stopped(run, "the archive was written")
        contents = run(write_archive, settings, staging, output, made_at, head, run)
    run(check_archive, output)
    with open_ledger(settings) as ledger:
        facts = {
            "file": output.name,
            "bytes": output.stat().st_size,
            "files": len(contents.files),
            "head": head,
        }
        ledger.events.record(EventType.EXPORT, subject="backup", payload=facts)
    removed = run(remove_old_backups, settings, request.keep) if request.keep else ()
    return Backup(output, output.stat().st_size, len(contents.files), head, made_at, removed)


@contextmanager
def _staged(settings: Settings) -> Iterator[Path]:
    """Yield a folder for copies, in the home because of its disk; it is removed afterwards."""
    staging = partial_path(settings.root / "backup")
    make_folder(staging)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def copy_stores(settings: Settings, staging: Path, run: Runner) -> str:
    """Copy what changes in place, and link what is published, while no other process writes the warehouse.

    Returns the head of the audit trail in the copy.
    """
    with hold_lock(
        settings.warehouse_lock_file,
        "back up",
        timeout_seconds=settings.lock_timeout_seconds,
        flow_run=run.flow_run,
        on_wait=run.log,
    ):
        for file in (settings.warehouse_file, settings.warehouse_file.with_name("warehouse.duckdb.wal")):
            if file.exists():
                shutil.copyfile(file, staging / file.name)
        _link(settings.published_dir, staging / settings.published_dir.name)
        _copy_ledger(settings, staging / LEDGER)
    if (prefect := settings.root / PREFECT).exists():
        make_folder((staging / PREFECT).parent)
        _copy_sqlite(prefect, staging / PREFECT)
    if settings.study_storage_url:
        make_folder(staging / STUDY_DATABASE)
        save_studies(settings, staging / STUDY_DATABASE)
    return _head(URL.create(SQLITE, database=str(staging / LEDGER)))


def _link(folder: Path, target: Path) -> None:
    """Make hard links of the files below a folder, which are replaced and never changed."""
    for file in _files(folder):
        place = target / file.relative_to(folder)
        make_folder(place.parent)
        os.link(file, place, follow_symlinks=False)


def _copy_ledger(settings: Settings, file: Path) -> None:
    """Copy the ledger at one moment into a SQLite file, from SQLite or PostgreSQL."""
    url = make_url(settings.ledger)
    if url.get_backend_name() == SQLITE:
        _copy_sqlite(Path(str(url.database)), file)
        return
    with closing(_Engines(url, URL.create(SQLITE, database=str(file)))) as engines:
        ensure_current(engines.target)
        copy_rows(engines.source, engines.target)


class _Engines:
    """Two open databases."""

    def __init__(self, source: "str | URL", target: "str | URL") -> None:
        self.source, self.target = connect(source), connect(target)

    def close(self) -> None:
        self.source.dispose()
        self.target.dispose()


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite database that others may be writing, by SQLite's own means."""
    read_only = f"{source.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(read_only, uri=True)) as found, closing(sqlite3.connect(target)) as copy:
        found.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    target.chmod(OWNER_ONLY)


def _head(url: "str | URL") -> str:
    engine = connect(url)
    try:
        return read_head(engine)
    finally:
        engine.dispose()


def write_archive(
    settings: Settings, staging: Path, output: Path, made_at: datetime, head: str, run: Runner
) -> ArchiveContents:
    """Write staged copies and the home's other files into the archive; an unfinished one is removed."""
    members = {str(file.relative_to(staging)): file for file in _files(staging)}
    for name in (*FOLDERS, *FILES):
        if name != settings.published_dir.name:
            found = _files(settings.root / name)
            members |= {str(file.relative_to(settings.root)): file for file in found}
    shown = 0.0

    def show(done: int, total: int) -> None:
        nonlocal shown
        if done / total - shown >= SHOWN_SHARE or done == total:
            shown = done / total
            run.advance("backup", shown, f"{done / MEGABYTE:,.0f} of {total / MEGABYTE:,.0f} MB")

    return archive.write(output, members, made_at=made_at, head=head, progress=show)


def _files(place: Path) -> list[Path]:
    """Return the files and links below a place, or the file itself; no locks, no unfinished files."""
    if place.is_file() and not place.is_symlink():
        return [place]
    found = []
    for folder, folders, files in os.walk(place):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = [name for name in folders if PARTIAL not in name and name not in links]
        found += [Path(folder) / name for name in (*files, *links) if _belongs(name)]
    return sorted(found)


def _belongs(name: str) -> bool:
    return PARTIAL not in name and name != "lock" and not name.endswith(".lock")


def check_archive(file: Path) -> ArchiveContents:
    """Read an archive to its end and compare every file with its checksum; raises DamagedStore."""
    return archive.read(file)


def restore(settings: Settings, request: RestoreRequest, run: Runner) -> Restored:
    """Check an archive and put its home in place by one rename; with `check`, only read it.

    Raises InputError when there is a home and `replace` is not given, Busy while it is used.
    """
    home = settings.root
    if request.check:
        contents = run(check_archive, request.file)
        return _restored(request.file, home, contents, restored=False)
    _require_place(home, request.replace)
    fresh = partial_path(home)
    make_folder(home.parent)
    try:
        contents = run(extract_archive, request.file, fresh)
        with _unused(settings):
            for kept in KEPT:
                if (home / kept).is_file():
                    make_folder((fresh / kept).parent)
                    shutil.copy2(home / kept, fresh / kept)
            _restore_databases(settings, fresh, contents)
            replaced = _put_in_place(fresh, home, contents.made_at)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    with open_ledger(settings) as ledger:
        check = ledger.events.verify()
        facts = {"file": request.file.name, "made_at": contents.made_at, "head": contents.head}
        ledger.events.record(EventType.DATA_LOADED, subject="backup", payload={"change": "restored", **facts})
    problem = None if check.ok else f"The audit trail in it is broken: {check.problem}."
    return _restored(request.file, home, contents, restored=True, replaced=replaced, problem=problem)


def _restored(file: Path, home: Path, contents: ArchiveContents, **more: Any) -> Restored:
    return Restored(
        file, home, contents.made_at, contents.planwise, len(contents.files), contents.head, **more
    )


def extract_archive(file: Path, folder: Path) -> ArchiveContents:
    """Extract an archive into a new folder, every file checked."""
    make_folder(folder)
    return archive.read(file, folder)


def _require_place(home: Path, replace: bool) -> None:
    if home.is_dir() and os.path.ismount(home):
        raise InputError(
            f"{home} is the root of a disk or volume, which cannot be replaced as a whole.",
            remedy=f"Restore into a folder in it: --home {home / 'planwise'}, and use that as PLANWISE_HOME.",
        )
    used = home.is_dir() and any(path.name != FILE for path in home.iterdir())
    if used and not replace:
        raise InputError(
            f"The home {home} is not empty.",
            remedy="Restore into another one with --home, or add --replace, which keeps this one beside it.",
        )


@contextmanager
def _unused(settings: Settings) -> Iterator[None]:
    """Hold the home's lock; raises Busy while something runs in it, Forbidden for a role that may not."""
    if not settings.root.is_dir() or not any(settings.root.iterdir()):
        yield
        return
    with suppress(LedgerUnusable):  # what is damaged is what a restore mends
        require_role(settings, Action.MAINTAIN)
    if is_locked(settings.root / "up.lock"):
        raise Busy(f"`planwise up` is running in {settings.root}.", remedy="Stop it, then restore.")
    jobs = settings.jobs_dir.iterdir() if settings.jobs_dir.is_dir() else ()
    if running := sorted(folder.name for folder in jobs if JobFolder(folder).is_locked):
        raise Busy(
            f"{counted(len(running), 'job is', 'jobs are')} running in {settings.root}: "
            f"{', '.join(running)}.",
            remedy="Wait for them to end, or cancel them.",
        )
    with hold_lock(settings.warehouse_lock_file, "restore", timeout_seconds=0, on_wait=None):
        yield


def _restore_databases(settings: Settings, fresh: Path, contents: ArchiveContents) -> None:
    """Put ledger and studies where the settings say."""
    studies = fresh / STUDY_DATABASE
    if studies.is_dir():
        load_studies(settings, studies)
        shutil.rmtree(studies)
    url = make_url(settings.ledger)
    if url.get_backend_name() == SQLITE and Path(str(url.database)) == settings.root / LEDGER:
        return
    source = URL.create(SQLITE, database=str(fresh / LEDGER))
    with closing(_Engines(source, url)) as engines:
        ensure_current(engines.source)
        ensure_current(engines.target)
        if read_head(engines.target) != contents.head:  # else an interrupted restore has copied it
            copy_rows(engines.source, engines.target)
    (fresh / LEDGER).unlink()


def _put_in_place(fresh: Path, home: Path, made_at: datetime) -> Path | None:
    """Rename the new home into place; return where the earlier one is now."""
    replaced = None
    try:
        if home.is_dir() and any(home.iterdir()):
            replaced = home.with_name(f"{home.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            move(home, replaced)
        move(fresh, home)
    except OSError as error:
        if replaced is not None and not home.exists():
            move(replaced, home)
        raise MachineError(
            f"{home} cannot be replaced: {error.strerror}.",
            remedy="Restore into another folder with --home.",
        ) from error
    return replaced


def backups(settings: Settings) -> list[Path]:
    """Return the backups in the folder for them, newest first."""
    return sorted(settings.backup_folder.glob(f"planwise_*{SUFFIX}"), reverse=True)


def remove_old_backups(settings: Settings, keep: int) -> tuple[Path, ...]:
    """Delete all but the newest backups."""
    gone = tuple(backups(settings)[keep:])
    for file in gone:
        file.unlink(missing_ok=True)
    return gone
