"""Many sessions of the dashboard at once, and what sessions leave behind.

python -m benchmarks.dashboard_sessions [--sessions 20] [--edits 10] [--closed 200] [--employees 10000]

Each session opens Plan and edits levers: one edit after the other with time to think, then all sessions
at the same moment. Measured is from the edit on its way to its figures at the client, over the websocket and
without a browser, whose own share `benchmarks.dashboard` has. An edit counts only when it was simulated:
the figures are another simulation's than before, and not from a cache. Then the figures of a few sessions are
compared with `planwise preview` of the same levers, so that none has those of another one. Memory is that of
the server with its worker processes (resident; shared pages count once a process). At the end sessions are
opened and closed in rows, with a wait for them to expire after each.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.dashboard_world import home_with, world
from benchmarks.record import record, write
from benchmarks.serving import PLANWISE, Served
from benchmarks.wire import Wire
from planwise.formatting import count, money, percent

P95_BAR_SECONDS = 1.0
GROWTH_BAR_MB = 0.5  # a session, after it expired
PAGE = "/?page=plan"
LEVERS = {  # as typed on the page: rates in percent
    "cola_rate": (1.5, 5.0),
    "merit_rate_level_1": (2.0, 6.0),
    "merit_rate_level_2": (2.0, 6.0),
    "promotion_raise_level_1": (6.0, 15.0),
    "new_hire_salary_adjustment": (1.0, 1.3),
}
FACTORS = frozenset({"new_hire_salary_adjustment"})
DIGITS = 4  # so many that no two edits are equal
COMPARED = 3  # sessions whose figures are simulated again: some seconds each
THINK_SECONDS = (1.0, 4.0)
EXPIRY_SECONDS = 150.0  # unused sessions live a minute, and are looked for twice a minute
FIRST_SECONDS = 300.0  # the first session waits for the previews to be prepared
ROWS = 4
AT_ONCE = 5
MB = 1e6


@dataclass(frozen=True)
class Timed:
    """Seconds from edit to figures, and the server's memory at the end."""

    seconds: tuple[float, ...]
    memory_mb: float

    def quantile(self, share: float) -> float:
        """Return a quantile of the seconds, interpolated."""
        return float(np.quantile(self.seconds, share))


@dataclass
class Analyst:
    """A session with what it has edited, and what it draws its edits from."""

    session: Wire
    draw: random.Random
    edits: dict[str, float] = field(default_factory=dict)

    async def edit(self) -> float:
        """Edit one lever; return the seconds until its figures are there; raise RuntimeError if cached."""
        before = self.shown
        lever = self.draw.choice(tuple(LEVERS))
        number = int(before.get("number") or 0) + 1
        value = round(self.draw.uniform(*LEVERS[lever]), DIGITS)
        self.edits[lever] = value
        await self.session.tell(
            "LeverEditor", kind="edit", name=lever, value=value, live=False, number=number
        )
        took = await self.session.until(
            lambda _: int(self.shown.get("number") or 0) >= number and self.shown["key"] != before.get("key")
        )
        if "from cache" in str(self.shown["html"]):
            raise RuntimeError("An edit was answered from a cache: it measures nothing.")
        return took

    @property
    def shown(self) -> dict[str, Any]:
        """What Plan shows: html, the number of the edit it answers, and the key of the simulation."""
        return self.session.values("LiveFigures", "shown")

    def compare(self, home: Path) -> None:
        """Simulate the same levers by a command; raise RuntimeError when the page has other figures."""
        sets = [
            part
            for name, value in self.edits.items()
            for part in ("--set", f"{name}={value if name in FACTORS else f'{value}%'}")
        ]
        command = (*PLANWISE, "preview", "--json", "--home", str(home), *sets)
        last = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["kpis"][-1]
        expected = (
            percent(last["growth_compound"], 2),
            money(last["mean_base_pay"]),
            count(last["headcount"]),
        )
        missing = [figure for figure in expected if escape(figure) not in str(self.shown["html"])]
        if missing:
            raise RuntimeError(
                f"A session shows other figures than its levers give: {missing} of {self.edits}."
            )


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process and of all that it started."""
    server = psutil.Process(pid)
    total = 0
    for process in (server, *server.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:  # ended meanwhile
            continue
    return total / MB


def has_figures(session: Wire) -> bool:
    """Return whether Plan shows the figures of a simulation."""
    return " employees<" in str(session.values("LiveFigures", "shown").get("html", ""))


async def _open(served: Served) -> Wire:
    return await Wire.open(served.url + PAGE, served.cookie)


async def opened(served: Served, number: int) -> list[Wire]:
    """Open sessions on Plan, a few at a time, each with its first figures."""
    sessions: list[Wire] = []
    while len(sessions) < number:
        batch = min(AT_ONCE, number - len(sessions))
        sessions += await asyncio.gather(*(_open(served) for _ in range(batch)))
    for session in sessions:
        await session.until(has_figures, FIRST_SECONDS)
    return sessions


async def thinking(analysts: Sequence[Analyst], edits: int) -> list[float]:
    """Edit in every session with time to think between edits."""

    async def one(analyst: Analyst) -> list[float]:
        found = []
        for _ in range(edits):
            await asyncio.sleep(analyst.draw.uniform(*THINK_SECONDS))
            found.append(await analyst.edit())
        return found

    return [seconds for found in await asyncio.gather(*map(one, analysts)) for seconds in found]


async def at_once(analysts: Sequence[Analyst], edits: int) -> list[float]:
    """Edit in every session at the same moment, again and again."""
    found: list[float] = []
    for _ in range(edits):
        found += await asyncio.gather(*(analyst.edit() for analyst in analysts))
    return found


async def opened_and_closed(served: Served, number: int, tell: Callable[[str], None]) -> float:
    """Open and close sessions in rows; return the megabytes that each leaves after the first row expired."""
    held: list[float] = []
    row = max(number // ROWS, AT_ONCE)
    for done in range(row, number + 1, row):
        for _ in range(row // AT_ONCE):
            for session in await asyncio.gather(*(_open(served) for _ in range(AT_ONCE))):
                await session.close()
        await asyncio.sleep(EXPIRY_SECONDS)
        held.append(memory_mb(served.pid))
        tell(f"{done} sessions opened and closed: {held[-1]:.0f} MB")
    return (held[-1] - held[0]) / (row * (len(held) - 1)) if len(held) > 1 else 0.0


async def load(
    served: Served, home: Path, number: int, edits: int, tell: Callable[[str], None]
) -> dict[str, Timed]:
    """Measure sessions that edit with time to think, and all at once; look whether figures are mixed up."""
    pid, sessions = served.pid, await opened(served, number)
    analysts = [Analyst(session, random.Random(place)) for place, session in enumerate(sessions)]
    tell(f"{number} sessions are open: {memory_mb(pid):.0f} MB")
    found = {}
    ways: dict[str, Callable[[Sequence[Analyst], int], Awaitable[list[float]]]] = {
        "thinking": thinking,
        "at_once": at_once,
    }
    for name, way in ways.items():
        found[name] = Timed(tuple(await way(analysts, edits)), memory_mb(pid))
        timed = found[name]
        p50, p95 = timed.quantile(0.5), timed.quantile(0.95)
        tell(f"{name}: p50 {p50:.2f} s, p95 {p95:.2f} s, {timed.memory_mb:.0f} MB")
    for analyst in analysts[:: max(1, number // COMPARED)][:COMPARED]:
        await asyncio.to_thread(analyst.compare, home)
    tell("The figures of the sessions that were simulated again are those of their own levers.")
    for session in sessions:
        await session.close()
    return found


def main(tokens: Sequence[str] | None = None) -> int:
    """Measure; exit with 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, default in (("sessions", 20), ("edits", 10), ("closed", 200), ("employees", 10_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--home", type=Path, help="a home with a published baseline, taken as it is")
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args(tokens)
    console = Console()
    with home_with(asked.employees, asked.home) as home, world(asked.employees, home) as served:
        begun = time.perf_counter()
        idle = memory_mb(served.pid)
        console.print(f"The server holds {idle:.0f} MB with its workers before the first session.")
        found = asyncio.run(load(served, home, asked.sessions, asked.edits, console.print))
        growth = asyncio.run(opened_and_closed(served, asked.closed, console.print)) if asked.closed else 0.0
    figures = {"memory_idle_mb": idle, "growth_per_closed_session_mb": growth}
    for name, timed in found.items():
        figures |= {f"{name}_p50_seconds": timed.quantile(0.5), f"{name}_p95_seconds": timed.quantile(0.95)}
        figures[f"{name}_memory_mb"] = timed.memory_mb
    table = Table(
        "figure", "value", title=f"{asked.sessions} sessions, {time.perf_counter() - begun:.0f} s in all"
    )
    for name, value in figures.items():
        table.add_row(name, f"{value:.2f}")
    console.print(table)
    if asked.output:
        write(record({asked.employees: figures}, suite="dashboard-sessions", runs=1), asked.output)
    slow = found["thinking"].quantile(0.95) >= P95_BAR_SECONDS
    return int(slow or growth > GROWTH_BAR_MB)


if __name__ == "__main__":
    sys.exit(main())
