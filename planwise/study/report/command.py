"""`planwise study report NAME`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from planwise.console import emit_json, progress, settings_for
from planwise.errors import InputError
from planwise.options import Home, Json, KnownStudy
from planwise.study.report.document import document_of
from planwise.study.report.evidence import evidence_of
from planwise.study.report.files import write_report

FOLDER = "report"


def report(
    name: KnownStudy,
    /,
    *,
    output: Annotated[
        Path | None,
        Parameter(help="Folder for both files, or one .html or .md file; default studies/NAME/report."),
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Write a study's evidence report: Markdown, and one HTML file that needs no other."""
    settings = settings_for(home)
    document = document_of(evidence_of(settings, name))
    target = output or settings.studies_dir / name / FOLDER
    try:
        files = write_report(document, target)
    except OSError as error:
        raise InputError(
            f"{target} cannot be written: {error}", remedy="Name another with --output."
        ) from error
    if json:
        emit_json({"study": name, "files": files})
        return
    for file in files:
        progress().print(f"Wrote {file}", markup=False, soft_wrap=True)
