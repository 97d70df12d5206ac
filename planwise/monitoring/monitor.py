"""Measure blocks of work: wall and CPU seconds, records, memory; nested blocks form the tree of a run."""

import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import psutil

from planwise.processes import memory_bytes

SAMPLE_SECONDS = 0.05  # the system knows the exact peak whenever it is a new one; see MonitoredBlock.end
PRESSURE_EVERY = 20  # samples; the machine's available memory takes 0.1 ms
TIMELINE_POINTS = 240
MB = 2**20
STATM, STATM_BYTES = "/proc/self/statm", 128  # of Linux: read in 1 µs, by psutil in 10
PAGE = os.sysconf("SC_PAGE_SIZE")
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class BlockFigures:
    """What a block took; blocks of one name within one parent are summed, and `count` says how many.

    CPU seconds are those of the whole process and of its ended children. `peak_memory_mb` is the most memory
    that the process held at any time in the block, `memory_delta_mb` how much more at its end than before;
    both are None for a block that something else has timed.
    """

    name: str
    seconds: float
    cpu_seconds: float
    peak_memory_mb: float | None
    memory_delta_mb: float | None
    records: int | None = None
    count: int = 1
    failed: int = 0
    blocks: tuple["BlockFigures", ...] = ()

    @property
    def records_per_second(self) -> float | None:
        """Records a second of wall time; None without records."""
        return self.records / self.seconds if self.records is not None and self.seconds > 0 else None

    def as_json(self) -> dict[str, Any]:
        """Return the block and those within it as one object."""
        rate = self.records_per_second
        return {
            "name": self.name,
            "count": self.count,
            "failed": self.failed,
            "seconds": round(self.seconds, 6),
            "cpu_seconds": round(self.cpu_seconds, 6),
            "records": self.records,
            "records_per_second": None if rate is None else round(rate, 1),
            "peak_memory_mb": _rounded(self.peak_memory_mb),
            "memory_delta_mb": _rounded(self.memory_delta_mb),
            "blocks": [block.as_json() for block in self.blocks],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "BlockFigures":
        """Return the block that `as_json` described."""
        plain = {key: value for key, value in stored.items() if key not in ("blocks", "records_per_second")}
        return cls(**plain, blocks=tuple(map(cls.from_json, stored["blocks"])))

    def walk(self, parents: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "BlockFigures"]]:
        """Yield the block and all within it, each with the names on the way to it, its own the last."""
        path = (*parents, self.name)
        yield path, self
        for block in self.blocks:
            yield from block.walk(path)

    def merged(self, other: "BlockFigures") -> "BlockFigures":
        """Return the sum with another block of the same name."""
        both = (self, other)
        counted = [one.records for one in both if one.records is not None]
        peaks = [one.peak_memory_mb for one in both if one.peak_memory_mb is not None]
        deltas = [one.memory_delta_mb for one in both if one.memory_delta_mb is not None]
        return BlockFigures(
            self.name,
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(peaks) if peaks else None,
            sum(deltas) if deltas else None,
            sum(counted) if counted else None,
            self.count + other.count,
            self.failed + other.failed,
            merged_blocks((*self.blocks, *other.blocks)),
        )


def _rounded(megabytes: float | None) -> float | None:
    return None if megabytes is None else round(megabytes, 2)


def merged_blocks(blocks: tuple[BlockFigures, ...]) -> tuple[BlockFigures, ...]:
    """Return one block per name, in the order of their first."""
    found: dict[str, BlockFigures] = {}
    for block in blocks:
        found[block.name] = found[block.name].merged(block) if block.name in found else block
    return tuple(found.values())


class MemorySampler:
    """Samples this process's memory in a thread while a run is measured."""

    def __init__(self) -> None:
        self._statm = os.open(STATM, os.O_RDONLY) if os.path.exists(STATM) else None
        self._over = threading.Event()
        self._started = time.perf_counter()
        self._stride, self._samples, self._highest = 1, 0, 0
        self._thread = threading.Thread(target=self._sample, name="memory sampler", daemon=True)
        self.windows: tuple[_Window, ...] = ()
        self.timeline: list[tuple[float, float]] = []  # seconds since the start, MB; the peak since the last
        self.total_bytes = _memory_of_machine()
        self.available_min = self.total_bytes
        self._thread.start()

    def rss(self) -> int:
        """Return the memory that the process holds, in bytes."""
        if self._statm is None:
            return int(psutil.Process().memory_info().rss)
        return int(os.pread(self._statm, STATM_BYTES, 0).split()[1]) * PAGE

    @property
    def pressure(self) -> float:
        """The largest share of the memory of the machine, or of its control groups, that was in use."""
        if self._samples <= PRESSURE_EVERY:  # a short run: now
            self._note_available(self.total_bytes - self.available_min)
        return 1 - self.available_min / self.total_bytes

    def stop(self) -> None:
        """End the thread."""
        self._over.set()
        self._thread.join()
        if self._statm is not None:
            os.close(self._statm)
            self._statm = None

    def _sample(self) -> None:
        while True:
            found = self.rss()
            for window in self.windows:
                window.peak = max(window.peak, found)
            self._extend(found)
            if self._samples % PRESSURE_EVERY == 0:
                self._note_available(found)
            if self._over.wait(SAMPLE_SECONDS):
                return

    def _note_available(self, held: int) -> None:
        free = min(int(psutil.virtual_memory().available), self.total_bytes - held)
        self.available_min = min(self.available_min, max(free, 0))

    def _extend(self, found: int) -> None:
        """Add a sample to the timeline; when it is full, keep the higher of every two."""
        self._samples += 1
        self._highest = max(self._highest, found)
        if self._samples % self._stride:
            return
        self.timeline.append((round(time.perf_counter() - self._started, 3), round(self._highest / MB, 1)))
        self._highest = 0
        if len(self.timeline) >= TIMELINE_POINTS:
            pairs = zip(self.timeline[::2], self.timeline[1::2], strict=True)
            self.timeline = [(later[0], max(earlier[1], later[1])) for earlier, later in pairs]
            self._stride *= 2


@dataclass(eq=False)
class _Window:
    """The time of one block, for its peak."""

    peak: int


OnBlock = Callable[[tuple[str, ...], BlockFigures], None]


@dataclass(eq=False)
class MonitoredRun:
    """What the blocks of one run share: the sampler, facts about the run, who hears of ended blocks."""

    sampler: MemorySampler
    facts: dict[str, Any] = field(default_factory=dict)
    on_block: OnBlock | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class MonitoredBlock:
    """A block that is being measured; `records` may be set within it, `figures` are there at its end."""

    def __init__(self, name: str, records: int | None, run: MonitoredRun, parent: "MonitoredBlock | None"):
        self.name, self.records, self.run, self.parent = name, records, run, parent
        self.path: tuple[str, ...] = (*parent.path, name) if parent else (name,)
        self.failed = False
        self._blocks: dict[str, BlockFigures] = {}
        self._figures: BlockFigures | None = None
        self._before = run.sampler.rss()
        self._window = _Window(self._before)
        with run.lock:
            run.sampler.windows = (*run.sampler.windows, self._window)
        self._highest_before = highest_rss()
        self._cpu = cpu_seconds()
        self._started = time.perf_counter()

    @property
    def figures(self) -> BlockFigures:
        """What the block took; raises RuntimeError before its end."""
        if self._figures is None:
            raise RuntimeError(f"The block {self.name!r} has not ended.")
        return self._figures

    def add(self, block: BlockFigures) -> None:
        """Add a block that ended within this one."""
        with self.run.lock:
            known = self._blocks.get(block.name)
            self._blocks[block.name] = block if known is None else known.merged(block)

    def end(self) -> BlockFigures:
        """End the block and return its figures."""
        seconds, cpu = time.perf_counter() - self._started, cpu_seconds() - self._cpu
        after, highest = self.run.sampler.rss(), highest_rss()
        with self.run.lock:
            self.run.sampler.windows = tuple(w for w in self.run.sampler.windows if w is not self._window)
        # When the process held more than ever before, the system knows the exact peak, between samples too.
        exact = highest if highest > self._highest_before else 0
        peak = max(self._window.peak, after, exact)
        self._figures = BlockFigures(
            self.name,
            seconds,
            cpu,
            peak / MB,
            (after - self._before) / MB,
            self.records,
            failed=int(self.failed),
            blocks=tuple(self._blocks.values()),
        )
        return self._figures


_CURRENT: ContextVar[MonitoredBlock | None] = ContextVar("monitored block", default=None)


@contextmanager
def monitor_block(name: str, *, records: int | None = None) -> Iterator[MonitoredBlock]:
    """Measure the block, or as a decorator each call; outside of a run it is a run of its own.

    A block belongs to the run of its context: threads and tasks that are given the context join it.
    """
    parent = _CURRENT.get()
    if parent is None:
        with monitor_run(name) as block:
            block.records = records
            yield block
        return
    with _measured(MonitoredBlock(name, records, parent.run, parent)) as block:
        yield block


@contextmanager
def monitor_run(name: str, *, on_block: OnBlock | None = None) -> Iterator[MonitoredBlock]:
    """Measure a run: the block that all others are within. `on_block` hears of each block that ends."""
    run = MonitoredRun(MemorySampler(), on_block=on_block)
    try:
        with _measured(MonitoredBlock(name, None, run, None)) as block:
            yield block
    finally:
        run.sampler.stop()


@contextmanager
def _measured(block: MonitoredBlock) -> Iterator[MonitoredBlock]:
    token = _CURRENT.set(block)
    try:
        yield block
    except BaseException:
        block.failed = True
        raise
    finally:
        _CURRENT.reset(token)
        figures = block.end()
        if block.parent is not None:
            block.parent.add(figures)
        if block.run.on_block is not None:
            block.run.on_block(block.path, figures)


def in_run() -> bool:
    """Whether this context is within a measured run."""
    return _CURRENT.get() is not None


def describe_run(*, records: int = 0, **facts: Any) -> None:
    """Add facts to the run that this is within, such as its employees, and to the records that it counts."""
    block = _CURRENT.get()
    if block is not None:
        counted = int(block.run.facts.get("records", 0)) + records
        block.run.facts.update(facts, records=counted)


def add_block(name: str, seconds: float, *, records: int | None = None) -> None:
    """Add a block that something else has timed, such as a model; its memory is not known."""
    block = _CURRENT.get()
    if block is not None:
        block.add(BlockFigures(name, seconds, 0.0, None, None, records))


@cache
def _memory_of_machine() -> int:
    return memory_bytes()


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, of its threads and of its ended children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def highest_rss() -> int:
    """Return the most memory that the process has held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES
