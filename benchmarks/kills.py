"""Kill a study at random moments, resume it each time, and see whether a trial was lost or counted twice.

python -m benchmarks.kills [--trials 60] [--workers 2] [--kills 10] [--employees 300] [--years 2] [--seed 1]

Each kill is a SIGKILL: of the study's process (its workers must follow), or of a worker (its trial must be a
recorded failure, and the study go on). The moments are drawn over the trials, then over the second after.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from planwise.census import generate_census
from planwise.settings import Settings
from planwise.storage import list_partial
from planwise.study.optuna_storage import load_study
from planwise.study.queries import list_studies
from planwise.study.study_files import journal_file, read_result
from planwise.study.trial import Trial, finished_trials, unfinished

TARGET = 0.09
MAIN, WORKER = "study", "worker"
DIED = "worker died: SIGKILL"
PATIENCE_SECONDS = 600.0
LEAVING_SECONDS = 30.0
AFTER_SECONDS = 1.0  # a trial takes about that, so that every part of one is hit
POLL_SECONDS = 0.02

Start = Callable[[str | None], subprocess.Popen[bytes]]
"""Starts the study, or resumes it by name."""


@dataclass(frozen=True)
class Kill:
    """One kill: of what, after how many finished trials, with how many left under way."""

    victim: str
    finished: int
    under_way: int


@dataclass
class Found:
    """What was left of a study in the end; `wrong` says everything that should not be."""

    study: str
    kills: list[Kill]
    trials: int
    failed: int
    taken_up: int
    wrong: list[str] = field(default_factory=list)


def killed_and_resumed(
    settings: Settings,
    start: Start,
    *,
    trials: int,
    kills: int,
    draw: random.Random,
    worker_share: float = 0.3,
) -> Found:
    """Run a study of so many sampled trials to its end through so many kills, and examine what is left."""
    moments = sorted(draw.sample(range(trials), kills))
    done: list[Kill] = []
    before: dict[int, Trial] = {}
    wrong: list[str] = []
    name: str | None = None
    process = start(None)
    try:
        for moment in moments:
            name = name or _name(settings, process)
            _wait(lambda: _finished_plans(settings, name) >= moment or process.poll() is not None)  # noqa: B023
            time.sleep(draw.uniform(0, AFTER_SECONDS))
            if process.poll() is not None:
                break
            victim = WORKER if draw.random() < worker_share and _workers(process.pid) else MAIN
            finished = _finished_plans(settings, name)
            if victim == WORKER:
                _kill(draw.choice(_workers(process.pid)))
                done.append(Kill(victim, finished, 0))
                continue
            workers = _workers(process.pid)
            process.kill()
            process.wait()
            if not _wait(lambda: not any(map(psutil.pid_exists, workers)), LEAVING_SECONDS):  # noqa: B023
                wrong.append(f"workers outlived their study after kill {len(done) + 1}")
            study = load_study(settings, name)
            done.append(Kill(victim, finished, unfinished(study)))
            now = {trial.number: trial for trial in finished_trials(study)}
            wrong += [f"trial {n} was lost or changed" for n, trial in before.items() if now.get(n) != trial]
            before = now
            process = start(name)
        code = process.wait(timeout=PATIENCE_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
    if code != 0:
        wrong.append(f"the study ended with exit code {code}")
    name = name or str(list_studies(settings)[0]["study"])
    return _examined(settings, name, done, before, trials, wrong)


def _examined(
    settings: Settings, name: str, kills: list[Kill], before: dict[int, Trial], trials: int, wrong: list[str]
) -> Found:
    study = load_study(settings, name)
    found = finished_trials(study)
    sampled = [trial for trial in found if trial.kind == "real"]
    now = {trial.number: trial for trial in found}
    wrong += [f"trial {n} was lost or changed" for n, trial in before.items() if now.get(n) != trial]
    if len(sampled) != trials:
        wrong.append(f"{len(sampled)} plans instead of {trials}")
    evaluated = Counter(trial.digest for trial in sampled if trial.answered_by is None)
    if twice := [digest for digest, count in evaluated.items() if count > 1]:
        wrong.append(f"{len(twice)} parameter sets were evaluated twice")
    if left := unfinished(study):
        wrong.append(f"{left} trials are still under way")
    if other := [t.error for t in found if t.error is not None and t.error != DIED]:
        wrong.append(f"trials broke: {other[:3]}")
    if settings.workers_dir.is_dir() and (orphans := sorted(f.name for f in settings.workers_dir.iterdir())):
        wrong.append(f"orphans in workers: {', '.join(orphans)}")
    if parts := list_partial(settings.studies_dir / name):
        wrong.append(f"half-written files: {', '.join(part.name for part in parts)}")
    failed = sum(trial.state == "failed" for trial in found)
    result = read_result(settings, name)
    if result is None:
        wrong.append("there is no result")
    else:
        told = (result["evaluations"], result["trials_failed"], result["real_plans"])
        counted = (len(found), failed, sum(t.kind == "real" and t.answered_by is None for t in found))
        if told != counted:
            wrong.append(f"the result counts {told}, the journal {counted}")
    return Found(name, kills, len(sampled), failed, sum(kill.under_way for kill in kills), wrong)


def environments_left(settings: Settings) -> list[str]:
    """Return the trial environments of the main warehouse."""
    from planwise.census import census_in_use, load_census
    from planwise.engine.warehouse import open_warehouse
    from planwise.parameters import resolve

    if not settings.warehouse_file.exists() or not census_in_use(settings):
        return []
    census = load_census(settings, None)
    with open_warehouse(settings, "count environments") as warehouse:
        base = resolve((census.first_year,), scenario={})
        warehouse.plan("count", census, base)  # opens it; nothing is applied
        return [name for name in warehouse.environments() if name.startswith("trial_")]


def _name(settings: Settings, process: subprocess.Popen[bytes]) -> str:
    _wait(lambda: bool(list_studies(settings)) or process.poll() is not None)
    return str(list_studies(settings)[0]["study"])


def _finished_plans(settings: Settings, name: str | None) -> int:
    """Count the plans that have ended, in the journal's text: opening it would be slower."""
    file = journal_file(settings, name or "")
    if not file.is_file():
        return 0
    return sum('"evaluation":' in line and '"kind"' not in line for line in file.read_text().splitlines())


def _workers(pid: int) -> list[int]:
    try:
        children = psutil.Process(pid).children()
        return [child.pid for child in children if "spawn_main" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _wait(found: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():
            return True
        time.sleep(POLL_SECONDS)
    return False


def command_line(settings: Settings, arguments: argparse.Namespace, log: Path) -> Start:
    """Return what starts the study as an operator does."""
    first = ["--target-growth", TARGET, "--strategy", "tpe", "--trials", arguments.trials]
    first += ["--years", arguments.years, "--seeds", "0"]

    def start(name: str | None) -> subprocess.Popen[bytes]:
        asked = first if name is None else ["--resume", name]
        tokens = ["optimize", *asked, "--workers", arguments.workers, "--no-flow", "--home", settings.root]
        with open(log, "ab") as output:
            return subprocess.Popen(
                [sys.executable, "-c", "from planwise.cli import main; main()", *map(str, tokens)],
                stdout=output,
                stderr=output,
            )

    return start


def main(tokens: Sequence[str] | None = None) -> int:
    """Run the study through its kills; print a table; exit with 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, default in (("trials", 60), ("workers", 2), ("kills", 10), ("employees", 300), ("years", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(tokens)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        generate_census(settings, employees=arguments.employees, seed=1)
        start = command_line(settings, arguments, Path(folder) / "study.log")
        begun = time.monotonic()
        found = killed_and_resumed(
            settings,
            start,
            trials=arguments.trials,
            kills=arguments.kills,
            draw=random.Random(arguments.seed),
        )
        kept = environments_left(settings)
        _print(found, kept, time.monotonic() - begun)
        if found.wrong:
            Console().print((Path(folder) / "study.log").read_text()[-3000:], markup=False)
    return 1 if found.wrong else 0


def _print(found: Found, kept: Sequence[str], seconds: float) -> None:
    console = Console()
    table = Table("kill", "of", "trials finished", "left under way")
    for number, kill in enumerate(found.kills, start=1):
        table.add_row(str(number), kill.victim, str(kill.finished), str(kill.under_way))
    console.print(table)
    console.print(
        f"{found.trials} distinct trials in {seconds:.0f} s; {found.taken_up} taken up again, "
        f"{found.failed} failed under a killed worker; {len(kept)} environments kept."
    )
    console.print("Nothing lost, nothing twice." if not found.wrong else "\n".join(found.wrong), markup=False)


if __name__ == "__main__":
    sys.exit(main())
