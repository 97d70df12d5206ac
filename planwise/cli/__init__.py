"""The command line: a file per command group; commands print, use-cases do the work."""

from planwise.cli.commands import main

__all__ = ["main"]
