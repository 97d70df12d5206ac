"""`planwise completion`."""

from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter
from cyclopts.completion.detect import ShellDetectionError

from planwise.cli.options import PARAMETERS, Json
from planwise.console import emit_json, results
from planwise.errors import InputError

app = cyclopts.App(name="completion", group_parameters=PARAMETERS, help="Complete commands in the shell.")

Shell = Literal["bash", "zsh", "fish"]
ForShell = Annotated[Shell | None, Parameter(name="--shell", help="Default: the shell in use.")]


@app.command
def install(
    *,
    shell: ForShell = None,
    output: Annotated[Path | None, Parameter(help="File to write; default where the shell looks.")] = None,
    startup: Annotated[bool, Parameter(help="Also load it from the shell's start file.")] = True,
    json: Json = False,
) -> None:
    """Write the completion script of the shell in use, and load it when a shell starts."""
    from planwise.cli.commands import app as planwise

    try:
        file = planwise.install_completion(shell=shell, output=output, add_to_startup=startup)
    except (ValueError, ShellDetectionError) as error:
        raise InputError(
            f"{error}".rstrip(".") + ".", remedy="Name it: --shell bash, zsh or fish."
        ) from error
    if json:
        emit_json({"file": file, "startup": startup})
    else:
        results().print(f"Written to {file}. It works in the next shell.", markup=False, soft_wrap=True)


@app.command
def show(*, shell: ForShell = None) -> None:
    """Print the completion script."""
    from planwise.cli.commands import app as planwise

    try:
        print(planwise.generate_completion(shell=shell))  # noqa: T201
    except (ValueError, ShellDetectionError) as error:
        raise InputError(
            f"{error}".rstrip(".") + ".", remedy="Name it: --shell bash, zsh or fish."
        ) from error
