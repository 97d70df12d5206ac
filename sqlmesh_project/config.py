"""SQLMesh's entry point for its own command line; docs/operator-guide.md has the commands."""

from planwise.engine.command_line import command_line_config

config = command_line_config()
