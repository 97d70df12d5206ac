"""A worker process: answers one job after the other until its study hangs up, or dies."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from multiprocessing.connection import Connection

from planwise.study.parallel.messages import Answer, Broke, Job, error_text
from planwise.study.trials.evaluation import Evaluator, Kind

Factory = Callable[[int, Kind], AbstractContextManager[Evaluator]]
"""Opens a worker's own evaluator of a kind, by the worker's index; picklable."""


def work(factory: Factory, index: int, first: Kind, jobs: Connection) -> None:
    """Answer jobs until the other end is closed; `first` is the kind to be ready for before any comes."""
    with ExitStack() as stack:
        evaluators: dict[Kind, Evaluator] = {}
        with contextlib.suppress(Exception):  # its first job tries again, and is there to say what is wrong
            evaluators[first] = stack.enter_context(factory(index, first))
        while (job := _next(jobs)) is not None:
            jobs.send(_answer(job, factory, index, evaluators, stack))


def _answer(
    job: Job, factory: Factory, index: int, evaluators: dict[Kind, Evaluator], stack: ExitStack
) -> Answer:
    try:
        if job.kind not in evaluators:
            evaluators[job.kind] = stack.enter_context(factory(index, job.kind))
        return evaluators[job.kind].evaluate(job.levers, number=job.number, seed=job.seed)
    except Exception as error:  # whatever broke: the study records it and goes on
        return Broke(error_text(error))


def _next(jobs: Connection) -> Job | None:
    try:
        job: Job = jobs.recv()
    except EOFError:
        return None
    return job
