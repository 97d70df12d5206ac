"""`planwise parameters`: list levers and assumptions, write their reference page."""

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from planwise.cli.options import PARAMETERS, Json
from planwise.console import emit_json, progress, results
from planwise.parameters.catalogue import catalogue
from planwise.parameters.reference import PAGE, reference

app = cyclopts.App(name="parameters", group_parameters=PARAMETERS, help="List levers and assumptions.")


@app.command(name="list")
def list_(*, json: Json = False) -> None:
    """List every lever and assumption with unit, default and bounds."""
    declared = catalogue()
    if json:
        emit_json(
            {
                "levers": [lever.model_dump(mode="json") for lever in declared.levers.values()],
                "assumptions": [a.model_dump(mode="json") for a in declared.assumptions.values()],
            }
        )
        return
    table = Table("parameter", "kind", "unit", "default", "bounds", "what")
    for name, parameter in declared.parameters.items():
        bounds = "" if parameter.bounds is None else "{:g} to {:g}".format(*parameter.bounds)
        table.add_row(
            name, declared.kind(name), parameter.unit, str(parameter.default), bounds, Text(parameter.label)
        )
    results().print(table)


@app.command(name="reference")
def write_reference(
    *, output: Annotated[Path, Parameter(help="File to write.")] = PAGE, json: Json = False
) -> None:
    """Write the reference page in Markdown."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(reference(catalogue()), encoding="utf-8")
    if json:
        emit_json({"file": output})
    else:
        progress().print(f"Wrote {output}.", markup=False, soft_wrap=True)
