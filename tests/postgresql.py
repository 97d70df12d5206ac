"""A PostgreSQL server for tests: Debian's, in a folder of its own, reached by a socket only."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
FAST = "-c fsync=off -c full_page_writes=off -c listen_addresses="


@cache
def missing():
    """Return why there is no server here; empty when there is one."""
    return "" if BINARIES else "PostgreSQL is not installed: apt-get install postgresql"


@contextmanager
def server() -> Iterator[str]:
    """Start a server with an empty database; yield its URL, and stop it afterwards."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="planwise-postgresql-"))
    as_user = []
    if os.getuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data, log = folder / "data", folder / "log"

    def run(program, *arguments):
        command = [*as_user, str(BINARIES[-1] / program), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, timeout=120)

    run("initdb", "-D", data, "-U", "planwise", "-A", "trust", "--no-sync", "--locale=C", "--encoding=UTF8")
    run("pg_ctl", "-D", data, "-l", log, "-w", "-o", f"{FAST} -k {folder}", "start")
    try:
        yield f"postgresql://planwise@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def clear(url: str) -> None:
    """Empty the database."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
