"""Open the ledger's database, bring its tables up to date, and copy them to another engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
)

from planwise.errors import Busy, DamagedStore, PlanWiseError, machine_error
from planwise.governance.models import Base, EventHeadRow
from planwise.storage import hold_lock

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
BUSY_TIMEOUT_SECONDS = 30.0
UPGRADE_LOCK_KEY = 7_152_690_142  # any constant of our own: PostgreSQL's advisory locks are numbers
BEGIN = "planwise_begin"
ONE_MOMENT = {"isolation_level": "REPEATABLE READ"}  # of all statements; SQLite's transactions are so anyway
COPIED_ROWS = 1000
SET_URL = "Set PLANWISE_LEDGER_URL to a sqlite:///file or a postgresql:// URL."
_LOCKED_MESSAGES = ("database is locked", "database table is locked", "lock timeout", "deadlock detected")


RESTORE = (
    "Check that the folder is writable and has space; a damaged file needs a backup restored. "
    "`planwise doctor` checks it again."
)


class LedgerUnusable(DamagedStore):
    """The ledger cannot be opened, read or written."""


def with_driver(url: URL) -> URL:
    """Return a URL of PostgreSQL that names no driver with the one that PlanWise installs."""
    return url.set(drivername="postgresql+psycopg") if url.drivername == POSTGRESQL else url


def connect(url: str | URL) -> Engine:
    """Return an engine for a SQLite file or PostgreSQL; raise LedgerUnusable for another or a bad URL."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        parsed = with_driver(parsed)
        if backend not in {SQLITE, POSTGRESQL} or (backend == SQLITE and not parsed.database):
            raise LedgerUnusable(
                f"The ledger cannot be stored at {parsed.render_as_string()}.",
                remedy=SET_URL,
            )
        if backend == SQLITE:
            _make_folder(Path(str(parsed.database)).parent)
            return _with_sqlite_rules(create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_SECONDS}))
        return create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise LedgerUnusable(
            f"The ledger's URL cannot be used: {error}.",
            remedy=f"{SET_URL} PostgreSQL needs `planwise[team]`.",
        ) from error


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn a database's error into Busy or LedgerUnusable, with the place and the remedy.

    Errors in the statement itself (a broken constraint, bad SQL) propagate.
    """
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        raise
    except DBAPIError as error:
        raise _translation(engine, error) from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:  # of a stored value
        where = engine.url.render_as_string()
        raise _unusable(where, f"a row cannot be read ({type(error).__name__})") from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads."""
    with translated(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes; on SQLite it takes the write lock before it reads."""
    with translated(engine), engine.execution_options(**{BEGIN: "BEGIN IMMEDIATE"}).begin() as connection:
        yield connection


@contextmanager
def upgrade_lock(engine: Engine) -> Iterator[None]:
    """Hold the ledger's upgrade lock; other processes that open the ledger wait."""
    if engine.dialect.name == POSTGRESQL:
        with engine.connect() as connection, connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK_KEY})
            yield
    else:
        with _file_lock(Path(f"{engine.url.database}.lock")):
            yield


def prepare(engine: Engine) -> None:
    """Set a SQLite file's persistent options (write-ahead log); needs the upgrade lock."""
    if engine.dialect.name == SQLITE:
        with engine.connect().execution_options(**{BEGIN: None}) as connection:
            connection.execute(text("PRAGMA journal_mode=WAL"))


def _with_sqlite_rules(engine: Engine) -> Engine:
    @event.listens_for(engine, "connect")
    def _on_connect(connection, _record):  # type: ignore[no-untyped-def]
        connection.isolation_level = None  # the driver would begin by itself, and too late
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        statement = connection.get_execution_options().get(BEGIN, "BEGIN")
        if statement is not None:
            connection.exec_driver_sql(statement)

    return engine


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    try:
        with hold_lock(
            path,
            "open the ledger",
            timeout_seconds=BUSY_TIMEOUT_SECONDS,
            resource=f"ledger's lock {path}",
            remedy="Wait for it to end, or stop it.",
            on_wait=None,
        ):
            yield
    except OSError as error:
        raise machine_error(error) or _unusable(str(path), error) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(str(folder), error) from error


def _translation(engine: Engine, error: DBAPIError) -> PlanWiseError:
    reason = str(error.orig)
    where = engine.url.render_as_string()
    if any(message in reason for message in _LOCKED_MESSAGES):
        return Busy(
            f"The ledger has been busy for {BUSY_TIMEOUT_SECONDS:g} s: {where} ({reason}).",
            remedy="Another process is writing to it; try again later.",
        )
    return _unusable(where, reason)


def _unusable(where: str, reason: object) -> LedgerUnusable:
    return LedgerUnusable(f"The ledger cannot be used: {where}: {reason}.", remedy=RESTORE)


MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0011"
VERSION_TABLE = "alembic_version"


def ensure_current(engine: Engine) -> None:
    """Upgrade to HEAD if needed; raise LedgerUnusable for a ledger of a newer PlanWise."""
    with translated(engine), upgrade_lock(engine):
        require_content(engine)
        found = revision(engine)
        if found == HEAD:
            return
        prepare(engine)
        _check_revision(engine, found)
        _upgrade(engine)


def require_content(engine: Engine) -> None:
    """Raise LedgerUnusable for an empty file, which SQLite would take for a new ledger without scenarios."""
    file = Path(str(engine.url.database))
    if engine.dialect.name == SQLITE and file.is_file() and not file.stat().st_size:
        raise LedgerUnusable(
            f"The ledger {file} is empty.",
            remedy="Restore a backup of it; or delete the file to begin with a ledger without scenarios.",
        )


def revision(engine: Engine) -> str | None:
    """Return the revision of the tables, None when there are none."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _check_revision(engine: Engine, found: str | None) -> None:
    from alembic.script import ScriptDirectory  # slow to import, seldom needed

    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if found is not None and found not in known:
        raise LedgerUnusable(
            f"The ledger {engine.url.render_as_string()} has revision {found}, this PlanWise knows {HEAD}.",
            remedy="Use the newer PlanWise that wrote it, or another PLANWISE_HOME.",
        )


def _upgrade(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def read_head(engine: Engine) -> str:
    """Return the end of the audit trail, as `count:hash`."""
    with reading(engine) as connection:
        sequence, last = connection.execute(select(EventHeadRow.sequence, EventHeadRow.hash)).one()
    return f"{sequence}:{last}"


def copy_rows(source: Engine, target: Engine) -> None:
    """Copy all rows of a ledger, as they are at one moment, into an empty one of the same revision.

    Raises LedgerUnusable when the target has events already.
    """
    if not read_head(target).startswith("0:"):
        raise LedgerUnusable(
            f"The ledger {target.url.render_as_string()} is not empty.",
            remedy="Restore into an empty database: PLANWISE_LEDGER_URL.",
        )
    snapshot = source.execution_options(**ONE_MOMENT) if source.dialect.name == POSTGRESQL else source
    events, head = Base.metadata.tables["event"], Base.metadata.tables["event_head"]
    with reading(snapshot) as found, writing(target) as connection:
        for table in Base.metadata.sorted_tables:
            rows = found.execution_options(yield_per=COPIED_ROWS).execute(select(table)).mappings()
            if table is events:  # its triggers accept one event after the other
                for row in sorted(rows, key=lambda row: row["sequence"]):
                    connection.execute(insert(events).values(**row))
                    end = {"sequence": row["sequence"], "hash": row["hash"]}
                    connection.execute(update(head).values(**end))
            elif table is not head:
                for part in rows.partitions():
                    connection.execute(insert(table), [dict(row) for row in part])
        if target.dialect.name == POSTGRESQL:
            _continue_numbers(connection)


def _continue_numbers(connection: Connection) -> None:
    """Let PostgreSQL number new rows after those that were copied with their numbers."""
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None and column.autoincrement is not False:
            last = connection.execute(select(func.max(column))).scalar()
            if last is not None:
                place = func.pg_get_serial_sequence(table.name, column.name)
                connection.execute(select(func.setval(place, last)))
