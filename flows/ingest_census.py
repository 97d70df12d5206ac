"""Flow `ingest-census`: a payroll file becomes the census in use, if its gate lets it."""

from typing import Any

from prefect import flow

from flows.jobs import ingestion
from flows.parameters import IngestRequest
from flows.tasks import AsTasks
from planwise.console import settings_for


@flow(name="ingest-census", flow_run_name="ingest {request.file.name}", persist_result=False)
def ingest_census(request: IngestRequest) -> Any:
    """Import, gate, register, put in use."""
    return ingestion.ingest(settings_for(), request, AsTasks())


@flow(name="generate-census", flow_run_name="generate {employees} employees", persist_result=False)
def generate_census(employees: int = 1000, seed: int = 42) -> Any:
    """Generate a synthetic census, gate it, put it in use."""
    return ingestion.generate(settings_for(), employees, seed, AsTasks())
