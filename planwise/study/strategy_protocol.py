"""The protocol of strategies: a generator of proposals that is sent the finished trials."""

from collections.abc import Generator
from typing import Protocol

from optuna.samplers import BaseSampler

from planwise.study.problem import Problem
from planwise.study.trial import Evaluation, Proposal, Trial

Batch = tuple[Proposal, ...]
Search = Generator[Batch, tuple[Trial, ...], str]
"""Yields batches (the proposals of one do not depend on each other), is sent their trials in the same order,
and returns the reason why it ended."""


class Strategy(Protocol):
    """A search for levers; it holds no state between studies."""

    @property
    def name(self) -> str:
        """The name on the command line."""
        ...

    def sampler(self, problem: Problem, past_trials: int) -> BaseSampler | None:
        """Return the sampler that draws proposals without levers; None when there are no such proposals."""
        ...

    def propose(self, problem: Problem, baseline: Evaluation) -> Search:
        """Search for levers, given the preview of the unchanged scenario."""
        ...
