"""Many sessions of the dashboard at once, and what sessions leave behind.

python -m benchmarks.dashboard_sessions [--sessions 20] [--edits 10] [--closed 200] [--employees 10000]

Each session opens What-if and edits levers: one edit after the other with time to think, then all sessions
at the same moment. Measured is from the edit on its way to its figures at the client, over the websocket and
without a browser, whose own share `benchmarks.dashboard` has. Memory is that of the server with its worker
processes (resident; shared pages count once a process). At the end sessions are opened and closed in rows,
with a wait for them to expire after each.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.dashboard_world import world
from benchmarks.record import record, write
from benchmarks.wire import Wire

P95_BAR_SECONDS = 1.0
GROWTH_BAR_MB = 0.5  # a session, after it expired
PAGE = "/?page=whatif"
LEVERS = {
    "cola_rate": (0.015, 0.05),
    "merit_rate_level_1": (0.02, 0.06),
    "merit_rate_level_2": (0.02, 0.06),
    "promotion_raise_level_1": (0.06, 0.15),
    "new_hire_salary_adjustment": (1.0, 1.3),
}
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


async def edit(session: Wire, draw: random.Random) -> float:
    """Edit one lever in one session; return the seconds until its figures are there."""
    lever = draw.choice(tuple(LEVERS))
    number = int(session.values("Figures", "shown").get("number") or 0) + 1
    value = round(draw.uniform(*LEVERS[lever]), 4)
    await session.tell("Board", kind="edit", name=lever, value=value, live=False, number=number)
    return await session.until(lambda s: int(s.values("Figures", "shown").get("number") or 0) >= number)


def has_figures(session: Wire) -> bool:
    """Return whether What-if shows the figures of a simulation."""
    return " employees<" in str(session.values("Figures", "shown").get("html", ""))


async def opened(url: str, count: int) -> list[Wire]:
    """Open sessions on What-if, a few at a time, each with its first figures."""
    sessions: list[Wire] = []
    while len(sessions) < count:
        batch = min(AT_ONCE, count - len(sessions))
        sessions += await asyncio.gather(*(Wire.open(url + PAGE) for _ in range(batch)))
    for session in sessions:
        await session.until(has_figures, FIRST_SECONDS)
    return sessions


async def thinking(sessions: Sequence[Wire], edits: int) -> list[float]:
    """Edit in every session with time to think between edits."""

    async def one(session: Wire, place: int) -> list[float]:
        draw, found = random.Random(place), []
        for _ in range(edits):
            await asyncio.sleep(draw.uniform(*THINK_SECONDS))
            found.append(await edit(session, draw))
        return found

    return [s for found in await asyncio.gather(*map(one, sessions, range(len(sessions)))) for s in found]


async def at_once(sessions: Sequence[Wire], edits: int) -> list[float]:
    """Edit in every session at the same moment, again and again."""
    draws = [random.Random(1000 + place) for place in range(len(sessions))]
    found: list[float] = []
    for _ in range(edits):
        found += await asyncio.gather(*map(edit, sessions, draws))
    return found


async def opened_and_closed(url: str, pid: int, count: int, tell: Callable[[str], None]) -> float:
    """Open and close sessions in rows; return the megabytes that each leaves after the first row expired."""
    held: list[float] = []
    row = max(count // ROWS, AT_ONCE)
    for done in range(row, count + 1, row):
        for _ in range(row // AT_ONCE):
            for session in await asyncio.gather(*(Wire.open(url + PAGE) for _ in range(AT_ONCE))):
                await session.close()
        await asyncio.sleep(EXPIRY_SECONDS)
        held.append(memory_mb(pid))
        tell(f"{done} sessions opened and closed: {held[-1]:.0f} MB")
    return (held[-1] - held[0]) / (row * (len(held) - 1)) if len(held) > 1 else 0.0


async def load(url: str, pid: int, count: int, edits: int, tell: Callable[[str], None]) -> dict[str, Timed]:
    """Measure sessions that edit with time to think, and all at once."""
    sessions = await opened(url, count)
    tell(f"{count} sessions are open: {memory_mb(pid):.0f} MB")
    found = {}
    ways: dict[str, Callable[[Sequence[Wire], int], Awaitable[list[float]]]] = {
        "thinking": thinking,
        "at_once": at_once,
    }
    for name, way in ways.items():
        found[name] = Timed(tuple(await way(sessions, edits)), memory_mb(pid))
        timed = found[name]
        p50, p95 = timed.quantile(0.5), timed.quantile(0.95)
        tell(f"{name}: p50 {p50:.2f} s, p95 {p95:.2f} s, {timed.memory_mb:.0f} MB")
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
    with world(asked.employees, asked.home) as served:
        begun = time.perf_counter()
        idle = memory_mb(served.pid)
        console.print(f"The server holds {idle:.0f} MB with its workers before the first session.")
        found = asyncio.run(load(served.url, served.pid, asked.sessions, asked.edits, console.print))
        growth = (
            asyncio.run(opened_and_closed(served.url, served.pid, asked.closed, console.print))
            if asked.closed
            else 0.0
        )
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
