"""Flow `maintain`: old environments go, their tables are freed."""

from typing import Any

from prefect import flow

from flows.jobs import maintenance
from flows.parameters import MaintainRequest
from flows.tasks import AsTasks
from planwise.console import settings_for


@flow(name="maintain", flow_run_name="maintain (dry run: {request.dry_run})", persist_result=False)
def maintain(request: MaintainRequest = MaintainRequest()) -> Any:  # noqa: B008  (frozen)
    """Drop environments of old studies and deleted scenarios, run the janitor, remove dead workers' files."""
    return maintenance.maintain(settings_for(), request, AsTasks())
