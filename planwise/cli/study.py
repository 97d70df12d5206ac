"""`planwise study`: list and show studies, export trials, write reports."""

import io
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter
from rich import box
from rich.table import Column, Table

from planwise.app.deletion import delete_study, study_deletion
from planwise.app.exports import record_export
from planwise.cli.options import PARAMETERS, Home, Json, KnownStudy, Yes
from planwise.console import confirm, emit_json, emit_list, progress, report_damaged, results, settings_for
from planwise.errors import InputError
from planwise.formatting import TERMINAL, counted, in_currency
from planwise.governance import Action, require_role
from planwise.processes import require_free_port
from planwise.study.constraints import PAYROLL, held_text
from planwise.study.problem import PP
from planwise.study.queries import (
    StudyView,
    load_view,
    objectives_text,
    read_studies,
    resume_hint,
    trial_table,
    write_csv,
)
from planwise.study.report import Report, gather_evidence, write_report
from planwise.study.spec import RUNNING, StudySpec, state_text, stop_reason
from planwise.study.target import Target

OPTUNA_PORT = 8080  # as optuna-dashboard's own command

app = cyclopts.App(name="study", group_parameters=PARAMETERS, help="List, show, export and delete studies.")
app.command("planwise.cli.study:report", name="report", help="Write a study's evidence report.")


@app.command(name="list")
def list_(*, home: Home = None, json: Json = False) -> int:
    """List studies, newest first."""
    studies, damaged = read_studies(settings_for(home))
    if json:
        return emit_list({"studies": studies}, damaged)
    table = Table(
        Column("study", overflow="fold"),  # whole, because other commands take it
        *("strategy", "target", "trials", "state", "gap"),
        box=box.SIMPLE_HEAD,
        padding=(0, 0),
        pad_edge=False,
    )
    for study in studies:
        gap = study["gap_pp"]
        table.add_row(
            study["study"],
            study["strategy"],
            str(Target.from_json(study["target"])) if study["seeks_target"] else "",
            str(study["trials"]),
            state_text(
                study["state"],
                converged=study["converged"],
                reachable=study["reachable"],
                has_target=study["seeks_target"],
                within_policy=study["within_policy"],
            ),
            "" if gap is None else TERMINAL.points(gap / PP, 3),
        )
    results().print(table)
    return report_damaged(damaged)


@app.command
def dashboard(*, port: int = OPTUNA_PORT, home: Home = None) -> None:
    """Serve every study in optuna-dashboard, for reading, until Ctrl-C.

    Objectives, limits and figures of each trial; a study's checks (other seeds, steps around the answer) are
    a study of their own beside it. `planwise serve` is PlanWise's own dashboard.

    Parameters
    ----------
    port
        Port to listen on, on this machine only.

    """
    from planwise.study.optuna_dashboard import HOST, open_site

    settings = settings_for(home)
    require_role(settings, Action.READ)
    again = f"Stop what listens there, or choose another: `planwise study dashboard --port {port + 1}`."
    require_free_port(HOST, port, remedy=again)
    server, link = open_site(settings, port)
    progress().print(f"Studies of {settings.root}: {link}", markup=False, soft_wrap=True)
    progress().print("Ctrl-C stops it.")
    with server:
        server.serve_forever()


@app.command
def show(name: KnownStudy, /, *, home: Home = None, json: Json = False) -> None:
    """Show a study's specification, result and trials."""
    view = load_view(settings_for(home), name)
    if json:
        emit_json(view.as_json())
        return
    with in_currency(str(view.about.get("currency", ""))):
        _print(view)


@app.command
def export(
    name: KnownStudy,
    /,
    *,
    output: Annotated[Path | None, Parameter(help="CSV file to write; default stdout.")] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Export a study's trials as CSV: one row per trial, with levers and the last year's KPIs as columns."""
    settings = settings_for(home)
    view = load_view(settings, name)
    if output is None and not json:
        results().out(_csv(view), end="")
        return
    file = output or Path(f"{name}.csv")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_csv(view), encoding="utf-8")
    record_export(settings, file, "trials of a study", study=name, rows=len(view.trials))
    if json:
        emit_json({"study": name, "file": file, "rows": len(view.trials)})
    else:
        progress().print(
            f"Wrote {counted(len(view.trials), 'trial')} to {file}.", markup=False, soft_wrap=True
        )


@app.command
def delete(name: KnownStudy, /, *, yes: Yes = False, home: Home = None, json: Json = False) -> None:
    """Delete a study with its trials, result and report; one that runs is not deleted."""
    settings = settings_for(home)
    deletion = study_deletion(settings, name)
    confirm(str(deletion), yes=yes)
    delete_study(settings, deletion)
    if json:
        emit_json({"study": name, "deleted": True, **deletion.as_json()})
    else:
        progress().print(f"Deleted {deletion}", markup=False, soft_wrap=True)


def _csv(view: StudyView) -> str:
    text = io.StringIO()
    write_csv(view, text)
    return text.getvalue()


def _print(view: StudyView) -> None:
    about, question = view.about, view.about["question"]
    spec = StudySpec.from_json(question)
    console = results()
    console.print(
        f"[bold]{view.name}[/]: {spec.chosen_strategy} on {about['scenario']}, "
        f"target {spec.goal.text() if spec.sought else 'none'}, "
        f"tolerance {spec.goal.gap_text(spec.tolerance, 2).lstrip('+')}; {stop_reason(view.state)}."
    )
    if parts := [*objectives_text(question), *question.get("constraints", ())]:
        console.print(f"Specification: {', '.join(parts)}.", markup=False)
    if view.unfinished:
        state = (
            "are running"
            if view.state == RUNNING
            else f"are unfinished; resume with {resume_hint(view.name)}"
        )
        console.print(f"{view.unfinished} trials {state}.", markup=False)
    console.print(trial_table(view.rows()))
    if view.result is not None:
        _print_best(view.result, spec)


def _print_best(result: dict[str, Any], spec: StudySpec) -> None:
    console = results()
    levers = ", ".join(f"{name} {value:g}" for name, value in result["levers"].items())
    target = spec.sought
    reached = (
        f"growth of average pay {result['growth']:.3%}"
        if target is None
        else f"{target.measure.label} {target.measure.text(result['reached'], 3)}, "
        f"{target.gap_text(result['gap_pp'] / PP)} to go"
    )
    console.print(
        f"Best ({result['kind']}{'' if result['feasible'] else ', infeasible'}): {reached}; {levers}.",
        markup=False,
    )
    for constraint in result["constraints"]:
        text = constraint.get("text", constraint["name"])
        actual = constraint.get("actual")
        figure = TERMINAL.money if constraint["name"] == PAYROLL else partial(TERMINAL.number, digits=6)
        measured = "" if actual is None else f"; actual {figure(actual)}"
        console.print(f"  {text}: {held_text(constraint)}{measured}", markup=False)


FOLDER = "report"


def report(
    name: KnownStudy,
    /,
    *,
    output: Annotated[
        Path | None,
        Parameter(help="Folder for both files, or a single .html or .md file; default studies/NAME/report."),
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
            f"{target} cannot be written: {error}", remedy="Choose another place with --output."
        ) from error
    if output is not None:
        for file in files:
            record_export(settings, file, "report of a study", study=name)
    if json:
        emit_json({"study": name, "files": files})
        return
    for file in files:
        progress().print(f"Wrote {file}", markup=False, soft_wrap=True)
