"""Bring the ledger's tables to this version when it is opened; two processes at once are safe."""

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from planwise.governance.connection import LedgerUnusable, alone, prepare, translated

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0001"
VERSION_TABLE = "alembic_version"


def ensure_current(engine: Engine) -> None:
    """Upgrade to HEAD unless there already; raise LedgerUnusable for a ledger of a newer PlanWise."""
    with translated(engine), alone(engine):
        found = revision(engine)
        if found == HEAD:
            return
        prepare(engine)
        _refuse_unknown(engine, found)
        _upgrade(engine)


def revision(engine: Engine) -> str | None:
    """Return the revision of the tables, None when there are none."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _refuse_unknown(engine: Engine, found: str | None) -> None:
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
