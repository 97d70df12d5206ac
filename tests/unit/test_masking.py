"""What libraries say of values: no pay in texts, tracebacks and logs, but frames and classes."""

import io
import re
import subprocess
import sys

import duckdb
import pandas as pd
import pyarrow as pa
import pydantic
import pytest

from planwise.jobs import JobKind
from planwise.masking import describe_error, mask_values, masked_traceback

PAY = ("98765.43", "98,765.43", "98.765,43", "98'765", "98 765,43", "98765", "$ 98765.43", "9.8765e4")


class Person(pydantic.BaseModel):
    base_pay: bool


def from_csv(value):
    lines = "\n".join([*("E1|2026-01-31" for _ in range(40)), f"E2|{value}"])
    duckdb.from_csv_auto(io.StringIO(f"id|pay\n{lines}\n"), sep="|", dtype={"pay": "DATE"}).fetchall()


def unique(value):
    connection = duckdb.connect()
    connection.execute("CREATE TABLE pay (amount VARCHAR PRIMARY KEY)")
    connection.executemany("INSERT INTO pay VALUES (?)", [[value], [value]])


def nested(value):
    try:
        int(value + "x")
    except ValueError as error:
        raise KeyError(f"row of {value}") from error


FAILURES = {
    "DuckDB cast": lambda v: duckdb.execute("SELECT ?::DATE", [v]).fetchall(),
    "DuckDB CSV": from_csv,
    "DuckDB key": unique,
    "pandas": lambda v: pd.to_numeric(pd.Series(["1", v + "x"])),
    "PyArrow": lambda v: pa.array([v + "x"]).cast(pa.float64()),
    "Pydantic": lambda v: Person(base_pay=v),
    "float": lambda v: float(v + "x"),
    "key": lambda v: {}[v],
    "group": lambda v: (_ for _ in ()).throw(ExceptionGroup(v, [ValueError(v)])),
    "cause": nested,
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("value", PAY)
def test_no_error_of_a_library_carries_pay(failure, value):
    with pytest.raises(Exception) as caught:
        FAILURES[failure](value)
    error = caught.value
    shown = masked_traceback(error) + describe_error(error)
    assert not [line for line in shown.splitlines() if "98765" in re.sub(r"\D", "", line)]
    assert type(error).__name__ in shown and "test_masking.py" in shown


def test_what_is_no_pay_is_kept():
    text = "level 3 in 12 of 50 rows, column base_pay, 4.5 % of E1"
    assert mask_values(text) == text


SCRIPT = """
import logging, sys, threading
from planwise.processes import keep_private
keep_private()
def fail():
    raise ValueError("pay 98765.43")
try:
    fail()
except ValueError:
    logging.getLogger("any.library").exception("It failed")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""


def test_logs_threads_and_the_end_of_a_process_have_masked_tracebacks():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("ValueError: pay #") == 3 and "98765" not in done.stderr


def test_a_failed_job_has_no_pay_in_its_files(tmp_path):
    from planwise.app.requests import SimulateRequest
    from planwise.app.runner import InProcessRunner, run_as_job
    from planwise.settings import Settings

    def job(settings, request, run):
        raise ValueError("row E1, 98,765.43, Ann")

    settings = Settings(home=tmp_path)
    with pytest.raises(ValueError):
        run_as_job(settings, JobKind.SIMULATE, SimulateRequest(), job, InProcessRunner(lambda _: None))
    texts = [file.read_text() for file in settings.jobs_dir.rglob("*") if file.is_file()]
    assert any("ValueError: row E1, #, Ann" in text for text in texts)
    assert not any("98,765.43" in text.replace('"row E1, 98,765.43, Ann"', "") for text in texts)
