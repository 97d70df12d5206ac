"""A study's trials in Optuna's storage: written before and after each evaluation, read back as ours.

A trial is in the journal as RUNNING, with its levers, before it is evaluated, so that a process killed at
any point leaves what it was doing. User attributes, all JSON: kind, purpose, iteration, levers, digest; then
growth, kpis (a list a column), fingerprint, environment, seconds, models_run, models_reused, gate, cache_hit,
answered_by; or error.
"""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from planwise.engine.outcome import Kpis
from planwise.errors import InputError
from planwise.study.evaluation import Evaluation
from planwise.study.space import Space, clamped
from planwise.study.trial import Proposal, Trial

INTERRUPTED = "interrupted"
FINISHED = TrialState.COMPLETE, TrialState.FAIL


class Journal:
    """One study in a storage; the trials of one process, asked and told one by one or many at a time."""

    def __init__(self, storage: BaseStorage, study: optuna.Study, space: Space) -> None:
        self._storage = storage
        self._study = study
        self._study_id = storage.get_study_id_from_name(study.study_name)
        self._space = space
        self._distributions: dict[str, BaseDistribution] = {
            lever.name: FloatDistribution(lever.low, lever.high) for lever in space
        }

    @classmethod
    def create(cls, storage: BaseStorage, name: str, space: Space, about: Mapping[str, Any]) -> "Journal":
        """Begin a study; raises InputError when there is one of that name."""
        try:
            study = optuna.create_study(study_name=name, storage=storage, direction="minimize")
        except optuna.exceptions.DuplicatedStudyError as error:
            raise InputError(
                f"There is a study {name!r} already.", remedy="Choose another name, or resume it."
            ) from error
        for key, value in about.items():
            study.set_user_attr(key, value)
        return cls(storage, study, space)

    @classmethod
    def reopen(cls, storage: BaseStorage, name: str, space: Space) -> "Journal":
        """Open a study to go on with; raises InputError when there is none of that name."""
        try:
            return cls(storage, optuna.load_study(study_name=name, storage=storage), space)
        except KeyError as error:
            raise InputError(
                f"There is no study {name!r} to resume.", remedy="`planwise study list` shows the studies."
            ) from error

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

    def ask(self, proposal: Proposal) -> tuple[optuna.Trial, dict[str, float]]:
        """Write a trial that is about to be evaluated; return it with its levers."""
        if proposal.levers is None:
            trial = self._study.ask(self._distributions)
            levers = clamped(self._space, trial.params)
            for key, value in _request(proposal, levers).items():
                trial.set_user_attr(key, value)
            return trial, levers
        levers = dict(proposal.levers)
        template = create_trial(
            state=TrialState.RUNNING,
            params={lever.name: levers.get(lever.name, lever.start) for lever in self._space},
            distributions=self._distributions,
            user_attrs=_request(proposal, levers),
        )
        trial_id = self._storage.create_new_trial(self._study_id, template_trial=template)
        return optuna.Trial(self._study, trial_id), levers

    def tell(
        self,
        trial: optuna.Trial,
        digest: str,
        evaluation: Evaluation,
        values: tuple[float, ...],
        constraints: Mapping[str, float],
        answered_by: int | None,
    ) -> Trial:
        """Write what came of a trial."""
        trial.set_user_attr("digest", digest)
        for key, value in _response(evaluation, answered_by).items():
            trial.set_user_attr(key, value)
        for name, value in constraints.items():
            trial.set_constraint(name, value)
        return trial_of(self._study.tell(trial, list(values)))

    def fail(self, trial: optuna.Trial, error: str) -> Trial:
        """Write that a trial broke, and how."""
        trial.set_user_attr("error", error)
        return trial_of(self._study.tell(trial, state=TrialState.FAIL))

    def trials(self) -> tuple[Trial, ...]:
        """Return every finished trial."""
        return finished_trials(self._study)

    def fail_interrupted(self) -> tuple[dict[str, float], ...]:
        """Mark trials that a process left running as failed; return the levers that a sampler had drawn."""
        drawn = []
        for frozen in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            trial = optuna.Trial(self._study, frozen._trial_id)
            if frozen.user_attrs.get("purpose") == "sample":
                drawn.append(dict(frozen.user_attrs["levers"]))
            self.fail(trial, INTERRUPTED)
        return tuple(drawn)


def finished_trials(study: optuna.Study) -> tuple[Trial, ...]:
    """Return the finished trials of a study, in order."""
    return tuple(trial_of(frozen) for frozen in study.get_trials(deepcopy=False, states=FINISHED))


def trial_of(frozen: FrozenTrial) -> Trial:
    """Return a finished Optuna trial as ours."""
    attrs = frozen.user_attrs
    levers = attrs.get("levers", frozen.params)
    evaluation = None
    if frozen.state == TrialState.COMPLETE:
        evaluation = Evaluation(
            levers=dict(levers),
            kpis=_rows(attrs["kpis"]),
            growth=attrs["growth"],
            kind=attrs["kind"],
            fingerprint=attrs["fingerprint"],
            environment=attrs["environment"],
            seconds=attrs["seconds"],
            models_run=attrs["models_run"],
            models_reused=attrs["models_reused"],
            gate_status=attrs["gate"],
            cache_hit=attrs["cache_hit"],
        )
    return Trial(
        number=frozen.number,
        kind=attrs.get("kind", "real"),
        purpose=attrs.get("purpose", "unknown"),
        iteration=attrs.get("iteration", 0),
        levers=dict(levers),
        digest=attrs.get("digest", ""),
        evaluation=evaluation,
        error=attrs.get("error"),
        answered_by=attrs.get("answered_by"),
    )


def _request(proposal: Proposal, levers: Mapping[str, float]) -> dict[str, Any]:
    return {
        "levers": dict(levers),
        "kind": proposal.kind,
        "purpose": proposal.purpose,
        "iteration": proposal.iteration,
    }


def _response(evaluation: Evaluation, answered_by: int | None) -> dict[str, Any]:
    return {
        "growth": evaluation.growth,
        "kpis": _columns(evaluation.kpis),
        "fingerprint": evaluation.fingerprint,
        "environment": evaluation.environment,
        "seconds": evaluation.seconds,
        "models_run": evaluation.models_run,
        "models_reused": evaluation.models_reused,
        "gate": evaluation.gate_status,
        "cache_hit": evaluation.cache_hit,
        "answered_by": answered_by,
    }


def _columns(kpis: Kpis) -> dict[str, list[Any]]:
    return {name: [row[name] for row in kpis] for name in (kpis[0] if kpis else ())}


def _rows(columns: Mapping[str, list[Any]]) -> Kpis:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
