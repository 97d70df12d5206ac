"""`planwise study report NAME`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from planwise.console import emit_json, progress, settings_for
from planwise.errors import InputError
from planwise.options import Home, Json, KnownStudy
from planwise.study.report import Report, gather_evidence, write_report

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
    """Write a study's evidence report as Markdown and as one self-contained HTML file."""
    settings = settings_for(home)
    content = Report(gather_evidence(settings, name))
    target = output or settings.studies_dir / name / FOLDER
    try:
        files = write_report(content, target)
    except OSError as error:
        raise InputError(
            f"{target} cannot be written: {error}", remedy="Name another place with --output."
        ) from error
    if json:
        emit_json({"study": name, "files": files})
        return
    for file in files:
        progress().print(f"Wrote {file}", markup=False, soft_wrap=True)
