"""The commands that run jobs, named and not imported: each loads what it needs when it runs."""

import cyclopts

COMMANDS = {
    "simulate": ("flows.cli.simulate:simulate", "Simulate a scenario, gate it, publish it."),
    "optimize": ("flows.cli.optimize:optimize", "Find the levers that meet a growth target; publish them."),
}


def register(app: cyclopts.App) -> None:
    """Add the commands to the command line."""
    for name, (target, text) in COMMANDS.items():
        app.command(target, name=name, help=text)
