"""Run a study: lock it, answer its strategy's proposals, write its state and result."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from planwise.errors import InputError
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings
from planwise.storage import remove_partial
from planwise.study.alternatives import Alternative, find_alternatives, needs_alternatives
from planwise.study.chance import chance_check
from planwise.study.constraints import PAYROLL_RISK
from planwise.study.journal import Journal
from planwise.study.optuna_storage import open_storage
from planwise.study.pareto import answer_of
from planwise.study.post_analysis import analyze_answer, check_chance
from planwise.study.problem import CONVERGED, Problem, Strategy, problem_of
from planwise.study.progress import TIMEOUT, Hooks, Progress
from planwise.study.reachability import (
    INFEASIBLE,
    BaselineBroken,
    evaluate_bounds,
    reachability_of,
    with_answer,
    within_policy_first,
)
from planwise.study.result import StudyResult, study_answer, study_result
from planwise.study.session import StudySession
from planwise.study.spec import CANCELLED, INTERRUPTED, RUNNING, StudySpec, check_study_name
from planwise.study.strategies import check_spec, strategy_named
from planwise.study.study_files import (
    hold_study,
    journal_file,
    read_study,
    remove_result,
    write_result,
    write_study,
    write_summary,
)
from planwise.study.trial import Evaluator, Kind
from planwise.study.trial_pool import TrialPool

SUMMARY_SECONDS = 1.0  # a summary waits for the disk, and once a second is often enough to show progress
FOUND = ("converged", "reachable", "gap_pp", "reached", "growth", "within_policy", "risk_level")
DIRECT = Hooks()


def run_study(
    settings: Settings,
    spec: StudySpec,
    *,
    name: str,
    scenario: str,
    base: EffectiveParameters,
    levels: tuple[int, ...],
    preview: Evaluator,
    real: Evaluator | None,
    about: Mapping[str, str] | None = None,
    resume: bool = False,
    hooks: Hooks = DIRECT,
    pool: TrialPool | None = None,
) -> StudyResult:
    """Search for levers that meet the target, starting from a scenario's effective parameters.

    `levels` are those of the census; `preview` and `real` evaluate on top of `base`. Without `real` the study
    decides on previews, and its result says so. With a `pool` its workers evaluate plans in parallel, and the
    study decides on the pool's kind of evaluation. `about` is stored with the study (census, content hash).
    `resume` continues a study of this name that ended or was killed: its trials answer repeated proposals.
    Raises InputError for an unknown strategy or lever, a name in use, or a resumed study with a different
    question; Busy while another process runs the study; BaselineBroken when the scenario itself cannot be
    evaluated. A later trial that fails never raises. However the study ends, its state and best are written.
    """
    check_study_name(name)
    spec = spec.for_scenario(base)
    strategy = strategy_named(spec.chosen_strategy)
    check_spec(spec)
    kind = _kind(real, pool)
    earlier = read_study(settings, name) if resume else None
    if earlier is not None and StudySpec.from_json(earlier["question"]).policy:  # decided when it began
        spec = spec.kept_within_policy()
    elif earlier is None:
        spec = within_policy_first(problem_of(spec, base, levels, kind), preview)
    problem = problem_of(spec, base, levels, kind)
    kept = {
        "question": spec.as_json(),
        "scenario": scenario,
        "kind": kind,
        "base": preview.digest({}),
        "levers": [lever.name for lever in problem.space],
        "workers": 1 if pool is None else pool.size,
        "created_at": hooks.now().isoformat(),
        **(about or {}),
    }
    if resume and not (settings.study_storage_url or journal_file(settings, name).is_file()):
        raise _nothing_to_resume(name)
    with hold_study(settings, name):
        remove_partial(settings.studies_dir / name)
        journal = _journal(settings, name, problem, kept, resume=resume)
        evaluators: dict[Kind, Evaluator] = {"preview": preview, **({} if real is None else {"real": real})}
        status = StudyStatusWriter(settings, name, journal, hooks)
        remove_result(settings, name)  # of an earlier process: a study has one answer
        status.write_state(RUNNING)
        with StudySession(name, problem, journal, evaluators, status.watching(hooks), pool) as session:
            sampler = strategy.sampler(problem, journal.count())
            if sampler is not None:
                journal.use(sampler)
            return _Study(scenario, base, levels, strategy, preview, session, status).run()


@dataclass(frozen=True)
class _Study:
    """A locked study: its search, the post-analysis, and its end."""

    scenario: str
    base: EffectiveParameters
    levels: tuple[int, ...]
    strategy: Strategy
    preview: Evaluator
    session: StudySession
    status: "StudyStatusWriter"

    def run(self) -> StudyResult:
        session = self.session
        try:
            stopped = session.drive(evaluate_bounds(session.problem, self.strategy))
            if stopped not in (CANCELLED, TIMEOUT):  # a resumed study takes them up
                session.give_up_draws()
                stopped = self._check_chance(stopped)
            answered_after = session.stopping.seconds
            self.status.write_answer(self._result(stopped, (), answered_after, preview=None))
            answers = self._alternatives(stopped)
            self._close(stopped)
            session.abandon_interrupted()
            result = self._result(stopped, answers, answered_after, preview=self.preview)
        except BaselineBroken as error:
            self.status.write_state(f"failed: {error.what}")
            raise
        except Exception as error:
            session.abandon()
            self._close_early(f"failed: {type(error).__name__}")
            raise
        except BaseException as end:
            session.abandon()
            self._close_early(CANCELLED if isinstance(end, KeyboardInterrupt) else INTERRUPTED)
            raise
        self.status.write_result(result)
        return result

    def _check_chance(self, stopped: str) -> str:
        """Return how it ended, after the answer is checked in worlds that it was not found by."""
        session = self.session
        if session.problem.spec.limit(PAYROLL_RISK) is None:
            return stopped
        session.stopping.end_search()
        session.problem = with_answer(session.problem, session.trials)
        best = study_answer(session.problem, reachability_of(session.trials), session.trials)
        if stopped.startswith(INFEASIBLE):  # no levers keep the limits, so there is no claim to check
            return stopped
        session.drive(check_chance(session.problem, best))
        check = chance_check(session.problem, best, session.trials)
        holds = check is not None and check.holds
        return (
            stopped if holds or stopped != CONVERGED else f"on target, but the check of {PAYROLL_RISK} failed"
        )

    def _alternatives(self, stopped: str) -> tuple[Alternative, ...]:
        """Look for other answers where policy does not meet the target."""
        session = self.session
        session.stopping.end_search()
        reach = reachability_of(session.trials)
        best = study_answer(session.problem, reach, session.trials)
        reachable = reach.nearest(session.problem) is None
        if stopped in (CANCELLED, TIMEOUT) or not needs_alternatives(
            session.problem, best, reachable=reachable
        ):
            return ()
        found = session.drive(find_alternatives(session.problem, self.base, self.levels, best))
        return () if isinstance(found, str) else found

    def _close(self, stopped: str) -> None:
        """Analyze the answer, unless there is none or the study was cut short."""
        session = self.session
        best = answer_of(session.problem, session.trials)
        nearest = reachability_of(session.trials).nearest(session.problem)
        if stopped not in (CANCELLED, TIMEOUT) and best is not None and nearest is None:
            session.drive(analyze_answer(session.problem, best))

    def _close_early(self, state: str) -> None:
        """Write the best so far as the result; before the bounds are evaluated there is none."""
        self.status.write_state(state)
        if self.session.bounds:
            self.status.write_result(self._result(state, (), None, preview=None))

    def _result(
        self,
        stopped: str,
        answers: tuple[Alternative, ...],
        answered_after: float | None,
        *,
        preview: Evaluator | None,
    ) -> StudyResult:
        session = self.session
        return study_result(
            self.status.name,
            self.scenario,
            session.problem,
            self.base,
            reachability_of(session.trials),
            tuple(session.trials),
            stopped=stopped,
            seconds=session.stopping.seconds,
            strategy=self.strategy,
            preview=preview,
            levels=self.levels,
            answers=answers,
            answer_seconds=answered_after,
        )


class StudyStatusWriter:
    """Writes a study's state to the study itself, and to a summary that is cheap to read."""

    def __init__(self, settings: Settings, name: str, journal: Journal, hooks: Hooks) -> None:
        self.name = name
        self._settings = settings
        self._journal = journal
        self._hooks = hooks
        self._summary: dict[str, Any] = {"study": name}
        self._written = hooks.clock()

    def watching(self, hooks: Hooks) -> Hooks:
        """Return hooks that also update the summary."""

        def on_progress(progress: Progress) -> None:
            self._progressed(progress)
            hooks.on_progress(progress)

        return replace(hooks, on_progress=on_progress)

    def write_state(self, state: str) -> None:
        """Write a state to the study and to the summary."""
        self._journal.note("state", state)
        self._write(state=state)

    def write_answer(self, result: StudyResult) -> None:
        """Write the result before its evidence: the study still runs."""
        write_result(self._settings, self.name, result.as_json())
        self._write(**{key: getattr(result, key) for key in FOUND})
        self._hooks.on_answer(result)

    def write_result(self, result: StudyResult) -> None:
        """Write the result, then the state, so that the state is never ahead of the result."""
        write_result(self._settings, self.name, result.as_json())
        found = {key: getattr(result, key) for key in FOUND}
        self._journal.note("result", found)
        self._journal.note("state", result.stopped)
        self._write(state=result.stopped, seconds=result.seconds, **found)

    def _progressed(self, progress: Progress) -> None:
        self._summary |= {
            "trials": progress.evaluations,
            "real_plans": progress.real_plans,
            "cache_hits": progress.cache_hits,
            "trials_failed": progress.failed,
            "gap_pp": progress.best_gap_pp,
            "levers": None if progress.best_levers is None else dict(progress.best_levers),
            "seconds": progress.seconds,
        }
        if self._hooks.clock() - self._written >= SUMMARY_SECONDS:
            self._write()

    def _write(self, **changes: Any) -> None:
        self._summary |= changes | {"updated_at": self._hooks.now().isoformat()}
        write_summary(self._settings, self.name, self._summary)
        self._written = self._hooks.clock()


def _kind(real: Evaluator | None, pool: TrialPool | None) -> Kind:
    if real is not None:
        return "real"
    return "preview" if pool is None else pool.kind


def _journal(
    settings: Settings, name: str, problem: Problem, kept: Mapping[str, Any], *, resume: bool
) -> Journal:
    """Create or reopen a study's journal."""
    storage = open_storage(settings, name)
    if not resume:
        journal = Journal.create(storage, name, problem.space, kept, metrics=problem.metrics)
        write_study(settings, name, {"study": name, **kept})
        return journal
    try:
        journal = Journal.reopen(storage, name, problem.space)
    except KeyError as error:
        raise _nothing_to_resume(name) from error
    _check_same_question(name, journal.about, kept)
    journal.note("question", kept["question"])
    return journal


def _nothing_to_resume(name: str) -> InputError:
    return InputError(
        f"There is no study {name!r} to resume.", remedy="`planwise study list` shows the studies."
    )


def _check_same_question(name: str, old: Mapping[str, object], new: Mapping[str, object]) -> None:
    """Raise InputError when a resumed study has a different question."""
    questions = [StudySpec.from_json(about["question"]).identity for about in (old, new)]  # type: ignore[arg-type]
    different = [key for key in ("scenario", "kind", "base", "levers") if old.get(key) != new.get(key)]
    if questions[0] != questions[1]:
        different.append("question")
    if different:
        raise InputError(
            f"The study {name!r} has a different question: {', '.join(different)} differ.",
            remedy="Resume with its own settings (`planwise study show`), or start a new study.",
        )
