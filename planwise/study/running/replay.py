"""What an earlier process left of a study: what is asked again is answered from it, each trial once."""

from collections import defaultdict, deque
from collections.abc import Iterable

from planwise.study.trials.evaluation import Kind
from planwise.study.trials.journal import Pending
from planwise.study.trials.trial import Proposal, Trial, TrialPurpose

Errand = tuple[Kind, TrialPurpose, int | None]  # what for: kind, purpose, seed
Point = tuple[Errand, tuple[tuple[str, float], ...]]


class Replay:
    """Finished and interrupted trials, waiting to be asked for again.

    Given levers are answered by a finished evaluation of the same levers for the same purpose: one that broke
    is tried again. What is to be drawn is answered in order by whatever was drawn before, broken or not, and
    then by what was being evaluated when the process died.
    """

    def __init__(self, finished: Iterable[Trial], pending: Iterable[Pending]) -> None:
        self._taken: set[int] = set()
        self._points: dict[Point, deque[Trial]] = defaultdict(deque)
        self._errands: dict[Errand, deque[Trial]] = defaultdict(deque)
        for trial in finished:
            errand = (trial.kind, trial.purpose, trial.seed)
            self._errands[errand].append(trial)
            if trial.evaluation is not None:
                self._points[errand, _ordered(trial)].append(trial)
        self._pending = list(pending)

    def answer(self, proposal: Proposal) -> Trial | None:
        """Return the finished trial that answers a proposal; None when it must be evaluated."""
        errand = (proposal.kind, proposal.purpose, proposal.seed)
        queue = self._errands[errand] if proposal.levers is None else self._points[errand, _ordered(proposal)]
        while queue:
            trial = queue.popleft()
            if trial.number not in self._taken:
                self._taken.add(trial.number)
                return trial
        return None

    def interrupted(self, proposal: Proposal) -> Pending | None:
        """Return the trial that was under way for a proposal when its process died; None without one."""
        for position, pending in enumerate(self._pending):
            if _meant(pending.proposal, proposal):
                return self._pending.pop(position)
        return None

    def left(self) -> tuple[Pending, ...]:
        """Return the interrupted trials that nobody has asked for, and forget them."""
        left = tuple(self._pending)
        self._pending.clear()
        return left


def _meant(left: Proposal | None, asked: Proposal) -> bool:
    if left is None:  # only what is drawn is in the journal before what it is for
        return asked.levers is None
    same = (left.kind, left.purpose, left.seed) == (asked.kind, asked.purpose, asked.seed)
    return same and (asked.levers is None or left.levers == asked.levers)


def _ordered(of: Trial | Proposal) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((of.levers or {}).items()))
