"""Maintain: remove what is no longer needed, and compact the warehouse."""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from planwise.app.gates import prune_gates
from planwise.app.performance import prune_runs
from planwise.app.requests import MaintainRequest
from planwise.app.runner import Runner
from planwise.app.simulate import warehouse_for
from planwise.census import list_censuses
from planwise.engine.project import SPILLED
from planwise.engine.publishing import put_in_force
from planwise.engine.upkeep import (
    Compaction,
    WarehouseContents,
    compact_warehouse,
    find_unneeded,
    remove_unneeded,
)
from planwise.engine.warehouse import Warehouse, scenario_environment
from planwise.engine.worker_warehouses import remove_dead_workers
from planwise.formatting import counted
from planwise.governance import Action, open_ledger, require_role
from planwise.governance.publications import PROD, fingerprint_in_force
from planwise.governance.verifier import ChainCheck
from planwise.jobs.reader import remove_old_jobs
from planwise.parameters.calibrated_rates import list_rates, rates_dir
from planwise.release.releases import Releases
from planwise.settings import Settings
from planwise.storage import PARTIAL, remove, sizes_mb
from planwise.study.queries import list_studies
from planwise.study.study_files import is_running, study_folders

TRIAL = "trial_"
SCENARIO = scenario_environment("")
PARTIAL_MAX_AGE_SECONDS = 6 * 3600  # no process writes one file for so long
ERROR_LOGS_KEPT = 50
SWEEPS_KEPT = 100
MEASURED_RUNS_KEPT, GATE_RESULTS_KEPT = 2000, 2000


@dataclass(frozen=True)
class MaintenanceReport:
    """What was removed, or with `dry_run` would be; sizes of the home in MB, by file and folder, afterwards.

    `measured_runs` and `gate_results` are the numbers of old ones. `problem` says why the warehouse was not
    compacted; `checkpoints` are all of this home, with their age; `ledger` is the check of the audit trail.
    """

    dry_run: bool
    checkpoints: tuple[Mapping[str, Any], ...]
    environments: tuple[str, ...]
    snapshots: tuple[str, ...]
    tables: tuple[str, ...]
    files: tuple[str, ...]
    measured_runs: int
    gate_results: int
    home_mb: Mapping[str, float]
    freed_mb: float
    problem: str | None
    ledger: ChainCheck

    @property
    def headline(self) -> str:
        """The counts, and what is wrong with the audit trail."""
        if self.ledger.ok:
            return f"{self} The audit trail is whole: {counted(self.ledger.events, 'event')}."
        return f"The audit trail is broken: {self.ledger.problem}. {self}"

    def as_json(self) -> dict[str, Any]:
        """Return the report as one object."""
        return asdict(self)

    def rows(self) -> list[dict[str, str]]:
        """Return one row per removed thing."""
        kinds = {"environment": self.environments, "snapshot": self.snapshots, "table": self.tables}
        return [
            {"kind": kind, "name": name}
            for kind, names in {**kinds, "file": self.files}.items()
            for name in names
        ]

    def __str__(self) -> str:
        counts = (
            f"{counted(len(self.environments), 'environment')}, {counted(len(self.tables), 'table')}, "
            f"{counted(len(self.snapshots), 'version of a model', 'versions of models')}, "
            f"{counted(len(self.files), 'file')} and "
            f"{self.measured_runs} measured runs, {self.gate_results} gate results"
        )
        home = f"The home takes {sum(self.home_mb.values()):,.1f} MB"
        if self.dry_run:
            return f"Would remove {counts}. {home}; --apply removes them and compacts the warehouse."
        side = "less" if self.freed_mb >= 0 else "more"
        text = f"Removed {counts}. {home}, {abs(self.freed_mb):,.1f} MB {side} than before."
        return f"{text} {self.problem}" if self.problem else text


def maintain(settings: Settings, request: MaintainRequest, run: Runner) -> MaintenanceReport:
    """Remove old environments, tables no other one has and leftover files; compact; verify the ledger."""
    if not request.dry_run:
        require_role(settings, Action.MAINTAIN)
    before = sum(sizes_mb(settings.root).values())
    gone, compaction = WarehouseContents(), None
    checkpoints: tuple[Mapping[str, Any], ...] = ()
    with warehouse_for(settings, "maintain", run) as warehouse:
        if settings.warehouse_file.exists():
            checkpoints = run(remove_checkpoints, settings, request)
            gone = run(clean_warehouse, settings, request, warehouse)
            warehouse.close()
        files = run(remove_dead_workers, settings, dry_run=request.dry_run)
        files += run(remove_leftovers, settings, dry_run=request.dry_run)
        files += run(remove_old_jobs, settings, dry_run=request.dry_run)
        if settings.warehouse_file.exists() and not request.dry_run:
            compaction = run(compact_file, settings)
    measured_runs = run(prune_runs, settings, MEASURED_RUNS_KEPT, dry_run=request.dry_run)
    gate_results = run(prune_gates, settings, GATE_RESULTS_KEPT, dry_run=request.dry_run)
    after = sizes_mb(settings.root)
    report = MaintenanceReport(
        dry_run=request.dry_run,
        checkpoints=checkpoints,
        environments=gone.environments,
        snapshots=gone.snapshots,
        tables=gone.tables,
        files=tuple(map(str, files)),
        measured_runs=measured_runs,
        gate_results=gate_results,
        home_mb=after,
        freed_mb=round(before - sum(after.values()), 1),
        problem=compaction.problem if compaction else None,
        ledger=run(verify_ledger, settings),
    )
    run.table("maintenance", report.rows() or [{"kind": "nothing", "name": ""}], str(report))
    return report


def remove_checkpoints(settings: Settings, request: MaintainRequest) -> tuple[Mapping[str, Any], ...]:
    """List this home's checkpoints with their age; record the removal of those that are not to be kept."""
    with open_ledger(settings) as ledger:
        releases = Releases(ledger)
        surplus = () if request.keep_checkpoints is None else releases.surplus(request.keep_checkpoints)
        names = {one.checkpoint for one in surplus}
        found = [
            {
                "checkpoint": one.checkpoint,
                "scenario": one.scenario_before,
                "kept_at": one.ended_at,
                "days": (ledger.clock() - one.ended_at).days if one.ended_at else None,
                "removed": one.checkpoint in names,
            }
            for one in releases.with_checkpoint()
        ]
        for one in surplus if not request.dry_run else ():
            releases.remove_checkpoint(one)
        if surplus and not request.dry_run:
            keep = {one.fingerprint for one in releases.checkpoints()}
            if (in_force := releases.in_force()) is not None:
                keep.add(in_force.fingerprint)
            put_in_force(settings, PROD, fingerprint_in_force(settings, PROD), keep)
    return tuple(found)


def clean_warehouse(settings: Settings, request: MaintainRequest, warehouse: Warehouse) -> WarehouseContents:
    """Remove what is no longer needed from the warehouse, or list it; return what is (or would be) gone."""
    warehouse.open_state()
    environments = unneeded_environments(settings, request, warehouse)
    find = find_unneeded if request.dry_run else remove_unneeded
    readable, _ = list_censuses(settings)  # what is loaded of a damaged one is loaded again
    return find(warehouse, environments, readable, list_rates(settings))


def unneeded_environments(
    settings: Settings, request: MaintainRequest, warehouse: Warehouse
) -> tuple[str, ...]:
    """Return the environments of studies that are not among the newest, and of deleted scenarios."""
    studies = [str(study["study"]) for study in list_studies(settings)[: request.keep_studies]]
    with open_ledger(settings) as ledger:
        scenarios = {scenario_environment(scenario.name) for scenario in ledger.scenarios.list(archived=True)}
        releases = Releases(ledger)
        removed = releases.removed_checkpoints()
        if request.dry_run and request.keep_checkpoints is not None:
            removed |= {one.checkpoint for one in releases.surplus(request.keep_checkpoints)}
    return tuple(
        name
        for name in sorted(warehouse.environments())
        if (name.startswith(TRIAL) and not any(name.startswith(f"{TRIAL}{study}_") for study in studies))
        or (name.startswith(SCENARIO) and name not in scenarios)
        or name in removed
    )


def verify_ledger(settings: Settings) -> ChainCheck:
    """Check the whole audit trail."""
    with open_ledger(settings) as ledger:
        return ledger.events.verify()


def compact_file(settings: Settings) -> Compaction:
    """Compact the warehouse's file."""
    return compact_warehouse(settings)


def remove_leftovers(settings: Settings, *, dry_run: bool) -> tuple[Path, ...]:
    """Remove what killed processes left, and the oldest logs and sweeps; the warehouse's lock is held."""
    found = tuple(sorted(set(_leftovers(settings))))
    for path in found if not dry_run else ():
        with suppress(FileNotFoundError):  # its process has just completed it
            remove(path)
    return found


def _leftovers(settings: Settings) -> Iterator[Path]:
    warehouse = settings.warehouse_file
    yield from warehouse.parent.glob(f"{warehouse.name}.*{PARTIAL}*")  # with the log of a copy
    yield from warehouse.parent.glob(f"{warehouse.name}{SPILLED}")
    yield from settings.published_dir.glob(f"*/*{PARTIAL}")  # results are published under the same lock
    for study in study_folders(settings):
        if not is_running(settings, study):
            yield from (settings.studies_dir / study).glob(f"*{PARTIAL}")
    for folder in (
        settings.root,
        *(settings.root / name for name in ("sweeps", "auth", "prefect", "workers")),
    ):
        yield from _old(folder, f"*{PARTIAL}")
    for folder in (settings.censuses_dir, settings.jobs_dir, rates_dir(settings)):
        yield from _old(folder, f"**/*{PARTIAL}")
    yield from _old(settings.uploads_dir, "*")
    for folder in settings.root.glob(f"memory-*-*{SPILLED}"):
        if not psutil.pid_exists(int(folder.name.split("-")[1])):
            yield folder
    yield from sorted((settings.root / "logs").glob("error-*.log"))[:-ERROR_LOGS_KEPT]
    for sweep in sorted((settings.root / "sweeps").glob("*.json"))[:-SWEEPS_KEPT]:
        yield from (sweep, *sweep.parent.glob(f"{sweep.stem}.md"))


def _old(folder: Path, pattern: str) -> Iterator[Path]:
    for path in folder.glob(pattern):
        if time.time() - path.lstat().st_mtime > PARTIAL_MAX_AGE_SECONDS:
            yield path
