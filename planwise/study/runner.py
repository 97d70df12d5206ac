"""The study runner: asks a strategy for proposals, evaluates them, tells it and the journal what came out."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from planwise.errors import InputError
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings
from planwise.study.evaluation import Evaluation, Evaluator, Kind
from planwise.study.files import write_result, write_study
from planwise.study.journal import Asked, Journal
from planwise.study.problem import PP, Problem
from planwise.study.progress import Hooks, Progress
from planwise.study.question import Question, check_study_name
from planwise.study.reach import BaselineBroken, framed, reach_of
from planwise.study.record import Finding
from planwise.study.result import StudyResult, best_of, cache_hits, failures, real_plans, study_result
from planwise.study.space import tuned_levers
from planwise.study.storage import open_storage
from planwise.study.strategies import Batch, Search, strategy_named
from planwise.study.trial import Proposal, Trial

FAILURES_IN_A_ROW_MAX = 10  # as many say that the next one breaks too
RUNNING = "running"
DIRECT = Hooks()


def run_study(
    settings: Settings,
    question: Question,
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
) -> StudyResult:
    """Look for levers that answer the question, starting from a scenario's effective parameters.

    `levels` are the census's; `preview` and `real` evaluate on top of `base`. Without `real` the study
    decides on previews, and its result says so. `about` is kept with the study (census, content hash).
    `resume` goes on where a study of this name ended or was killed: its trials answer, in order, what is
    asked again. Raises InputError for an unknown strategy or lever, a name in use, or a resumed study that
    asked otherwise, BaselineBroken when the scenario itself cannot be evaluated; a later trial that breaks
    never raises.
    """
    check_study_name(name)
    strategy = strategy_named(question.strategy)
    space = tuned_levers(base, levels, question.levers)
    problem = Problem(question, space, "preview" if real is None else "real")
    kept = {
        "question": question.as_json(),
        "scenario": scenario,
        "kind": problem.kind,
        "base": preview.digest({}),
        "levers": [lever.name for lever in space],
        "created_at": hooks.now().isoformat(),
        **(about or {}),
    }
    storage = open_storage(settings)
    if resume:
        journal = Journal.reopen(storage, name, space)
        _same_question(name, journal.about, kept)
        journal.note("question", kept["question"])
    else:
        journal = Journal.create(storage, name, space, kept)
        write_study(settings, name, {"study": name, **kept})
    evaluators: dict[Kind, Evaluator] = {"preview": preview, **({} if real is None else {"real": real})}
    run = _Run(name, problem, journal, evaluators, hooks)
    sampler = strategy.sampler(problem, len(run.trials))
    if sampler is not None:
        journal.use(sampler)
    journal.note("state", RUNNING)
    try:
        stopped = run.drive(framed(problem, strategy))
    except BaselineBroken as error:
        journal.note("state", f"failed: {error.what}")
        raise
    result = study_result(
        name,
        scenario,
        problem,
        base,
        reach_of(run.frame),
        tuple(run.trials),
        stopped=stopped,
        seconds=hooks.clock() - run.started,
    )
    write_result(settings, name, result.as_json())
    journal.note("state", stopped)
    journal.note(
        "result", {key: getattr(result, key) for key in ("converged", "reachable", "gap_pp", "growth")}
    )
    return result


class _Run:
    """One process's work on one study: what it has seen, and what an earlier process left to answer from."""

    def __init__(
        self,
        name: str,
        problem: Problem,
        journal: Journal,
        evaluators: Mapping[Kind, Evaluator],
        hooks: Hooks,
    ) -> None:
        self.started = hooks.clock()
        self._name = name
        self._problem = problem
        self._journal = journal
        self._evaluators = evaluators
        self._hooks = hooks
        self._drawn = deque(journal.fail_interrupted())
        self.trials: list[Trial] = list(journal.trials())
        self._replay = deque(trial for trial in self.trials if trial.evaluation is not None)
        self._known: dict[tuple[Kind, str], Trial] = {}
        for trial in self._replay:
            self._known.setdefault((trial.kind, trial.digest), trial)
        self.frame: tuple[Trial, ...] = ()
        self._failed_in_a_row = 0

    def drive(self, search: Search) -> str:
        """Answer a search until it ends or is stopped; return why."""
        try:
            batch = next(search)
            while True:
                answers = self._answer(batch)
                if isinstance(answers, str):
                    search.close()
                    return answers
                self.frame = self.frame or answers
                batch = search.send(answers)
        except StopIteration as end:
            return str(end.value)

    def _answer(self, batch: Batch) -> tuple[Trial, ...] | str:
        answers = []
        for proposal in batch:
            trial = self._replayed(proposal)
            if trial is None:
                if self.frame and (reason := self._stop_reason()):
                    return reason
                trial = self._evaluate(proposal)
            answers.append(trial)
        return tuple(answers)

    def _stop_reason(self) -> str | None:
        timeout = self._problem.question.timeout_seconds
        if self._hooks.should_stop():
            return "cancelled"
        if timeout is not None and self._hooks.clock() - self.started >= timeout:
            return "timeout"
        if self._failed_in_a_row >= FAILURES_IN_A_ROW_MAX:
            return f"failed: {self._failed_in_a_row} trials in a row broke"
        return None

    def _replayed(self, proposal: Proposal) -> Trial | None:
        """Return the trial by which an earlier process answered this, None when it is new."""
        if not self._replay:
            return None
        trial = self._replay[0]
        same = trial.purpose == proposal.purpose and trial.kind == proposal.kind
        same = same and trial.seed == proposal.seed
        if not same or (proposal.levers is not None and trial.levers != proposal.levers):
            return None
        return self._replay.popleft()

    def _evaluate(self, proposal: Proposal) -> Trial:
        if proposal.levers is None and self._drawn:
            proposal = replace(proposal, levers=self._drawn.popleft())
        drawn, levers = (None, proposal.levers) if proposal.levers is not None else self._journal.draw()
        evaluator = self._evaluators[proposal.kind]
        digest = evaluator.digest(levers, proposal.seed)
        first = self._known.get((proposal.kind, digest))
        needs_plan = proposal.kind == "real" and first is None
        asked = self._journal.ask(proposal, levers, digest, drawn=drawn, at_once=not needs_plan)
        try:
            evaluation = self._evaluated(evaluator, asked) if first is None else _again(first, levers)
        except Exception as error:  # whatever broke: it is recorded, and the study goes on
            trial = self._journal.fail(asked, f"{type(error).__name__}: {error}")
            self._failed_in_a_row += 1
        else:
            trial = self._journal.tell(asked, self._finding(evaluation, first))
            self._known.setdefault((proposal.kind, digest), trial)
            self._failed_in_a_row = 0
        self.trials.append(trial)
        self._hooks.on_progress(self._progress(trial))
        return trial

    def _evaluated(self, evaluator: Evaluator, asked: Asked) -> Evaluation:
        """Evaluate; a plan goes through the hook, a preview (which has no use for a number) does not."""
        number = len(self.trials) if asked.trial is None else asked.trial.number
        if evaluator.kind == "preview":
            return evaluator.evaluate(asked.levers, number=number, seed=asked.proposal.seed)
        return self._hooks.call(
            lambda: evaluator.evaluate(asked.levers, number=number, seed=asked.proposal.seed), number
        )

    def _finding(self, evaluation: Evaluation, first: Trial | None) -> Finding:
        return Finding(
            evaluation,
            self._problem.values(evaluation),
            self._problem.constraints(evaluation),
            None if first is None else first.number,
        )

    def _progress(self, trial: Trial) -> Progress:
        trials = tuple(self.trials)
        best = best_of(self._problem, trials)
        evaluation = trial.evaluation
        return Progress(
            study=self._name,
            strategy=self._problem.question.strategy,
            trial=trial.number,
            purpose=trial.purpose,
            iteration=trial.iteration,
            kind=trial.kind,
            state=trial.state,
            growth=None if evaluation is None else evaluation.growth,
            gap_pp=None if evaluation is None else PP * self._problem.gap(evaluation),
            best_gap_pp=None if best is None else PP * self._problem.gap(best),
            best_levers=None if best is None else best.levers,
            evaluations=len(trials),
            real_plans=real_plans(trials),
            cache_hits=cache_hits(trials),
            failed=failures(trials),
            seconds=self._hooks.clock() - self.started,
        )


def _again(first: Trial, levers: Mapping[str, float]) -> Evaluation:
    assert first.evaluation is not None  # only finished trials are known
    return replace(
        first.evaluation, levers=dict(levers), seconds=0.0, models_run=0, models_reused=0, cache_hit=True
    )


def _same_question(name: str, old: Mapping[str, object], new: Mapping[str, object]) -> None:
    """Refuse to resume a study that asked something else."""
    questions = [Question.from_json(about["question"]).identity for about in (old, new)]  # type: ignore[arg-type]
    different = [key for key in ("scenario", "kind", "base", "levers") if old.get(key) != new.get(key)]
    if questions[0] != questions[1]:
        different.append("question")
    if different:
        raise InputError(
            f"The study {name!r} asked otherwise: {', '.join(different)} differ.",
            remedy="Resume with what it was asked (`planwise study show`), or begin a new one.",
        )
