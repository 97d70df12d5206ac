"""A study's trials in Optuna's storage: written before and after each plan.

A trial that takes a plan is in the journal as RUNNING, with its levers, before it is evaluated, so that a
process killed at any point leaves what it was doing; whoever resumes the study takes that very trial up
again. What takes no plan (a preview, an answer from an equal trial) is written once, when it is there: each
write waits for the disk. What is written is in `record.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from planwise.errors import InputError
from planwise.study.space import Space, clamped
from planwise.study.trials.record import (
    ERROR,
    EVALUATION,
    GIVEN_UP,
    REQUEST,
    Finding,
    evaluation_record,
    finished_trials,
    proposal_of,
    request_record,
    trial_of,
)
from planwise.study.trials.storage import grouped
from planwise.study.trials.trial import POST_ANALYSIS, Proposal, Trial


@dataclass(frozen=True)
class Asked:
    """A trial about to be evaluated; `trial` is None while it is not in the journal yet."""

    proposal: Proposal
    levers: Mapping[str, float]
    digest: str
    trial: optuna.Trial | None


@dataclass(frozen=True)
class Pending:
    """A trial that a process left running; without `proposal` it died before it had written what for."""

    trial: optuna.Trial
    levers: Mapping[str, float]
    proposal: Proposal | None


def is_candidate(proposal: Proposal) -> bool:
    """Say whether a proposal is part of the search (the scenario as it is, too): no replicate, no slope."""
    return proposal.seed is None and proposal.purpose not in POST_ANALYSIS


class Journal:
    """One study in a storage; one process asks and tells."""

    def __init__(self, storage: BaseStorage, study: optuna.Study, space: Space) -> None:
        self._storage = storage
        self._study = study
        self._study_id = storage.get_study_id_from_name(study.study_name)
        self._space = space
        self._distributions: dict[str, BaseDistribution] = {
            lever.name: FloatDistribution(lever.low, lever.high) for lever in space
        }

    @classmethod
    def create(
        cls, storage: BaseStorage, name: str, space: Space, about: Mapping[str, Any], *, objectives: int = 1
    ) -> "Journal":
        """Begin a study of as many objectives, all minimised; raises InputError for a name in use."""
        try:
            study = optuna.create_study(
                study_name=name, storage=storage, directions=["minimize"] * objectives
            )
        except optuna.exceptions.DuplicatedStudyError as error:
            raise InputError(
                f"There is a study {name!r} already.", remedy="Choose another name, or resume it."
            ) from error
        for key, value in about.items():
            study.set_user_attr(key, value)
        return cls(storage, study, space)

    @classmethod
    def reopen(cls, storage: BaseStorage, name: str, space: Space) -> "Journal":
        """Open a study to go on with; raises KeyError when there is none of that name."""
        return cls(storage, optuna.load_study(study_name=name, storage=storage), space)

    @property
    def about(self) -> dict[str, Any]:
        """What is kept on the study itself."""
        return dict(self._study.user_attrs)

    def note(self, key: str, value: Any) -> None:
        """Keep a JSON value on the study itself."""
        self._study.set_user_attr(key, value)

    def use(self, sampler: BaseSampler) -> None:
        """Let this sampler draw what is proposed without levers."""
        self._study.sampler = sampler

    def draw(self) -> tuple[optuna.Trial, dict[str, float]]:
        """Let the sampler draw; return the trial, RUNNING, and its canonical levers."""
        with grouped(self._storage):  # what is drawn is on the disk before what it is for
            trial = self._study.ask(self._distributions)
        return trial, clamped(self._space, trial.params)

    def ask(
        self,
        proposal: Proposal,
        levers: Mapping[str, float],
        digest: str,
        *,
        drawn: optuna.Trial | None,
        at_once: bool,
    ) -> Asked:
        """Write a trial that is about to be evaluated; `at_once` leaves it to `tell`, unless it was drawn."""
        trial = drawn
        if trial is not None:
            trial.set_user_attr(REQUEST, request_record(proposal, levers, digest))
        elif not at_once:
            trial = optuna.Trial(self._study, self._add(TrialState.RUNNING, proposal, levers, digest))
        return Asked(proposal, levers, digest, trial)

    def tell(self, asked: Asked, finding: Finding) -> Trial:
        """Write what came of a trial."""
        record = evaluation_record(finding)
        if asked.trial is None:
            searched = is_candidate(asked.proposal)
            trial_id = self._add(
                TrialState.COMPLETE if searched else TrialState.PRUNED,
                asked.proposal,
                asked.levers,
                asked.digest,
                attrs={EVALUATION: record},
                values=list(finding.values) if searched else None,
                constraints=dict(finding.constraints),
            )
            return trial_of(self._storage.get_trial(trial_id))
        with grouped(self._storage):
            asked.trial.set_user_attr(EVALUATION, record)
            for name, value in finding.constraints.items():
                asked.trial.set_constraint(name, value)
            return self._end(asked.trial, values=list(finding.values))

    def fail(self, asked: Asked, error: str) -> Trial:
        """Write that a trial broke, and how."""
        if asked.trial is None:
            trial_id = self._add(
                TrialState.FAIL, asked.proposal, asked.levers, asked.digest, attrs={ERROR: error}
            )
            return trial_of(self._storage.get_trial(trial_id))
        asked.trial.set_user_attr(ERROR, error)
        return self._end(asked.trial, state=TrialState.FAIL)

    def count(self) -> int:
        """Return how many trials there are, whatever their state: a sampler must draw on, not again."""
        return int(self._storage.get_n_trials(self._study_id))

    def trials(self) -> tuple[Trial, ...]:
        """Return every finished trial."""
        return finished_trials(self._study)

    def pending(self) -> tuple[Pending, ...]:
        """Return the trials that a process left running, in order."""
        return tuple(
            self._pending(frozen)
            for frozen in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        )

    def take_up(self, pending: Pending, proposal: Proposal, digest: str) -> Asked:
        """Write again a trial that was left running: the same number, the same levers."""
        pending.trial.set_user_attr(REQUEST, request_record(proposal, pending.levers, digest))
        return Asked(proposal, pending.levers, digest, pending.trial)

    def give_up(self, pending: Pending) -> None:
        """Mark a trial that was left running, and that nobody asks for any more, as failed."""
        pending.trial.set_user_attr(ERROR, GIVEN_UP)
        self._end(pending.trial, state=TrialState.FAIL)

    def _pending(self, frozen: FrozenTrial) -> Pending:
        trial = optuna.Trial(self._study, frozen._trial_id)
        request = frozen.user_attrs.get(REQUEST)
        if request is None:
            return Pending(trial, clamped(self._space, self._params(frozen.params)), None)
        return Pending(trial, dict(request["levers"]), proposal_of(request))

    def _end(self, trial: optuna.Trial, **how: Any) -> Trial:
        return trial_of(self._study.tell(trial, **how))

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
        template = create_trial(
            state=state,
            values=values,
            params=self._params(levers) if state != TrialState.PRUNED else {},
            distributions=self._distributions if state != TrialState.PRUNED else {},
            user_attrs={REQUEST: request_record(proposal, levers, digest), **(attrs or {})},
            constraints=constraints,
        )
        trial_id: int = self._storage.create_new_trial(self._study_id, template_trial=template)
        return trial_id

    def _params(self, levers: Mapping[str, float]) -> dict[str, float]:
        return {lever.name: levers.get(lever.name, lever.start) for lever in self._space}
