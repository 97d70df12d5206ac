"""Read studies: the history, one study with its trials, its report, and the checks before a start."""

from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from planwise.errors import InputError
from planwise.settings import Settings
from planwise.study.spec import RUNNING, OptimizeRequest, StudyHeader
from planwise.study.study_files import (
    is_running,
    lock_file,
    read_result,
    read_study,
    read_summary,
    state_of,
    study_folders,
)
from ui.cache import BoundedCache
from ui.values.studies import CANDIDATE, GrowthRange, Preflight, StudySummary, StudyTrials

if TYPE_CHECKING:
    from ui.queries.scenarios import ScenarioReader
    from ui.queries.study_trials import GrowingTrials

OPEN = 12  # studies whose trials stay in memory: about a megabyte for each hundred trials
KEPT = 24
SUMMARIES = 2000
REPORTS = 4
IMPORTANCE_STEP = 50  # further trials of a running study before it is computed again: it takes a second
UNKNOWN = "unknown"


class StudyReader:
    """Reads the studies of one home; shared by all sessions. Imports Optuna only when a study is opened."""

    def __init__(self, settings: Settings, plans: "ScenarioReader") -> None:
        self._settings, self._plans = settings, plans
        self._open: BoundedCache[GrowingTrials] = BoundedCache(OPEN)
        self._studies: BoundedCache[StudyTrials] = BoundedCache(KEPT)
        self._summaries: BoundedCache[StudySummary] = BoundedCache(SUMMARIES)
        self._reports: BoundedCache[bytes] = BoundedCache(REPORTS)
        self._importance: BoundedCache[Mapping[str, Any]] = BoundedCache(KEPT)
        self._opening = Lock()

    def version(self) -> Hashable:
        """Return a value that changes when the history does; costs a few `stat` calls per study.

        A running study writes its summary about once a second.
        """
        if not self._is_there():
            return ()
        return tuple(map(self._summary_stamp, study_folders(self._settings)))

    def stamp(self, name: str) -> Hashable:
        """Return a value that changes when this study does; costs a few `stat` calls."""
        return self._folder_stamp(name), self._is_running(name)

    def list(self) -> tuple[StudySummary, ...]:
        """Return every study, the newest first; one that cannot be read is left out (see `get`)."""
        if not self._is_there():
            return ()
        if self._settings.study_storage_url:
            from planwise.study.optuna_storage import stored_studies

            stored = [
                self._summary(name, about, {**about, **(about.get("result") or {}), "trials": trials})
                for name, about, trials in stored_studies(self._settings)
            ]
            return _newest_first(stored)
        found = []
        for name in study_folders(self._settings):
            try:
                found.append(self._summaries.get(self._summary_stamp(name), partial(self._summarise, name)))
            except (KeyError, TypeError, ValueError, InputError):
                continue
        return _newest_first(found)

    def get(self, name: str) -> StudyTrials:
        """Return a study with all its trials; raises InputError when there is none or it is damaged."""
        if not self._is_there():
            raise InputError(
                f"There is no study {name!r} in {self._settings.studies_dir}.",
                remedy="Start one on the first tab.",
            )
        stamp = self.stamp(name)
        if self._settings.study_storage_url:  # another machine may write it, which changes no file here
            return self._read(name, stamp)
        return self._studies.get((name, stamp), lambda: self._read(name, stamp))

    def importance(self, study: StudyTrials) -> Mapping[str, Any]:
        """Return how much the target depends on each lever over all trials: method, reason, trials, shares.

        The result's own where it has one, else computed from the trials so far.
        """
        found = (study.outcome or {}).get("sensitivity")
        if isinstance(found, Mapping) and found.get("importance"):
            own: Mapping[str, Any] = found["importance"]
            return own
        from ui.queries.study_trials import importance_of

        tried = int((study.trials["role"] == CANDIDATE).sum())
        step = tried // IMPORTANCE_STEP if study.is_running else tried
        return self._importance.get((study.name, study.is_running, step), lambda: importance_of(study))

    def report(self, name: str, suffix: str) -> bytes:
        """Return the evidence report as a `.html` or `.md` file; raises InputError while there is none."""
        key = (name, suffix, self._folder_stamp(name, journal=False))
        return self._reports.get(key, lambda: _report(self._settings, name, suffix))

    def check(self, request: OptimizeRequest, growth: GrowthRange | None = None) -> Preflight:
        """Check a request before its study starts; what no study can do is a bad check, not an error.

        `growth` has what the request's levers reach, by previews.
        """
        from ui.queries.study_checks import preflight

        return preflight(self._settings, self._plans, request, growth)

    def _read(self, name: str, stamp: Hashable) -> StudyTrials:
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
                outcome=read_result(self._settings, name),
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
        from ui.queries.study_trials import GrowingTrials, journal_stamp

        about = read_study(self._settings, name)
        if about is None:  # no folder in this home: the study is in a database, or unknown
            about = dict(load_study(self._settings, name).user_attrs)
        header = StudyHeader.from_json(about)
        key = (name, journal_stamp(self._settings, name))
        with self._opening:  # two sessions that open one study share its trials
            return self._open.get(key, lambda: GrowingTrials(self._settings, name, header)), header

    def _summarise(self, name: str) -> StudySummary:
        about = read_study(self._settings, name)
        if about is None:
            raise ValueError(f"{name} has no question")
        return self._summary(name, about, read_summary(self._settings, name) or {})

    def _summary(self, name: str, about: Mapping[str, Any], progress: Mapping[str, Any]) -> StudySummary:
        header = StudyHeader.from_json(about)
        state = state_of(self._settings, name, progress.get("state") or UNKNOWN)
        return StudySummary(
            name=name,
            header=header,
            state=RUNNING if self._is_running(name) else state,  # a resumed study's summary may be older
            trials=int(progress.get("trials") or 0),
            converged=progress.get("converged"),
            reachable=progress.get("reachable"),
            reached=progress.get("reached", progress.get("growth")),
            gap_pp=progress.get("gap_pp"),
            seconds=progress.get("seconds"),
            levers=progress.get("levers") or {},
            within_policy=progress.get("within_policy"),
            risk_level=progress.get("risk_level"),
            updated_at=str(progress.get("updated_at") or header.created_at),
        )

    def _summary_stamp(self, name: str) -> Hashable:
        return name, self._folder_stamp(name, journal=False), self._is_running(name)

    def _is_there(self) -> bool:
        return self._settings.study_storage_url is not None or self._settings.studies_dir.is_dir()

    def _is_running(self, name: str) -> bool:
        """Return whether a process runs the study; no file changes when a process is killed."""
        try:
            is_held = lock_file(self._settings, name).stat().st_size > 0  # empty once it is released
        except OSError:
            return False
        return is_held and is_running(self._settings, name)

    def _folder_stamp(self, name: str, *, journal: bool = True) -> Hashable:
        folder = self._settings.studies_dir / name
        files = ("study.json", "summary.json", "result.json", *(("journal.log",) if journal else ()))
        return tuple(_stamp(folder / file) for file in files)


def _newest_first(found: Iterable[StudySummary]) -> tuple[StudySummary, ...]:
    return tuple(sorted(found, key=lambda one: (one.header.created_at, one.name), reverse=True))


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
