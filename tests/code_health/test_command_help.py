"""Every option of every command says what it does: `--help` is what a newcomer reads first."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import cyclopts
import pytest

from planwise.cli import commands as cli


def commands(app: cyclopts.App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, cyclopts.App]]:
    if app.default_command is not None and path:
        yield " ".join(path), app
    for name in app:
        if not name.startswith("-"):
            yield from commands(app[name], (*path, name))


def all_commands() -> list[tuple[str, cyclopts.App]]:
    return list(commands(cli.app))


COMMANDS = all_commands()


def test_the_commands_are_found() -> None:
    assert {"optimize", "census import", "study show", "serve"} <= {name for name, _ in COMMANDS}


@pytest.mark.parametrize("app", [pytest.param(app, id=name) for name, app in COMMANDS])
def test_every_option_has_help(app: cyclopts.App) -> None:
    silent = [
        argument.name
        for argument in app.assemble_argument_collection(parse_docstring=True)
        if argument.show and not (argument.parameter.help or "").strip()
    ]
    assert silent == []


def test_the_completion_of_the_shell_has_every_command(tmp_path: Path) -> None:
    file = tmp_path / "planwise"
    assert cli.run(["completion", "install", "--shell", "bash", "--output", str(file), "--no-startup"]) == 0
    script = file.read_text(encoding="utf-8")
    assert all(word in script for name, _ in COMMANDS for word in name.split())
    subprocess.run(["bash", "-n", str(file)], check=True)
