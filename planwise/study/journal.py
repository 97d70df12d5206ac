"""The journal of a study: every trial, before and after evaluation; a resumed study is answered from it."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from planwise.errors import InputError
from planwise.study.optuna_storage import LIMITS, add_limits, create_parts, grouped, parts_of
from planwise.study.space import Space, snapped
from planwise.study.trial import (
    ERROR,
    EVALUATION,
    GIVEN_UP,
    POST_ANALYSIS,
    REQUEST,
    Kind,
    Proposal,
    Trial,
    TrialOutcome,
    TrialPurpose,
    evaluation_record,
    finished_trials,
    number_of,
    plain_figures,
    proposal_of,
    request_record,
    trial_of,
)


@dataclass(frozen=True)
class PendingTrial:
    """A trial before its evaluation; `trial` is None while it is not in the journal."""

    proposal: Proposal
    levers: Mapping[str, float]
    digest: str
    trial: optuna.Trial | None
    number: int


@dataclass(frozen=True)
class InterruptedTrial:
    """A trial that was running when its process ended; `proposal` is None if that was not written yet."""

    trial: optuna.Trial
    levers: Mapping[str, float]
    proposal: Proposal | None
    number: int


def is_candidate(proposal: Proposal) -> bool:
    """Return whether a proposal is part of the search or the baseline: no replicate, no post-analysis."""
    return proposal.seed is None and proposal.purpose not in POST_ANALYSIS


class Journal:
    """One study in a storage, written by one process."""

    def __init__(self, storage: BaseStorage, study: optuna.Study, space: Space) -> None:
        self._storage = storage
        self._study = study
        self._parts = parts_of(study)  # of one that an earlier version began there is only the first
        self._space = space
        self._distributions: dict[str, BaseDistribution] = {
            lever.name: FloatDistribution(lever.low, lever.high) for lever in space
        }

    @classmethod
    def create(
        cls,
        storage: BaseStorage,
        name: str,
        space: Space,
        about: Mapping[str, Any],
        *,
        metrics: Sequence[str] = ("score",),
    ) -> "Journal":
        """Create a study whose metrics are all minimized; raises InputError for a name in use."""
        try:
            study = create_parts(storage, name, metrics)
        except optuna.exceptions.DuplicatedStudyError as error:
            raise InputError(
                f"A study {name!r} exists already.", remedy="Choose another name, or resume it."
            ) from error
        for key, value in about.items():
            study.set_user_attr(key, value)
        return cls(storage, study, space)

    @classmethod
    def reopen(cls, storage: BaseStorage, name: str, space: Space) -> "Journal":
        """Open an existing study; raises KeyError for an unknown name."""
        return cls(storage, optuna.load_study(study_name=name, storage=storage), space)

    @property
    def about(self) -> dict[str, Any]:
        """The values stored on the study itself."""
        return dict(self._study.user_attrs)

    def note(self, key: str, value: Any) -> None:
        """Store a JSON value on the study itself."""
        self._study.set_user_attr(key, value)

    def use(self, sampler: BaseSampler) -> None:
        """Use this sampler for proposals without levers."""
        self._study.sampler = sampler

    def draw(self) -> tuple[optuna.Trial, dict[str, float]]:
        """Draw from the sampler; return the RUNNING trial and its canonical levers."""
        with grouped(self._storage):  # the draw is written to disk before its purpose
            trial = self._study.ask(self._distributions)
        return trial, snapped(self._space, trial.params)

    def begin(
        self,
        proposal: Proposal,
        levers: Mapping[str, float],
        digest: str,
        *,
        drawn: optuna.Trial | None,
        at_once: bool,
    ) -> PendingTrial:
        """Write a trial before its evaluation; with `at_once`, `complete` writes it, unless it was drawn."""
        trial = drawn
        if trial is not None:
            number = self.count() - 1  # it is in the journal already
            trial.set_user_attr(REQUEST, request_record(proposal, levers, digest, number))
        else:
            number = self.count()
            if not at_once:
                added = self._add(TrialState.RUNNING, proposal, levers, digest)
                trial = optuna.Trial(self._part(proposal), added)
        return PendingTrial(proposal, levers, digest, trial, number)

    def complete(self, pending: PendingTrial, finding: TrialOutcome) -> Trial:
        """Write the evaluation of a trial."""
        record = {EVALUATION: evaluation_record(finding)}
        figures = plain_figures(pending.proposal, finding.evaluation)
        if pending.trial is None:
            trial_id = self._add(
                TrialState.COMPLETE,
                pending.proposal,
                pending.levers,
                pending.digest,
                attrs={**record, **figures},
                values=list(finding.values),
                constraints=dict(finding.constraints),
            )
            return trial_of(self._storage.get_trial(trial_id))
        with grouped(self._storage):
            for name, value in {**record, **figures}.items():
                pending.trial.set_user_attr(name, value)
            for name, limit in finding.constraints.items():
                pending.trial.set_constraint(name, limit)
            add_limits(self._storage, pending.trial._trial_id, finding.constraints.values())
            return self._end(pending, values=list(finding.values))

    def fail(self, pending: PendingTrial, error: str) -> Trial:
        """Write the error of a failed trial."""
        if pending.trial is None:
            trial_id = self._add(
                TrialState.FAIL, pending.proposal, pending.levers, pending.digest, attrs={ERROR: error}
            )
            return trial_of(self._storage.get_trial(trial_id))
        pending.trial.set_user_attr(ERROR, error)
        return self._end(pending, state=TrialState.FAIL)

    def count(self) -> int:
        """Return the number of trials in any state, so that a sampler does not repeat its draws."""
        ids = [self._storage.get_study_id_from_name(part.study_name) for part in self._parts]
        return sum(int(self._storage.get_n_trials(study_id)) for study_id in ids)

    def trials(self) -> tuple[Trial, ...]:
        """Return every finished trial."""
        return finished_trials(self._study)

    def interrupted(self) -> tuple[InterruptedTrial, ...]:
        """Return the trials that were running when their process ended, in order."""
        return tuple(
            self._interrupted(part, frozen)
            for part in self._parts
            for frozen in part.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        )

    def take_up(self, interrupted: InterruptedTrial, proposal: Proposal, digest: str) -> PendingTrial:
        """Restart an interrupted trial with the same number and levers."""
        number = interrupted.number
        interrupted.trial.set_user_attr(REQUEST, request_record(proposal, interrupted.levers, digest, number))
        return PendingTrial(proposal, interrupted.levers, digest, interrupted.trial, number)

    def mark_abandoned(self, interrupted: InterruptedTrial) -> None:
        """Mark an interrupted trial that is not proposed again as failed."""
        interrupted.trial.set_user_attr(ERROR, GIVEN_UP)
        interrupted.trial.study.tell(interrupted.trial, state=TrialState.FAIL)

    def _interrupted(self, part: optuna.Study, frozen: FrozenTrial) -> InterruptedTrial:
        trial, number = optuna.Trial(part, frozen._trial_id), number_of(frozen)
        request = frozen.user_attrs.get(REQUEST)
        if request is None:
            levers = snapped(self._space, self._params(frozen.params))
            return InterruptedTrial(trial, levers, None, number)
        return InterruptedTrial(trial, dict(request["levers"]), proposal_of(request), number)

    def _end(self, pending: PendingTrial, **how: Any) -> Trial:
        assert pending.trial is not None
        return trial_of(pending.trial.study.tell(pending.trial, **how))

    def _part(self, proposal: Proposal) -> optuna.Study:
        """Return the study of Optuna in which a trial is: the first, or that of its checks."""
        return self._parts[0] if is_candidate(proposal) else self._parts[-1]

    def _add(
        self,
        state: TrialState,
        proposal: Proposal,
        levers: Mapping[str, float],
        digest: str,
        *,
        attrs: Mapping[str, Any] | None = None,
        values: list[float] | None = None,
        constraints: dict[str, float] | None = None,
    ) -> int:
        part = self._part(proposal)
        # In a study that an earlier version began, its sampler must not see the checks.
        hidden = not is_candidate(proposal) and part is self._study
        template = create_trial(
            state=TrialState.PRUNED if hidden and state == TrialState.COMPLETE else state,
            values=None if hidden else values,
            params={} if hidden else self._params(levers),
            distributions={} if hidden else self._distributions,
            user_attrs={
                REQUEST: request_record(proposal, levers, digest, self.count()),
                **(attrs or {}),
            },
            system_attrs={LIMITS: list(constraints.values())} if constraints else {},
            constraints=constraints,
        )
        study_id = self._storage.get_study_id_from_name(part.study_name)
        trial_id: int = self._storage.create_new_trial(study_id, template_trial=template)
        return trial_id

    def _params(self, levers: Mapping[str, float]) -> dict[str, float]:
        return {lever.name: levers.get(lever.name, lever.start) for lever in self._space}


Role = tuple[Kind, TrialPurpose, int | None]  # kind, purpose, seed
Point = tuple[Role, tuple[tuple[str, float], ...]]


class ResumeLog:
    """Trials of earlier processes, which answer the proposals of a resumed study.

    A proposal with levers is answered by a finished evaluation of the same levers for the same purpose; a
    failed one is evaluated again. A proposal to draw is answered by the earlier draws in their order, failed
    or not, and then by those that were being evaluated when the process ended.
    """

    def __init__(self, finished: Iterable[Trial], interrupted: Iterable[InterruptedTrial]) -> None:
        self._taken: set[int] = set()
        self._points: dict[Point, deque[Trial]] = defaultdict(deque)
        self._by_role: dict[Role, deque[Trial]] = defaultdict(deque)
        for trial in finished:
            role = (trial.kind, trial.purpose, trial.seed)
            self._by_role[role].append(trial)
            if trial.evaluation is not None:
                self._points[role, _ordered(trial)].append(trial)
        self._interrupted = list(interrupted)

    def answer(self, proposal: Proposal) -> Trial | None:
        """Return the finished trial that answers a proposal; None when it must be evaluated."""
        role = (proposal.kind, proposal.purpose, proposal.seed)
        queue = self._by_role[role] if proposal.levers is None else self._points[role, _ordered(proposal)]
        while queue:
            trial = queue.popleft()
            if trial.number not in self._taken:
                self._taken.add(trial.number)
                return trial
        return None

    def take_interrupted(self, proposal: Proposal) -> InterruptedTrial | None:
        """Return the trial that was running for a proposal when its process ended; None without one."""
        for position, interrupted in enumerate(self._interrupted):
            if _matches(interrupted.proposal, proposal):
                return self._interrupted.pop(position)
        return None

    def take_rest(self) -> tuple[InterruptedTrial, ...]:
        """Return and remove the interrupted trials that were not proposed again."""
        rest = tuple(self._interrupted)
        self._interrupted.clear()
        return rest


def _matches(interrupted: Proposal | None, proposal: Proposal) -> bool:
    if interrupted is None:  # only draws are written before their purpose
        return proposal.levers is None
    same = (interrupted.kind, interrupted.purpose, interrupted.seed) == (
        proposal.kind,
        proposal.purpose,
        proposal.seed,
    )
    return same and (proposal.levers is None or interrupted.levers == proposal.levers)


def _ordered(of: Trial | Proposal) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((of.levers or {}).items()))
