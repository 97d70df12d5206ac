"""Trials in parallel: worker processes, each with evaluators of its own."""

from planwise.study.parallel.leftovers import remove_dead_workers, worker_name
from planwise.study.parallel.messages import Job, PoolStopped, TrialBroke, WorkerDied
from planwise.study.parallel.pool import TrialPool
from planwise.study.parallel.worker import Factory

__all__ = [
    "Factory",
    "Job",
    "PoolStopped",
    "TrialBroke",
    "TrialPool",
    "WorkerDied",
    "remove_dead_workers",
    "worker_name",
]
