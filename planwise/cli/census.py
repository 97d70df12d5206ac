"""`planwise census`: generate, import, list, use, delete."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.table import Column, Table

from planwise.census.checks import ImportBlocked, ImportReport
from planwise.census.mapping import PayIs, PayUnit
from planwise.census.registry import Census, census_in_use, list_censuses
from planwise.census.synthetic import DEFAULT_AS_OF, SyntheticOptions, generate_census
from planwise.cli.options import PARAMETERS, Home, Json, Yes
from planwise.console import (
    confirm,
    emit_blocked,
    emit_json,
    emit_list,
    print_gate,
    progress,
    report_damaged,
    results,
    settings_for,
)
from planwise.errors import InputError
from planwise.formatting import counted

app = App(
    name="census",
    group_parameters=PARAMETERS,
    help="Manage censuses: generate, import, list, use, delete.",
)


@app.command
def generate(
    *,
    employees: int = 1000,
    seed: int = 42,
    name: str | None = None,
    gender_pay_gap: float = 0.03,
    as_of: str | None = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Generate a synthetic census and put it in use.

    Parameters
    ----------
    employees
        Number of employees, 1 to 1,000,000.
    seed
        The same seed and options give the same census.
    name
        Name of the census; default synthetic_<employees>.
    gender_pay_gap
        Pay gap of women at the same level, as a rate (0.03 is 3 % less).
    as_of
        Date of the census, YYYY-MM-DD; default 2025-12-31.

    """
    options = SyntheticOptions(gender_pay_gap_rate=gender_pay_gap, as_of=_day(as_of) or DEFAULT_AS_OF)
    from planwise.app.censuses import record_census, require_edit

    settings = settings_for(home)
    require_edit(settings)
    census = generate_census(settings, employees=employees, seed=seed, name=name, options=options)
    record_census(settings, census, "generated", seed=seed)
    if json:
        emit_json(_summary(census) | {"seed": seed, "employees": employees})
        return
    results().print(
        f"Census [bold]{census.name}[/]: {counted(census.rows, 'employee')} as of {census.as_of}, now in use."
    )
    progress().print("Next: planwise simulate")


@app.command(name="import")
def import_(
    file: Path,
    *,
    mapping: Path | None = None,
    as_of: str | None = None,
    levels: str | None = None,
    row_filter: Annotated[str | None, Parameter(name="--filter")] = None,
    encoding: str | None = None,
    skip_rows: int | None = None,
    pay_unit: PayUnit | None = None,
    hours_per_year: float | None = None,
    pay_is: PayIs | None = None,
    currency: str | None = None,
    name: str | None = None,
    json: Json = False,
    home: Home = None,
) -> int:
    """Import a payroll file, report every rejected row, and put the census in use if its gate passes.

    Parameters
    ----------
    file
        CSV, Excel or Parquet, gzip or not.
    mapping
        YAML file that maps columns; without one, columns are recognised by their headers.
    as_of
        Date of the census, YYYY-MM-DD; default today.
    levels
        pay-quantiles or ranges; overrides the mapping.
    row_filter
        Boolean SQL over the file's columns; only matching rows are imported.
    encoding
        Encoding of a text file, such as cp1252; default by its bytes.
    skip_rows
        Lines above the header; default by the names in the first lines.
    pay_unit
        Unit of pay in the file.
    hours_per_year
        Hours of a full-time year, for hourly pay; default 2,080.
    pay_is
        Whether part-timers' amounts are full-time pay or what they are paid.
    currency
        ISO code of the currency; rows in another one are rejected.
    name
        Name of the census; default from the file name.

    """
    from planwise.app.ingest import CensusBlocked, IngestionReport, ingest  # the gate is slow to import
    from planwise.app.performance import run_measured
    from planwise.app.requests import IngestRequest
    from planwise.app.runner import InProcessRunner
    from planwise.jobs import JobKind

    request = IngestRequest(
        file=file,
        name=name,
        mapping=mapping,
        as_of=_day(as_of),
        levels=levels,
        row_filter=row_filter,
        encoding=encoding,
        skip_rows=skip_rows,
        pay_unit=pay_unit,
        hours_per_year=hours_per_year,
        pay_is=pay_is,
        currency=currency,
    )
    try:
        run = InProcessRunner(lambda _: None)
        done: IngestionReport = run_measured(settings_for(home), JobKind.IMPORT, request, ingest, run)
    except ImportBlocked as blocked:
        if json:
            return emit_blocked(blocked, blocked.report.as_json())
        _print_report(blocked.report)
        raise
    except CensusBlocked as blocked:
        if json:
            return emit_blocked(blocked, blocked.report.as_json())
        _print_report(blocked.report.imported)
        print_gate(results(), blocked.report.gate)
        raise
    if json:
        emit_json(done.as_json())
        return 0
    _print_report(done.imported)
    print_gate(results(), done.gate)
    results().print(f"Gate {done.gate.status}. Census {done.imported.census} is now in use.", markup=False)
    progress().print("Next: planwise simulate")
    return 0


@app.command(name="list")
def list_(*, json: Json = False, home: Home = None) -> int:
    """List censuses; an asterisk marks the one in use."""
    settings = settings_for(home)
    in_use = census_in_use(settings)
    censuses, damaged = list_censuses(settings)
    if json:
        rows = [_summary(c) | {"in_use": c.name == in_use} for c in censuses]
        return emit_list({"in_use": in_use, "censuses": rows}, damaged)
    if not censuses and not damaged:
        results().print("No census yet. Next: planwise census import FILE, or planwise census generate.")
        return 0
    table = Table("", Column("census", no_wrap=True), "employees", Column("as of", no_wrap=True), "source")
    for c in censuses:
        origin = str(c.source.get("file") or c.source.get("kind", ""))
        table.add_row("*" if c.name == in_use else "", c.name, f"{c.rows:,}", str(c.as_of), origin)
    results().print(table)
    return report_damaged(damaged)


@app.command
def use(name: str, *, json: Json = False, home: Home = None) -> None:
    """Put a census in use: later commands simulate it.

    Parameters
    ----------
    name
        Name from `planwise census list`.

    """
    from planwise.app.censuses import use_census  # loads the ledger

    census = use_census(settings_for(home), name)
    if json:
        emit_json(_summary(census) | {"in_use": True})
        return
    results().print(
        f"Census [bold]{census.name}[/] ({counted(census.rows, 'employee')}, {census.as_of}) is now in use."
    )


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--as-of {text!r} is not a date.", remedy="Write it as YYYY-MM-DD.") from error


@app.command
def delete(name: str, /, *, yes: Yes = False, home: Home = None, json: Json = False) -> None:
    """Delete a census with all its versions, import reports and rejected rows.

    One that is in use, or that a scenario names, is not deleted.

    Parameters
    ----------
    name
        Name from `planwise census list`.

    """
    from planwise.app.censuses import delete_census
    from planwise.app.deletion import census_deletion  # loads the ledger and Optuna

    settings = settings_for(home)
    deletion = census_deletion(settings, name)
    confirm(str(deletion), yes=yes)
    delete_census(settings, deletion)
    if json:
        emit_json({"census": name, "deleted": True, **deletion.as_json()})
    else:
        progress().print(f"Deleted {deletion}", markup=False, soft_wrap=True)


def _summary(census: Census) -> dict[str, Any]:
    facts = asdict(census)
    chosen = ("rows", "as_of", "content_hash", "availability", "levels_from", "source", "created_at")
    return {"census": census.name} | {key: facts[key] for key in chosen}


def _print_report(report: ImportReport) -> None:
    console = results()
    console.print(f"{report.source['file']} as of {report.as_of}", markup=False)
    counts = Table(show_header=False)
    for label, count in (
        ("rows read", report.rows_read),
        ("accepted", report.rows_accepted),
        ("rejected", report.rows_rejected),
        *((f"  {reason}", n) for reason, n in report.reject_reasons.items()),
        ("filtered", report.rows_filtered),
        *((f"  {reason}", n) for reason, n in report.filter_reasons.items() if n),
    ):
        counts.add_row(label, f"{count:,}")
    console.print(counts)
    kind = [
        report.source[key] for key in ("kind", "encoding", "sheet", "delimiter") if report.source.get(key)
    ]
    console.print(f"File: {', '.join(kind)}", markup=False)
    console.print(f"Columns: {', '.join(f'{k} ← {v}' for k, v in report.columns.items())}", markup=False)
    if report.columns_dropped:
        console.print(f"Not stored: {', '.join(report.columns_dropped)}", markup=False)
    console.print(f"Levels: {report.levels_from}", markup=False)
    for notice in report.notices:
        console.print(f"Note: {notice}", markup=False)
    console.print(
        f"Rejected rows: {report.rejects_file}\nReport: {report.report_file}", markup=False, soft_wrap=True
    )
