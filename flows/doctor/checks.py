"""The verdicts: each from facts that were gathered before, so that a test needs no broken machine."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from packaging.specifiers import SpecifierSet

PYTHON_MIN = (3, 11)
FREE_MIN_MB = 200  # less than one simulation of 100,000 people writes
FREE_LOW_MB = 2_000  # one simulation of a million


class Status(StrEnum):
    """How a check ended; only `FAILED` makes the command fail."""

    OK = "ok"
    INFO = "info"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One line of the table: what was found, and what to do where that is not well."""

    name: str
    status: Status
    found: str
    remedy: str | None = None


def python(running: tuple[int, int, int]) -> Check:
    """Judge the version of Python."""
    found, wanted = ".".join(map(str, running)), ".".join(map(str, PYTHON_MIN))
    if running[:2] < PYTHON_MIN:
        remedy = f"Install Python {wanted} or newer, and make a new environment with it."
        return Check("Python", Status.FAILED, f"{found}, needs {wanted} or newer", remedy)
    return Check("Python", Status.OK, found)


def package(name: str, installed: str | None, wanted: str, why: str = "") -> Check:
    """Judge an installed version against its pin; `why` says what breaks outside."""
    remedy = "`make demo` (or any target) installs what the lock says."
    if installed is None:
        return Check(name, Status.FAILED, f"not installed, needs {wanted}", remedy)
    if installed not in SpecifierSet(wanted, prereleases=True):
        reason = f": {why}" if why else ""
        return Check(name, Status.FAILED, f"{installed}, needs {wanted}{reason}", remedy)
    return Check(name, Status.OK, f"{installed} ({wanted or 'any version'})")


def home(folder: Path, *, exists: bool, problem: str | None, free_mb: float) -> Check:
    """Judge the home: it can be written (or made), and there is space."""
    name = "home"
    if problem:
        remedy = "Make it writable for this user, or choose another: PLANWISE_HOME or --home."
        return Check(name, Status.FAILED, f"{folder} cannot be written: {problem}", remedy)
    found = f"{folder}{'' if exists else ' (made by the first command that writes)'}, {free_mb:,.0f} MB free"
    if free_mb < FREE_MIN_MB:
        remedy = f"Free at least {FREE_MIN_MB} MB there, or move the home."
        return Check(name, Status.FAILED, found, remedy)
    if free_mb < FREE_LOW_MB:
        remedy = f"Large censuses need {FREE_LOW_MB:,} MB; `planwise maintain --apply` frees old tables."
        return Check(name, Status.WARNING, found, remedy)
    return Check(name, Status.OK, found)


def census(name: str | None, *, declared: int | None, stored: int | None, problem: str | None) -> Check:
    """Judge the census in use: as many rows in its file as its manifest says."""
    label = "census in use"
    again = "Import it again, or `planwise census use` another."
    if problem:
        return Check(label, Status.FAILED, problem, again)
    if name is None:
        remedy = "`planwise census import FILE` or `planwise census generate --employees 1000` makes one."
        return Check(label, Status.SKIPPED, "none yet", remedy)
    if declared != stored:
        return Check(label, Status.FAILED, f"{name}: {stored} rows, its manifest says {declared}", again)
    return Check(label, Status.OK, f"{name}, {stored:,} rows")


def ledger(
    where: str, *, exists: bool, revision: str | None, head: str, known: tuple[str, ...], problem: str | None
) -> Check:
    """Judge the ledger: it opens, and its tables are of this version."""
    label = "ledger"
    if problem:
        remedy = "Check the folder's rights; a damaged file needs a backup restored."
        return Check(label, Status.FAILED, f"{where}: {problem}", remedy)
    if not exists:
        return Check(label, Status.SKIPPED, "none yet: made when it is first needed")
    if revision == head:
        return Check(label, Status.OK, f"{where}, revision {revision}")
    if revision is None or revision in known:
        return Check(
            label, Status.INFO, f"{where}, revision {revision}: the next command upgrades it to {head}"
        )
    remedy = "Use the newer PlanWise that wrote it, or another PLANWISE_HOME."
    return Check(label, Status.FAILED, f"{where} has revision {revision}, this PlanWise knows {head}", remedy)


def warehouse(file: Path, *, exists: bool, holder: str | None, problem: str | None) -> Check:
    """Judge the warehouse: it opens, or who holds it."""
    label = "warehouse"
    if holder:
        return Check(label, Status.INFO, f"in use: {holder}")
    if problem:
        remedy = "Move the file away; the next simulation builds a new one, published results stay."
        return Check(label, Status.FAILED, f"{file}: {problem}", remedy)
    if not exists:
        return Check(label, Status.SKIPPED, "none yet: the first simulation builds it")
    return Check(label, Status.OK, str(file))


def publication(scenario: str, *, problem: str | None, damaged: tuple[str, ...] = ()) -> Check:
    """Judge one scenario's published result: its manifest and every mart can be read."""
    label = f"published {scenario}"
    remedy = f"`planwise simulate --scenario {scenario}` writes it again."
    if problem:
        return Check(label, Status.FAILED, problem, remedy)
    if damaged:
        return Check(label, Status.FAILED, "; ".join(damaged), remedy)
    return Check(label, Status.OK, "manifest and every mart")


def nothing_published() -> Check:
    """Return what is said when there is nothing to look at."""
    return Check("published", Status.SKIPPED, "none yet", "`planwise simulate` publishes the baseline.")


def prefect_api(url: str | None, problem: str | None) -> Check:
    """Judge the Prefect API, when there is one."""
    label = "Prefect API"
    if url is None:
        return Check(label, Status.SKIPPED, "none configured: commands run in their own process")
    shown = re.sub(r"//[^/@]*@", "//***@", url)
    if problem:
        remedy = "Start it (`planwise up`), correct PREFECT_API_URL, or run commands with --no-flow."
        return Check(label, Status.FAILED, f"{shown} does not answer: {problem}", remedy)
    return Check(label, Status.OK, shown)


def chromium(found: str | None) -> Check:
    """Say whether the browser tests have a browser; nothing else needs one."""
    if found:
        return Check("Chromium", Status.OK, found)
    remedy = "Only the browser tests need it. Debian: apt-get install chromium."
    return Check("Chromium", Status.INFO, "not found", remedy)


def broken(checks: list[Check]) -> bool:
    """Whether anything is."""
    return any(check.status is Status.FAILED for check in checks)
