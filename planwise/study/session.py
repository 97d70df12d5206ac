"""A session of a study in one process: it answers proposals from the journal or evaluates them.

Without a pool every proposal is evaluated in this process, in the order of the batch. With a pool, plans (and
previews, when there are many) are evaluated by its workers in parallel. Only this thread uses the sampler and
writes the journal: finished trials are written before the next draw.
"""

import math
from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TypeVar

from planwise.errors import Busy, CheckFailed, GateBlocked, InputError, machine_error
from planwise.masking import describe_error
from planwise.processes import raise_if_stopped
from planwise.study.journal import Journal, PendingTrial, ResumeLog
from planwise.study.lever_rules import kept_in_step
from planwise.study.problem import Batch, Problem
from planwise.study.progress import Hooks, StoppingRules, TrialCounts
from planwise.study.reachability import with_baseline
from planwise.study.spec import CANCELLED
from planwise.study.trial import GIVEN_UP, Evaluation, Evaluator, Kind, Proposal, Trial, TrialOutcome
from planwise.study.trial_pool import RunningTrial, RunningTrials, TrialPool
from planwise.workers import RequestFailed, WorkerDied

Found = TypeVar("Found")
PREVIEWS_HERE_MAX = 40  # fewer are faster in this process than in workers, which must open their own previews
POLL_SECONDS = 0.2  # between checks for a cancellation while trials run
CANCEL_GRACE_SECONDS = 3.0  # for running trials to finish after a cancellation


class StudySession:
    """Evaluates batches of proposals; `trials` are all finished ones, `bounds` those of the first batch."""

    def __init__(
        self,
        name: str,
        problem: Problem,
        journal: Journal,
        evaluators: Mapping[Kind, Evaluator],
        hooks: Hooks,
        pool: TrialPool | None = None,
    ) -> None:
        self.problem = problem
        self.bounds: tuple[Trial, ...] = ()
        self.trials: list[Trial] = list(journal.trials())
        self.stopping = StoppingRules(problem, hooks)
        self.counts = TrialCounts(name, self.trials)
        self._journal = journal
        self._evaluators = evaluators
        self._hooks = hooks
        self._pool = pool
        self._resume_log = ResumeLog(self.trials, journal.interrupted())
        self._known: dict[tuple[Kind, str], Trial] = {}
        for trial in self.trials:
            if trial.evaluation is not None:
                self._known.setdefault((trial.kind, trial.digest), trial)
        self._drawn: dict[int, PendingTrial] = {}  # by place in the batch, not evaluated yet
        self._running = RunningTrials(pool, hooks.call)

    def __enter__(self) -> "StudySession":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()
        self._running.close()

    def drive(self, search: Generator[Batch, tuple[Trial, ...], Found]) -> Found | str:
        """Evaluate the batches of a search until it ends; return what it returns, or why it was stopped."""
        try:
            batch = next(search)
            while True:
                answers = self._answer(batch)
                if isinstance(answers, str):
                    return answers
                if not self.bounds:
                    self.bounds = answers
                    self._set_baseline()
                batch = search.send(answers)
        except StopIteration as end:
            found: Found = end.value
            return found
        finally:
            search.close()

    def abandon(self) -> None:
        """Kill running trials; they stay running in the journal, and a resumed study evaluates them again."""
        self._running.abandon()

    def abandon_interrupted(self) -> None:
        """Mark interrupted trials of an earlier process that this one did not propose again."""
        for interrupted in self._resume_log.take_rest():
            self._journal.mark_abandoned(interrupted)

    def give_up_draws(self) -> None:
        """Mark draws that were made together and are no longer needed."""
        for pending in self._drawn.values():
            self._journal.fail(pending, GIVEN_UP)
        self._drawn.clear()

    def _set_baseline(self) -> None:
        if all(trial.evaluation is not None for trial in self.bounds):
            self.problem = with_baseline(self.problem, self.bounds)
            self.stopping.restart(self.problem)

    def _answer(self, batch: Batch) -> tuple[Trial, ...] | str:
        """Return the trials of a batch in its order, or the reason why it was not finished."""
        answers: dict[int, Trial] = {}
        self._draw_together(batch, answers)
        waiting = deque((place, one) for place, one in enumerate(batch) if place not in answers)
        shared = self._shared_kinds(batch)
        reason: str | None = None
        while waiting or self._running:
            if self._running:
                reason = reason or self._reason()
            while waiting and reason is None and self._running.has_room():
                place, proposal = waiting.popleft()
                trial = None if place in self._drawn else self._from_journal(proposal)
                if trial is None:
                    reason = self._reason()
                    if reason is None:
                        trial = self._begin(place, proposal, shared)
                if trial is not None:
                    answers[place] = trial
            if reason is not None:
                waiting.clear()
            if self._running:
                self._collect(answers, reason)
        if reason is not None and len(answers) < len(batch):
            return reason
        return tuple(answers[place] for place in range(len(batch)))

    def _draw_together(self, batch: Batch, answers: dict[int, Trial]) -> None:
        """Make the draws of a batch before any of them is evaluated, where the study says so."""
        self._drawn.clear()
        if self.problem.spec.draws == 1 or self._reason() is not None:
            return
        for place, proposal in enumerate(batch):
            if proposal.levers is None:
                trial = self._from_journal(proposal)
                if trial is None:
                    self._drawn[place] = self._prepare(proposal)[0]
                else:
                    answers[place] = trial

    def _reason(self) -> str | None:
        """Return why to stop; the bounds are always evaluated, so that there is a result."""
        return self.stopping.reason() if self.bounds else None

    def _shared_kinds(self, batch: Batch) -> frozenset[Kind]:
        if self._pool is None:
            return frozenset()
        previews = sum(proposal.kind == "preview" for proposal in batch)
        kinds: tuple[Kind, ...] = ("real", "preview") if previews > PREVIEWS_HERE_MAX else ("real",)
        return frozenset(kinds)

    def _from_journal(self, proposal: Proposal) -> Trial | None:
        trial = self._resume_log.answer(proposal)
        if trial is not None:
            self.stopping.record(trial, replayed=True)
        return trial

    def _begin(self, place: int, proposal: Proposal, shared: frozenset[Kind]) -> Trial | None:
        """Answer a proposal by an equal trial, evaluate it here, or submit it to a worker (None)."""
        pending, first = self._take_drawn(place, proposal) or self._prepare(proposal)
        if first is not None:
            return self._complete(pending, first)
        if proposal.kind not in shared:
            return self._evaluate(pending)
        same = self._running.same_as(proposal.kind, pending.digest)
        if same is not None:
            same.followers.append((place, pending))
        else:
            self._running.submit(RunningTrial(place, pending), pending.number)
        return None

    def _take_drawn(self, place: int, proposal: Proposal) -> tuple[PendingTrial, Trial | None] | None:
        pending = self._drawn.pop(place, None)
        return None if pending is None else (pending, self._known.get((proposal.kind, pending.digest)))

    def _prepare(self, proposal: Proposal) -> tuple[PendingTrial, Trial | None]:
        """Write the trial of a proposal; return it and the equal trial that answers it, if there is one."""
        interrupted = self._resume_log.take_interrupted(proposal)
        if interrupted is not None:
            drawn, levers = None, interrupted.levers
        elif proposal.levers is None:
            drawn, levers = self._journal.draw()
            levers = kept_in_step(self.problem.rules, self.problem.space, levers)
        else:
            drawn, levers = None, proposal.levers
        digest = self._digest(proposal, levers)
        first = self._known.get((proposal.kind, digest))
        if interrupted is not None:
            return self._journal.take_up(interrupted, proposal, digest), first
        at_once = proposal.kind == "preview" or first is not None
        return self._journal.begin(proposal, levers, digest, drawn=drawn, at_once=at_once), first

    def _digest(self, proposal: Proposal, levers: Mapping[str, float]) -> str:
        # Both kinds simulate the same, so their digests are equal; a pool's evaluators are in its workers.
        evaluator = self._evaluators.get(proposal.kind, self._evaluators["preview"])
        return evaluator.digest(levers, proposal.seed)

    def _evaluate(self, pending: PendingTrial) -> Trial:
        """Evaluate in this process; a plan goes through the hook, a preview does not."""
        evaluator = self._evaluators[pending.proposal.kind]
        number, seed = pending.number, pending.proposal.seed

        def evaluate() -> Evaluation:
            return evaluator.evaluate(pending.levers, number=number, seed=seed)

        try:
            found = evaluate() if evaluator.kind == "preview" else self._hooks.call(evaluate, number)
        except Exception as error:  # any failure is recorded as the trial's, and the study continues
            raise_if_stopped()
            return self._fail(pending, error)
        return self._complete(pending, found)

    def _collect(self, answers: dict[int, Trial], reason: str | None) -> None:
        """Write finished trials in the batch's order; after a cancellation, kill those that take too long."""
        last = reason == CANCELLED
        for running, found in self._running.finished(
            CANCEL_GRACE_SECONDS if last else POLL_SECONDS, wait_for_all=last
        ):
            self._settle(running, found, answers, again=reason is None)
        if last:
            self.abandon()

    def _settle(
        self, running: RunningTrial, found: Evaluation | Exception, answers: dict[int, Trial], *, again: bool
    ) -> None:
        """Write a trial and its followers; when it failed, evaluate the next follower instead."""
        if isinstance(found, Exception):
            answers[running.place] = self._fail(running.trial, found)
            if running.followers and again:
                place, pending = running.followers[0]
                self._running.submit(RunningTrial(place, pending, running.followers[1:]), pending.number)
            return
        first = self._complete(running.trial, found)
        answers[running.place] = first
        for place, pending in running.followers:
            answers[place] = self._complete(pending, first)

    def _complete(self, pending: PendingTrial, found: Evaluation | Trial) -> Trial:
        """Write an evaluation, new or of an equal trial; a trial that cannot be judged has failed."""
        first = found if isinstance(found, Trial) else None
        evaluation = found if isinstance(found, Evaluation) else _repeated(found, pending.levers)
        try:
            values = self.problem.values(evaluation)
            if not all(map(math.isfinite, values)):
                raise CheckFailed(f"The objective is {', '.join(map(str, values))}.")
            finding = TrialOutcome(
                evaluation,
                values,
                self.problem.constraints(evaluation),
                None if first is None else first.number,
            )
        except Exception as error:
            return self._fail(pending, error)
        trial = self._journal.complete(pending, finding)
        self._known.setdefault((trial.kind, trial.digest), trial)
        return self._finish(trial)

    def _fail(self, pending: PendingTrial, error: BaseException) -> Trial:
        """Record a failed trial; raises MachineError for a full disk and its like: every trial would fail.

        Before there is a baseline, raises what is wrong with the scenario, as a simulation of it would.
        """
        if (fault := machine_error(error)) is not None:
            raise fault from error
        failed = self._finish(self._journal.fail(pending, _error_text(error)))
        if not self.bounds and isinstance(error, InputError | GateBlocked | Busy):
            raise error
        return failed

    def _finish(self, trial: Trial) -> Trial:
        self.trials.append(trial)
        self.counts.add(trial)
        self.stopping.record(trial, replayed=False)
        self._hooks.on_progress(
            self.counts.progress(self.problem, trial, self.stopping.best, self.stopping.seconds)
        )
        return trial


def _repeated(first: Trial, levers: Mapping[str, float]) -> Evaluation:
    assert first.evaluation is not None  # only finished trials are known
    return replace(
        first.evaluation, levers=dict(levers), seconds=0.0, models_run=0, models_reused=0, cache_hit=True
    )


def _error_text(error: BaseException) -> str:
    """Return the text that the journal keeps of an error."""
    if isinstance(error, RequestFailed | WorkerDied):
        return error.what
    return describe_error(error)
