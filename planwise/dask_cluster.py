"""The workers of a pool on a Dask cluster: each is an actor in a process of the cluster.

A worker there opens the same evaluators as a worker process here, in a database of its own in the home, which
every machine of the cluster reaches at the same path. A request whose Dask worker is lost is sent to another
one; without any the study ends, and is resumed later. Everything is closed when the actor is released: by the
pool, or by the scheduler when this process dies.
"""

import asyncio
import contextlib
import hashlib
import itertools
import logging
import os
import pickle
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from planwise.errors import InputError, MachineError, expected_error
from planwise.governance.request import LOCAL_CLUSTER
from planwise.masking import describe_error
from planwise.processes import collect_rarely, keep_private
from planwise.settings import Settings
from planwise.workers import LOG, OpenWorker, Reply, Worker, WorkerDied, answer_request

CONNECT_SECONDS = 10.0
OPEN_SECONDS = 120.0  # for a Dask worker to import PlanWise
WORKER_WAIT_SECONDS = 30.0  # for a new Dask worker in place of the last one
CLOSE_SECONDS = 10.0
POLL_SECONDS = 0.5
ATTEMPTS = 3  # Dask workers that a request may lose before it counts as the reason
EQUAL = ("planwise", "duckdb", "sqlmesh", "sqlglot", "numpy", "pandas", "distributed")  # for equal results
TRANSPORT = ("python", "distributed", "msgpack", "cloudpickle")  # which a message must survive
SECRETS = {"ledger_url": None, "study_storage_url": None}  # workers need neither
RESUME = (
    "A study keeps its finished trials, `planwise optimize --resume STUDY` continues it; a sweep that is run "
    "again runs no model for what is published."
)


class ClusterUnusable(MachineError):
    """The Dask cluster does not answer, has no workers, or has another installation."""


def without_secrets(settings: Settings) -> Settings:
    """Return settings to send to other machines: without the URLs of databases, which have passwords."""
    return settings.model_copy(update=SECRETS)


def environment(settings: Settings) -> dict[str, str]:
    """Return what must be the same in all processes for the same results."""
    models = sorted(settings.project.rglob("*.sql"))
    text = hashlib.sha256(b"".join(file.read_bytes() for file in models)).hexdigest()[:12]
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: _version(name) for name in EQUAL},
        f"the models in {settings.project}": text if models else "missing",
        f"the folder {settings.censuses_dir}": "present" if settings.censuses_dir.is_dir() else "missing",
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


@contextmanager
def open_cluster(settings: Settings, address: str, workers: int) -> Iterator["DaskCluster"]:
    """Connect to a scheduler, or start a cluster of so many processes here; check that it can work for us.

    Of a cluster elsewhere more than one worker is a limit, otherwise all are used. Raises ClusterUnusable,
    with what is wrong; InputError without `planwise[scale]`.
    """
    distributed = _library()
    with ExitStack() as stack:
        target: Any = address
        try:
            if address == LOCAL_CLUSTER:
                folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
                target = stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=workers,
                        threads_per_worker=1,
                        host="127.0.0.1",
                        dashboard_address="127.0.0.1:0",
                        local_directory=folder,
                        silence_logs=logging.ERROR,
                        memory_limit=0,  # DuckDB has limits of its own
                    )
                )
            client = stack.enter_context(distributed.Client(target, timeout=CONNECT_SECONDS))
        except (OSError, ValueError, RuntimeError) as error:
            raise ClusterUnusable(
                f"The Dask scheduler {address} does not answer: {_first_line(error)}",
                remedy="Start it (`dask scheduler`, then `dask worker`), or correct --dask; without --dask "
                f"the work runs on this machine. {RESUME}",
            ) from error
        found = DaskCluster(
            client, address, limit=workers if workers > 1 or address == LOCAL_CLUSTER else None
        )
        found.check(settings)
        yield found


def _library() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            "--dask needs Dask, which is not installed.", remedy="pip install 'planwise[scale]'"
        ) from error
    return distributed


class DaskCluster:
    """A cluster and which of its workers the pool uses; may be called from any thread."""

    def __init__(self, client: Any, address: str, *, limit: int | None) -> None:
        self.client = client
        self.address = address
        self.size = min(len(self.addresses()), limit or sys.maxsize)
        self.lost = 0
        self._lock = threading.Lock()
        self._used: dict[int, str] = {}  # by worker of the pool
        self._openings = itertools.count()

    @property
    def summary(self) -> str:
        """A sentence on what it has."""
        return f"Dask cluster {self.address}: {self.size} workers."

    def addresses(self) -> tuple[str, ...]:
        """Return the workers that the scheduler has; raises ClusterUnusable when it does not answer."""
        try:
            return tuple(self.client.scheduler_info(n_workers=-1)["workers"])
        except (OSError, RuntimeError) as error:
            raise ClusterUnusable(
                f"The Dask scheduler {self.address} no longer answers: {_first_line(error)}",
                remedy=f"Start it again. {RESUME}",
            ) from error

    def check(self, settings: Settings) -> None:
        """Raise ClusterUnusable unless there are workers, with this installation and this home."""
        if not self.size:
            raise ClusterUnusable(
                f"The Dask scheduler {self.address} has no workers.",
                remedy="Start some: `dask worker ADDRESS`, one process each (--nthreads 1).",
            )
        versions = self.client.get_versions()
        here = versions["client"]["packages"]
        others = {"the scheduler": versions["scheduler"], **versions["workers"]}
        for place, there in others.items():
            _require_equal(place, {name: here[name] for name in TRANSPORT}, (there or {}).get("packages", {}))
        expected, sent = environment(settings), without_secrets(settings)
        try:
            found: Mapping[str, Mapping[str, str]] = self.client.run(environment, sent)
        except Exception as error:  # whatever unpickling raises there
            raise ClusterUnusable(
                f"PlanWise cannot be used on the Dask workers of {self.address}: {_first_line(error)}",
                remedy="Install the same PlanWise for the scheduler and for every worker.",
            ) from error
        for place, there in found.items():
            _require_equal(place, expected, there)

    def start(self, open_worker: OpenWorker, index: int) -> "DaskProcess":
        """Start a worker of the pool: a `Process` of `planwise.workers`."""
        return DaskProcess(self, open_worker, index)

    def place(self, index: int) -> str:
        """Return the Dask worker for a worker of the pool: its own, unless that is lost or another is free.

        Waits for one when all are lost; raises ClusterUnusable when none comes.
        """
        deadline = time.monotonic() + WORKER_WAIT_SECONDS
        while not (living := self.addresses()):
            if time.monotonic() > deadline:
                raise ClusterUnusable(
                    f"The Dask cluster {self.address} has lost its last worker.",
                    remedy=f"Start workers again (`dask worker {self.address}`). {RESUME}",
                )
            time.sleep(POLL_SECONDS)
        with self._lock:
            others = [address for other, address in self._used.items() if other != index]
            own = self._used.get(index)
            best = min(living, key=lambda address: (others.count(address), address))
            if own not in living or others.count(best) < others.count(str(own)):
                self._used[index] = own = best
            return str(own)

    def submit(self, open_worker: OpenWorker, address: str) -> Any:
        """Return the future of an actor on a Dask worker; each opening has a number of its own."""
        make = pickle.dumps(partial(open_worker, next(self._openings)))
        return self.client.submit(
            RemoteWorker, make, workers=[address], allow_other_workers=False, actor=True, pure=False
        )

    def note_loss(self, address: str, why: str) -> None:
        """Count and log a lost Dask worker."""
        self.lost += 1
        LOG.warning("The Dask worker %s was lost (%s); its request is sent to another one", address, why)


class _Lost(Exception):
    """The Dask worker that had a request is gone."""


class DaskProcess:
    """A worker of the pool, on a Dask worker; a lost one is opened again elsewhere."""

    pid = 0  # of another machine

    def __init__(self, cluster: DaskCluster, open_worker: OpenWorker, index: int) -> None:
        self.alive = True
        self._cluster = cluster
        self._open_worker = open_worker
        self._index = index
        self._address = ""
        self._future: Any = None
        self._actor: Any = None
        with contextlib.suppress(_Lost):  # it opens while other workers do; the first request tries again
            self._settle()

    def ask(self, request: Any) -> Reply:
        """Send a request and wait for the reply; raises WorkerDied when it is stopped, or loses workers."""
        for _ in range(ATTEMPTS):
            try:
                self._settle()
                reply: Reply = self._waited(self._actor.ask(request))
                return reply
            except _Lost as lost:
                self._release()
                if not self.alive:
                    raise WorkerDied("worker died: stopped") from lost
                self._cluster.note_loss(self._address, str(lost))
        self.alive = False
        raise WorkerDied(f"worker died: {ATTEMPTS} Dask workers were lost with it")

    def close(self) -> None:
        """Let the worker close what it holds."""
        if self.alive and self._actor is not None:
            with contextlib.suppress(Exception):  # it is released in any case
                self._actor.close().result(timeout=CLOSE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Stop waiting; the worker closes what it holds when it is no longer busy."""
        self.alive = False
        self._release()

    def _settle(self) -> None:
        """Have an actor on the right Dask worker."""
        address = self._cluster.place(self._index)
        if self._actor is not None and address == self._address:
            return
        self._release()
        self._address = address
        self._future = self._cluster.submit(self._open_worker, address)
        self._actor = self._waited(self._future, OPEN_SECONDS)

    def _waited(self, future: Any, seconds: float = float("inf")) -> Any:
        """Return a future's result; raises _Lost when the Dask worker is gone or the pool is stopped."""
        deadline = time.monotonic() + seconds
        was_done = False
        while True:
            try:
                return future.result(timeout=POLL_SECONDS)
            except TimeoutError as error:
                gone = self._address not in self._cluster.addresses()
                if was_done or gone or not self.alive or time.monotonic() > deadline:
                    raise _Lost("no answer" if not gone else "it has left the cluster") from error
                was_done = future.done()  # by now: its result is read once more
            except Exception as error:  # of Dask: what the worker itself raises is in its reply
                raise _Lost(_first_line(error)) from error

    def _release(self) -> None:
        self._future = self._actor = None


class RemoteWorker:
    """A worker in a process of the cluster; one thread of its own makes and uses it."""

    def __init__(self, make: bytes) -> None:
        keep_private()
        collect_rarely()
        with contextlib.suppress(OSError):
            os.dup2(sys.stderr.fileno(), 1)  # of a local cluster stdout is the command's own
        self._make = make
        self._worker: Worker | None = None
        self._thread = ThreadPoolExecutor(1, "planwise")
        self._thread.submit(self._opened)

    async def ask(self, request: Any) -> Reply:
        """Answer a request; errors are in the reply. The Dask worker stays free for others."""
        return await asyncio.wrap_future(self._thread.submit(self._answer, request))

    async def close(self) -> None:
        """Close the worker after the request that it is answering."""
        await asyncio.wrap_future(self._thread.submit(self._close))

    def _answer(self, request: Any) -> Reply:
        try:
            worker = self._opened()
        except Exception as error:
            return Reply(error=expected_error(error) or describe_error(error))
        return answer_request(worker, request)

    def _opened(self) -> Worker:
        if self._worker is None:
            made: Worker = pickle.loads(self._make)()
            self._worker = made
        return self._worker

    def _close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def __del__(self) -> None:
        with contextlib.suppress(RuntimeError):  # at the end of the process
            if (worker := self._worker) is not None:
                self._thread.submit(worker.close)
            self._thread.shutdown(wait=False)


def _require_equal(place: str, expected: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Raise ClusterUnusable with every difference to this process."""
    differ = [
        f"{name} is {found.get(name) or 'missing'} there and {value} here"
        for name, value in expected.items()
        if found.get(name) != value
    ]
    if differ:
        where = place if place.startswith("the ") else f"the Dask worker {place}"
        raise ClusterUnusable(
            f"{where[0].upper()}{where[1:]} is not like this process: {'; '.join(differ)}.",
            remedy="Install the same versions (requirements.lock) for scheduler, workers and this command, "
            "and have the installation and the home at the same path on every machine.",
        )


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
