"""Maintain: drop environments that are no longer needed, and free their tables."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from planwise.app.requests import MaintainRequest
from planwise.app.runner import Runner
from planwise.app.simulate import resolve_scenario, warehouse_for
from planwise.census import census_in_use
from planwise.engine.warehouse import Warehouse, scenario_environment
from planwise.engine.worker_warehouses import remove_dead_workers
from planwise.governance import open_ledger
from planwise.governance.request import ScenarioRequest
from planwise.jobs.reader import remove_old_jobs
from planwise.settings import Settings
from planwise.storage import list_partial, remove_partial
from planwise.study.queries import list_studies
from planwise.study.study_files import is_running, study_folders

TRIAL = "trial_"
SCENARIO = scenario_environment("")
PARTIAL_AGE_SECONDS = 3600.0  # no file is written for so long
PARTIAL_FOLDERS = ("auth", "censuses", "censuses/.versions", "jobs/*", "published/*", "prefect", "sweeps")


@dataclass(frozen=True)
class MaintenanceReport:
    """What was removed, or with `dry_run` would be."""

    dry_run: bool
    environments: tuple[str, ...]
    worker_files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as one object."""
        return asdict(self)

    def __str__(self) -> str:
        done = "Would remove" if self.dry_run else "Removed"
        files = f"{len(self.worker_files)} files of dead processes and old jobs"
        return f"{done} {len(self.environments)} environments and {files}."


def maintain(settings: Settings, request: MaintainRequest, run: Runner) -> MaintenanceReport:
    """Drop environments of old studies and deleted scenarios, free tables, remove leftover files.

    Leftover files are those of dead processes, and jobs beyond the `jobs_kept` newest.
    """
    environments: tuple[str, ...] = ()
    if settings.warehouse_file.exists() and census_in_use(settings):
        with warehouse_for(settings, "maintain", run) as warehouse:
            environments = run(unneeded_environments, settings, request, warehouse)
            if not request.dry_run:
                run(drop_environments, warehouse, environments)
    files = run(remove_dead_workers, settings, dry_run=request.dry_run)
    files += run(remove_partial_files, settings, dry_run=request.dry_run)
    files += run(remove_old_jobs, settings, dry_run=request.dry_run)
    report = MaintenanceReport(request.dry_run, environments, tuple(map(str, files)))
    rows = [{"kind": "environment", "name": name} for name in environments]
    rows += [{"kind": "file", "name": name} for name in report.worker_files]
    run.table("maintenance", rows or [{"kind": "nothing", "name": ""}], str(report))
    return report


def unneeded_environments(
    settings: Settings, request: MaintainRequest, warehouse: Warehouse
) -> tuple[str, ...]:
    """Return the environments of studies that are not among the newest, and of deleted scenarios."""
    resolved = resolve_scenario(settings, ScenarioRequest())
    warehouse.plan(resolved.environment, resolved.census, resolved.effective)  # opens it; nothing is applied
    studies = [str(study["study"]) for study in list_studies(settings)[: request.keep_studies]]
    with open_ledger(settings) as ledger:
        scenarios = {scenario_environment(scenario.name) for scenario in ledger.scenarios.list()}
    return tuple(
        name
        for name in sorted(warehouse.environments())
        if (name.startswith(TRIAL) and not any(name.startswith(f"{TRIAL}{study}_") for study in studies))
        or (name.startswith(SCENARIO) and name not in scenarios)
    )


def drop_environments(warehouse: Warehouse, environments: tuple[str, ...]) -> None:
    """Drop them and free the tables that no environment shows."""
    for name in environments:
        warehouse.drop(name)
    warehouse.collect()


def remove_partial_files(settings: Settings, *, dry_run: bool) -> tuple[Path, ...]:
    """Remove the partial files and folders that killed processes left, pay among them.

    A study that does not run has none that is in use; elsewhere their age says so.
    """
    studies = [settings.studies_dir / n for n in study_folders(settings) if not is_running(settings, n)]
    folders = dict.fromkeys(studies, 0.0) | {settings.root: PARTIAL_AGE_SECONDS}
    for pattern in PARTIAL_FOLDERS:
        folders |= dict.fromkeys(settings.root.glob(pattern), PARTIAL_AGE_SECONDS)
    act = list_partial if dry_run else remove_partial
    return tuple(path for folder, age in folders.items() for path in act(folder, older_than_seconds=age))
