"""The command line, one file per command group; the work is done by the use-cases in `planwise.app`."""

from planwise.cli.commands import main

__all__ = ["main"]
