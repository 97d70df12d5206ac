"""`planwise doctor`: check versions, stores, the Prefect API and the dashboard."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, files, requires, version
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rich.table import Table
from rich.text import Text

from planwise.cli.options import Home, Json
from planwise.console import emit_json, progress, results, settings_for
from planwise.errors import Busy, CheckFailed, DamagedStore, InputError, PlanWiseError
from planwise.formatting import counted
from planwise.prefect_server import configured_api
from planwise.settings import REPOSITORY, Settings
from planwise.storage import (
    MEGABYTE,
    OTHERS,
    hold_lock,
    loose_files,
    make_private,
    read_lock_holder,
    sizes_mb,
)

PYTHON_MIN = (3, 11)
FREE_MIN_MB = 200  # less than one simulation of 100,000 people writes
FREE_LOW_MB = 2_000  # one simulation of a million
LARGEST_SHOWN = LOOSE_SHOWN = 3


class CheckStatus(StrEnum):
    """The outcome of a check; only `FAILED` makes the command fail."""

    OK = "ok"
    INFO = "info"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class DoctorCheck:
    """One line of the table: the finding, and a remedy if needed."""

    name: str
    status: CheckStatus
    found: str
    remedy: str | None = None


def python(running: tuple[int, int, int]) -> DoctorCheck:
    """Check the version of Python."""
    found, wanted = ".".join(map(str, running)), ".".join(map(str, PYTHON_MIN))
    if running[:2] < PYTHON_MIN:
        remedy = f"Install Python {wanted} or newer, and make a new environment with it."
        return DoctorCheck("Python", CheckStatus.FAILED, f"{found}, needs {wanted} or newer", remedy)
    return DoctorCheck("Python", CheckStatus.OK, found)


def package(name: str, installed: str | None, wanted: str, why: str = "") -> DoctorCheck:
    """Check an installed version against its pin; `why` says what breaks otherwise."""
    remedy = f"`pip install '{name}{wanted}'`; in a checkout, `make demo` installs the locked versions."
    if installed is None:
        return DoctorCheck(name, CheckStatus.FAILED, f"not installed, needs {wanted}", remedy)
    if installed not in SpecifierSet(wanted, prereleases=True):
        reason = f": {why}" if why else ""
        return DoctorCheck(name, CheckStatus.FAILED, f"{installed}, needs {wanted}{reason}", remedy)
    return DoctorCheck(name, CheckStatus.OK, f"{installed} ({wanted or 'any version'})")


def installation(
    folder: Path, installed: str, missing: Sequence[str], problem: InputError | None
) -> DoctorCheck:
    """Check that every installed file is there, and the SQLMesh project that the environment may name."""
    if missing:
        found = (
            f"{counted(len(missing), 'file')} of PlanWise {installed} "
            f"{'is' if len(missing) == 1 else 'are'} missing in {folder}: {missing[0]} ..."
        )
        problem = InputError(found, remedy="Install PlanWise again.")
    if problem:
        return DoctorCheck("installation", CheckStatus.FAILED, problem.what, problem.remedy)
    return DoctorCheck("installation", CheckStatus.OK, f"PlanWise {installed} in {folder}")


def home(
    folder: Path, *, exists: bool, problem: str | None, free_mb: float, sizes: Mapping[str, float]
) -> DoctorCheck:
    """Check that the home is writable (or can be created) and has free space; show its largest parts."""
    name = "home"
    if problem:
        remedy = "Make it writable for this user, or choose another: PLANWISE_HOME or --home."
        return DoctorCheck(name, CheckStatus.FAILED, f"{folder} cannot be written: {problem}", remedy)
    found = (
        f"{folder}{'' if exists else ' (created by the first command that writes)'}, {free_mb:,.0f} MB free"
    )
    if sizes:
        largest = ", ".join(f"{name} {mb:,.0f}" for name, mb in list(sizes.items())[:LARGEST_SHOWN])
        found += f", {sum(sizes.values()):,.0f} MB used ({largest})"
    if free_mb < FREE_MIN_MB:
        remedy = f"Free at least {FREE_MIN_MB} MB there, or move the home."
        return DoctorCheck(name, CheckStatus.FAILED, found, remedy)
    if free_mb < FREE_LOW_MB:
        remedy = f"Large censuses need {FREE_LOW_MB:,} MB; `planwise maintain --apply` frees old tables."
        return DoctorCheck(name, CheckStatus.WARNING, found, remedy)
    return DoctorCheck(name, CheckStatus.OK, found)


def privacy(root: Path, loose: Sequence[Path], *, is_open: bool) -> DoctorCheck:
    """Check that other accounts of the machine cannot read the home; `loose` are files that they could."""
    label = "privacy"
    if not loose:
        return DoctorCheck(label, CheckStatus.OK, "only its owner can read the home")
    named = ", ".join(str(path.relative_to(root.parent)) for path in loose[:LOOSE_SHOWN])
    more = f" and {len(loose) - LOOSE_SHOWN:,} more" if len(loose) > LOOSE_SHOWN else ""
    found = f"the modes of {named}{more} let other accounts read pay"
    remedy = "`planwise doctor --fix` takes these rights away."
    if not is_open:
        found = f"{found}; only the mode of the home keeps them out"
        remedy = f"Before you copy the home: {remedy}"
    return DoctorCheck(label, CheckStatus.FAILED if is_open else CheckStatus.WARNING, found, remedy)


def census(name: str | None, *, declared: int | None, stored: int | None, problem: str | None) -> DoctorCheck:
    """Check that the census in use has as many rows as its manifest says."""
    label = "census in use"
    again = "Import it again, or `planwise census use` another."
    if problem:
        return DoctorCheck(label, CheckStatus.FAILED, problem, again)
    if name is None:
        remedy = "Create one: `planwise census import FILE` or `planwise census generate --employees 1000`."
        return DoctorCheck(label, CheckStatus.SKIPPED, "none yet", remedy)
    if declared != stored:
        return DoctorCheck(
            label, CheckStatus.FAILED, f"{name}: {stored} rows, its manifest says {declared}", again
        )
    return DoctorCheck(label, CheckStatus.OK, f"{name}, {counted(stored, 'row')}")


def ledger(
    where: str,
    *,
    exists: bool,
    revision: str | None,
    head: str,
    known: tuple[str, ...],
    problem: str | None,
    recorded: tuple[str, ...] = (),
) -> DoctorCheck:
    """Check that the ledger opens and its tables are of this version; `recorded` are runs it lacked."""
    label = "ledger"
    if problem:
        remedy = "Check the folder's rights; a damaged file needs a backup restored."
        return DoctorCheck(label, CheckStatus.FAILED, f"{where}: {problem}", remedy)
    if not exists:
        return DoctorCheck(label, CheckStatus.SKIPPED, "none yet: created when first needed")
    if recorded:
        found = f"{where}: recorded the published runs of {', '.join(recorded)}, which it lacked"
        return DoctorCheck(label, CheckStatus.INFO, found)
    if revision == head:
        return DoctorCheck(label, CheckStatus.OK, f"{where}, revision {revision}")
    if revision is None or revision in known:
        return DoctorCheck(
            label, CheckStatus.INFO, f"{where}, revision {revision}: the next command upgrades it to {head}"
        )
    remedy = "Use the newer PlanWise that wrote it, or another PLANWISE_HOME."
    return DoctorCheck(
        label, CheckStatus.FAILED, f"{where} has revision {revision}, this PlanWise knows {head}", remedy
    )


def warehouse(file: Path, *, exists: bool, holder: str | None, problem: str | None) -> DoctorCheck:
    """Check that the warehouse opens, or name the process that holds it."""
    label = "warehouse"
    if holder:
        return DoctorCheck(label, CheckStatus.INFO, f"in use: {holder}")
    if problem:
        remedy = "Move the file away; the next simulation builds a new one, and published results are kept."
        return DoctorCheck(label, CheckStatus.FAILED, f"{file}: {problem}", remedy)
    if not exists:
        return DoctorCheck(label, CheckStatus.SKIPPED, "none yet: the first simulation builds it")
    return DoctorCheck(label, CheckStatus.OK, str(file))


def publication(scenario: str, *, problem: str | None, damaged: tuple[str, ...] = ()) -> DoctorCheck:
    """Check that a scenario's manifest and every published mart can be read."""
    label = f"published {scenario}"
    remedy = f"`planwise simulate --scenario {scenario}` writes it again."
    if problem:
        return DoctorCheck(label, CheckStatus.FAILED, problem, remedy)
    if damaged:
        return DoctorCheck(label, CheckStatus.FAILED, "; ".join(damaged), remedy)
    return DoctorCheck(label, CheckStatus.OK, "manifest and every mart")


def nothing_published() -> DoctorCheck:
    """Return the check for a home without published results."""
    return DoctorCheck(
        "published", CheckStatus.SKIPPED, "none yet", "`planwise simulate` publishes the baseline."
    )


def prefect_api(url: str | None, problem: str | None, *, is_open: bool = False) -> DoctorCheck:
    """Check the Prefect API, if one is configured; an open one answers without a credential."""
    label = "Prefect API"
    if url is None:
        return DoctorCheck(label, CheckStatus.SKIPPED, "none configured: commands run in their own process")
    shown = re.sub(r"//[^/@]*@", "//***@", url)
    if problem:
        remedy = "Start it (`planwise up`), correct PREFECT_API_URL, or run commands with --no-flow."
        return DoctorCheck(label, CheckStatus.FAILED, f"{shown} does not answer: {problem}", remedy)
    if is_open:
        return DoctorCheck(
            label,
            CheckStatus.WARNING,
            f"{shown} answers without a credential: any web page that one opens can run commands",
            "Use `planwise up`, or set PREFECT_SERVER_API_AUTH_STRING, "
            "PREFECT_SERVER_CSRF_PROTECTION_ENABLED and PREFECT_SERVER_CORS_ALLOWED_ORIGINS "
            "(docs/operator-guide.md).",
        )
    return DoctorCheck(label, CheckStatus.OK, shown)


def last_backup(newest: Path | None, *, used: bool) -> DoctorCheck:
    """Say when the newest backup was written."""
    if newest is None:
        status = CheckStatus.WARNING if used else CheckStatus.SKIPPED
        return DoctorCheck("backup", status, "none", "`planwise backup` writes one; keep it on another disk.")
    written = datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    return DoctorCheck("backup", CheckStatus.OK, f"{newest}, {written:%Y-%m-%d %H:%M} UTC")


def chromium(found: str | None) -> DoctorCheck:
    """Check for the browser that only the browser tests need."""
    if found:
        return DoctorCheck("Chromium", CheckStatus.OK, found)
    remedy = "Only the browser tests need it. Debian: apt-get install chromium."
    return DoctorCheck("Chromium", CheckStatus.INFO, "not found", remedy)


def broken(checks: list[DoctorCheck]) -> bool:
    """Whether a check failed."""
    return any(check.status is CheckStatus.FAILED for check in checks)


PINNED = {
    "fastapi": "Prefect's server breaks",
    "sqlalchemy": "scheduled runs stop silently",
    "sqlmesh": "the incremental loader is tested with it",
    "duckdb": "SQLMesh needs it",
    "prefect": "the deployments are tested with it",
}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
API_SECONDS = 5.0


def examine(settings: Settings) -> Iterator[DoctorCheck]:
    """Run every check in turn."""
    from planwise.app.backup import backups  # with its libraries, which take a while to import

    yield python(sys.version_info[:3])
    yield from _packages()
    yield _installation(settings)
    yield _home(settings)
    if settings.root.exists():
        is_open = bool(settings.root.stat().st_mode & OTHERS)
        yield privacy(settings.root, loose_files(settings.root), is_open=is_open)
    yield _census(settings)
    yield _ledger(settings)
    yield _warehouse(settings)
    yield from _published(settings)
    yield last_backup(next(iter(backups(settings)), None), used=settings.root.exists())
    yield _prefect_api()
    named = os.environ.get("PLANWISE_CHROMIUM")
    yield chromium(named or next(filter(None, map(shutil.which, CHROMIUM)), None))


def _packages() -> Iterator[DoctorCheck]:
    declared = {
        r.name: str(r.specifier) for r in map(Requirement, requires("planwise") or ()) if not r.marker
    }
    for name, why in PINNED.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = None
        yield package(name, installed, declared[name], why)


def _installation(settings: Settings) -> DoctorCheck:
    recorded = (file for file in files("planwise") or () if file.suffix != ".pyc")
    missing = [str(file) for file in recorded if not Path(str(file.locate())).exists()]
    problem = None
    try:
        settings.require_project()
    except InputError as error:
        problem = error
    return installation(REPOSITORY, version("planwise"), missing, problem)


def _home(settings: Settings) -> DoctorCheck:
    root = settings.root
    nearest = next(folder for folder in (root, *root.parents) if folder.exists())
    problem = None
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        problem = str(error.strerror)
    free_mb = shutil.disk_usage(nearest).free / MEGABYTE
    return home(root, exists=root.exists(), problem=problem, free_mb=free_mb, sizes=sizes_mb(root))


def _census(settings: Settings) -> DoctorCheck:
    import pyarrow.parquet as pq

    from planwise.census import census_in_use, load_census

    name, declared, stored, problem = None, None, None, None
    try:
        name = census_in_use(settings)
        if name is not None:
            found = load_census(settings, name)
            declared, stored = found.rows, pq.read_table(found.census_file).num_rows
            pq.read_table(found.levels_file)
    except PlanWiseError as error:
        problem = error.what
    except (OSError, ValueError, KeyError) as error:  # pyarrow's errors are among the first two
        problem = f"{name}: {error}"
    return census(name, declared=declared, stored=stored, problem=problem)


def _ledger(settings: Settings) -> DoctorCheck:
    from alembic.script import ScriptDirectory
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from planwise.governance.connection import (
        HEAD,
        MIGRATIONS,
        SQLITE,
        connect,
        require_content,
        revision,
        translated,
    )
    from planwise.governance.ledger import ledger_of, record_missing_runs

    where, exists, found, problem = "its URL", True, None, None
    recorded: tuple[str, ...] = ()
    try:
        url = make_url(settings.ledger)
        where = url.render_as_string()
        exists = url.get_backend_name() != SQLITE or Path(str(url.database)).exists()
        if exists:
            engine = connect(settings.ledger)
            try:
                with translated(engine):
                    require_content(engine)
                    found = revision(engine)
                if found == HEAD:
                    with suppress(Busy):  # the process that has the warehouse records its own run
                        recorded = record_missing_runs(settings, ledger_of(engine, settings).runs)
            finally:
                engine.dispose()
    except PlanWiseError as error:
        problem = error.what
    except ArgumentError as error:
        problem = str(error)
    known = tuple(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())
    return ledger(
        where, exists=exists, revision=found, head=HEAD, known=known, problem=problem, recorded=recorded
    )


def _warehouse(settings: Settings) -> DoctorCheck:
    import duckdb

    file, holder, problem = settings.warehouse_file, None, None
    exists = file.exists()
    if exists:
        try:
            with (
                hold_lock(settings.warehouse_lock_file, "doctor", timeout_seconds=0),
                duckdb.connect(str(file), read_only=True) as database,
            ):
                database.execute("SELECT count(*) FROM duckdb_tables()").fetchall()
        except Busy:
            holder = read_lock_holder(settings.warehouse_lock_file)
        except (duckdb.Error, OSError) as error:
            problem = str(error)
    return warehouse(file, exists=exists, holder=holder, problem=problem)


def _published(settings: Settings) -> Iterator[DoctorCheck]:
    from planwise.governance.publications import published_scenarios

    scenarios = published_scenarios(settings)
    if not scenarios:
        yield nothing_published()
    for scenario in scenarios:
        yield _publication(settings, scenario)


def _publication(settings: Settings, scenario: str) -> DoctorCheck:
    import pyarrow.parquet as pq

    from planwise.engine.warehouse import MARTS
    from planwise.governance.publications import load_publication

    try:
        found = load_publication(settings, scenario)
        declared = found.manifest.get("row_counts", {})
    except PlanWiseError as error:
        return publication(scenario, problem=error.what)
    damaged = []
    for mart in MARTS:
        try:
            with found.reading(found.folder / f"{mart}.parquet"):
                rows = pq.read_table(found.file(mart)).num_rows
        except DamagedStore as error:
            damaged.append(error.what)
            continue
        if rows != declared.get(mart):
            damaged.append(f"{mart}: {rows} rows, the manifest says {declared.get(mart)}")
    return publication(scenario, problem=None, damaged=tuple(damaged))


def _prefect_api() -> DoctorCheck:
    import httpx

    url, problem, is_open = configured_api(), None, False
    if url is not None:
        api = url.rstrip("/")
        try:
            httpx.get(f"{api}/health", timeout=API_SECONDS).raise_for_status()
            is_open = httpx.get(f"{api}/admin/version", timeout=API_SECONDS).status_code == httpx.codes.OK
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = str(error)
    return prefect_api(url, problem, is_open=is_open)


STYLES = {CheckStatus.OK: "green", CheckStatus.WARNING: "yellow", CheckStatus.FAILED: "red"}


Fix = Annotated[bool, Parameter(negative="", help="Take away the rights of other accounts to read the home.")]


def doctor(*, fix: Fix = False, home: Home = None, json: Json = False) -> int:
    """Check the installation and suggest remedies; exit with code 1 when a check fails.

    Nothing is changed without --fix, but the ledger gets the runs of published results that it lacks.
    `skipped` means that something does not exist yet, `info` is for information.
    """
    settings = settings_for(home)
    changed = make_private(settings.root) if fix else ()
    if changed:
        progress().print(f"Now only their owner can use {len(changed):,} files and folders of the home.")
    found = list(examine(settings))
    if json:
        emit_json({"ok": not broken(found), "checks": found, "changed": changed})
    else:
        results().print(_table(found))
        results().print("A check failed." if broken(found) else "All checks passed.")
    return CheckFailed.exit_code if broken(found) else 0


def _table(found: list[DoctorCheck]) -> Table:
    table = Table("check", "status", box=None)
    table.add_column("found", overflow="fold")
    for check in found:
        details = Text(check.found)
        if check.remedy:
            details.append(f"\n{check.remedy}", style="italic")
        table.add_row(Text(check.name), Text(check.status, style=STYLES.get(check.status, "")), details)
    return table
