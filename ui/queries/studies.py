"""Studies: the history, one study as it grows, its report, and whether a question can be asked."""

from collections.abc import Hashable, Mapping
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from planwise.errors import InputError
from planwise.settings import Settings
from planwise.study.spec import OptimizeRequest, StudyHeader, StudySpec
from ui.cache import BoundedCache
from ui.values.studies import Checked, Measured, StudySummary, StudyTrials

if TYPE_CHECKING:
    from ui.queries.scenarios import ScenarioReader
    from ui.queries.study_trials import GrowingTrials

OPEN = 12  # studies whose trials stay in memory: about a megabyte for each hundred trials
KEPT = 24
SUMMARIES = 2000
REPORTS = 4
IMPORTANCE_STEP = (
    50  # trials, until it is computed again while a study runs: it takes a second with many levers
)
UNKNOWN = "unknown"


class StudyReader:
    """Reads the studies of one home; shared by all sessions. Imports Optuna only when a study is opened."""

    def __init__(self, settings: Settings, plans: "ScenarioReader") -> None:
        self._settings, self._plans = settings, plans
        self._open: BoundedCache[GrowingTrials] = BoundedCache(OPEN)
        self._searches: BoundedCache[StudyTrials] = BoundedCache(KEPT)
        self._summaries: BoundedCache[StudySummary] = BoundedCache(SUMMARIES)
        self._reports: BoundedCache[bytes] = BoundedCache(REPORTS)
        self._importance: BoundedCache[Mapping[str, Any]] = BoundedCache(KEPT)
        self._opening = Lock()

    def version(self) -> Hashable:
        """Return a value that changes when the history does; costs a few `stat` calls a study.

        A study that runs is another one whenever its summary is written, about once a second.
        """
        if not self._is_there():
            return ()
        return tuple(
            (name, self._folder_stamp(name, journal=False), self._is_held(name)) for name in self._names()
        )

    def stamp(self, name: str) -> Hashable:
        """Return a value that changes when this study does; costs a few `stat` calls."""
        return self._folder_stamp(name), self._is_held(name)

    def list(self) -> tuple[StudySummary, ...]:
        """Return every study, the newest first; one that cannot be read is left out (see `get`)."""
        if not self._is_there():
            return ()
        if self._settings.study_storage_url:
            from planwise.study.queries import list_studies

            return tuple(
                _summary(one["study"], one, one, one["state"]) for one in list_studies(self._settings)
            )
        found = []
        for name in self._names():
            key = (name, self._folder_stamp(name, journal=False), self._is_held(name))
            try:
                found.append(self._summaries.get(key, partial(self._summarise, name)))
            except (KeyError, TypeError, ValueError, InputError):
                continue
        return tuple(sorted(found, key=lambda one: (one.created_at, one.name), reverse=True))

    def get(self, name: str) -> StudyTrials:
        """Return a study with all its trials; raises InputError when there is none or it is damaged."""
        if not self._is_there():
            raise InputError(
                f"There is no study {name!r} in {self._settings.studies_dir}.",
                remedy="Start one on this page, or run `planwise optimize --target-growth 0.03`.",
            )
        stamp = self.stamp(name)
        if self._settings.study_storage_url:  # another machine may write it, and no file says so
            return self._read(name, stamp)
        return self._searches.get((name, stamp), lambda: self._read(name, stamp))

    def importance(self, search: StudyTrials) -> Mapping[str, Any]:
        """Return method, reason, trials and shares: how much growth depends on each lever over all trials.

        The result's own where it has one; else computed from the trials there are.
        """
        found = (search.outcome or {}).get("sensitivity")
        if isinstance(found, Mapping) and found.get("importance"):
            own: Mapping[str, Any] = found["importance"]
            return own
        from ui.queries.study_trials import importance_of

        tried = int((search.trials["role"] == "search").sum())
        step = tried // IMPORTANCE_STEP if search.is_running else tried
        return self._importance.get((search.name, search.is_running, step), lambda: importance_of(search))

    def report(self, name: str, suffix: str) -> bytes:
        """Return the evidence report as a `.html` or `.md` file; raises InputError while there is none."""
        key = (name, suffix, self._folder_stamp(name, journal=False))
        return self._reports.get(key, lambda: _report(self._settings, name, suffix))

    def check(self, request: OptimizeRequest, measured: Measured | None = None) -> Checked:
        """Check a request before its study starts.

        `measured` is what previews of its frame gave, for the target's reach and the time. What a study
        cannot do is a bad check, not an error.
        """
        from ui.queries.study_checks import checked

        return checked(self._settings, self._plans, request, measured)

    def constraint(self, text: str) -> str:
        """Return a constraint as the study spells it; raises InputError, with what may be written."""
        from planwise.study.constraints import parse_constraint

        return str(parse_constraint(text))

    def _read(self, name: str, stamp: Hashable) -> StudyTrials:
        from planwise.study.study_files import read_result, state_of
        from ui.queries.study_trials import fronts

        try:
            growing, header = self._growing(name)
            trials, unfinished, about = growing.read()
            members, knee, picks = fronts(trials, header)
            state = state_of(self._settings, name, about.get("state", UNKNOWN))
            return StudyTrials(
                name=name,
                header=header,
                state=state,
                trials=trials,
                levers=growing.levers(),
                unfinished=unfinished,
                outcome=read_result(self._settings, name) if state != "running" else None,
                front=members,
                knee=knee,
                picks=picks,
                given=growing.given(),
                stamp=stamp,
            )
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise InputError(
                f"The study {name!r} cannot be read: {error!r}",
                remedy="Start the study again under the same question; this one's folder can be deleted.",
            ) from error

    def _growing(self, name: str) -> "tuple[GrowingTrials, StudyHeader]":
        from planwise.study.optuna_storage import load_study
        from planwise.study.study_files import read_study
        from ui.queries.study_trials import GrowingTrials, journal_stamp

        about = read_study(self._settings, name)
        if about is None:  # its folder is elsewhere: a database has it, or nobody
            about = dict(load_study(self._settings, name).user_attrs)
        header = StudyHeader.from_json(about)
        key = (name, journal_stamp(self._settings, name))
        with self._opening:  # two sessions that open one study share its trials
            return self._open.get(key, lambda: GrowingTrials(self._settings, name, header)), header

    def _summarise(self, name: str) -> StudySummary:
        from planwise.study.study_files import read_study, read_summary, state_of

        about, stands = read_study(self._settings, name), read_summary(self._settings, name) or {}
        if about is None:
            raise ValueError(f"{name} has no question")
        return _summary(name, about, stands, state_of(self._settings, name, stands.get("state") or UNKNOWN))

    def _names(self) -> tuple[str, ...]:
        """Return the studies of this home by name, without importing Optuna."""
        return tuple(sorted(file.parent.name for file in self._settings.studies_dir.glob("*/study.json")))

    def _is_there(self) -> bool:
        return self._settings.study_storage_url is not None or self._settings.studies_dir.is_dir()

    def _is_held(self, name: str) -> bool:
        """Say whether a process runs the study; no file changes when a process is killed."""
        lock = self._settings.studies_dir / name / "lock"
        try:
            if not lock.stat().st_size:  # empty once it is let go
                return False
        except OSError:
            return False
        from planwise.study.study_files import is_running

        return is_running(self._settings, name)

    def _folder_stamp(self, name: str, *, journal: bool = True) -> Hashable:
        folder = self._settings.studies_dir / name
        files = ("study.json", "summary.json", "result.json", *(("journal.log",) if journal else ()))
        return tuple(_stamp(folder / file) for file in files)


def _summary(name: str, about: Mapping[str, Any], stands: Mapping[str, Any], state: str) -> StudySummary:
    spec = (
        StudySpec.from_json(about["question"])
        if "question" in about
        else StudySpec(target_growth=about["target_growth"], strategy=about["strategy"])
    )
    return StudySummary(
        name=name,
        scenario=str(about["scenario"]),
        strategy=spec.chosen_strategy,
        kind=str(about["kind"]),
        state=state,
        objectives=spec.weights,
        constraints=tuple(map(str, spec.limits)),
        target=spec.sought_growth,
        trials=int(stands.get("trials") or 0),
        failed=int(stands.get("trials_failed") or 0),
        converged=stands.get("converged"),
        reachable=stands.get("reachable"),
        growth=stands.get("growth"),
        gap_pp=stands.get("gap_pp"),
        seconds=stands.get("seconds"),
        created_at=str(about.get("created_at", "")),
    )


def _report(settings: Settings, name: str, suffix: str) -> bytes:
    from tempfile import TemporaryDirectory

    from planwise.study.report import Report, gather_evidence, write_report

    report = Report(gather_evidence(settings, name))
    with TemporaryDirectory(prefix="planwise_report_") as folder:
        (file,) = write_report(report, Path(folder) / f"{name}{suffix}")
        return file.read_bytes()


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size
